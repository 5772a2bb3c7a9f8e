"""What is measured of speculation: exactness, passes, answers with and without a draft."""

from __future__ import annotations

from itertools import product

import numpy as np

from repro.floor.measurement import Numbers, measurement
from repro.inference.speculation.configurations import (
    Decoding,
    Enumeration,
    Generating,
    GreedyAnswers,
    OnePass,
    PassCosts,
    Quality,
    WrittenPairs,
)


@measurement(version=1)
def enumerate_rule(config: Enumeration, seed: int) -> Numbers:
    """Follow every way that the random choices can go, and compare each string's probability with the target's.

    `difference` is the largest of a string; `total` the sum over strings; `least_gain` the least of sum min(p, q) - sum
    p q, over the pairs of laws. The seed draws the laws.
    """
    import torch

    from repro.inference.decoding.drawing import law
    from repro.inference.speculation.enumeration import probability_of, random_table, written_strings

    target, draft = (random_table(config.vocabulary, 2 * seed + side) for side in range(2))
    probabilities, ways = written_strings(config, target, draft)
    strings = [*product(range(config.vocabulary), repeat=config.length)]
    p, q = (law(side, config.drawing).flatten(0, 1) for side in (target, draft))
    return {
        "difference": max(abs(probabilities[one] - probability_of(one, target, config.drawing)) for one in strings),
        "total": sum(probabilities.values()),
        "strings": len(strings),
        "ways": ways,
        "least_gain": float((torch.minimum(p, q).sum(-1) - (p * q).sum(-1)).min()),
    }


@measurement(version=1)
def one_pass(config: OnePass, seed: int) -> Numbers:
    """The largest `difference` of a logit between one pass over several tokens and passes over one token each."""
    import torch

    from repro.inference.decoding.lean import Lean
    from repro.models.transformer import Transformer

    torch.manual_seed(seed)
    model = Transformer(config.model).double().eval()
    time = config.held + config.tokens
    tokens_BT = torch.randint(config.model.vocabulary, (1, time))
    together, apart = Lean(model, capacity=time), Lean(model, capacity=time)
    for reader in (together, apart):
        reader.read(tokens_BT[:, : config.held], torch.tensor([0]))
    whole = together.read(tokens_BT[:, config.held :], torch.tensor([config.held]))
    each = [apart.read(tokens_BT[:, [place]], torch.tensor([place])) for place in range(config.held, time)]
    return {"difference": float((whole - torch.cat(each, 1)).abs().max()), "tokens": config.tokens}


@measurement(version=1)
def write_pairs(config: WrittenPairs, seed: int) -> Numbers:
    """A G-test of the first two tokens after each prompt against the target's law, computed in whole passes.

    Lists run over the prompts. Second tokens are told apart after the 32 likeliest first ones. The seed trains the pair
    and draws the tokens.
    """
    from repro.inference.speculation.passes import models_of
    from repro.inference.speculation.written import SEEDS, pair_test, pair_writer

    target, draft = models_of(config.pair, seed, config.device)
    write, prompts = pair_writer(config, target, draft), config.prompts.windows().to(config.device)
    results = [
        pair_test(config, target, write, prompt_T, (seed * 1000 + number) * SEEDS)
        for number, prompt_T in enumerate(prompts)
    ]
    tests = [test for test, _ in results]
    accepted = [count for _, counts in results for count in counts]
    whole = sum(tests[1:], tests[0])
    return {
        "statistic": whole.statistic,
        "freedom": whole.freedom,
        "n": whole.n,
        "statistics": [test.statistic for test in tests],
        "freedoms": [test.freedom for test in tests],
        "p_values": [test.p_value for test in tests],
        "accepted": float(np.mean(accepted)) if accepted else None,
    }


@measurement(version=2)
def write_greedily(config: GreedyAnswers, seed: int) -> Numbers:
    """Greedy answers with a draft, beside those without, and every token beside the target's own logits.

    `identical` answers of `answers`; `likeliest` of `tokens` whose logit is at most `tolerance` below the largest of
    one whole pass, and `faultless` answers that have no other token; `largest_margin` how far below any token lies.
    """
    import torch

    from repro.inference.speculation.passes import models_of
    from repro.inference.speculation.written import below_largest, greedy_answers

    target, draft = models_of(config.pair, seed, config.device)
    identical, margins = 0, []
    for alone_T, drafted_T in greedy_answers(config, target, draft):
        identical += int(torch.equal(alone_T, drafted_T))
        margins.append(below_largest(target, drafted_T[None], config.prompts.length)[0])
    below = torch.stack(margins)
    likeliest = below <= config.tolerance
    return {
        "answers": len(margins),
        "identical": identical,
        "faultless": int(likeliest.all(1).sum()),
        "tokens": below.numel(),
        "likeliest": int(likeliest.sum()),
        "largest_margin": float(below.max()),
    }


