"""A pair of a reader's own, of any family: the target's law is that of transformers, and a draft changes no token."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_models import KINDS, OURS, STATES, WORDS, configuration, opened, save, save_words, some_tokens
from torch import Tensor

from repro.inference.decoding.choices import Drawn
from repro.inference.decoding.configurations import GREEDY, Drawing
from repro.inference.speculation.configurations import (
    LOOKUP,
    MODEL,
    SELF,
    Decoding,
    Generating,
    PassCosts,
    assisted_arms,
    drafts_for,
)
from repro.inference.speculation.drafting import ModelDraft, speculate
from repro.inference.speculation.given import (
    LIBRARY,
    GivenPair,
    described_pair,
    given_pair,
    given_prompts,
    refuse_long,
)
from repro.inference.speculation.measurements import time_decoding, time_generate, time_passes
from repro.inference.speculation.passes import models_of, reader_of
from repro.models.library.opened import LibraryModel, LibraryReader

FOREIGN = [kind for kind in KINDS if kind not in OURS]


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "checkpoints"))


def pair_of(folder: Path, kind: str, *, seed: int = 0, **draft) -> GivenPair:
    """A target and a draft of one family; of the same seed and fields, the draft is the target itself."""
    target = save(folder / "large", configuration(kind))
    return given_pair(target, save(folder / "small", configuration(kind, **draft), seed=seed))


def _asked(pair: GivenPair, fields: dict) -> Decoding:
    """A configuration with two prompts of four tokens."""
    file = pair.target.folder() / "prompts.txt"
    file.write_text("w1 w2 w3 w4\nw7 w5 w3 w1\n")
    prompts = given_prompts(str(file), pair.target, count=2, length=4)
    return Decoding(pair=pair, **{**fields, "prompts": prompts})


def likeliest(model, prompt_BT: Tensor, length: int, rows: int) -> Tensor:
    """What transformers writes, token by token, each in a pass over the whole text."""
    for _ in range(length):
        logits_BV = model(prompt_BT, use_cache=False).logits[:, -1, :rows]
        prompt_BT = torch.cat([prompt_BT, logits_BV.argmax(-1, keepdim=True)], 1)
    return prompt_BT


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_s_law_is_that_of_transformers(tmp_path, kind):
    pair = pair_of(tmp_path, kind, seed=1)
    target, _ = models_of(pair, 0, "cpu")
    tokens_BT = some_tokens(30)

    assert (LIBRARY if kind in FOREIGN else "our decoder") == pair.by
    with torch.no_grad():
        expected, found = (m.log_softmax(-1) for m in (opened(tmp_path / "large")(tokens_BT).logits, target(tokens_BT)))
    torch.testing.assert_close(expected, found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("near", [True, False], ids=["near draft", "other draft"])
@torch.no_grad()
def test_a_draft_changes_no_greedy_token(tmp_path, kind, near):
    """Near: the target with a little noise, so that rounds accept some tokens and take others back."""
    pair = pair_of(tmp_path, kind, seed=0 if near else 1)
    target, draft = models_of(pair, 0, "cpu")
    generator = torch.Generator().manual_seed(0)
    for part in draft.parameters() if near else ():
        part.add_(0.02 * torch.randn(part.shape, generator=generator))
    prompt_BT = some_tokens(6, seed=3)

    written = speculate(
        LibraryReader(target, 32),
        ModelDraft(LibraryReader(draft, 32), GREEDY),
        prompt_BT,
        length=20,
        drafted=4,
        drawing=GREEDY,
        choices=Drawn(0),
    )

    assert likeliest(opened(tmp_path / "large"), prompt_BT, 20, 40).tolist() == written.answers_BL.tolist()
    assert target.forgets == (kind not in STATES)
    assert not near or sum(map(int, written.accepted)) > 0


@pytest.mark.parametrize("kind", ["gpt2", "mamba", "mistral with a window"])
@torch.no_grad()
def test_a_token_that_was_taken_back_leaves_no_trace(tmp_path, kind):
    """A reader that read other tokens first, beyond the window, gives the logits of one pass."""
    model, _ = models_of(pair_of(tmp_path, kind), 0, "cpu")
    tokens_BT, reader = some_tokens(20), LibraryReader(model, 20)

    reader.read(some_tokens(18, seed=1), torch.tensor([0]))
    parts = [reader.read(tokens_BT[:, :12], torch.tensor([0]))]
    reader.read(some_tokens(6, seed=2), torch.tensor([12]))
    parts += [reader.read(tokens_BT[:, 12:], torch.tensor([12]))]

    torch.testing.assert_close(model(tokens_BT), torch.cat(parts, 1), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="goes on from one place"):
        reader.read(tokens_BT, torch.tensor([1]))


def test_a_model_whose_cache_does_not_take_back_is_read_anew(tmp_path):
    """Whatever its configuration promises: the first tokens tell."""
    pair = pair_of(tmp_path, "gpt2")
    target, _ = models_of(pair, 0, "cpu")
    place = target.model.transformer.wpe.forward
    target.model.transformer.wpe.forward = lambda places: place(torch.arange(places.shape[-1])[None])  # loses the count

    assert target.forgets and not LibraryModel(target.model, pair.target.described(), 40).forgets


@pytest.mark.parametrize("rows", [(40, 56), (56, 40)], ids=["padded draft", "padded target"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom", "phi3"])
@torch.no_grad()
def test_words_that_one_model_lacks_get_no_probability(tmp_path, kind, rows):
    """The others keep their logits, so their law is that of transformers on the shared words."""
    target = save(tmp_path / "large", configuration(kind, vocab_size=rows[0]))
    pair = given_pair(target, save(tmp_path / "small", configuration(kind, vocab_size=rows[1]), seed=1))
    models, tokens_BT = models_of(pair, 0, "cpu"), some_tokens(12)
    notes = described_pair(pair)["note"]

    for folder, model in zip(("large", "small"), models, strict=True):
        expected = opened(tmp_path / folder)(tokens_BT).logits[..., :40].log_softmax(-1)
        torch.testing.assert_close(expected, model(tokens_BT).log_softmax(-1), rtol=1e-4, atol=1e-4)
    assert "tokens from 40 on get no probability" in notes[0 if rows[0] > rows[1] else 1]
    config = _asked(pair, {"length": 6, "drafted": 2, "drawing": Drawing(), "packed": False})
    assert 2 == len(time_decoding(config, 0)["plain"])
    greedy = Generating(pair=pair, prompts=config.prompts, length=6, drafted=2, drawing=GREEDY)
    assert 2 == time_generate(greedy, 0)["identical"]


@pytest.mark.parametrize("kind", ["qwen3", "gpt2", "mamba"])
def test_the_page_s_measurements_run_on_any_family(tmp_path, kind):
    pair = pair_of(tmp_path, kind, seed=1)
    config = _asked(pair, {"length": 6, "drafted": 2, "drawing": GREEDY, "packed": False})
    drafts = drafts_for(pair)

    assert (MODEL, LOOKUP) == drafts
    for draft in drafts:
        numbers = time_decoding(_asked(pair, {"length": 6, "drafted": 2, "packed": False, "draft": draft}), 0)
        assert 2 == len(numbers["plain"]) == len(numbers["tested"])
    passes = time_passes(PassCosts(pair=pair, held=4, rounds=2, packed=False), 0)
    assert 9 == len(passes["passes"]) and not passes["packed"]
    arms = assisted_arms(pair, config.prompts, 6, "cpu")
    assert (kind in STATES) == (not arms)
    for arm in arms.values():
        assert 2 == time_generate(arm, 0)["identical"]


def test_what_the_folder_says_of_sampling_changes_no_greedy_answer(tmp_path):
    """Its generation_config may punish repetitions, or end an answer early: neither is the model's own law."""
    pair = pair_of(tmp_path, "qwen2")
    for folder in ("large", "small"):
        (tmp_path / folder / "generation_config.json").write_text(
            '{"do_sample": true, "top_k": 2, "repetition_penalty": 1.5, "eos_token_id": 3}'
        )
    config = _asked(pair, {"length": 12, "drafted": 2, "drawing": GREEDY, "packed": False})
    target, _ = models_of(pair, 0, "cpu")
    prompt_BT = config.prompts.windows()[:1]

    written = target.model.generate(prompt_BT, max_new_tokens=12, do_sample=False)

    with torch.no_grad():
        assert likeliest(opened(tmp_path / "large"), prompt_BT, 12, 40).tolist() == written.tolist()


