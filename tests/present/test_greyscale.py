"""Without colour nothing is lost: what a colour says is said in grey, or by a second sign."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

import pytest
from every_figure import KINDS
from fixture_reviews import FIXTURES

import equipoise as eq
from equipoise.answer.assess import assess
from equipoise.present.audit.markup import contrast
from equipoise.present.drawing import DARK, LIGHT
from equipoise.present.figures import Figure
from equipoise.present.figures.marks import LIGHTS, ROB
from equipoise.present.figures.net_league import _SURE
from equipoise.present.figures.net_map import _STATES
from equipoise.present.pages import page
from equipoise.review.folder import open_review

ON = date(2026, 11, 22)
REVIEWS = ("prolotherapy-low-back-pain", "prolotherapy-knee-osteoarthritis")
#: From this contrast on two greys are told apart beside each other.
TOLD_APART = 1.5
#: Roles that carry a meaning; paper, rules, bands and ink are the ground and the writing.
MEANING = ("benefit", "harm", "unknown", "neutral", "good", "doubt", "bad", "soft", "warm")
SPACE = "{http://www.w3.org/2000/svg}"


def alike(one: str, other: str) -> bool:
    """Whether two roles cannot be told apart in grey, on light or on dark paper."""
    return any(contrast(p[one], p[other]) < TOLD_APART for p in (LIGHT, DARK))


@dataclass(frozen=True)
class Mark:
    """A coloured shape: its role, its form, what stands in it and the words of its line."""

    role: str
    form: tuple[str, ...]
    sign: str
    row: tuple[str, ...]


def _role(node: ET.Element, key: str) -> str:
    found = re.match(r"var\(--([a-z]+)", node.get(key, ""))
    return found[1] if found else node.get(key, "")


def _box(node: ET.Element) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom; of a path that of its first corner."""
    number = {k: float(v) for k, v in node.attrib.items() if re.fullmatch(r"-?[\d.]+", v)}
    tag = node.tag.removeprefix(SPACE)
    if tag == "rect":
        x, y = number.get("x", 0.0), number.get("y", 0.0)
        return x, y, x + number["width"], y + number["height"]
    if tag == "circle":
        x, y, r = number["cx"], number["cy"], number["r"]
        return x - r, y - r, x + r, y + r
    if tag != "path":
        return None
    points = [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", node.get("d", ""))]
    absolute = not re.search(r"[a-z]", node.get("d", "").replace("z", ""))
    if absolute and "V" not in node.get("d", "") and "H" not in node.get("d", ""):
        xs, ys = points[::2], points[1::2]
        return (min(xs), min(ys), max(xs), max(ys)) if xs and ys else None
    return (points[0], points[1], points[0], points[1]) if len(points) > 1 else None


def _run(d: str) -> str:
    """A path from its first corner, wherever it stands."""
    points = [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", d)]
    if len(points) < 4 or re.search(r"[a-z]", d.replace("z", "")):
        return d
    return " ".join(f"{b - points[i % 2]:+.0f}" for i, b in enumerate(points[2:]))


def marks(svg: str) -> Iterator[Mark]:
    """The shapes of a drawing whose colour means something."""
    root = ET.fromstring(svg)
    words = [
        ("".join(t.itertext()), float(t.get("x", "0")), float(t.get("y", "0")))
        for t in root.iter(f"{SPACE}text")
    ]
    small = [  # Dots in the corner of a cell.
        (float(c.get("cx", "0")), float(c.get("cy", "0")))
        for c in root.iter(f"{SPACE}circle")
        if float(c.get("r", "0")) < 3
    ]
    signs = [  # Triangles and bars in a cell, told by how they run from their corner.
        (place, _run(node.get("d", "")))
        for node in root.iter(f"{SPACE}path")
        if (place := _box(node)) and place[2] - place[0] < 20
    ]
    for node in root.iter():
        fill, line = _role(node, "fill"), _role(node, "stroke")
        role = fill if fill in MEANING else line if fill in ("none", "") else ""
        box = _box(node)
        if role not in MEANING or box is None or node.tag == f"{SPACE}text":
            continue
        left, top, right, bottom = box
        commands = re.sub(
            r"[^A-Za-z]", "", node.get("d", "").split("M")[1] if node.get("d") else ""
        )
        form = (
            node.tag.removeprefix(SPACE),
            commands,
            "filled" if fill in MEANING else "hollow",
            node.get("stroke-dasharray", ""),
            line if fill in MEANING else node.get("stroke-width", ""),
        )
        inside = [
            f" {drawn}"
            for (a, b, c, e), drawn in signs
            if left <= a and c <= right and top <= b and e <= bottom and drawn != node.get("d")
        ]
        dots = sum(left <= x <= right and top <= y <= bottom for x, y in small)
        middle = (top + bottom) / 2
        sign = " ".join(
            w for w, x, y in words if left - 1 <= x <= right + 1 and top - 2 <= y - 4 <= bottom + 2
        )
        row = tuple(w for w, _, y in words if abs(y - 4.4 - middle) <= 10)
        yield Mark(role, form, sign + "•" * dots + "".join(inside), row)


def lost_in_grey(svg: str) -> list[tuple[Mark, Mark]]:
    """Pairs of marks that only their hues tell apart."""
    found = sorted(set(marks(svg)), key=repr)
    return [
        (a, b)
        for a, b in itertools.combinations(found, 2)
        if a.role != b.role and alike(a.role, b.role)
        if (a.form, a.sign) == (b.form, b.sign) and (a.row == b.row or not (a.row and b.row))
    ]


def drawings(html: str) -> list[str]:
    return re.findall(r"<svg .*?</svg>", html, re.S)


@cache
def drawn(name: str) -> list[str]:
    review = open_review(name) if name in REVIEWS else FIXTURES[name]()
    return drawings(page(assess(review, on=ON)).files["index.html"].decode())


def signed(table: Mapping[str, tuple[str, str]]) -> bool:
    """Whether each entry of (sign, colour) has a sign of its own."""
    return len({sign for sign, _ in table.values()}) == len(table)


def test_what_a_colour_says_is_said_in_grey() -> None:
    # Traffic lights, letters of risk of bias, what can be told of a part: a sign for each.
    assert signed(LIGHTS)
    assert signed(ROB)
    assert len({state[0] for state in _STATES.values()}) == len(_STATES)
    # Certainty in a league table: as many dots as the level has.
    assert len({dots for _, dots in _SURE.values()}) == len(_SURE)
    # These greys are why the signs are needed.
    assert alike("benefit", "harm")
    assert alike("good", "doubt")


@pytest.mark.parametrize("name", [*FIXTURES, *REVIEWS])
def test_what_an_answer_draws_is_told_apart_in_grey(name: str) -> None:
    for svg in drawn(name):
        assert lost_in_grey(svg) == []


@pytest.mark.parametrize("name", KINDS)
def test_what_a_report_draws_is_told_apart_in_grey(name: str) -> None:
    figure = KINDS[name][1](12)
    for svg in (figure.svg, figure.narrow):
        assert lost_in_grey(svg) == []


@cache
def network() -> eq.NetworkFit:
    names = ("none", "cream", "tablets", "both", "a device")
    rows = [
        (f"Trial {i}", names[(i + j * (1 + i % 2)) % 5], 4 + (3 * i + 5 * j) % 17, 80 + 7 * i)
        for i in range(14)
        for j in range(2)
    ]
    columns = dict(zip(("study", "treat", "events", "n"), zip(*rows, strict=True), strict=True))
    return eq.network(eq.arms(**columns), measure="OR")


SURE = {
    (one, other): ("high", "moderate", "low", "very low")[i % 4]
    for i, (one, other) in enumerate(
        itertools.combinations(("none", "cream", "tablets", "both", "a device"), 2)
    )
}


@pytest.mark.parametrize(
    "draw",
    [
        eq.plot_network,
        lambda fit: eq.plot_network(
            fit, rob={f"Trial {i}": ("low", "some", "high")[i % 3] for i in range(14)}
        ),
        lambda fit: eq.plot_league(fit, better="lower"),
        lambda fit: eq.plot_league(fit, certainty=SURE),
        lambda fit: eq.plot_ranks(fit.ranking(better="lower")),
        lambda fit: eq.plot_split(fit, better="lower"),
        lambda fit: eq.plot_contributions(fit.contributions()),
    ],
    ids=["graph", "bias", "league", "certainty", "ranks", "split", "shares"],
)
def test_what_a_network_draws_is_told_apart_in_grey(draw: Callable[..., Figure]) -> None:
    figure = draw(network())
    for svg in (figure.svg, figure.narrow):
        if svg:
            assert lost_in_grey(svg) == []


def test_a_mark_that_only_its_hue_tells_apart_is_found() -> None:
    words = 'xmlns="http://www.w3.org/2000/svg"'
    good, bad = (f'fill="var(--{role},#000)"' for role in ("benefit", "harm"))
    plain = f'<svg {words}><circle cx="9" cy="9" r="4" {good}/><circle cx="30" cy="9" r="4" {bad}/>'
    assert lost_in_grey(f"{plain}</svg>")
    assert lost_in_grey(f'{plain}<text x="60" y="13">both in one line</text></svg>')
    letters = '<text x="9" y="13">L</text><text x="30" y="13">H</text>'
    assert not lost_in_grey(f"{plain}{letters}</svg>")
    square = plain.replace(
        '<circle cx="30" cy="9" r="4"', '<rect x="26" y="5" width="8" height="8"'
    )
    assert not lost_in_grey(f"{square}</svg>")
    grey = plain.replace("--harm", "--soft")
    assert not lost_in_grey(f"{grey}</svg>")
