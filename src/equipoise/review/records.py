"""What a review holds, as frozen values without files: question, outcomes, trials, results, people.

Field names are those of the folder (`docs/review-folder.md`). Blank cells are None or "".
Every record that comes from a file carries `file` and `line`, so that `cell("mean")` leads back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from equipoise.core.result import Result
from equipoise.review.article import ArticleSection as ArticleSection
from equipoise.review.article import Claim as Claim
from equipoise.review.article import ClaimState as ClaimState
from equipoise.review.located import Located as Located

Better = Literal["lower", "higher"]
Importance = Literal["critical", "important", "limited"]
ThresholdKind = Literal["between-group", "within-person"]
ComponentRole = Literal["treatment", "delivery", "care", "background", "none"]
TrialUse = Literal["included", "co-intervention", "excluded"]
ResultType = Literal["final", "change", "improvement"]
Severity = Literal["mild", "needs-care", "serious", "unclear"]
Asked = Literal["yes", "no", "unclear"]
HarmSource = Literal["trial", "survey", "case-report", "register", "review", "theory"]
RobLevel = Literal["low", "some concerns", "high", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Located):
    """The question, in the reader's words."""

    text: str
    treatment: str
    treatment_plain: str
    condition: str
    condition_plain: str
    population: str
    not_for: str = ""
    comparator: str
    comparator_plain: str
    component: str
    """Id of the model component that stands for the treatment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option(Located):
    """One of the choices a person has, doing nothing included."""

    id: str
    label: str
    kind: Literal["treatment", "no-change", "other"]
    experience: str
    visits: str = ""
    cost: str = ""
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Component(Located):
    """A part of a treatment arm.

    `counts_as` names the model components that this part stands for: a dextrose injection
    counts as ``("prolotherapy", "injection")``. Empty: it counts as nothing (normal activity).
    """

    id: str
    label: str
    role: ComponentRole
    counts_as: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(Located):
    """Cut points between trivial, small, moderate and large for one outcome, with their source.

    Absolute values on the outcome's scale (for binary outcomes: risk difference per 1000 people).
    """

    name: str
    kind: ThresholdKind
    small: float
    moderate: float | None = None
    large: float | None = None
    instrument: str = ""
    population: str = ""
    method: str = ""
    source: str
    doi: str = ""
    main: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline(Located):
    """What happens without the treatment, in one kind of people, with its own uncertainty.

    Binary outcomes: people per 1000. Continuous: points on the outcome's scale. Without one, the
    control groups of the trials themselves are used.
    """

    name: str
    """The kind of people, as in "people at low risk"."""
    value: float
    low: float | None = None
    high: float | None = None
    """Ends of a 95 % interval."""
    source: str
    doi: str = ""
    main: bool = False
    """The one that the page's main numbers use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Responders(Located):
    """How a difference in points becomes people who are noticeably better: always an estimate.

    `method` ``threshold``: from the mean change without treatment (`change`), its standard
    deviation (`sd`) and the change that one person notices (`cut`), all on the outcome's scale and
    signed so that positive is better. The other two start from `without`, people per 1000 who
    respond without the treatment, and the standardised difference (by `sd` where the outcome is
    measured in points).
    """

    name: str
    """What counts as responding, as in "being at least 30 % better"."""
    method: Literal["threshold", "hasselblad-hedges", "furukawa"]
    cut: float | None = None
    change: float | None = None
    sd: float | None = None
    without: float | None = None
    source: str
    doi: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Located):
    """An outcome, its scale and its direction.

    `weeks` is (from, to, target): the window and the week whose result is taken if several exist.
    """

    id: str
    label: str
    plain: str
    type: Literal["continuous", "binary"]
    measure: str
    better: Better
    importance: Importance
    weeks: tuple[float, float, float]
    scale: tuple[float, float] | None = None
    unit: str = ""
    self_reported: bool = True
    """Rated by the participants themselves, so that knowing the treatment can change it."""
    decides: bool = False
    """The outcome that the verdict rests on, fixed in the protocol."""
    instrument: str = ""
    thresholds: tuple[Threshold, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    responders: tuple[Responders, ...] = ()
    borrow_sd: bool = False
    """Where a printed SD is unusable, borrow one from the other trials of this outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Located):
    """A study: a trial that counts, one of co-interventions, or one excluded with its reason."""

    id: str
    label: str
    """Short name such as ``Yelland 2004``."""
    citation: str
    year: int | None = None
    doi: str = ""
    pmid: str = ""
    registration: str = ""
    country: str = ""
    funding: str = ""
    money: Literal["", "industry", "mixed", "public", "none", "not reported"] = ""
    """Who paid, as a class; ``mixed`` counts as industry where the two are compared."""
    conflicts: str = ""
    proponent: Literal["", "yes", "no", "not reported"] = ""
    """Run by people who sell, teach or promote the treatment."""
    design: str = ""
    blinding: Literal["participants", "assessors", "none", "unclear"] = "unclear"
    n_randomized: int | None = None
    status: Literal["", "retracted", "concern"] = ""
    use: TrialUse = "included"
    reason: str = ""
    """Why excluded, or what a reader must know about it."""
    factor: str = ""
    """Factorial trials: which factor's margins are used, so that nobody is counted twice."""
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm(Located):
    """An arm, its parts as coded, and what some of its people had besides (`mixed`)."""

    trial: str
    arm: str
    label: str
    components: tuple[str, ...]
    mixed: tuple[str, ...] = ()
    """Components that about half of the arm had by design (a factorial trial's margin)."""
    factor: str = ""
    dose: str = ""
    n: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Located):
    """One published result of one arm. `type` ``improvement``: positive means better."""

    trial: str
    arm: str
    outcome: str
    weeks: float
    type: ResultType = "final"
    instrument: str = ""
    scale: tuple[float, float] | None = None
    """The published range where it differs from the outcome's; values are rescaled linearly."""
    n: int | None = None
    events: int | None = None
    mean: float | None = None
    sd: float | None = None
    se: float | None = None
    flags: tuple[str, ...] = ()
    source: str = ""
    locator: str = ""
    confidence: Literal["high", "medium", "low"] = "high"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastFinding(Located):
    """One published difference, arm1 minus arm2 (log scale for ratios is computed, not typed)."""

    trial: str
    arm1: str
    arm2: str
    outcome: str
    weeks: float
    measure: str
    type: ResultType = "final"
    instrument: str = ""
    scale: tuple[float, float] | None = None
    estimate: float | None = None
    se: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    n1: int | None = None
    n2: int | None = None
    ref_se: float | None = None
    """Standard error of arm2's own mean: the covariance of contrasts that share arm2."""
    flags: tuple[str, ...] = ()
    source: str = ""
    locator: str = ""
    confidence: Literal["high", "medium", "low"] = "high"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmFinding(Located):
    """What one source says about one harm. Blank `events`/`n` were not reported.

    A row with ``trial`` set is about one arm of a trial; other rows name their `source`.
    """

    harm: str
    plain: str
    severity: Severity
    kind: HarmSource
    trial: str = ""
    arm: str = ""
    asked: Asked = "unclear"
    events: int | None = None
    n: int | None = None
    duration: str = ""
    at_risk: str = ""
    source: str = ""
    doi: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobFinding(Located):
    """A risk-of-bias appraisal of one result (`outcome` blank: of every result of the trial)."""

    trial: str
    outcome: str = ""
    tool: str
    randomization: RobLevel = ""
    deviations: RobLevel = ""
    missing: RobLevel = ""
    measurement: RobLevel = ""
    selection: RobLevel = ""
    overall: RobLevel
    judge: str = ""
    """Person id who signed it; blank: taken from a published appraisal, signed by nobody here."""
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal(Located):
    """The answer to one signalling question of RoB 2 about one result (`outcome` blank: all)."""

    trial: str
    outcome: str = ""
    question: str
    """Its number in the tool, such as ``1.1``."""
    answer: Literal["Y", "PY", "PN", "N", "NI", "NA"]
    judge: str = ""
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreported(Located):
    """An outcome that a trial has no usable result of, and what is known of the reason."""

    trial: str
    outcome: str
    state: Literal["not measured", "measured, not reported", "partly reported", "unclear"]
    because: Literal["", "of the result", "other", "unclear"] = ""
    """Whether the result itself was, as far as can be told, the reason."""
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement(Located):
    """A signed human judgement: it may lower certainty or dissent, never raise the verdict."""

    about: Literal[
        "certainty", "burden", "harm", "dissent", "publication-bias", "indirectness", "decision"
    ]
    outcome: str = ""
    domain: str = ""
    level: str
    """certainty domains: ``0``, ``-1``, ``-2``; burden: ``low``/``notable``; dissent: free text;
    decision: the rating of a criterion (`domain`) of an evidence-to-decision frame."""
    by: str
    on: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """An interest, or the statement that there is none (``type = "none"``), in fields."""

    type: Literal[
        "financial",
        "professional",
        "intellectual",
        "personal",
        "family",
        "institutional",
        "none",
    ]
    entity: str = ""
    direction: Literal["favours", "against", "unclear", ""] = ""
    amount_band: Literal["", "none", "under 1000", "1000 to 10000", "over 10000", "not told"] = ""
    """Money or its worth in a year, in US dollars."""
    period: str = ""
    relevance: str = ""
    """What it has to do with the question, in a few words."""
    asked_on: str = ""
    signed: str = ""
    """The day on which the person put their name to it; blank: they did not."""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Located):
    """Somebody who made or checked the review."""

    id: str
    name: str
    roles: tuple[str, ...]
    credentials: str = ""
    orcid: str = ""
    independent: bool = False
    """Neither wrote the review nor has an interest in the treatment."""
    disclosures: tuple[Disclosure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Located):
    """The last systematic search that the review rests on, and what came in by other ways."""

    last: str
    """Date as far as known: ``2009-07``; blank: no systematic search is known."""
    by: str
    sources: str = ""
    doi: str = ""
    added_by_hand: str = ""
    found: str = ""
    retractions: str = ""
    """The day on which every trial was last looked up in a list of retractions."""

    @property
    def by_hand(self) -> str:
        """What came in by other ways, in words; empty where nothing did."""
        return (
            ""
            if self.added_by_hand.strip(" .").casefold() in ("nothing", "none")
            else self.added_by_hand
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol(Located):
    """The protocol that came before the data, if there was one."""

    registered: str = ""
    """Where, such as ``PROSPERO CRD42026000000``."""
    on: str = ""
    """The day on which it was fixed."""
    sha256: str = ""
    """Hash of the protocol's text, which anybody can compare."""
    address: str = ""
    deviations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow(Located):
    """How many reports were found and left at each step; None where nobody counted."""

    identified: int | None = None
    duplicates: int | None = None
    screened: int | None = None
    excluded: int | None = None
    sought: int | None = None
    not_retrieved: int | None = None
    assessed: int | None = None
    ineligible: int | None = None
    included: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Located):
    """The analysis, as the folder fixes it."""

    model: Literal["random", "common"] = "random"
    tau2: str = "REML"
    interval: str = "auto"
    level: float = 0.95
    decided: str = ""
    """When and how the plan was fixed relative to seeing the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An entry of the review's own history."""

    version: str
    on: str
    what: str
    verdict_before: str = ""
    """The answer that it replaced; blank: the same."""
    certainty_before: str = ""
    number_before: str = ""
    """The number that decides, as it was shown before."""
    why: str = ""
    """Why the conclusions changed, or did not."""
    address: str = ""
    """Where this version can still be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTest(Located):
    """Something that was found out from readers: what they need, or how they get on with the page.

    `kind`: ``needs``, what people who face the decision need to know; ``field``, the page tried out
    with them; ``knowledge`` and ``values``, a study of whether readers know more, or choose nearer
    to what they value.
    """

    kind: Literal["needs", "field", "knowledge", "values"]
    who: Literal["patients", "clinicians", "public"]
    people: int
    """How many took part."""
    on: str
    how: str
    found: str
    changed: str = ""
    """What was changed on the page because of it."""
    by: str = ""
    """Who did it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedFlag:
    """A sign that needs care now, shown whatever the verdict."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(Result):
    """A whole review folder."""

    slug: str
    format: int
    version: str
    updated: str
    title: str
    license: str
    question: Question
    options: tuple[Option, ...]
    components: tuple[Component, ...]
    outcomes: tuple[Outcome, ...]
    plan: Plan
    search: Search
    update_policy: str
    next_review: str
    funding: str
    people: tuple[Person, ...]
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    red_flags: tuple[RedFlag, ...] = ()
    field_tests: tuple[FieldTest, ...] = ()
    changes: tuple[Change, ...] = ()
    protocol: Protocol = field(default_factory=Protocol)
    flow: Flow = field(default_factory=Flow)
    cautions: tuple[str, ...] = ()
    """What a reader of these data must know; shown on the page."""
    contact: str = ""
    """Where an error can be reported: an address of the web or of e-mail."""
    trials: tuple[Trial, ...]
    arms: tuple[Arm, ...]
    results: tuple[Finding, ...]
    contrasts: tuple[ContrastFinding, ...] = ()
    harms: tuple[HarmFinding, ...] = ()
    risk_of_bias: tuple[RobFinding, ...] = ()
    signalling: tuple[Signal, ...] = ()
    unreported: tuple[Unreported, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    article: tuple[ArticleSection, ...] = ()
    claims: tuple[Claim, ...] = ()
    text: dict[str, str] = field(default_factory=dict)
    """The folder's files verbatim (name → text): what the writer writes back unchanged."""

    def trial(self, trial: str) -> Trial:
        """The trial of that id."""
        return next(t for t in self.trials if t.id == trial)

    def outcome(self, outcome: str) -> Outcome:
        """The outcome of that id."""
        return next(o for o in self.outcomes if o.id == outcome)

    def component(self, component: str) -> Component:
        """The component of that id."""
        return next(c for c in self.components if c.id == component)
