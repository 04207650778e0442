"""Boundaries for looking again and again: what may be spent at each look, and where z must be.

Source: Lan, DeMets 1983, Biometrika 70:659; Jennison, Turnbull 2000, Group Sequential Methods with
Applications to Clinical Trials.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, Value, fixed, percent, significant
from equipoise.effects.columns import make_frame, read_only
from equipoise.num.dist import normal_quantile, normal_two_sided
from equipoise.num.looks import Path, crossing, reaches_for, two_sided_bounds
from equipoise.num.solve import root

Floats = NDArray[np.float64]

RECURSION = Method(
    "boundaries by recursive numerical integration",
    "Armitage, McPherson, Rowe 1969, J R Stat Soc A 132:235",
    "10.2307/2343787",
)
FUTILITY = Method(
    "boundary for futility by spending of beta",
    "Pampallona, Tsiatis, Kim 2001, Drug Inf J 35:1113",
    "10.1177/009286150103500408",
)

#: Two looks may not be closer than this share of the later one's information.
_CLOSE = 1e-6
#: Where less than this of 1 - power is spent, there is no boundary for futility yet.
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Spending:
    """A spending function: `share` is called with the fraction of information, the error and the
    parameter; `parameter` is its default, not a number where there is none."""

    name: str
    share: Callable[[Floats, float, float], Floats]
    method: Method
    parameter: float = math.nan


def _obrien_fleming(t: Floats, error: float, _: float) -> Floats:
    with np.errstate(divide="ignore"):
        found: Floats = 2.0 * special.ndtr(normal_quantile(error / 2.0) / np.sqrt(t))
    return found


def _pocock(t: Floats, error: float, _: float) -> Floats:
    return error * np.log1p((math.e - 1.0) * t)


def _hwang(t: Floats, error: float, gamma: float) -> Floats:
    if gamma == 0.0:
        return error * t
    return error * np.expm1(-gamma * t) / math.expm1(-gamma)


def _power(t: Floats, error: float, rho: float) -> Floats:
    return error * np.asarray(t**rho, dtype=np.float64)


_LAN = ("Lan, DeMets 1983, Biometrika 70:659", "10.1093/biomet/70.3.659")

#: Every spending function by its code.
SPENDING: dict[str, Spending] = {
    "OBF": Spending(
        "O'Brien and Fleming's type",
        _obrien_fleming,
        Method("spending of O'Brien and Fleming's type", *_LAN),
    ),
    "Pocock": Spending("Pocock's type", _pocock, Method("spending of Pocock's type", *_LAN)),
    "HSD": Spending(
        "Hwang, Shih and DeCani's family",
        _hwang,
        Method(
            "spending of Hwang, Shih and DeCani's family",
            "Hwang, Shih, DeCani 1990, Stat Med 9:1439",
            "10.1002/sim.4780091207",
        ),
        -4.0,
    ),
    "KD": Spending(
        "Kim and DeMets' power family",
        _power,
        Method(
            "spending of Kim and DeMets' power family",
            "Kim, DeMets 1987, Biometrika 74:149",
            "10.1093/biomet/74.1.149",
        ),
        3.0,
    ),
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Boundaries(Result):
    """Where z must be at each look for a difference, and below which it is futile to go on.

    Attributes
    ----------
    fraction
        Information at each look, as a fraction of what is required.
    spent
        How much of `alpha` is spent up to each look, both sides together.
    z, nominal
        The boundary: a difference is shown where ``|z|`` reaches it; its two-sided p value.
        Infinite where nothing is spent.
    futility
        Going on is futile where ``|z|`` stays below; not a number where there is no such boundary.
    alpha, power
        The two-sided error of the first kind over all looks; the power at the effect to be found.
    spending, parameter, futility_spending, futility_parameter
        Codes of the spending functions and their parameters; "" and not a number where none.
    inflation
        How many times the information of a single look these looks need for the same power.
    notes, methods
        What to know; the methods with their papers.
    """

    fraction: Floats
    spent: Floats
    z: Floats
    nominal: Floats
    futility: Floats
    alpha: float
    power: float
    spending: str
    parameter: float
    futility_spending: str
    futility_parameter: float
    inflation: float
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __len__(self) -> int:
        return len(self.z)

    def table(self) -> Table:
        """The looks as a reader sees them."""
        futile = bool(self.futility_spending)
        columns = (
            Column("look", "look", "count", "right"),
            Column("fraction", "information", "percent", "right"),
            Column("spent", "alpha spent", align="right"),
            Column("z", "boundary of z", align="right"),
            Column("nominal", "its p", "p", "right"),
            *((Column("futility", "futile below", align="right"),) if futile else ()),
        )
        rows: list[tuple[Value, ...]] = []
        for i in range(len(self)):
            row: list[Value] = [
                i + 1,
                100.0 * float(self.fraction[i]),
                spent_text(float(self.spent[i])),
                fixed(float(self.z[i]), 4),
                float(self.nominal[i]),
            ]
            if futile:
                low = float(self.futility[i])
                row.append(None if math.isnan(low) else fixed(low, 4))
            rows.append(tuple(row))
        name = SPENDING[self.spending].name
        caption = f"Boundaries for two-sided alpha {percent(100 * self.alpha)}, {name}"
        return Table(caption, columns, tuple(rows), missing="none")

    def summary(self) -> str:
        """Every look, then what to know; digits are cut for reading."""
        lines = [self.table().to_text(), *(f"Note: {note}" for note in self.notes)]
        return "\n".join(lines)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a look, uncut."""
        names = ("fraction", "spent", "z", "nominal", "futility")
        return make_frame({name: getattr(self, name) for name in names}, backend)

    def __repr__(self) -> str:
        shown = ", ".join(fixed(float(z), 2) for z in self.z[:6])
        more = ", …" if len(self) > 6 else ""
        return f"<Boundaries {self.spending}, alpha {self.alpha:g}: {shown}{more}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed_late
