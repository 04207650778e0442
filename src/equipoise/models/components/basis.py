"""What an estimate of components rests on: trials, people, and what if one trial were gone.

The map of what trials can tell, and the three questions of a treatment that is given with others:
alone, added to them, and together with them.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError, other_evidence
from equipoise.core.order import natural
from equipoise.core.progress import Progress
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, counted, percent, significant
from equipoise.effects.columns import Floats, make_frame
from equipoise.effects.measures import measure_of
from equipoise.models.components.fit import ADDITIVE, ComponentFit
from equipoise.models.components.omission import Gone, with_interaction, without_each
from equipoise.models.components.reading import TIMES, Effect, design, parts_of
from equipoise.models.correlated import shared_effects
from equipoise.models.intervals import shown
from equipoise.num.linalg import rank

_NOT_EXACTLY = " No trial compared exactly this"


@dataclass(frozen=True, slots=True, repr=False)
class Basis(Result):
    """What one estimate rests on.

    Attributes
    ----------
    what
        The question: components against components.
    kind
        ``component``, ``interaction``, ``combination`` or ``difference``.
    effect
        The estimate on the scale of analysis; None where the trials cannot tell.
    tried
        Whether a trial had groups that differ by exactly this.
    trials, people
        Trials that inform the estimate (with a weight above zero) and the people in them, as far
        as their number is known.
    direct, direct_people
        Trials with groups that differ by exactly this, and the people in those groups.
    direct_share
        Share of the weight that compares within a trial exactly what is asked, 0 to 1.
    essential
        Trials without which the trials could not tell at all.
    low, high
        The smallest and largest estimate when each trial in turn is left out; NaN where none may
        be.
    sentence
        All that in words.
    through
        The comparisons of trials that inform the estimate, those with the most weight first.
    adds_up
        Whether what is not direct takes effects to add up. It does not where the model has as many
        effects as the network of these trials: there it follows from other comparisons.
    """

    what: str
    kind: str
    effect: Effect | None
    tried: bool
    trials: int
    people: int
    direct: int
    direct_people: int
    direct_share: float
    essential: tuple[str, ...]
    low: float
    high: float
    sentence: str
    through: tuple[str, ...] = ()
    adds_up: bool = True

    def __repr__(self) -> str:
        told = "cannot be told" if self.effect is None else significant(self.effect.estimate)
        return f"<Basis {self.what}: {told}; {self.sentence}>"

    @property
    def hangs_on(self) -> str:
        """The sentence on trials without which nobody could tell; blank where there is none."""
        return self.sentence.partition(_NOT_EXACTLY)[0] if self.essential else ""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class IdentifiabilityMap(Result):
    """Every component, pair and combination: what the trials can tell, and on what it rests.

    Attributes
    ----------
    measure, inactive
        Code of the measure, and what counts as nothing.
    rows
        One for each component, each pair that was given together, and each combination.
    notes, methods
        What to know; the papers.
    """

    measure: str
    inactive: str
    rows: tuple[Basis, ...]
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = (ADDITIVE,)

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, what: str) -> Basis:
        """The row of a component, interaction (``A*B``) or combination (``A+B``).

        Raises
        ------
        InputError
            When it is not in the map.
        """
        wanted = set(parts_of(what, self.inactive))
        for row in self.rows:
            if set(parts_of(row.what, self.inactive)) == wanted:
                return row
        raise InputError(
            f"{what!r} is not in the map", hint=f"one of {', '.join(r.what for r in self.rows)}"
        )

    def table(self) -> Table:
        """The map as a table."""
        m = measure_of(self.measure)
        columns = (
            Column("what", "what"),
            Column("kind", "kind"),
            Column("effect", f"{m.name} (95% CI)", align="right"),
            Column("trials", "trials", "count", "right"),
            Column("people", "people", "count", "right"),
            Column("direct", "direct", align="right"),
            Column("range", "one trial left out", align="right"),
            Column("sentence", "rests on"),
        )
        return Table(
            "What these trials can tell",
            columns,
            tuple(self._cells(row) for row in self.rows),
            missing="cannot tell",
        )

    def _cells(self, row: Basis) -> tuple[Any, ...]:
        m = measure_of(self.measure)
        effect = span = None
        if row.effect is not None:
            value, bounds = shown(m, m.back(row.effect.estimate), m.back_interval(row.effect.ci))
            effect = f"{value} ({bounds})"
            span = "lost" if row.essential else ""
            if not math.isnan(row.low):
                ends = [
                    shown(m, m.back(x), m.back_interval(row.effect.ci))[0]
                    for x in (row.low, row.high)
                ]
                span = f"{ends[0]} to {ends[1]}{'; lost' if row.essential else ''}"
        share = percent(100.0 * row.direct_share) if row.effect else None
        return (row.what, row.kind, effect, row.trials, row.people, share, span, row.sentence)

    def summary(self) -> str:
        """The table, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a question, uncut."""
        plain = ("what", "kind", "tried", "trials", "people", "direct", "direct_people")
        out: dict[str, Any] = {name: [getattr(r, name) for r in self.rows] for name in plain}
        for name in ("estimate", "se", "p_value"):
            out[name] = [getattr(r.effect, name) if r.effect else math.nan for r in self.rows]
        for name in ("direct_share", "low", "high", "sentence"):
            out[name] = [getattr(r, name) for r in self.rows]
        for name in ("essential", "through"):
            out[name] = ["; ".join(getattr(r, name)) for r in self.rows]
        return make_frame(out, backend)

    def __repr__(self) -> str:
        can = sum(row.effect is not None for row in self.rows)
        return f"<IdentifiabilityMap: the trials can tell {can} of {len(self.rows)}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed
def identifiability_map(
    fit: ComponentFit, *, also: Sequence[str] = (), refit: bool = False
) -> IdentifiabilityMap:
    """Say of every component, pair and combination what the trials can tell, and on what it rests.

    Parameters
    ----------
    fit
        What :func:`equipoise.components` gave.
    also
        Further combinations, such as ``CBT+exercise``, tried or not.
    refit
        Whether tau² is estimated anew when a trial is left out; it is kept otherwise.

    Returns
    -------
    IdentifiabilityMap
        Components first, then each pair that some group had together (its interaction), then the
        combinations. An interaction that the model lacks and the trials could tell is shown as a
        model with it, and otherwise the same, tells it; its sentence says so.

    Notes
    -----
    Whether a question can be answered is a question of rank: its row must be a combination of the
    rows of the design.
    """
    if not isinstance(fit, ComponentFit):
        raise other_evidence(fit, "what components() gives", "argument fit")
    nothing = fit.inactive
    plain = [name for name in fit.components if TIMES not in name]
    treats = dict.fromkeys((*fit.treat1, *fit.treat2))
    combos = [t for t in treats if len(parts_of(t, nothing)) > 1]
    pairs = dict.fromkeys(
        TIMES.join(pair)
        for t in combos
        for pair in combinations(sorted(parts_of(t, nothing), key=natural), 2)
    )
    questions = [(name, "component") for name in plain]
    questions += [(name, "interaction") for name in dict.fromkeys((*fit.interactions, *pairs))]
    seen: set[frozenset[str]] = set()
    for text in (*combos, *also):
        key = frozenset(parts_of(text, nothing))
        if key not in seen:
            seen.add(key)
            questions.append((text, "combination"))
    spreads = fit.data.V(), shared_effects(fit.data)
    models = 1 + sum(kind == "interaction" for _, kind in questions)
    with Progress("trials left out", models * fit.k) as progress:
        count = Counter[str]()

        def done() -> None:
            count.update(("",))
            progress.update(count.total())

        trials = _trials(fit, spreads, refit=refit, done=done)
        rows = tuple(
            _own_model(fit, what, spreads, refit=refit, done=done)
            if kind == "interaction" and what not in fit.components
            else _basis(fit, what, "", kind, trials)
            for what, kind in questions
        )
    notes = []
    if not fit.interactions and (combos or also):
        text = (
            "Effects are taken to add up. What two components do together beyond their sum is told "
            "only by a model with that interaction."
        )
        notes.append(Note("additive", text))
    return IdentifiabilityMap(fit.measure, nothing, rows, tuple(notes))


def basis(fit: ComponentFit, a: str, b: str = "", *, refit: bool = False) -> Basis:
    """Say what the estimate of `a` against `b` rests on; `refit` as for the map."""
    kind = "difference" if parts_of(b, fit.inactive) else "combination"
    return _basis(fit, a, b, kind, _trials(fit, refit=refit))


def _own_model(
    fit: ComponentFit,
    name: str,
    spreads: tuple[Floats, Floats],
    *,
    refit: bool,
    done: Callable[[], None],
) -> Basis:
    """An interaction that the model lacks, as the same model with it tells it."""
    columns = (*fit.components, name)
    if rank(design(fit.data, columns, fit.inactive)) == rank(fit.design):
        why = "Cannot tell: no trial separates what the two do together from what each does."
        return _untold(name, why)
    more = with_interaction(fit, name, spreads)
    trials = _trials(more, spreads, refit=refit, done=done)
    found = _basis(more, name, "", "interaction", trials)
    if found.effect is None:
        return found
    said = found.sentence[0].lower() + found.sentence[1:]
    return dataclasses.replace(found, sentence=f"In a model with this interaction: {said}")


@dataclass(frozen=True, slots=True)
class _Trials:
    """What every question asks of the trials, computed once.

    Attributes
    ----------
    gone
        The model without each trial.
    groups
        The groups of each trial and the people in them.
    differing
        By a difference in components: the trials, and their groups that differ by it.
    """

    gone: list[Gone]
    groups: dict[str, dict[str, float]]
    differing: dict[bytes, dict[str, set[str]]]

    def exactly(self, wanted: Floats) -> list[list[float]]:
        """Of each trial with groups that differ by just this: the people in those groups."""
        held = self.differing.get(_key(wanted), {})
        return [[self.groups[study][t] for t in treats] for study, treats in held.items()]


def _key(difference: Floats) -> bytes:
    """A difference in components as a key, the same in either direction."""
    first = difference[difference != 0.0][:1]
    turned = -difference if first.size and first[0] < 0.0 else difference
    return (turned + 0.0).tobytes()


def _trials(
    fit: ComponentFit,
    spreads: tuple[Floats, Floats] | None = None,
    *,
    refit: bool = False,
    done: Callable[[], None] | None = None,
) -> _Trials:
    spreads = spreads or (fit.data.V(), shared_effects(fit.data))
    groups = fit.groups_of_trials()
    differing: dict[bytes, dict[str, set[str]]] = {}
    for study, held in groups.items():
        for one, two in combinations(held, 2):
            by_trial = differing.setdefault(_key(fit.row(one) - fit.row(two)), {})
            by_trial.setdefault(study, set()).update((one, two))
    return _Trials(without_each(fit, spreads, refit=refit, done=done), groups, differing)


def _basis(fit: ComponentFit, a: str, b: str, kind: str, trials: _Trials) -> Basis:
    what = f"{a} against {b}" if parts_of(b, fit.inactive) else a
    try:
        effect = fit.effect(a, b)
    except NotEstimableError as error:
        return _untold(what, f"Cannot tell: {error.where or error.what}.", kind)
    wanted = fit.row(a) - fit.row(b)
    weights = fit.weights(a, b)
    used = list(dict.fromkeys(s for s, w in zip(fit.study, weights.tolist(), strict=True) if w))
    groups = {study: trials.groups[study] for study in used}
    people = _sum(n for held in groups.values() for n in held.values())
    exact = trials.exactly(wanted)
    direct, direct_people = len(exact), sum(_sum(sizes) for sizes in exact)
    values, essential = [], []
    for part in trials.gone:
        if part.study not in groups:
            continue
        if part.tells(wanted):
            values.append(float(wanted @ part.beta))
        else:
            essential.append(part.study)
    share = fit.direct_share(a, b)
    sums = adds_up(fit, a, b)
    low, high = (min(values), max(values)) if values else (math.nan, math.nan)
    return Basis(
        what=what,
        kind=kind,
        effect=effect,
        tried=direct > 0,
        trials=len(used),
        people=people,
        direct=direct,
        direct_people=direct_people,
        direct_share=share,
        essential=tuple(essential),
        low=low,
        high=high,
        sentence=_sentence(used, essential, direct, groups, kind, _rest(fit, sums)),
        through=_through(fit, weights),
        adds_up=sums,
    )


def _through(fit: ComponentFit, weights: Floats) -> tuple[str, ...]:
    """The comparisons that carry weight, the heaviest first."""
    held: dict[str, float] = {}
    for one, two, w in zip(fit.treat1, fit.treat2, weights.tolist(), strict=True):
        if w:
            name = f"{one} against {two}"
            held[name] = held.get(name, 0.0) + abs(w)
    most = max(held.values())
    return tuple(sorted(held, key=lambda name: -round(held[name] / most, 9)))


def adds_up(fit: ComponentFit, a: str, b: str = "") -> bool:
    """Return whether what is not direct in the effect of `a` against `b` takes effects to add up.

    It does not where the model has as many effects as the network of its trials and both sides are
    combinations that some group had.
    """
    given = {frozenset(parts_of(t, fit.inactive)) for t in (*fit.treat1, *fit.treat2)}
    both = {frozenset(parts_of(side, fit.inactive)) for side in (a, b)}
    return fit.q_difference.df > 0 or not both <= given


def _rest(fit: ComponentFit, adds_up: bool) -> str:
    if not adds_up:
        return "it follows from other comparisons"
    return "it rests on effects adding up" + (
        " where the model has no interaction" if fit.interactions else ""
    )


def _untold(what: str, sentence: str, kind: str = "interaction") -> Basis:
    """A question without an answer."""
    return Basis(what, kind, None, False, 0, 0, 0, 0, 0.0, (), math.nan, math.nan, sentence)


def _sum(values: Iterable[float]) -> int:
    return round(sum(v for v in values if not math.isnan(v)))


def _sentence(
    used: list[str],
    essential: list[str],
    direct: int,
    groups: dict[str, dict[str, float]],
    kind: str,
    rest: str,
) -> str:
    """What an estimate rests on, in words."""
    tail = ""
    if not direct and kind != "interaction":
        tail = f"{_NOT_EXACTLY}: {rest}."
    if len(essential) == 1:
        study = essential[0]
        sizes = sorted({int(n) for n in groups[study].values() if not math.isnan(n)})
        ends = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}" if sizes else ""
        people = f", {ends} people per arm" if ends else ""
        return f"Rests on one trial, {study}{people}: without it the trials cannot tell.{tail}"
    if len(essential) > 1:
        named = ", ".join(essential)
        return f"Rests on each of {named}: without any one the trials cannot tell.{tail}"
    text = counted(len(used), "trial")
    if not direct and kind == "interaction":
        return f"{text}, by differences between comparisons: no groups differ by this alone."
    if not direct:
        return f"{text}, none of which compared exactly this: {rest}."
    return f"{text}, {direct} of which compared exactly this."


# --- alone, added, together ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Attribution(Result):
    """A treatment and other care: by itself, added to it, and the two together.

    Attributes
    ----------
    measure, treatment, others
        Code of the measure; the component asked about; the other components.
    alone
        The treatment against nothing.
    added
        The treatment with the others, against the others.
    together
        The treatment with the others, against nothing.
    interaction
        What the two do together beyond their sum; None where the model takes effects to add up.
    notes, methods
        What to know; the papers.
    """

    measure: str
    treatment: str
    others: str
    alone: Basis
    added: Basis
    together: Basis
    interaction: Basis | None
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = (ADDITIVE,)

    def table(self) -> Table:
        """The three answers as a table."""
        rows = [("alone", self.alone), ("added", self.added), ("together", self.together)]
        if self.interaction is not None:
            rows.append(("beyond the sum", self.interaction))
        cells = IdentifiabilityMap(self.measure, "", (), ())._cells
        columns = (
            Column("part", "part"),
            Column("what", "what"),
            Column("effect", f"{measure_of(self.measure).name} (95% CI)", align="right"),
            Column("direct", "trials of exactly this", "count", "right"),
            Column("direct_people", "people in them", "count", "right"),
            Column("share", "direct", align="right"),
            Column("sentence", "rests on"),
        )
        body = []
        for part, row in rows:
            what, _, effect, _, _, share, _, sentence = cells(row)
            body.append((part, what, effect, row.direct, row.direct_people, share, sentence))
        caption = f"{self.treatment}, alone and with {self.others}"
        return Table(caption, columns, tuple(body), missing="cannot tell")

    def summary(self) -> str:
        """The table, then what to know."""
        return "\n".join([self.table().to_text(), *(f"Note: {note}" for note in self.notes)])

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row a question."""
        return self.table().to_frame(backend)

    def __repr__(self) -> str:
        can = [
            name
            for name in ("alone", "added", "together")
            if getattr(self, name).effect is not None
        ]
        told = ", ".join(can) or "nothing"
        return f"<Attribution of {self.treatment} with {self.others}: the trials can tell {told}>"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed
