"""Sequential synthesis: trials added one by one, against boundaries that allow for the many looks.

Source: Wetterslev, Thorlund, Brok, Gluud 2008, J Clin Epidemiol 61:64,
doi:10.1016/j.jclinepi.2007.03.013.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equipoise.core.arguments import typed_late
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, count, counted, fixed, percent, significant
from equipoise.effects.columns import make_frame, read_only
from equipoise.effects.contrasts import Contrasts
from equipoise.effects.measures import measure_of
from equipoise.models.boundaries import Boundaries, sequential_boundaries
from equipoise.models.information import InformationSize, needed_text
from equipoise.models.intervals import shown
from equipoise.models.pairwise import PairwiseFit, refit
from equipoise.models.presets import given_tau2
from equipoise.models.presets import settings as settings_of
from equipoise.models.robustness import LAU, arranged, in_order
from equipoise.num.dist import normal_quantile, normal_tail, t_quantile

Floats = NDArray[np.float64]

SEQUENTIAL = Method(
    "trial sequential analysis",
    "Wetterslev, Thorlund, Brok, Gluud 2008, J Clin Epidemiol 61:64",
    "10.1016/j.jclinepi.2007.03.013",
)
REPEATED = Method(
    "repeated confidence intervals",
    "Jennison, Turnbull 1989, J R Stat Soc B 51:305",
    "10.1111/j.2517-6161.1989.tb01433.x",
)
CAUTION = Note(
    "secondary",
    "The Cochrane Handbook (chapter 22) discourages sequential methods for ordinary updates, for "
    "main analyses and for main conclusions. In a living review, or a series of trials planned "
    "together, they are a secondary analysis whose effect, errors and boundaries were set in "
    "advance.",
)
LOOKS = ("each", "tied")
#: Boundaries beyond this are out of reach, and are not written out.
FAR = 8.0


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Sequential(Result):
    """The mean after each look, against boundaries that hold alpha over all looks.

    Attributes
    ----------
    full
        The analysis of all trials.
    required
        What is needed to find the effect.
    needed
        `required.adjusted`, times the inflation of the boundaries where there is one for futility.
    spending, parameter, futility_spending
        The spending functions; "" where there is no boundary for futility.
    label, k
        The trial added last, and how many there are, at each look.
    held, fraction
        People, or information, up to each look, and as a fraction of `needed`.
    estimate, se, z, p_value
        The mean on the scale of analysis and its standard error; its test against no difference as
        a normal deviate, and the plain p value.
    boundary, spent, futility
        A difference is shown where ``|z|`` reaches `boundary`; how much of alpha is spent; going on
        is futile where ``|z|`` is below `futility` (not a number: none). Not numbers after the
        look at which all that is needed was there.
    ci_low, ci_high
        Repeated confidence interval on the scale of analysis: all of them hold at once.
    crossed, futile
        Whether `boundary` was reached, and `futility` not, at each look.
    final_boundary, final_futility
        The boundaries when all that is needed is there.
    notes, methods
        What to know; the methods with their papers.
    """

    full: PairwiseFit
    required: InformationSize
    needed: float
    spending: str
    parameter: float
    futility_spending: str
    label: tuple[str, ...]
    k: NDArray[np.intp]
    held: Floats
    fraction: Floats
    estimate: Floats
    se: Floats
    z: Floats
    p_value: Floats
    boundary: Floats
    spent: Floats
    futility: Floats
    ci_low: Floats
    ci_high: Floats
    crossed: NDArray[np.bool_]
    futile: NDArray[np.bool_]
    final_boundary: float
    final_futility: float
    notes: tuple[Note, ...]
    methods: tuple[Method, ...]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def measure(self) -> str:
        """Code of the measure."""
        return self.full.measure

    @property
    def reached(self) -> bool:
        """Whether the trials hold all that is needed."""
        return bool(self.fraction[-1] >= 1.0)

    @property
    def first_crossed(self) -> int | None:
        """The first look at which the boundary was reached; None when at none."""
        found = np.flatnonzero(self.crossed)
        return int(found[0]) if found.size else None

    @property
    def statement(self) -> str:
        """The finding in a sentence."""
        held = needed_text(self.required.kind, float(self.held[-1]))
        need = needed_text(self.required.kind, self.needed)
        share = percent(100.0 * float(self.fraction[-1]))
        if self.required.kind == "people":
            held = count(round(float(self.held[-1])))
        else:
            need = need.removeprefix("information ")
        return (
            f"The trials hold {held} of {need} ({share}) needed to find {self.required.target}; "
            f"{self._finding()}."
        )

    def _finding(self) -> str:
        first = self.first_crossed
        if first is not None:
            way = "below" if self.z[first] < 0.0 else "above"
            text = f"boundary crossed with {self.label[first]}, {way} no difference"
            last = int(np.flatnonzero(np.isfinite(self.spent))[-1])
            return text if self.crossed[last] else f"{text}, and no longer at the last look"
        if self.futile.any() and not self.reached:
            return f"boundary for futility crossed with {self.label[int(self.futile.argmax())]}"
        return "boundary not crossed"

    def table(self) -> Table:
        """The looks as a reader sees them: ratios, not their logs."""
        m = measure_of(self.measure)
        people = self.required.kind == "people"
        columns = (
            Column("label", "up to and with"),
            Column("k", "trials", "count", "right"),
            Column("held", "people" if people else "information", align="right"),
            Column("fraction", "of needed", "percent", "right"),
            Column("estimate", m.name, align="right"),
            Column("ci", "repeated CI", align="right"),
            Column("z", "z", align="right"),
            Column("boundary", "boundary", align="right"),
            *((Column("futility", "futile below", align="right"),) if self._with_floor else ()),
            Column("note", "note"),
        )
        rows = []
        for i, name in enumerate(self.label):
            held = float(self.held[i])
            low, high = float(self.ci_low[i]), float(self.ci_high[i])
            known = bool(self.boundary[i] <= FAR)
            ci = m.back_interval(Interval(low, high)) if known else self.full.back().ci
            value, bounds = shown(m, m.back(float(self.estimate[i])), ci)
            rows.append(
                (
                    name,
                    int(self.k[i]),
                    count(round(held)) if people else significant(held, 4),
                    100.0 * float(self.fraction[i]),
                    value,
                    bounds if known else None,
                    fixed(float(self.z[i]), 2),
                    _deviate(self.boundary[i]),
                    *((_deviate(self.futility[i]),) if self._with_floor else ()),
                    "crossed" if self.crossed[i] else "futile" if self.futile[i] else "",
                )
            )
        caption = f"Sequential synthesis: {m.name}"
        return Table(caption, columns, tuple(rows), missing="none")

    @property
    def _with_floor(self) -> bool:
        return bool(self.futility_spending)

    def summary(self) -> str:
        """The finding, every look, then what to know; digits are cut for reading."""
        lines = [self.statement, self.required.summary(), "", self.table().to_text()]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a look, on the scale of analysis, uncut."""
        names = (
            *("label", "k", "held", "fraction", "estimate", "se", "z", "p_value", "boundary"),
            *("spent", "futility", "ci_low", "ci_high", "crossed", "futile"),
        )
        return make_frame({name: getattr(self, name) for name in names}, backend)

    def __repr__(self) -> str:
        share = percent(100.0 * float(self.fraction[-1]))
        return f"<Sequential {self.measure} {share} of what is needed; {self._finding()}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return f"<p>{self.statement}</p>{self.table().to_html()}"


