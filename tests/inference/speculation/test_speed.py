"""What timed answers say, on planted ones whose truth is known; and pairs and prompts of a reader's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from repro.bookkeeping.ledger import judge, load_chapter
from repro.floor import places
from repro.floor.scale import Scale
from repro.inference.decoding.configurations import Drawing
from repro.inference.speculation.answers import TimedAnswers
from repro.inference.speculation.configurations import (
    ASSISTED,
    LOOKUP,
    NGRAMS,
    PLAIN,
    Decoding,
    Generating,
    GreedyAnswers,
    PassCosts,
    WrittenPairs,
)
from repro.inference.speculation.estimates import (
    acceptance_over_overlap,
    better_than_ngrams,
    by_batch,
    by_decoder,
    eight_over_fastest_one,
    fastest,
    fastest_speedup,
    joined,
    speedup_over_prediction,
    tokens_over_closed_form,
    worth_judging,
)
from repro.inference.speculation.given import given_pair, given_prompts
from repro.inference.speculation.measurements import time_decoding, time_generate, time_passes
from repro.inference.speculation.passes import models_of
from repro.inference.speculation.written import below_largest, greedy_answers, pair_writer

CLAIMS = load_chapter(places.experiments() / "speculative" / "claims.toml")


COLUMNS = ("plain", "speculative", "tested", "accepted", "rounds", "tokens")


def planted(
    *, cost: float, verification: float, sticky: float = 0.0, overlap: float = 0.6, seed: int = 0
) -> dict[str, object]:
    """Answers of 40 prompts, 4 tokens drafted, 0.6 of them accepted, times by the formula with noise of 2 %.

    An acceptance follows the one before with probability `sticky`, else it is drawn anew.
    """
    rng = np.random.default_rng(seed)
    lists: dict[str, list[float]] = {name: [] for name in COLUMNS}
    for _ in range(40):
        fresh, kept = rng.random((200, 4)) < 0.6, rng.random((200, 4)) < sticky
        for place in range(1, 4):
            fresh[:, place] = np.where(kept[:, place], fresh[:, place - 1], fresh[:, place])
        whole = np.cumprod(fresh, axis=1).sum(1)
        tokens = int(whole.sum()) + len(whole)
        taken = len(whole) * (4 * cost + verification)
        found = tokens, taken, np.minimum(whole + 1, 4).sum(), whole.sum(), len(whole), tokens
        for name, one in zip(lists, found, strict=True):
            lists[name].append(float(one) * (rng.normal(1, 0.02) if name in ("plain", "speculative") else 1))
    return {**lists, "overlap": list(rng.normal(overlap, 0.01, 40))}


def in_processes(*, strays: float = 0.02, **truth: float) -> pd.DataFrame:
    """The same in ten processes, each of which is slower at verifying by a factor of its own."""
    rng = np.random.default_rng(1)
    slower = np.exp(rng.normal(0, strays, 10))
    return pd.DataFrame(
        [
            {**row, "speculative": [time * slow for time in row["speculative"]]}
            for row, slow in ((planted(**truth, seed=number), slow) for number, slow in enumerate(slower))
        ]
    )


def outcome(claim: str, estimate) -> str:
    return str(judge(CLAIMS[claim], estimate, Scale.GPU).outcome)


@pytest.mark.parametrize("truth", [True, False])
def test_the_formulas_are_told_from_each_other(truth):
    """Free verifications against ones that cost 1.6 steps: each formula is refuted where it does not hold."""
    trials = in_processes(cost=0.1, verification=1.0 if truth else 1.6)

    free = speedup_over_prediction(trials, 4, [0.1] * 10)
    counted = speedup_over_prediction(trials, 4, [0.1] * 10, [1.6] * 10)

    expected = ("supported", "refuted") if truth else ("refuted", "supported")
    assert expected == (
        outcome("speed-as-if-verification-were-free", free),
        outcome("speed-with-the-verification-counted", counted),
    )


def test_a_cost_that_differs_from_process_to_process_widens_the_interval():
    """Within each process all answers agree; c and v of one process would settle what another one contradicts."""
    trials = in_processes(cost=0.1, verification=1.6, strays=0.0)
    strayed = np.exp(np.random.default_rng(2).normal(0, 0.15, 10))

    same, other = (
        speedup_over_prediction(trials, 4, [0.1] * 10, list(1.6 * factor)) for factor in (np.ones(10), strayed)
    )

    claim = "speed-with-the-verification-counted"
    assert ["supported", "open"] == [outcome(claim, same), outcome(claim, other)]


def test_independent_acceptances_are_told_from_runs_of_them():
    rows = planted(cost=0.1, verification=1), planted(cost=0.1, verification=1, sticky=0.9)

    found = [outcome("tokens-a-verification-closed-form", tokens_over_closed_form(row, 4)) for row in rows]

    assert ["supported", "refuted"] == found


def test_an_acceptance_other_than_the_overlap_is_caught():
    rows = [planted(cost=0.1, verification=1, overlap=overlap) for overlap in (0.6, 0.75)]

    assert ["supported", "refuted"] == [outcome("acceptance-is-overlap", acceptance_over_overlap(row)) for row in rows]


def test_a_draft_that_costs_more_than_it_brings_is_caught():
    cheap, dear = in_processes(cost=0.05, verification=1.1), in_processes(cost=0.5, verification=1.5)
    gains = [fastest_speedup(trials, trials) for trials in (cheap, dear)]

    assert ["supported", "refuted"] == [outcome("draft-model-speeds-up-one-sequence", gain) for gain in gains]
    assert ["refuted", "supported"] == [outcome("gain-gone-at-sixteen", gain) for gain in gains]


def test_the_table_holds_measured_and_predicted():
    rows = pd.DataFrame([{"drafted": 4, "batch": 1, **planted(cost=0.1, verification=1.3)}])
    costs = pd.DataFrame([{"batch": 1, "cost": 0.1, "verified": [1, 1, 1, 1, 1.3]}])

    [row] = by_batch(rows, costs).to_dict("records")

    assert row["v measured"] == pytest.approx(row["speed-up"], rel=0.02)
    assert row["v = 1"] == pytest.approx(row["v measured"] * 1.7 / 1.4)


def test_a_draft_that_only_beats_a_handicapped_decoder_brings_nothing():
    """Planted: in columns a plain step takes half as long, and speculation as long as before."""
    packed = in_processes(cost=0.05, verification=1.0)
    columns = packed.assign(plain=[[time / 2 for time in row] for row in packed["plain"]])
    ways = {("packed", 4): packed, ("columns", 4): columns}

    plain, drafting = fastest([*ways], pd.concat([trials.iloc[[0]] for trials in ways.values()]))
    fair = fastest_speedup(ways[plain], ways[drafting])

    assert ("columns", 4) == plain
    assert fastest_speedup(packed, packed).value / 2 == pytest.approx(fair.value)


def test_eight_tokens_are_set_beside_the_fastest_pass_over_one():
    """Packing that slows a pass over one token down does not make one over eight cheap."""
    layouts = {"packed": [5.0, *[6.0] * 7], "columns": [3.0, *[8.0] * 7]}
    rows = [
        {"seed": process, "layout": layout, "passes": [time * slow for time in passes]}
        for process, slow in enumerate((1.0, 1.1, 0.9))
        for layout, passes in layouts.items()
    ]

    packed, columns = (eight_over_fastest_one(pd.DataFrame(rows), layout) for layout in layouts)

    assert [2, 8 / 3] == pytest.approx([packed.value, columns.value])
    assert 3 == packed.n


def test_processes_share_the_prompts_and_together_answer_all_of_them(pair, tmp_path):
    (tmp_path / "prompts.txt").write_text("\n".join(f"w{start} w3 w4 w5" for start in range(6, 11)))
    prompts = given_prompts(str(tmp_path / "prompts.txt"), pair.target, count=5, length=4)
    asked = Decoding(pair=pair, prompts=prompts, length=6, drafted=2)

    whole = time_decoding(asked, 0)
    shares = joined(pd.DataFrame([time_decoding(replace(asked, part=(i, 2)), 0) for i in range(2)]))

    for counted in ("overlap", "accepted", "rounds"):
        assert whole[counted] == pytest.approx([shares[counted][place] for place in (0, 3, 1, 4, 2)])
    with pytest.raises(ValueError, match="of 5 batches"):
        replace(asked, part=(2, 2))


@pytest.mark.parametrize("spoiled", [{}, {"draft": 2.2}, {"ngrams": 2.4}, {"repeated": 0.4}], ids=str)
def test_only_a_target_that_needs_to_be_large_is_judged(spoiled):
    good = {"target": 2.0, "draft": 2.5, "ngrams": 2.6, "repeated": 0.1, "text": 0.12}

    assert (not spoiled) == worth_judging({**good, **spoiled})


@pytest.mark.parametrize(("repeated", "worthy"), [(0.0, True), (0.16, True), (0.18, False)])
def test_sampled_answers_may_repeat_as_much_as_the_text_and_a_little_more(repeated, worthy):
    """Real source repeats some 0.12; and who repeats less than the text does not loop."""
    assert worthy == worth_judging({"target": 2.0, "draft": 2.5, "ngrams": 2.6, "repeated": repeated, "text": 0.12})


@pytest.mark.parametrize(("ngrams", "better"), [(4, True), (6, False)])
def test_a_text_that_5_grams_draft_as_well_is_easy(ngrams, better):
    """Of 8 tokens the model has 6 accepted on each of 40 prompts; the decoders that a GPU is slow at answer 5."""
    times = {"plain": [2.0, 3.0, 2.5, 2.2, 2.8], "speculative": [1.0, 1.5, 1.25, 1.1, 1.4], "tested": [8] * 5}
    model = {**planted(cost=0.1, verification=1), "tested": [8] * 40, "accepted": [6] * 40}
    rows = pd.DataFrame([model, {**times, "accepted": [ngrams] * 5}])
    table = by_decoder(["model, temperature 1", "5-grams, temperature 1"], [rows], 100)

    assert better == better_than_ngrams(table)
    never = pd.DataFrame([{**times, "tested": [0] * 5, "accepted": [0] * 5}, times | {"tested": None}])
    assert by_decoder(["prompt lookup", "transformers"], [never], 100)["accepted"].isna().all()
    assert [pytest.approx(2), pytest.approx(25)] == [table["value"][1], table["ms a token without"][1]]


WORDS = [f"w{number}" for number in range(30)]


def llama(folder: Path, *, layers: int) -> str:
    """A Llama with its first weights and a tokeniser of 30 words."""
    config = LlamaConfig(
        vocab_size=30,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=layers,
        num_attention_heads=2,
        rms_norm_eps=1e-5,
        max_position_embeddings=64,
        bos_token_id=None,
        eos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    cut = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="w0"))
    cut.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=cut, unk_token="w0").save_pretrained(folder)
    return str(folder)


@pytest.fixture
def pair(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return given_pair(llama(tmp_path / "large", layers=2), llama(tmp_path / "small", layers=1))


def test_a_pair_of_ones_own_is_timed_at_ones_own_prompts(pair, tmp_path):
    (tmp_path / "prompts.txt").write_text("w1 w2 w3 w4 w5\n\nw6 w7 w8 w9\n")
    prompts = given_prompts(str(tmp_path / "prompts.txt"), pair.target, count=2, length=4)

    found = time_decoding(Decoding(pair=pair, prompts=prompts, length=6, drafted=2), 0)
    theirs = time_generate(Generating(pair=pair, prompts=prompts, length=6, drawing=Drawing(temperature=0)), 0)

    assert [[1, 2, 3, 4], [6, 7, 8, 9]] == prompts.windows().tolist()
    assert 2 == len(found["plain"]) == len(found["overlap"]) == theirs["identical"]
    assert "large" == pair.target.name and str(tmp_path) not in str(prompts)


@pytest.fixture
def prompts(pair, tmp_path):
    (tmp_path / "prompts.txt").write_text("w1 w2 w3 w4 w5\nw6 w7 w8 w9\n")
    return given_prompts(str(tmp_path / "prompts.txt"), pair.target, count=2, length=4)


def test_on_a_gpu_answers_are_graphs_and_the_host_waits_once_a_round(gpu, pair, prompts):
    """With and without a draft; a plain answer asks the GPU nothing before its end."""
    config = Decoding(pair=pair, prompts=prompts, length=6, drafted=2, device="cuda", dtype="bfloat16", static=True)
    answers = TimedAnswers(config, *models_of(pair, 0, "cuda", "bfloat16"))
    timed = [len(answers.numbers()[side]) for side in ("plain", "speculative")]
    prompt_BT = prompts.windows().to("cuda")[:1]
    replays, waits = gpu.graph_replays, gpu.waits
    rounds = len(answers._speculative(prompt_BT, 0)[0])

    assert rounds == gpu.graph_replays - replays
    assert rounds + 2 == gpu.waits - waits  # and where the clock is read
    waits = gpu.waits
    answers._plain(prompt_BT, 0)
    assert 2 == gpu.waits - waits
    assert [2, 2] == timed  # what warmed up is not among them


def test_on_a_gpu_every_decoder_of_the_page_runs(gpu, pair, prompts):
    """Drafts that guess in Python launch by launch, and transformers' own on the device of the weights."""
    look_up = Decoding(pair=pair, prompts=prompts, length=6, drafted=2, draft=LOOKUP, device="cuda", dtype="bfloat16")
    theirs = Generating(pair=pair, prompts=prompts, length=6, drawing=Drawing(temperature=0), device="cuda")
    passes = PassCosts(pair=pair, held=4, rounds=2, device="cuda", dtype="bfloat16", static=True)

    assert 2 == len(time_decoding(look_up, 0)["plain"]) == time_generate(theirs, 0)["identical"]
    assert 9 == len(time_passes(passes, 0)["settled"])


