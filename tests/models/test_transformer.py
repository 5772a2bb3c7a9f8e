"""Laws of the decoder: causality, relativity, caches that change nothing, counts that are exact."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaForCausalLM

from repro.models.cache import Cache
from repro.models.counting import forward_flops, matrix_parameters, parameters, with_depth
from repro.models.decoder import ACTIVATIONS, POSITIONS, Decoder
from repro.models.llama import from_llama, to_llama
from repro.models.positions import linear_bias_slopes, rotary_angles, rotate, sinusoids
from repro.models.transformer import Transformer

SHAPE = Decoder(vocabulary=40, width=24, layers=2, heads=4, kv_heads=2, context=12)
VARIANTS = [
    *[{"positions": positions} for positions in POSITIONS],
    *[{"activation": activation, "gated": False} for activation in ACTIVATIONS],
    {"norm": "layer", "norm_place": "post"},
    {"kv_heads": 1, "tied": False},
    {"kv_heads": 4, "hidden": 40},
]


def model_of(**choices) -> Transformer:
    torch.manual_seed(0)
    return Transformer(dataclasses.replace(SHAPE, **choices)).eval()


def some_tokens(batch: int = 2, time: int = 12) -> torch.Tensor:
    return torch.randint(SHAPE.vocabulary, (batch, time), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("choices", VARIANTS, ids=str)
def test_no_token_sees_one_after_it(choices):
    model, tokens_BT = model_of(**choices), some_tokens()
    changed_BT = tokens_BT.clone()
    changed_BT[:, 7] = (changed_BT[:, 7] + 1) % SHAPE.vocabulary

    before, after = model(tokens_BT), model(changed_BT)

    torch.testing.assert_close(before[:, :7], after[:, :7])
    assert (before[:, 7:] - after[:, 7:]).abs().amax() > 1e-3


@pytest.mark.parametrize("choices", VARIANTS, ids=str)
def test_cached_decoding_gives_the_logits_of_a_full_pass(choices):
    """A cache is an optimisation: read in one piece, in several or token by token, it changes the time alone."""
    model, tokens_BT = model_of(**choices), some_tokens()
    cache = Cache(model.shape, batch=2, capacity=12)

    pieces = [model(piece, cache) for piece in tokens_BT.split([5, 3, 1, 1, 2], dim=1)]

    torch.testing.assert_close(model(tokens_BT), torch.cat(pieces, dim=1), rtol=1e-5, atol=1e-5)


def test_a_cropped_cache_goes_on_as_if_nothing_had_been_read_since():
    model, tokens_BT = model_of(), some_tokens()
    cache = Cache(model.shape, batch=2, capacity=12)
    model(some_tokens()[:, :9], cache)
    cache.crop(4)

    torch.testing.assert_close(model(tokens_BT)[:, 4:], model(tokens_BT[:, 4:], cache), rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="13 tokens do not fit into a cache of 12"):
        cache.extend(0, torch.zeros(2, 2, 1, 6), torch.zeros(2, 2, 1, 6))


def test_a_cache_holds_two_numbers_for_each_layer_head_and_token():
    assert 2 * 2 * 3 * 2 * 12 * 6 * 2 == Cache(SHAPE, batch=3, capacity=12, dtype=torch.bfloat16).bytes


def test_rotary_scores_depend_on_the_distance_alone():
    """Su et al. 2021, eq. 16."""
    cosines_TD, sines_TD = rotary_angles(20, 8, 10_000.0)
    query_TD, key_TD = (torch.randn(8, generator=torch.Generator().manual_seed(s)).expand(20, 8) for s in (0, 1))

    scores_TS = rotate(query_TD, cosines_TD, sines_TD) @ rotate(key_TD, cosines_TD, sines_TD).T

    for distance in (-5, 0, 3):
        along = scores_TS.diagonal(distance)
        torch.testing.assert_close(along[:1].expand_as(along), along, rtol=1e-4, atol=1e-5)
    assert (scores_TS.diagonal(3)[0] - scores_TS.diagonal(0)[0]).abs() > 1e-2


def test_linear_biases_fall_as_the_paper_says():
    """Press et al. 2021, sec. 3: eight heads have slopes 1/2, 1/4, ... 1/256."""
    assert [2.0**-h for h in range(1, 9)] == linear_bias_slopes(8).tolist()


def test_sinusoids_turn_by_one_rotation_for_each_step():
    """Vaswani et al. 2017, sec. 3.5: position t + k is a linear function of position t."""
    table_TW = sinusoids(50, 16)
    at, later = table_TW[:-3, 2:4], table_TW[3:, 2:4]

    solution = torch.linalg.lstsq(at, later).solution

    torch.testing.assert_close(later, at @ solution, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("choices", VARIANTS, ids=str)
def test_parameters_are_counted_exactly(choices):
    model = model_of(**choices)

    count = parameters(model.shape)

    assert sum(p.numel() for p in model.parameters()) == count.total
    inside = sum(p.numel() for name, p in model.named_parameters() if name.startswith(("blocks", "norm")))
    assert inside == count.non_embedding


@pytest.mark.parametrize("choices", [{}, {"kv_heads": 1}, {"gated": False, "tied": False}], ids=str)
def test_operations_are_counted_exactly(choices):
    """As PyTorch's own counter sees a forward pass; it does not know the CPU's fused attention, so not that one."""
    model = model_of(**choices)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(some_tokens(batch=1))

    assert counter.get_total_flops() == forward_flops(model.shape, 12)


def test_kaplans_count_leaves_the_output_matrix_out():
    count = parameters(SHAPE)

    assert count.attention + count.feed_forward == matrix_parameters(SHAPE, with_output=False)
    assert 40 * 24 == matrix_parameters(SHAPE) - matrix_parameters(SHAPE, with_output=False)


@pytest.mark.parametrize("tied", [True, False])
def test_a_llama_with_our_weights_has_our_logits(tmp_path, tied):
    model, tokens_BT = model_of(tied=tied), some_tokens()

    llama = to_llama(model)
    llama.save_pretrained(tmp_path)

    torch.testing.assert_close(model(tokens_BT), llama(tokens_BT).logits, rtol=1e-4, atol=1e-5)
    back = from_llama(LlamaForCausalLM.from_pretrained(tmp_path))
    assert model.shape == back.shape
    torch.testing.assert_close(model(tokens_BT), back(tokens_BT))


def test_generating_with_transformers_continues_as_our_logits_say():
    """Greedy generation on exported weights picks the arg max of our own logits at each step."""
    model, prompt_BT = model_of(), some_tokens(time=3)

    written_BT = to_llama(model).generate(prompt_BT, max_new_tokens=6, do_sample=False, pad_token_id=0)

    torch.testing.assert_close(model(written_BT)[:, 2:-1].argmax(-1), written_BT[:, 3:])


def test_what_is_no_llama_is_refused():
    with pytest.raises(ValueError, match="positions is 'alibi'; a Llama has 'rope'"):
        to_llama(model_of(positions="alibi"))


def test_a_choice_left_open_is_the_same_choice_made():
    assert Decoder(vocabulary=40, width=24, layers=2, heads=4, kv_heads=4, hidden=64) == Decoder(
        vocabulary=40, width=24, layers=2, heads=4
    )


@pytest.mark.parametrize(
    ("choices", "complaint"),
    [
        ({"heads": 5}, "width 24 cannot be divided among 5 heads"),
        ({"kv_heads": 3}, "4 query heads cannot share 3 key-value heads"),
        ({"positions": "rotary"}, "positions is 'rotary'; expected one of rope"),
        ({"layers": 0}, "layers is 0; expected at least 1"),
        ({"width": 36, "heads": 4}, "a head of width 9 is odd"),
    ],
)
def test_an_impossible_shape_is_refused(choices, complaint):
    with pytest.raises(ValueError, match=complaint):
        dataclasses.replace(SHAPE, **choices)


@pytest.mark.parametrize("layers", [1, 2, 4, 8])
def test_another_depth_multiplies_by_as_many_parameters(layers):
    """To within half a unit of the feed-forward part in every layer, 3 x width numbers; the output matrix counts.

    With 512 tokens a narrow shape matched without it had a fifth fewer, and lost by that and not by its shape.
    """
    shape = Decoder(vocabulary=512, width=32, layers=2, heads=4)
    found = with_depth(shape, layers)

    assert abs(matrix_parameters(found) - matrix_parameters(shape)) <= 1.5 * found.width * layers
    assert (found.layers, found.head_width) == (layers, shape.head_width)


def test_a_depth_that_leaves_no_feed_forward_part_is_refused():
    with pytest.raises(ValueError, match="128 layers of width 8"):
        with_depth(Decoder(vocabulary=64, width=32, layers=2, heads=4), 128)
