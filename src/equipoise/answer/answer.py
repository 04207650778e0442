"""The answer to *Should I try X for Y?* as frozen values: what every page, table and screen shows.

Nothing here computes. Numbers that a reader sees are :class:`Quantity` objects and lead back to
cells; texts are finished sentences, made by `wording` from the tables of the field. A number
inside a sentence is marked ``⟦quantity id|as shown⟧`` (:mod:`equipoise.core.provenance`), so that
a page can link it and a terminal can drop the mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from equipoise.certainty.grade import GradeProfile, Level
from equipoise.certainty.thresholds import EffectClass
from equipoise.core.provenance import Cell, Quantity
from equipoise.core.result import Method, Result
from equipoise.review.records import Review

VerdictCode = Literal[
    "WORTH", "MAYHELP", "CLOSE", "UNKNOWN", "MAYNOT", "NOTWORTH", "AVOID", "NOTRIALS"
]
HarmClass = Literal["none", "minor", "not measured", "serious possible", "serious likely"]
HarmState = Literal[1, 2, 3, 4, 5]
PartKind = Literal["alone", "added", "together"]


@dataclass(frozen=True, slots=True)
class CellValue:
    """A cell that some number rests on, as it stands in the folder."""

    cell: Cell
    value: str
    what: str
    """Trial, arm and outcome in words."""
    source: str
    locator: str
    confidence: str
    flags: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class ForestRow:
    """A trial's line in a forest plot, on the analysis scale (log for ratios)."""

    trial: str
    label: str
    estimate: float
    low: float
    high: float
    weight: float
    """Percent of the pooled estimate."""
    treated: str
    control: str
    """Raw numbers of each side as published, such as ``25/54`` or ``31.4 (26.6), 54``."""
    rob: str
    """``low``, ``some concerns``, ``high`` or ``not judged``."""
    flags: tuple[str, ...]
    """Sentences for the reader, such as "SD borrowed from Yelland 2004"."""
    cells: tuple[Cell, ...]
    rob_domains: tuple[str, ...] = ()
    """Levels of the five domains of RoB 2, where any of them was judged."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """A pooled result on the analysis scale, with what a forest plot's foot needs."""

    measure: str
    model: str
    """``random`` or ``common``."""
    tau2_method: str
    interval_method: str
    estimate: float
    low: float
    high: float
    level: float
    p_value: float
    tau2: float
    i2: float
    """Percent."""
    q: float
    q_df: int
    q_p: float
    pi_low: float | None
    pi_high: float | None
    k: int
    n: int
    rows: tuple[ForestRow, ...]
    notes: tuple[str, ...]
    methods: tuple[Method, ...]
    caution: str = ""
    """Where the usual small-sample correction would narrow the interval instead of widening it."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that could not be used, and why. Nothing is dropped without one of these."""

    trial: str
    label: str
    what: str
    why: str
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Absolute:
    """The effect in absolute terms: without, with, and the difference.

    Binary outcomes: people per 1000 (`denominator` = 1000). Continuous: points on the scale
    (`denominator` = 0). `words` names the reference class and the time.
    """

    denominator: int
    without: Quantity | None
    with_: Quantity | None
    difference: Quantity
    reference_class: str
    time: str


@dataclass(frozen=True, slots=True)
class Stratum:
    """The same relative effect in one kind of people, by their own risk without the treatment."""

    name: str
    source: str
    main: bool
    absolute: Absolute
    number_needed: str
    """For clinicians; its interval runs through infinity where it must."""


@dataclass(frozen=True, slots=True)
class ResponderLine:
    """People who are noticeably better, estimated from a difference in points."""

    name: str
    method: str
    source: str
    without: Quantity
    with_: Quantity
    difference: Quantity
    words: str