def alpha_spent(
    fraction: float | Sequence[float] | Floats,
    *,
    alpha: float = 0.05,
    spending: str = "OBF",
    parameter: float | None = None,
) -> Floats:
    """How much of an error has been spent at a fraction of the information.

    Parameters
    ----------
    fraction
        Information at each look, as a fraction of what is required; beyond 1 all is spent.
    alpha
        What there is to spend.
    spending
        ``OBF`` (Lan and DeMets, of O'Brien and Fleming's type), ``Pocock`` (of Pocock's type),
        ``HSD`` (Hwang, Shih and DeCani's family) or ``KD`` (Kim and DeMets' power family).
    parameter
        gamma of ``HSD`` (-4 when None: close to O'Brien and Fleming; 1: close to Pocock) or rho of
        ``KD`` (3 when None).

    Returns
    -------
    array
        The error spent up to each look.

    Raises
    ------
    UnknownNameError
        For an unknown spending function.
    InputError
        For fractions that are not above 0, and errors outside 0 to 1.

    Notes
    -----
    O'Brien and Fleming's type is ``2 - 2 Φ(z(1 - α/2) / √t)``, of α as it is given. A two-sided
    boundary spends α/2 on each side (:func:`sequential_boundaries`).

    Source: Lan, DeMets 1983, Biometrika 70:659, doi:10.1093/biomet/70.3.659; Hwang, Shih, DeCani
    1990, Stat Med 9:1439, doi:10.1002/sim.4780091207; Kim, DeMets 1987, Biometrika 74:149,
    doi:10.1093/biomet/74.1.149. Checked against rpact in ``validation/values/boundaries.json``.

    Examples
    --------
    >>> alpha_spent([0.25, 0.5, 0.75, 1.0]).round(5).tolist()
    [9e-05, 0.00557, 0.02363, 0.05]
    """
    rule, value = _rule_of(spending, parameter)
    check_error(alpha, "alpha")
    times = np.atleast_1d(np.asarray(fraction, dtype=np.float64))
    for t in times.tolist():
        if not t > 0.0:
            raise InputError(f"fraction {t:g} of the information", hint="a number above 0")
    return read_only(rule.share(np.minimum(times, 1.0), alpha, value))


