"""Plots as SVG: horizontal bars with a mark for the goal, and lines over logarithmic axes. No library is needed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

BAR_COLOURS = ("#0066cc", "#8a8d90", "#c7c9cb")
LINE_COLOURS = ("#0066cc", "#ec7a08", "#3e8635", "#6753ac")
_INK, _FAINT = "#151515", "#d2d2d2"
_FONT = "font-family='system-ui, sans-serif' font-size='12'"


@dataclass(frozen=True, slots=True)
class Bar:
    """One group of bars: a value per series (None: not measured), and where the goal lies."""

    label: str
    values: Sequence[float | None]
    goal: float | None = None


def bars(title: str, series: Sequence[str], groups: Sequence[Bar], *, unit: str, limit: float | None = None) -> str:
    """Draw groups of horizontal bars, one bar per series; values beyond `limit` are cut and say so."""
    left, width, thick, gap = 280, 460, 12, 14
    most = max((value for group in groups for value in group.values if value is not None), default=1.0)
    scale = width / (min(most, limit) if limit else most)
    parts, y = _legend(series, left, BAR_COLOURS), 58
    for group in groups:
        height = thick * len(series)
        parts.append(_text(left - 10, y + height / 2 + 4, group.label, anchor="end"))
        for index, value in enumerate(group.values):
            if value is None:
                continue
            long = min(value * scale, width)
            top = y + index * thick
            parts.append(
                f"<rect x='{left}' y='{top}' width='{long:.1f}' height='{thick - 2}' fill='{BAR_COLOURS[index]}'/>"
            )
            shown = f"{value:,.2f}{unit}" + (" →" if value * scale > width else "")
            parts.append(_text(left + long + 6, top + thick - 3, shown, size=10))
        if group.goal is not None and group.goal * scale <= width:
            x = left + group.goal * scale
            parts.append(f"<path d='M{x:.1f} {y - 3}v{height + 4}' stroke='#c9190b' stroke-width='2'/>")
        y += height + gap
    return _page(title, 860, y + 6, parts)


def lines(title: str, x_label: str, y_label: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Draw lines over two logarithmic axes."""
    left, top, width, height = 70, 76, 700, 300
    points = [point for line in series.values() for point in line if min(point) > 0]
    x_low, x_high = _decades(x for x, _ in points)
    y_low, y_high = _decades(y for _, y in points)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - x_low) / (x_high - x_low)
        up = (math.log10(y) - y_low) / (y_high - y_low)
        return left + across * width, top + height - up * height

    parts = _legend(list(series), left, LINE_COLOURS)
    for decade in range(x_low, x_high + 1):
        x, bottom = place(10**decade, 10**y_low)
        parts.append(f"<path d='M{x:.1f} {top}V{bottom}' stroke='{_FAINT}'/>")
        parts.append(_text(x, bottom + 16, f"{10**decade:,}", anchor="middle"))
    for decade in range(y_low, y_high + 1):
        _, y = place(10**x_low, 10**decade)
        parts.append(f"<path d='M{left} {y:.1f}h{width}' stroke='{_FAINT}'/>")
        parts.append(_text(left - 6, y + 4, f"{10**decade:,}", anchor="end"))
    for index, line in enumerate(series.values()):
        placed = [place(x, y) for x, y in line if x > 0 and y > 0]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
        parts.append(f"<path d='M{path}' fill='none' stroke='{LINE_COLOURS[index % 4]}' stroke-width='2'/>")
        parts += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3.5' fill='{LINE_COLOURS[index % 4]}'/>" for x, y in placed]
    parts.append(_text(left + width, top + height + 34, x_label, anchor="end"))
    parts.append(_text(left, top - 8, y_label))
    return _page(title, left + width + 50, top + height + 46, parts)


def _decades(values: Iterable[float]) -> tuple[int, int]:
    found = sorted(values)
    low = math.floor(math.log10(found[0])) if found else 0
    high = math.ceil(math.log10(found[-1])) if found else 1
    return low, max(high, low + 1)


def _legend(series: Sequence[str], left: float, colours: Sequence[str]) -> list[str]:
    parts, x = [], left
    for index, name in enumerate(series):
        parts.append(f"<rect x='{x}' y='32' width='10' height='10' fill='{colours[index % len(colours)]}'/>")
        parts.append(_text(x + 14, 41, name))
        x += 30 + 7 * len(name)
    return parts


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    halo = "paint-order='stroke' stroke='#fff' stroke-width='3'"  # readable where a goal's line runs through it
    place = f"x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size}'"
    return f"<text {place} {halo}>{escape(text)}</text>"


def _page(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    return "\n".join(
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0f} {height:.0f}' {_FONT} fill='{_INK}'>",
            f"<title>{escape(title)}</title>",
            f"<rect width='{width:.0f}' height='{height:.0f}' fill='#fff'/>",
            f"<text x='14' y='20' font-size='14' font-weight='600'>{escape(title)}</text>",
            *parts,
            "</svg>\n",
        )
    )