@typed_late
def sequential(
    es: Contrasts | PairwiseFit,
    required: InformationSize,
    *,
    order: Sequence[Any] | str | None = None,
    descending: bool = False,
    looks: str = "each",
    spending: str = "OBF",
    parameter: float | None = None,
    futility: str | None = None,
    futility_parameter: float | None = None,
    interval: str = "Wald",
    **settings: Any,
) -> Sequential:
    """Add trials one after another: is the answer known, allowing for all the looks?

    Parameters
    ----------
    es
        Effects, or a fit whose rows and settings are used (but for its interval).
    required
        What :func:`equipoise.required_information` gave. Where it counts people, every row needs
        the numbers of its groups; where it is information, the inverse variances count.
    order, descending
        As for :func:`equipoise.cumulative`: years, ``year``, ``precision``, or the order given.
    looks
        ``each`` trial is a look, or trials of one value of `order` are one (``tied``).
    spending, parameter, futility, futility_parameter
        As for :func:`equipoise.sequential_boundaries`.
    interval
        How the mean is tested at each look: ``Wald``, or another interval of
        :func:`equipoise.pairwise`, whose p value is turned into z.
    settings
        As for :func:`equipoise.pairwise`, when `es` is not a fit.

    Returns
    -------
    Sequential

    Raises
    ------
    InputError
        For something else than a size, rows without numbers of people where people are counted, a
        measure that compares nothing, and what :func:`equipoise.cumulative` refuses.
    UnknownNameError
        For unknown names.

    Notes
    -----
    The first look at which all that is needed is there spends the rest of alpha; later ones are
    shown without a boundary. Without a boundary for futility the size is that of a single look.
    Where information counts, it is that of the common effect, against what is needed times
    1 / (1 - D²): at the last look that is the information of the random-effects mean.

    Source: Wetterslev et al. 2008, J Clin Epidemiol 61:64, doi:10.1016/j.jclinepi.2007.03.013;
    Lan, DeMets 1983, Biometrika 70:659, doi:10.1093/biomet/70.3.659; repeated intervals, Jennison,
    Turnbull 1989, J R Stat Soc B 51:305, doi:10.1111/j.2517-6161.1989.tb01433.x. Boundaries are
    checked against rpact in ``validation/values/boundaries.json``.
    """
    if not isinstance(required, InformationSize):
        raise InputError(
            f"a {type(required).__name__} as what is needed", hint="required_information(...)"
        )
    if looks not in LOOKS:
        raise UnknownNameError("looks", looks, LOOKS)
    own = {} if isinstance(es, PairwiseFit) else {"interval": interval}
    full, rows, values = arranged(es, order, {**settings, **own})
    if not measure_of(full.measure).compares:
        raise InputError(
            f"{full.measure} compares nothing, so there is no difference to look for",
            hint="a measure that compares two groups",
        )
    rows = dataclasses.replace(rows, n1=full.n1, n2=full.n2)
    full = refit(dataclasses.replace(full, asked=_with_interval(full, interval)), rows)
    places = in_order(rows, values, descending)
    ends = [
        i
        for i in range(len(places))
        if looks == "each" or i + 1 == len(places) or values[places[i]] != values[places[i + 1]]
    ]
    amounts = _amounts(rows, required)
    held = np.cumsum(amounts[places])[ends]
    fits = [refit(full, rows.take(places[: i + 1])) for i in ends]
    rules = (spending, parameter, futility, futility_parameter)
    bounds, needed = _bounds(held, required, rules)
    labels = tuple(rows.study[places[i]] for i in ends)
    return _found(full, required, labels, fits, held, needed, bounds)


