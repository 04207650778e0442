"""What a reviewer asks about how it was done: protocol, search, flow, data, methods, versions.

Every sentence is filled from the folder. What the folder does not say is said to be absent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from equipoise.answer.answer import Answer, OutcomeAnswer
from equipoise.answer.wording import LABELS
from equipoise.core.result import Method
from equipoise.core.table import Column, Table, Value, count, counted, show, significant
from equipoise.models.presets import PRESETS
from equipoise.present.prose import day, ended, first_upper, joined
from equipoise.review.records import Change, ContrastFinding, Finding, Flow, Review

#: A list of retractions that was read longer ago than this is called old.
#: Source: the thirty days that the project's checks allow.
_FRESH = 30

#: Presets that a plan may be equal to, with whose defaults they are.
_PRESETS: dict[str, str] = {
    "cochrane-2025": "the Cochrane Handbook’s and RevMan’s of 2025",
    "metafor": "those of R’s metafor",
    "revman5": "Review Manager 5",
    "iqwig5": "IQWiG’s General Methods 5",
    "iqwig6": "IQWiG’s General Methods 6",
}

_MEASURES: dict[str, str] = {
    "MD": "mean difference",
    "SMD": "standardised mean difference",
    "RR": "risk ratio",
    "OR": "odds ratio",
    "RD": "risk difference",
}

_INTERVALS: dict[str, str] = {
    "auto": "the interval chosen by a rule (Hartung–Knapp for more than two trials and tau² above "
    "zero, else Wald)",
}


def protocol(answer: Answer) -> list[str]:
    """Whether a protocol came before the data, where it is, and what was done otherwise."""
    p = answer.review.protocol
    if not (p.registered or p.on or p.address or p.sha256):
        found = ["No protocol was registered or published before the data were seen."]
    else:
        found = [f"Registered as {p.registered}." if p.registered else "Not in a register."]
        found.append(f"Fixed on {day(p.on)}." if p.on else "The day it was fixed is not told.")
        if p.sha256:
            found.append(f"SHA-256 of its text: {p.sha256}.")
        if not p.deviations:
            found.append("No departure from it is told.")
    if p.deviations:
        found.append(f"Done otherwise: {' '.join(ended(text) for text in p.deviations)}")
    decided = answer.review.plan.decided
    if decided:
        began = "" if decided[0].isupper() else "The analysis was decided "
        found.append(ended(f"{began}{decided}"))
    return found


def flow(review: Review) -> Table:
    """The reports found and left at each step, as PRISMA 2020 asks; no rows: nobody counted."""
    f = review.flow
    steps: tuple[tuple[str, int | None, str, int | None], ...] = (
        ("Found in the search", f.identified, "found twice", f.duplicates),
        ("Titles and abstracts read", f.screened, "did not fit", f.excluded),
        ("Full reports asked for", f.sought, "could not be had", f.not_retrieved),
        ("Full reports read", f.assessed, "did not fit", f.ineligible),
        ("Included", f.included, "", None),
    )

    def left(why: str, lost: int | None) -> Value:
        return None if lost is None else f"{count(lost)} {why}"

    rows = [
        (name, stayed, left(why, lost) if why else "")
        for name, stayed, why, lost in steps
        if stayed is not None or lost is not None or _any(f)
    ]
    return Table(
        "Reports found, and what became of them (PRISMA flow)",
        (Column("step", "Step"), Column("reports", "Reports", "count"), Column("gone", "Left out")),
        tuple(rows),
        notes=(ended(f.note),) if f.note and rows else (),
        missing="not counted",
    )


def _any(f: Flow) -> bool:
    counts = (f.identified, f.duplicates, f.screened, f.excluded, f.sought, f.not_retrieved)
    return any(n is not None for n in (*counts, f.assessed, f.ineligible, f.included))


def studies(answer: Answer) -> str:
    """How many studies the folder itself holds, by what became of them."""
    use: Counter[str] = Counter(t.use for t in answer.review.trials)
    kinds = (
        ("included", f"of {answer.treatment}"),
        ("co-intervention", "of the other care only"),
        ("excluded", "looked at and left out, each with its reason"),
    )
    told = [f"{count(use[name])} {words}" for name, words in kinds if use[name]]
    return f"Studies in this review’s files: {joined(told) or 'none'}."


def watch(answer: Answer) -> list[str]:
    """When the trials were last looked up in a list of retractions, and what was found."""
    review = answer.review
    looked = review.search.retractions
    if not looked:
        found = ["Nobody has looked up the trials in a list of retractions."]
    else:
        found = [f"Every trial was last looked up in a list of retractions on {day(looked)}."]
        if _days(looked, answer.status.on) > _FRESH:
            found.append(f"That is more than {_FRESH} days before this page was made.")
    for status, words in (
        ("retracted", "Retracted, and used in no number"),
        ("concern", "Under an expression of concern"),
    ):
        labels = [t.label for t in review.trials if t.status == status]
        if labels:
            found.append(f"{words}: {joined(labels)}.")
    if not any(t.status for t in review.trials):
        found.append("None is known to be retracted or questioned.")
    return found


def _days(start: str, end: str) -> int:
    try:
        return (date.fromisoformat(end) - date.fromisoformat(start)).days
    except ValueError:
        return 0


def data(review: Review) -> str:
    """How many results were taken from how many sources, and how well they were read."""
    rows: list[Finding | ContrastFinding] = [*review.results, *review.contrasts]
    if not rows:
        return "No result of any trial is in the files."
    by = Counter(r.confidence for r in rows)
    flagged = sum(bool(r.flags) for r in rows)
    read_in = {t.id: t.source or t.citation for t in review.trials}
    sources = {r.source or read_in[r.trial] for r in rows}
    doubts = [f"{count(by[c])} with {c} confidence" for c in ("medium", "low") if by[c]]
    kinds = (
        (len(review.results), "results of groups"),
        (len(review.contrasts), "published differences"),
    )
    told = joined([f"{count(n)} {words}" for n, words in kinds if n])
    return (
        f"{told}, read in {count(len(sources))} "
        f"{'source' if len(sources) == 1 else 'sources'}"
        + (f"; {joined(doubts)}" if doubts else "; all with high confidence")
        + (f"; {count(flagged)} carry a flag that says what to know of them" if flagged else "")
        + "."
    )


def bias(review: Review) -> str:
    """With what tools risk of bias was judged, and by whom."""
    tools = Counter(r.tool for r in review.risk_of_bias if r.tool)
    told = [f"{tool} ({count(n)})" for tool, n in sorted(tools.items())]
    if review.signalling:
        told.append(f"answers to signalling questions of RoB 2 ({count(len(review.signalling))})")
    if not told:
        return "Nobody has judged the risk of bias of these trials."
    names = {p.id: p.name for p in review.people}
    judges = {r.judge for r in review.risk_of_bias} | {s.judge for s in review.signalling}
    here = sorted(names.get(j, j) for j in judges if j)
    taken = "" in judges
    by = f"Signed here by {joined(here)}" if here else "All are taken as published"
    rest = "; others are taken as published" if here and taken else ""
    return f"{first_upper(joined(told))}. {by}{rest}."


def synthesis(answer: Answer) -> list[str]:
    """The plan in words, the preset it equals, and what was done for each outcome."""
    plan = answer.review.plan
    interval = _INTERVALS.get(plan.interval, f"{plan.interval} interval")
    found = [
        f"{first_upper(plan.model)}-effects model, tau² by {plan.tau2}, {interval}, "
        f"level {100 * plan.level:g} %."
    ]
    chosen = (plan.model, plan.tau2, plan.interval)
    for name, whose in _PRESETS.items():
        preset = PRESETS[name]
        if (preset["model"], preset["tau2"], preset["interval"]) == chosen:
            found.append(f"These are the choices of the preset {name}: {whose}.")
            break
    return [*found, *(_pooled(o) for o in answer.outcomes)]


def _pooled(o: OutcomeAnswer) -> str:
    if o.pooled is None:
        return f"{o.label}: nothing could be computed."
    p = o.pooled
    kind = _MEASURES.get(p.measure, p.measure)
    if p.k == 1:
        return f"{o.label}: {kind}, one trial with {count(p.n)} people."
    return (
        f"{o.label}: {kind}, {p.model} effects, tau² by {p.tau2_method}, {p.interval_method} "
        f"interval, {counted(p.k, 'trial')} with {count(p.n)} people."
    )


def cut_points(review: Review) -> Table:
    """The register of cut points: what counts as small, moderate and large, and who says so."""
    groups: list[tuple[int, str]] = []
    rows: list[tuple[Value, ...]] = []
    for outcome in review.outcomes:
        if outcome.thresholds:
            groups.append((len(rows), outcome.label))
        rows += [
            (
                f"{t.name} (used)" if t.main else t.name,
                " / ".join(
                    "–" if c is None else significant(c) for c in (t.small, t.moderate, t.large)
                ),
                f"{t.kind} difference",
                t.instrument or outcome.instrument or None,
                t.population or None,
                t.method or None,
                f"{t.source} (doi:{t.doi})" if t.doi else t.source,
            )
            for t in outcome.thresholds
            for cuts in ((t.small, t.moderate, t.large),)
        ]
    return Table(
        "The cut points between trivial, small, moderate and large, with their sources",
        (
            Column("name", "Cut points"),
            Column("cuts", "Small / moderate / large from"),
            Column("kind", "Kind"),
            Column("instrument", "Instrument"),
            Column("population", "People"),
            Column("method", "How they were found"),
            Column("source", "Source"),
        ),
        tuple(rows),
        tuple(groups),
        missing="not told",
    )


def handling(review: Review) -> list[str]:
    """What follows from somebody's interests: who rated the trials, and who did not.

    Empty where nobody has an interest in the treatment.
    """
    bound = [p for p in review.people if any(d.type != "none" for d in p.disclosures)]
    if not bound:
        return []
    signed = _signed(review)
    found = []
    for person in bound:
        kinds = signed.get(person.id, [])
        if kinds:
            found.append(
                f"{person.name} has an interest and signed {joined(kinds)}, which somebody "
                "without one should judge again."
            )
        else:
            found.append(
                f"Because of this interest, {person.name} rated no trial, no certainty and no harm."
            )
    free = [p.name for p in review.people if p not in bound and p.id in signed]
    found.append(
        f"{joined(free)}, without such interests, did."
        if free
        else "Nobody without such an interest has rated them yet."
    )
    return [*found, "The answer itself is computed by a fixed table, which nobody can overrule."]


def _signed(review: Review) -> dict[str, list[str]]:
    """What each person signed, in words."""
    found: dict[str, list[str]] = {}
    rated = [r.judge for r in review.risk_of_bias] + [s.judge for s in review.signalling]
    told = [(judge, "risk of bias") for judge in rated if judge]
    told += [(j.by, _ABOUT[j.about]) for j in review.judgements if j.about in _ABOUT]
    for who, what in dict.fromkeys(told):
        found.setdefault(who, []).append(what)
    return found


#: Judgements that somebody with an interest is not to sign, in words.
_ABOUT: dict[str, str] = {
    "certainty": "certainty",
    "indirectness": "indirectness",
    "publication-bias": "publication bias",
    "harm": "a harm",
    "burden": "the burden",
}


def papers(answer: Answer) -> list[Method]:
    """The methods used, each once, in order of use."""
    found = {(m.name, m.paper): m for o in answer.outcomes if o.pooled for m in o.pooled.methods}
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the review: what was changed, and what that did to its conclusions.

    `turned` holds, for the answer, the certainty and the number, what each was and became; a
    conclusion that stayed is not in it.
    """

    version: str
    on: str
    what: str
    why: str
    turned: tuple[str, ...]
    stayed: str
    address: str


