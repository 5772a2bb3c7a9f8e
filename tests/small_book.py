"""A small book from the real sources of book/: a ledger with every outcome, one derived chapter, two articles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from repro.bookkeeping.display import cards
from repro.bookkeeping.ledger import Verdict, judge, load_ledger
from repro.bookkeeping.ledger.verdict_files import keep_verdicts
from repro.figures import figure_style, inline_svg
from repro.floor.scale import Scale
from repro.statistics import Estimate

CHECKOUT = Path(__file__).parents[1]

CLAIMS = """
[loss-falls-as-a-power]
says = "Loss falls as a power of `N`, with exponent 0.34 & no <floor>."
said_by = ["A", "B"]
primary = "Hoffmann et al. 2022 (arXiv:2203.15556)"
because = "a tenth either way, as the paper rounds"
kind = "experiment"
contradicts = ["loss-falls-as-a-logarithm"]
metric = "exponent"
holds = { low = 0.3, high = 0.4 }
rival = 0.1
needs = "cpu"

[loss-falls-as-a-logarithm]
says = "Loss falls as a logarithm."
said_by = ["B"]
primary = ""
kind = "experiment"
metric = "ratio of residuals"
holds = { high = 1 }
rival = 3
needs = "cpu"

[cache-halves]
says = "Halving the heads halves the cache."
said_by = ["A"]
primary = ""
kind = "arithmetic"
control = true
metric = "bytes over bytes"
unit = "B/B"
holds = { low = 2, high = 2 }
rival = 1
needs = "smoke"

[optimum-is-flat]
says = "Near the optimum the loss is flat."
said_by = ["A"]
primary = ""
kind = "experiment"
metric = "loss above the optimum at half the size"
unit = "nats"
holds = { high = 0.02 }
rival = 0.2
needs = "cpu"

[split]
says = "Small batches are better."
said_by = ["B"]
primary = ""
kind = "timing"

[split-early]
says = "Small batches are better early."
said_by = []
primary = ""
kind = "timing"
part_of = "split"
metric = "steps saved"
holds = { low = 10 }
rival = 0
needs = "cpu"

[split-late]
says = "Small batches are better late."
said_by = []
primary = ""
kind = "timing"
part_of = "split"
metric = "steps saved"
holds = { low = 10 }
rival = 0
needs = "cpu"
"""

RECORDS = """
[attested-model]
says = "The model has 96 layers."
said_by = ["A"]
primary = "Its report"
kind = "record"
finding = "attested"
certainty = "opened"
place = "table 2.1"

[contradicted-model]
says = "The model has 24 layers."
said_by = ["B"]
primary = "Its report"
kind = "record"
finding = "contradicted"
certainty = "second hand"
place = "table 2.1"
why = "The table says 96."

[hidden-model]
says = "The model has 1.8T parameters."
said_by = ["B"]
primary = ""
kind = "record"
finding = "undisclosed"
certainty = "unopened"
place = "section 2"

[best-model]
says = "The model is the most useful."
said_by = ["A"]
primary = ""
kind = "opinion"
why = "Useful has no threshold."

[waiting]
says = "Nobody has looked yet."
said_by = ["A", "B"]
primary = ""
kind = "theorem"
"""

ARTICLES = """
[A]
title = "Models, *in short*"
about = "A short text."
order = [
  { section = "Scaling / Laws", claims = ["loss-falls-as-a-power", "optimum-is-flat"] },
  { section = "Scaling / Sizes", claims = ["cache-halves", "attested-model"] },
  { section = "Closing", claims = ["best-model", "waiting"] },
]
[B]
title = "Overview"
about = "A longer text."
order = [
  { section = "Everything", claims = [
    "loss-falls-as-a-power", "loss-falls-as-a-logarithm", "split", "contradicted-model", "hidden-model", "waiting",
  ] },
]
[[disagreements]]
about = "A and B agree on a power, and B on a logarithm too."
claims = ["loss-falls-as-a-power", "loss-falls-as-a-logarithm"]
[A.words]
loss-falls-as-a-power = "Loss falls as a power of $N$, <always>."
"""

ESTIMATES = {
    "loss-falls-as-a-power": Estimate(0.347, 0.331, 0.362, n=240, method="bootstrap"),
    "loss-falls-as-a-logarithm": Estimate(4.1, 2.2, 7.5, n=240, method="bootstrap"),
    "cache-halves": Estimate.exact(2.0, unit="B/B"),
    "optimum-is-flat": Estimate(0.018, 0.011, 0.026, unit="nats", n=5, method="Student's t"),
    "split-early": Estimate(35.0, 21.0, 49.0, n=5, method="paired t"),
    "split-late": Estimate(-3.0, -8.0, 2.0, n=5, method="paired t"),
}


FINDINGS = """
[[finding]]
claim    = "loss-falls-as-a-power"
believed = "Loss falls with exponent 0.4."
measured = "It falls with exponent {loss-falls-as-a-power}."
while    = { loss-falls-as-a-power = "supported" }

