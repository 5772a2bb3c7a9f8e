"""`repro size`: what a model takes to serve and to train, from its config.json."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from repro.cli.commands import refusing
from repro.corpora.tables.numbers import spell_size
from repro.sizing.memory.cache import GB, GIB
from repro.sizing.memory.precision import FORMATS, Format, weight_format
from repro.sizing.memory.spared import unread_modules
from repro.sizing.memory.stored import FormatUnread
from repro.sizing.published import find_format, find_model
from repro.sizing.report import Sizes, Use, sizes

METHODS = {"full": "every weight", "lora": "LoRA on 16 bits", "qlora": "QLoRA on 4 bits"}
FORMAT_NAMES = ", ".join(FORMATS)


def size(
    model: Annotated[str, typer.Argument(help="A config.json, its folder, or a published model such as llama-2-70b.")],
    context: Annotated[int, typer.Option(help="Tokens in each sequence.")] = 4096,
    batch: Annotated[int, typer.Option(help="Sequences at once.")] = 1,
    dtype: Annotated[
        str | None,
        typer.Option(help=f"Of the weights when served: {FORMAT_NAMES}.", show_default="as the file says, else bf16"),
    ] = None,
    cache_dtype: Annotated[str, typer.Option(help="Of the key-value cache.")] = "bf16",
    rank: Annotated[int, typer.Option(help="Of LoRA's adapters, on every matrix of the layers.")] = 16,
    recompute: Annotated[str, typer.Option(help="Activations made again in training: none, selective, full.")] = "full",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Size a model from its config.json: parameters, memory to serve and to train it, operations, how many cards."""
    with refusing(ValueError):
        form, doubts = (weight_format(dtype), []) if dtype else _own_format(model)
        use = Use(context, batch, form, weight_format(cache_dtype).bits, rank, recompute)
        report = sizes(find_model(model), use)
    doubts += _doubts(report)
    if as_json:
        typer.echo(json.dumps({**report.plain(), "warnings": doubts}))
        return
    console = Console()
    console.print(_parameters(report), _serving(report), _training(report), _operations(report))
    for doubt in doubts:
        console.print(f"warning: {doubt}", style="yellow", markup=False, soft_wrap=True)


def _own_format(model: str) -> tuple[Format, list[str]]:
    """The format that the file says its weights are stored in, and what of it was not read."""
    try:
        return find_format(model) or weight_format("bf16"), []
    except FormatUnread as error:
        return weight_format("bf16"), [f"{error}: weights are counted in 16 bits; --dtype names another format"]


def _doubts(report: Sizes) -> list[str]:
    model, doubts = report.model, []
    if model.positions and report.use.context > model.positions:
        doubts.append(f"{model.name} was published for {model.positions:,} tokens")
    if model.uncached:
        doubts.append(f"the cache is not counted, since {model.uncached}")
    if unread := unread_modules(model, report.use.form.spared):
        named = ", ".join(map(repr, unread[:3])) + (f" and {len(unread) - 3} more" if len(unread) > 3 else "")
        doubts.append(f"modules that the file leaves in 16 bits are counted as quantised, since nothing fits {named}")
    return doubts


def _parameters(report: Sizes) -> Table:
    counts = report.parameters
    table = _table(f"{escape(report.model.name)}: parameters", "kind", "number", "share")
    for kind, number in counts.by_kind().items():
        if number:
            table.add_row(kind.replace("_", "-"), f"{number:,}", f"{number / counts.total:.1%}")
    table.add_section()
    table.add_row("total", f"{counts.total:,}", spell_size(counts.total))
    if counts.beside:
        parts = ", ".join(name for name, _ in report.model.beside)
        table.add_row(
            f"language model alone, without {escape(parts)}", f"{counts.language:,}", spell_size(counts.language)
        )
    if counts.active < counts.language:
        table.add_row("used by a token", f"{counts.active:,}", spell_size(counts.active))
    return table


def _serving(report: Sizes) -> Table:
    use, parts = report.use, report.serving
    table = _table(f"To serve: {use.form.name} weights, {use.batch} x {use.context:,} tokens", "part", "GB", "GiB")
    table.add_row("weights", *_bytes(parts["weights"]))
    kept = [f"{report.cache_per_token / 1024:,.1f} KiB a token"] if report.cache_per_token else []
    kept += [f"{report.cache_per_sequence / 2**20:,.1f} MiB a sequence"] if report.cache_per_sequence else []
    if report.model.uncached:
        table.add_row("key-value cache, not known", "?", "?")
    elif kept:
        table.add_row(f"key-value cache, {' and '.join(kept)}", *_bytes(parts["cache"]))
    table.add_row("working memory, an estimate", *_bytes(parts["working"]))
    table.add_row("runtime", *_bytes(parts["overhead"]))
    table.add_section()
    table.add_row("total without the cache" if report.model.uncached else "total", *_bytes(parts["total"]))
    for card, number in report.serving_cards.items():
        table.add_row(f"cards of {card}", _number(number), "")
    return table


def _training(report: Sizes) -> Table:
    use = report.use
    title = f"To train: Adam, mixed precision, {use.batch} x {use.context:,} tokens on each card, rank {use.rank}, GB"
    table = _table(
        title, "method", "trained", "states", "activations", "total", *(f"{card}" for card in report.serving_cards)
    )
    for name, parts in report.training.items():
        states = sum(parts[part] for part in ("frozen", "weights", "gradients", "optimiser"))
        trained = parts["weights"] / 2  # mixed precision holds trained weights in 2 bytes
        cards = (_number(number) for number in report.training_cards[name].values())
        row = (_bytes(value)[0] for value in (states, parts["activations"], parts["total"]))
        table.add_row(METHODS[name], spell_size(trained), *row, *cards)
    return table


def _operations(report: Sizes) -> Table:
    flops, optimum = report.flops, report.optimum
    table = _table("Operations a token", "what", "FLOP")
    table.add_row("forward, rule of thumb 2 N", f"{flops['rule']:.3g}")
    table.add_row(f"forward, counted; {flops['scores_share']:.1%} of it scores", f"{flops['forward']:.3g}")
    if "next_token" in flops:
        table.add_row(f"one more token after {report.use.context:,}", f"{flops['next_token']:.3g}")
    table.add_row("training every weight", f"{flops['training']:.3g}")
    table.add_row("training adapters", f"{flops['lora_training']:.3g}")
    table.add_section()
    table.add_row(f"compute-optimal training, {spell_size(optimum['tokens'])} tokens", f"{optimum['flops']:.3g}")
    table.add_row("on H100s at 40 % of their peak", f"{spell_size(optimum['h100_hours'])} hours")
    return table


def _table(title: str, first: str, *numbers: str) -> Table:
    columns = (Column(name, justify="right") for name in numbers)
    return Table(first, *columns, title=title, title_justify="left")


def _bytes(number: float) -> tuple[str, str]:
    return f"{number / GB:,.2f}", f"{number / GIB:,.2f}"


def _number(cards: int | None) -> str:
    return "too small" if cards is None else f"{cards:,}"
