"""Rules about the numbers: what cannot be, and what looks like a slip of reading or typing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

from equipoise.review.problems import Problem, problem, shown
from equipoise.review.reader import Draft
from equipoise.review.records import Arm, ContrastFinding, Finding, Outcome

_DOUBTED = frozenset({"unusable", "sd-unusable", "misprint"})
#: Rows with these flags are known to be wrong and are not looked at again.
NOT_READ = frozenset({"unusable", "misprint"})
_RATIOS = frozenset({"RR", "OR"})
#: A standard deviation below this share of the others' is looked at.
_SMALL_SD = 1 / 3


def _outcomes(draft: Draft) -> dict[str, Outcome]:
    return {o.id: o for o in draft.outcomes}


def _scale(row: Finding | ContrastFinding, outcome: Outcome) -> tuple[float, float] | None:
    scale = row.scale or outcome.scale
    return scale if scale is not None and scale[0] < scale[1] else None


def counts(draft: Draft) -> Iterator[Problem]:
    """Counts of people are not negative, and events are people."""
    named: list[tuple[str, int, str, float | None]] = [
        (t.file, t.line, "n_randomized", t.n_randomized) for t in draft.trials
    ]
    named += [(a.file, a.line, "n", a.n) for a in draft.arms]
    for row in draft.results:
        named += [(row.file, row.line, k, getattr(row, k)) for k in ("n", "events", "weeks")]
    for contrast in draft.contrasts:
        named += [
            (contrast.file, contrast.line, k, getattr(contrast, k)) for k in ("n1", "n2", "weeks")
        ]
    for harm in draft.harms:
        named += [(harm.file, harm.line, k, getattr(harm, k)) for k in ("n", "events")]
    for file, line, key, value in named:
        zero = key not in ("events", "weeks")
        if value is not None and (value < 0 or (zero and value == 0)):
            what = f"{key} is {value:g}"
            hint = "a count of people above 0" if zero else "a number that is not negative"
            yield problem(file, line, "E-COUNT", what, f"{hint}, or a blank if not reported")
    for counted in draft.counted:
        if counted.events is not None and counted.n is not None and counted.events > counted.n > 0:
            what = f"{counted.events} events in {counted.n} people"
            yield problem(counted.file, counted.line, "E-EVENTS", what, "people, not occurrences")


def people(draft: Draft) -> Iterator[Problem]:
    """No group is larger than what was randomized."""
    arms = {(a.trial, a.arm): a for a in draft.arms}
    randomized = {t.id: t.n_randomized for t in draft.trials}
    hint = "the numbers of people (not of knees or visits), and the right arm"
    for row in draft.counted:
        group = arms.get((row.trial, row.arm))
        limit = group.n if group is not None and group.n is not None else randomized.get(row.trial)
        if row.n is not None and limit is not None and row.n > limit:
            what = f"n is {row.n}, and {limit} were randomized"
            yield problem(row.file, row.line, "W-N-LARGE", what, hint)
    cells: dict[str, list[Arm]] = defaultdict(list)
    for arm in draft.arms:
        if not arm.factor:
            cells[arm.trial].append(arm)
    for trial, limit in randomized.items():
        own = cells[trial]
        total = sum(a.n or 0 for a in own)
        if own and limit is not None and total > limit:
            what = f"the arms of {trial} have {total} people, and {limit} were randomized"
            yield problem("arms.csv", own[0].line, "W-N-LARGE", what, hint)


def kinds(draft: Draft) -> Iterator[Problem]:
    """Binary outcomes have events, continuous ones means, and rows say something."""
    known = _outcomes(draft)
    for row in draft.results:
        outcome = known.get(row.outcome)
        if outcome is None:
            continue
        if outcome.type == "binary" and (row.mean is not None or row.sd is not None):
            what = f"a mean or SD for the binary outcome {shown(row.outcome)}"
            yield problem(row.file, row.line, "E-RESULT-KIND", what, "events and n")
        elif outcome.type == "continuous" and row.events is not None:
            what = f"events for the continuous outcome {shown(row.outcome)}"
            yield problem(row.file, row.line, "E-RESULT-KIND", what, "mean, sd or se, and n")
        value = row.events if outcome.type == "binary" else row.mean
        if "unusable" in row.flags:
            continue
        if value is None or row.n is None:
            name = "events" if outcome.type == "binary" else "mean"
            missing = " and ".join(k for k, v in ((name, value), ("n", row.n)) if v is None)
            what = f"{missing} not reported, so the row cannot be pooled"
            yield problem(row.file, row.line, "N-RESULT-INCOMPLETE", what, "the paper's tables")
        elif outcome.type == "continuous" and row.sd is None and row.se is None:
            what = "neither sd nor se is given"
            hint = "an interval or p value of the difference, in contrasts.csv"
            yield problem(row.file, row.line, "N-SPREAD-MISSING", what, hint)


def scales(draft: Draft) -> Iterator[Problem]:
    """A published range is in order, the same for the arms of a trial, and holds the mean."""
    known = _outcomes(draft)
    first: dict[tuple[object, ...], Finding] = {}
    for row in draft.published:
        if row.scale is not None and not row.scale[0] < row.scale[1]:
            what = f"scale {row.scale[0]:g} to {row.scale[1]:g} is reversed"
            hint = "the lowest value first; the outcome's better says which end is good"
            yield problem(row.file, row.line, "E-SCALE-ORDER", what, hint)
    for row in draft.results:
        outcome = known.get(row.outcome)
        if outcome is None or outcome.type != "continuous":
            continue
        if not NOT_READ & set(row.flags):
            key = (row.trial, row.outcome, row.weeks, row.instrument, row.type)
            before = first.setdefault(key, row)
            if (before.scale or outcome.scale) != (row.scale or outcome.scale):
                what = f"another scale than in line {before.line} of the same trial"
                hint = "scale_min and scale_max as published, in every row that has that range"
                yield problem(row.file, row.line, "E-SCALE-CONFLICT", what, hint)
        yield from _inside(row, outcome)


def _inside(row: Finding, outcome: Outcome) -> Iterator[Problem]:
    """The mean lies inside the scale, and the SD is one that such a mean can have."""
    scale = _scale(row, outcome)
    if scale is None or row.mean is None or NOT_READ & set(row.flags):
        return
    low, high = scale
    if row.type != "final":
        low, high = low - high, high - low
    if not low <= row.mean <= high:
        what = f"mean {row.mean:g} lies outside the scale ({low:g} to {high:g})"
        hint = "scale_min and scale_max if the paper used another range; flag a misprint"
        yield problem(row.file, row.line, "E-MEAN-SCALE", what, hint)
    elif row.sd is not None and row.n is not None and row.n > 1 and not _DOUBTED & set(row.flags):
        most = math.sqrt((row.mean - low) * (high - row.mean) * row.n / (row.n - 1))
        if row.sd > most * 1.01 + 0.05:
            what = f"no {row.n} values between {low:g} and {high:g} with mean {row.mean:g} have SD "
            what += f"{row.sd:g} (at most {most:.3g})"
            hint = "the paper again; the right scale; or the flag sd-unusable"
            yield problem(row.file, row.line, "E-SD-SCALE", what, hint)


def spreads(draft: Draft) -> Iterator[Problem]:
    """Standard deviations and errors are positive and agree with one another."""
    for row in draft.results:
        for key in ("sd", "se"):
            value = getattr(row, key)
            if value is not None and value <= 0 and not _DOUBTED & set(row.flags):
                what = f"{key} is {value:g}"
                hint = "a positive number; a blank if not reported; or the flag sd-unusable"
                yield problem(row.file, row.line, "E-SPREAD", what, hint)
        if row.sd and row.se and row.n and row.n > 0 and not _DOUBTED & set(row.flags):
            expected = row.sd / math.sqrt(row.n)
            if abs(row.se - expected) > max(0.1 * expected, _half_unit(row.se)):
                what = f"se {row.se:g} is not sd / √n = {expected:.3g}"
                yield problem(row.file, row.line, "E-SD-SE", what, "remove the wrong one, or flag")
    for contrast in draft.contrasts:
        for key in ("se", "ref_se"):
            value = getattr(contrast, key)
            if value is not None and value <= 0 and not NOT_READ & set(contrast.flags):
                what = f"{key} is {value:g}"
                hint = "a positive number, or a blank if not reported"
                yield problem(contrast.file, contrast.line, "E-SPREAD", what, hint)


def _half_unit(value: float) -> float:
    """Half a unit of the last decimal that a number is printed with."""
    decimals = repr(value).partition(".")[2]
    return 0.5 * 10.0 ** -(len(decimals) if decimals.isdigit() and decimals != "0" else 0)


def _unit_sd(row: Finding, outcome: Outcome) -> float | None:
    """The SD on the outcome's scale, or as a share of the row's own; None if neither is known."""
    if row.sd is None or row.sd <= 0 or _DOUBTED & set(row.flags):
        return None
    scale = _scale(row, outcome)
    if scale is None:
        return None if outcome.measure == "SMD" else row.sd
    width = 1.0 if outcome.scale is None else outcome.scale[1] - outcome.scale[0]
    return row.sd * width / (scale[1] - scale[0])


def se_as_sd(draft: Draft) -> Iterator[Problem]:
    """An SD far below those of the other trials may be a standard error."""
    known = _outcomes(draft)
    rows: dict[str, list[tuple[Finding, float]]] = defaultdict(list)
    for row in draft.results:
        outcome = known.get(row.outcome)
        sd = _unit_sd(row, outcome) if outcome is not None else None
        if sd is not None and row.n is not None and row.n > 1:
            rows[row.outcome].append((row, sd))
    for found in rows.values():
        pooled = _sd_of_others(found)
        for row, sd in found:
            other = pooled.get(row.trial)
            if other is None or row.n is None:
                continue
            error = other / math.sqrt(row.n)
            if sd < _SMALL_SD * other and 0.5 * error <= sd <= 2 * error:
                what = f"sd {row.sd:g} is far below that of the other trials ({other:.3g}) and "
                what += f"near what a standard error would be ({error:.3g}), on the common scale"
                hint = "the paper's table; a standard error belongs into se"
                yield problem(row.file, row.line, "W-SE-AS-SD", what, hint)


def _sd_of_others(rows: Sequence[tuple[Finding, float]]) -> dict[str, float]:
    """Per trial, the pooled SD of all other trials that have one."""
    squares: dict[str, list[float]] = defaultdict(list)
    df: dict[str, int] = defaultdict(int)
    for row, sd in rows:
        squares[row.trial].append(((row.n or 1) - 1) * sd * sd)
        df[row.trial] += (row.n or 1) - 1
    all_squares, all_df = math.fsum(s for own in squares.values() for s in own), sum(df.values())
    return {
        trial: math.sqrt(max(0.0, all_squares - math.fsum(own)) / (all_df - df[trial]))
        for trial, own in squares.items()
        if all_df > df[trial]
    }


def tenths(draft: Draft) -> Iterator[Problem]:
    """A trial whose values all lie in the lowest tenth of a wide scale may use a shorter one."""
    known = _outcomes(draft)
    rows: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for row in draft.results:
        if row.scale is None and row.type == "final" and row.mean is not None and row.sd:
            rows[row.trial, row.outcome].append(row)
    for (trial, name), found in rows.items():
        outcome = known.get(name)
        if outcome is None or outcome.scale is None or outcome.scale[1] - outcome.scale[0] < 50:
            continue
        low, high = outcome.scale
        tenth = low + (high - low) / 10
        if all((r.mean or 0) + (r.sd or 0) < tenth for r in found):
            what = f"every value of {trial} lies in the lowest tenth of {low:g} to {high:g}"
            hint = f"scale_min and scale_max if the paper used {low:g} to {tenth:g}"
            yield problem(found[0].file, found[0].line, "W-SCALE-TENTH", what, hint)


def signs_of_change(draft: Draft) -> Iterator[Problem]:
    """A trial whose changes all go the other way than everybody else's may have lost a sign."""
    known = _outcomes(draft)
    rows: dict[tuple[str, str], dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for row in draft.results:
        used = row.outcome in known and row.mean and not NOT_READ & set(row.flags)
        if used and row.type != "final":
            rows[row.outcome, row.type][row.trial].append(row)
    for trials in rows.values():
        signs = {
            trial: {math.copysign(1, r.mean or 0) for r in found} for trial, found in trials.items()
        }
        for trial, own in signs.items():
            others = [s for t, s in signs.items() if t != trial]
            everywhere = set().union(*others) if others else set()
            if len(others) >= 2 and len(own) == len(everywhere) == 1 and own != everywhere:
                row = trials[trial][0]
                what = f"{trial} alone reports {row.type}s of the other sign"
                hint = "change is after minus before; improvement is positive when better"
                yield problem(row.file, row.line, "W-SIGN", what, hint)


def signs_of_contrasts(draft: Draft) -> Iterator[Problem]:
    """A published difference has the sign of the arms' own difference."""
    known = _outcomes(draft)
    means = {
        (r.trial, r.arm, r.outcome, r.weeks, r.type): r
        for r in draft.results
        if not NOT_READ & set(r.flags)
    }
    for row in draft.contrasts:
        outcome = known.get(row.outcome)
        if outcome is None or row.estimate is None or NOT_READ & set(row.flags):
            continue
        one = means.get((row.trial, row.arm1, row.outcome, row.weeks, row.type))
        two = means.get((row.trial, row.arm2, row.outcome, row.weeks, row.type))
        if one is None or two is None:
            continue
        found, expected = _on_one_scale(row, one, two)
        if found * expected < 0 and abs(found + expected) <= 0.25 * abs(expected):
            what = f"estimate {row.estimate:g} has the other sign than arm1 against arm2 in "
            what += f"results.csv (lines {one.line} and {two.line})"
            hint = "arm1 minus arm2 (arm1 over arm2 for ratios); exchange the arms"
            yield problem(row.file, row.line, "W-SIGN", what, hint)


def _on_one_scale(row: ContrastFinding, one: Finding, two: Finding) -> tuple[float, float]:
    """The printed difference and the arms' own one; (0, 0) where they cannot be compared."""
    if row.measure == "MD" and one.mean is not None and two.mean is not None:
        if one.scale == two.scale == row.scale:
            return row.estimate or 0.0, one.mean - two.mean
    elif row.measure in _RATIOS and row.estimate is not None and row.estimate > 0:
        counts = (one.events, one.n, two.events, two.n)
        if one.events and two.events and one.n and two.n and min(c or 0 for c in counts) > 0:
            logs = [math.log(count) for count in (one.events, one.n, two.events, two.n)]
            return math.log(row.estimate), logs[0] - logs[1] - logs[2] + logs[3]
    return 0.0, 0.0


def intervals(draft: Draft) -> Iterator[Problem]:
    """Intervals are in order and hold their estimate; p values are probabilities."""
    known = _outcomes(draft)
    for row in draft.contrasts:
        outcome = known.get(row.outcome)
        if row.p_value is not None and not 0 <= row.p_value <= 1:
            what = f"p_value is {row.p_value:g}"
            yield problem(row.file, row.line, "E-P-RANGE", what, "a number from 0 to 1")
        if (row.ci_low is None) != (row.ci_high is None):
            what = "only one end of the interval is given"
            yield problem(row.file, row.line, "E-CI-ONE", what, "both ends, or none")
        if not NOT_READ & set(row.flags):
            yield from _interval(row)
        if outcome is not None:
            yield from _contrast_measure(row, outcome)


def _contrast_measure(row: ContrastFinding, outcome: Outcome) -> Iterator[Problem]:
    if row.measure != outcome.measure:
        what = f"measure {row.measure} cannot be pooled with the outcome's {outcome.measure}"
        hint = "the arms' own numbers in results.csv, where they are published"
        yield problem(row.file, row.line, "N-CONTRAST-MEASURE", what, hint)
    if "unusable" in row.flags:
        return
    if row.estimate is None:
        what = "no estimate is given, so the row cannot be pooled"
        yield problem(row.file, row.line, "N-RESULT-INCOMPLETE", what, "the paper's tables")
    elif row.se is None and row.ci_low is None and row.p_value is None:
        what = "no se, interval or p value is given"
        yield problem(row.file, row.line, "N-SPREAD-MISSING", what, "the paper's tables")


def _interval(row: ContrastFinding) -> Iterator[Problem]:
    numbers = [v for v in (row.estimate, row.ci_low, row.ci_high) if v is not None]
    if row.measure in _RATIOS and any(v <= 0 for v in numbers):
        what = f"a ratio of {min(numbers):g}"
        hint = "the ratio as printed, above 0, not its logarithm"
        yield problem(row.file, row.line, "E-RATIO", what, hint)
        return
    if row.ci_low is None or row.ci_high is None:
        return
    if row.ci_low > row.ci_high:
        what = f"the interval {row.ci_low:g} to {row.ci_high:g} is reversed"
        yield problem(row.file, row.line, "E-CI-ORDER", what, "the lower end in ci_low")
    elif row.estimate is not None and not row.ci_low <= row.estimate <= row.ci_high:
        what = f"estimate {row.estimate:g} lies outside {row.ci_low:g} to {row.ci_high:g}"
        hint = "the signs of all three; arm1 minus arm2; or the flag misprint"
        yield problem(row.file, row.line, "E-CI-ESTIMATE", what, hint)
    elif row.estimate is not None:
        yield from _agreement(row, row.estimate, row.ci_low, row.ci_high)


def _agreement(row: ContrastFinding, estimate: float, low: float, high: float) -> Iterator[Problem]:
    """The estimate is in the middle of its interval, and the p value tells the same."""
    null = 0.0
    slack = _half_unit(low) + _half_unit(high) + 2 * _half_unit(estimate)
    below, above = estimate - low, high - estimate
    if row.measure in _RATIOS:
        null = 1.0
        slack = slack / min(low, 1.0)
        below, above = math.log(estimate / low), math.log(high / estimate)
    if abs(above - below) > 0.2 * (above + below) + slack:
        what = f"estimate {estimate:g} is far from the middle of {low:g} to {high:g}"
        yield problem(row.file, row.line, "W-CI-MIDDLE", what, "the paper; or the flag misprint")
    if row.p_value is not None and 0 <= row.p_value <= 1:
        holds = low <= null <= high
        if (row.p_value < 0.03 and holds) or (row.p_value > 0.08 and not holds):
            what = f"p {row.p_value:g} and the interval {low:g} to {high:g} contradict each other"
            yield problem(row.file, row.line, "W-P-CI", what, "the paper; or the flag misprint")
