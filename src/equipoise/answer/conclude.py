"""The verdict: the row of the table that was hit, in the words of the table, with its badges."""

from __future__ import annotations

from collections.abc import Sequence

from equipoise.answer.absolute import Scale
from equipoise.answer.answer import Verdict
from equipoise.answer.judging import Judged, Setting, plain_reasons
from equipoise.answer.outcomes import Outcomes
from equipoise.answer.sensitivity import other_outcomes
from equipoise.answer.status import Search, heading, retracted
from equipoise.answer.verdict import Row
from equipoise.answer.wording import (
    BEST_CASE,
    BURDEN_PHRASE,
    HARM_CLAUSES,
    HARM_PHRASES,
    LABELS,
    MAYNOT_CAUTION,
    MODAL,
    NOT_PROOF,
    OUTWEIGHED,
    SIZE_WORDS,
    WEIGHED,
    WORSE_LOW,
    capital,
    join,
)
from equipoise.core.provenance import mark
from equipoise.core.table import count, points
from equipoise.review.records import Judgement, Review


def burden_of(review: Review) -> tuple[str, str]:
    """The burden that a person signed for, and why; unjudged burdens count as notable."""
    signed: list[Judgement] = [j for j in review.judgements if j.about == "burden"]
    if not signed:
        return "notable", "nobody has judged it, so it counts as notable"
    last = max(signed, key=lambda j: j.on)
    return last.level, last.why


def verdict_of(
    review: Review,
    found: Sequence[Outcomes],
    deciding: Outcomes,
    setting: Setting,
    search: Search,
) -> Verdict:
    """The verdict on the deciding outcome, with everything that would flip it."""
    judged = deciding.judged
    code = "NOTRIALS" if judged is None else judged.code
    label, glyph, _ = LABELS[code]
    flips = _flips(found, deciding)
    burden, why = setting.burden, burden_of(review)[1]
    return Verdict(
        code=code,
        label=label,
        glyph=glyph,
        heading=heading(review, search),
        sentence=_sentence(deciding, judged, setting),
        caution=_caution(deciding, judged),
        rests_on=deciding.outcome.id,
        benefit=None if judged is None else judged.effect_class,
        certainty=None if judged is None else judged.profile.level,
        harm=setting.harm,
        burden=burden,
        burden_why=why,
        rule=_rule(judged),
        fragile=bool(flips),
        flips=flips,
        stale=search.stale,
        retracted=retracted(review),
    )


def _rule(judged: Judged | None) -> str:
    if judged is None:
        return "no randomised trial gave usable numbers for the deciding outcome"
    if judged.row is None:
        return "the size of the effect cannot be named"
    return judged.row.words


def _flips(found: Sequence[Outcomes], deciding: Outcomes) -> tuple[str, ...]:
    if deciding.judged is None:
        return ()
    code = deciding.judged.code
    by_threshold = [
        f"the cut points “{t.name}” would say “{LABELS[t.verdict][0]}”"
        for t in deciding.answer.thresholds
        if t.flips
    ]
    others = other_outcomes(
        [(o.outcome, o.judged) for o in found if o.judged is not None], deciding.outcome.id, code
    )
    by_choice = [
        f"{s.what} would say “{LABELS[s.verdict][0]}”"
        for s in (*deciding.answer.sensitivity, *others)
        if s.flips
    ]
    return tuple(by_threshold + by_choice)


def _sentence(deciding: Outcomes, judged: Judged | None, setting: Setting) -> str:
    outcome = deciding.outcome.plain
    code = "NOTRIALS" if judged is None else judged.code
    template = LABELS[code][2]
    if judged is None or judged.row is None:
        return template.format(outcome=outcome)
    level = judged.profile.level
    reasons = join(plain_reasons(judged.profile)) or "the trials leave doubt"
    if code == "MAYNOT" and judged.effect_class == "worse":
        return WORSE_LOW.format(outcome=outcome, reasons=reasons)
    benefit = _benefit(judged, outcome)
    downsides = {
        "CLOSE": _against(judged.row, setting),
        "AVOID": capital(HARM_CLAUSES[setting.harm]),
    }.get(code, HARM_CLAUSES[setting.harm])
    if code == "AVOID":
        benefit = _outweighed(judged, outcome, benefit)
    return template.format(
        modal=MODAL.get(level, "may "),
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


def _against(row: Row, setting: Setting) -> str:
    """What the benefit is weighed against: the harm, or the burden where that was the reason."""
    if row.burden == ("notable",):
        return BURDEN_PHRASE
    return HARM_PHRASES[setting.harm]


def _caution(deciding: Outcomes, judged: Judged | None) -> str:
    if judged is None or judged.code == "UNKNOWN":
        return NOT_PROOF
    if judged.code == "MAYNOT":
        return MAYNOT_CAUTION
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
    return f"{mark(told.difference, points(abs(value)))} points {way}"
