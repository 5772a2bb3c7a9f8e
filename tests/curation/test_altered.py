"""What settles the claims on copies, poison and unlearning, where the answer is planted."""

import copy
import math

import numpy as np
import pandas as pd
import pytest
import torch

from repro.alignment.methods.optimiser import steps_down
from repro.corpora.languages.markov.altered import Altered, Canaries
from repro.curation.altered.configurations import Extraction, Sharding, Unlearning, altered_run, rerun
from repro.curation.altered.estimates import (
    any_continued,
    by_copies,
    chosen_rate,
    half_doses,
    log_ratios,
    minus,
    more_continued,
    off_the_line,
)
from repro.curation.altered.reading import exposures, law_of, repeated
from repro.curation.altered.unlearning import apart, ascended, learned, string_loss, strings_on_device
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer
from repro.statistics import geometric_t, largest_mean, student_t

LEVELS = [0, 1, 4, 16, 64, 256]
RUN = altered_run(
    Altered(windows=48, alteration=Canaries(levels=(4,), each=2), symbols=8, classes=2, test_tokens=600),
    **{"width": 16, "layers": 1, "lines": 8, "rate": 0.3},
)
CONFIG = Unlearning(run=RUN, way="ascent beside text", learning_rate=1e-3, again_rate=1e-2)


def continued(*shares: float) -> pd.DataFrame:
    """Trials of ten seeds in which such shares of four strings are continued at each level."""
    trial = {"copies": LEVELS, "strings": [4] * 6, "continued": list(shares), "nats": [1.0] * 6, "exposure": [1.0] * 6}
    return by_copies(pd.DataFrame([{"seed": seed, **trial} for seed in range(10)]))


def test_copies_that_are_memorised_are_told_from_strings_that_were_swapped_after_training():
    memorised, swapped = continued(0, 0, 0, 0, 0.5, 1), continued(0, 0, 0, 0, 0, 0)

    assert more_continued(memorised, 256, 1).low > 0.5
    assert more_continued(swapped, 256, 1).high < 0.5
    assert any_continued(swapped).high < 0.05 < any_continued(memorised).low


def test_a_straight_line_over_log_copies_is_told_from_a_threshold():
    line, threshold = continued(0, 0, 0.25, 0.5, 0.75, 1), continued(0, 0, 0, 0, 0.5, 1)

    assert off_the_line(line, 1, 16, 256).low < 0 < off_the_line(line, 1, 16, 256).high
    assert off_the_line(threshold, 1, 16, 256).high < -0.15


def test_the_worst_of_harmless_copies_is_no_harm_and_the_worst_of_harmful_ones_is():
    """Planted: eight seeds that differ by as much as ours, three numbers of copies, of which one harms, or none."""
    rng = np.random.default_rng(0)
    base = rng.normal(2.72, 0.01, 8)
    harmless = [minus(base + rng.normal(0, 0.004, 8), base) for _ in range(3)]
    harmful = [*harmless[:2], minus(base + rng.normal(0.02, 0.004, 8), base)]

    assert largest_mean(harmless).low < 0 < largest_mean(harmful).low


@pytest.mark.parametrize(("law", "expected"), [("count", 0.0), ("share", math.log(4))])
def test_poison_that_counts_is_told_from_poison_that_is_a_share(law, expected):
    rng, rows = np.random.default_rng(0), []
    for windows in (1_500, 6_000):
        for seed in range(6):
            half = 15 * (windows / 1_500 if law == "share" else 1) * math.exp(rng.normal(0, 0.1))
            rows += [(windows, dose, seed, 1 / (1 + (half / max(dose, 1e-9)) ** 4)) for dose in (0, 10, 20, 40, 80)]
    trials = pd.DataFrame(rows, columns=["windows", "poison", "seed", "success"])
    ratio = student_t(log_ratios(half_doses(trials, 6_000), half_doses(trials, 1_500)))

    assert ratio.low < expected < ratio.high
    assert (-0.35 < ratio.low and ratio.high < 0.35) == (law == "count")
    assert [] == log_ratios(half_doses(trials[trials["poison"] < 20], 6_000), half_doses(trials, 1_500))


