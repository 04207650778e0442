"""Marks: squares, diamonds and bars of a forest plot, how sure the evidence is, risk of bias."""

from __future__ import annotations

import math

from equipoise.answer.wording import CERTAINTY
from equipoise.certainty.grade import Level
from equipoise.certainty.rob2 import Rob
from equipoise.core.errors import UnknownNameError
from equipoise.core.table import Column, Table
from equipoise.present.drawing import Drawing
from equipoise.present.figures.axis import Axis, draw_arrows, draw_interval
from equipoise.present.figures.figure import Figure
from equipoise.present.text import text_width

#: Level → (letter, words). The letter and the outline carry the level; colour only repeats it.
ROB: dict[Rob, tuple[str, str]] = {
    "low": ("L", "low"),
    "some concerns": ("S", "some concerns"),
    "high": ("H", "high"),
    "not judged": ("?", "not judged"),
}


#: Level → (sign, colour) in the traffic lights of several domains. The sign carries the level.
LIGHTS: dict[Rob, tuple[str, str]] = {
    "low": ("+", "good"),
    "some concerns": ("?", "doubt"),
    "high": ("×", "bad"),
    "not judged": ("", "paper"),
}

#: Other ways in which levels are written.
_SAME: dict[str, Rob] = {
    "+": "low",
    "l": "low",
    "low risk": "low",
    "?": "some concerns",
    "s": "some concerns",
    "some": "some concerns",
    "unclear": "some concerns",
    "unclear risk": "some concerns",
    "moderate": "some concerns",
    "-": "high",
    "−": "high",
    "x": "high",
    "×": "high",
    "h": "high",
    "high risk": "high",
    "serious": "high",
    "": "not judged",
    ".": "not judged",
    "none": "not judged",
    "na": "not judged",
}


def draw_square(
    d: Drawing,
    axis: Axis,
    y: float,
    ends: tuple[float, float, float],
    share: float,
    *,
    hollow: bool = False,
) -> None:
    """Draw a trial: its interval, and a square whose area is `share` of the largest.

    `ends` are the estimate and its interval.
    """
    mid, low, high = ends
    if math.isfinite(low) and math.isfinite(high):
        draw_interval(d, axis, y, low, high)
    if axis.holds(mid):
        side = max(4.0, 13 * math.sqrt(min(max(share, 0.0), 1.0)))
        box = (axis.at(mid) - side / 2, y - side / 2, side, side)
        if hollow:
            d.rect(*box, fill="paper", stroke="ink", stroke_width=1.4)
        else:
            d.rect(*box)
            x1, x2 = axis.at(low), axis.at(high)
            if math.isfinite(low + high) and x2 - x1 < side + 6:
                # An interval that its own square would hide is drawn on it.
                d.line(max(x1, box[0]), y, min(x2, box[0] + side), y, role="paper", width=1.4)


def draw_diamond(
    d: Drawing, axis: Axis, y: float, ends: tuple[float, float, float], *, main: bool = True
) -> None:
    """Draw a pooled result: a diamond as wide as its interval, cut off where it leaves the axis."""
    mid, low, high = ends
    half = 8 if main else 6.5
    x1, x, x2 = axis.at(low), axis.at(mid), axis.at(high)
    x1, x2 = min(x1, x - 3), max(x2, x + 3)
    fill = "neutral" if main else "paper"
    d.polygon([(x1, y), (x, y - half), (x2, y), (x, y + half)], fill=fill, stroke="ink")
    draw_arrows(d, axis, y, low, high)


def draw_prediction(d: Drawing, axis: Axis, y: float, ends: tuple[float, float]) -> None:
    """Draw a prediction interval: a hatched bar, with an arrow where it leaves the axis."""
    x1, x2 = axis.at(ends[0]), axis.at(ends[1])
    d.rect(x1, y - 4, x2 - x1, 8, fill="hatch", stroke="ink")
    draw_arrows(d, axis, y, *ends)


def draw_spread(d: Drawing, axis: Axis, y: float, ends: tuple[float, float]) -> None:
    """Draw a line's own prediction interval: a pale bar for its mark to lie on."""
    x1, x2 = axis.at(ends[0]), axis.at(ends[1])
    d.rect(x1, y - 4, x2 - x1, 8, fill="band", stroke="icon")
    draw_arrows(d, axis, y, *ends, role="icon")


def draw_light(d: Drawing, x: float, y: float, level: str) -> None:
    """Draw a traffic light at (x, y): a disc with the sign of its level."""
    sign, fill = LIGHTS[rob_key(level)]
    d.circle(x, y, 7.5, fill=fill, stroke="neutral", dash="" if sign else "2 2")
    if sign:
        d.text(x, y + 4.4, sign, anchor="middle", size=12, bold=True)


def rob_key(level: str) -> Rob:
    """The level of that name; another name is an error."""
    wanted = level.strip().casefold()
    found = next((known for known in ROB if known == wanted), _SAME.get(wanted))
    if found is None:
        raise UnknownNameError("risk of bias", level, ROB)
    return found


def draw_rob(d: Drawing, x: float, y: float, level: str) -> None:
    """Draw a level at (x, y): a letter in a disc, a diamond, a square or a dashed ring."""
    key = rob_key(level)
    if key == "low":
        d.circle(x, y, 9, fill="soft", stroke="benefit")
    elif key == "some concerns":
        d.polygon(
            [(x - 11, y), (x, y - 11), (x + 11, y), (x, y + 11)], fill="paper", stroke="neutral"
        )
    elif key == "high":
        d.rect(x - 8.5, y - 8.5, 17, 17, fill="warm", stroke="harm")
    else:
        d.circle(x, y, 9, fill="paper", stroke="unknown", dash="3 2")
    d.text(x, y + 4.4, ROB[key][0], anchor="middle", size=12, bold=True)


def certainty_dots(level: Level | None, *, prefix: str = "certainty") -> Figure:
    """Draw how sure the evidence is: four dots, as many filled as the level has, and its words.

    Parameters
    ----------
    level
        The GRADE level; None where there is no evidence to be sure of.
    """
    filled, words = (0, "No evidence to be sure of") if level is None else _certainty(level)
    size = 14.0
    d = Drawing(prefix, 76 + text_width(words, size) + 4, size=size)
    for i in range(4):
        role = "ink" if i < filled else "paper"
        d.circle(9 + 16 * i, 11, 5.5, fill=role, stroke="ink", stroke_width=1.4)
    d.text(74, 16, words)
    title = f"How sure we are: {words.lower() if level is None else words}"
    desc = f"{filled} of 4 dots are filled."
    table = Table(
        "How sure the evidence is",
        (Column("level", "Certainty (GRADE)"), Column("dots", "Dots of four", "count", "right")),
        ((level or "no evidence", filled),),
    )
    return Figure(prefix, d.svg(22, title, desc), table, title, desc)


def _certainty(level: str) -> tuple[int, str]:
    for known, value in CERTAINTY.items():
        if known == level:
            return value
    raise UnknownNameError("certainty", level, CERTAINTY)


def risk_light(level: str, *, prefix: str = "rob") -> Figure:
    """Draw a risk of bias as a small mark with its words beside it."""
    words = ROB[rob_key(level)][1]
    size = 14.0
    d = Drawing(prefix, 32 + text_width(words, size), size=size)
    draw_rob(d, 13, 12, level)
    d.text(29, 17, words)
    title, desc = "Risk of bias", f"Risk of bias: {words}."
    table = Table(title, (Column("level", "Risk of bias"),), ((words,),))
    return Figure(prefix, d.svg(24, title, desc), table, title, desc)
