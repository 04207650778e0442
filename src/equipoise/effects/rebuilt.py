"""Tables and hazard ratios rebuilt from summaries; effects carried from one scale to another."""

from __future__ import annotations

import numpy as np
from scipy import special

from equipoise.core.errors import InputError
from equipoise.core.result import Method, Note
from equipoise.effects.binary import COX, LOGISTIC
from equipoise.effects.columns import Floats
from equipoise.effects.recovered import (
    Estimate,
    LogRank,
    Numbers,
    TwoByTwo,
    above_zero,
    columns,
    logs,
    refuse,
    whole_sizes,
)


def two_by_two(
    *,
    n1: Numbers,
    n2: Numbers,
    events: Numbers,
    odds_ratio: Numbers | None = None,
    risk_ratio: Numbers | None = None,
    phi: Numbers | None = None,
) -> TwoByTwo:
    """Counts of two groups from their sizes, the events in all, and how the groups differ.

    Parameters
    ----------
    n1, n2
        People in the groups.
    events
        People with the event in both together.
    odds_ratio, risk_ratio, phi
        Group 1 against group 2: one of the three.

    Returns
    -------
    TwoByTwo
        Whole counts; not a number where none fit. A note tells rows whose rounded counts give
        back another number by more than 5 %.

    Raises
    ------
    InputError
        On none or several measures, and numbers that no table has.

    Notes
    -----
    Source: the margins leave one cell free, and the definition of the measure gives it: a quadratic
    for the odds ratio, a line for the others.
    """
    measures = {"odds_ratio": odds_ratio, "risk_ratio": risk_ratio, "phi": phi}
    given = [name for name, value in measures.items() if value is not None]
    if len(given) != 1:
        what = f"a table from {' and '.join(given)}" if given else "a table from margins alone"
        raise InputError(what, hint="one of odds_ratio, risk_ratio, phi")
    kind = given[0]
    c = columns({"n1": n1, "n2": n2, "events": events, kind: measures[kind]})
    whole_sizes(c, "n1", "n2", least=1)
    refuse(
        (c["events"] < 0.0) | (c["events"] > c["n1"] + c["n2"]), c, "events", "from 0 to n1 + n2"
    )
    if kind != "phi":
        above_zero(c, kind)
    with np.errstate(all="ignore"):
        first = _first_cell(kind, c)
        low = np.maximum(0.0, c["events"] - c["n2"])
        high = np.minimum(c["n1"], c["events"])
        inside = (first > low - 0.5) & (first < high + 0.5)
        a = np.where(inside, np.clip(np.round(first), low, high), np.nan)
        b = c["events"] - a
        back = _measured(kind, a, c["n1"], b, c["n2"])
        far = np.abs(back - c[kind]) > 0.05 * np.maximum(np.abs(c[kind]), 1e-12)
    notes = []
    rows = np.flatnonzero(np.atleast_1d(far & inside)) + 1
    if rows.size:
        listed = ", ".join(str(row) for row in rows.tolist())
        what = kind.replace("_", " ")
        text = f"Rounding to whole people moves the {what} by over 5 %: row {listed}."
        notes.append(Note("rounded", text))
    rows = np.flatnonzero(np.atleast_1d(~inside & np.isfinite(c[kind]))) + 1
    if rows.size:
        listed = ", ".join(str(row) for row in rows.tolist())
        notes.append(Note("no-table", f"No table has these margins and effect: row {listed}."))
    paper = "the margins leave one cell free; the measure's own definition gives it"
    return TwoByTwo(
        events1=a,
        n1=np.where(np.isnan(a), np.nan, c["n1"]),
        events2=b,
        n2=np.where(np.isnan(a), np.nan, c["n2"]),
        notes=tuple(notes),
        methods=(Method("2×2 table from its margins", paper),),
    )


def _first_cell(kind: str, c: dict[str, Floats]) -> Floats:
    """Events of group 1, not rounded."""
    n1, n2, m, value = c["n1"], c["n2"], c["events"], c[kind]
    if kind == "risk_ratio":
        return np.asarray(m * n1 * value / (n1 * value + n2))
    if kind == "phi":
        total = n1 + n2
        return np.asarray((value * np.sqrt(n1 * n2 * m * (total - m)) + n1 * m) / total)
    # (OR − 1) a² − (OR (n1 + m) + n2 − m) a + OR n1 m = 0, the root between the margins.
    square = value - 1.0
    half = 0.5 * (value * (n1 + m) + n2 - m)
    root = np.sqrt(np.maximum(half**2 - square * value * n1 * m, 0.0))
    return np.asarray(value * n1 * m / (half + root))


def _measured(kind: str, a: Floats, n1: Floats, b: Floats, n2: Floats) -> Floats:
    """The measure of a table."""
    if kind == "risk_ratio":
        return np.asarray(a / n1 / (b / n2))
    if kind == "phi":
        m, total = a + b, n1 + n2
        return np.asarray((a * total - n1 * m) / np.sqrt(n1 * n2 * m * (total - m)))
    return np.asarray(a * (n2 - b) / ((n1 - a) * b))


