"""The calculators in a real browser: each equals the library's function, and says what is wrong with an input."""

from __future__ import annotations

import math
from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest

from repro.fits.sizes import parse_size
from repro.sizing import calculators
from repro.sizing.activations import RECOMPUTE, activation_bytes
from repro.sizing.cache import GIB, cache_bytes, longest_context
from repro.sizing.catalogue import catalogue
from repro.sizing.published import published_model
from repro.sizing.report import cards_needed
from repro.sizing.states import RECIPES

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


# ------------------------------------------------------------ what a reader sees


def filled(page, calculator: str, given: dict[str, str]):
    """The calculator of that name after someone has picked and typed."""
    form = page.get_by_role("form", name=calculator)
    for label, value in given.items():
        field = form.get_by_label(label, exact=True)
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    return form


def shown(form) -> str:
    """The answer's sentence and its table, as one text."""
    return " ".join(" ".join(form.locator(".repro-answer, .repro-table").all_inner_texts()).split())


def gigabytes(size: float) -> str:
    return f"{size / 1e9:,.2f} GB ({size / GIB:,.2f} GiB)"


LLAMA = {"layers": 80, "heads": 64, "kv_heads": 8, "head_width": 128}
LLAMA_70B = {**LLAMA, "width": 8192, "hidden": 28_672, "gated": True, "vocabulary": 32_000}
COUNTS = calculators.dense_decoder(**LLAMA_70B, tied=False)


def test_serving_answers_as_one_types(opened):
    expected = calculators.inference_memory(
        parameters=COUNTS["parameters"],
        weight_bits=16,
        kept_in_16=0,
        cached=COUNTS["cached"],
        windowed=0,
        window=0,
        context=4096,
        batch=8,
        cache_bits=8,
        gpus=2,
        overhead=5e8,
        **{name: LLAMA_70B[name] for name in ("width", "hidden", "vocabulary")},
    )
    given = {"Model": "llama-2-70b", "Tokens in a sequence": "4k", "Sequences at once": "8", "A cached number": "8"}
    given |= {
        "GPUs": "2",
        "Memory of one GPU, GiB": "24",
        "Runtime on each GPU, GB": "0.5",
        "Tokens in a sequence": "4096",
    }
    found = shown(filled(opened("calculators"), "Memory to serve", given))

    assert gigabytes(expected["total"]) in found
    assert f"{expected['per_gpu'] / GIB:,.2f} GiB on each of 2 GPUs" in found
    assert "does not fit in the 24 GiB of each; 6 such GPUs would hold it" in found
    assert "2 × 80 layers × 8 heads × 128 × 4,096 tokens × 8 sequences × 8 bits ÷ 8" in found


def test_training_adapters_leaves_the_base_frozen(opened):
    activations = calculators.activation_memory(**LLAMA_70B, tokens=2048, recompute="selective")
    expected = calculators.training_memory(
        parameters=COUNTS["parameters"],
        trained=8 * COUNTS["adapters"],
        frozen_bits=16,
        recipe="mixed",
        activations=activations,
        gpus=4,
        stage=2,
    )
    given = {"Model": "llama-2-70b", "What is trained": "lora", "Rank of the adapters": "8", "GPUs": "4"}
    given |= {"Tokens in a sequence": "2048", "Recomputed activations": "selective", "Shared between GPUs": "2"}
    found = shown(filled(opened("calculators"), "Memory to train", given))

    assert gigabytes(expected["per_gpu"]) in found
    assert "frozen weights 68.98 billion × 16 bits ÷ 8 137.95 128.48" in found


def test_the_cache_of_a_typed_configuration(opened):
    """It starts from the model that was picked before; a head for each query head takes eight times as much."""
    page = opened("calculators")
    found = shown(filled(page, "Key-value cache", {"Model": "own", "Key-value heads": "64"}))
    expected = calculators.kv_cache(**{**LLAMA, "kv_heads": 64}, context=4096, free_bytes=40 * GIB)

    assert f"The cache of your model takes {gigabytes(expected['total'])}" in found
    assert f"40 GiB hold at most {expected['longest']:,.0f} tokens" in found
    assert "10.00 GiB" in found


def test_cost_and_time_of_training(opened):
    """GPT-3 on V100s, as an article of 2020 counted it: 4.7 million dollars."""
    given = {"Model": "own", "Parameters a token uses": "174.6B", "Training tokens": "300B", "GPU": "V100"}
    given |= {"Share of the peak reached, %": "22.4", "GPUs": "1024", "Dollars a GPU-hour": "1.5"}
    expected = calculators.training_cost(
        parameters=174.6e9, tokens=3e11, gpus=1024, peak_flops=125e12, utilisation=0.224, dollars_per_gpu_hour=1.5
    )
    found = shown(filled(opened("calculators"), "Cost and time of training", given))

    assert f"{expected['gpu_hours'] / 1e6:.4g} million GPU-hours: {expected['days']:.4g} days on 1,024 GPUs" in found
    assert f"{expected['dollars'] / 1e6:.4g} million dollars" in found


