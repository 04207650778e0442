"""The additive component model: what each part of a combined treatment adds, and whether the
trials can tell.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError, nearest
from equipoise.core.result import Interval, Method, Note, QTest, Result, html_lines
from equipoise.core.table import counted, fixed, significant
from equipoise.core.table import p_value as p_text
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.columns import Floats, make_frame
from equipoise.effects.measures import measure_of
from equipoise.effects.reported import check_range, whole_trials
from equipoise.models.components.reading import (
    TIMES,
    Effect,
    FittedNetwork,
    Identified,
    check_blocks,
    check_evidence,
    check_twins,
    chosen_interactions,
    component_names,
    design,
    inactive_absent,
    network_q,
    never_tried,
    parts_of,
    usable_rows,
    vector_of,
)
from equipoise.models.components.written import About, Spread, report
from equipoise.models.correlated import TAU2, shared_effects, tau2_of
from equipoise.models.tau2_intervals import i2_text, q_based
from equipoise.num.dist import chi2_tail, critical, normal_two_sided
from equipoise.num.linalg import gls, in_row_space, outside_row_space

MODELS = ("random", "common")

ADDITIVE = Method(
    "additive component network meta-analysis by generalised least squares",
    "Rücker, Petropoulou, Schwarzer 2020, Biom J 62:808",
    "10.1002/bimj.201800167",
)

#: Weights below this part of the largest are rounding.
_NO_WEIGHT = 1e-10


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ComponentFit(Result):
    """An additive component model fitted to contrasts.

    Attributes
    ----------
    measure, model, level
        Code of the measure, ``random`` or ``common``, and the level of the intervals.
    components
        Names, in the order of `beta`.
    inactive
        The name that counts as nothing; blank when none does.
    data
        The contrasts that were used.
    design
        Shape (contrasts, components): components of `treat1` minus those of `treat2`.
    beta, cov, gain
        Solution of least length, its covariance matrix, and the map from the contrasts to it.
        Only combinations that :meth:`estimable` allows mean something.
    k
        Trials.
    tau2, tau2_method
        Variance between trials of a contrast, and its estimator's code (blank for a common
        effect).
    q, q_df, q_p
        Q of the model at tau² = 0: heterogeneity, inconsistency, and what does not add up.
    q_network
        Q and degrees of freedom of the same trials when every combination has an effect of its own.
    left_out, notes, methods
        Trials that were not used and why; what to know; what was done.
    """

    measure: str
    model: str
    level: float
    components: tuple[str, ...]
    inactive: str
    data: Contrasts
    design: Floats
    beta: Floats
    cov: Floats
    gain: Floats
    k: int
    tau2: float
    tau2_method: str
    q: float
    q_df: int
    q_p: float
    q_network: tuple[float, int]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[Note, ...] = ()
    methods: tuple[Method, ...] = ()

    def __post_init__(self) -> None:
        for name in ("design", "beta", "cov", "gain"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, because NumPy forgets in pickling that an array is read-only.
        return _rebuild, ({f.name: getattr(self, f.name) for f in fields(self)},)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComponentFit) and self.to_dict() == other.to_dict()

    def __len__(self) -> int:
        return len(self.study)

    @property
    def study(self) -> tuple[str, ...]:
        """The trial of each contrast."""
        return self.data.study

    @property
    def treat1(self) -> tuple[str, ...]:
        """What each contrast compares."""
        return self.data.treat1

    @property
    def treat2(self) -> tuple[str, ...]:
        """With what it compares it."""
        return self.data.treat2

    @property
    def interactions(self) -> tuple[str, ...]:
        """The interactions of the model; none where effects add up."""
        return tuple(name for name in self.components if TIMES in name)

    @property
    def i2(self) -> float:
        """I² in percent, from Q."""
        return q_based(self.q, self.q_df, self.level)[0]

    @property
    def i2_ci(self) -> Interval | None:
        """Its test-based interval; None below two degrees of freedom."""
        return q_based(self.q, self.q_df, self.level)[1]

    @property
    def q_difference(self) -> QTest:
        """Q beyond that of the full network: what the model's combinations do not explain."""
        df = self.q_df - self.q_network[1]
        q = max(0.0, self.q - self.q_network[0]) if df else 0.0
        return QTest(q, df, chi2_tail(q, df))

    # --- asking ---------------------------------------------------------------------------------

    def component(self, name: str) -> Effect:
        """Return what adding one component does.

        Raises
        ------
        InputError
            When `name` is a combination, or stands for nothing.
        NotEstimableError
            When the trials cannot separate it, or no group had it; says why.
        """
        if len(parts_of(name, self.inactive)) != 1:
            raise InputError(f"{name!r} is not one component", hint="combination() for several")
        return self.effect(name)

    def combination(self, names: str) -> Effect:
        """Return the effect of components joined by ``+`` against none; notes say if never tried.

        Raises
        ------
        InputError, NotEstimableError
            As for :meth:`effect`.
        """
        return self.effect(names)

    def effect(self, a: str, b: str = "") -> Effect:
        """Return the effect of the components `a` against the components `b`.

        Parameters
        ----------
        a, b
            Components joined by ``+``; blank, or the inactive one, for nothing.

        Raises
        ------
        InputError
            When both sides are the same.
        NotEstimableError
            When the trials cannot separate the two, and which components stand in the way; or
            when no group had one of the components, with the nearest name.
        """
        wanted = self._wanted(a, b)
        self._demand(wanted, a, b)
        estimate = float(wanted @ self.beta)
        se = math.sqrt(float(wanted @ self.cov @ wanted))
        reach = critical(self.level) * se
        ci = Interval(estimate - reach, estimate + reach, self.level, "Wald")
        never = never_tried(self.data, (a, b), self.inactive)
        return Effect(estimate, se, ci, normal_two_sided(estimate / se), never)

    def estimable(self, a: str, b: str = "") -> bool:
        """Return whether the trials can tell `a` from `b`; False when no group had one of them."""
        wanted = self._wanted(a, b)
        return not self._unheard(a, b) and in_row_space(self.design, wanted)

    def weights(self, a: str, b: str = "") -> Floats:
        """Return the weight of each contrast in the estimate of `a` against `b`, shape (len,).

        The estimate is the sum of weights times contrasts. A contrast that does not inform it has
        a weight of exactly zero.

        Raises
        ------
        InputError, NotEstimableError
            As for :meth:`effect`.
        """
        wanted = self._wanted(a, b)
        self._demand(wanted, a, b)
        w = wanted @ self.gain
        w[np.abs(w) <= _NO_WEIGHT * float(np.abs(w).max())] = 0.0
        w.setflags(write=False)
        return w

    def direct_share(self, a: str, b: str = "") -> float:
        """Return which part of the weight, 0 to 1, compares `a` with `b` within a trial.

        Within each trial the weights of its contrasts give every group a weight; those sum to
        zero. The trial's weight is the sum of the positive ones. It is direct so far as it lies
        between two groups that differ by exactly what is asked. For trials with two groups this
        is the share of the absolute weights of contrasts whose design row is, up to its sign, the
        wanted one; for more groups it does not depend on which group was the base.

        Raises
        ------
        InputError, NotEstimableError
            As for :meth:`effect`.
        """
        wanted = self._wanted(a, b)
        groups: dict[str, dict[str, float]] = {}
        made = {name: self.row(name) for name in dict.fromkeys((*self.treat1, *self.treat2))}
        for study, one, two, w in zip(
            self.study, self.treat1, self.treat2, self.weights(a, b).tolist(), strict=True
        ):
            held = groups.setdefault(study, {})
            held[one] = held.get(one, 0.0) + w
            held[two] = held.get(two, 0.0) - w
        direct = total = 0.0
        for held in groups.values():
            given = {t: w for t, w in held.items() if w > 0.0}
            taken = {t: -w for t, w in held.items() if w < 0.0}
            total += sum(given.values())
            direct += sum(
                min(one, two)
                for p, one in given.items()
                for q, two in taken.items()
                if np.array_equal(made[p] - made[q], wanted)
            )
        return min(1.0, direct / total)

    def identifiability(self) -> tuple[Identified, ...]:
        """Return for each component whether the trials can separate it, and why."""
        return tuple(self._identified(name) for name in self.components)

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a component; gaps where it cannot be separated."""
        rows = self.identifiability()
        got = [self.component(r.component) if r.separable else None for r in rows]
        nan = math.nan
        return make_frame(
            {
                "component": self.components,
                "estimate": [e.estimate if e else nan for e in got],
                "se": [e.se if e else nan for e in got],
                "ci_low": [e.ci.low if e else nan for e in got],
                "ci_high": [e.ci.high if e else nan for e in got],
                "p_value": [e.p_value if e else nan for e in got],
                "trials": [r.trials for r in rows],
                "people": [r.people for r in rows],
                "why": [r.why for r in rows],
            },
            backend,
        )

    def report(self) -> str:
        """Paragraphs for the methods and the results of a paper, with numbered references."""
        told = self.identifiability()
        return report(
            told,
            {row.component: self.effect(row.component) for row in told if row.separable},
            Spread(
                random=self.model == "random",
                tau2=self.tau2,
                code=self.tau2_method,
                q=QTest(self.q, self.q_df, self.q_p),
                beyond=self.q_difference,
                i2=i2_text(self.i2, self.i2_ci),
            ),
            About(self.measure, self.k, self.level, self.inactive),
            self.left_out,
            self.notes,
            self.methods,
        )

    def __repr__(self) -> str:
        return (
            f"ComponentFit({self.measure}, {self.model}: "
            f"{counted(len(self.components), 'component')}, {counted(self.k, 'trial')}, "
            f"tau² {significant(self.tau2, 4)})"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html_lines(self.summary())

    def summary(self) -> str:
        """What was found, one line a component; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        m, joint = measure_of(self.measure), bool(self.interactions)
        kind = "Component model with interactions" if joint else "Additive component model"
        yield f"{kind} of {counted(self.k, 'trial')}, {self.model} effects, {m.name}"
        yield ""
        width = max(len(c) for c in self.components)
        for row in self.identifiability():
            if not row.separable:
                yield f"{row.component:<{width}}  not estimable: {row.why}"
                continue
            effect = self.component(row.component)
            ci = m.back_interval(effect.ci)
            yield (
                f"{row.component:<{width}}  {significant(m.back(effect.estimate), 4)} "
                f"({significant(ci.low, 4)} to {significant(ci.high, 4)})  "
                f"p {p_text(effect.p_value)}, {counted(row.trials, 'trial')}"
            )
        yield ""
        if self.model == "random":
            yield f"tau² {significant(self.tau2, 4)}, {self.tau2_method}"
        q = f"Q {fixed(self.q, 2)} on {self.q_df} df, p {p_text(self.q_p)}"
        yield f"{i2_text(self.i2, self.i2_ci)}; {q}"
        more = self.q_difference
        if more.df:
            yield (
                f"Q beyond the full network {fixed(more.q, 2)} on {more.df} df, "
                f"p {p_text(more.p_value)}"
            )
        for out in self.left_out:
            yield f"Left out: {out.study} ({out.why})"

    # --- inside ---------------------------------------------------------------------------------

    def row(self, names: str) -> Floats:
        """Return what a treatment is made of, one number a component."""
        return vector_of(names, self.components, self.inactive)

    def _unheard(self, a: str, b: str) -> list[str]:
        """Components that no group of these trials had."""
        named = (*parts_of(a, self.inactive), *parts_of(b, self.inactive))
        return [name for name in named if name not in self.components]

    def _wanted(self, a: str, b: str) -> Floats:
        if set(parts_of(a, self.inactive)) == set(parts_of(b, self.inactive)):
            raise InputError(
                f"{a or 'nothing'!r} against {b or 'nothing'!r}: the same components on both sides",
                hint="two sides that differ",
            )
        return self.row(a) - self.row(b)

    def _demand(self, wanted: Floats, a: str, b: str) -> None:
        for name in self._unheard(a, b):
            near = nearest(name, self.components)
            known = f"known: {', '.join(self.components)}"
            raise NotEstimableError(
                f"no group in these trials had {name!r}",
                hint=f"{near!r}; {known}" if near else known,
            )
        if in_row_space(self.design, wanted):
            return
        against = f" against {b}" if parts_of(b, self.inactive) else ""
        hint = "a difference that the trials made, as effect(a, b)"
        if not self.inactive:
            hint += "; or inactive=..., the name of what counts as nothing"
        raise NotEstimableError(
            f"these trials cannot tell the effect of {a}{against}",
            where=self._reason(wanted),
            hint=hint,
        )

    def _reason(self, wanted: Floats) -> str:
        """In words, which components stand in the way of a combination."""
        X = self.design
        stuck = np.flatnonzero(outside_row_space(X, wanted)).tolist()
        never = [j for j in stuck if not X[:, j].any()]
        if never:
            return f"no trial has groups that differ in {self._join(never)}"
        reasons = []
        seen: set[int] = set()
        for i in stuck:
            same = [j for j in stuck if j > i and np.array_equal(X[:, i], X[:, j])]
            other = [j for j in stuck if j > i and np.array_equal(X[:, i], -X[:, j])]
            if same and not seen & {i, *same}:
                reasons.append(f"{self._join([i, *same])} always come together in these trials")
                seen |= {i, *same}
            if other and not seen & {i, *other}:
                name = self.components[i]
                reasons.append(f"{name} was only ever compared with {self._join(other)}")
                seen |= {i, *other}
        if reasons and set(stuck) <= seen:
            return "; ".join(reasons)
        mixed = f"these trials tell {self._join(stuck)} only in mixtures, not one by one"
        return "; ".join([*reasons, mixed])

    def _join(self, places: Sequence[int]) -> str:
        names = [self.components[j] for j in places]
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def _identified(self, name: str) -> Identified:
        wanted = self.row(name)
        rows = np.flatnonzero(self.design[:, self.components.index(name)]).tolist()
        every = self.groups_of_trials()
        tested = {self.study[i]: every[self.study[i]] for i in rows}
        people = [n for groups in tested.values() for n in groups.values() if not math.isnan(n)]
        alone = 0
        for groups in tested.values():
            held = [self.row(treat) for treat in groups]
            alone += any(np.array_equal(p - q, wanted) for p in held for q in held)
        separable = in_row_space(self.design, wanted)
        if not separable:
            why = self._reason(wanted)
        elif alone:
            why = f"{counted(alone, 'trial')} with groups that differ in {name} alone"
        else:
            why = f"no trial has groups that differ in {name} alone; it follows if effects add up"
        return Identified(name, separable, len(tested), round(sum(people)), why)

    def groups(self, study: str) -> dict[str, float]:
        """The groups of a trial and the people in them; UnknownNameError on another study."""
        every = self.groups_of_trials()
        if not isinstance(study, str) or study not in every:
            raise UnknownNameError("study", study, every)
        return every[study]

    def groups_of_trials(self) -> dict[str, dict[str, float]]:
        """The groups of every trial and the people in them."""
        found: dict[str, dict[str, float]] = {}
        for i, study in enumerate(self.study):
            held = found.setdefault(study, {})
            for treat, n in ((self.treat1[i], self.data.n1[i]), (self.treat2[i], self.data.n2[i])):
                if math.isnan(held.get(treat, math.nan)):
                    held[treat] = float(n)
        return found


