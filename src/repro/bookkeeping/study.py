"""The one door through which a notebook reaches knobs, records, sweeps, figures and verdicts."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import yaml
from IPython.core.getipython import get_ipython
from IPython.display import HTML, Markdown, display
from matplotlib.figure import Figure
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from repro.bookkeeping.display import cards, telling
from repro.bookkeeping.display.source import source_of
from repro.bookkeeping.knobs import Knobs, check_parameters
from repro.bookkeeping.ledger import Claim, Verdict, judge, load_chapter, sensitivity
from repro.bookkeeping.ledger.verdict_files import verdict_as_plain
from repro.bookkeeping.records import Record, RecordStore
from repro.bookkeeping.sweeps import EngineSettings, sweep
from repro.figures.markup import inline_svg
from repro.figures.words import figure_in_words
from repro.floor import places
from repro.floor.estimate import Estimate
from repro.floor.measurement import Measurement
from repro.floor.provenance import library_files
from repro.floor.scale import Scale, load_scales, scales_path


def open_study(notebook: str, namespace: Mapping[str, object]) -> Study:
    """The study of a notebook, opened right after its parameters cell with `open_study("<name>", globals())`.

    Raises:
        UnknownParameter, TypeError, ValueError: a parameter that is unknown or mistyped; bare papermill injects it
            with a warning, so it is refused here.
        FileNotFoundError: no notebook of this name in experiments/.
    """
    paths = sorted(places.experiments().glob(f"*/{notebook}.ipynb"))
    if not paths:
        raise FileNotFoundError(f"no experiments/*/{notebook}.ipynb; name the notebook as its file is named")
    folder = paths[0].parent
    settings = load_scales(scales_path(paths[0]))
    given = {name: value for name, value in namespace.items() if _is_parameter(name, value)}
    check_parameters(given, settings)
    setting = settings[Scale(str(given["scale"]))]
    return Study(
        notebook,
        load_chapter(folder / "claims.toml"),
        setting.scale,
        setting.scope,
        Knobs(setting, given),
        str(given.get("compute", "missing")),
    )


def _is_parameter(name: str, value: object) -> bool:
    shell = get_ipython()
    hidden = shell.user_ns_hidden if shell is not None else {}
    literal = isinstance(value, bool | int | float | str | list | dict | None)
    return literal and not name.startswith("_") and name not in hidden and name not in ("In", "Out")


class Study:
    """A notebook at work: it looks up or runs trials, shows figures and settles claims.

    What it shows carries the bare facts as metadata of the output, from which `repro run` gathers the verdicts
    once the whole notebook has run; a run that stops half way leaves records, and no verdict.
    """

    def __init__(
        self, notebook: str, claims: dict[str, Claim], scale: Scale, scope: str, knobs: Knobs, compute: str
    ) -> None:
        self.notebook, self.claims, self.scale, self.scope = notebook, claims, scale, scope
        self.knobs, self.compute = knobs, compute
        self.store = RecordStore(places.results() / "records")
        self._records: dict[str, Record] = {}
        self._shown: set[Path] = set()
        self._settled: dict[str, Verdict] = {}

    def show(self, shown: str | Measurement | Callable[..., Any]) -> None:
        """Show the source of the very function that runs, or of one that needs torch, by its dotted name.

        Behind a measurement stands the function that does its work, where its body only calls one.
        """
        for source in source_of(shown):
            self._shown.add(source.path)
            text = highlight(source.text, PythonLexer(), HtmlFormatter())
            display(HTML(cards.source_box(source.name, text)))

    def sweep(self, measurement: Measurement, configs: Iterable[Any], *, seeds: Sequence[int] = (0,)) -> pd.DataFrame:
        """Trials as a table, one row per trial in the order given: looked up where on record, else run and recorded.

        At scale gpu the trials run one at a time, unless REPRO_JOBS says otherwise: they share one device.
        """
        settings = EngineSettings.from_environment(jobs=1 if self.scale is Scale.GPU else None)
        swept = sweep(measurement, configs, seeds=seeds, store=self.store, compute=self.compute, settings=settings)
        self._records |= swept.records
        return swept.table

    def figure(self, drawn: Figure, *, name: str, caption: str, data: pd.DataFrame) -> None:
        """Show a figure, its caption and a link to the numbers in it; its alternative text is made from its data."""
        plt.close(drawn)  # else the kernel shows it once more at the end of the cell, as a picture without a text
        svg = inline_svg(drawn, f"{self.notebook}-{name}", figure_in_words(drawn))
        display(HTML(cards.figure(svg, caption, data.to_csv(index=False), f"{self.notebook}-{name}.csv")))

    def table(self, frame: pd.DataFrame, *, caption: str) -> None:
        """Show a small table."""
        display(HTML(cards.data_table(frame, caption)))

    def settle(
        self, claim: str, estimate: Estimate, *, scope: str | None = None, also: Mapping[str, Estimate] | None = None
    ) -> None:
        """Judge an estimate by the region that claims.toml states, and show the verdict.

        Args:
            scope: what this verdict speaks for, where it is not what the scale says of itself.
            also: the estimate under other choices that are as good (a window, a rung left out), by the choice in words;
                a verdict that flips under one of them is open.

        Raises:
            ValueError: a claim that is not this chapter's, or settled twice, or an estimate that cannot settle it.
        """
        if claim not in self.claims:
            raise ValueError(f"{claim!r} is no claim of this chapter; add it to claims.toml first")
        if claim in self._settled:
            raise ValueError(
                f"{claim} is settled twice in this notebook; one claim, one estimate (or split it into parts)"
            )
        judged = judge(
            self.claims[claim], estimate, self.scale, scope=scope or self.scope, declared=self.knobs.declared
        )
        judged = sensitivity(self.claims[claim], judged, also or {}, declared=self.knobs.declared)
        verdict = replace(judged, notebook=self.notebook, device=self._device())
        self._settled[claim] = verdict
        facts = {"claim": claim, "scale": str(self.scale), "declared": self.knobs.declared, **verdict_as_plain(verdict)}
        display(HTML(cards.verdict_card(self.claims[claim], verdict)), metadata={"repro": {"verdict": facts}})

    def settle_exact(self, claim: str, value: float, unit: str = "", *, scope: str | None = None) -> None:
        """Settle a claim by a number that has no uncertainty: arithmetic, or what a theorem says."""
        self.settle(claim, Estimate.exact(value, unit), scope=scope)

    def tell(self, sentences: str, *, while_: telling.Conditions | None = None, **fields: telling.Field) -> None:
        """Show sentences about results, whose numbers are fields, for as long as the outcomes are what they say.

        Args:
            sentences: Markdown with `{name}` for a field, `{claim-id}` for a claim's estimate; see `telling.told`.
            while_: by claim the outcome or state, or several, that the sentences interpret. Where one is another, a
                quiet line stands in their place, and `repro check` names it.

        Raises:
            ValueError: a digit that is typed, a field that nobody gave, a condition that names no claim of the chapter.
        """
        telling.refuse_typed(sentences)
        left = telling.unmet(while_ or {}, self._settled, self.claims)
        words = telling.told(sentences, fields, self._settled, self.claims) if not left else ""
        shown = words or "*A paragraph stood here that spoke of other outcomes.*"
        display(Markdown(shown), metadata={"repro": {"told": {"left": left}}})

    def in_short(self, sentences: str, *, while_: telling.Conditions, do: str = "", **fields: telling.Field) -> None:
        """Show the answer that stands at the page's head in the book, told as `tell` tells it.

        Where the outcomes are others than it says, the claims that `while_` names are listed with their verdicts.

        Args:
            while_: the claims that answer the page's question, with outcomes or states that the sentences interpret.
            do: what a reader would do about it.
        """
        telling.refuse_typed(f"{sentences} {do}")
        left = telling.unmet(while_, self._settled, self.claims)
        about = {name: self.claims[name] for name in while_}
        known = [self._settled[name] for name in about if name in self._settled]
        if while_ and not known:  # as where a reader's own model is measured
            shown = "*None of the claims that answer this page's question was judged here.*"
            display(Markdown(shown), metadata={"repro": {"told": {"left": left}}})
            return
        if left:
            words, do = telling.as_listed(known, about), ""
        else:
            words, do = (telling.told(each, fields, self._settled, self.claims) for each in (sentences, do))
        box = telling.in_short(words, self._settled, about, do=do)
        display(Markdown(box), metadata={"repro": {"told": {"left": left, "in_short": True}}})

    def close(self) -> None:
        """Show the run box, and refuse a parameter that was given and never read."""
        self.knobs.refuse_unread()
        changed = {name: used for name, own, used in self.knobs.rows() if used != own}
        command = command_of(self.notebook, self.scale, changed)
        box = cards.run_box(command=command, parameters=self.knobs.rows(), provenance=self.provenance())
        facts = {"closed": {"notebook": self.notebook, **self.provenance()}, "inputs": self.inputs()}
        display(HTML(box), metadata={"repro": facts})

    def inputs(self) -> dict[str, list[str]]:
        """The library's files and the records that this page has been a function of so far, by path."""
        records = sorted(f"{record.measurement}/{key}.json" for key, record in self._records.items())
        return {"library": library_files(self._shown), "records": records}

    def _device(self) -> str:
        """What the trials looked up so far ran on, at scale gpu, where no two machines are alike."""
        if self.scale is not Scale.GPU:
            return ""
        return self.provenance()["device"] if self._records else "none, no trial was needed"

    def provenance(self) -> dict[str, str]:
        """What the records behind this page were made with, in words."""
        origins = [record.provenance for record in self._records.values()]
        packages = [p["packages"] for p in origins if isinstance(p.get("packages"), dict)]
        seconds = [p["seconds"] for p in origins if isinstance(p.get("seconds"), int | float)]
        return {
            "scale": str(self.scale),
            "trials on record": str(len(origins)),
            "computed in": f"{sum(seconds):.0f} s",
            "device": _tally(p.get("device") for p in origins),
            "python": _tally(p.get("python") for p in origins),
            "packages": _tally(f"{n} {v}" for versions in packages for n, v in versions.items()),
            "commit": _tally(p.get("commit") for p in origins),
            "date": _span(str(p["date"]) for p in origins if p.get("date")),
        }


def command_of(notebook: str, scale: Scale, knobs: Mapping[str, object]) -> str:
    """The command that runs a notebook with these knobs, quoted, so that it can be pasted into a shell."""
    given = [word for name, value in knobs.items() for word in ("-p", f"{name}={_in_yaml(value)}")]
    return shlex.join(["repro", "run", notebook, "--scale", str(scale), *given])


def _in_yaml(value: object) -> str:
    """A value in one line that `-p` reads back as the same value."""
    spelled: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=math.inf)
    return spelled.removesuffix("\n").removesuffix("\n...")


def _tally(values: Iterable[object]) -> str:
    told = Counter(str(value) for value in values if value is not None)  # a record of others may hold any JSON here
    return ", ".join(value for value, _ in told.most_common()) or "unknown"


def _span(dates: Iterable[str]) -> str:
    ordered = sorted(dates)
    if not ordered:
        return "no trial"
    return ordered[0] if ordered[0] == ordered[-1] else f"{ordered[0]} to {ordered[-1]}"
