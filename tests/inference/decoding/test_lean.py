"""The lean decoder gives the decoder's own logits, and speculation with it the target's own answers."""

from __future__ import annotations

import pytest
import torch

from repro.inference.decoding.choices import Drawn
from repro.inference.decoding.configurations import GREEDY, Drawing
from repro.inference.decoding.lean import LAYOUTS, Lean
from repro.inference.decoding.writing import write, write_plainly
from repro.inference.speculation.drafting import ModelDraft, NGramDraft, PromptLookup, speculate
from repro.inference.speculation.steady import StaticSpeculation
from repro.models.decoder import Decoder
from repro.models.ngrams import NGrams
from repro.models.transformer import Transformer

SHAPE = Decoder(vocabulary=40, width=24, layers=2, heads=4, kv_heads=2, context=48)


def model_of(seed: int, **choices) -> Transformer:
    torch.manual_seed(seed)
    return Transformer(Decoder(**{**vars(SHAPE), **choices})).eval()


def some_tokens(batch: int, time: int) -> torch.Tensor:
    return torch.randint(SHAPE.vocabulary, (batch, time), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("static", [False, True])
def test_a_lean_decoder_gives_the_logits_of_a_full_pass(layout, static):
    model, tokens_BT = model_of(0), some_tokens(3, 12)
    reader, starts_B = Lean(model, batch=3, layout=layout, static=static), torch.tensor([0, 0, 0])

    pieces = [reader.read(tokens_BT[:, at : at + n], starts_B + at) for at, n in ((0, 5), (5, 1), (6, 3), (9, 3))]

    torch.testing.assert_close(model(tokens_BT), torch.cat(pieces, 1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("static", [False, True])
def test_sequences_may_stand_at_places_of_their_own(static):
    """What was written behind a sequence's place is not seen, and is written anew."""
    model, tokens_BT = model_of(0), some_tokens(2, 12)
    reader = Lean(model, batch=2, static=static)
    reader.read(tokens_BT.flip(1), torch.tensor([0, 0]))
    reader.read(tokens_BT[:, :8], torch.tensor([0, 0]))
    starts_B = torch.tensor([5, 8])
    fresh_BM = torch.stack([tokens_BT[b, start : start + 3] for b, start in enumerate(starts_B.tolist())])

    found = reader.read(fresh_BM, starts_B)

    whole = model(tokens_BT)
    expected = torch.stack([whole[b, start : start + 3] for b, start in enumerate(starts_B.tolist())])
    torch.testing.assert_close(expected, found, rtol=1e-4, atol=1e-4)


def test_a_lean_decoder_refuses_what_it_cannot_hold():
    with pytest.raises(ValueError, match="beyond the context of 48"):
        Lean(model_of(0), capacity=49)
    with pytest.raises(ValueError, match="this reader holds 1 of 4"):
        Lean(model_of(0), capacity=4).read(some_tokens(1, 5), torch.tensor([0]))
    with pytest.raises(ValueError, match="layout is 'diagonal'; expected one of packed, columns, rows"):
        Lean(model_of(0), layout="diagonal")
    with pytest.raises(ValueError, match="norm is 'layer'"):
        Lean(model_of(0, norm="layer"))


def drafts(target: Transformer) -> dict[str, object]:
    table = NGrams(some_tokens(1, 400)[0].numpy(), vocabulary=40, order=3)
    return {
        "model": ModelDraft(Lean(model_of(1)), GREEDY),
        "self": ModelDraft(Lean(target, layers=1), GREEDY),
        "n-grams": NGramDraft(table, GREEDY),
        "prompt lookup": PromptLookup(40),
    }


@pytest.mark.parametrize("kind", ["model", "self", "n-grams", "prompt lookup"])
def test_greedy_answers_are_the_same_whatever_drafts(kind):
    """In double precision there are no near ties."""
    target, prompt_BT = model_of(0).double(), some_tokens(1, 8)
    draft = drafts(target)[kind]
    plain = write_plainly(Lean(target), prompt_BT, length=24, drawing=GREEDY, choices=Drawn(0))

    made = speculate(Lean(target), draft, prompt_BT, length=24, drafted=3, drawing=GREEDY, choices=Drawn(0))

    assert plain.tolist() == made.answers_BL.tolist()
    assert 24 == len(made.drafted) + sum(int(accepted) for accepted in made.accepted)


def test_a_draft_that_is_the_target_is_always_accepted():
    target, prompt_BT = model_of(0).double(), some_tokens(4, 8)
    draft = ModelDraft(Lean(target, batch=4), GREEDY)

    made = speculate(Lean(target, batch=4), draft, prompt_BT, length=20, drafted=4, drawing=GREEDY, choices=Drawn(0))

    assert [4, 4, 4, 4] == made.drafted
    assert all(int(accepted.min()) == 4 for accepted in made.accepted)


@pytest.mark.parametrize("drawing", [Drawing(), Drawing(temperature=0.7, top_p=0.9), GREEDY], ids=str)
def test_static_rounds_write_what_plain_ones_do(drawing):
    """Token for token from the same seed, the last round cut short, two prompts one after the other."""
    target, small = model_of(0).double(), model_of(1).double()
    room, steady = 8 + 14 + 3 + 1, None
    for seed, prompt_BT in enumerate(some_tokens(2, 8).split(1)):
        eager = speculate(
            Lean(target),
            ModelDraft(Lean(small), drawing),
            prompt_BT,
            length=14,
            drafted=3,
            drawing=drawing,
            choices=Drawn(seed),
        )
        large, guesser = (Lean(model, capacity=room, static=True) for model in (target, small))
        steady = steady or StaticSpeculation(
            large, ModelDraft(guesser, drawing), prompt_BT, length=14, longest=3, drawing=drawing
        )
        steady.begin(prompt_BT, seed)
        while steady.left:
            steady.round(3)

        assert eager.answers_BL.tolist() == steady.answers_BL.tolist()
        assert eager.drafted == steady.drafted


def test_a_layer_of_a_static_step_has_as_few_kernels_as_any(gpu):
    """A GPU's small kernels take 2 us each, so a layer's time is their number: no mask is made in it."""
    launches = []
    for layers in (1, 2):
        with torch.device("cuda"):
            reader = Lean(model_of(0, layers=layers, kv_heads=4).bfloat16(), capacity=24, layout="rows", static=True)
            tokens_B1, places_B = torch.tensor([[1]]), torch.tensor([7])
        gpu.reset()
        reader.read(tokens_B1, places_B)
        launches.append(gpu.launches)

    assert 16 == launches[1] - launches[0]


@pytest.mark.parametrize("drawing", [Drawing(), GREEDY], ids=str)
def test_on_a_gpu_answers_are_written_by_its_own_generator_and_cudnn_is_left_out(gpu, drawing, monkeypatch):
    """Greedy ones are those of a CPU, in single precision; each batch has a seed of its own."""
    plans, read = [], Lean.read
    monkeypatch.setattr(
        Lean, "read", lambda *given: plans.append(torch.backends.cuda.cudnn_sdp_enabled()) or read(*given)
    )
    model, prompts_BT = model_of(0), some_tokens(3, 8)
    expected = write(model, prompts_BT, 6, drawing, batch=2, seed=0)

    answers = write(model.to("cuda"), prompts_BT.to("cuda"), 6, drawing, batch=2, seed=0)

    assert answers.is_cuda and expected.shape == answers.shape and not any(plans)
    assert drawing != GREEDY or expected.tolist() == answers.tolist()


def test_a_moving_target_cannot_be_static():
    prompt_BT = some_tokens(1, 8)
    with pytest.raises(ValueError, match="static=True"):
        StaticSpeculation(
            Lean(model_of(0)), ModelDraft(Lean(model_of(1)), GREEDY), prompt_BT, length=4, longest=2, drawing=GREEDY
        )
