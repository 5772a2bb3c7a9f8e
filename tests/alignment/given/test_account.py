"""Given pairs and the chat template that writes them out: what the model reads, what is refused, what is counted."""

import json

import pytest
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

from repro.alignment.given.configurations import Given, given_task
from repro.alignment.given.tasks import open_task, rewards_in_file
from repro.alignment.given.texts import stack_rows
from repro.alignment.methods.library import Recipe, train, word_tokeniser
from repro.alignment.methods.pairs import pair_log_probs

WORDS = [f"w{number}" for number in range(20)]
EACH = "{% for m in messages %}{{ m['role'] + ' ' + m['content'] + ' ' }}{% for call in m.get('tool_calls') or [] %}{{ call['function']['name'] + ' w' ~ call['function']['arguments'] | length + ' ' }}{% endfor %}{% endfor %}"  # noqa: E501
KNOWS_ALL = "{% for tool in tools or [] %}{{ tool['function']['name'] + ' ' }}{% endfor %}" + EACH
BY_TURNS = "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{{ m['content'] + ' ' }}{% endfor %}"  # noqa: E501
DROPS = "{% for m in messages if m['role'] in ('user', 'assistant') %}{{ m['content'] + ' ' }}{% endfor %}"
TOOLS = [{"function": {"name": "w11"}}]


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "checkpoints"))


def saved(folder, kind, template: str | None) -> str:
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=30, **sizes, bos_token_id=0, eos_token_id=1, num_labels=1)
    kind(config).save_pretrained(folder)
    tokeniser = word_tokeniser([*WORDS, "system", "user", "assistant", "tool", "developer"])
    tokeniser.chat_template = template
    tokeniser.save_pretrained(folder)
    return str(folder)


def task_of(folder, rows, model: str | None = KNOWS_ALL, judge: str | None = KNOWS_ALL) -> Given:
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    model, judge = (
        saved(folder / "model", LlamaForCausalLM, model),
        saved(folder / "judge", LlamaForSequenceClassification, judge),
    )
    return given_task(model, str(folder / "pairs.jsonl"), judge)


def called(number: int) -> dict:
    """A conversation with a call of a tool, whose arguments differ from row to row, and a reply of several turns."""
    call = {"function": {"name": "w11", "arguments": {f"w{n}": n for n in range(1 + number % 3)}}}
    return {
        "prompt": [
            {"role": "developer", "content": f"w{number}"},
            {"role": "user", "content": f"w{number + 1}"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "name": "w11", "content": "w12"},
        ],
        "chosen": [{"role": role, "content": f"w{n}"} for n, role in enumerate(("assistant", "user", "assistant"))],
        "rejected": [{"role": "assistant", "content": "w5"}],
        "tools": TOOLS,
    }


def talk(number: int, role: str = "user") -> dict:
    return {
        "prompt": [{"role": role, "content": f"w{number}"}, {"role": "user", "content": "w3"}],
        "chosen": [{"role": "assistant", "content": "w4"}],
        "rejected": [{"role": "assistant", "content": "w5"}],
    }


def test_tools_and_several_turns_are_tokens_as_trl_has_them(tmp_path):
    """Calls with other arguments from row to row too, which a table would fill up with nothing."""
    opened = open_task(task_of(tmp_path, [called(number) for number in range(12)]), 40, 20)
    rows = [pair.row() for pair in opened.pairs]
    recipe = Recipe(0.0, steps=1, batch=len(rows))
    model, tokeniser = opened.reference.learner().model, opened.cutter.tokeniser
    logged = train("dpo", model, tokeniser, rows, recipe, folder=tmp_path / "trl")[0]

    chosen, rejected = (part.mean().item() for part in pair_log_probs(opened.reference, stack_rows(opened.rows)))

    assert [chosen, rejected] == pytest.approx([logged["logps/chosen"], logged["logps/rejected"]], rel=1e-3)


def test_a_reply_of_several_turns_is_judged_by_its_last_one_behind_all_others(tmp_path):
    opened = open_task(task_of(tmp_path, [called(number) for number in range(12)]), 40, 20)
    pair = opened.pairs[0]

    expected = opened.rewards([[*pair.prompt, *pair.chosen[:-1]]], [pair.chosen[-1]["content"]], [True])

    assert expected == pytest.approx(rewards_in_file(opened, [0], 1).tolist())


def test_the_account_counts_what_was_done_and_names_the_first_place(tmp_path):
    """Each row of the file is in use or left out."""
    texts = [{"prompt": f"w{number} ", "chosen": "w1", "rejected": "w2", "score": number} for number in range(10)]
    odd = [
        texts[0],
        {**texts[0], "chosen": "w2"},
        {**texts[0], "chosen": ""},
        {**texts[0], "prompt": "w1 w1 w1 w1 w1 "},
        {**texts[0], "chosen": "x\ud83d", "rejected": "y"},
        {**texts[0], "rejected": "w3 w3 w3 w3"},
    ]

    account = task_of(tmp_path, texts + odd).account(4, 4)

    assert {
        ("pairs in use", 11, "line 1"),
        ("more than 4 tokens of prompt: left out", 1, "line 14"),
        ("more than 4 tokens of a reply: left out", 1, "line 16"),
        ("equal in tokens: left out", 1, "line 15"),
        ("a copy of an earlier pair: kept", 1, "line 11"),
        ("both replies are equal, so nothing is preferred: left out", 1, "line 12"),
        ("the prompt, a reply or a message is empty: left out", 1, "line 13"),
        ("half of a character, which no tokeniser takes: replaced by U+FFFD", 1, "line 15"),
        ("the column score was not read", 16, "line 1"),
    } == {tuple(row.values()) for row in account}


REFUSED = {
    "none": (None, KNOWS_ALL, "the tokeniser of model has no chat template"),
    "one that wants turns": (BY_TURNS, KNOWS_ALL, r"line 1: the chat template of model refuses .* \(Roles must alter"),
    "one that drops a role": (DROPS, KNOWS_ALL, "line 1: the chat template of model leaves out the message of the dev"),
    "a judge that wants turns": (KNOWS_ALL, BY_TURNS, "to judge a reply: the chat template of judge refuses the roles"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_chat_template_that_cannot_write_a_conversation_out_is_named_before_any_trial(tmp_path, name):
    model, judge, told = REFUSED[name]
    task = task_of(tmp_path, [talk(number, "developer") for number in range(12)], model, judge)

    with pytest.raises(ValueError, match=told):
        task.account(40, 20)


def test_tools_that_a_chat_template_drops_are_refused_and_a_judge_without_one_reads_messages(tmp_path):
    rows = [called(number) for number in range(12)]

    with pytest.raises(ValueError, match="line 1: the chat template of model leaves out the list of tools"):
        task_of(tmp_path, [{**row, "prompt": row["prompt"][:2]} for row in rows], EACH).account(40, 20)
    assert 12 == task_of(tmp_path, rows, judge=None).account(40, 20)[0]["rows"]