def logrank(
    p_value: Numbers,
    events1: Numbers,
    events2: Numbers,
    *,
    worse: Numbers,
    n1: Numbers | None = None,
    n2: Numbers | None = None,
) -> LogRank:
    """Observed minus expected events, and the log hazard ratio, from a log-rank p value.

    Parameters
    ----------
    p_value
        Two-sided.
    events1, events2
        Events in the two groups.
    worse
        The group with the higher hazard, 1 or 2: a p value does not tell.
    n1, n2
        People in the groups, where they were not allotted one to one.

    Returns
    -------
    LogRank
        ``V`` is the product of the shares of the groups and the events in all (one to one: a
        quarter of them), ``O − E`` is ``±z √V``.

    Raises
    ------
    InputError
        On impossible numbers.

    Notes
    -----
    Source: Parmar, Torri, Stewart 1998, Stat Med 17:2815; Tierney and others 2007, Trials 8:16,
    doi:10.1186/1745-6215-8-16.
    """
    given = {"p_value": p_value, "events1": events1, "events2": events2, "worse": worse}
    c = columns(given | {"n1": n1, "n2": n2})
    refuse((c["p_value"] <= 0.0) | (c["p_value"] > 1.0), c, "p_value", "above 0, at most 1")
    for name in ("events1", "events2"):
        refuse(c[name] < 0.0, c, name, "0 or more")
    refuse((c["worse"] != 1.0) & (c["worse"] != 2.0), c, "worse", "1 or 2")
    if ("n1" in c) != ("n2" in c):
        raise InputError("people of one group only", where="argument n1, n2", hint="both, or none")
    total = c["events1"] + c["events2"]
    refuse(total <= 0.0, c, "events1", "an event in one of the groups")
    share = 0.5 * np.ones_like(total)
    if "n1" in c:
        above_zero(c, "n1", "n2")
        share = c["n1"] / (c["n1"] + c["n2"])
    v = total * share * (1.0 - share)
    gap = np.where(c["worse"] == 1.0, 1.0, -1.0) * -special.ndtri(0.5 * c["p_value"]) * np.sqrt(v)
    text = (
        "Approximate: the hazards are taken as proportional and censoring as alike in the groups."
    )
    return LogRank(
        o_minus_e=gap,
        v=v,
        estimate=gap / v,
        se=1.0 / np.sqrt(v),
        notes=(Note("log-rank", text),),
        methods=(
            Method(
                "log hazard ratio from a p value and events",
                "Tierney and others 2007, Trials 8:16",
                "10.1186/1745-6215-8-16",
            ),
        ),
    )


def _factor(distribution: str) -> tuple[float, Method]:
    if distribution == "logistic":
        paper = "Hasselblad, Hedges 1995, Psychol Bull 117:167"
        return LOGISTIC, Method("logistic distributions", paper, "10.1037/0033-2909.117.1.167")
    if distribution == "normal":
        paper = "Cox, Snell 1989, Analysis of Binary Data, 2nd edition"
        return COX, Method("normal distributions, divisor 1.65", paper)
    raise InputError(f"distribution {distribution!r}", hint="'logistic' or 'normal'")


_DISTRIBUTION = Note(
    "latent",
    "Holds where the event is a cut through a measured quantity with the same spread in both "
    "groups.",
)


def d_from_or(
    odds_ratio: Numbers, se: Numbers | None = None, *, distribution: str = "logistic"
) -> Estimate:
    """Standardised mean difference that an odds ratio stands for.

    Parameters
    ----------
    odds_ratio
        As printed.
    se
        Standard error of its logarithm; not a number in the result when not given.
    distribution
        ``logistic`` (log odds ratio times √3/π) or ``normal`` (divided by 1.65).

    Raises
    ------
    InputError
        On ratios and standard errors that are not above 0.

    Notes
    -----
    Source: Hasselblad, Hedges 1995, Psychol Bull 117:167, doi:10.1037/0033-2909.117.1.167; Cox,
    Snell 1989. Compared by Sánchez-Meca, Marín-Martínez, Chacón-Moscoso 2003, Psychol Methods
    8:448, doi:10.1037/1082-989X.8.4.448.
    """
    factor, paper = _factor(distribution)
    c = columns({"odds_ratio": odds_ratio, "se": se})
    above_zero(c, "se")
    logs(c, "odds_ratio")
    spread = c["se"] / factor if "se" in c else np.full(c["odds_ratio"].shape, np.nan)
    return Estimate(
        estimate=c["odds_ratio"] / factor, se=spread, notes=(_DISTRIBUTION,), methods=(paper,)
    )


def or_from_d(d: Numbers, se: Numbers | None = None, *, distribution: str = "logistic") -> Estimate:
    """Log odds ratio that a standardised mean difference stands for.

    Parameters
    ----------
    d
        Standardised mean difference.
    se
        Its standard error; not a number in the result when not given.
    distribution
        ``logistic`` (times π/√3) or ``normal`` (times 1.65).

    Raises
    ------
    InputError
        On standard errors that are not above 0.

    Notes
    -----
    Source: Hasselblad, Hedges 1995, Psychol Bull 117:167, doi:10.1037/0033-2909.117.1.167; Cox,
    Snell 1989.
    """
    factor, paper = _factor(distribution)
    c = columns({"d": d, "se": se})
    above_zero(c, "se")
    spread = c["se"] * factor if "se" in c else np.full(c["d"].shape, np.nan)
    return Estimate(estimate=c["d"] * factor, se=spread, notes=(_DISTRIBUTION,), methods=(paper,))
