"""What the ledger says of published models, held against their configurations."""

import re
import tomllib
from pathlib import Path

import pytest

from repro.sizing.published import published_model

CLAIMS = Path(__file__).parents[2] / "experiments" / "arithmetic" / "claims.toml"
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