[[finding]]
claim    = "cache-halves"
believed = "It does."
measured = "It would, were it open: {cache-halves}."
while    = { cache-halves = "open" }
"""

QUESTIONS = """
[[question]]
heading = "Planning"
asks    = "How does loss fall?"
claims  = ["loss-falls-as-a-power"]
"""


def make_small_book(root: Path) -> Path:
    """Write the small book under `root` and give its folder `book`; nothing is built."""
    for chapter, claims in {"scaling-chinchilla": CLAIMS, "evaluation": RECORDS}.items():
        folder = root / "experiments" / chapter
        folder.mkdir(parents=True)
        (folder / "claims.toml").write_text(claims, encoding="utf-8")
    (root / "pyproject.toml").write_text("")
    (root / "experiments" / "articles.toml").write_text(ARTICLES, encoding="utf-8")
    (root / "experiments" / "scaling-chinchilla" / "small.ipynb").write_text("{}")
    generated = shutil.ignore_patterns("_build", "_generated", "articles", "chapters", "claims", "parts", "__pycache__")
    shutil.copytree(CHECKOUT / "book", root / "book", ignore=generated)
    (root / "book" / "findings.toml").write_text(FINDINGS, encoding="utf-8")
    (root / "book" / "questions.toml").write_text(QUESTIONS, encoding="utf-8")
    verdicts = settle(root)
    derive_small_chapter(root, verdicts)
    return root / "book"


def settle(root: Path) -> dict[str, Verdict]:
    """Judge the estimates and keep their verdicts under `root`/results."""
    ledger = load_ledger(root / "experiments")
    verdicts = {}
    for name, estimate in ESTIMATES.items():
        judged = judge(ledger[name], estimate, Scale.CPU, scope="planted points, up to 16B parameters")
        verdicts[name] = Verdict(**{**vars(judged), "notebook": "small"})
    keep_verdicts(root / "results", "scaling-chinchilla", verdicts.values())
    return verdicts


def derive_small_chapter(root: Path, verdicts: dict[str, Verdict]) -> Path:
    """Write the executed notebook of the small chapter, with everything a chapter can show."""
    ledger = load_ledger(root / "experiments")
    shown = [
        cards.source_box("planted.surface", '<div class="highlight"><pre><span></span>def f():\n    ...\n</pre></div>')
    ]
    shown += [_figure(), cards.data_table(_points(), "Points and <losses>, three of 240.")]
    shown += [cards.verdict_card(ledger[name], verdict) for name, verdict in verdicts.items()]
    shown.append(
        cards.run_box(
            command="repro run small --scale cpu -p resamples=400",
            parameters=[("resamples", 4000, 400), ("public", True, True)],
            provenance={"scale": "cpu", "trials on record": "12", "computed in": "31 s", "python": "3.11.7"},
        )
    )
    notebook = new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python", "pygments_lexer": "ipython3"},
            "repro": {"inputs": {"scale": "cpu", "records": ["fitted/1.json", "fitted/2.json", "planted/1.json"]}},
        }
    )
    notebook.cells = [
        new_markdown_cell(
            "# How fast does loss fall?\n\nThe claim is that $L(N) = E + A N^{-\\alpha}$.\n\n## What we found"
        ),
        *(_cell(f"study.show({number})", html) for number, html in enumerate(shown)),
        new_markdown_cell("## What would change our mind\n\nAn exponent below 0.3 on points that nobody has seen."),
    ]
    page = root / "book" / "chapters" / "small.ipynb"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    return page


def _cell(source: str, html: str) -> nbformat.NotebookNode:
    output = new_output("display_data", data={"text/html": html, "text/plain": "<IPython.core.display.HTML object>"})
    return new_code_cell(source, outputs=[output], execution_count=1, id=f"cell-{source[11:-1]}")


def _points() -> pd.DataFrame:
    return pd.DataFrame({"size": ["small", "middle", "large"], "N": [4.4e7, 1e9, 1.6e10], "loss": [3.2, 2.5, 2.1]})


def _figure() -> str:
    points = _points()
    with figure_style():
        drawn, axes = plt.subplots()
        axes.fill_between(points["N"], points["loss"] - 0.1, points["loss"] + 0.1, alpha=0.18, linewidth=0)
        axes.plot(points["N"], points["loss"], marker="o", label="fitted")
        axes.errorbar(points["N"], points["loss"] + 0.3, yerr=0.1, fmt="s", label="measured, 99 %")
        axes.set(xscale="log", xlabel="parameters N", ylabel="loss (nats per token)", title="Loss falls as a power")
        axes.legend()
        svg = inline_svg(drawn, "small-loss", "Loss against parameters on a logarithmic axis: a falling line.")
    plt.close(drawn)
    return cards.figure(svg, "Loss against parameters. Bars and band: 99 %.", points.to_csv(index=False), "loss.csv")
