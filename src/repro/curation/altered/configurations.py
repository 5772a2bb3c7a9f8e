"""Trials of altered texts: a short run on one, and what its model is asked or made to forget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from repro.corpora.languages.markov.altered import NOISES, Altered, Canaries, Copies, Noise, Poison
from repro.training.configurations import Pretraining
from repro.training.short import short_run

WAYS = ("retraining", "ascent", "ascent beside text")


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """A run on a text with strings, whose model is given the first tokens of each.

    Fields: `prompt` tokens that are given; `references` strings drawn as those of the text, among which each is ranked.

    Raises:
        ValueError: the text holds no strings.
    """

    run: Pretraining
    prompt: int = 8
    references: int = 1_023

    def __post_init__(self) -> None:
        refuse_other(self.run, Canaries)


@dataclass(frozen=True, kw_only=True)
class Triggering:
    """A run on a poisoned text, whose model is given `prompts` texts of so many `tokens`, then the trigger."""

    run: Pretraining
    prompts: int = 200
    tokens: int = 20


@dataclass(frozen=True, kw_only=True)
class Unlearning:
    """A run on a text with strings, whose model unlearns those of the most copies and then learns half of them again.

    Fields: `way` "retraining" on the text without strings; "ascent" on the loss of the strings until it is that of the
    retrained model; or that beside descent on fresh text. `learning_rate` of the ascent, `most` steps of it;
    `again_rate` and `again_most` of the learning that follows; `prompt` tokens of a string that are given.

    Raises:
        ValueError: a way that there is not, or a text without strings.
    """

    run: Pretraining
    way: str
    learning_rate: float = 1e-3
    most: int = 400
    again_rate: float = 1e-3
    again_most: int = 400
    prompt: int = 8

    def __post_init__(self) -> None:
        refuse_other(self.run, Canaries)
        if self.way not in WAYS:
            raise ValueError(f"way {self.way!r}; expected one of {', '.join(WAYS)}")


@dataclass(frozen=True, kw_only=True)
class Sharding:
    """A run on a text with strings, done once whole and once as a run on each of `shards` equal parts of the text.

    Raises:
        ValueError: the strings do not fit into the last shard.
    """

    run: Pretraining
    shards: int
    prompt: int = 8

    def __post_init__(self) -> None:
        refuse_other(self.run, Canaries)
        text = text_of(self.run)
        if text.altered > text.windows // self.shards:
            raise ValueError(
                f"{text.altered} windows with strings in shards of {text.windows // self.shards}; give fewer"
            )

    def part(self, number: int, seed: int, *, without: bool = False) -> Pretraining:
        """The run on one shard, with the windows of strings or with the language's own in their stead."""
        whole = in_language_of(self.run, seed)
        text = replace(text_of(whole), shard=(number, self.shards))
        return rerun(whole, replace(text, alteration=None) if without else text)


def altered_run(
    text: Altered, *, width: int, layers: int, lines: int, rate: float, steps: int | None = None
) -> Pretraining:
    """A `short_run` that reads the windows of a text once, `lines` of them per step, or over and over for `steps`."""
    steps = text.read // lines if steps is None else steps
    run = short_run(text, text.length, width=width, layers=layers, steps=steps, lines=lines, rate=rate)
    return replace(run, unique=text.read * text.length)


def copied_runs(
    windows: int, shares: tuple[float, ...], copies: tuple[int, ...], **shape: Any
) -> dict[str | tuple[float, int | str], Pretraining]:
    """Runs on texts of so many windows of which a share is copies, and on those that they are compared with.

    Keys: (share, copies of each window in it); (share, "without") the text without that share; (share, "longer") that,
    read for as many steps as the whole text; "fresh" a text of as many windows, none a copy.
    """
    runs: dict[str | tuple[float, int | str], Pretraining] = {"fresh": altered_run(Altered(windows=windows), **shape)}
    for share in shares:
        rest = Altered(windows=windows - round(share * windows))
        runs[share, "without"] = altered_run(rest, **shape)
        runs[share, "longer"] = altered_run(rest, steps=windows // shape["lines"], **shape)
        for number in copies:
            text = Altered(windows=windows, alteration=Copies(share=share, copies=number))
            runs[share, number] = altered_run(text, **shape)
    return runs


def spoilt_texts(windows: int, lines: int) -> dict[str, dict[str, Any]]:
    """What `altered_run` takes of clean texts, one of so many windows, and of texts four times as long, half noise.

    Keys: "1 x clean", "2 x clean", "4 x clean", "1 x clean, read four times", and "4 x, half noise: " with its kind.
    """
    texts: dict[str, dict[str, Any]] = {
        f"{times} x clean": {"text": Altered(windows=times * windows)} for times in (1, 2, 4)
    }
    texts["1 x clean, read four times"] = {**texts["1 x clean"], "steps": 4 * windows // lines}
    for kind in NOISES:
        noisy = Altered(windows=4 * windows, alteration=Noise(kind=kind, share=0.5))
        texts[f"4 x, half noise: {kind}"] = {"text": noisy}
    return texts


def rerun(run: Pretraining, text: Altered) -> Pretraining:
    """The same run on another text, which is read as often."""
    share = text.read / text_of(run).read
    return replace(
        run,
        text=text,
        readings=tuple(round(share * reading) for reading in run.readings),
        warmup=round(share * run.warmup),
        unique=text.read * text.length,
    )


def in_language_of(run: Pretraining, seed: int) -> Pretraining:
    """The run of a trial: its seed draws the language and the text too, whatever the run's text says."""
    return replace(run, text=replace(text_of(run), seed=seed))


def without_alteration(run: Pretraining) -> Pretraining:
    """The run on the text as the language has it, as many windows."""
    return replace(run, text=replace(text_of(run), alteration=None))


def text_of(run: Pretraining) -> Altered:
    """The altered text of a run.

    Raises:
        ValueError: it is on a text of another kind.
    """
    if not isinstance(run.text, Altered):
        raise ValueError(f"a run on {run.text!r}; expected one on Altered windows, such as `altered_run` makes")
    return run.text


def refuse_other(run: Pretraining, kind: Any) -> None:
    """Raise ValueError where the text of a run was altered otherwise."""
    if not isinstance(text_of(run).alteration, kind):
        raise ValueError(f"a text of {text_of(run).alteration}; expected one of {kind.__name__}")


def poisoned(windows: int, count: int, **text: Any) -> Altered:
    """A text of so many windows, `count` of them poisoned."""
    return Altered(windows=windows, alteration=Poison(windows=count), **text)