def _with_interval(fit: PairwiseFit, interval: str) -> dict[str, str]:
    """The settings of the fit with another interval, checked together."""
    asked = dict(fit.asked)
    tau2, weighting = asked.pop("tau2"), asked.pop("weighting")
    number = given_tau2(tau2)
    asked["interval"] = interval
    return settings_of(fit.preset, tau2 if number is None else number, weighting, **asked)


def _amounts(rows: Contrasts, required: InformationSize) -> Floats:
    """What each row brings."""
    if required.kind == "information":
        return np.asarray(1.0 / rows.vi)
    people = np.asarray(rows.n1 + rows.n2)
    for study, n in zip(rows.study, people.tolist(), strict=True):
        if not n > 0.0:
            raise InputError(
                "no numbers of people",
                where=f"study {study}",
                hint="n1 and n2, or required_information(effect=...), which counts information",
            )
    return people


def _bounds(
    held: Floats,
    required: InformationSize,
    rules: tuple[str, float | None, str | None, float | None],
) -> tuple[Boundaries, float]:
    """Boundaries up to the look at which all is there, or else up to then; and what is needed."""
    spending, parameter, futility, floor = rules
    inflation = 1.0
    for _ in range(100):
        needed = required.adjusted * inflation
        share = held / needed
        before = share[share < 1.0].tolist()
        end = float(share[len(before)]) if len(before) < len(share) else 1.0
        bounds = sequential_boundaries(
            [*before, end],
            alpha=required.alpha,
            power=required.power,
            spending=spending,
            parameter=parameter,
            futility=futility,
            futility_parameter=floor,
        )
        if futility is None or abs(bounds.inflation - inflation) <= 1e-9 * inflation:
            break
        inflation = bounds.inflation
    return bounds, needed


