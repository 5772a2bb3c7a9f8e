"""The catalogue as it stands on disk: every claim of the five articles, once, well-formed and placed."""

import json
import re
import tomllib
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from repro.floor.scale import scales_path

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
ARTICLES = ("A", "B", "C", "D", "E")
KINDS = {"arithmetic", "theorem", "experiment", "timing", "record", "opinion"}
REQUIRED = {"says", "said_by", "primary", "kind"}
SLUG = re.compile(r"[a-z0-9]+([-.][a-z0-9]+)*")
SIZES = {
    "alignment-dpo-ppo": 30,
    "architecture": 54,
    "arithmetic": 30,
    "attention": 23,
    "compression": 9,
    "data-quality": 18,
    "distributed": 9,
    "emergence": 10,
    "evaluation": 12,
    "gqa": 11,
    "kv-cache": 10,
    "moe": 18,
    "multimodal-diffusion": 11,
    "objectives": 18,
    "peft": 17,
    "positions": 15,
    "prompting": 15,
    "quantization": 17,
    "retrieval": 10,
    "reward-model": 9,
    "sampling": 4,
    "scaling-chinchilla": 19,
    "scaling-kaplan": 13,
    "serving": 18,
    "speculative": 6,
    "tokenization": 45,
}

Claims = dict[str, dict[str, Any]]


def chapters() -> dict[str, Claims]:
    """Every chapter's claims, read from disk without the library, so that a fault in it cannot hide one here."""
    return {path.parent.name: tomllib.loads(path.read_text("utf-8")) for path in EXPERIMENTS.glob("*/claims.toml")}


def ledger() -> Claims:
    """All claims of all chapters by id."""
    return {name: claim for claims in chapters().values() for name, claim in claims.items()}


def catalogued(claims: Claims) -> Claims:
    """What the articles say: neither the parts of a split claim nor a chapter's own findings."""
    return {name: claim for name, claim in claims.items() if claim["said_by"] and "part_of" not in claim}


def articles() -> dict[str, Any]:
    """The articles' own order and the disagreements."""
    return tomllib.loads((EXPERIMENTS / "articles.toml").read_text("utf-8"))


def test_every_claim_of_the_catalogue_stands_in_its_chapter():
    """The book leaves out none of the articles' 451 claims and invents none."""
    sizes = {chapter: len(catalogued(claims)) for chapter, claims in chapters().items()}

    assert 451 == sum(SIZES.values())
    assert SIZES == {chapter: size for chapter, size in sizes.items() if size}


def test_an_id_names_one_claim_across_all_chapters():
    """A verdict card or a link that names an id can mean one claim only."""
    counts = Counter(name for claims in chapters().values() for name in claims)

    assert [] == [name for name, count in counts.items() if count > 1]


def test_ids_are_slugs():
    """Ids become anchors and file names: lower case, digits, hyphens, and a dot inside a number."""
    assert [] == [name for name in ledger() if not SLUG.fullmatch(name)]


def test_every_finding_says_how_near_we_came_to_its_place():
    """The place was opened, or its abstract was, or it is told second hand, or it was not opened: nothing else."""
    findings = {name: claim for name, claim in ledger().items() if "finding" in claim}

    assert {"opened", "abstract", "second hand", "unopened"} >= {one.get("certainty") for one in findings.values()}
    assert [] == [name for name, claim in ledger().items() if "certainty" in claim and name not in findings]


def undecided(claims: Claims) -> list[str]:
    """The records that have neither a finding, nor parts, nor a reason why no finding can be had."""
    whole = {claim["part_of"] for claim in claims.values() if "part_of" in claim}
    return [
        name
        for name, claim in claims.items()
        if "record" == claim["kind"] and name not in whole and not (claim.get("finding") or claim.get("why"))
    ]


def test_every_record_has_a_finding_or_parts_or_a_reason():
    assert undecided(ledger()) == []


def test_a_record_left_bare_is_noticed():
    """Planted: of four records one has nothing, and of its kind alone."""
    kind = {"kind": "record"}
    planted = {"found": {**kind, "finding": "attested"}, "told": {**kind, "why": "None says so."}, "bare": kind}
    planted |= {"whole": kind, "part": {"kind": "opinion", "part_of": "whole"}}

    assert ["bare"] == undecided(planted)


