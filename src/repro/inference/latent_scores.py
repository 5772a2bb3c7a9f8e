"""Multi-head latent attention read two ways: keys and values made from the cached latents, or never made at all.

T time, S time of keys, H heads, N width of a head's key without rotation, R width of the rotary key, C rank, W width.
"""

from __future__ import annotations

from dataclasses import dataclass

from repro.floor.measurement import Numbers, measurement


@dataclass(frozen=True)
class Absorption:
    """One layer of latent attention with random numbers in float64.

    Fields: `decoupled` gives positions a rotary key of their own beside the latent; else the keys that are made from
    the latents are themselves rotated, which is the planted fault.
    """

    heads: int = 16
    rank: int = 64
    plain: int = 32
    rotary: int = 16
    width: int = 128
    tokens: int = 48
    decoupled: bool = True


@measurement(version=1)
def absorbed_attention(config: Absorption, seed: int) -> Numbers:
    """Differences between scores, and outputs, with keys and values made and with their matrices absorbed.

    Absorbed, a query is multiplied once by the keys' up-projection and the output by the values', so that only latents
    are read. Both in standard deviations of the numbers compared.

    Source: DeepSeek-AI 2024 (arXiv:2405.04434), section 2.1.
    """
    import torch  # not above: what needs no trial needs no torch

    from repro.models.positions import rotary_angles, rotate

    drawn = torch.Generator().manual_seed(seed)

    def random(*size: int) -> torch.Tensor:
        return torch.randn(size, dtype=torch.float64, generator=drawn)

    time, heads, rank = config.tokens, config.heads, config.rank
    latent_SC, query_HTN = random(time, rank), random(heads, time, config.plain)
    key_up_HNC, value_up_HNC = (random(heads, config.plain, rank) / rank**0.5 for _ in range(2))
    output_HNW = random(heads, config.plain, config.width) / (heads * config.plain) ** 0.5
    key_HSN, value_HSN = (latent_SC @ up_HNC.mT for up_HNC in (key_up_HNC, value_up_HNC))
    absorbed_HTC = query_HTN @ key_up_HNC
    if config.decoupled:
        rotary_HTS = random(heads, time, config.rotary) @ random(time, config.rotary).mT
    else:
        cosines, sines = (angles.double() for angles in rotary_angles(time, config.plain, 10_000.0))
        query_HTN, key_HSN = rotate(query_HTN, cosines, sines), rotate(key_HSN, cosines, sines)
        absorbed_HTC, rotary_HTS = query_HTN @ key_up_HNC, torch.zeros((), dtype=torch.float64)
    made_HTS = query_HTN @ key_HSN.mT + rotary_HTS
    read_HTS = absorbed_HTC @ latent_SC.mT + rotary_HTS
    scale = (config.plain + config.rotary * config.decoupled) ** -0.5
    made_TW = ((made_HTS * scale).softmax(-1) @ value_HSN @ output_HNW).sum(0)
    read_TW = ((read_HTS * scale).softmax(-1) @ latent_SC @ (value_up_HNC.mT @ output_HNW)).sum(0)
    return {
        "scores": float((made_HTS - read_HTS).abs().max() / made_HTS.std()),
        "outputs": float((made_TW - read_TW).abs().max() / made_TW.std()),
    }
