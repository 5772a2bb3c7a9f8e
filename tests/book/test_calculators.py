"""The calculators in a real browser: each equals the library's function, over a grid of inputs with edges."""

from __future__ import annotations

import math
from itertools import product

import pytest

from repro.corpora.tables.numbers import parse_size
from repro.sizing import calculators
from repro.sizing.catalogue import catalogue
from repro.sizing.memory.activations import RECOMPUTE, activation_bytes
from repro.sizing.memory.cache import GIB, cache_bytes, longest_context
from repro.sizing.memory.states import RECIPES
from repro.sizing.published import published_model
from repro.sizing.report import cards_needed

pytestmark = pytest.mark.browser

TOLERANCE = 1e-9  # relative
MODELS = catalogue()["models"]


def grid(**values) -> list[dict]:
    """Every combination."""
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


WIDTHS = {"width": [1, 8192], "hidden": [1, 28_672], "vocabulary": [1, 128_256]}
HEADS = {"layers": [1, 80], "heads": [1, 64], "kv_heads": [1, 8, 64], "head_width": [1, 128]}

GRIDS = {
    "dense_decoder": grid(**HEADS, **WIDTHS, gated=[True, False], tied=[True, False]),
    "activation_memory": grid(
        **HEADS, **WIDTHS, gated=[True, False], tokens=[1, 131_072], batch=[1, 3], recompute=RECOMPUTE
    ),
    "inference_memory": grid(
        width=[8192],
        hidden=[1, 28_672],
        vocabulary=[128_256],
        parameters=[1, 6.9e10],
        weight_bits=[4.127, 16],
        kept_in_16=[0, 1],
        cached=[0, 163_840],
        windowed=[0, 94_208],
        window=[4096],
        context=[1, 512, 1_000_000],
        batch=[1, 64],
        cache_bits=[4, 16],
        gpus=[1, 7],
        overhead=[0, 1e9],
    ),
    "training_memory": grid(
        parameters=[7e9, 6.7e11],
        trained=[1, 4e7, 7e9],
        frozen_bits=[4.127, 16],
        recipe=list(RECIPES),
        activations=[0, 5.5e9],
        gpus=[1, 7, 1024],
        stage=[0, 1, 2, 3],
        overhead=[0, 1e9],
    ),
    "kv_cache": grid(
        **HEADS, context=[1, 4096, 10_000_000], batch=[1, 3], bits=[4, 4.5, 16], free_bytes=[0, 1, 4e10, 40 * GIB]
    ),
    "training_cost": grid(
        parameters=[1, 1.24e8, 1.75e11],
        tokens=[1, 3e11, 1.5e13],
        gpus=[1, 24_576],
        peak_flops=[1.25e14, 9.89e14],
        utilisation=[1e-3, 0.224, 1],
        dollars_per_gpu_hour=[0, 1.5],
    ),
    "compute_optimal": grid(budget=[1, 1e18, 5.76e23, 1e30], ratio=[0.1, 1.7, 20, 1875]),
    "active_share": [
        case
        for case in grid(
            shared=[0, 1.6e9], expert=[1, 5.6e9], experts=[1, 8, 256], active=[1, 2, 8], batch=[1, 8, 10**6]
        )
        if case["active"] <= case["experts"]
    ],
    "speculative": grid(acceptance=[0, 0.1, 0.5, 0.8, 0.99, 1], drafted=[0, 1, 4, 64], cost=[0, 0.01, 0.1, 1, 9]),
}


@pytest.fixture(scope="module")
def sizing(browser, html):
    """The page's functions by name, each called once with all its cases."""
    page = browser.new_page()
    page.goto((html / "calculators.html").as_uri())
    yield lambda name, cases: page.evaluate(
        "([name, cases]) => cases.map((one) => sizing[name](...one))", [name, cases]
    )
    page.close()