def test_every_claim_says_something_of_a_known_kind():
    """Each entry has its required fields, one line of prose that ends as a sentence, and a kind the rules know."""
    for name, claim in ledger().items():
        assert set() == REQUIRED - set(claim), name
        assert claim["kind"] in KINDS, name
        assert claim["says"] == " ".join(claim["says"].split()), name
        assert claim["says"].endswith((".", "?")), name


def test_speakers_are_known_articles_in_order():
    """Letters are those of articles.toml, sorted, none twice."""
    for name, claim in ledger().items():
        assert sorted(set(claim["said_by"])) == claim["said_by"], name
        assert set() == set(claim["said_by"]) - set(ARTICLES), name


def test_contradiction_is_mutual():
    """Where a claim contradicts another, the other exists, is a different one, and says so too."""
    claims = ledger()
    for name, claim in claims.items():
        for other in claim.get("contradicts", []):
            assert name != other
            assert name in claims[other].get("contradicts", []), f"{other} does not answer {name}"


def test_a_part_belongs_to_a_claim_of_its_own_chapter():
    """A split claim and its parts are judged on one page."""
    for chapter, claims in chapters().items():
        for name, claim in claims.items():
            assert claim.get("part_of", name) in claims, f"{chapter}: {name}"


def mixed_bytes(claims: Claims) -> list[tuple[str, float]]:
    """The bounds that some parts of a claim state in GB and others in GiB, 7 % apart."""
    units: dict[tuple[str, float], set[str]] = {}
    for claim in claims.values():
        for bound in claim.get("holds", {}).values():
            units.setdefault((claim.get("part_of", ""), bound), set()).add(claim.get("unit", ""))
    return [bound for bound, named in units.items() if bound[0] and {"GB", "GiB"} <= named]


def test_parts_of_a_claim_measure_one_card_by_one_unit():
    """Planted: two parts that fill 46 GiB each, of which the one that says GB would be refuted."""
    part = {"part_of": "one-card", "holds": {"high": 48.0}}

    assert [] == mixed_bytes(ledger())
    assert [("one-card", 48.0)] == mixed_bytes({"a": {**part, "unit": "GiB"}, "b": {**part, "unit": "GB"}})


def test_an_opinion_says_why_no_measurement_settles_it():
    """*Not testable* is a verdict, and a verdict gives its reason."""
    opinions = {name: claim for name, claim in ledger().items() if "opinion" == claim["kind"]}

    assert 6 == len(catalogued(opinions))
    assert [] == [name for name, claim in opinions.items() if not claim.get("why")]


@pytest.mark.parametrize("letter", ARTICLES)
def test_an_article_is_followed_claim_by_claim(letter: str):
    """Reading along with an article one meets each of its claims once, and no other."""
    placed = [name for step in articles()[letter]["order"] for name in step["claims"]]
    said = sorted(name for name, claim in catalogued(ledger()).items() if letter in claim["said_by"])

    assert said == sorted(placed)


@pytest.mark.parametrize("letter", ARTICLES)
def test_an_article_is_introduced_and_its_sections_come_once(letter: str):
    """Each article has a title and a sentence about it; a section is listed once and holds at least one claim."""
    article = articles()[letter]
    sections = [step["section"] for step in article["order"]]

    assert article["title"] and article["about"].endswith(".")
    assert len(set(sections)) == len(sections)
    assert all(step["claims"] for step in article["order"])


def test_disagreements_name_known_claims_and_miss_no_contradiction():
    """Two claims that contradict each other stand together in at least one listed disagreement."""
    claims = ledger()
    listed = articles()["disagreements"]
    together = {pair for entry in listed for pair in permutations(entry["claims"], 2)}
    opposed = {(name, other) for name, claim in claims.items() for other in claim.get("contradicts", [])}

    assert set() == {name for entry in listed for name in entry["claims"]} - set(claims)
    assert all(entry["about"].endswith(".") for entry in listed)
    assert set() == opposed - together


SEED_KNOBS = ("repeated_seeds", "seeds", "trials", "fresh", "timed")


def more_than_seeds(method: str, knobs: dict[str, Any]) -> bool:
    """Whether an interval calls more numbers seeds than its notebook has: they are of something else."""
    named = re.search(r"over (\d+) seeds", method)
    return bool(named) and int(named[1]) > max(knobs.get(name, 0) for name in SEED_KNOBS)