@dataclass(frozen=True, slots=True)
class ThresholdLine:
    """What the effect would be called under one registered set of cut points.

    A set for one person is no yardstick for groups: it has `noticed`, how many people gain as much
    as one of them would notice, and neither a name of the effect nor an answer.
    """

    name: str
    kind: str
    small: float
    moderate: float | None
    large: float | None
    source: str
    main: bool
    effect_class: EffectClass | None
    verdict: VerdictCode | None
    flips: bool
    noticed: str = ""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The verdict under another defensible choice.

    `verdict` None: the choice cannot be computed with these trials. `why` says so, or that no
    trial is left.
    """

    what: str
    effect: Quantity | None
    verdict: VerdictCode | None
    flips: bool
    why: str = ""
    benefit: EffectClass | None = None
    """What the effect is called under it."""


@dataclass(frozen=True, slots=True)
class Against:
    """The result against one of several comparators."""

    name: str
    trials: tuple[str, ...]
    people: Quantity
    effect: Quantity
    words: str


@dataclass(frozen=True, slots=True)
class OutcomeAnswer:
    """What the isolating trials show for one outcome. `pooled` None: no usable numbers."""

    id: str
    label: str
    plain: str
    type: Literal["continuous", "binary"]
    better: Literal["lower", "higher"]
    importance: str
    decides: bool
    unit: str
    scale: tuple[float, float] | None
    time: str
    comparison: str
    trials: Quantity
    people: Quantity
    pooled: Pooled | None
    effect: Quantity | None
    """On the reader's scale: ratio or points, treatment minus comparator."""
    absolute: Absolute | None
    effect_class: EffectClass | None
    grade: GradeProfile | None
    statement_plain: str
    statement_clinical: str
    thresholds: tuple[ThresholdLine, ...]
    sensitivity: tuple[Sensitivity, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    strata: tuple[Stratum, ...] = ()
    """By registered risk without the treatment; binary outcomes."""
    responders: tuple[ResponderLine, ...] = ()
    """Estimates from points; continuous outcomes."""
    number_needed: str = ""
    """For clinicians; binary outcomes."""
    end_classes: tuple[EffectClass | None, EffectClass | None] = (None, None)
    """What the worse and the better end of the interval would be called."""
    without_each: tuple[Sensitivity, ...] = ()
    """The verdict without each trial in turn."""
    silent: str = ""
    """Where trials measured it and nobody, or everybody, had it: that, with the people."""
    compared_with: str = ""
    """All that it was compared with, where the comparison groups did not get the same."""
    against: tuple[Against, ...] = ()
    """The result against each of them."""


@dataclass(frozen=True, slots=True)
class Bearing:
    """A trial that bears on alone, added or together."""

    trial: str
    label: str
    people: Quantity | None
    comparison: str
    how: str
    """``direct``, ``mixed`` (half of both groups had other care), ``no usable numbers`` or
    ``not attributable``."""
    why: str


@dataclass(frozen=True, slots=True)
class Footing:
    """What an estimate rests on, as the component model tells it."""

    sentence: str
    through: tuple[str, ...]
    """The comparisons of trials that inform it, the heaviest first."""
    trials: Quantity
    """Trials that compare exactly this."""
    people: Quantity
    """People in them."""
    share: float
    """0 to 1: how much of the information they hold."""
    essential: tuple[str, ...]
    """Trials without which the others cannot tell."""
    span: Quantity | None
    """The result, with the smallest and the largest one when one trial is left out."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One of CINeMA's domains for an estimate of a component model, or a ceiling of the review."""

    domain: str
    concern: str
    rule: str
    """The rule with its inputs."""


@dataclass(frozen=True, slots=True)
class PartEstimate:
    """An estimate for one outcome within alone, added or together."""

    outcome: str
    outcome_label: str
    effect: Quantity
    absolute: Absolute | None
    trials: Quantity
    people: Quantity
    direct_share: float
    """0 to 1: how much of the information compares this directly; the rest is additivity."""
    statement: str
    level: Level | None = None
    """How sure; None where nobody can say."""
    size: EffectClass | None = None
    low_size: EffectClass | None = None
    high_size: EffectClass | None = None
    """What the estimate and the worse and better end of its interval would be called."""
    footing: Footing | None = None
    grade: GradeProfile | None = None
    """Where groups of trials compare it directly."""
    concerns: tuple[Concern, ...] = ()
    """Where it comes through the component model."""
    adds_up: bool = False
    """Whether it rests on effects adding up."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """Whether the treatment and other care strengthen or weaken each other, for one outcome."""

    outcome: str
    sentence: str
    statement: str
    """The answer by size and certainty."""
    words: str
    """The effect in words, with its interval."""
    effect: Quantity
    """How much larger the effect is with other care: a ratio of ratios, or a difference."""
    within: tuple[str, ...]
    """Trials that test it within themselves."""
    essential: tuple[str, ...]
    """Trials without which the others could not tell it."""
    span: tuple[float, float] | None
    """The smallest and largest one when one of the other trials is left out."""
    level: Level | None = None
    size: EffectClass | None = None
    low_size: EffectClass | None = None
    high_size: EffectClass | None = None
    """By the smallest important effect: ``small`` stronger, ``worse`` weaker, ``none`` neither."""
    concerns: tuple[Concern, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Alone, added, or together: what the trials can say of it, or why they cannot."""

    kind: PartKind
    question: str
    sentence: str
    """The answer in plain words; a refusal where nothing can be said."""
    answerable: bool
    estimates: tuple[PartEstimate, ...]
    bearings: tuple[Bearing, ...]
    trials: Quantity
    """Trials that compare this directly."""
    people: Quantity
    assumption: str
    """What part of it is the assumption that effects add up; empty when none is."""
    interaction: str = ""
    """*Together*: whether the treatment and other care strengthen or weaken each other."""
    interaction_effect: Quantity | None = None
    interaction_tested: tuple[str, ...] = ()
    """Trials that test that within themselves."""
    rests: str = ""
    """What the estimate told rests on, in plain words."""
    interaction_essential: tuple[str, ...] = ()
    """Trials without which the others could not tell that."""
    interaction_span: tuple[float, float] | None = None
    """The smallest and largest interaction when one of the other trials is left out."""
    interactions: tuple[Interaction, ...] = ()
    """*Together*: for each outcome that can tell, the deciding one first."""


@dataclass(frozen=True, slots=True)
class ComponentLine:
    """A component, a pair or a combination, and whether the trials can tell what it does.

    `effect` of an ``interaction`` is what the two do together beyond their sum, in a model that has
    that interaction; of a ``combination`` all of it against nothing.
    """

    id: str
    label: str
    role: str
    outcome: str
    separable: bool
    trials: int
    people: int
    effect: Quantity | None
    why: str
    kind: Literal["component", "interaction", "combination"] = "component"
    direct: int = 0
    """Trials with groups that differ by exactly this."""
    direct_people: int = 0
    direct_share: float = 0.0
    """0 to 1; the rest follows from other comparisons or from adding up."""
    through: tuple[str, ...] = ()
    """The comparisons of trials that inform it."""
    essential: tuple[str, ...] = ()
    """Trials without which the others cannot tell."""
    span: tuple[float, float] | None = None
    """The smallest and largest effect when one trial is left out, as the reader sees them."""
    level: Level | None = None
    """How sure, by CINeMA; None where it cannot be told, or its size has no name."""
    size: EffectClass | None = None
    concerns: tuple[Concern, ...] = ()


@dataclass(frozen=True, slots=True)
class HarmLine:
    """A harm in one of the five states of evidence; severity is apart from frequency.

    1 compared · 2 seen without a comparison group · 3 reported elsewhere (counts, no rate) ·
    4 looked for and not seen (bound) · 5 trials did not say.
    """

    harm: str
    plain: str
    state: HarmState
    severity: str
    statement: str
    with_: Quantity | None
    without: Quantity | None
    excess: Quantity | None
    count: Quantity | None
    bound: Quantity | None
    asked: str
    duration: str
    at_risk: str
    sources: tuple[str, ...]
    note: str
    treated: tuple[int, int] | None = None
    """Events and people of the treated groups that trials counted; None where none did."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One of the seven answers (or NOTRIALS), from the table, never by hand."""

    code: VerdictCode
    label: str
    glyph: str
    heading: str
    """``As of July 2009`` when the search is out of date, else empty."""
    sentence: str
    caution: str
    """What the label does not mean, such as "this is not proof that it does not work"."""
    rests_on: str
    """Outcome id."""
    benefit: EffectClass | None
    certainty: Level | None
    harm: HarmClass
    burden: str
    burden_why: str
    rule: str
    """The row of the table that was hit, in words."""
    fragile: bool
    flips: tuple[str, ...]
    stale: bool
    retracted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusLine:
    """A line of the status strip. `kind`: ``stop``, ``warn`` or ``info``, the worst first."""

    kind: Literal["stop", "warn", "info"]
    text: str


@dataclass(frozen=True, slots=True)
class Status:
    """How far the page can be relied on as a document: dates, review, disclosure."""

    lines: tuple[StatusLine, ...]
    on: str
    """The day for which the ages were computed."""
    searched_to: str
    search_age_months: int | None
    draft: bool


@dataclass(frozen=True, slots=True)
class Answer(Result):
    """The whole answer to one question, ready to be shown."""

    slug: str
    title: str
    treatment: str
    condition: str
    population: str
    comparator: str
    status: Status
    verdict: Verdict
    certainty: Level | None
    certainty_dots: int
    """Filled dots of four."""
    certainty_plain: str
    reasons: tuple[str, ...]
    """Why this sure, in lay words."""
    key_messages: tuple[str, ...]
    outcomes: tuple[OutcomeAnswer, ...]
    alone: Part
    added: Part
    together: Part
    components: tuple[ComponentLine, ...]
    harms: tuple[HarmLine, ...]
    harm_sentence: str
    harms_asked: str
    """How many trials say that they asked people about harms; empty where there are none."""
    course: tuple[str, ...]
    """How it went for people without the treatment; empty where no trial tells."""
    would_change: tuple[str, ...]
    questions: tuple[str, ...]
    """For the doctor."""
    quantities: dict[str, Quantity]
    cells: tuple[CellValue, ...]
    left_out: tuple[LeftOut, ...]
    review: Review

    def __repr__(self) -> str:
        heading = f"{self.verdict.heading}: " if self.verdict.heading else ""
        sure = self.certainty or "no evidence"
        return f"<Answer {self.slug}: {heading}{self.verdict.label} (certainty {sure})>"

    def outcome(self, outcome: str) -> OutcomeAnswer:
        """The answer for the outcome of that id."""
        return next(o for o in self.outcomes if o.id == outcome)