def attribution(
    fit: ComponentFit, treatment: str, others: str, *, refit: bool = False
) -> Attribution:
    """Which part of a combination does the work: the treatment alone, added, and together.

    Parameters
    ----------
    fit
        What :func:`equipoise.components` gave, with an inactive component for *nothing*.
    treatment
        The component asked about.
    others
        What it is given with, components joined by ``+``.
    refit
        Whether tau² is estimated anew when a trial is left out; it is kept otherwise.

    Raises
    ------
    InputError
        When the treatment is among the others.

    Notes
    -----
    In an additive model, *added* is by assumption the same number as *alone*, and a note says so.
    """
    if not isinstance(fit, ComponentFit):
        raise other_evidence(fit, "what components() gives", "argument fit")
    mine, theirs = parts_of(treatment, fit.inactive), parts_of(others, fit.inactive)
    if not mine or not theirs or set(mine) & set(theirs):
        raise InputError(
            f"{treatment!r} with {others!r}", hint="a treatment, and other care without it"
        )
    both = "+".join((*mine, *theirs))
    trials = _trials(fit, refit=refit)
    crossed = [
        name
        for name in fit.interactions
        if set(name.split(TIMES)) & set(mine) and set(name.split(TIMES)) & set(theirs)
    ]
    notes = []
    if not crossed:
        text = (
            "The model takes effects to add up, so that added to other care the treatment does "
            "what it does alone. No number here tests that."
        )
        notes.append(Note("additive", text))
    return Attribution(
        measure=fit.measure,
        treatment=treatment,
        others=others,
        alone=_basis(fit, treatment, "", "component", trials),
        added=_basis(fit, both, others, "difference", trials),
        together=_basis(fit, both, "", "combination", trials),
        interaction=_basis(fit, crossed[0], "", "interaction", trials) if crossed else None,
        notes=tuple(notes),
    )
