"""Rotary positions in double precision: one score at many places, and the forms in which the rotation is written.

P places, D width of a head, T time.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.architecture.positions.configurations import Forms, Rotations
from repro.models.positions import rotary_angles, rotate


def spread_of_scores(config: Rotations, seed: int) -> dict[str, float]:
    """The numbers of `rotated_scores`."""
    generator = torch.Generator().manual_seed(seed)
    width = config.head_width
    query_D, key_D = torch.randn(2, width, dtype=torch.float64, generator=generator)
    to_query_DD, to_key_DD = torch.randn(2, width, width, dtype=torch.float64, generator=generator) / width**0.5
    tables = rotary_angles(config.longest, width, config.base, torch.float64)
    key_base = config.base / 2 if config.rotated == "key by another base" else config.base
    key_tables = rotary_angles(config.longest, width, key_base, torch.float64)
    spreads, scores = [], []
    for offset in config.offsets:
        keys_P = torch.randint(config.longest - offset, (config.places,), generator=generator)
        queries_P = keys_P + offset
        if config.rotated == "embedding":
            turned_query_PD = _turned(query_D, tables, queries_P) @ to_query_DD
            turned_key_PD = _turned(key_D, tables, keys_P) @ to_key_DD
        else:
            turned_query_PD = _turned(query_D, tables, queries_P)
            alone = config.rotated == "query alone"
            turned_key_PD = key_D.expand(config.places, -1) if alone else _turned(key_D, key_tables, keys_P)
        score_P = (turned_query_PD * turned_key_PD).sum(-1)
        spreads.append(float(score_P.max() - score_P.min()))
        scores.append(score_P)
    return {"spread": max(spreads), "deviation": float(torch.cat(scores).std())}


def _turned(vector_D: Tensor, tables: tuple[Tensor, Tensor], places_P: Tensor) -> Tensor:
    """One vector as it stands at each place (P, D)."""
    cosines_PD, sines_PD = (table[places_P] for table in tables)
    return rotate(vector_D.expand(len(places_P), -1), cosines_PD, sines_PD)


def differences_of_forms(config: Forms, seed: int) -> dict[str, float]:
    """The numbers of `rotation_forms`."""
    generator = torch.Generator().manual_seed(seed)
    width = config.head_width
    query_TD, key_TD = torch.randn(2, config.time, width, dtype=torch.float64, generator=generator)
    complex_TD, blocks_TD = by_complex_numbers(query_TD, config.base), by_blocks(query_TD, config.base)
    apart = torch.cat([torch.arange(0, width, 2), torch.arange(1, width, 2)])  # pairs (2i, 2i + 1) become (i, i + D/2)
    tables = rotary_angles(config.time, width, config.base, torch.float64)
    halves_TD = rotate(query_TD[:, apart], *tables)
    scores_TT = blocks_TD @ by_blocks(key_TD, config.base).mT
    mistaken_TT = rotate(query_TD, *tables) @ rotate(key_TD, *tables).mT
    return {
        "forms": float((complex_TD - blocks_TD).abs().max()),
        "reordered": float((halves_TD - blocks_TD[:, apart]).abs().max()),
        "mistaken": float((mistaken_TT - scores_TT).abs().max()),
        "length": float((blocks_TD.norm(dim=-1) / query_TD.norm(dim=-1) - 1).abs().max()),
    }


def by_complex_numbers(x_TD: Tensor, base: float) -> Tensor:
    """Neighbours (2i, 2i + 1) as one complex number, times exp(i m theta); Su et al. 2021 (arXiv:2104.09864)."""
    cosines_TD, sines_TD = rotary_angles(len(x_TD), x_TD.shape[1], base, torch.float64)
    half = x_TD.shape[1] // 2
    turn_TC = torch.complex(cosines_TD[:, :half], sines_TD[:, :half])
    return torch.view_as_real(torch.view_as_complex(x_TD.unflatten(-1, (-1, 2)).contiguous()) * turn_TC).flatten(1)


def by_blocks(x_TD: Tensor, base: float) -> Tensor:
    """Neighbours (2i, 2i + 1) times a 2 x 2 rotation matrix each; Su et al. 2021, eq. 15."""
    cosines_TD, sines_TD = rotary_angles(len(x_TD), x_TD.shape[1], base, torch.float64)
    half = x_TD.shape[1] // 2
    cosines_TC, sines_TC = cosines_TD[:, :half], sines_TD[:, :half]
    block_TC22 = torch.stack([torch.stack([cosines_TC, -sines_TC], -1), torch.stack([sines_TC, cosines_TC], -1)], -2)
    return torch.einsum("tcij,tcj->tci", block_TC22, x_TD.unflatten(-1, (-1, 2))).flatten(1)
