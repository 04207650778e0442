"""Small marks with words: how sure the evidence is, and a trial's risk of bias."""

from __future__ import annotations

from equipoise.answer.wording import CERTAINTY
from equipoise.certainty.grade import Level
from equipoise.certainty.rob2 import Rob
from equipoise.core.errors import UnknownNameError
from equipoise.core.table import Column, Table
from equipoise.present.drawing import Drawing, text_width
from equipoise.present.figures.figure import Figure

#: Level → (letter, words). The letter and the outline carry the level; colour only repeats it.
ROB: dict[Rob, tuple[str, str]] = {
    "low": ("L", "low"),
    "some concerns": ("S", "some concerns"),
    "high": ("H", "high"),
    "not judged": ("?", "not judged"),
}


def rob_key(level: str) -> Rob:
    """The level of that name; another name is an error."""
    found = next((known for known in ROB if known == level), None)
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
