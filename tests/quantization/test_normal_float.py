"""NF4 against its definition: levels, error, bits, and the gradients that pass through codes."""

import pytest
import torch

from repro.adaptation.layers import Adapted
from repro.quantization.normal_float import BLOCK, OUTER, levels, pairs_of, quantised, random_codes
from repro.sizing.memory.precision import nf4_bits

# Dettmers et al. 2023 (arXiv:2305.14314), appendix E
PUBLISHED = [
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
]


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_levels_are_those_of_the_paper():
    assert pytest.approx(levels().tolist(), abs=3e-7) == PUBLISHED


def test_what_was_unpacked_packs_to_the_same_codes():
    """Levels are fixed points: a second rounding changes no place."""
    once = quantised(drawn(48, 128))

    assert torch.equal(once.packed, quantised(once.dense(torch.float32)).packed)


def test_the_error_is_at_most_half_a_gap_and_the_rounding_of_the_scale():
    """An 8-bit float of 3 bits after the point is off by at most a sixteenth; here of the scale less the mean."""
    weights = drawn(96, 320) * drawn(96, 1).exp()
    stored = quantised(weights)
    absmax = weights.reshape(-1, BLOCK).abs().amax(dim=1)
    gap = levels().diff().max() / 2
    rounded = (absmax - absmax.mean()).abs().max() / 16
    error = (stored.dense(torch.float32) - weights).reshape(-1, BLOCK).abs().amax(dim=1)

    assert (error <= absmax * gap + rounded + 1e-6).all()
    assert (error > absmax * gap / 4).any()  # it is a rounding to 16 levels and no copy


@pytest.mark.parametrize(
    "make", [lambda: quantised(drawn(256, 512)), lambda: random_codes(256, 512, pairs_of(), torch.Generator())]
)
def test_a_weight_takes_as_many_bits_as_the_formula_says(make):
    """Quantised or drawn, up to the mean of a matrix's scales."""
    bits = 8 * sum(part.nbytes for part in make().tensors) / (256 * 512)

    assert pytest.approx(nf4_bits(block=BLOCK, outer=OUTER) + 32 / (256 * 512), abs=1e-12) == bits


def test_drawn_codes_have_the_variance_of_a_matrix():
    dense = random_codes(256, 512, pairs_of(), torch.Generator().manual_seed(0)).dense(torch.float32)

    assert pytest.approx(1 / 512, rel=0.02) == float(dense.square().mean())


def test_a_part_of_a_block_is_refused():
    with pytest.raises(ValueError, match="expected a multiple of 64"):
        quantised(drawn(3, 5))


@pytest.mark.parametrize("keeps", [False, True])
def test_adapters_learn_as_beside_the_unpacked_weights(keeps):
    """Gradients of adapters and input are those of a dense base; of another base they are not."""
    stored = quantised(drawn(64, 128))
    found = [gradients(base, keeps) for base in (stored, stored.dense(torch.float32), drawn(64, 128, seed=1))]

    for codes, dense in zip(*found[:2], strict=True):
        torch.testing.assert_close(codes, dense)
    assert not torch.allclose(found[0][-1], found[2][-1])


def gradients(base, keeps):
    torch.manual_seed(0)
    layer = Adapted(base, 64, 128, rank=4, dtype=torch.float32, keeps=keeps)
    torch.nn.init.normal_(layer.up)
    x = drawn(10, 128, seed=2).requires_grad_()
    layer(x).square().sum().backward()
    return layer.up.grad, layer.down.grad, x.grad