@typed_late
def sequential_boundaries(
    fraction: Sequence[float] | Floats,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    spending: str = "OBF",
    parameter: float | None = None,
    futility: str | None = None,
    futility_parameter: float | None = None,
) -> Boundaries:
    """Boundaries of z for looks at growing information, so that alpha holds over all of them.

    Parameters
    ----------
    fraction
        Information at each look, as a fraction of what is required: ascending, above 0; at most
        the last may be 1 or more.
    alpha
        Two-sided error of the first kind over all looks; half of it is spent on each side.
    power
        At the effect that is to be found: for `futility` and `inflation`.
    spending, parameter
        As for :func:`alpha_spent`.
    futility, futility_parameter
        A spending function for 1 - power, which gives a boundary below which it is futile to go
        on; None: none. It does not bind: alpha holds although it is passed over.

    Returns
    -------
    Boundaries

    Raises
    ------
    UnknownNameError
        For an unknown spending function.
    InputError
        For fractions that do not ascend, or lie closer than a millionth; for an alpha outside 0 to
        1, and a power outside 0.5 to 1.

    Notes
    -----
    The futility boundary is the lower one of a one-sided test at α/2, mirrored: where ``|z|`` is
    below it, neither side can be expected to be shown. With it, `inflation` is such that both
    boundaries meet when all information is there.

    Source: Armitage, McPherson, Rowe 1969, J R Stat Soc A 132:235, doi:10.2307/2343787; Jennison,
    Turnbull 2000, chapters 7 and 19; for futility, Pampallona, Tsiatis, Kim 2001, Drug Inf J
    35:1113, doi:10.1177/009286150103500408. Checked against rpact in
    ``validation/values/boundaries.json``.

    Examples
    --------
    >>> sequential_boundaries([0.2, 0.4, 0.6, 0.8, 1.0]).z.round(4).tolist()
    [4.8769, 3.357, 2.6803, 2.2898, 2.031]
    """
    rule, value = _rule_of(spending, parameter)
    check_error(alpha, "alpha")
    check_power(power)
    times = _times(fraction)
    spent = 2.0 * rule.share(np.minimum(times, 1.0), alpha / 2, value)
    z = np.array(two_sided_bounds(times.tolist(), np.diff(spent, prepend=0.0).tolist()))
    plan = [t for t in times.tolist() if t < 1.0] + [1.0]
    ends = 2.0 * rule.share(np.array(plan), alpha / 2, value)
    bounds = two_sided_bounds(plan, np.diff(ends, prepend=0.0).tolist())
    single = normal_quantile(1.0 - alpha / 2) + normal_quantile(power)
    low, methods, floor = np.full(len(times), math.nan), [rule.method, RECURSION], math.nan
    if futility is None:
        drift = _drift(plan, bounds, power, single)
    else:
        other, floor = _rule_of(futility, futility_parameter)
        total = other.share(np.array(plan), 1.0 - power, floor)
        beta = np.diff(np.where(total < _NOTHING, 0.0, total), prepend=0.0).tolist()
        drift, lower = _meeting(plan, bounds, beta, single)
        for i, t in enumerate(times.tolist()):
            if t >= 1.0:
                low[i] = z[i]
            elif lower[i] > 0.0:
                low[i] = lower[i]
        methods += [FUTILITY, *([other.method] if other is not rule else [])]
    return Boundaries(
        fraction=read_only(times),
        spent=read_only(spent),
        z=read_only(z),
        nominal=read_only(np.array([normal_two_sided(x) for x in z.tolist()])),
        futility=read_only(low),
        alpha=alpha,
        power=power,
        spending=spending,
        parameter=value,
        futility_spending=futility or "",
        futility_parameter=floor,
        inflation=(drift / single) ** 2,
        notes=(),
        methods=tuple(methods),
    )


