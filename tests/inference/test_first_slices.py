"""The gpu sections of decoding's pages: one pair of weights for three pages, records that fit, caches that fit."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import pytest

from repro.attention.configurations import DecodeSteps, affordable, all_arms, transformers_arms
from repro.attention.measurements import decode_steps
from repro.bookkeeping.records import RecordStore, Trial, record_of
from repro.corpora.texts.text import named_text
from repro.floor import places
from repro.floor.measurement import Numbers
from repro.floor.provenance import provenance
from repro.floor.scale import Scale, load_scales, scales_path
from repro.inference.decoding.configurations import Prompts, WrittenText
from repro.inference.decoding.measurements import write_text
from repro.inference.speculation.configurations import Decoding, Pair, PassCosts, WrittenPairs, pair_on
from repro.inference.speculation.measurements import time_decoding, time_passes, write_pairs
from repro.models.counting import parameters
from repro.models.decoder import Decoder

LONGEST = -1.2345678901234567e-05  # no number is spelled by more characters
CARD = 80e9  # bytes


def knobs_of(notebook: str, scale: Scale = Scale.GPU) -> SimpleNamespace:
    [path] = places.experiments().glob(f"*/{notebook}.ipynb")
    return SimpleNamespace(**load_scales(scales_path(path))[scale].knobs)


def pair_of(notebook: str, target: str, draft: str, scale: Scale = Scale.GPU) -> Pair:
    knobs = knobs_of(notebook, scale)
    named = ("context", "tokens", "batch", "rate", "warmup")
    return pair_on(
        named_text(knobs.data, vocabulary=knobs.vocabulary, tokens=2 * knobs.tokens),
        target=getattr(knobs, target),
        draft=getattr(knobs, draft),
        **{name: getattr(knobs, name) for name in named},
    )


def decoding_cells() -> list[DecodeSteps]:
    """The cells of decode-bandwidth, transformers' own among them."""
    knobs = knobs_of("decode-bandwidth")
    full, few = knobs.heads, knobs.judged_heads

    def cell(batch: int, context: int) -> DecodeSteps:
        shape = Decoder(
            vocabulary=knobs.vocabulary, width=knobs.width, layers=knobs.layers, heads=full, context=context
        )
        return DecodeSteps(
            shape=shape,
            batch=batch,
            arms=all_arms(full, knobs.kv_heads, few),
            dtype=knobs.dtype,
            stream_bytes=knobs.stream_megabytes * 10**6,
        )

    cells = affordable([cell(*pair) for pair in product(knobs.batches, knobs.contexts)], knobs.most_gigabytes)
    longest = cell(1, max(knobs.contexts))
    return [*cells, DecodeSteps(**{**vars(longest), "arms": transformers_arms(full, few)})]


def test_one_training_of_the_pair_serves_speed_exactness_and_sampling():
    """Weights are kept by the key of their run, so the runs must be equal, field by field."""
    speed = pair_of("speed", "large", "small")

    assert speed == pair_of("exactness", "target", "draft")
    assert speed.target == pair_of("drawing-tokens", "model", "model").target
    assert 10 <= parameters(speed.target.model).total / parameters(speed.draft.model).total <= 50  # as the claim says


def test_the_smallest_target_of_eight_tokens_is_that_of_speed():
    """Its passes are trials that both pages read, so that they are timed once."""
    speed, eight = knobs_of("speed", Scale.CPU), knobs_of("eight-tokens", Scale.CPU)
    trained = pair_of("speed", "large", "small", Scale.CPU)
    small, draft = (
        Decoder(vocabulary=eight.vocabulary, width=width, layers=layers, heads=heads, context=eight.context)
        for width, layers, heads in (eight.small, eight.draft)
    )

    assert (trained.target.model, trained.draft.model) == (small, draft)
    assert (speed.prompt + speed.answer // 2, speed.brief) == (eight.held, eight.rounds)
    assert (speed.layouts, speed.processes) == (eight.layouts, eight.processes)


def largest_records() -> dict[str, tuple[Trial, Numbers]]:
    """Trials whose records are the longest of their page, with as many numbers as they have."""
    speed, exact, sampling = (knobs_of(name) for name in ("speed", "exactness", "drawing-tokens"))
    pair = pair_of("speed", "large", "small")
    asked = max(speed.asked, speed.tuning, speed.batches, -(-speed.judged // speed.processes))
    prompts = Prompts(text=pair.target.text, count=asked, length=speed.prompt, skip=speed.tuning)
    machine = {"device": speed.device, "dtype": speed.dtype, "static": speed.static}
    steps = max(decoding_cells(), key=lambda cell: len(cell.arms))
    nine = dict.fromkeys(("passes", "verification", "settled", "verified"), 9)
    lists = dict.fromkeys(("plain", "speculative", "overlap", "tested", "accepted", "rounds", "tokens"), asked)
    return {
        name: (Trial(measurement, config, 0), {name: [LONGEST] * count for name, count in counts.items()})
        for name, measurement, config, counts in (
            ("decode_steps", decode_steps, steps, dict.fromkeys(("ms", "cache", "weights"), len(steps.arms))),
            (
                "time_passes",
                time_passes,
                PassCosts(pair=pair, held=speed.prompt, rounds=speed.rounds, **machine),
                {**nine, "eight_over_one": speed.rounds},
            ),
            (
                "time_decoding",
                time_decoding,
                Decoding(pair=pair, prompts=prompts, length=speed.answer, drafted=4, **machine),
                {**lists, "accepting": max(speed.drafted) + 1},
            ),
            (
                "write_pairs",
                write_pairs,
                WrittenPairs(pair=pair, prompts=prompts, by="transformers", samples=exact.samples, device="cuda"),
                dict.fromkeys(("statistics", "freedoms", "p_values"), max(exact.prompts, sampling.prompts)),
            ),
            (
                "write_text",
                write_text,
                WrittenText(model=pair.target, prompts=prompts, length=sampling.answer, device="cuda"),
                dict.fromkeys(("distinct", "repeated"), sampling.answers),
            ),
        )
    }


@pytest.mark.parametrize("name", ["decode_steps", "time_passes", "time_decoding", "write_pairs", "write_text"])
def test_the_largest_records_of_a_slice_can_be_written(name, tmp_path):
    """At most 16 KB: a sweep whose records are refused has measured for nothing."""
    trial, numbers = largest_records()[name]

    RecordStore(tmp_path).put(record_of(trial, numbers, provenance()))

    double = {key: [*values, *values] for key, values in numbers.items()}
    if name == "write_text":  # and the test can fail: twice as many answers do not fit
        with pytest.raises(ValueError, match="at most 16384"):
            RecordStore(tmp_path).put(record_of(trial, double, provenance()))


def test_the_caches_of_a_cell_fit_into_a_card():
    """Static caches of every number of heads, two that grow by copying, and one more while they are filled."""
    for cell in decoding_cells():
        per_head = 2 * 2 * cell.shape.layers * cell.batch * cell.shape.context * cell.shape.head_width
        static = {arm.kv_heads for arm in cell.arms if arm.cache == "static"}
        own = [arm.kv_heads for arm in cell.arms if arm.cache != "static" or arm.kernel == "transformers"]
        held = per_head * (sum(static) + sum(own) + max(static))
        llamas = sum(arm.kernel == "transformers" for arm in cell.arms)
        weights = 4 * (len(static) + llamas) * parameters(cell.shape).total  # in single precision while they are drawn

        assert held + weights + cell.stream_bytes < 0.8 * CARD
