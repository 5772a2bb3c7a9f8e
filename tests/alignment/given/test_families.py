"""A given model of any family is read as transformers reads it, or refused by name before it is opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny_models import KINDS, STATES, WORDS, configuration, opened, save, some_tokens
from transformers import AutoTokenizer

from repro.alignment.given.configurations import GivenArm, given_task
from repro.alignment.given.measurements import own_pairs
from repro.alignment.methods.causal import causal, side_by_side
from repro.alignment.methods.configurations import Effort
from repro.alignment.methods.replies import sample_replies


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "checkpoints"))


def pairs_of(folder: Path) -> str:
    rows = [
        {"prompt": " ".join(WORDS[n % 10 : n % 10 + 3]), "chosen": f" w{n} w1", "rejected": f" w{n + 3}"}
        for n in range(20)
    ]
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return str(folder / "pairs.jsonl")


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_logits_are_those_of_transformers_alone_in_a_batch_and_word_by_word(tmp_path, kind):
    """Windows, positions and states count from a sentence's own beginning, whatever stands before it."""
    model, tokens_BT = causal(Path(save(tmp_path, configuration(kind)))), some_tokens(12)
    prompts = [tokens_BT[0].tolist(), [8, 9]]

    together = model(side_by_side(prompts))[:, -1]
    drawn, slow = (
        sample_replies(read, side_by_side(prompts), 8, torch.Generator().manual_seed(0))
        for read in (model, model.forward)  # the second remembers nothing
    )

    library = opened(str(tmp_path))
    alone = torch.cat([library(torch.tensor([prompt])).logits[:, -1] for prompt in prompts])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-4)
    assert slow.tolist() == drawn.tolist()
    assert (kind in STATES) == (model.remembering() is None)


@pytest.mark.parametrize("kind", ["gpt2", "gemma2", "mamba"])
def test_both_methods_run_on_any_family(tmp_path, kind):
    folder = save(tmp_path / "model", configuration(kind))
    tokeniser = AutoTokenizer.from_pretrained(folder)
    tokeniser.eos_token = "w29"
    tokeniser.save_pretrained(folder)
    judge = _judge(tmp_path, kind)
    budget = Effort(fit_steps=2, fit_batch=8, ppo_steps=1, episodes=4, looks=1)
    task = given_task(folder, pairs_of(tmp_path), judge)

    for method in ("DPO", "PPO"):
        arm = {"method": method, "beta": 0.3, "learning_rate": 1e-2, "budget": budget, "model_rates": (1e-2,)}
        numbers = own_pairs(GivenArm(task=task, prompt=8, reply=4, samples=4, **arm), 0)

        assert 0 == pytest.approx(numbers["kl"][0], abs=1e-5) and numbers["kl"][-1] > 1e-5


def _judge(folder: Path, kind: str) -> str:
    """A classifier of one label with the same words; families without one have a Llama's."""
    from transformers import AutoModelForSequenceClassification

    config = configuration("llama" if kind == "mamba" else kind, num_labels=1, pad_token_id=0)
    save(folder / "judge", config)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder / "judge")
    return str(folder / "judge")


def test_a_tokeniser_without_an_end_or_of_more_words_than_the_model_has_is_refused(tmp_path):
    folder = save(tmp_path / "model", configuration("gpt2", vocab_size=25))

    with pytest.raises(ValueError, match="the tokeniser of endless has no end token"):
        given_task(save(tmp_path / "endless", configuration("gpt2")), pairs_of(tmp_path), "gold")
    with pytest.raises(ValueError, match="the tokeniser of model has a token 25, 'w25', and the model has 25 rows"):
        given_task(folder, pairs_of(tmp_path), "gold")
