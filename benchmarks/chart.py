"""The charts of the wall times, as SVG."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 56, 110, 34, 44
COLOURS = {1: "#b45309", 8: "#1d4ed8", 32: "#047857"}
DAYS, SECONDS = (20, 5000), (0.1, 200.0)
"""The ends of the two axes, both logarithmic."""


def chart(rows: Sequence[Mapping[str, Any]], latency: float) -> str:
    """Days on the one axis, seconds on the other; a line a number of workers, dashed what is ideal."""
    parts = [
        *_canvas(HEIGHT),
        f'<text x="{LEFT}" y="18" font-weight="bold">Seconds to read days of consumption, '
        f"each response takes {latency * 1000:.0f} ms</text>",
    ]
    for days in (30, 100, 365, 1000, 3653):
        parts.append(_line((days, SECONDS[0]), (days, SECONDS[1]), "#e5e7eb"))
        parts.append(f'<text x="{_x(days):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{days}</text>')
    for seconds in (0.1, 1, 10, 100):
        parts.append(_line((DAYS[0], seconds), (DAYS[1], seconds), "#e5e7eb"))
        parts.append(f'<text x="{LEFT - 8}" y="{_y(seconds) + 4:.1f}" text-anchor="end">{seconds:g} s</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">days</text>')
    for workers, colour in COLOURS.items():
        points = sorted((row["days"], row["seconds"]) for row in rows if row["workers"] == workers)
        ideal = [(row["days"], row["requests"] * latency / workers) for row in rows if row["workers"] == workers]
        parts += [_line(min(ideal), max(ideal), colour, dashed=True)]
        parts += [_line(one, other, colour) for one, other in itertools.pairwise(points)]
        parts += [f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        x, y = points[-1]
        name = "1 worker" if workers == 1 else f"{workers} workers"
        parts.append(f'<text x="{_x(x) + 9:.1f}" y="{_y(y) + 4:.1f}" fill="{colour}">{name}</text>')
    key = f'y="{HEIGHT - BOTTOM - 10}" text-anchor="end"'
    parts.append(f'<text x="{WIDTH - RIGHT - 6}" {key}>dashed: requests × latency ÷ workers</text>')
    return "\n".join([*parts, "</svg>", ""])


def bars(groups: Mapping[str, Mapping[str, float]]) -> str:
    """A bar a program, in groups with a title; the longest of a group across the whole width."""
    parts: list[str] = []
    y = 18
    for title, seconds in groups.items():
        scale = (WIDTH - 300 - 60) / max(seconds.values())
        parts.append(f'<text x="16" y="{y}" font-weight="bold">{title}</text>')
        for name, value in seconds.items():
            y += 28
            colour = COLOURS[8] if name.startswith("this") else "#9ca3af"
            parts.append(f'<text x="288" y="{y + 3}" text-anchor="end">{name}</text>')
            parts.append(f'<rect x="300" y="{y - 12}" width="{value * scale:.1f}" height="20" fill="{colour}"/>')
            parts.append(f'<text x="{308 + value * scale:.1f}" y="{y + 3}">{value:.1f} s</text>')
        y += 36
    return "\n".join([*_canvas(y - 18), *parts, "</svg>", ""])


def _canvas(height: int) -> list[str]:
    return [
        '<svg xmlns="http://www.w3.org/2000/svg" '  # ignore-https-check
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12" fill="#374151">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]


def _x(days: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * _share(days, *DAYS)


def _y(seconds: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * _share(seconds, *SECONDS)


def _share(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low)


def _line(start: tuple[float, float], end: tuple[float, float], colour: str, dashed: bool = False) -> str:
    ends = f'x1="{_x(start[0]):.1f}" y1="{_y(start[1]):.1f}" x2="{_x(end[0]):.1f}" y2="{_y(end[1]):.1f}"'
    return f'<line {ends} stroke="{colour}"' + (' stroke-dasharray="5 4"/>' if dashed else ' stroke-width="1.5"/>')