def test_a_rate_that_left_the_strings_in_one_model_is_not_chosen_however_good_its_loss():
    rows = [
        {"way": "ascent", "learning_rate": rate, "seed": seed, "nats": nats, "goal": 4.0, "validation": loss}
        for rate, loss, left in ((1e-4, 2.7, (4.1, 3.0)), (1e-3, 2.8, (4.1, 4.2)), (1e-2, 2.9, (4.1, 4.1)))
        for seed, nats in enumerate(left)
    ]

    assert {1e-3} == set(chosen_rate(pd.DataFrame(rows), "ascent")["learning_rate"])


def test_a_string_is_continued_just_where_the_likeliest_tokens_one_by_one_spell_it():
    torch.manual_seed(0)
    model = Transformer(Decoder(vocabulary=4, width=16, layers=1, heads=1, context=8))
    strings = np.random.default_rng(0).integers(4, size=(40, 5))
    written = torch.from_numpy(strings[:, :3])
    for _ in range(2):
        written = torch.cat([written, model(written)[:, -1:].argmax(-1)], dim=1)
    hits, nats = repeated(law_of(model), strings, 3)

    assert hits.tolist() == (written.numpy() == strings).all(axis=1).tolist()
    assert 0 < hits.sum() < 40 and nats[hits].mean() < nats[~hits].mean()


def test_strings_like_the_references_have_an_exposure_of_one_over_log_two_and_known_ones_all_of_it():
    rng = np.random.default_rng(0)
    unseen = [exposures(rng.normal(size=1_000), rng.normal(size=1_023)).mean() for _ in range(40)]

    assert 1 / math.log(2) == pytest.approx(np.mean(unseen), abs=0.03)
    assert [10.0, 0.0] == exposures(np.array([-9.0, 9.0]), rng.normal(size=1_023)).tolist()


def known_by_heart(model: Transformer, strings: np.ndarray) -> Transformer:
    """A copy of a model that was taught strings for long."""
    student, lesson = copy.deepcopy(model), strings_on_device(strings)
    step = steps_down([student], 1e-2, lambda tokens: string_loss(student, tokens, CONFIG.prompt))
    for _ in range(120):
        step(lesson)
    return student


def test_a_trace_that_ascent_leaves_is_told_from_models_that_never_met_the_strings():
    """Planted: models that learn two strings by heart and lose them by ascent; and others that never had them."""
    strings = RUN.text.strings()[0]
    ours, theirs, others = [], [], []
    for seed in range(3):
        torch.manual_seed(seed)
        never, other = Transformer(RUN.model), Transformer(RUN.model)
        knows, steps = known_by_heart(never, strings), learned(never, strings, CONFIG)[1]
        goal = float(repeated(law_of(never), strings, CONFIG.prompt)[1].mean())
        unlearned, _ = ascended(knows, strings, goal, CONFIG, seed)
        theirs.append(steps)
        ours.append(learned(unlearned, strings, CONFIG)[1])
        others.append(learned(other, strings, CONFIG)[1])
        assert 0 == learned(knows, strings, CONFIG)[1]
        assert not repeated(law_of(unlearned), strings, CONFIG.prompt)[0].any()
        assert apart(never, never) == 0 < apart(never, unlearned)

    traced, untraced = (geometric_t(np.array(steps) / np.array(theirs)).value for steps in (ours, others))
    assert traced < 0.5 < untraced


def test_a_run_on_a_shard_reads_it_as_often_as_the_whole_is_read():
    shards = Sharding(run=RUN, shards=2)
    part = shards.part(1, seed=3)

    assert 6 == RUN.steps(RUN.readings[-1]) == 2 * part.steps(part.readings[-1])
    assert (1, 2) == part.text.shard and 3 == part.text.seed
    assert RUN == rerun(RUN, RUN.text)


def test_a_run_on_another_text_is_refused():
    with pytest.raises(ValueError, match="expected one of Canaries"):
        Extraction(run=altered_run(Altered(windows=40), width=16, layers=1, lines=8, rate=0.3))
    with pytest.raises(ValueError, match="in shards of 6; give fewer"):
        Sharding(run=RUN, shards=8)
