"""A trained adapter can be folded into its matrix, with its scale and not without."""

import pytest

from repro.adaptation.tuning.configurations import InPlace
from repro.adaptation.tuning.measurements import adapters_folded
from repro.models.decoder import Decoder

SHAPE = Decoder(vocabulary=16, width=16, layers=1, heads=2, context=8)


@pytest.mark.parametrize("alpha", [2, 4, 32])
def test_an_adapter_is_one_matrix_and_its_scale_is_part_of_it(alpha: int):
    """The check can fail: a merge that forgets the scale is another model, unless the scale is 1."""
    numbers = adapters_folded(InPlace(shape=SHAPE, rank=4, alpha=alpha), 0)

    assert 0 == numbers["fresh"]
    assert numbers["moved"] > 1e-2, "adapters that move nothing could be folded in any way"
    assert numbers["scaled"] < 1e-12 and numbers["library"] < 1e-12
    assert (numbers["unscaled"] < 1e-12) == (alpha == 4)