@pytest.mark.parametrize("by", ["rejection", ASSISTED])
def test_on_a_gpu_greedy_answers_are_the_same_with_a_draft_and_without(gpu, pair, prompts, by):
    """Transformers' models stand where the weights are, as the prompts do."""
    config = GreedyAnswers(pair=pair, prompts=prompts, length=6, by=by, device="cuda")
    target, draft = models_of(pair, 0, "cuda")

    for alone_T, drafted_T in greedy_answers(config, target, draft):
        assert alone_T.is_cuda and torch.equal(alone_T, drafted_T)
        assert float(below_largest(target, drafted_T[None], 4).max()) < config.tolerance


@pytest.mark.parametrize("by", [PLAIN, "rejection", ASSISTED])
def test_on_a_gpu_pairs_are_written_after_prompts(gpu, pair, prompts, by):
    config = WrittenPairs(pair=pair, prompts=prompts, by=by, samples=2, drafted=2, device="cuda")
    prompt_BT = prompts.windows().to("cuda")

    pairs_B2, _ = pair_writer(config, *models_of(pair, 0, "cuda"))(prompt_BT, 0)

    assert (2, 2) == pairs_B2.shape and pairs_B2.is_cuda


def test_prompts_that_cannot_be_used_are_refused(pair, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.write_text("\n \n")
    few = tmp_path / "few.txt"
    few.write_text("w1 w2 w3\n")

    with pytest.raises(FileNotFoundError, match="no file"):
        given_prompts(str(tmp_path / "none.txt"), pair.target, count=1, length=3)
    with pytest.raises(ValueError, match="give -p prompts a file"):
        given_prompts("", pair.target, count=1, length=3)
    with pytest.raises(ValueError, match="holds no prompt"):
        given_prompts(str(empty), pair.target, count=1, length=3)
    with pytest.raises(ValueError, match="holds 1 prompts; 2 are asked for"):
        given_prompts(str(few), pair.target, count=2, length=3).windows()
    with pytest.raises(ValueError, match="prompt 1 holds 3 tokens and 4 are read"):
        given_prompts(str(few), pair.target, count=1, length=4).windows()


def test_a_pair_that_is_none_is_refused(pair, tmp_path):
    other = llama(tmp_path / "other", layers=1)

    with pytest.raises(FileNotFoundError, match=r"no folder .*/missing"):
        given_pair(str(tmp_path / "missing"), other)
    with pytest.raises(FileNotFoundError, match=r"holds no config\.json"):
        given_pair(str(tmp_path), other)
    with pytest.raises(ValueError, match="a target without a draft"):
        given_pair(other, "")
    with pytest.raises(ValueError, match="5-grams are counted on the text"):
        Decoding(pair=pair, prompts=None, length=6, drafted=2, draft=NGRAMS)
