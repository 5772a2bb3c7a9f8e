"""trl's trainers behind our door: their losses are ours to six digits, and the first token is never lost."""

import math

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

from repro.alignment.methods.flips import unbiased
from repro.alignment.methods.library import Recipe, train, word_tokeniser
from repro.alignment.methods.losses import dpo_loss, ipo_loss, orpo_loss, reply_log_probs, reward_loss, simpo_loss

WORDS = list("abcdefgh")
TOKENISER = word_tokeniser(WORDS)
PAIRS = [
    {"prompt": "a b", "chosen": " c d e", "rejected": " f g"},
    {"prompt": "h", "chosen": " b", "rejected": " c a a a"},
]
SIDES = ("chosen", "rejected")
STILL = Recipe(learning_rate=0.0, steps=1, batch=2, beta=0.3, margin=0.2)


def llama(seed: int, kind: type = LlamaForCausalLM):
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(WORDS) + 3,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        pad_token_id=2,
        bos_token_id=0,
        eos_token_id=1,
        num_labels=1,
        initializer_range=0.5,
    )
    return kind(config)


def encoded(side: str, prompt: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """(pairs, time) tokens of prompt, reply and END, and the mask of the reply; 2 is padding, on the right."""
    rows = [TOKENISER(pair["prompt"] + pair[side])["input_ids"] + [1] for pair in PAIRS]
    starts = [len(TOKENISER(pair["prompt"])["input_ids"]) for pair in PAIRS]
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [2] * (longest - len(row)) for row in rows])
    mask = [[int(start <= t < len(row)) for t in range(longest)] for start, row in zip(starts, rows, strict=True)]
    return tokens, torch.tensor(mask)


def log_probs(model, side: str, *, mean: bool = False) -> torch.Tensor:
    tokens, mask = encoded(side)
    summed = reply_log_probs(lambda t: model(t).logits, tokens, mask)
    return summed / mask.sum(dim=1) if mean else summed


def logged(method: str, model, tmp_path, **given) -> dict[str, float]:
    return train(method, model, TOKENISER, given.get("rows", PAIRS), STILL, folder=tmp_path)[0]


def test_a_text_starts_with_its_first_token():
    assert [0, 3, 4] == TOKENISER("a b")["input_ids"]


def logged_and_ratios(method: str, tmp_path, *, mean: bool = False, **given):
    """What trl logs in two steps, and log-ratios of both sides after the first, which its second entry is of."""
    model, start, ratios = llama(0), llama(0), []

    def watch(step: int) -> None:
        if step == 1:
            ratios.extend(log_probs(model, side, mean=mean) - log_probs(start, side, mean=mean) for side in SIDES)

    recipe = Recipe(3e-3, steps=2, batch=2, beta=0.3)
    return train(method, model, TOKENISER, PAIRS, recipe, folder=tmp_path, watch=watch, **given), ratios


def test_dpo_starts_at_ln_2_and_its_loss_is_ours(tmp_path):
    """At the reference every ratio is 1; away from it trl and we agree, its own log-probabilities included."""
    (first, second), ratios = logged_and_ratios("dpo", tmp_path)

    assert math.log(2) == pytest.approx(first["loss"], abs=1e-4)
    assert log_probs(llama(0), "chosen").mean().item() == pytest.approx(first["logps/chosen"], abs=1e-3)
    assert dpo_loss(*ratios, beta=0.3).item() == pytest.approx(second["loss"], rel=1e-4, abs=1e-4)
    assert math.log(2) != pytest.approx(second["loss"], rel=1e-2)


def test_ipo_is_ours_of_means_over_tokens(tmp_path):
    (_, second), ratios = logged_and_ratios("ipo", tmp_path, mean=True)

    assert ipo_loss(*ratios, beta=0.3).item() == pytest.approx(second["loss"], rel=1e-4, abs=1e-4)
    assert ipo_loss(*(0 * ratio for ratio in ratios), beta=0.3).item() != pytest.approx(second["loss"], rel=1e-2)


