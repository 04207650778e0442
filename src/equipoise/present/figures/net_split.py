"""Direct, indirect and network estimates side by side: does the evidence agree?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.table import count, counted, p_value
from equipoise.effects.measures import measure_of
from equipoise.models.network.fit import NetworkFit
from equipoise.models.network.inconsistency import Split
from equipoise.num.dist import critical
from equipoise.present.figures.figure import Figure, check_width
from equipoise.present.figures.forest import draw_plot
from equipoise.present.figures.gather import Asked, Trials, framed
from equipoise.present.figures.plot import Beside, Better, Line, Plot, capital, check_better

_NAMES = {"direct": "Direct", "indirect": "Indirect", "network": "Network"}
_BESIDE = (
    Beside("k", "Trials", "right", "count"),
    Beside("share", "Share", "right", "percent"),
    Beside("p", "p of difference", "right", "p"),
)

#: More comparisons than this are not drawn under each other.
_MOST = 100


@typed
def plot_split(
    what: NetworkFit | Split,
    *,
    of: str | Sequence[str] | Sequence[tuple[str, str]] | None = None,
    both: bool = True,
    better: Better | None = None,
    threshold: float | tuple[float, float] | None = None,
    title: str | None = None,
    width: float | None = None,
    prefix: str = "split",
) -> Figure:
    """Draw what direct, indirect and all evidence say of each comparison, one under the other.

    Parameters
    ----------
    what
        What :func:`equipoise.network` gave, or its ``split()``.
    of
        A treatment (all its comparisons, it being compared with each other one), a pair, or a list
        of pairs, the first against the second. None: all.
    both
        Whether only comparisons with direct and indirect evidence are drawn; else all that trials
        compared. A pair asked for by name is always drawn.
    better, threshold
        As for :func:`equipoise.forest`.
    title
        Heading of the figure.
    width
        Natural width in pixels. None draws as wide as needed and, as `narrow`, 320.
    prefix
        Begins the ids in the drawing; unique on a page.

    Raises
    ------
    UnknownNameError
        For a treatment or pair that the network does not have.
    InputError
        When no comparison has both kinds of evidence, or for more than can be read (100).
    """
    check_width(width)
    check_better(better)
    split = what.split() if isinstance(what, NetworkFit) else what
    if not isinstance(split, Split):
        raise InputError(
            f"no split can be drawn of a {type(what).__name__}", hint="what network() gives"
        )
    pairs = _pairs(split, of, both=both)
    if not pairs:
        raise InputError(
            "no comparison has direct and indirect evidence",
            hint="both=False draws what has direct evidence alone",
        )
    if len(pairs) > _MOST:
        raise InputError(
            f"splits of {len(pairs)} comparisons cannot be read",
            hint="of= names a treatment or pairs; net.split().table() has all",
        )
    plot = _plot(split, pairs, Asked(title, better, threshold), ordered=of is not None)
    return draw_plot(plot, ("effect",), width, prefix)


def _pairs(
    split: Split, of: str | Sequence[str] | Sequence[tuple[str, str]] | None, *, both: bool
) -> list[tuple[str, str]]:
    known = list(zip(split.treat1, split.treat2, strict=True))
    names = list(dict.fromkeys((*split.treat1, *split.treat2)))
    tested = [
        pair
        for pair, k, p in zip(known, split.k.tolist(), split.p_value.tolist(), strict=True)
        if k and (math.isfinite(p) or not both)
    ]
    if of is None:
        return tested
    if isinstance(of, str):
        if of not in names:
            raise UnknownNameError("treatment", of, names)
        return [(of, b if a == of else a) for a, b in tested if of in (a, b)]
    asked = [tuple(of)] if all(isinstance(x, str) for x in of) else [tuple(x) for x in of]
    out: list[tuple[str, str]] = []
    for pair in asked:
        if len(pair) != 2 or pair[0] == pair[1]:
            raise InputError(f"{pair!r} is not a pair of treatments", hint="('A', 'B')")
        for name in pair:
            if name not in names:
                raise UnknownNameError("treatment", str(name), names)
        out.append((str(pair[0]), str(pair[1])))
    return out


def _plot(split: Split, pairs: Sequence[tuple[str, str]], asked: Asked, *, ordered: bool) -> Plot:
    measure = measure_of(split.measure)
    reach = critical(split.level, split.df)
    rows = {pair: split.row(*pair) for pair in pairs}
    if not ordered:
        pairs = sorted(pairs, key=lambda pair: _rank(rows[pair]["p_value"]))
    lines: list[Line] = []
    for pair in pairs:
        if len(pairs) > 1:
            lines.append(Line(f"{pair[0]} against {pair[1]}", kind="heading"))
        lines += [_line(kind, rows[pair], reach) for kind in _NAMES]
    trials = Trials(
        tuple(line for line in lines if line.kind != "heading"),
        tuple((beside, (), None) for beside in _BESIDE),
        (),
        (),
    )
    one, two = pairs[0] if len(pairs) == 1 else ("the first", "the second")
    name = capital(measure.name)
    heading = asked.title or (
        f"{name}: {one} against {two}"
        if len(pairs) == 1
        else f"{name}: direct and indirect evidence"
    )
    plot = framed(asked, measure, split.level, lines, (one, two), trials)
    return dataclasses.replace(
        plot,
        title=heading,
        label_head="Evidence",
        desc=_said(plot, pairs, rows),
        notes=tuple(note.text for note in split.notes) if len(pairs) > 1 else (),
    )


def _rank(p: float) -> float:
    return 2.0 if math.isnan(p) else p


def _line(kind: str, row: dict[str, float], reach: float) -> Line:
    """One kind of evidence: direct and indirect as squares, the network as a diamond."""
    value, half = row[kind], reach * row[f"{kind}_se"]
    direct = row["share"] if row["k"] else 0.0
    cells: dict[str, float | int | None] = {
        "k": int(row["k"]) if kind == "direct" else None,
        "share": {"direct": 100 * direct, "indirect": 100 * (1 - direct)}.get(kind),
        "p": None if kind != "direct" or math.isnan(row["p_value"]) else row["p_value"],
    }
    return Line(
        _NAMES[kind],
        value,
        value - half,
        value + half,
        kind="total" if kind == "network" else "trial",
        cells=cells,
        hollow=kind == "indirect",
    )


def _said(
    plot: Plot, pairs: Sequence[tuple[str, str]], rows: Mapping[tuple[str, str], dict[str, float]]
) -> str:
    """The finding: how many disagree, and where most."""
    tested = [pair for pair in pairs if math.isfinite(rows[pair]["p_value"])]
    if len(pairs) == 1:
        text = "".join(
            f"{line.label}: {plot.effect(line)}. " for line in plot.lines if line.kind != "heading"
        )
        if not tested:
            return text + "Nothing tests whether direct and indirect evidence agree."
        return text + f"Test of a difference: p\u00a0{p_value(rows[tested[0]]['p_value'])}."
    text = f"{counted(len(pairs), 'comparison')}, {count(len(tested))} with both kinds of evidence."
    if not tested:
        return text
    low = sum(rows[pair]["p_value"] < 0.05 for pair in tested)
    text += f" Direct and indirect evidence differ with p below 0.05 in {count(low)}."
    worst = min(tested, key=lambda pair: rows[pair]["p_value"])
    p = p_value(rows[worst]["p_value"])
    return f"{text} Furthest apart: {worst[0]} against {worst[1]}, p\u00a0{p}."
