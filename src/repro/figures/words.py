"""A figure in words, made from its own axes and data, so that no text about a picture can say what it does not show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import same_color
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation
from numpy.typing import NDArray

MOST_SERIES = 8  # told point by point; of more, the span of each panel is told
MOST_ROWS = 12
DASHES = {"--": "dashed", ":": "dotted", "-.": "dash-dotted", "-": "solid"}


def figure_in_words(figure: Figure) -> str:
    """Each panel with its axes, and each series with its first, last, least and greatest value, row or bar by name."""
    figure.canvas.draw_idle()  # until it is laid out, bands and names on axes have no places
    panels = [ax for ax in figure.axes if ax.get_visible() and ax.axison and ax.get_label() != "<colorbar>"]
    told = [_panel(ax) for ax in panels]
    if len(panels) == 1:
        return told[0]
    heads = [f"Panel {number}" + (f", {title}" if (title := _title(ax)) else "") for number, ax in enumerate(panels, 1)]
    return f"{len(panels)} panels. " + " ".join(f"{head}: {words}" for head, words in zip(heads, told, strict=True))


def _title(ax: Axes) -> str:
    return str(ax.get_title(loc="left") or ax.get_title())


def _panel(ax: Axes) -> str:
    across, up = _axis(ax.xaxis, ax.get_xscale()), _axis(ax.yaxis, ax.get_yscale())
    axes = " against ".join(name for name in (up, across) if name)
    series = list(_series(ax))
    if len(series) > MOST_SERIES:
        series = [f"{len(series)} series, {_spans(ax)}; the numbers are in the link below the figure"]
    parts = [*series, *_references(ax)]
    return " ".join(f"{_capital(part)}." for part in [axes, *parts] if part)


def _axis(axis: Axis, scale: str) -> str:
    name = " ".join(str(axis.get_label_text()).split())
    return f"{name}, logarithmic" if name and scale in ("log", "symlog") else name


def _series(ax: Axes) -> Iterator[str]:
    """What is drawn, in the order in which it was."""
    parts = {id(line) for box in ax.containers if isinstance(box, ErrorbarContainer) for line in box.get_children()}
    for box in ax.containers:
        if isinstance(box, ErrorbarContainer):
            yield from _with_errors(ax, box)
        elif isinstance(box, BarContainer):
            yield _bars(ax, box)
    for line in ax.get_lines():
        if id(line) not in parts and line.get_transform() == ax.transData and len(_points(line)):
            yield _line(ax, line)
    for drawn in ax.collections:
        if isinstance(drawn, PathCollection):
            yield _named(_own_name(drawn.get_label()), _cloud(np.asarray(drawn.get_offsets()).T))
        elif isinstance(drawn, LineCollection) and id(drawn) not in parts:
            yield from _segments(ax, drawn)


def _with_errors(ax: Axes, box: ErrorbarContainer) -> Iterator[str]:
    """Points with intervals: one by one, by the names on the axis where these are names."""
    line, _, bars = box.lines
    if line is None or not bars:
        return
    x, y = (np.asarray(each, dtype=float) for each in line.get_data(orig=False))
    ends = np.array(list(bars[0].get_segments()), dtype=float).reshape(-1, 2, 2)
    sideways = box.has_xerr
    values, places, along = (x, y, ax.yaxis) if sideways else (y, x, ax.xaxis)
    spans = ends[:, :, 0 if sideways else 1]
    names = _names(along, places)
    rows = [
        f"{name}: {_number(v)}, {_number(a)} to {_number(b)}"
        for name, v, (a, b) in zip(names, values, spans, strict=True)
    ]
    label = _own_name(box.get_label())
    if len(rows) <= MOST_ROWS:
        yield _named(label, "; ".join(rows))
    else:
        yield _named(label, f"{len(rows)} values from {_number(np.nanmin(values))} to {_number(np.nanmax(values))}")


def _bars(ax: Axes, box: BarContainer) -> str:
    flat = box.orientation == "horizontal"
    places = [(p.get_y() + p.get_height() / 2) if flat else (p.get_x() + p.get_width() / 2) for p in box.patches]
    sizes = [p.get_width() if flat else p.get_height() for p in box.patches]
    names = _names(ax.yaxis if flat else ax.xaxis, places)
    rows = [f"{name} {_number(size)}" for name, size in zip(names, sizes, strict=True)]
    told = (
        "; ".join(rows)
        if len(rows) <= MOST_ROWS
        else f"{len(rows)} bars from {_number(min(sizes))} to {_number(max(sizes))}"
    )
    return _named(_own_name(box.get_label()), told)


def _line(ax: Axes, line: Line2D) -> str:
    name, points = _own_name(line.get_label()) or _written_beside(ax, line), _points(line)
    x, y = points[np.isfinite(points).all(axis=1)].T
    if not len(x):
        return _named(name, "no point")
    if str(line.get_linestyle()) in ("None", "", " "):
        return _named(name, _cloud((x, y)))
    return _named(name, _course(ax, x, y))


def _points(line: Line2D) -> NDArray[np.float64]:
    """(n, 2) what a line goes through."""
    return np.column_stack(
        [np.ma.filled(np.ma.asarray(each, dtype=float), np.nan) for each in line.get_data(orig=False)]
    )


def _course(ax: Axes, x: Any, y: Any) -> str:
    """First, greatest, least and last value, each once and each with its place."""
    names, low, high = _names(ax.xaxis, x), int(np.argmin(y)), int(np.argmax(y))
    ends = {0: "", high: "highest ", low: "lowest "} if low != high else {0: ""}
    ends |= {len(x) - 1: ends.get(len(x) - 1, "")}
    if len(x) == 1:
        return f"{_number(y[0])} at {names[0]}"
    return ", ".join(f"{ends[place]}{_number(y[place])} at {names[place]}" for place in sorted(ends))


def _cloud(points: Any) -> str:
    x, y = points
    seen = np.isfinite(x) & np.isfinite(y)
    if seen.sum() == 1:
        return f"one point, {_number(y[seen][0])} at {_number(x[seen][0])}"
    spans = (f"{_number(each[seen].min())} to {_number(each[seen].max())}" for each in (y, x))
    return f"{seen.sum()} points, " + " at ".join(spans) if seen.any() else "no point"


def _segments(ax: Axes, drawn: LineCollection) -> Iterator[str]:
    """Horizontal spans by the names on their axis."""
    ends = np.array([s for s in drawn.get_segments() if len(s) == 2], dtype=float)
    if not len(ends) or not np.allclose(ends[:, 0, 1], ends[:, 1, 1]):
        return
    names = _names(ax.yaxis, [round(place) for place in ends[:, 0, 1]])
    rows = [f"{name}: {_number(a)} to {_number(b)}" for name, (a, b) in zip(names, ends[:, :, 0], strict=True)]
    yield _named("spans", "; ".join(rows) if len(rows) <= MOST_ROWS else f"{len(rows)} rows")


def _references(ax: Axes) -> Iterator[str]:
    """Lines across the panel, and bands."""
    for band in ax.patches:
        if isinstance(band, Rectangle) and band.get_transform() != ax.transData and _is_across(ax, band):
            yield _band(ax, band)
    for line in ax.get_lines():
        if line.get_transform() != ax.transData:
            upright = line.get_transform() == ax.get_xaxis_transform(which="grid")
            kind, name = DASHES.get(str(line.get_linestyle()), "thin"), _own_name(line.get_label())
            level = float(_points(line)[0][0 if upright else 1])
            yield f"{kind} line at {_number(level)}" + (f", {name}" if name else "")


def _is_across(ax: Axes, band: Rectangle) -> bool:
    box = band.get_window_extent(), ax.bbox
    return any(abs(getattr(box[0], side) - getattr(box[1], side)) < 1 for side in ("width", "height"))


def _band(ax: Axes, band: Rectangle) -> str:
    upright = abs(band.get_window_extent().height - ax.bbox.height) < 1
    low, high = (
        (band.get_x(), band.get_x() + band.get_width()) if upright else (band.get_y(), band.get_y() + band.get_height())
    )
    return f"shaded from {_number(low)} to {_number(high)}"


def _spans(ax: Axes) -> str:
    box = ax.dataLim
    return f"{_number(box.y0)} to {_number(box.y1)} at {_number(box.x0)} to {_number(box.x1)}"


def _names(axis: Axis, places: Sequence[float] | Any) -> list[str]:
    """What stands on the axis at each place: a name where one was written there, else the number."""
    labels = {
        round(float(place), 9): text.get_text()
        for place, text in zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
    }
    written = [labels.get(round(float(place), 9), "") for place in places]
    are_names = any(text and not _is_number(text) for text in written)
    return [
        " ".join(text.split()) if are_names and text else _number(float(place))
        for text, place in zip(written, places, strict=True)
    ]


def _is_number(text: str) -> bool:
    try:
        float(text.replace("−", "-").replace("$", ""))
    except ValueError:
        return "mathdefault" in text
    return True


def _own_name(label: object) -> str:
    text = " ".join(str(label).split())
    return "" if text.startswith("_") or text == "None" else text


def _written_beside(ax: Axes, line: Line2D) -> str:
    """The name that was written at a line's end, in its colour."""
    ends = _points(line)[[0, -1]]
    notes = [text for text in ax.texts if isinstance(text, Annotation)]
    for text in notes:
        here = np.asarray(text.xy, dtype=float)
        if same_color(text.get_color(), line.get_color()) and any(np.allclose(here, end) for end in ends):
            return " ".join(str(text.get_text()).split())
    return ""


def _named(name: str, words: str) -> str:
    return f"{name}: {words}" if name else words


def _number(value: float) -> str:
    """Three significant digits, as one reads them aloud."""
    if not math.isfinite(value):
        return "infinity" if value > 0 else "minus infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        digits = f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}" if value else "0"
        digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
        return digits.replace("-", "minus ") if value < 0 else digits
    return f"{value:.2e}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-").replace(".00e", "e")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