@pytest.mark.parametrize("loss", ["robust", "sigmoid"])
def test_trl_s_robust_loss_is_ours_and_its_usual_one_is_deaf_to_label_smoothing(tmp_path, loss: str):
    """With 0.3 the robust loss, or plain DPO's."""
    over = {"loss_type": [loss], "label_smoothing": 0.3}
    (_, second), ratios = logged_and_ratios("dpo", tmp_path, over=over)
    plain = dpo_loss(*ratios, beta=0.3)
    ours = unbiased(plain, dpo_loss(*ratios[::-1], beta=0.3), 0.3) if loss == "robust" else plain

    assert ours.item() == pytest.approx(second["loss"], rel=1e-4, abs=1e-4)


def test_simpo_is_ours_and_reads_no_reference(tmp_path):
    chosen, rejected = (log_probs(llama(0), side, mean=True) for side in ("chosen", "rejected"))
    found = logged("simpo", llama(0), tmp_path)["loss"]

    assert simpo_loss(chosen, rejected, beta=0.3, margin=0.2).item() == pytest.approx(found, abs=2e-3)


def test_orpo_is_ours_but_for_its_likelihood_which_in_trl_covers_the_prompt_too(tmp_path):
    model = llama(0)
    chosen, rejected = (log_probs(model, side, mean=True) for side in ("chosen", "rejected"))
    tokens, _ = encoded("chosen")
    whole = -reply_log_probs(lambda t: model(t).logits, tokens, (tokens != 2).long()).sum() / (tokens[:, 1:] != 2).sum()
    expected = orpo_loss(chosen, rejected, weight=0.3) + chosen.mean() + whole

    assert expected.item() == pytest.approx(logged("orpo", llama(0), tmp_path)["loss"], abs=2e-3)


def test_a_reward_model_trains_on_our_loss(tmp_path):
    model = llama(0, LlamaForSequenceClassification)
    rewards = [
        model(*[encoded(side)[0]], attention_mask=(encoded(side)[0] != 2).long()).logits[:, 0]
        for side in ("chosen", "rejected")
    ]
    found = logged("reward", llama(0, LlamaForSequenceClassification), tmp_path)

    assert reward_loss(*rewards).item() == pytest.approx(found["loss"], abs=2e-3)


def test_sft_reads_the_reply_and_its_end_alone(tmp_path):
    rows = [{"prompt": pair["prompt"], "completion": pair["chosen"]} for pair in PAIRS]
    _, mask = encoded("chosen")
    ours = -(log_probs(llama(0), "chosen").sum() / mask[:, 1:].sum()).item()

    assert ours == pytest.approx(logged("sft", llama(0), tmp_path, rows=rows)["loss"], abs=1e-3)


def test_kto_starts_at_a_half(tmp_path):
    """One minus sigma(0), while policy and reference agree."""
    rows = [
        {"prompt": pair["prompt"], "completion": pair[side], "label": side == "chosen"}
        for pair in PAIRS
        for side in ("chosen", "rejected")
    ]

    assert 0.5 == pytest.approx(logged("kto", llama(0), tmp_path, rows=rows)["loss"], abs=1e-3)


@pytest.mark.parametrize("method", ["rloo", "grpo"])
def test_what_samples_raises_the_reward_it_is_given(tmp_path, method):
    """Eight steps towards one word."""
    rows = [{"prompt": word} for word in WORDS]
    asked = lambda completions, **kw: [float(text.split().count("a")) for text in completions]  # noqa: E731
    recipe = Recipe(3e-2, steps=8, batch=32, beta=0.01, samples=8, reply=4)
    entries = train(method, llama(0), TOKENISER, rows, recipe, folder=tmp_path, reward=asked)

    assert entries[-1]["reward"] > entries[0]["reward"] + 0.5


def test_an_unknown_method_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected sft"):
        train("ppo", llama(0), TOKENISER, PAIRS, STILL, folder=tmp_path)