def test_size_mixture_and_speculation(opened):
    page = opened("calculators")
    optimum = calculators.compute_optimal(budget=1e21, ratio=25)
    share = calculators.active_share(**MODELS["qwen3-30b-a3b"]["mixture"], batch=16)
    draft = calculators.speculative(acceptance=0.6, drafted=3, cost=0.05)

    size = filled(page, "Compute-optimal size", {"Operations to spend": "1e21", "Tokens a parameter": "25"})
    assert f"{optimum['parameters'] / 1e9:.4g} billion parameters and {optimum['tokens'] / 1e9:.4g} billion" in shown(
        size
    )
    mixture = filled(page, "Active share of a mixture", {"Model": "qwen3-30b-a3b", "Tokens at once": "16"})
    assert f"{100 * share['share']:.3g} %" in shown(mixture)
    assert f"{100 * share['touched']:.3g} %" in shown(mixture)
    given = {"Acceptance of a drafted token, 0 to 1": ".6", "Drafted tokens": "3"}
    drafting = filled(page, "Speculative decoding", {**given, "A draft step over a verification": "0.05"})
    assert f"{draft['tokens']:.4g} tokens a verification and decodes {draft['speed_up']:.4g} times" in shown(drafting)
    assert f"best draft has {draft['best_draft']} tokens" in shown(drafting)


WRONG = [  # calculator, what is picked before, field, what is typed into it, what is said
    ("Memory to serve", {}, "Tokens in a sequence", "-5", "-5 is too small; expected a whole number of at least 1."),
    ("Memory to serve", {}, "GPUs", "", "Nothing is given; expected a whole number of at least 1."),
    ("Memory to serve", {}, "Memory of one GPU, GiB", "0", "0 is too small; expected a number above 0."),
    ("Memory to serve", {"Model": "own"}, "Key-value heads", "7", "7 does not divide 32 query heads; give one of 1, 2"),
    ("Memory to train", {"What is trained": "lora"}, "Rank of the adapters", "9e6", "no smaller than the model"),
    ("Key-value cache", {}, "Sequences at once", "1.5", "1.5 is no whole number"),
    ("Cost and time of training", {}, "Training tokens", "many", "“many” is no number; write it as 4096, 70B"),
    ("Cost and time of training", {}, "Share of the peak reached, %", "400", "400 is too large; expected at most 100."),
    ("Compute-optimal size", {}, "Operations to spend", "1e400", "is no number"),
    ("Active share of a mixture", {"Model": "own"}, "Active for a token", "9", "9 of 8 experts cannot be active"),
    ("Speculative decoding", {}, "Acceptance of a drafted token, 0 to 1", "1.1", "expected at most 1."),
]  # fmt: skip


def test_bad_input_says_at_the_field_what_is_wrong(opened, axe):
    """Instead of an answer, which comes back with the correction."""
    page = opened("calculators", width=390)
    for calculator, given, label, typed, complaint in WRONG:
        form = filled(page, calculator, given)
        field = form.get_by_label(label, exact=True)
        right, before = field.input_value(), shown(form)
        field.fill(typed)

        assert complaint in page.locator(f"#{field.get_attribute('aria-describedby')}").text_content()
        assert "true" == field.get_attribute("aria-invalid")
        assert "No answer: one field needs a correction." == shown(form)
        field.fill(right)
        assert before == shown(form)

    for calculator, _, label, typed, _ in WRONG:
        page.get_by_role("form", name=calculator).get_by_label(label, exact=True).fill(typed)
    assert [] == axe(page, ".repro-calculator")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_calculation_can_be_linked_to(opened):
    """The address holds what differs from a fresh calculator, and opens the same answer."""
    page = opened("calculators")
    given = {"Model": "own", "Key-value heads": "1", "Tokens in a sequence": "1M", "A cached number": "8"}
    form = filled(page, "Key-value cache", given)
    expected, address = shown(form), urlsplit(page.url)
    again = opened(f"calculators?{address.query}#{address.fragment}")

    assert {"cache"} == set(parse_qs(address.query)["calculator"])
    assert expected == shown(again.get_by_role("form", name="Key-value cache"))
    again.get_by_role("form", name="Key-value cache").get_by_role("button", name="Start again").click()
    again.wait_for_function("location.search === ''")
    assert "llama-2-70b" in shown(again.get_by_role("form", name="Key-value cache"))


def test_the_keyboard_alone_is_enough(opened):
    page = opened("calculators")
    form = page.get_by_role("form", name="Speculative decoding")
    form.get_by_label("Acceptance of a drafted token, 0 to 1").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("1")
    page.keyboard.press("Tab")
    page.keyboard.type("9")
    page.keyboard.press("Enter")

    assert "Drafting 9 tokens yields 10 tokens a verification" in shown(form)


def test_without_javascript_the_command_is_told(opened):
    page = opened("calculators", scripts=False)

    assert 0 == page.locator("form.repro-fields, .repro-calculator form").count()
    assert "repro size llama-3-8b --context 8192" in page.locator("[data-calculator=serving]").inner_text()


def test_other_pages_load_none_of_it(html):
    pages = {page.name: page.read_text(encoding="utf-8") for page in html.glob("*.html")}

    assert ["calculators.html"] == [name for name, text in pages.items() if "_static/sizing.js" in text]
    assert ["calculators.html"] == [name for name, text in pages.items() if "_static/calculators.css" in text]