@measurement(version=2, alone=True)
def time_passes(config: PassCosts, seed: int) -> Numbers:
    """Milliseconds of passes over 1, 2, ... tokens: medians over rounds in which all take turns, on one thread.

    `passes` are those of the logits alone, `verification` each over that of one token, `eight_over_one` round by round.
    `settled` are passes with the choice of tokens at temperature 1: the first is a plain step, the others verify a
    draft. `draft` is a step of the draft. `verified` and `cost` are `settled` and `draft` over a plain step. The seed
    draws the weights and the order of turns.

    Raises:
        ValueError: a device that is not here.
    """
    from repro.inference.decoding.lean import PACKED
    from repro.inference.speculation.passes import models_of, pass_runs, reader_of
    from repro.instruments.turns import milliseconds, on_one_thread, take_turns

    with on_one_thread(config.device):
        room = config.held + config.longest
        large, small = (
            reader_of(model, config, room) for model in models_of(config.pair, seed, config.device, config.dtype)
        )
        runs = pass_runs(config, large, small)
        for run in runs:
            run()  # the first run warms up
        seconds = take_turns(runs, rounds=config.rounds, seed=seed, device=config.device)
    count = config.longest
    passes, settled, [step] = (milliseconds(part) for part in (seconds[:count], seconds[count:-1], seconds[-1:]))
    return {
        "passes": passes,
        "verification": [one / passes[0] for one in passes],
        "packed": large.layout == PACKED,
        "eight_over_one": [many / one for many, one in zip(seconds[8 - 1], seconds[0], strict=True)],
        "settled": settled,
        "verified": [one / settled[0] for one in settled],
        "draft": step,
        "cost": step / settled[0],
    }


@measurement(version=2, alone=True)
def time_decoding(config: Decoding, seed: int) -> Numbers:
    """Seconds of each batch of answers, the reading of the prompts left out: `plain` and `speculative`.

    Lists run over the batches: of the first answer of each, `tested` drafted tokens and those `accepted`, `rounds` that
    drafted as many as wanted and `tokens` they wrote; `overlap` the mean sum of min(p, q) over the places of the plain
    answers, empty where the draft is no model or the drawing greedy. `accepting` counts the rounds of all batches that
    accepted 0, 1, ... tokens. One thread.
    """
    from repro.inference.speculation.answers import TimedAnswers
    from repro.inference.speculation.passes import models_of
    from repro.instruments.turns import on_one_thread

    with on_one_thread(config.device):
        target, draft = models_of(config.pair, seed, config.device, config.dtype)
        return TimedAnswers(config, target, draft).numbers()


@measurement(version=2, alone=True)
def time_generate(config: Generating, seed: int) -> Numbers:
    """Seconds of each answer, the reading of the prompt included: `plain` and `speculative`; `identical` answers."""
    from repro.inference.speculation.assisted import always_draft, answers_by_turns, as_of_transformers
    from repro.inference.speculation.passes import models_of
    from repro.instruments.turns import on_one_thread

    times, identical = [], 0
    with on_one_thread(config.device):
        models = models_of(config.pair, seed, config.device)
        large, small = as_of_transformers(*models)
        if config.drafted:
            always_draft(small, config.drafted)
        for number, prompt_T in enumerate(config.prompts.windows().to(config.device)):
            seconds, same = answers_by_turns(config, large, small, prompt_T, number)
            times.append(seconds)
            identical += int(same)
    plain, speculative = zip(*times, strict=True)
    return {"plain": list(plain), "speculative": list(speculative), "identical": identical}


@measurement(version=1)
def judge_target(config: Quality, seed: int) -> Numbers:
    """Test losses of `target`, `draft` and `ngrams`, in nats per token, and the mean share of `repeated` 4-grams.

    The 5-grams are counted on as many tokens of the text as the target was trained on. Beside answers that are not
    greedy stands the share in test `text` of their length.
    """
    from repro.corpora.texts.text import tokens_of
    from repro.inference.decoding.configurations import Drawing
    from repro.inference.decoding.writing import repeated, write
    from repro.inference.speculation.passes import counted_ngrams, mean_loss, models_of

    target, draft = models_of(config.pair, seed, config.device)
    run, prompts = config.pair.target, config.prompts.windows().to(config.device)
    tested = tokens_of(run.text).test[: run.test_tokens]
    ngrams = counted_ngrams(run.text, run.readings[-1])
    drawing = Drawing(temperature=config.temperature)
    answers = write(target, prompts, config.length, drawing, batch=len(prompts), seed=seed)
    windows = tested[: len(tested) // config.length * config.length].reshape(-1, config.length)
    return {
        "target": mean_loss(target, tested),
        "draft": mean_loss(draft, tested),
        "ngrams": float(ngrams.nats(tested).mean()),
        "repeated": repeated(answers.tolist()),
        **({"text": repeated(windows.tolist())} if config.temperature else {}),
    }