def _rebuild(values: dict[str, Any]) -> ComponentFit:
    return ComponentFit(**values)


@typed
def components(
    es: Contrasts | FittedNetwork,
    *,
    inactive: str | None = None,
    interactions: Sequence[str] | Literal["identifiable"] | None = None,
    model: str | None = None,
    tau2: str | None = None,
    level: float | None = None,
) -> ComponentFit:
    """Fit the component model: what does adding each component do?

    Parameters
    ----------
    es
        Contrasts with `treat1` and `treat2`; ``+`` joins components. Contrasts of one trial that
        share a group must carry its covariance, as :func:`equipoise.effects.contrasts.arms` and
        ``contrasts`` give it. Or a fitted network, whose contrasts and settings are used.
    inactive
        The treatment that counts as nothing, such as ``placebo``. Without it, every name is a
        component, and only differences may be estimable.
    interactions
        What components do together beyond their sum, as ``["CBT*SSRI"]``, or ``identifiable``: all
        that the trials can tell, those of two components first. None: effects add up.
    model
        ``random`` (when not given) or ``common``.
    tau2
        Estimator of the variance between trials: ``REML`` (when not given), ``DL`` or ``ML``. The
        random effects of two contrasts of one trial that share a group correlate by one half.
    level
        Level of the confidence intervals; 0.95 when not given.

    Returns
    -------
    ComponentFit
        Asks are answered by its methods, which refuse what the trials cannot separate.

    Raises
    ------
    InputError
        On contrasts without treatments, variances that are not positive, or covariances that no
        data can have (names the study).
    NotEstimableError
        When no trial has groups that differ in a component.
    UnknownNameError
        On an unknown model or estimator.

    Notes
    -----
    Contrasts of groups with the same components are left out, unless their trial has others.

    Source: Rücker, Petropoulou, Schwarzer 2020, Biom J 62:808, doi:10.1002/bimj.201800167; for
    tau² by moments, Jackson, White, Riley 2013, Biom J 55:231, doi:10.1002/bimj.201200152.

    Examples
    --------
    >>> from equipoise.effects.contrasts import contrasts
    >>> es = contrasts(
    ...     yi=[1.0, 3.0], vi=[0.1, 0.1], study=["1", "2"],
    ...     treat1=["A", "A+B"], treat2=["none", "A"], measure="MD",
    ... )
    >>> fit = components(es, inactive="none", model="common")
    >>> round(fit.combination("A+B").estimate, 6)
    4.0
    """
    check_evidence(es)
    if not isinstance(es, Contrasts):
        model, level = model or es.model, es.level if level is None else level
        tau2, es = tau2 or es.tau2_method or None, es.data
    model, tau2 = model or "random", tau2 or "REML"
    level = 0.95 if level is None else level
    if model not in MODELS:
        raise UnknownNameError("model", model, MODELS)
    if tau2 not in TAU2:
        raise UnknownNameError("estimator of tau²", tau2, TAU2)
    if not 0.0 < level < 1.0:
        raise InputError(f"a level of {level:g}", where="argument level", hint="0.95")
    nothing = (inactive or "").strip()
    check_range(es)
    es = whole_trials(es)
    keep, left_out = usable_rows(es, nothing)
    used = es.take(keep)
    names = component_names(used, nothing)
    check_twins((*names, nothing) if nothing else names)
    extra = chosen_interactions(interactions, used, names, nothing)
    X = design(used, (*names, *extra), nothing)
    V = used.V()
    check_blocks(used, V)
    common = gls(X, used.yi, V)
    notes = [*es.notes, *inactive_absent(used, nothing)]
    found = 0.0
    fitted = common
    if model == "random":
        R = shared_effects(used)
        found, more = tau2_of(tau2, X, used.yi, V, R)
        notes += more
        fitted = gls(X, used.yi, V + found * R) if found > 0.0 else common
    return ComponentFit(
        measure=es.measure,
        model=model,
        level=level,
        components=(*names, *extra),
        inactive=nothing,
        data=dataclasses.replace(used, left_out=(), notes=()),
        design=X,
        beta=fitted.beta,
        cov=fitted.cov,
        gain=fitted.gain,
        k=len(set(used.study)),
        tau2=found,
        tau2_method=tau2 if model == "random" else "",
        q=common.q if common.df else 0.0,
        q_df=common.df,
        q_p=chi2_tail(common.q, common.df),
        q_network=network_q(used),
        left_out=left_out,
        notes=tuple(notes),
        methods=(
            measure_of(es.measure).method,
            ADDITIVE,
            *((TAU2[tau2],) if model == "random" else ()),
        ),
    )
