"""A given model, pairs and reward: read as trl reads them, compared as the frontier is, or refused."""

import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

from repro.alignment.given.configurations import Example, GivenArm, given_task
from repro.alignment.given.example import example_task
from repro.alignment.given.forms import Preference
from repro.alignment.given.measurements import own_pairs
from repro.alignment.given.tasks import Split, open_task
from repro.alignment.given.texts import Cutter, gold_of_texts, reward_function, stack_rows
from repro.alignment.methods.causal import Causal, side_by_side
from repro.alignment.methods.configurations import Effort
from repro.alignment.methods.library import Recipe, train, word_tokeniser
from repro.alignment.methods.pairs import pair_log_probs
from repro.alignment.methods.replies import sample_replies
from repro.alignment.reviews.configurations import Stage
from repro.corpora.languages.reviews import draw_reviews, gold, in_words
from repro.models.given import given_model

WORDS = [f"w{number}" for number in range(20)]
TEMPLATE = "{{ bos_token }}{% for m in messages %}{{ m['content'] + ' ' }}{% if m['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"  # noqa: E501
BUDGET = Effort(fit_steps=4, fit_batch=8, ppo_steps=2, episodes=8, looks=2)


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "checkpoints"))


def llama(folder, kind=LlamaForCausalLM, *, labels: int = 1, template: str | None = None, seed: int = 0) -> str:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=23,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=1,
        num_labels=labels,
    )
    kind(config).save_pretrained(folder)
    tokeniser = word_tokeniser(WORDS)
    tokeniser.chat_template = template
    tokeniser.save_pretrained(folder)
    return str(folder)


def file_of(folder, *, talk: bool = False, count: int = 20) -> str:
    rows = []
    for number in range(count):
        row = {
            "prompt": " ".join(WORDS[number % 10 : number % 10 + 1 + number % 3]),
            "chosen": f" w{number % 20} w1",
            "rejected": f" w{(number + 3) % 20}",
        }
        roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
        rows.append({k: [{"role": roles[k], "content": v.strip()}] for k, v in row.items()} if talk else row)
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return str(folder / "pairs.jsonl")


def given_arm(task, method: str, **more) -> GivenArm:
    return GivenArm(
        task=task,
        method=method,
        beta=0.3,
        learning_rate=1e-2,
        budget=BUDGET,
        prompt=8,
        reply=4,
        model_rates=(1e-2,),
        samples=10,
        **more,
    )


@pytest.mark.parametrize("talk", [False, True])
def test_both_methods_run_on_given_files_and_a_given_reward(tmp_path, talk):
    """The first look is the given model: KL 0, wins even; training moves both, and paths stay out of the record."""
    model = llama(tmp_path / "model", template=TEMPLATE)
    reward = llama(tmp_path / "judge", LlamaForSequenceClassification, seed=1)
    task = given_task(model, file_of(tmp_path, talk=talk), reward)

    for method in ("DPO", "PPO"):
        numbers = own_pairs(given_arm(task, method), 0)

        assert (0.0, 0.5, 20) == (numbers["kl"][0], numbers["wins"][0], numbers["used"])
        assert numbers["kl"][-1] > 0 and 3 == len(numbers["reward"])
    assert str(tmp_path) not in str(task)


def test_adapters_learn_and_the_given_weights_stay(tmp_path):
    task = given_task(
        llama(tmp_path / "model"), file_of(tmp_path), llama(tmp_path / "j", LlamaForSequenceClassification)
    )
    learner = open_task(task, 8, 4, 2).reference.learner()

    assert all("lora" in name for name, weight in learner.named_parameters() if weight.requires_grad)
    for method in ("DPO", "PPO"):
        trials = []
        for drawn_before in (1, 2):  # adapters start from random numbers, and the seed alone decides which
            torch.manual_seed(drawn_before)
            trials.append({**own_pairs(given_arm(task, method, lora=2), 0), "seconds": 0})
        assert trials[0] == trials[1] and trials[0]["kl"][-1] > 0


def test_a_task_that_was_read_on_one_device_is_read_again_on_another(gpu, tmp_path):
    """One process, one task, first without the GPU: else the CPU's model and reward model would meet a GPU's tokens."""
    judge = llama(tmp_path / "judge", LlamaForSequenceClassification)
    task = given_task(llama(tmp_path / "model"), file_of(tmp_path), judge)
    numbers = {device: own_pairs(given_arm(task, "PPO", device=device), 0) for device in ("cpu", "cuda")}

    assert numbers["cpu"]["used"] == numbers["cuda"]["used"]
    assert numbers["cpu"]["reward"][0] == pytest.approx(numbers["cuda"]["reward"][0], rel=1e-4)