def error(expected: object, found: object) -> float:
    """Relative; 0 for equal values, of which None, no number and infinity are some."""
    if isinstance(expected, dict) and isinstance(found, dict):
        assert expected.keys() == found.keys()
        return max(error(expected[name], found[name]) for name in expected)
    if expected == found or (expected != expected and found != found):
        return 0.0
    if not (isinstance(expected, int | float) and isinstance(found, int | float)) or not expected:
        return math.inf
    return abs(expected - found) / abs(expected)


def worst(expected: list, found: list) -> float:
    return max(error(*pair) for pair in zip(expected, found, strict=True))


@pytest.mark.parametrize("name", GRIDS)
def test_the_page_computes_what_the_library_does(sizing, name):
    expected = [getattr(calculators, name)(**case) for case in GRIDS[name]]

    assert worst(expected, sizing(name, [[case] for case in GRIDS[name]])) <= TOLERANCE


def test_a_formula_off_by_a_hundred_millionth_would_be_found(sizing):
    found = sizing("compute_optimal", [[{"budget": 1e24 * (1 + 1e-8)}]])

    assert worst([calculators.compute_optimal(budget=1e24)], found) > TOLERANCE


def test_every_published_decoder_trains_in_as_many_bytes_as_its_configuration_says(sizing):
    """Windows, latents and experts included; below, at and beyond a window."""
    cases = grid(name=list(MODELS), tokens=[1, 512, 2047, 2048, 4096, 4097, 131_072], batch=[1, 3], recompute=RECOMPUTE)
    steps = [{key: case[key] for key in ("tokens", "batch", "recompute")} for case in cases]
    expected = [
        activation_bytes(published_model(case["name"]), step.pop("tokens"), **step)
        for case, step in zip(cases, map(dict, steps), strict=True)
    ]
    arguments = [[MODELS[case["name"]], step] for case, step in zip(cases, steps, strict=True)]

    assert worst(expected, sizing("model_activations", arguments)) <= TOLERANCE


def test_every_published_decoder_keeps_as_many_bytes_and_as_long_a_context(sizing):
    """Where every layer has a window and all fit, the library refuses and the page has no end."""

    def longest(model, free_bytes, batch, bits) -> float:
        try:
            return longest_context(model, free_bytes, batch=batch, bits=bits)
        except ValueError:
            return math.inf

    cases = grid(
        name=list(MODELS), context=[1, 4096, 4097, 10**6], batch=[1, 3], bits=[4, 16], free_bytes=[0, 1e9, 40 * GIB]
    )
    expected = []
    for case in cases:
        model, asked = published_model(case["name"]), {"batch": case["batch"], "bits": case["bits"]}
        total, most = cache_bytes(model, case["context"], **asked), longest(model, case["free_bytes"], **asked)
        expected.append({"per_token": cache_bytes(model, 1, bits=case["bits"]), "total": total, "longest": most})

    assert worst(expected, sizing("model_cache", [[MODELS[case["name"]], case] for case in cases])) <= TOLERANCE


def test_as_many_cards_hold_it(sizing):
    cases = grid(spread=[0, 1, 1e9, 8e10, 1.4e12], each=[0, 1e9, 24 * GIB, 9e10], memory=[24 * GIB, 80 * GIB])

    assert [cards_needed(**case) for case in cases] == sizing("cards_needed", [[case] for case in cases])


def test_a_size_is_read_as_the_command_line_reads_it(sizing):
    def read(text: str) -> float:
        try:
            return parse_size(text)
        except ValueError:
            return math.nan

    texts = ["70B", "1.4T", "350 m", "1e9", "1_000", "1,000,000", ".5", "-3", "+3", "2E", "1e3k", " 8 ", "0"]
    texts += ["", " ", "abc", "1,0", "1__0", "0x10", "Infinity", "NaN", "1.2.3", "7 x", "70BB", "1e", "e9"]

    assert worst([read(text) for text in texts], sizing("parse_size", [[text] for text in texts])) <= TOLERANCE
