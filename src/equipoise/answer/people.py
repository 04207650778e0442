"""One effect in several kinds of people, and points as people who are noticeably better."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from equipoise.answer.absolute import absolute, at_baseline
from equipoise.answer.answer import Absolute, ResponderLine, Stratum
from equipoise.answer.conversions import (
    furukawa,
    hasselblad_hedges,
    number_needed,
    threshold_shares,
)
from equipoise.answer.ledger import Ledger
from equipoise.certainty.thresholds import signed
from equipoise.core.provenance import Quantity, mark
from equipoise.core.table import fixed
from equipoise.review.comparisons import Pair
from equipoise.review.records import Outcome, Responders

Numbers = tuple[float, float, float]

#: How responders were counted, as a reader is told.
METHODS: dict[str, str] = {
    "threshold": "from the average change, its spread, and the change that one person notices",
    "hasselblad-hedges": "from the standardised difference, through an odds ratio "
    "(Hasselblad and Hedges)",
    "furukawa": "from the standardised difference, taking scores to be spread normally "
    "(Furukawa and Leucht)",
}


def strata(
    outcome: Outcome,
    chosen: Sequence[Pair],
    effect: Quantity,
    analysis: Numbers,
    ledger: Ledger,
) -> tuple[Stratum, ...]:
    """The effect in every kind of people whose risk without the treatment is registered."""
    if outcome.type != "binary":
        return ()
    made = []
    for number, baseline in enumerate(outcome.baselines, start=1):
        told = absolute(
            at_baseline(outcome, baseline),
            chosen,
            ledger,
            f"{outcome.id}.stratum.{number}",
            effect,
            analysis,
            population=baseline.name,
        )
        assert told is not None
        made.append(
            Stratum(
                name=baseline.name,
                source=baseline.source,
                main=baseline.main,
                absolute=told,
                number_needed=number_needed_words(outcome, told),
            )
        )
    return tuple(made)


def number_needed_words(outcome: Outcome, told: Absolute | None) -> str:
    """Numbers needed to treat for a clinician, each tied to the difference; "" where none."""
    if outcome.type != "binary" or told is None:
        return ""
    difference = told.difference
    assert difference.low is not None
    assert difference.high is not None
    ends = sorted(signed(v, outcome.better) for v in (difference.low, difference.high))
    found = number_needed(signed(difference.value, outcome.better), ends[0], ends[1])

    def shown(people: float) -> str:
        text = "infinity" if math.isinf(people) else fixed(math.ceil(people - 1e-9), 0)
        return mark(difference, text)

    def said(people: float, helps: bool) -> str:
        return f"{'NNTB' if helps else 'NNTH'} {shown(people)}"

    middle = said(found.value, found.helps)
    if found.through_infinity:
        sides = [said(found.low, found.low_helps), said(found.high, found.high_helps)]
        near, far = sides if found.helps else sides[::-1]
        return f"{middle} ({near} to infinity to {far})"
    fewest, most = sorted((found.low, found.high))
    return f"{middle} ({shown(fewest)} to {shown(most)})"


def responder_lines(
    outcome: Outcome, effect: Quantity, analysis: Numbers, ledger: Ledger
) -> tuple[ResponderLine, ...]:
    """How many people are noticeably better: estimates, by each way that the folder names."""
    made = []
    for number, way in enumerate(outcome.responders, start=1):
        made.append(_line(outcome, way, effect, analysis, ledger, f"{outcome.id}.people.{number}"))
    return tuple(made)


def _line(
    outcome: Outcome,
    way: Responders,
    effect: Quantity,
    analysis: Numbers,
    ledger: Ledger,
    prefix: str,
) -> ResponderLine:
    shares = _shares(outcome, way)
    benefits = [signed(v, outcome.better) for v in analysis]
    value = shares(benefits[0])
    ends = sorted(shares(b)[1] for b in benefits[1:])
    how = f"estimated {METHODS[way.method]}; {way.source}"
    keys = ("cut", "change", "sd", "without")
    cells = [way.cell(key) for key in keys if getattr(way, key) is not None]
    without = ledger.add(
        f"{prefix}.without",
        1000 * value[0],
        "per 1000",
        f"{way.name}, without the treatment (estimated)",
        how,
        cells=cells,
    )
    difference = ledger.add(
        f"{prefix}.difference",
        1000 * (value[1] - value[0]),
        "per 1000",
        f"{way.name}, difference with the treatment (estimated)",
        how,
        low=1000 * (ends[0] - value[0]),
        high=1000 * (ends[1] - value[0]),
        cells=cells,
        inputs=(without, effect),
    )
    with_ = ledger.add(
        f"{prefix}.with",
        1000 * value[1],
        "per 1000",
        f"{way.name}, with the treatment (estimated)",
        "without + difference",
        low=1000 * ends[0],
        high=1000 * ends[1],
        inputs=(without, difference),
    )
    return ResponderLine(
        name=way.name,
        method=METHODS[way.method],
        source=way.source,
        without=without,
        with_=with_,
        difference=difference,
        words=_words(way, without, with_, difference),
    )


def _shares(outcome: Outcome, way: Responders) -> Callable[[float], tuple[float, float]]:
    """Shares of responders without and with, from a benefit on the analysis scale."""
    if way.method == "threshold":
        assert way.cut is not None
        assert way.change is not None
        assert way.sd is not None
        cut, change, sd = way.cut, way.change, way.sd
        scale = sd if outcome.measure == "SMD" else 1.0
        return lambda benefit: threshold_shares(benefit * scale, change, sd, cut)
    assert way.without is not None
    share = way.without / 1000
    one = 1.0 if outcome.measure == "SMD" else way.sd or 1.0
    convert = hasselblad_hedges if way.method == "hasselblad-hedges" else furukawa
    return lambda benefit: (share, convert(benefit / one, share))


def _words(way: Responders, without: Quantity, with_: Quantity, difference: Quantity) -> str:
    assert difference.low is not None
    assert difference.high is not None

    def people(q: Quantity, value: float) -> str:
        return f"{mark(q, fixed(abs(value), 0))} {'fewer' if value < 0 else 'more'}"

    return (
        f"An estimate, not a count: {way.name} for about {mark(with_, fixed(with_.value, 0))} of "
        f"every 1000 people with it and {mark(without, fixed(without.value, 0))} without it, "
        f"{people(difference, difference.value)} (from {people(difference, difference.low)} to "
        f"{people(difference, difference.high)})."
    )