@pytest.mark.parametrize("talk", [False, True])
def test_tokens_are_trl_s(tmp_path, talk):
    """Log-probabilities of replies under the given model are those that trl logs at its first step."""
    task = given_task(
        llama(tmp_path / "model", template=TEMPLATE),
        file_of(tmp_path, talk=talk),
        llama(tmp_path / "judge", LlamaForSequenceClassification),
    )
    opened = open_task(task, 8, 4)
    rows = [pair.row() for pair in opened.pairs]
    logged = train(
        "dpo",
        opened.reference.learner().model,
        opened.cutter.tokeniser,
        rows,
        Recipe(0.0, steps=1, batch=len(rows)),
        folder=tmp_path / "trl",
    )[0]

    with torch.no_grad():
        chosen, rejected = (part.mean().item() for part in pair_log_probs(opened.reference, stack_rows(opened.rows)))
    assert [chosen, rejected] == pytest.approx([logged["logps/chosen"], logged["logps/rejected"]], rel=1e-3)


def test_what_stands_before_a_sentence_changes_nothing_and_neither_does_the_cache(tmp_path):
    llama(tmp_path)
    model = Causal(LlamaForCausalLM.from_pretrained(tmp_path).eval())
    prompts = [[0, 5, 6, 7], [0, 9]]
    with torch.no_grad():
        together = model(side_by_side(prompts))[:, -1]
        alone = torch.cat([model(torch.tensor([prompt]))[:, -1] for prompt in prompts])
        drawn = sample_replies(model, side_by_side(prompts), 3, torch.Generator().manual_seed(0))
        slow = sample_replies(lambda tokens: model(tokens), side_by_side(prompts), 3, torch.Generator().manual_seed(0))

    torch.testing.assert_close(alone, together)
    assert slow.tolist() == drawn.tolist()


def test_a_classifier_reads_each_reply_behind_its_prompt_whatever_is_read_beside_it(tmp_path):
    folder = llama(tmp_path / "judge", LlamaForSequenceClassification, labels=2)
    model = LlamaForSequenceClassification.from_pretrained(folder).eval()
    tokeniser = word_tokeniser(WORDS)
    expected = []
    for text, end in (("w1 w2", [1]), ("w1 w2 w3 w4", []), ("w5 w6", [1])):
        logits = model(torch.tensor([tokeniser(text)["input_ids"] + end])).logits[0]
        expected.append((logits[1] - logits[0]).item())

    reward = reward_function(given_model(folder, classifies=True), [])
    rewards = reward(["w1", "w1 w2", "w5"], [" w2", " w3 w4", " w6"], [True, False, True])

    assert expected == pytest.approx(rewards, rel=1e-4)


def test_the_reply_s_text_is_what_stands_behind_the_prompt_up_to_the_end(tmp_path):
    cutter = Cutter(Path(llama(tmp_path)), "model", talk=False)

    assert (" w2 w0", True) == cutter.reply([0, 4], [5, 3, 1, 6])
    assert (" w2", False) == cutter.reply([0, 4], [5])


def test_gold_of_a_text_is_gold_of_its_review_and_a_word_too_many_or_too_few_makes_none():
    reviews = draw_reviews(20, seed=0)
    texts = [in_words(review) for review in reviews]
    nouns, replies = zip(*(text.split(" ", 1) for text in texts), strict=True)

    assert gold(reviews).tolist() == pytest.approx(gold_of_texts(nouns, replies, [True] * 20))
    for spoil in (lambda reply: reply + " it", lambda reply: reply.rsplit(" ", 1)[0]):
        spoilt = gold_of_texts(nouns, [spoil(reply) for reply in replies], [True] * 20)
        assert max(spoilt) < 2.01


def test_the_example_is_files_as_a_reader_would_give_them_and_no_prompt_is_on_both_sides(tmp_path):
    task = example_task(Example(stage=Stage(width=8, layers=1, steps=5, batch=16), pairs=60))
    opened = open_task(task, 8, 16)
    split = Split(opened, seed=0)

    assert "gold" == task.reward and isinstance(task.pairs.rows()[0], Preference)
    assert set() == {tuple(opened.rows[n][0]) for n in split.asked} & {tuple(opened.rows[n][0]) for n in split.seen}
    assert set() == set(split.seen) & set(split.held_out)
    assert example_task(Example(stage=Stage(width=8, layers=1, steps=5, batch=16), pairs=60)) == task


def test_what_cannot_be_compared_is_refused(tmp_path):
    model, pairs = llama(tmp_path / "model"), file_of(tmp_path)
    three = llama(tmp_path / "three", LlamaForSequenceClassification, labels=3)

    with pytest.raises(ValueError, match="no -p pairs and no -p reward"):
        given_task(model, "", "")
    with pytest.raises(ValueError, match="gold knows made-up reviews alone, and pair 1 holds 'w0'"):
        open_task(given_task(model, pairs, "gold"), 8, 4)
    with pytest.raises(ValueError, match="three has 3 labels; expected one"):
        open_task(given_task(model, pairs, three), 8, 4)
    with pytest.raises(
        ValueError, match=r"0 of 20 pairs, with 0 different prompts, can be used \(20 have more than 1 t"
    ):
        open_task(given_task(model, pairs, three), 1, 4)
    with pytest.raises(ValueError, match="the tokeniser of model has no chat template"):
        open_task(given_task(model, file_of(tmp_path, talk=True), three), 8, 4)
    with pytest.raises(ValueError, match="got method='KTO'"):
        own_pairs(given_arm(Example(), "KTO"), 0)