def test_what_only_our_decoder_has_is_refused_where_it_does_not_run(tmp_path):
    pair = pair_of(tmp_path, "gpt2")

    for more in ({"packed": True}, {"static": True}, {"batch": 2}):
        with pytest.raises(ValueError, match="transformers runs this pair with"):
            PassCosts(pair=pair, held=4, **{"packed": False, **more})
    with pytest.raises(ValueError, match="has all of its layers"):
        _asked(pair, {"length": 6, "drafted": 2, "packed": False, "draft": SELF})
    with pytest.raises(ValueError, match="80 tokens are beyond the context of 64"):
        reader_of(models_of(pair, 0, "cpu")[0], PassCosts(pair=pair, held=4, packed=False), 80)
    with pytest.raises(ValueError, match="65 tokens of prompt, answer and draft are beyond the context of large, 64"):
        refuse_long(pair, 65)


def test_other_words_are_refused_by_the_first_that_differs(tmp_path):
    swapped = [*WORDS]
    swapped[7], swapped[9] = swapped[9], swapped[7]
    target = save(tmp_path / "large", configuration("llama"))
    draft = save(tmp_path / "small", configuration("llama"), words=swapped)

    with pytest.raises(ValueError, match="token 7 is 'w7' in large and 'w9' in small"):
        given_pair(target, draft)
    save_words(tmp_path / "small", [*WORDS, *(f"more{number}" for number in range(15))])
    with pytest.raises(ValueError, match=r"small has a token 40, 'more10', and the smaller of .* knows 40"):
        given_pair(target, draft)
    save_words(tmp_path / "small", [*WORDS, "one more"])
    assert 40 == given_pair(target, draft).vocabulary


