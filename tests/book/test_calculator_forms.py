"""The calculators as a reader meets them: typed into, linked to, corrected, by keyboard, without JavaScript."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from repro.sizing import calculators
from repro.sizing.catalogue import catalogue
from repro.sizing.memory.cache import GIB

pytestmark = pytest.mark.browser

MODELS = catalogue()["models"]


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
]


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


def test_several_complaints_show_at_once(opened):
    """What does not go together is said beside what cannot be read."""
    given = {"Model": "own", "Key-value heads": "7", "GPUs": "none"}
    form = filled(opened("calculators"), "Memory to serve", given)

    assert "No answer: 2 fields need a correction." == shown(form)
    assert 2 == form.locator(".repro-wrong").filter(visible=True).count()


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
