"""The verdict: the row of the table that was hit, in the words of the table, with its badges."""

from __future__ import annotations

from collections.abc import Sequence

from equipoise.answer.absolute import Scale
from equipoise.answer.answer import HarmLine, Verdict, VerdictCode
from equipoise.answer.harms import had_it, signed_serious
from equipoise.answer.judging import Judged, Setting, plain_reasons
from equipoise.answer.outcomes import Outcomes
from equipoise.answer.sensitivity import other_outcomes
from equipoise.answer.status import Search, heading, retracted
from equipoise.answer.wording import (
    BEST_CASE,
    BURDEN_PHRASE,
    HARM_CLAUSES,
    HARM_PHRASES,
    LABELS,
    MAYNOT_CAUTION,
    MODAL,
    NO_BENEFIT,
    NO_SHAM,
    NOT_PROOF,
    OUTWEIGHED,
    SEEN_PHRASES,
    SIZE_WORDS,
    WEIGHED,
    WORSE_LOW,
    WORSE_SURE,
    aim,
    capital,
    glyph,
    join,
    label,
)
from equipoise.core.provenance import mark, plain
from equipoise.core.table import count, points, standardised
from equipoise.review.records import Judgement, Review

#: The answers that speak of a benefit.
BENEFITS = frozenset({"WORTH", "MAYHELP", "CLOSE"})


def burden_of(review: Review) -> tuple[str, str]:
    """The burden that a person signed for, and why; unjudged burdens count as notable.

    The word of people with an interest counts only where nobody else has judged it. The latest
    day decides, and of judgements on one day the last in the folder.
    """
    signed: list[Judgement] = [j for j in review.judgements if j.about == "burden"]
    if not signed:
        return "notable", "nobody has judged it, so it counts as notable"
    free = [j for j in signed if not _interested(review, j.by)]
    last = max(enumerate(free or signed), key=lambda found: (found[1].on, found[0]))[1]
    return last.level, last.why


def _interested(review: Review, person: str) -> bool:
    """Whether somebody declared an interest for or against the treatment, or is not known."""
    known = next((p for p in review.people if p.id == person), None)
    return known is None or any(
        d.type != "none" and d.direction in ("favours", "against") for d in known.disclosures
    )


def verdict_of(
    review: Review,
    found: Sequence[Outcomes],
    deciding: Outcomes,
    setting: Setting,
    search: Search,
    harms: Sequence[HarmLine],
) -> Verdict:
    """The verdict on the deciding outcome, with everything that would flip it."""
    judged = deciding.judged
    code = _code(deciding)
    size = None if judged is None else judged.effect_class
    flips = _flips(found, deciding)
    burden, why = setting.burden, burden_of(review)[1]
    return Verdict(
        code=code,
        label=label(code, size),
        glyph=glyph(code, size),
        heading=heading(review, search),
        sentence=_sentence(
            deciding,
            judged,
            setting,
            review.question.comparator_plain,
            _words(review, setting, harms),
        ),
        caution=_caution(deciding, judged),
        rests_on=deciding.outcome.id,
        benefit=size,
        certainty=None if judged is None else judged.profile.level,
        harm=setting.harm,
        burden=burden,
        burden_why=why,
        rule=_rule(deciding),
        fragile=bool(flips),
        flips=flips,
        stale=search.stale,
        retracted=retracted(review),
    )


def _code(deciding: Outcomes) -> VerdictCode:
    """The answer: an outcome that trials measured without an event is not known, but tested."""
    if deciding.judged is None:
        return "UNKNOWN" if deciding.answer.silent else "NOTRIALS"
    return deciding.judged.code


def _rule(deciding: Outcomes) -> str:
    judged = deciding.judged
    if judged is None and deciding.answer.silent:
        told = plain(deciding.answer.silent)
        return f"trials measured it, and cannot tell the groups apart: {told}"
    if judged is None:
        return "no randomised trial gave usable numbers for the deciding outcome"
    if judged.row is None and not judged.scale.known:
        return "the size of the effect cannot be named: nobody says how often it happens without it"
    if judged.row is None:
        return "the size of the effect cannot be named: no cut points are registered"
    return judged.row.words


def _flips(found: Sequence[Outcomes], deciding: Outcomes) -> tuple[str, ...]:
    if deciding.judged is None:
        return ()
    code = deciding.judged.code
    by_threshold = [
        f"with the cut points “{t.name}” the answer would be “{label(t.verdict, t.effect_class)}”"
        for t in deciding.answer.thresholds
        if t.flips and t.verdict is not None
    ]
    others = other_outcomes(
        [(o.outcome, o.judged) for o in found if o.judged is not None], deciding.outcome.id, code
    )
    by_choice = [
        f"with {s.what}, {s.why}"
        if s.why or s.verdict is None
        else f"with {s.what} the answer would be “{label(s.verdict, s.benefit)}”"
        for s in (*deciding.answer.sensitivity, *others)
        if s.flips
    ]
    return tuple(by_threshold + by_choice)


