"""Rules about the rows of the CSV files: that they belong together and stand once."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from equipoise.review.problems import Problem, problem, shown
from equipoise.review.reader import Draft
from equipoise.review.records import Arm, ContrastFinding, Finding, Located, Trial
from equipoise.review.rules_question import ids, unknown

#: Rows with these flags are never pooled.
NOT_POOLED = frozenset({"unusable", "overlapping"})
_DOI = re.compile(r"10\.\d{4,9}/\S+")


def ids_of_rows(draft: Draft) -> Iterator[Problem]:
    """Ids of trials and arms are well formed."""
    yield from ids("trial", draft.trials)
    yield from ids("arm", draft.arms, "arm")


def trials_known(draft: Draft) -> Iterator[Problem]:
    """Every row is about a trial of trials.csv."""
    known = draft.known.get("trials")
    if known is None:
        return
    rows: Sequence[Any] = [
        *draft.arms,
        *draft.results,
        *draft.contrasts,
        *(h for h in draft.harms if h.trial),
        *draft.risk_of_bias,
        *draft.signalling,
        *draft.unreported,
    ]
    names = set(known)
    for row in rows:
        if row.trial not in names:
            yield unknown(row.file, row.line, "E-TRIAL-UNKNOWN", "trial", row.trial, known)


def arms_known(draft: Draft) -> Iterator[Problem]:
    """Every result, contrast and harm is about arms of arms.csv."""
    if "arms" not in draft.known:
        return
    arms, trials = set(draft.known["arms"]), set(draft.known.get("trials", []))
    named = [(row, row.arm) for row in draft.results]
    named += [(row, name) for row in draft.contrasts for name in (row.arm1, row.arm2)]  # type: ignore[misc]
    named += [(row, row.arm) for row in draft.harms if row.trial and row.arm]  # type: ignore[misc]
    for row, name in named:
        if row.trial in trials and f"{row.trial}/{name}" not in arms:
            named_so = f"{row.trial}/"
            own = [a.split("/", 1)[1] for a in draft.known["arms"] if a.startswith(named_so)]
            kind = f"arm of trial {row.trial}:"
            yield unknown(row.file, row.line, "E-ARM-UNKNOWN", kind, name, own)


def outcomes_known(draft: Draft) -> Iterator[Problem]:
    """Every result, contrast and appraisal is about an outcome of review.toml."""
    known = draft.known.get("outcomes")
    if known is None:
        return
    rows: Sequence[Any] = [*draft.published, *draft.risk_of_bias]
    rows = [*rows, *draft.signalling, *draft.unreported]
    for row in rows:
        if row.outcome and row.outcome not in known:
            yield unknown(row.file, row.line, "E-OUTCOME-UNKNOWN", "outcome", row.outcome, known)


def components_known(draft: Draft) -> Iterator[Problem]:
    """Every part of an arm is a component of review.toml."""
    known = draft.known.get("components")
    if known is None:
        return
    for arm in draft.arms:
        for name in (*arm.components, *arm.mixed):
            if name not in known:
                yield unknown(arm.file, arm.line, "E-COMPONENT-UNKNOWN", "component", name, known)


def judges_known(draft: Draft) -> Iterator[Problem]:
    """Who signs a risk of bias is a person of review.toml."""
    known = draft.known.get("people")
    if known is None:
        return
    for row in draft.appraised:
        if row.judge and row.judge not in known:
            yield unknown(row.file, row.line, "E-PERSON-UNKNOWN", "person", row.judge, known)


def _twice(
    rows: Sequence[Any], key: Callable[[Any], tuple[object, ...]], kind: str
) -> Iterator[Problem]:
    seen: dict[tuple[object, ...], int] = {}
    for row in rows:
        name = key(row)
        if name in seen:
            told = ", ".join(str(part) for part in name if part not in ("", ()))
            what = f"the same {kind} as in line {seen[name]}: {told}"
            yield problem(row.file, row.line, "E-ROW-TWICE", what, "one row; remove the other")
        seen.setdefault(name, row.line)


def rows_twice(draft: Draft) -> Iterator[Problem]:
    """Nothing stands twice."""
    yield from _twice(draft.trials, lambda t: (t.id,), "trial")
    yield from _twice(draft.arms, lambda a: (a.trial, a.arm), "arm")
    yield from _twice(
        draft.results,
        lambda r: (r.trial, r.arm, r.outcome, r.weeks, r.instrument, r.type, r.flags),
        "result",
    )
    yield from _twice(
        draft.signalling, lambda s: (s.trial, s.outcome, s.question, s.judge), "answer"
    )
    yield from _twice(draft.unreported, lambda u: (u.trial, u.outcome), "gap")
    yield from _twice(
        draft.contrasts,
        lambda c: (
            *(c.trial, *sorted((c.arm1, c.arm2)), c.outcome, c.weeks, c.instrument, c.measure),
            *(c.type, c.flags),
        ),
        "contrast",
    )
    yield from _twice(
        draft.harms, lambda h: (h.harm, h.kind, h.trial, h.arm, h.duration, h.source), "harm"
    )
    yield from _twice(draft.risk_of_bias, lambda r: (r.trial, r.outcome, r.tool), "appraisal")


def counted_twice(draft: Draft) -> Iterator[Problem]:
    """One arm has one usable result per outcome and time, so that nobody is counted twice."""
    seen: dict[tuple[object, ...], Finding | ContrastFinding] = {}
    for row in draft.published:
        values = (row.mean, row.events) if isinstance(row, Finding) else (row.estimate,)
        if NOT_POOLED & set(row.flags) or all(value is None for value in values):
            continue
        if isinstance(row, Finding):
            key: tuple[object, ...] = (row.trial, row.arm, row.outcome, row.weeks)
            same: tuple[object, ...] = (row.instrument, row.type, row.flags)
        else:
            pair = sorted((row.arm1, row.arm2))
            key = (row.trial, *pair, row.outcome, row.weeks, row.measure)
            same = (row.instrument, row.type, row.flags)
        first = seen.setdefault(key, row)
        if first is not row and same != (first.instrument, first.type, first.flags):
            what = f"a second usable result for {', '.join(map(str, key))}, as in line {first.line}"
            hint = "flag the one not to be pooled overlapping, and say why in its note"
            yield problem(row.file, row.line, "E-ROW-BOTH", what, hint)


def contrast_arms(draft: Draft) -> Iterator[Problem]:
    """A contrast is between two arms."""
    for row in draft.contrasts:
        if row.arm1 == row.arm2:
            what = f"arm1 and arm2 are both {shown(row.arm1)}"
            yield problem(row.file, row.line, "E-ARMS-SAME", what, "two arms of the trial")


def trials_used(draft: Draft) -> Iterator[Problem]:
    """Why a trial does not count is said; retracted ones are not used."""
    if not draft.trials and "trials.csv" in draft.read:
        what = "there is no trial"
        yield problem("trials.csv", 1, "N-TRIALS-NONE", what, "a row per trial, if there are any")
    for trial in draft.trials:
        if trial.use == "excluded" and not trial.reason:
            what = f"{trial.label} is excluded without a reason"
            yield problem(trial.file, trial.line, "E-EXCLUDED-REASON", what, "fill in reason")
        if trial.status == "retracted" and trial.use != "excluded":
            what = f"{trial.label} was retracted and is not used"
            hint = "use = excluded with the reason, or leave it to be listed as retracted"
            yield problem(trial.file, trial.line, "W-TRIAL-RETRACTED", what, hint)
        if trial.status == "concern":
            what = f"an expression of concern stands about {trial.label}"
            hint = "look whether it has been settled; the page says so meanwhile"
            yield problem(trial.file, trial.line, "N-TRIAL-CONCERN", what, hint)


def same_trial(draft: Draft) -> Iterator[Problem]:
    """One trial does not stand under two ids."""
    for key in ("doi", "pmid", "registration"):
        seen: dict[str, Trial] = {}
        for trial in draft.trials:
            value = str(getattr(trial, key)).strip().casefold()
            first = seen.setdefault(value, trial) if value else trial
            if first is not trial and first.id != trial.id:
                what = f"{shown(trial.id)} and {shown(first.id)} have the same {key} {shown(value)}"
                hint = "one id, unless the paper holds two trials with different people"
                yield problem(trial.file, trial.line, "W-TRIAL-SAME", what, hint)


def trial_arms(draft: Draft) -> Iterator[Problem]:
    """A trial that counts has two arms, and of overlapping margins one factor."""
    known = draft.known.get("arms")
    if known is None:
        return
    counted = Counter(name.split("/", 1)[0] for name in known)
    read: dict[str, list[Arm]] = defaultdict(list)
    for arm in draft.arms:
        read[arm.trial].append(arm)
    for trial in draft.trials:
        written = counted[trial.id]
        if trial.use != "excluded" and written < 2:
            what = f"{trial.label} counts and has {written} arm{'s' * (written != 1)}"
            yield problem(trial.file, trial.line, "W-TRIAL-ARMS", what, "its arms in arms.csv")
        if len(read[trial.id]) == written:
            yield from _factor(trial, read[trial.id])


def shams(draft: Draft) -> Iterator[Problem]:
    """What people could not tell from the treatment is a part that both groups had."""
    means = {c.id: frozenset(c.counts_as) for c in draft.components}
    if len(means) < len(draft.components):
        return  # one id for two parts, which is said already
    blind = {t.id for t in draft.trials if t.blinding == "participants" and t.use == "included"}
    groups: dict[str, list[tuple[Arm, frozenset[str]]]] = defaultdict(list)
    for arm in draft.arms:
        if arm.trial in blind and all(part in means for part in arm.components):
            named = (means[part] for part in (*arm.components, *arm.mixed) if part in means)
            groups[arm.trial].append((arm, frozenset().union(*named)))
    for arms in groups.values():
        if not any(parts for _, parts in arms):
            continue
        for arm, parts in arms:
            if not parts:
                what = f"{arm.label} counts as nothing, and nobody knew who was in which group"
                hint = (
                    "a part with role delivery, such as a tablet or a needle, that this group and "
                    "the treated one both count as; or the trial's blinding"
                )
                yield problem(arm.file, arm.line, "W-SHAM", what, hint)


def _factor(trial: Trial, arms: Sequence[Arm]) -> Iterator[Problem]:
    factors = list(dict.fromkeys(a.factor for a in arms if a.factor))
    if trial.factor and trial.factor not in factors:
        yield unknown(trial.file, trial.line, "E-FACTOR-UNKNOWN", "factor", trial.factor, factors)
    elif factors and not trial.factor and all(a.factor for a in arms):
        what = f"{trial.label} has margins of {', '.join(factors)}, which overlap"
        hint = f"choose one as the trial's factor, such as {factors[0]}"
        yield problem(trial.file, trial.line, "E-FACTOR-CHOICE", what, hint)


def identifiers(draft: Draft) -> Iterator[Problem]:
    """DOIs and PMIDs look like such."""
    rows: list[Any] = [*draft.trials, *draft.harms]
    rows += [x for o in draft.outcomes for x in (*o.thresholds, *o.baselines, *o.responders)]
    rows += [draft.search] if draft.search is not None else []
    for row in rows:
        if row.doi and not _DOI.fullmatch(row.doi):
            hint = "it begins with 10. and has no spaces and no address before it"
            what = f"{shown(row.doi)} is no DOI"
            yield problem(row.file, draft.at(row, "doi"), "W-DOI", what, hint)
    for trial in draft.trials:
        if trial.pmid and not re.fullmatch(r"[1-9]\d{0,8}", trial.pmid):
            what = f"{shown(trial.pmid)} is no PubMed number"
            yield problem(trial.file, trial.line, "W-PMID", what, "its digits alone")


def years(draft: Draft, on: date) -> Iterator[Problem]:
    """Trials were published since there are trials, and not in the future."""
    for trial in draft.trials:
        if trial.year is not None and not 1900 <= trial.year <= on.year + 1:
            what = f"year {trial.year} of {trial.label}"
            yield problem(trial.file, trial.line, "W-YEAR", what, "the year of publication")


def flag_notes(draft: Draft) -> Iterator[Problem]:
    """A flag that casts doubt says why in the note."""
    doubts = {"derived", "sd-unusable", "unusable", "assumed", "overlapping", "misprint"}
    for row in draft.published:
        bare = sorted(doubts & set(row.flags))
        if bare and not row.note.strip():
            what = f"flagged {', '.join(bare)} without a note"
            yield problem(row.file, row.line, "W-FLAG-NOTE", what, "the reason, in note")


def sources(draft: Draft) -> Iterator[Problem]:
    """A number says where it was read."""
    for row in draft.published:
        if not row.source.strip() and not row.locator.strip():
            what = "the row does not say where it was read"
            yield problem(row.file, row.line, "W-SOURCE", what, "source, and table or page")
    for harm in draft.harms:
        if harm.kind != "trial" and not harm.source.strip() and not harm.doi.strip():
            what = f"{harm.harm} has no source"
            yield problem(harm.file, harm.line, "E-HARM-SOURCE", what, "who says so")


def harms(draft: Draft) -> Iterator[Problem]:
    """Only trials give rates; one harm has one severity and one plain name."""
    if not draft.harms and "harms.csv" in draft.read and draft.trials:
        what = "no harm is listed"
        hint = "what may go wrong, with kind = theory where only that is known"
        yield problem("harms.csv", 1, "W-HARMS-NONE", what, hint)
    first: dict[str, Located] = {}
    for row in draft.harms:
        if (row.kind == "trial") != bool(row.trial):
            what = (
                "a row of kind trial names no trial"
                if row.kind == "trial"
                else f"a row of kind {row.kind} names a trial"
            )
            hint = "kind = trial with its trial and arm, or another kind with its source"
            yield problem(row.file, row.line, "E-HARM-TRIAL", what, hint)
        if row.kind == "theory" and (row.events is not None or row.n is not None):
            what = f"{row.harm} is of kind theory and has numbers"
            hint = "the kind of source that counted them, or no numbers"
            yield problem(row.file, row.line, "E-HARM-THEORY", what, hint)
        if row.kind == "trial" and (row.events is None) != (row.n is None):
            what = f"{row.harm}: of events and n only one is given"
            yield problem(row.file, row.line, "N-HARM-COUNT", what, "both, where they are reported")
        before: Any = first.setdefault(row.harm, row)
        if (before.severity, before.plain) != (row.severity, row.plain):
            what = f"{row.harm} has another severity or plain name than in line {before.line}"
            yield problem(row.file, row.line, "W-HARM-CONFLICT", what, "one of each for one harm")


def appraisals(draft: Draft) -> Iterator[Problem]:
    """Trials that count were appraised, and the overall level is no better than its domains."""
    rank = {"": 0, "low": 1, "some concerns": 2, "high": 3}
    for row in draft.risk_of_bias:
        domains = (row.randomization, row.deviations, row.missing, row.measurement, row.selection)
        worst = max(domains, key=lambda level: rank[level])
        if row.overall and rank[worst] > rank[row.overall]:
            what = f"overall {row.overall} although a domain is {worst}"
            hint = f"overall is at least {worst}"
            yield problem(row.file, row.line, "W-ROB-OVERALL", what, hint)
    if "risk_of_bias.csv" in draft.text and "risk_of_bias.csv" not in draft.read:
        return
    judged = {row.trial for row in draft.appraised}
    for trial in draft.trials:
        if trial.use == "included" and trial.id not in judged:
            what = f"nobody has appraised the risk of bias of {trial.label}"
            yield problem(trial.file, trial.line, "N-ROB-NONE", what, "rows in risk_of_bias.csv")


def outcomes_with_data(draft: Draft) -> Iterator[Problem]:
    """Somebody looked at each outcome."""
    found: dict[str, int] = defaultdict(int)
    for row in draft.published:
        found[row.outcome] += 1
    if draft.trials and "results.csv" in draft.read:
        for outcome in draft.outcomes:
            if not found[outcome.id]:
                what = f"no row is about outcome {shown(outcome.id)}"
                hint = "rows in results.csv or contrasts.csv, if a trial looked at it"
                yield problem(outcome.file, outcome.line, "N-OUTCOME-NO-DATA", what, hint)