def _found(
    full: PairwiseFit,
    required: InformationSize,
    labels: tuple[str, ...],
    fits: Sequence[PairwiseFit],
    held: Floats,
    needed: float,
    bounds: Boundaries,
) -> Sequential:
    k = len(fits)
    share = held / needed

    def padded(values: Floats) -> Floats:
        found = np.full(k, math.nan)
        used = min(k, len(values))
        found[:used] = values[:used]
        return found

    boundary, futility = padded(bounds.z), padded(bounds.futility)
    z = np.array([_z(fit) for fit in fits])
    reach = [_reach(fit, b) for fit, b in zip(fits, boundary.tolist(), strict=True)]
    estimate = np.array([fit.estimate for fit in fits])
    crossed = np.abs(z) >= boundary
    futile = np.abs(z) < futility
    for flags in (crossed, futile):
        flags.setflags(write=False)
    sizes = np.array([fit.k for fit in fits], dtype=np.intp)
    sizes.setflags(write=False)
    return Sequential(
        full=full,
        required=required,
        needed=needed,
        spending=bounds.spending,
        parameter=bounds.parameter,
        futility_spending=bounds.futility_spending,
        label=labels,
        k=sizes,
        held=read_only(held),
        fraction=read_only(share),
        estimate=read_only(estimate),
        se=read_only(np.array([fit.se for fit in fits])),
        z=read_only(z),
        p_value=read_only(np.array([fit.p_value for fit in fits])),
        boundary=read_only(boundary),
        spent=read_only(padded(bounds.spent)),
        futility=read_only(futility),
        ci_low=read_only(estimate - reach),
        ci_high=read_only(estimate + reach),
        crossed=crossed,
        futile=futile,
        final_boundary=float(bounds.z[-1]),
        final_futility=float(bounds.futility[-1]),
        notes=(CAUTION, *required.notes, *_about(share, z, boundary, required.alpha)),
        methods=tuple(
            dict.fromkeys((SEQUENTIAL, *required.methods, *bounds.methods, REPEATED, LAU))
        )
        + full.methods,
    )


def _z(fit: PairwiseFit) -> float:
    """The test of a look as a normal deviate."""
    if math.isinf(fit.df) or not fit.p_value > 0.0:
        return fit.statistic
    return math.copysign(normal_quantile(0.5 * fit.p_value), fit.statistic)


def _reach(fit: PairwiseFit, boundary: float) -> float:
    """Half the width of the repeated interval."""
    if not math.isfinite(boundary):
        return math.nan if math.isnan(boundary) else math.inf
    return -t_quantile(normal_tail(boundary), fit.df) * fit.se


def _about(share: Floats, z: Floats, boundary: Floats, alpha: float) -> list[Note]:
    notes = []
    seen = np.flatnonzero(~np.isnan(boundary))
    last = int(seen[-1])
    if last + 1 < len(share):
        text = (
            f"All that is needed was there at look {last + 1} of {len(share)}, which spent the "
            "rest of alpha; later looks have no boundary."
        )
        notes.append(Note("beyond-required", text))
    plain = -normal_quantile(alpha / 2)
    hits = int(np.sum(np.abs(z[seen]) >= plain))
    if hits and not np.any(np.abs(z[seen]) >= boundary[seen]):
        text = (
            f"At {hits} of {counted(len(seen), 'look')} a plain test at "
            f"{percent(100 * alpha)} would have "
            "called it a difference; allowing for all looks, none does."
        )
        notes.append(Note("plain-test-only", text))
    return notes


def _deviate(value: float) -> str | None:
    """A boundary of z as a reader sees it."""
    if math.isnan(value):
        return None
    return fixed(float(value), 2) if value <= FAR else f"> {FAR:g}"