def _words(review: Review, setting: Setting, lines: Sequence[HarmLine]) -> tuple[str, str]:
    """The harm in the middle of a sentence, and as a clause of its own: what was really seen."""
    if setting.harm != "serious possible":
        return HARM_PHRASES[setting.harm], HARM_CLAUSES[setting.harm]
    serious = [h for h in lines if h.severity == "serious"]
    if any(had_it(h) for h in serious):
        return SEEN_PHRASES["serious"]
    if any(h.state == 3 for h in serious):
        return HARM_PHRASES[setting.harm], HARM_CLAUSES[setting.harm]
    if any(h.state == 1 for h in serious):
        return SEEN_PHRASES["open"]
    return SEEN_PHRASES["judged" if signed_serious(review) else "care"]


def _sentence(
    deciding: Outcomes,
    judged: Judged | None,
    setting: Setting,
    comparator: str,
    harm: tuple[str, str],
) -> str:
    """The row's sentence; a benefit over nothing at all says that it is one."""
    said = _filled(deciding, judged, harm)
    if judged is None or not judged.bare or judged.code not in BENEFITS:
        return said
    return f"{said} {NO_SHAM.format(comparator=comparator)}"


def _filled(deciding: Outcomes, judged: Judged | None, harm: tuple[str, str]) -> str:
    code = _code(deciding)
    outcome = deciding.outcome.plain if code == "NOTRIALS" else aim(deciding.outcome)
    template = LABELS[code][2]
    if judged is None or judged.row is None:
        return template.format(outcome=outcome)
    level = judged.profile.level
    reasons = join(plain_reasons(judged.profile)) or "the trials leave doubt"
    modal = MODAL.get(level, "may ")
    if code == "MAYNOT" and judged.effect_class == "worse":
        return WORSE_LOW.format(outcome=outcome, reasons=reasons)
    if code == "AVOID" and judged.effect_class == "worse" and level in MODAL:
        return WORSE_SURE.format(modal=modal, outcome=outcome, downsides=harm[1])
    benefit = _benefit(judged, outcome)
    downsides = harm[1]
    if code == "CLOSE":
        downsides = BURDEN_PHRASE if judged.row.burden == ("notable",) else harm[0]
    if code == "AVOID":
        downsides = capital(downsides)
        benefit = _outweighed(judged, outcome, benefit)
    return template.format(
        modal=modal,
        outcome=outcome,
        reasons=reasons,
        benefit=benefit,
        downsides=downsides,
    )


def _benefit(judged: Judged, outcome: str) -> str:
    if judged.effect_class not in SIZE_WORDS or judged.profile.level not in WEIGHED:
        return f"What it does for {outcome}"
    return WEIGHED[judged.profile.level].format(
        size=SIZE_WORDS[judged.effect_class], outcome=outcome
    )


def _outweighed(judged: Judged, outcome: str, benefit: str) -> str:
    if judged.effect_class in SIZE_WORDS and judged.profile.level in WEIGHED:
        return OUTWEIGHED["shown"].format(benefit=benefit[0].lower() + benefit[1:])
    return OUTWEIGHED["none"].format(outcome=outcome)


def _caution(deciding: Outcomes, judged: Judged | None) -> str:
    if judged is None or judged.code == "UNKNOWN":
        return NOT_PROOF
    if judged.code == "MAYNOT":
        hopeless = judged.effect_class == "worse" and judged.high_class in ("worse", "none")
        return NO_BENEFIT if hopeless else MAYNOT_CAUTION
    if judged.code == "NOTWORTH":
        return BEST_CASE.format(best=_best(deciding, judged.scale))
    return ""


def _best(deciding: Outcomes, scale: Scale) -> str:
    """The better end of the interval, in the reader's units."""
    told = deciding.answer.absolute
    if told is None or told.difference.low is None or told.difference.high is None:
        return "not known"
    lower_is_better = scale.outcome.better == "lower"
    value = told.difference.low if lower_is_better else told.difference.high
    if scale.outcome.type == "binary":
        way = "fewer" if value < 0 else "more"
        return f"{mark(told.difference, count(abs(value)))} {way} of every 1000 people"
    way = "lower" if value < 0 else "higher"
    if told.difference.unit == "SMD":
        return f"{mark(told.difference, standardised(abs(value)))} standard deviations {way}"
    return f"{mark(told.difference, points(abs(value)))} points {way}"