def test_a_folder_without_a_tokeniser_says_what_is_needed(tmp_path):
    target = save(tmp_path / "large", configuration("llama"))

    with pytest.raises(FileNotFoundError, match="small holds no tokeniser"):
        given_pair(target, save(tmp_path / "small", configuration("llama"), words=None))
    (tmp_path / "small" / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match="the tokeniser of small cannot be read"):
        given_pair(target, str(tmp_path / "small"))


def test_a_pair_of_llamas_is_known_by_its_old_key():
    """Records of pairs that our decoder runs stay; a pair that transformers runs was never measured before."""
    from repro.floor.identity import spell
    from repro.models.given import GivenModel

    side = GivenModel(name="a", sha256="0", vocabulary=30)

    assert "by" not in str(spell(GivenPair(target=side, draft=side)))
    assert LIBRARY in str(spell(GivenPair(target=side, draft=side, by=LIBRARY)))


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_are_cut_by_the_tokeniser_that_the_folder_holds(tmp_path, kind):
    """Qwen 2's class would make a tokeniser of pairs of letters of it, which cuts a text of words into nothing."""
    pair = pair_of(tmp_path, kind)

    assert [[1, 2, 3, 4], [7, 5, 3, 1]] == _asked(
        pair, {"length": 2, "drafted": 1, "packed": False}
    ).prompts.windows().tolist()