def versions(answer: Answer) -> list[Version]:
    """The history told as conclusions changed, the newest version first.

    A change says what a conclusion was before it. What it became is what the next change that
    names it says it was, or what the page says now.
    """
    told = sorted(answer.review.changes, key=lambda c: c.on)
    found = []
    for i, change in enumerate(told):
        kinds = (
            ("The answer", _label(change.verdict_before), _verdict(told[i + 1 :], answer)),
            ("Certainty", change.certainty_before, _certainty(told[i + 1 :], answer)),
            ("The number that decides", change.number_before, _number(told[i + 1 :], answer)),
        )
        turned = tuple(
            f"{name} was: {was}. It became: {now}."
            for name, was, now in kinds
            if was and was != now
        )
        stayed = "" if turned else f"The answer: {kinds[0][2]}." if i == 0 else ""
        if not turned and i > 0:
            stayed = "No conclusion changed."
        found.append(
            Version(
                change.version,
                change.on,
                ended(change.what),
                ended(change.why),
                turned,
                stayed,
                change.address,
            )
        )
    return found[::-1]


def _label(code: str) -> str:
    labels: dict[str, str] = {known: told[0] for known, told in LABELS.items()}
    return labels.get(code, code)


def _verdict(later: Sequence[Change], answer: Answer) -> str:
    codes = [c.verdict_before for c in later if c.verdict_before]
    return _label(codes[0]) if codes else answer.verdict.label


def _certainty(later: Sequence[Change], answer: Answer) -> str:
    known = [c.certainty_before for c in later if c.certainty_before]
    return known[0] if known else answer.certainty or "no evidence"


def _number(later: Sequence[Change], answer: Answer) -> str:
    known = [c.number_before for c in later if c.number_before]
    if known:
        return known[0]
    effect = answer.outcome(answer.verdict.rests_on).effect
    return "no usable number" if effect is None else f"{show(effect)} {effect.unit}"
