"""What the ledger says of published models, held against their configurations."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from repro.sizing.published import published_model

ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "experiments" / "arithmetic" / "claims.toml"
VERDICTS = ROOT / "results" / "verdicts" / "arithmetic.json"
SERVED = re.compile(r"runtime of (?P<model>[\w.-]+) in .*one sequence of (?P<tokens>[\d,]+) tokens")


def overlong(says: str, metric: str) -> bool:
    """Whether a metric serves a published model more tokens than it was made for, and the claim names no context."""
    served = SERVED.search(metric)
    if not served or "context" in says:
        return False
    positions = published_model(served["model"].lower()).positions
    return positions is not None and int(served["tokens"].replace(",", "")) > positions


def test_no_claim_serves_a_model_more_tokens_than_it_was_made_for():
    """LLaMA-13B, made for 2,048 tokens, was refused a card of 16 GB for the cache of 4,096."""
    claims = tomllib.loads(CLAIMS.read_text("utf-8"))

    assert [] == [name for name, claim in claims.items() if overlong(claim["says"], claim.get("metric", ""))]
    assert 7 == sum(bool(SERVED.search(claim.get("metric", ""))) for claim in claims.values())


@pytest.mark.parametrize(
    ("says", "tokens", "wrong"),
    [
        ("A 13B model in INT8 runs on a GPU of 16 GB.", "4,096", True),
        ("A 13B model in INT8 runs on a GPU of about 16 GB.", "2,048", False),
        ("A 13B model in INT8 runs in 16 GB with a context of 4K.", "4,096", False),
    ],
)
def test_a_sequence_beyond_the_models_context_is_found(says: str, tokens: str, wrong: bool):
    """The check can fail: the first of these stood in the ledger."""
    metric = f"weights, cache, working memory and runtime of LLaMA-13B in INT8, one sequence of {tokens} tokens"

    assert wrong == overlong(says, metric)


def proved_by_a_list(says: str, outcomes: set[str]) -> bool:
    """Whether what is said of every published model counts as supported, which no list of some of them can do."""
    return "every published" in says and "supported" in outcomes


def test_no_list_of_ours_proves_what_is_said_of_every_published_model():
    """Two such claims stood as supported until mT5, with its two tables of 250,112 words, was listed."""
    claims, verdicts = tomllib.loads(CLAIMS.read_text("utf-8")), json.loads(VERDICTS.read_text("utf-8"))["verdicts"]
    outcomes = {name: {each["outcome"] for each in scales.values()} for name, scales in verdicts.items()}

    assert [] == [name for name in outcomes if proved_by_a_list(claims[name]["says"], outcomes[name])]
    assert proved_by_a_list(claims["ffn-majority-of-parameters-large"]["says"], {"supported"})
