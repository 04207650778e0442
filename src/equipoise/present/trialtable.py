"""The table of studies: what each compared, with what other care, who knew, who paid, how fair."""

from __future__ import annotations

from equipoise.answer.answer import Answer
from equipoise.certainty.rob2 import Rob, assess_result, result_levels
from equipoise.core.table import Column, Link, Table, Value
from equipoise.present.figures.marks import LIGHTS, ROB
from equipoise.present.prose import first_upper, joined
from equipoise.review.records import Arm, Review, Trial
from equipoise.review.signals import DOMAINS

BLINDING: dict[str, str] = {
    "participants": "participants did not know",
    "assessors": "only the assessors did not know",
    "none": "everybody knew",
    "unclear": "unclear",
}

#: Who paid, as a class, in words.
MONEY: dict[str, str] = {
    "industry": "makers or sellers",
    "mixed": "makers or sellers, and others",
    "public": "public or charitable money",
    "none": "no money from outside",
    "not reported": "not reported",
}

PROPONENT: dict[str, str] = {
    "yes": "yes",
    "no": "no",
    "not reported": "not reported",
    "": "nobody has judged it",
}

#: Domain of RoB 2, short enough for a row of lights.
_SHORT: dict[str, str] = {
    "randomization": "randomisation",
    "deviations": "treatments",
    "missing": "missing data",
    "measurement": "measurement",
    "selection": "reporting",
}

#: Parts of a group that are the treatment compared or its delivery, and so no other care.
_OWN = ("treatment", "delivery", "none")


def trials(answer: Answer) -> Table:
    """Every study of the folder: what it compared, who paid, who knew, how it was judged."""
    review = answer.review
    order = {"included": 0, "co-intervention": 1, "excluded": 2}
    heads = {
        "included": f"Trials of {answer.treatment}",
        "co-intervention": "Trials of the other care only",
        "excluded": "Looked at and left out",
    }
    listed = sorted(review.trials, key=lambda t: order[t.use])
    groups = [
        (i, heads[t.use]) for i, t in enumerate(listed) if i == 0 or listed[i - 1].use != t.use
    ]
    rows = tuple(_trial(review, t) for t in listed)
    lit = any(row[8] for row in rows)
    signs = ", ".join(f"{sign or '·'} {ROB[level][1]}" for level, (sign, _) in LIGHTS.items())
    return Table(
        "Who took part, who knew, who paid, and how fair each trial was",
        (
            Column("trial", "Trial"),
            Column("design", "Design"),
            Column("people", "People", "count"),
            Column("groups", "Groups"),
            Column("care", "Other care in its groups"),
            Column("where", "Where"),
            Column("blinding", "Who knew"),
            Column("rob", "Risk of bias"),
            Column("lights", "Domain by domain"),
            Column("funding", "Paid by"),
            Column("conflicts", "Interests"),
            Column("proponent", "Run by people who sell, teach or promote it"),
            Column("registered", "Registered"),
            Column("note", "To know"),
        ),
        rows,
        tuple(groups),
        notes=(f"Domains of risk of bias: {signs}. The worst of a trial’s results is shown.",)
        if lit
        else (),
    )


def _trial(review: Review, t: Trial) -> tuple[Value, ...]:
    arms = [a for a in review.arms if a.trial == t.id]
    status = {"retracted": "RETRACTED. ", "concern": "Expression of concern. "}.get(t.status, "")
    # Of a study that is not used only what is known is told.
    unknown = "" if t.use == "excluded" else None
    levels = result_levels(review, t.id)
    judged = levels != ("not judged",)
    return (
        Link(t.label, f"#ref-{t.id}"),
        t.design or unknown,
        unknown if t.n_randomized is None else t.n_randomized,
        "; ".join(_arm(review, a) for a in arms) or unknown,
        other_care(review, arms),
        t.country or unknown,
        BLINDING[t.blinding] if t.blinding != "unclear" or unknown is None else "",
        joined([ROB[level][1] for level in levels]) if judged or unknown is None else "",
        lights(review, t) if t.use != "excluded" else "",
        paid(t) or unknown,
        t.conflicts or unknown,
        PROPONENT[t.proponent] if t.proponent or unknown is None else "",
        t.registration or unknown,
        status + first_upper(t.reason or ""),
    )


def paid(t: Trial) -> str:
    """Who paid for a trial: the class, then the words of its report."""
    kind = MONEY.get(t.money, "")
    if kind and t.funding:
        return f"{kind}: {t.funding}"
    return kind or t.funding


def lights(review: Review, t: Trial) -> str:
    """The domains of RoB 2 with a sign each; empty where no domain was judged."""
    worst: dict[str, Rob] = {}
    order = list(LIGHTS)
    found = {r.outcome for r in review.results if r.trial == t.id}
    found |= {r.outcome for r in review.contrasts if r.trial == t.id}
    for outcome in review.outcomes:
        if outcome.id not in found:
            continue
        for d in assess_result(review, t.id, outcome.id).domains:
            known = worst.get(d.domain, "not judged")
            if d.level == "not judged":
                continue
            if known == "not judged" or order.index(d.level) > order.index(known):
                worst[d.domain] = d.level
    if not worst:
        return ""
    return ", ".join(f"{_SHORT[d]} {LIGHTS[worst[d]][0] if d in worst else '·'}" for d in DOMAINS)


def other_care(review: Review, arms: list[Arm]) -> str:
    """What else the groups had, and whether it was the same in all of them."""
    known = {c.id: c for c in review.components}
    everyone = {a.arm for a in arms}

    def given(halved: bool) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for arm in arms:
            for id in arm.mixed if halved else arm.components:
                if id in known and known[id].role not in _OWN:
                    found.setdefault(known[id].label, set()).add(arm.arm)
        return found

    whole, half = given(False), given(True)
    kinds = (
        ("in all groups", [label for label, got in whole.items() if got == everyone]),
        ("in some groups", [label for label, got in whole.items() if got != everyone]),
        ("in about half of some groups", [x for x, got in half.items() if got != everyone]),
        ("in about half of each group", [x for x, got in half.items() if got == everyone]),
    )
    told = [f"{where}: {joined(labels)}" for where, labels in kinds if labels]
    return "; ".join(told) or ("none told" if arms else "")


def _arm(review: Review, arm: Arm) -> str:
    names = {c.id: c.label for c in review.components}
    mixed = joined([names.get(id, id) for id in arm.mixed])
    extra = f" (about half also had {mixed})" if mixed else ""
    return f"{arm.label}{extra}"
