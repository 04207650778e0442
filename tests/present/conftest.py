"""An invented review, answered by hand, for the tests of figures, tables and pages.

Fixtures: `answer` (three outcomes, harms in all five states, a refused "together"), `outcome` (its
deciding outcome), `ratio_outcome`, `empty_outcome`, and the makers `make_pooled` and
`make_outcome` for outcomes of any number of trials. Trials, treatment and numbers are made up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from equipoise.answer.answer import (
    Absolute,
    Answer,
    Bearing,
    CellValue,
    ComponentLine,
    ForestRow,
    HarmLine,
    LeftOut,
    OutcomeAnswer,
    Part,
    PartEstimate,
    Pooled,
    Sensitivity,
    Status,
    StatusLine,
    ThresholdLine,
    Verdict,
)
from equipoise.certainty.grade import Cap, Reason, profile
from equipoise.core.provenance import Cell, Quantity, mark
from equipoise.core.result import Method
from equipoise.review.records import (
    Arm,
    ArticleSection,
    Change,
    Component,
    Disclosure,
    Finding,
    HarmFinding,
    Judgement,
    Option,
    Outcome,
    Person,
    Plan,
    Question,
    RedFlag,
    Review,
    RobFinding,
    Search,
    Threshold,
    Trial,
)

Z = 1.959963984540054
ROBS = ("low", "some concerns", "high", "not judged")
SOURCE = "an invented source"


class Book:
    """Quantities by id, as an answer keeps them."""

    def __init__(self) -> None:
        self.all: dict[str, Quantity] = {}

    def add(self, id: str, value: float, unit: str, label: str, **more: Any) -> Quantity:
        quantity = Quantity(id, float(value), unit, label, more.pop("formula", "counted"), **more)
        assert id not in self.all
        self.all[id] = quantity
        return quantity


def cell(trial: int, column: str) -> Cell:
    return Cell("results.csv", 2 * trial + 2, column)


def pooled(
    effects: Sequence[tuple[float, float]],
    *,
    measure: str = "MD",
    labels: Sequence[str] = (),
    raw: Sequence[tuple[str, str]] = (),
    flags: Sequence[tuple[str, ...]] = (),
    people: int = 80,
    prediction: bool | None = None,
) -> Pooled:
    """A random-effects synthesis (DerSimonian-Laird) of (estimate, standard error) pairs."""
    y, v = [e for e, _ in effects], [s**2 for _, s in effects]
    k = len(y)
    w = [1 / x for x in v]
    fixed = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
    q = sum(a * (b - fixed) ** 2 for a, b in zip(w, y, strict=True))
    spare = sum(w) - sum(a * a for a in w) / sum(w)
    tau2 = max(0.0, (q - (k - 1)) / spare) if k > 1 else 0.0
    w = [1 / (x + tau2) for x in v]
    middle = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
    se = 1 / math.sqrt(sum(w))
    spread = 2.2 * math.sqrt(tau2 + se * se)
    shown = k >= 3 if prediction is None else prediction
    rows = tuple(
        ForestRow(
            trial=f"t{i}",
            label=labels[i] if i < len(labels) else f"Author{i + 1:03d} {1990 + i % 35}",
            estimate=y[i],
            low=y[i] - Z * math.sqrt(v[i]),
            high=y[i] + Z * math.sqrt(v[i]),
            weight=100 * w[i] / sum(w),
            treated=raw[i][0] if i < len(raw) else "31.4 (26.6), 40",
            control=raw[i][1] if i < len(raw) else "37.0 (25.1), 40",
            rob=ROBS[i % 4],
            flags=flags[i] if i < len(flags) else (),
            cells=(cell(i, "mean"), cell(i, "sd"), cell(i, "n")),
        )
        for i in range(k)
    )
    return Pooled(
        measure=measure,
        model="random",
        tau2_method="DL",
        interval_method="Wald",
        estimate=middle,
        low=middle - Z * se,
        high=middle + Z * se,
        level=0.95,
        p_value=math.erfc(abs(middle / se) / math.sqrt(2)),
        tau2=tau2,
        i2=100 * max(0.0, (q - (k - 1)) / q) if k > 1 and q > 0 else 0.0,
        q=q,
        q_df=k - 1,
        q_p=0.21,
        pi_low=middle - spread if shown else None,
        pi_high=middle + spread if shown else None,
        k=k,
        n=people * k,
        rows=rows,
        notes=(),
        methods=(Method("random effects", "DerSimonian and Laird 1986"),),
    )


def outcome_answer(
    synthesis: Pooled | None, book: Book | None = None, **given: Any
) -> OutcomeAnswer:
    """An outcome around a synthesis: points on 0 to 100, or people per 1000 for ratios."""
    book = book or Book()
    id = given.pop("id", "pain")
    x, y = "Mud packs may", "compared with a sham pack"
    label = given.pop("label", "Neck pain")
    ratio = synthesis is not None and synthesis.measure in {"RR", "OR"}
    binary = given.pop("binary", ratio)
    effect = told = None
    if synthesis is not None:
        back = math.exp if ratio else float
        effect = book.add(
            f"{id}.effect",
            back(synthesis.estimate),
            synthesis.measure if ratio else "points",
            f"{label}: pooled effect",
            low=back(synthesis.low),
            high=back(synthesis.high),
            formula="inverse-variance pooling of the trials",
            cells=tuple(c for r in synthesis.rows for c in r.cells),
        )
        told = absolute(book, id, label, effect, binary=binary)
    base = OutcomeAnswer(
        id=id,
        label=label,
        plain=label.lower(),
        type="binary" if binary else "continuous",
        better="higher" if binary else "lower",
        importance="critical",
        decides=True,
        unit="" if binary else "points",
        scale=None if binary else (0.0, 100.0),
        time="6 months",
        comparison="mud packs against a sham pack, both with exercises",
        trials=book.add(f"{id}.trials", synthesis.k if synthesis else 0, "trials", "trials"),
        people=book.add(f"{id}.people", synthesis.n if synthesis else 0, "people", "people"),
        pooled=synthesis,
        effect=effect,
        absolute=told,
        effect_class="small" if synthesis else None,
        grade=grade(id) if synthesis else None,
        statement_plain=f"{x} improve {label.lower()} slightly, {y}."
        if synthesis
        else f"No trial gave usable numbers for {label.lower()}.",
        statement_clinical=f"{x} reduce {label.lower()} slightly, {y}.",
        thresholds=thresholds(binary=binary),
        sensitivity=(),
        left_out=(),
        notes=(),
    )
    return replace(base, **given)


def absolute(
    book: Book, prefix: str, label: str, effect: Quantity, *, binary: bool, level: bool = True
) -> Absolute:
    """Without, with and difference; the control risk is 300 per 1000, the control mean 41.3."""
    assert effect.low is not None
    assert effect.high is not None
    unit = "per 1000" if binary else "points"
    base = 300.0 if binary else 41.3
    change = [base * v - base if binary else v for v in (effect.value, effect.low, effect.high)]
    without = with_ = None
    if level:
        what = f"{label} without the treatment"
        without = book.add(f"{prefix}.without", base, unit, what, cells=(cell(0, "mean"),))
        with_ = book.add(
            f"{prefix}.with",
            base + change[0],
            unit,
            f"{label} with the treatment",
            low=base + change[1],
            high=base + change[2],
            formula="without + difference",
            inputs=(without.id, effect.id),
        )
    difference = book.add(
        f"{prefix}.difference",
        change[0],
        unit,
        f"{label}: difference with the treatment",
        low=change[1],
        high=change[2],
        formula="pooled difference",
        inputs=(effect.id,),
    )
    return Absolute(
        denominator=1000 if binary else 0,
        without=without,
        with_=with_,
        difference=difference,
        reference_class="adults with neck pain for more than 3 months",
        time="6 months",
    )


def grade(outcome: str) -> Any:
    """Low: one level off for blinding, one for few people."""
    return profile(
        outcome,
        (
            Reason(
                "risk of bias",
                -1,
                "weight by risk of bias: high 60%",
                "people knew which treatment they got, which can change what they report",
            ),
            Reason("inconsistency", 0, "I² 12 %"),
            Reason("indirectness", None, "needs a person", human=0, by="rk", on="2026-02-01"),
            Reason(
                "imprecision",
                -1,
                "the interval crosses one line",
                "too few people took part to be exact",
            ),
            Reason("publication bias", None, "fewer than ten trials: no test was made"),
        ),
        (Cap("moderate", "no trial was registered", "no trial was registered in advance"),),
    )


def thresholds(*, binary: bool) -> tuple[ThresholdLine, ...]:
    if binary:
        line = ThresholdLine(
            name="panel's choice",
            kind="between-group",
            small=50.0,
            moderate=None,
            large=None,
            source=SOURCE,
            main=True,
            effect_class="small",
            verdict="MAYHELP",
            flips=False,
        )
        return (line,)
    lines = (("between groups", 5.0, 10.0, 20.0, True), ("one person", 15.0, None, None, False))
    return tuple(
        ThresholdLine(
            name=name,
            kind="between-group" if main else "within-person",
            small=small,
            moderate=moderate,
            large=large,
            source=SOURCE,
            main=main,
            effect_class="small" if main else "none",
            verdict="MAYHELP" if main else "MAYNOT",
            flips=not main,
        )
        for name, small, moderate, large, main in lines
    )


def part_estimate(
    book: Book, kind: str, effect: tuple[float, float, float], direct: float, trials: int, n: int
) -> PartEstimate:
    quantity = book.add(
        f"{kind}.pain.effect", effect[0], "points", "Neck pain", low=effect[1], high=effect[2]
    )
    told = absolute(book, f"{kind}.pain", "Neck pain", quantity, binary=False, level=False)
    return PartEstimate(
        outcome="pain",
        outcome_label="Neck pain",
        effect=quantity,
        absolute=told,
        trials=book.add(f"{kind}.pain.trials", trials, "trials", "trials"),
        people=book.add(f"{kind}.pain.people", n, "people", "people"),
        direct_share=direct,
        statement=f"Neck pain: {mark(quantity, '6.2')} points lower.",
    )


def parts(book: Book) -> dict[str, Part]:
    """Alone partly by additivity, added direct, together refused."""
    alone = part_estimate(book, "alone", (-7.9, -16.1, 0.3), 0.35, 3, 214)
    added = part_estimate(book, "added", (-6.2, -10.4, -2.0), 1.0, 4, 320)

    def counted(kind: str, trials: int, people: int) -> dict[str, Quantity]:
        return {
            "trials": book.add(f"{kind}.trials", trials, "trials", "trials"),
            "people": book.add(f"{kind}.people", people, "people", "people"),
        }

    def bearing(kind: str, i: int, how: str, why: str) -> Bearing:
        people = book.add(f"{kind}.t{i}.people", 80, "people", "people")
        return Bearing(f"t{i}", TRIALS[i][0], people, "mud packs against a sham pack", how, why)

    return {
        "alone": Part(
            kind="alone",
            question="Do mud packs alone help?",
            sentence="Mud packs alone may lower neck pain by "
            f"{mark(alone.effect, '7.9')} points, but they may also do nothing.",
            answerable=True,
            estimates=(alone,),
            bearings=(bearing("alone", 0, "direct", "reports neck pain"),),
            assumption="Most of this rests on the assumption that effects add up.",
            **counted("alone", 1, 80),
        ),
        "added": Part(
            kind="added",
            question="Do mud packs help when added to other care?",
            sentence=f"Added to exercises, mud packs may lower neck pain by "
            f"{mark(added.effect, '6.2')} points.",
            answerable=True,
            estimates=(added,),
            bearings=tuple(bearing("added", i, "direct", "reports neck pain") for i in range(4)),
            assumption="",
            **counted("added", 4, 320),
        ),
        "together": Part(
            kind="together",
            question="Do mud packs together with other care help, compared with neither?",
            sentence="This cannot be told: no trial compared mud packs and exercises together "
            "with neither of them.",
            answerable=False,
            estimates=(),
            bearings=(
                bearing("together", 4, "not attributable", "the groups differ in the sham as well"),
                bearing("together", 5, "no usable numbers", "its report gives no numbers"),
            ),
            assumption="",
            **counted("together", 0, 0),
        ),
    }


def harms(book: Book) -> tuple[HarmLine, ...]:
    """One harm in each of the five states of evidence."""

    def line(harm: str, state: int, severity: str, statement: str, **given: Any) -> HarmLine:
        empty: dict[str, Any] = dict.fromkeys(
            ("with_", "without", "excess", "count", "bound"), None
        )
        words = {"asked": "yes", "duration": "", "at_risk": "", "sources": (SOURCE,), "note": ""}
        return HarmLine(
            harm=harm,
            plain=harm,
            state=state,  # type: ignore[arg-type]
            severity=severity,
            statement=statement,
            **(empty | words | given),
        )

    def q(name: str, value: float, unit: str = "per 1000", **more: Any) -> Quantity:
        return book.add(f"harms.{name}", value, unit, name, **more)

    w, c = (
        q("rash.with", 120.0, low=70.0, high=200.0),
        q("rash.without", 100.0, low=60.0, high=170.0),
    )
    e = q("rash.excess", 20.0, low=-60.0, high=100.0)
    s, r = q("dizzy.with", 31.0, low=9.0, high=105.0), q("burn.count", 2, "cases")
    b = q("stroke.bound", 14.4)
    return (
        line(
            "skin rash",
            1,
            "mild",
            f"{mark(w, '120')} in 1000 with mud packs and {mark(c, '100')} in 1000 without.",
            with_=w,
            without=c,
            excess=e,
            duration="days",
        ),
        line(
            "dizziness",
            2,
            "mild",
            f"{mark(s, '31')} in 1000 had it; it may not be due to the treatment.",
            with_=s,
        ),
        line(
            "burns",
            3,
            "needs-care",
            f"{mark(r, '2')} cases were reported; how often it happens is not known.",
            count=r,
            at_risk="people with numb skin",
        ),
        line(
            "stroke",
            4,
            "serious",
            f"0 of 206 people. Trials this size cannot rule out up to {mark(b, '15')} in 1000.",
            bound=b,
        ),
        line("lasting pain", 5, "unclear", "Trials did not say.", asked="no"),
    )


#: Label, and the mean, SD and number of people of both sides as printed.
TRIALS = (
    ("Abara 1998", "38.1 (22.0), 41", "40.9 (21.3), 39"),
    ("Boström 2004", "31.4 (26.6), 54", "37.0 (25.1), 56"),
    (
        "Chen and colleagues of the Eastern Mud Study Group 2011",
        "29.9 (20.2), 38",
        "41.0 (22.8), 36",
    ),
    ("Dube 2019", "36.6 (18.4), 30", "40.2 (20.0), 26"),
    ("Eze 2001", "", ""),
    ("Farah 2006", "", ""),
)


def review() -> Review:
    """The folder behind the answer, with one row or two of everything."""
    file = {"file": "review.toml", "line": 1}
    return Review(
        slug="mud-packs-neck-pain",
        format=1,
        version="2",
        updated="2026-02-01",
        title="Should I try mud packs for neck pain?",
        license="CC-BY-4.0",
        question=Question(
            text="Should I try mud packs for neck pain?",
            treatment="mud packs",
            treatment_plain="mud packs",
            condition="chronic neck pain",
            condition_plain="neck pain",
            population="adults with neck pain for more than 3 months",
            not_for="people with a recent injury",
            comparator="a sham pack",
            comparator_plain="a sham pack",
            component="mud",
            **file,
        ),
        options=(
            Option(id="none", label="No change", kind="no-change", experience="Nothing new."),
            Option(
                id="mud",
                label="Mud packs",
                kind="treatment",
                experience="You lie still under a warm pack.",
                visits="8 visits",
                cost="not known",
                components=("mud",),
            ),
        ),
        components=(
            Component(id="mud", label="Mud packs", role="treatment", counts_as=("mud",)),
            Component(id="exercise", label="Exercises", role="care", counts_as=("exercise",)),
        ),
        outcomes=(
            Outcome(
                id="pain",
                label="Neck pain",
                plain="neck pain",
                type="continuous",
                measure="MD",
                better="lower",
                importance="critical",
                weeks=(12, 52, 26),
                scale=(0, 100),
                unit="points",
                decides=True,
                thresholds=(
                    Threshold(
                        name="between groups",
                        kind="between-group",
                        small=5,
                        moderate=10,
                        large=20,
                        source=SOURCE,
                        main=True,
                    ),
                ),
            ),
            Outcome(
                id="halved",
                label="Pain at least halved",
                plain="pain at least halved",
                type="binary",
                measure="RR",
                better="higher",
                importance="important",
                weeks=(12, 52, 26),
            ),
            Outcome(
                id="disability",
                label="Disability",
                plain="disability",
                type="continuous",
                measure="MD",
                better="lower",
                importance="important",
                weeks=(12, 52, 26),
            ),
        ),
        plan=Plan(decided="before the data were read"),
        search=Search(last="2025-10", by="the authors", sources="two databases", found="212"),
        update_policy="A new search every 24 months.",
        next_review="2027-10-01",
        funding="none",
        people=(
            Person(
                id="an",
                name="A. N. Author",
                roles=("author",),
                credentials="physician",
                disclosures=(
                    Disclosure(
                        type="financial",
                        entity="a mud spa",
                        direction="favours",
                        period="2019 to now",
                        asked_on="2026-01-10",
                        text="gives mud packs in a private practice",
                    ),
                ),
            ),
            Person(
                id="rk",
                name="R. K. Reviewer",
                roles=("reviewer",),
                credentials="statistician",
                independent=True,
                disclosures=(Disclosure(type="none", asked_on="2026-01-12"),),
            ),
        ),
        categories=("neck",),
        tags=("pain", "heat"),
        red_flags=(RedFlag(text="Weakness in an arm or a leg."),),
        changes=(
            Change(version="2", on="2026-02-01", what="one trial added", verdict_before="UNKNOWN"),
        ),
        cautions=("Data were read by one person.",),
        trials=tuple(
            Trial(
                id=f"t{i}",
                label=label,
                citation=f"{label}. An invented report.",
                year=int(label[-4:]),
                doi="10.1000/example" if i == 0 else "",
                funding="a mud spa" if i == 1 else "",
                blinding="participants" if i % 2 else "none",
                n_randomized=80,
                use="excluded" if i == 5 else "included",
                reason="not randomised" if i == 5 else "",
                file="trials.csv",
                line=i + 2,
            )
            for i, (label, _, _) in enumerate(TRIALS)
        ),
        arms=tuple(
            Arm(
                trial=f"t{i}",
                arm=arm,
                label="mud packs" if arm == "m" else "sham pack",
                components=("mud", "exercise") if arm == "m" else ("exercise",),
                n=40,
                file="arms.csv",
                line=2 * i + 2 + (arm == "s"),
            )
            for i in range(len(TRIALS))
            for arm in ("m", "s")
        ),
        results=tuple(
            Finding(
                trial=f"t{i}",
                arm="m",
                outcome="pain",
                weeks=26,
                n=40,
                mean=31.4,
                sd=26.6,
                source=SOURCE,
                locator="table 2",
                file="results.csv",
                line=2 * i + 2,
            )
            for i in range(4)
        ),
        harms=(
            HarmFinding(
                harm="rash",
                plain="skin rash",
                severity="mild",
                kind="trial",
                trial="t0",
                arm="m",
                asked="yes",
                events=5,
                n=41,
                source=SOURCE,
                file="harms.csv",
                line=2,
            ),
        ),
        risk_of_bias=tuple(
            RobFinding(
                trial=f"t{i}",
                tool="RoB 2",
                overall=level,
                judge="rk",
                file="risk_of_bias.csv",
                line=i + 2,
            )
            for i, level in enumerate(("low", "some concerns", "high"))
        ),
        judgements=(
            Judgement(
                about="burden", level="notable", by="rk", on="2026-02-01", why="8 visits in 4 weeks"
            ),
        ),
        article=(
            ArticleSection(
                id="treatment", title="What it is", text="Warm *mud* on the neck.", line=1
            ),
            ArticleSection(
                id="condition", title="Neck pain", text="Most people get better.", line=9
            ),
        ),
    )


def pain(book: Book) -> OutcomeAnswer:
    """Four trials, a name too long for its column, two remarks, every risk of bias."""
    synthesis = pooled(
        ((-2.8, 4.8), (-5.6, 4.9), (-11.1, 5.0), (-3.6, 5.2)),
        labels=[t[0] for t in TRIALS[:4]],
        raw=[(t[1], t[2]) for t in TRIALS[:4]],
        flags=(
            (),
            ("SD borrowed from Abara 1998",),
            (),
            ("SD borrowed from Abara 1998", "adjusted"),
        ),
    )
    made = outcome_answer(synthesis, book)
    assert made.effect is not None
    return replace(
        made,
        statement_plain=f"Mud packs may lower neck pain by {mark(made.effect, '5.8')} points.",
        sensitivity=(
            Sensitivity("without trials at high risk of bias", made.effect, "UNKNOWN", True),
            Sensitivity("common-effect model", made.effect, "MAYHELP", False),
        ),
        left_out=(
            LeftOut(
                "t4", TRIALS[4][0], "neck pain", "its report gives no numbers", (cell(4, "mean"),)
            ),
        ),
        notes=("Few people took part.",),
    )


def halved(book: Book) -> OutcomeAnswer:
    synthesis = pooled(
        ((math.log(1.6), 0.28), (math.log(1.1), 0.22), (math.log(2.9), 0.75)),
        measure="RR",
        labels=[TRIALS[0][0], TRIALS[1][0], TRIALS[3][0]],
        raw=(("19/41", "11/39"), ("25/54", "23/56"), ("6/30", "2/26")),
    )
    return outcome_answer(
        synthesis,
        book,
        id="halved",
        label="Pain at least halved",
        importance="important",
        decides=False,
        comparison="mud packs against a sham pack",
    )


def disability(book: Book) -> OutcomeAnswer:
    return outcome_answer(
        None,
        book,
        id="disability",
        label="Disability",
        importance="important",
        decides=False,
        thresholds=(),
        left_out=(LeftOut("t5", TRIALS[5][0], "disability", "its report gives no spread"),),
    )


@pytest.fixture
def make_pooled() -> Callable[..., Pooled]:
    """`pooled`: a synthesis of (estimate, standard error) pairs on the analysis scale."""
    return pooled


@pytest.fixture
def make_outcome() -> Callable[..., OutcomeAnswer]:
    """`outcome_answer`: an outcome around a synthesis; keywords replace its fields."""
    return outcome_answer


@pytest.fixture
def outcome() -> OutcomeAnswer:
    return pain(Book())


@pytest.fixture
def ratio_outcome() -> OutcomeAnswer:
    return halved(Book())


@pytest.fixture
def empty_outcome() -> OutcomeAnswer:
    return disability(Book())


@pytest.fixture
def answer() -> Answer:
    book = Book()
    outcomes = (pain(book), halved(book), disability(book))
    told = parts(book)
    listed = harms(book)
    effect = book.all["pain.effect"]
    return Answer(
        slug="mud-packs-neck-pain",
        title="Should I try mud packs for neck pain?",
        treatment="mud packs",
        condition="neck pain",
        population="adults with neck pain for more than 3 months",
        comparator="a sham pack",
        status=Status(
            lines=(
                StatusLine("warn", "Draft: nobody has reviewed this page yet."),
                StatusLine("info", "Evidence up to October 2025."),
            ),
            on="2026-02-01",
            searched_to="2025-10",
            search_age_months=4,
            draft=True,
        ),
        verdict=Verdict(
            code="MAYHELP",
            label="It may help, but this could be wrong",
            glyph="△",
            heading="",
            sentence="It may improve neck pain. We have little confidence because too few people "
            "took part.",
            caution="",
            rests_on="pain",
            benefit="small",
            certainty="low",
            harm="minor",
            burden="low",
            burden_why="",
            rule="a benefit with low certainty, and known harms are minor",
            fragile=True,
            flips=("without trials at high risk of bias",),
            stale=False,
            retracted=(),
        ),
        certainty="low",
        certainty_dots=2,
        certainty_plain="We have little confidence",
        reasons=(
            "people knew which treatment they got, which can change what they report",
            "too few people took part to be exact",
        ),
        key_messages=(
            f"Mud packs may lower neck pain by {mark(effect, '5.8')} points.",
            "Nobody has shown what they do to disability.",
        ),
        outcomes=outcomes,
        alone=told["alone"],
        added=told["added"],
        together=told["together"],
        components=(
            ComponentLine("mud", "Mud packs", "treatment", "pain", True, 4, 320, effect, ""),
            ComponentLine(
                "exercise", "Exercises", "care", "pain", False, 0, 0, None, "every group exercised"
            ),
        ),
        harms=listed,
        harm_sentence="Known harms are mild.",
        harms_asked="2 of 4 trials say that they asked everybody about harms.",
        course=("Pain: 9 points lower than at the start.",),
        would_change=("A larger trial whose participants do not know what they got.",),
        questions=("How many visits would I need?",),
        quantities=dict(book.all),
        cells=(
            CellValue(
                cell=cell(0, "mean"),
                value="38.1",
                what="Abara 1998, mud packs, neck pain",
                source=SOURCE,
                locator="table 2",
                confidence="high",
                flags=(),
                note="",
            ),
        ),
        left_out=(LeftOut("t5", TRIALS[5][0], "the whole trial", "not randomised"),),
        review=review(),
    )
