"""What is left of an image after the noise of a diffusion model, and how much smaller its latent is."""

from __future__ import annotations

import math


def signal_left(*, first: float, last: float, steps: int = 1000, scaled: bool = False) -> float:
    """Product of 1 - beta over all steps, the share of the image's variance that is left; its root is the amplitude.

    scaled: the betas' square roots are evenly spaced, not the betas.

    Source: Ho et al. 2020 (arXiv:2006.11239), eq. 4 and section 4 (1e-4 to 0.02); Rombach et al. 2021
    (arXiv:2112.10752), whose released code spaces the roots from 0.00085 to 0.012.
    """
    start, end = (math.sqrt(first), math.sqrt(last)) if scaled else (first, last)
    spaced = [start + (end - start) * step / (steps - 1) for step in range(steps)]
    return math.prod(1 - (beta**2 if scaled else beta) for beta in spaced)


def latent_saving(*, factor: int, channels: int = 4, image_channels: int = 3) -> float:
    """How many times fewer numbers a latent has than its image, if each side shrinks `factor` times.

    Source: Rombach et al. 2021 (arXiv:2112.10752), section 3.1.
    """
    return factor**2 * image_channels / channels
