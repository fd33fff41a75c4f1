"""Plots as SVG: bars for comparisons, lines for growth and time."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from typing import Final

WIDTH: Final = 760
_LEFT, _RIGHT, _TOP, _ROW = 290, 80, 46, 28
_COLOURS: Final = ("#2f5bd7", "#c2571a", "#2a8a5f", "#8a4fb0", "#6b7280")
_STYLE: Final = (
    "<style>text{font:13px system-ui,sans-serif;fill:#1f2933}.t{font-size:15px;font-weight:600}"
    ".m{fill:#52606d}.g{stroke:#d9dee5}</style>"
)

Part = tuple[str, float]
Line = Sequence[tuple[float, float]]


def bars(title: str, rows: Mapping[str, Sequence[Part]], *, unit: str) -> str:
    """Draw horizontal bars, each of parts that a legend names, and the sum beside each bar."""
    most = max(sum(value for _, value in parts) for parts in rows.values())
    names = list(dict.fromkeys(name for parts in rows.values() for name, _ in parts))
    colour = dict(zip(names, _COLOURS, strict=False))
    scale = (WIDTH - _LEFT - _RIGHT) / most
    height = _TOP + _ROW * len(rows) + 34
    drawn = [f'<text class="t" x="12" y="24">{escape(title)}</text>']
    for number, (label, parts) in enumerate(rows.items()):
        y, x = _TOP + number * _ROW, float(_LEFT)
        drawn.append(
            f'<text x="{_LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(label)}</text>'
        )
        for name, value in parts:
            width = value * scale
            drawn.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="20" fill="{colour[name]}"/>'
            )
            x += width
        total = sum(value for _, value in parts)
        drawn.append(f'<text class="m" x="{x + 6:.1f}" y="{y + 15}">{_number(total)} {unit}</text>')
    drawn += _legend(names, colour, _TOP + _ROW * len(rows) + 18)
    return _svg(height, drawn)


def lines(
    title: str, series: Mapping[str, Line], *, x_label: str, y_label: str, logarithmic: bool = False
) -> str:
    """Draw lines from zero upwards. `logarithmic` applies to the horizontal axis."""
    height, left, bottom = 300, 70, 250
    xs = [x for line in series.values() for x, _ in line]
    most = max(y for line in series.values() for _, y in line) * 1.1 or 1.0

    def across(x: float) -> float:
        low, high = min(xs), max(xs)
        if logarithmic:
            x, low, high = log10(x), log10(low), log10(high)
        return left + (WIDTH - left - 30) * ((x - low) / ((high - low) or 1))

    def up(y: float) -> float:
        return bottom - (bottom - _TOP) * y / most

    colour = dict(zip(series, _COLOURS, strict=False))
    drawn = [f'<text class="t" x="12" y="24">{escape(title)}</text>']
    for step in range(5):
        y = most * step / 4
        drawn.append(
            f'<line class="g" x1="{left}" x2="{WIDTH - 30}" y1="{up(y):.1f}" y2="{up(y):.1f}"/>'
            f'<text class="m" x="{left - 8}" y="{up(y) + 4:.1f}" text-anchor="end">'
            f"{_number(y)}</text>"
        )
    for x in _ticks(sorted(set(xs))):
        anchor = "end" if x == max(xs) > min(xs) else "middle"  # so that a long number fits
        drawn.append(
            f'<text class="m" x="{across(x):.1f}" y="{bottom + 18}" text-anchor="{anchor}">'
            f"{_number(x)}</text>"
        )
    for name, line in series.items():
        points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line)
        drawn.append(
            f'<polyline points="{points}" fill="none" stroke="{colour[name]}" stroke-width="2"/>'
        )
    right = f'<text class="m" x="{WIDTH - 30}" text-anchor="end"'
    drawn.append(f'{right} y="24">{escape(y_label)}</text>')
    drawn.append(f'{right} y="{bottom + 38}">{escape(x_label)}</text>')
    return _svg(height, [*drawn, *_legend(list(series), colour, bottom + 36)])


def _ticks(xs: list[float]) -> list[float]:
    return xs if len(xs) <= 8 else [xs[0], xs[len(xs) // 2], xs[-1]]


def _legend(names: list[str], colour: Mapping[str, str], y: float) -> list[str]:
    drawn, x = [], 12.0
    for name in names:
        drawn.append(
            f'<rect x="{x:.0f}" y="{y - 10:.0f}" width="11" height="11" fill="{colour[name]}"/>'
            f'<text x="{x + 16:.0f}" y="{y:.0f}">{escape(name)}</text>'
        )
        x += 34 + 7.2 * len(name)
    return drawn


def _number(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _svg(height: float, drawn: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        f'{_STYLE}<rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(drawn)}</svg>\n'
    )