def spent_text(value: float) -> str:
    """How much is spent, as a reader sees it."""
    return significant(value, 3) if value >= 1e-5 else "< 0.00001"


def check_error(value: float, name: str) -> None:
    """Refuse an error that is not between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise InputError(f"{name} {value:g}", hint="a number between 0 and 1, such as 0.05")


def check_power(value: float) -> None:
    """Refuse a power that is not between a half and 1."""
    if not 0.5 <= value < 1.0:
        raise InputError(f"power {value:g}", hint="a number from 0.5 to 1, such as 0.8")


def _rule_of(name: str, parameter: float | None) -> tuple[Spending, float]:
    if name not in SPENDING:
        raise UnknownNameError("spending function", name, SPENDING)
    rule = SPENDING[name]
    if parameter is None:
        return rule, rule.parameter
    if math.isnan(rule.parameter):
        raise InputError(f"parameter {parameter:g} with {name}, which has none", hint="HSD or KD")
    if not abs(parameter) <= 50.0 or (name == "KD" and not parameter > 0.0):
        what = "above 0 and at most 50" if name == "KD" else "between -50 and 50"
        raise InputError(f"parameter {parameter:g} of {name}", hint=f"a number {what}")
    return rule, float(parameter)


def _times(fraction: Sequence[float] | Floats) -> Floats:
    times = np.array(fraction, dtype=np.float64).ravel()
    if not times.size:
        raise InputError("no look", hint="at least one fraction of the information")
    before = 0.0
    for i, t in enumerate(times.tolist(), start=1):
        if not 0.0 < t < math.inf or t - before <= _CLOSE * t:
            raise InputError(
                f"fraction {t:g} of the information after {before:g}",
                where=f"look {i}",
                hint="fractions above 0 that ascend by more than a millionth",
            )
        if before >= 1.0:
            raise InputError(
                f"a look after all information is there ({before:g})",
                where=f"look {i}",
                hint="end with the first look at 1 or more, which spends what is left",
            )
        before = t
    return times


def _drift(plan: list[float], bounds: list[float], power: float, single: float) -> float:
    """The mean of z at full information for which the boundary is crossed with that chance."""
    lower = [-b for b in bounds]

    def short(drift: float) -> float:
        return sum(crossing(plan, lower, bounds, drift)[1]) - power

    return root(short, 0.5 * single, 4.0 * single, rtol=1e-11)


def _meeting(
    plan: list[float], bounds: list[float], beta: list[float], single: float
) -> tuple[float, list[float]]:
    """The mean of z at full information for which both boundaries meet there, and the lower one."""

    def short(drift: float) -> float:
        return _lower(plan, bounds, beta, drift)[1]

    drift = root(short, 0.5 * single, 4.0 * single, rtol=1e-11)
    return drift, _lower(plan, bounds, beta, drift)[0]


def _lower(
    plan: list[float], bounds: list[float], beta: list[float], drift: float
) -> tuple[list[float], float]:
    """The lower boundary before the end, and by how much the error at the end is too large."""
    reaches = reaches_for(beta)
    path = Path.start(drift, reach=reaches[0])
    lower: list[float] = []
    for i, (time, high) in enumerate(zip(plan[:-1], bounds, strict=False)):
        size = math.sqrt(time)
        low = path.lower(time, beta[i])
        if low >= high * size:
            return [*lower, low / size], -beta[-1]
        lower.append(low / size)
        path = path.after(time, low, high * size, plan[i + 1], reaches[i + 1])
    return lower, path.below(1.0, bounds[-1]) - beta[-1]