def test_what_a_verdict_calls_seeds_are_seeds():
    """Tasks, worlds and suites were called so on the cards of three pages, which have no seeds at all."""
    wrong = []
    for path in EXPERIMENTS.parent.glob("results/verdicts/*.json"):
        for name, scales in json.loads(path.read_text("utf-8"))["verdicts"].items():
            for scale, verdict in scales.items():
                notebook = EXPERIMENTS / path.stem / f"{verdict['notebook']}.ipynb"
                knobs = tomllib.loads(scales_path(notebook).read_text("utf-8"))[scale]
                wrong += [name] if more_than_seeds(verdict["estimate"]["method"], knobs) else []

    assert [] == wrong


@pytest.mark.parametrize(
    ("method", "knobs", "wrong"),
    [
        ("paired t over 13 seeds", {"resamples": 400}, True),
        ("paired t over 13 seeds", {"seeds": 5}, True),
        ("paired t over 13 seeds", {"seeds": 5, "trials": 16}, False),
        ("paired t over 13 tasks", {"resamples": 400}, False),
    ],
)
def test_a_wrong_word_for_seeds_is_found(method: str, knobs: dict[str, Any], wrong: bool):
    """The check can fail: the first of these stood on a card."""
    assert wrong == more_than_seeds(method, knobs)


def refuted_controls(claims: Claims, verdicts: dict[str, dict[str, dict[str, Any]]]) -> list[str]:
    """Controls that are refuted at some scale."""
    outcomes = {name: {verdict["outcome"] for verdict in scales.values()} for name, scales in verdicts.items()}
    return [name for name, claim in claims.items() if claim.get("control") and "refuted" in outcomes.get(name, ())]


def fits_of_two_notebooks(claims: Claims, verdicts: dict[str, dict[str, dict[str, Any]]]) -> list[str]:
    """Fits whose claims are settled on more than one page, so that they cannot be one fit."""
    notebooks: dict[str, set[str]] = {}
    for name, claim in claims.items():
        if "one_fit" in claim:
            notebooks.setdefault(claim["one_fit"], set()).update(v["notebook"] for v in verdicts.get(name, {}).values())
    return [fit for fit, names in notebooks.items() if len(names) > 1]


def verdicts_on_file() -> dict[str, dict[str, dict[str, Any]]]:
    """All chapters' verdicts by claim and scale."""
    files = EXPERIMENTS.parent.glob("results/verdicts/*.json")
    return {name: v for path in files for name, v in json.loads(path.read_text("utf-8"))["verdicts"].items()}


def test_no_control_is_refuted():
    """A refuted control is an alarm."""
    assert any("control" in claim for claim in ledger().values())
    assert [] == refuted_controls(ledger(), verdicts_on_file())


def test_each_fit_is_made_in_one_notebook():
    """A name that two pages use would count two fits as one."""
    assert any("one_fit" in claim for claim in ledger().values())
    assert [] == fits_of_two_notebooks(ledger(), verdicts_on_file())


def test_a_fit_of_two_notebooks_is_found():
    """The check can fail."""
    verdicts = {name: {"cpu": {"notebook": notebook}} for name, notebook in zip("abc", "xxy", strict=True)}

    assert [] == fits_of_two_notebooks({"a": {"one_fit": "f"}, "b": {"one_fit": "f"}, "c": {}}, verdicts)
    assert ["f"] == fits_of_two_notebooks({"a": {"one_fit": "f"}, "c": {"one_fit": "f"}}, verdicts)


def test_a_refuted_control_is_found():
    """The check can fail, and a refuted finding is none."""
    verdicts = {name: {"cpu": {"outcome": "refuted"}} for name in ("control", "finding")}

    assert ["control"] == refuted_controls({"control": {"control": True}, "finding": {}}, verdicts)


def test_what_is_quoted_of_an_article_is_short():
    """A sentence at most: one line, no second sentence, and not so many that they would be the article itself."""
    quoted = [words for letter in "ABCDE" for words in articles()[letter].get("words", {}).values()]
    ends = re.compile(r"(?<!et al)[.!?] (?=[A-Z])")

    assert [] == [words for words in quoted if len(words) > 320 or "\n" in words or ends.search(words)]
    assert len(quoted) < len(catalogued(ledger())) * 2 / 3


def test_the_ledger_leaves_room_below_the_largest_page():
    """A page has at most 1.5 MB, of which its frame takes less than a tenth."""
    from repro.bookkeeping.pages.ledger_table import ledger_table
    from repro.bookkeeping.site import gather

    root = EXPERIMENTS.parent

    assert len(ledger_table(gather(root, root / "results", region_changes=[])).encode()) < 1_350_000
