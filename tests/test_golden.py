"""One tiny trial of each measurement, pinned: a change of what is measured must come with a new version.

A measurement that now gives other numbers for the same configuration needs `@measurement(version=...)` raised, and
its new numbers here; its records are stale and have to be made again. No time is pinned, no rounding error, and no
count of what this process happens to hold. Training doubles a rounding error every few steps, and processors round
differently, so a tiny trial trains for few steps: its numbers must be the same with ATEN_CPU_CAPABILITY=default, avx2
and avx512.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from repro.abilities.configurations import (
    Answers,
    PlantedAnswers,
    PlantedScores,
    Scores,
    Voting,
    learning,
    probing,
    recalling,
    translating,
)
from repro.abilities.objectives.configurations import ARMS, Left
from repro.abilities.prompts.configurations import Breaking, Calling, Commanding, Reordering, prompt_run
from repro.adaptation.configurations import OneStep
from repro.adaptation.tuning.configurations import InPlace, PlantedUpdate, SecondLanguage, Tuning
from repro.alignment.demonstrations.configurations import Eliciting, Masking, Referred
from repro.alignment.demonstrations.configurations import RandomPairs as LossReading
from repro.alignment.exact.fixed_points import Economy, FixedPoint, Premise
from repro.alignment.exact.labellers import Labels
from repro.alignment.exact.recovery import Recovery
from repro.alignment.exact.two_aims import TwoAims
from repro.alignment.given.configurations import Example, GivenArm
from repro.alignment.listed.configurations import Listed
from repro.alignment.methods.configurations import Effort
from repro.alignment.reviews.configurations import Aligned, Ordering, Reach, Stage
from repro.architecture.blocks.configurations import Across, Derivatives, Gate, Hidden, Lookup, Norms, Stack, SubLayers
from repro.architecture.positions.configurations import Biases, Forms, Permuted, Placed, PositionTable, Rotations
from repro.attention.configurations import Absorption, AttentionPass, DecodeSteps, Grouping, all_arms
from repro.attention.forms.configurations import Crossed, Definition, Filled, Reordered, Saturation, Seen
from repro.corpora.languages.commands import Commands
from repro.corpora.languages.facts import Facts
from repro.corpora.languages.markov.altered import Altered, Canaries, Noise
from repro.corpora.languages.markov.ambiguous import Ambiguous
from repro.corpora.languages.markov.dialects import Dialects
from repro.corpora.languages.products import Products
from repro.corpora.languages.refusals import Refusals
from repro.corpora.texts.environment import environment
from repro.corpora.texts.packages import packages
from repro.corpora.texts.text import HiddenMarkov, Skills
from repro.corpora.vocabularies.configurations import (
    RandomNumbers,
    SampleWords,
    TokenCounts,
    all_languages,
    held_against,
    named,
    text_of,
    words_by_frequency,
)
from repro.curation.altered.configurations import Extraction, Sharding, Triggering, Unlearning, altered_run, poisoned
from repro.curation.copies.configurations import Files, KnownPairs, Orders, PlantedCopies
from repro.curation.domains.configurations import Mixing
from repro.curation.filters.configurations import Filtering, Kept
from repro.fits.approaches.ablation import Ablation
from repro.fits.approaches.measurements import ApproachOne, ApproachThree, ApproachTwo, SuiteFit
from repro.fits.laws.surface import HOFFMANN
from repro.fits.questions.allocation import Allocation
from repro.fits.questions.counting import Counting
from repro.fits.questions.holdout import HoldOut
from repro.fits.questions.repetition import PlantedPairs, PlantedRepetition, RepeatPairs, RepetitionFit
from repro.fits.questions.staircase import Valleys
from repro.fits.runs.planted import Planted
from repro.fits.runs.suites import Suite
from repro.floor.doors import import_measurements
from repro.floor.measurement import registered
from repro.inference.caches.configurations import Appending, CacheFill, Generation, Lengths, LongStep
from repro.inference.caches.shapes import tiny
from repro.inference.decoding.configurations import GREEDY, DrawingLaws, Prompts, RepeatedAnswers, WrittenText
from repro.inference.serving.configurations import (
    BlockRead,
    Exactness,
    Machine,
    PagedGeneration,
    Paging,
    Replay,
    Sampling,
    Serving,
    Spread,
    Workload,
)
from repro.inference.serving.reuse.configurations import CallCache, Calls, Questions, Routing
from repro.inference.speculation.configurations import (
    Decoding,
    Enumeration,
    Generating,
    GreedyAnswers,
    OnePass,
    Pair,
    PassCosts,
    Quality,
    WrittenPairs,
)
from repro.models.decoder import Decoder
from repro.tokens.algorithms.configurations import (
    Alphabet,
    Lines,
    Pieces,
    Pruning,
    Ranks,
    SmallPruning,
    Strings,
    Toy,
    Training,
    Unspaced,
)
from repro.tokens.trained.configurations import Cutting, Swap, adding, at_equal_compute, parallel_cutting
from repro.training.configurations import Pretraining, Uptraining
from repro.training.objectives.configurations import (
    Coded,
    Collated,
    Fitting,
    Losses,
    Objective,
    Sight,
    Spanned,
    Vocabulary,
)

import_measurements()
GOLDEN = Path(__file__).with_name("golden.json")
SHAPE = Decoder(vocabulary=16, width=16, layers=1, heads=2, context=16)
RUN = Pretraining(
    model=SHAPE,
    text=Skills(vocabulary=16, digits=2, tokens=20_000, test_tokens=2_000),
    readings=(1_024, 2_048),
    batch=256,
    learning_rate=0.02,
    warmup=256,
    test_tokens=1_024,
)
TOLD = {"width": 8, "layers": 1, "steps": 5, "lines": 16, "rate": 0.3}  # a short run on prompts
ALTERED = {"width": 8, "layers": 1, "lines": 4, "rate": 0.3}
WITH_STRINGS = altered_run(
    Altered(windows=24, alteration=Canaries(levels=(1, 2), each=2), classes=2, symbols=8, test_tokens=17_000), **ALTERED
)
SMALL = Stage(width=8, layers=1, steps=10, batch=16)
READ = Lines(count=100)
SERVED = Workload(name="tiny", prompt=Spread(mean=6), output=Spread(mean=6), requests=5)
OURS = named("world-1024")
ASKED = Fitting(
    objective=ARMS["masked 80/10/10"],
    rate=0.2,
    language=Ambiguous(words=8, length=12),
    width=16,
    layers=1,
    steps=4,
    lines=8,
)
PYTHON = environment("python-tiny", 300)
EQUAL = replace(at_equal_compute(PYTHON, width=16, layers=1, context=16, lines=2, flops=1e7, rate=0.5), judged=100)
PROMPTS = Prompts(text=RUN.text, count=2, length=4)
PACKED = packages("python-small", ("click", "rich", "traitlets"), (), tokens=1, test_tokens=1)
CLICK = Files(manifest=PACKED.manifest, sha256=PACKED.sha256, packages=("click",))
FILTERING = Filtering(text=PACKED, judged=1, passages=12, length=800, slots=2**10)

TINY = {
    "absorbed_attention": Absorption(decoupled=False),
    "adapters_folded": InPlace(shape=SHAPE, rank=2, alpha=4),
    "add_numbers": adding(2, 2, "left", 5, width=16, layers=1, steps=5, lines=16, rate=0.3),
    "aligned_reviews": Aligned(
        method="PPO",
        beta=0.1,
        learning_rate=3e-2,
        pairs=40,
        budget=Effort(fit_steps=5, ppo_steps=2, episodes=8, looks=1),
        stage=Stage(width=8, layers=1, steps=10, batch=16),
        samples=20,
    ),
    "allocation": Allocation(source=HOFFMANN),
    "alphabet_needed": Alphabet(lines=READ, held=Lines(count=200), size=20),
    "altered_loss": altered_run(
        Altered(windows=24, alteration=Noise(kind="language", share=0.5), classes=2, symbols=8, test_tokens=17_000),
        **ALTERED,
    ),
    "answers_by_loss": Answers(source=PlantedAnswers(world="law", models=8, tasks=2)),
    "appended_bytes": Appending(fields=tiny("llama"), kind="growing", tokens=8),
    "approach_one": ApproachOne(runs=Planted(), resamples=20),
    "approach_two": ApproachTwo(runs=Planted(), resamples=20),
    "attention_pass": AttentionPass(shape=SHAPE, kv_heads=(2, 1), rounds=1),
    "block_reading": BlockRead(sequences=2, tokens=32, block=16, turns=1),
    "break_refusal": Breaking(
        run=prompt_run(Refusals(topics=4, words=4), **TOLD), prompts=2, suffix=2, starts=1, sweeps=1
    ),
    "broken_premise": Premise(broken="narrow policy", beta=0.5, answers=6, worlds=2),
    "cache_agreement": Generation(fields=tiny("llama"), kind="whole", tokens=4, late=1),
    "check_drawings": DrawingLaws(laws=5),
    "coded_text": Coded(
        order=2, language=HiddenMarkov(symbols=16, classes=4, tokens=3_000, test_tokens=1_000), tokens=200
    ),
    "command": Commanding(run=prompt_run(Commands(), **TOLD), items=20),
    "counting_exponents": Counting(),
    "criteria_agree": Training(lines=READ, steps=10),
    "cross_attention": Crossed(),
    "cut_documents": Cutting(text=PYTHON, piece=20_000, pieces=1),
    "cut_languages": parallel_cutting("planted", ["plain", "marked"], 320, "bpe with marks"),
    "decode_steps": DecodeSteps(shape=SHAPE, batch=1, arms=all_arms(2, [2, 1], 1), rounds=1, stream_bytes=2**12),
    "definition": Definition(written="without the scale"),
    "dependence_of": Sight(tokens=4, prefix=2),
    "directional_derivatives": Derivatives(directions=3, detached=True),
    "elicited": Eliciting(
        facts=Facts(known=60, hidden=30, forms=2, parts=10, values=8),
        demonstrations=(0, 10),
        taught=10,
        validated=20,
        learning_rates=(1e-3,),
        reading=3,
        documents=4,
        steps=4,
        width=16,
    ),
    "embedding_rows": Lookup(),
    "encoders_agree": Strings(lines=READ, steps=40, strings=20),
    "enumerate_rule": Enumeration(rule="rejection", length=2),
    "every_removal_tried": SmallPruning(types=8, candidates=6, removed=2),
    "exclusive_or": Hidden(unit="linear"),
    "extract": Extraction(run=WITH_STRINGS, references=20),
    "filled_weights": Filled(dtype="float32"),
    "filter_scores": FILTERING,
    "find_copies": PlantedCopies(files=CLICK, copies=10),
    "find_real_copies": CLICK,
    "first_ranks": Ranks(held=READ, lines=READ, steps=10),
    "fit_ablation": Ablation(runs=Planted(), way="mean"),
    "fixed_point": FixedPoint(method="k3 in the loss", beta=1.0, answers=4, worlds=2),
    "found_again": CallCache(calls=Calls(kind="chat", count=20)),
    "gated_part": Gate(swapped=True),
    "generation_seconds": Lengths(fields=tiny("llama"), lengths=(2, 4)),
    "grouping": Grouping(shape=SHAPE),
    "held_bytes": CacheFill(fields=tiny("llama"), kind="growing"),
    "holdout": HoldOut(suite=Suite(source=Planted()), resamples=20),
    "judge_target": Quality(pair=Pair(target=RUN, draft=RUN), prompts=PROMPTS, length=8),
    "labelled_by": Labels(pairs=100, flipped=0.1, taste=0.5, answers=20, features=4, worlds=2),
    "labels_of": Losses(shape=SHAPE),
    "language_totals": all_languages("world-1024", "planted"),
    "learn": learning("reversed addition", 2, 10, width=8, layers=1, steps=20, lines=16, rate=0.3),
    "lengths_refused": PositionTable(rows=8, lengths=(8, 9)),
    "linear_biases": Biases(heads=12, time=8),
    "listed_language": Listed(
        method="PPO",
        learning_rate=1e-3,
        pairs=200,
        budget=Effort(fit_steps=30, ppo_steps=2, looks=1),
        model_rates=(3e-3, 1e-2),
    ),
    "long_step_seconds": LongStep(fields=tiny("llama"), held=8, steps=1),
    "loss_readings": LossReading(words=6, width=8, pairs=2, prompt=3, reply=2),
    "losses_agree": Losses(shape=SHAPE),
    "masked_tuning": Masking(
        loss="all",
        prompt="text",
        sentences=1,
        learning_rates=(3e-3,),
        examples=32,
        steps=2,
        batch=8,
        looks=1,
        pretraining=2,
        width=16,
        judged=20,
    ),
    "masks_drawn": Collated(library=True, tokens=20_000),
    "merge_orders": Toy(words=(("low", 5), ("lower", 2))),
    "merges_followed": Training(lines=READ, steps=20),
    "moved_states": Placed(shape=replace(SHAPE, positions="learned", context=32), tokens=8),
    "multiply": Calling(run=prompt_run(Products(lengths=(1,), longest=2, called=False), **TOLD), items=20),
    "norm_identities": Norms(width=8, vectors=4),
    "number_tokens": RandomNumbers(vocabulary=OURS, numbers=20, longest=12),
    "objective_left": Left(fitting=ASKED, looks=(2, 4), probed=12, topics=20, drawn=4),
    "objective_loss": ASKED,
    "one_matrix": Stack(activated=True),
    "one_pass": OnePass(model=RUN.model, tokens=3, held=4),
    "one_step": OneStep(
        shape=Decoder(vocabulary=16, width=32, layers=1, heads=1, hidden=64, tied=False), rank=2, tokens=8
    ),
    "own_pairs": GivenArm(
        task=Example(stage=SMALL, pairs=60),
        method="PPO",
        beta=0.1,
        learning_rate=3e-3,
        budget=Effort(fit_steps=5, fit_batch=8, ppo_steps=2, episodes=8, looks=1),
        prompt=4,
        reply=16,
        model_rates=(1e-2,),
        samples=20,
    ),
    "paged_logits": Exactness(model=Decoder(vocabulary=16, width=16, layers=1, heads=2, context=16), block=4),
    "pairs_economy": Economy(truth="free", pairs=500, answers=5, worlds=2),
    "pattern_needed": Ranks(held=READ, lines=READ, steps=40),
    "permuted_states": Permuted(shape=replace(SHAPE, positions="none", layers=2), tokens=8),
    "places_read": Across(part="attention", tokens=4),
    "planted_update_left": PlantedUpdate(
        shape=SHAPE, planted=2, tuning=Tuning(rank=1, learning_rate=1e-2, lines=2, looks=(2,))
    ),
    "pretrain": RUN,
    "probe": replace(probing(4, 16, 8, width=8, layers=1, steps=5, lines=16, rate=0.6), states=1_000),
    "pruned_vocabularies": Pruning(lines=READ, candidates=60, draws=1),
    "published_counts": held_against("bytes", "", ""),
    "reachable": Reach(stage=SMALL, samples=20),
    "read_elsewhere": Mixing(
        run=replace(
            RUN, text=Dialects(language=HiddenMarkov(symbols=16, classes=4, tokens=3_000, test_tokens=2_000), count=1)
        ),
        domains=2,
    ),
    "recall": recalling(0.1, 16, 2, width=8, layers=1, steps=20, lines=16, rate=0.3),
    "reference_change": Referred(method="DPO", pairs=2),
    "reorder": Reordering(learning=learning("rule", 2, 5, width=8, layers=1, steps=5, lines=16, rate=0.3), items=50),
    "reordered_attention": Reordered(form="softmax, reordered", tokens=12),
    "repeat_answers": RepeatedAnswers(model=RUN, prompts=PROMPTS, length=8, drawing=GREEDY),
    "repeat_pairs": RepeatPairs(source=PlantedPairs()),
    "repetition_fit": RepetitionFit(source=PlantedRepetition(), resamples=20),
    "replay_trace": Replay(
        source=SERVED,
        memory=Paging(block=4),
        machine=Machine(parameters=1e9, token_bytes=1e5, peak_flops=1e14, bandwidth=1e12),
        slots=48,
        longest=32,
    ),
    "reserved_from_text": Pieces(lines=READ, vocabulary=400, strings=10),
    "reward_order": Ordering(pairs=(20, 40), steps=4, looks=2, samples=40, stage=SMALL),
    "reward_recovery": Recovery(tasks=400, answers=5, worlds=2),
    "rotated_scores": Rotations(head_width=8, rotated="embedding", places=10, longest=1_100),
    "rotation_forms": Forms(head_width=8, time=16),
    "route": Routing(small=replace(RUN, model=replace(SHAPE, width=8)), large=RUN, items=200),
    "sample_words": SampleWords(vocabulary=OURS, words=("hello world", "Größe"), entry="ing"),
    "saturation": Saturation(key_width=64),
    "score_shape": Scores(source=PlantedScores(world="mirage", tasks=2), metric="accuracy"),
    "second_language_losses": SecondLanguage(
        run=replace(RUN, text=HiddenMarkov(symbols=16, classes=4, tokens=3_000, test_tokens=10_000)),
        tuning=Tuning(rank=1, learning_rate=1e-2, lines=2, looks=(2,)),
    ),
    "seen_pairs": Seen(mask="causal", tokens=6),
    "served_trace": Serving(
        model=Decoder(vocabulary=16, width=16, layers=1, heads=2, context=32),
        workload=SERVED,
        memory=Paging(block=4),
        slots=48,
    ),
    "shard_losses": Sharding(run=WITH_STRINGS, shards=2),
    "shared_blocks": Sampling(workload=SERVED, longest=32),
    "similar_answers": Questions(asked="two things", count=60),
    "sketch_every_order": Orders(elements=3),
    "sketch_known_pairs": KnownPairs(pairs=5, items=40),
    "spans_taken": Spanned(objective=Objective(kind="spans"), lines=20),
    "strings_returned": Strings(lines=READ, steps=20, strings=10),
    "sublayer_orders": SubLayers(width=8, vectors=4),
    "suite_fit": SuiteFit(suite=Suite(source=Planted()), resamples=20),
    "surface_fit": ApproachThree(runs=Planted(), resamples=20),
    "swap_tokeniser": Swap(start=EQUAL.run, way="kept", judged=100),
    "texts_changed": Pieces(lines=READ, vocabulary=400, strings=20),
    "time_decoding": Decoding(pair=Pair(target=RUN, draft=RUN), prompts=PROMPTS, length=6, drafted=2),
    "time_generate": Generating(pair=Pair(target=RUN, draft=RUN), prompts=PROMPTS, length=6, drawing=GREEDY),
    "time_passes": PassCosts(pair=Pair(target=RUN, draft=RUN), held=4, longest=8, rounds=1),
    "token_counts": TokenCounts(vocabulary=OURS, text=text_of("planted", "hin_Deva")),
    "train_on_half": Kept(
        filtering=FILTERING, run=replace(RUN, model=replace(SHAPE, vocabulary=256), text=PACKED), keeps="classifier"
    ),
    "train_vocabulary": EQUAL,
    "transformers_pages": PagedGeneration(
        model=Decoder(vocabulary=16, width=16, layers=1, heads=2, context=32), requests=2, new_tokens=4
    ),
    "translate": translating(12, 2, 2, width=8, layers=1, steps=2, lines=16, rate=0.6),
    "trigger": Triggering(
        run=altered_run(poisoned(24, 8, classes=2, symbols=8, test_tokens=17_000), **ALTERED), prompts=20
    ),
    "two_aims": TwoAims(correlation=0.0, answers=20, worlds=2),
    "unlearn": Unlearning(run=WITH_STRINGS, way="ascent beside text", most=3, again_most=3),
    "unseen_pieces": Pieces(lines=READ, vocabulary=400, strings=20),
    "unspaced_learned": Unspaced(lines=READ, held=Lines(count=120), vocabulary=200),
    "uptrain": Uptraining(start=RUN, kv_heads=1, tokens=1_024),
    "valley_exponent": Valleys(suite=Suite(source=Planted()), resamples=20),
    "vocabulary_law": Vocabulary(precision="float32", words=1_000),
    "vote": Voting(
        learning=learning("sum in steps", 4, 10, width=8, layers=1, steps=20, lines=16, rate=0.3), samples=5
    ),
    "word_cuts": words_by_frequency("planted", 300, documents=200, common=20, lengths=(4, 6), each=10),
    "write_greedily": GreedyAnswers(pair=Pair(target=RUN, draft=RUN), prompts=PROMPTS, length=6, drafted=2),
    "write_pairs": WrittenPairs(
        pair=Pair(target=RUN, draft=RUN), prompts=PROMPTS, by="rejection", samples=100, drafted=2
    ),
    "write_text": WrittenText(model=RUN, prompts=PROMPTS, length=10),
}


def pinned() -> dict[str, dict[str, object]]:
    """Version and numbers of each measurement, as they were when last reviewed."""
    return dict(json.loads(GOLDEN.read_text(encoding="utf-8")))


def test_every_measurement_of_the_library_is_pinned():
    shipped = {name for name, found in registered().items() if found.module.startswith("repro.")}

    assert shipped == set(TINY) == set(pinned())


def test_what_measures_time_runs_alone():
    timed = [found for name, found in registered().items() if name.startswith("time_") or name.endswith("_seconds")]

    assert len(timed) > 4
    assert all(found.alone for found in timed)


def test_a_configuration_is_built_with_keywords():
    """A number in a row of numbers says nothing of what it is."""
    positional = {
        part.name: found.config_class.__name__
        for found in registered().values()
        for part in fields(found.config_class)
        if not part.kw_only and found.module.startswith("repro.")
    }

    assert {} == positional


@pytest.mark.parametrize("name", sorted(TINY))
def test_the_same_trial_gives_the_same_numbers(name):
    found = registered()[name]
    expected = pinned()[name]

    assert expected["version"] == found.version
    numbers = found(TINY[name], 0)
    assert expected["key"] == found.key(TINY[name], 0), (
        "the configuration spells another key: declare fields with added()"
    )
    for field, value in expected["numbers"].items():
        now = numbers[field][:3] if isinstance(value, list) else numbers[field]  # the first three of a list are pinned
        exact = value is None or isinstance(value, str) or (isinstance(value, list) and isinstance(value[0], str))
        assert value == (now if exact else pytest.approx(now, rel=1e-5, abs=1e-12))
