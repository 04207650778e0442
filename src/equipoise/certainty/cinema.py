"""CINeMA: six domains of confidence for every estimate of a network or of a component model.

Each domain is a suggestion with the rule and its inputs. Whoever reads it may judge otherwise; the
software's part is that nothing is judged without its numbers.

Source: Nikolakopoulou 2020 (PLoS Med 17:e1003082, doi 10.1371/journal.pmed.1003082) for the frame,
Papakonstantinou 2020 (Campbell Syst Rev 16:e1080, doi 10.1002/cl2.1080) and the documentation of
the CINeMA program for the rules. Where those leave something open, the rule says what is done here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from equipoise.certainty.grade import LEVELS, Level
from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError, other_evidence
from equipoise.core.result import Interval, Method, Note, Result
from equipoise.core.table import Column, Table, counted, percent, significant
from equipoise.effects.measures import measure_of
from equipoise.models.components import ComponentFit
from equipoise.models.components.basis import adds_up
from equipoise.models.components.reading import TIMES
from equipoise.models.intervals import shown
from equipoise.models.network.fit import NetworkFit
from equipoise.num.dist import critical

Concern = Literal["no concerns", "some concerns", "major concerns", "needs a person"]
CONCERNS: tuple[Concern, ...] = ("no concerns", "some concerns", "major concerns")
#: The names of the domains, in CINeMA's order.
DOMAINS: tuple[str, ...] = (
    "within-study bias",
    "reporting bias",
    "indirectness",
    "imprecision",
    "heterogeneity",
    "incoherence",
)
#: Levels of risk of bias and indirectness, and what they count in an average.
_VALUES: dict[str, int] = {"low": 1, "some concerns": 2, "moderate": 2, "high": 3}
RULES: tuple[str, ...] = ("average", "majority", "highest")

CINEMA = Method(
    "confidence in network meta-analysis (CINeMA)",
    "Nikolakopoulou 2020, PLoS Med 17:e1003082",
    "10.1371/journal.pmed.1003082",
)


@dataclass(frozen=True, slots=True)
class Domain(Result):
    """One domain of one estimate: the suggested concern, and the rule with its inputs."""

    name: str
    concern: Concern
    rule: str


@dataclass(frozen=True, slots=True)
class Confidence(Result):
    """One estimate with its six domains and the suggested level.

    Attributes
    ----------
    what
        The two treatments, or the component or combination.
    estimate, ci, pi
        On the scale of analysis.
    evidence
        ``direct``, ``indirect`` or ``mixed``.
    domains
        In the order of :data:`DOMAINS`.
    level, why
        The suggested level, counted down from high, and how it was counted.
    """

    what: tuple[str, ...]
    estimate: float
    ci: Interval
    pi: Interval | None
    evidence: str
    domains: tuple[Domain, ...]
    level: Level
    why: str

    def domain(self, name: str) -> Domain:
        """The domain of that name."""
        for found in self.domains:
            if found.name == name:
                return found
        raise UnknownNameError("domain", name, DOMAINS)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Cinema(Result):
    """Six domains of confidence for every estimate.

    Attributes
    ----------
    measure, important
        Code of the measure; the smallest important effect on the scale of analysis: effects within
        this distance of none are taken to be unimportant.
    rows
        One for each estimate.
    notes, methods
        What to know; the paper.
    """

    measure: str
    important: float
    rows: tuple[Confidence, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = (CINEMA,)

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, one: str, two: str = "") -> Confidence:
        """The row of two treatments in either order, or of a component.

        Raises
        ------
        UnknownNameError
            When there is none.
        """
        wanted = {one, two} - {""}
        for row in self.rows:
            if set(row.what) == wanted:
                return row
        known = [" : ".join(row.what) for row in self.rows]
        raise UnknownNameError("estimate", " : ".join(sorted(wanted)), known)

    def table(self) -> Table:
        """One row an estimate, one column a domain."""
        measure = measure_of(self.measure)
        columns = (
            Column("what", "estimate"),
            Column("effect", f"{measure.name} (95% CI)", align="right"),
            Column("evidence", "evidence"),
            *(Column(name.replace(" ", "_").replace("-", "_"), name) for name in DOMAINS),
            Column("level", "confidence"),
        )
        body = []
        for row in self.rows:
            ends = Interval(measure.back(row.ci.low), measure.back(row.ci.high))
            words = [d.concern.removesuffix(" concerns") for d in row.domains]
            value, interval = shown(measure, measure.back(row.estimate), ends)
            effect = f"{value} ({interval})"
            body.append((" : ".join(row.what), effect, row.evidence, *words, row.level))
        caption = "Confidence in each estimate, suggested by CINeMA’s rules"
        return Table(caption, columns, tuple(body))

    def reasons(self) -> Table:
        """Every domain of every estimate with its rule and inputs."""
        body = [
            (" : ".join(row.what), d.name, d.concern, d.rule)
            for row in self.rows
            for d in row.domains
        ]
        columns = (
            Column("what", "estimate"),
            Column("domain", "domain"),
            Column("concern", "suggestion"),
            Column("rule", "rule and inputs"),
        )
        return Table("The rule and the inputs of each suggestion", columns, tuple(body))

    def summary(self) -> str:
        """The table, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row an estimate."""
        return self.table().to_frame(backend)

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{n} {level}"
            for level in reversed(LEVELS)
            if (n := sum(r.level == level for r in self.rows))
        )
        return f"<Cinema: {counted(len(self.rows), 'estimate')}; confidence {counts}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed
def cinema(
    fit: NetworkFit | ComponentFit,
    *,
    important: float,
    risk_of_bias: Mapping[str, str],
    indirectness: Mapping[str, str] | None = None,
    reporting_bias: str | Mapping[str, str] = "",
    rule: str = "average",
    method: str = "random-walk",
    of: Sequence[str] = (),
) -> Cinema:
    """Suggest CINeMA's judgements for every estimate.

    Parameters
    ----------
    fit
        What :func:`equipoise.network` or :func:`equipoise.components` gave.
    important
        The smallest important effect on the reader's scale: a ratio such as 1.25 (or 0.8), or a
        difference. Effects between it and its mirror image are taken to be unimportant.
    risk_of_bias, indirectness
        For each trial ``low``, ``some concerns`` or ``high`` (``moderate`` counts as the second);
        without `indirectness` that domain needs a person.
    reporting_bias
        ``undetected`` or ``suspected``, for all estimates or by estimate (``A : B``); blank: it
        needs a person.
    rule
        How trials are summed up: ``average`` of the levels weighted by contribution,
        ``majority`` (the level that contributes most) or ``highest``.
    method
        How contributions of trials are counted in a network: ``random-walk`` or ``shortest-path``.
    of
        For component models: the components, combinations (``A+B``) or interactions (``A*B``) to
        judge; by default all components, and the combinations that groups of the trials had.

    Raises
    ------
    InputError
        On trials without a level, a level that there is not, or an effect that cannot be important.
    UnknownNameError
        On another rule or method.
    """
    if rule not in RULES:
        raise UnknownNameError("rule", rule, RULES)
    if not isinstance(fit, (NetworkFit, ComponentFit)):
        raise other_evidence(fit, "what network() or components() gives", "argument fit")
    size = _important(fit.measure, important)
    if isinstance(fit, NetworkFit):
        if of:
            raise InputError("of= is for component models", hint="all estimates, then .of(a, b)")
        untold: list[str] = []
        rows = _network_rows(fit, size, risk_of_bias, indirectness, reporting_bias, rule, method)
    else:
        names = of or (*fit.components, *_combinations(fit))
        rows = _component_rows(fit, size, risk_of_bias, indirectness, reporting_bias, rule, names)
        untold = [name for name in names if not fit.estimable(name)]
    _check_names(reporting_bias, rows)
    return Cinema(fit.measure, size, tuple(rows), _notes(fit, untold))


def _check_names(given: str | Mapping[str, str], rows: Sequence[Confidence]) -> None:
    """Refuse judgements of reporting bias on estimates that there are not."""
    known = {frozenset(row.what): " : ".join(row.what) for row in rows}
    for key in () if isinstance(given, str) else given:
        if _named(key) not in known:
            raise UnknownNameError("estimate", key, known.values(), where="reporting_bias")


def _named(key: str) -> frozenset[str]:
    return frozenset(part.strip() for part in str(key).split(":"))


def _notes(fit: NetworkFit | ComponentFit, untold: Sequence[str]) -> tuple[Note, ...]:
    text = (
        "Suggestions by rule, to be looked at by people. Imprecision, heterogeneity and "
        "incoherence overlap, so only the worst of the three is counted, and one level more when "
        "all three raise concerns."
    )
    notes = [Note("suggestions", text)]
    if isinstance(fit, ComponentFit):
        text = "Contributions of trials are the shares of their absolute weights in the estimate."
        notes.append(Note("components", text))
    if untold:
        text = f"Not judged, because the trials cannot tell: {', '.join(untold)}."
        notes.append(Note("not-estimable", text))
    return tuple(notes)


def _important(measure: str, important: float) -> float:
    """The smallest important effect on the scale of analysis, above zero."""
    ratio = measure_of(measure).ratio
    good = math.isfinite(important) and important > 0 and (not ratio or important != 1)
    if not good:
        raise InputError(
            f"an important effect of {important!r}",
            hint="a ratio other than 1, such as 1.25" if ratio else "a difference above 0",
        )
    return abs(math.log(important)) if ratio else float(important)


# --- domains --------------------------------------------------------------------------------------


def _levels(given: Mapping[str, str], trials: Sequence[str], what: str) -> dict[str, int]:
    """The level of every trial as a number.

    Raises
    ------
    InputError
        When a trial has none, or one that there is not.
    """
    if not isinstance(given, Mapping):
        raise InputError(
            f"{what} as a {type(given).__name__}",
            where="certainty by CINeMA",
            hint="{'trial': 'low', …}: low, some concerns or high for every trial",
        )
    missing = [t for t in trials if t not in given]
    if missing:
        raise InputError(
            f"no {what} for {', '.join(missing[:5])}{' and others' if len(missing) > 5 else ''}",
            where="certainty by CINeMA",
            hint="low, some concerns or high for every trial",
        )
    for trial in trials:
        if not isinstance(given[trial], str) or given[trial] not in _VALUES:
            raise InputError(
                f"{what} {given[trial]!r}",
                where=f"study {trial}",
                hint="low, some concerns or high",
            )
    return {t: _VALUES[given[t]] for t in trials}


def _summed(name: str, shares: Mapping[str, float], levels: Mapping[str, int], rule: str) -> Domain:
    """Within-study bias or indirectness: levels of trials, by what each contributes."""
    by_level = {v: sum(s for t, s in shares.items() if levels[t] == v) for v in (1, 2, 3)}
    told = ", ".join(
        f"{percent(100 * by_level[v])} from trials at {word}"
        for v, word in ((1, "low"), (2, "some concerns"), (3, "high"))
    )
    if rule == "average":
        mean = sum(v * s for v, s in by_level.items())
        place = 0 if mean < 1.5 else 1 if mean < 2.5 else 2
        words = f"average {significant(mean, 3)} of 1 to 3; some concerns from 1.5, major from 2.5"
    elif rule == "majority":
        place = max((1, 2, 3), key=lambda v: (by_level[v], v)) - 1
        words = "the level that contributes most"
    else:
        place = max(v for v in (1, 2, 3) if by_level[v] > 0) - 1
        words = "the worst level that contributes"
    return Domain(name, CONCERNS[place], f"{told}; {words}")


def _crossed(ci: Interval, size: float) -> int:
    """How many of the two limits of the unimportant range an interval holds."""
    return sum(ci.low < limit < ci.high for limit in (-size, size))


_COUNTS = ("neither limit", "one limit", "both limits")


#: Beyond this ratio of its ends, an interval shows that too few people took part to trust a large
#: effect (Zeng 2022, GRADE guidance 34): odds ratios, and other ratios.
WIDE: dict[str, float] = {"OR": 2.5}
WIDE_ELSE = 3.0


def _imprecision(ci: Interval, size: float, measure: str) -> Domain:
    crossed = _crossed(ci, size)
    limit = WIDE.get(measure, WIDE_ELSE)
    if not crossed and measure_of(measure).ratio and ci.high - ci.low > math.log(limit):
        ratio = significant(math.exp(ci.high - ci.low), 3)
        rule = (
            f"the interval crosses neither limit of the range of unimportant effects, but its ends "
            f"are {ratio} times apart (over {limit:g}): too few people for so large an effect "
            "(GRADE guidance 34, beyond CINeMA’s own rule)"
        )
        return Domain("imprecision", "some concerns", rule)
    rule = (
        f"the interval crosses {_COUNTS[crossed]} of the range of unimportant effects; some "
        "concerns for one, major for both"
    )
    return Domain("imprecision", CONCERNS[crossed], rule)


def _heterogeneity(ci: Interval, pi: Interval | None, size: float) -> Domain:
    if pi is None:
        rule = "no prediction interval: the model has none, or the trials are too few for one"
        return Domain("heterogeneity", "needs a person", rule)
    one, two = _crossed(ci, size), _crossed(pi, size)
    rule = (
        f"the confidence interval crosses {_COUNTS[one]} of the range of unimportant effects, the "
        f"prediction interval {_COUNTS[two]}; some concerns for one more, major for two more"
    )
    return Domain("heterogeneity", CONCERNS[max(0, two - one)], rule)


def _areas(low: float, high: float, size: float) -> tuple[bool, bool, bool]:
    """Which areas an interval holds: below, within and above the range of unimportant effects."""
    return low < -size, low < size and high > -size, high > size


def _places(one: tuple[float, float], two: tuple[float, float], size: float) -> int:
    """In how many of the three areas two intervals agree."""
    pairs = zip(_areas(*one, size), _areas(*two, size), strict=True)
    return sum(a == b for a, b in pairs)


def _by_test(p: float, name: str) -> Domain:
    if math.isnan(p):
        rule = f"{name} cannot be tested: no loop of trials of different designs"
        return Domain("incoherence", "needs a person", rule)
    place = 0 if p > 0.10 else 1 if p >= 0.01 else 2
    rule = f"{name}: p {significant(p, 3)}; some concerns from 0.10, major below 0.01"
    return Domain("incoherence", CONCERNS[place], rule)


def _reporting(given: str | Mapping[str, str], what: Sequence[str]) -> Domain:
    named = given if isinstance(given, str) else ""
    if not isinstance(given, (str, Mapping)):
        raise InputError(
            f"reporting bias as a {type(given).__name__}",
            where="certainty by CINeMA",
            hint="'undetected', 'suspected', or one of them by estimate: {'A : B': 'suspected'}",
        )
    if not isinstance(given, str):
        named = next((value for key, value in given.items() if _named(key) == {*what}), "")
    if not named:
        rule = "nobody has said whether results went unreported; no test can tell it alone"
        return Domain("reporting bias", "needs a person", rule)
    choices: dict[str, Concern] = {"undetected": "no concerns", "suspected": "some concerns"}
    if not isinstance(named, str) or named not in choices:
        raise UnknownNameError("reporting bias", named, tuple(choices))
    return Domain("reporting bias", choices[named], f"{named}, by a person’s judgement")


def _graded(domains: Sequence[Domain]) -> tuple[Level, str]:
    """The suggested level: counted down from high."""
    taken = {d.name: CONCERNS.index(d.concern) if d.concern in CONCERNS else 0 for d in domains}
    joint = [taken[name] for name in DOMAINS[3:]]
    overlap = max(joint) + (1 if all(joint) else 0)
    total = sum(taken[name] for name in DOMAINS[:3]) + overlap
    told = [f"{name} {n}" for name, n in taken.items() if n and name in DOMAINS[:3]]
    if overlap:
        told.append(f"imprecision, heterogeneity and incoherence together {overlap}")
    open_ = [d.name for d in domains if d.concern == "needs a person"]
    why = f"levels off: {', '.join(told)}" if told else "no level off"
    if open_:
        why += f"; not judged: {', '.join(open_)}"
    return LEVELS[max(0, 3 - total)], why


# --- networks -------------------------------------------------------------------------------------


def _network_rows(
    fit: NetworkFit,
    size: float,
    risk_of_bias: Mapping[str, str],
    indirectness: Mapping[str, str] | None,
    reporting_bias: str | Mapping[str, str],
    rule: str,
    method: str,
) -> list[Confidence]:
    shares = fit.trial_contributions(method)
    bias = _levels(risk_of_bias, shares.trials, "risk of bias")
    indirect = (
        None if indirectness is None else _levels(indirectness, shares.trials, "indirectness")
    )
    split = fit.split()
    test = fit.decomposition().random
    overall = test.p_value if test.df else math.nan
    z = critical(fit.level, split.df)
    rows = []
    for i, (one, two) in enumerate(zip(split.treat1, split.treat2, strict=True)):
        effect = fit.effect(one, two)
        own = {t: s for t, s in shares.of(one, two).items() if s > 0}
        has = (not math.isnan(split.direct[i]), not math.isnan(split.indirect[i]))
        evidence = {(True, True): "mixed", (True, False): "direct"}.get(has, "indirect")
        if evidence == "mixed":
            ends = [
                (m - z * s, m + z * s)
                for m, s in (
                    (float(split.direct[i]), float(split.direct_se[i])),
                    (float(split.indirect[i]), float(split.indirect_se[i])),
                )
            ]
            incoherence = _mixed(ends[0], ends[1], float(split.p_value[i]), size)
        elif evidence == "direct":
            text = "direct evidence only: there is nothing for it to disagree with"
            incoherence = Domain("incoherence", "no concerns", text)
        else:
            incoherence = _by_test(overall, "indirect evidence only; design-by-treatment test")
        domains = (
            _summed("within-study bias", own, bias, rule),
            _reporting(reporting_bias, (one, two)),
            _unjudged("indirectness")
            if indirect is None
            else _summed("indirectness", own, indirect, rule),
            _imprecision(effect.ci, size, fit.measure),
            _heterogeneity(effect.ci, effect.pi, size),
            incoherence,
        )
        level, why = _graded(domains)
        said = (effect.estimate, effect.ci, effect.pi)
        rows.append(Confidence((one, two), *said, evidence, domains, level, why))
    return rows


def _unjudged(name: str) -> Domain:
    return Domain(name, "needs a person", "nobody has judged the trials for it")


def _mixed(
    direct: tuple[float, float], indirect: tuple[float, float], p: float, size: float
) -> Domain:
    agree = _places(direct, indirect, size)
    told = f"direct and indirect evidence differ with p {significant(p, 3)}"
    if p > 0.10:
        rule = f"{told}; no concerns above 0.10"
        return Domain("incoherence", "no concerns", rule)
    place = {3: 0, 2: 1}.get(agree, 2)
    rule = (
        f"{told}; their intervals agree on {agree} of three areas (below, within and above the "
        "range of unimportant effects); some concerns for two, major for fewer"
    )
    return Domain("incoherence", CONCERNS[place], rule)


# --- components -----------------------------------------------------------------------------------


def _component_rows(
    fit: ComponentFit,
    size: float,
    risk_of_bias: Mapping[str, str],
    indirectness: Mapping[str, str] | None,
    reporting_bias: str | Mapping[str, str],
    rule: str,
    names: Sequence[str],
) -> list[Confidence]:
    trials = tuple(dict.fromkeys(fit.study))
    bias = _levels(risk_of_bias, trials, "risk of bias")
    indirect = None if indirectness is None else _levels(indirectness, trials, "indirectness")
    test = fit.q_difference
    overall = test.p_value if test.df else math.nan
    rows = []
    for name in names:
        if not fit.estimable(name):
            continue
        effect = fit.effect(name)
        weights = fit.weights(name)
        total = float(abs(weights).sum())
        own: dict[str, float] = {}
        for trial, w in zip(fit.study, weights.tolist(), strict=True):
            if w:
                own[trial] = own.get(trial, 0.0) + abs(w) / total
        direct = fit.direct_share(name)
        evidence = "direct" if direct > 1 - 1e-9 else "mixed" if direct > 1e-9 else "indirect"
        pi = _predicted(fit, effect.estimate, effect.se)
        domains = (
            _summed("within-study bias", own, bias, rule),
            _reporting(reporting_bias, (name,)),
            _unjudged("indirectness")
            if indirect is None
            else _summed("indirectness", own, indirect, rule),
            _imprecision(effect.ci, size, fit.measure),
            _heterogeneity(effect.ci, pi, size),
            _sums(fit, name, evidence, overall),
        )
        level, why = _graded(domains)
        rows.append(
            Confidence((name,), effect.estimate, effect.ci, pi, evidence, domains, level, why)
        )
    return rows


def _sums(fit: ComponentFit, name: str, evidence: str, p: float) -> Domain:
    """Incoherence of an estimate of components: whether effects add up as the model has it."""
    if evidence == "direct":
        text = "compared directly only: there is nothing for it to disagree with"
        return Domain("incoherence", "no concerns", text)
    if math.isnan(p) and TIMES not in name and adds_up(fit, name):
        rule = (
            "it rests on effects adding up, which these trials cannot test (one level, where "
            "CINeMA’s own rules are silent)"
        )
        return Domain("incoherence", "some concerns", rule)
    return _by_test(p, "what does not add up (Q of the model beyond the network’s)")


def _combinations(fit: ComponentFit) -> list[str]:
    """The combinations that groups of the trials had."""
    seen = dict.fromkeys((*fit.treat1, *fit.treat2))
    return [t for t in seen if "+" in t and t not in fit.components]


def _predicted(fit: ComponentFit, estimate: float, se: float) -> Interval | None:
    """The prediction interval of an effect in a new trial, t with Q's degrees of freedom."""
    if fit.model == "common" or fit.q_df < 1:
        return None
    half = critical(fit.level, float(fit.q_df)) * math.sqrt(se**2 + fit.tau2)
    return Interval(estimate - half, estimate + half, fit.level, "t")
