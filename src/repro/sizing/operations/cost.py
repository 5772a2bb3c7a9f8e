"""Time and money of training: GPU-hours, days and dollars from operations, peak speed and utilisation."""

from __future__ import annotations

HOUR, DAY = 3600.0, 86400.0  # seconds
PETAFLOP_DAY = 1e15 * DAY
# Dense bf16 (V100: fp16) tensor operations per second, from NVIDIA's data sheets; V100 and H100 in their SXM form.
PEAK_FLOPS = {"V100": 125e12, "A100": 312e12, "H100": 989e12}
# Bytes per second of their memory: V100 16 GB, A100 80 GB SXM, H100 SXM.
BANDWIDTH = {"V100": 0.9e12, "A100": 2.039e12, "H100": 3.35e12}


def gpu_hours(flops: float, *, peak_flops: float, utilisation: float) -> float:
    """Hours of one GPU: operations over peak speed times the share of it that is reached (MFU).

    Source: Chowdhery et al. 2022 (arXiv:2204.02311), section 4.1, for the meaning of utilisation.

    Raises:
        ValueError: a utilisation outside (0, 1].
    """
    if not 0 < utilisation <= 1:
        raise ValueError(f"utilisation is {utilisation}; expected a share above 0 and at most 1, such as 0.4")
    return flops / (peak_flops * utilisation) / HOUR


def days(gpu_hours: float, gpus: float) -> float:
    """Days on so many GPUs."""
    return gpu_hours / gpus / 24


def utilisation(flops: float, *, seconds: float, gpus: float, peak_flops: float) -> float:
    """Share of the peak speed that a finished run reached."""
    return flops / (seconds * gpus * peak_flops)


def petaflop_days(flops: float) -> float:
    """Operations in petaflop/s-days, 8.64e19 each (Brown et al. 2020, arXiv:2005.14165, table D.1)."""
    return flops / PETAFLOP_DAY
