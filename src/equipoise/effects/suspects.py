"""The commonest real errors in tables of results, as remarks: nothing is changed by them.

A standard error in the column of standard deviations; a sign turned round; the same trial twice.
Each rule asks two things of a trial: that it lies far from the others, and that the error, undone,
would bring it back among them.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import special

from equipoise.core.result import Note
from equipoise.effects.columns import Floats, Ints
from equipoise.effects.measure import Measure
from equipoise.effects.zeros import Remark

#: Standardised differences beyond this are rarer in trials than wrong columns are.
LARGE_SMD = 3.0

#: Standardised differences below this are not asked whether they rest on a standard error.
_WIDE = 1.2

#: Fewer events than this, or fewer people without, can agree by chance.
_FEW = 3.0

_APART = re.compile(r"[\W_]+")

#: Drops punctuation and spaces altogether: coarser than what counts as the same label.
_BARE = str.maketrans("", "", string.punctuation + string.whitespace)

#: Measures whose point is that spreads differ.
_OF_SPREADS = frozenset({"VR", "CVR", "SDLN", "CVLN", "VRC", "CVRC"})


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    k = len(ordered)
    half = k // 2
    return ordered[half] if k % 2 else 0.5 * (ordered[half - 1] + ordered[half])


def _middle(values: Sequence[float]) -> tuple[float, float]:
    """Median, and the median distance from it in units of a normal standard deviation."""
    middle = _median(values)
    return middle, 1.4826 * _median([abs(v - middle) for v in values])


def _others(values: list[float], i: int) -> tuple[float, float]:
    """The middle of the other values; of all of them where one of many moves nothing."""
    return _middle(values if len(values) > 20 else values[:i] + values[i + 1 :])


def _listed(names: Sequence[str], trials: Sequence[int]) -> str:
    return ", ".join(dict.fromkeys(names[i] for i in trials))


# --- a standard error in the column of standard deviations -------------------------------------


def spread_remarks(
    m: Measure,
    sd: Floats,
    n: Floats,
    trial: Ints,
    names: Sequence[str],
    effects: tuple[Floats, Ints] | None = None,
) -> tuple[Remark, ...]:
    """Signs that a column holds something else than a standard deviation.

    Parameters
    ----------
    m
        The measure.
    sd, n, trial
        One value an arm; `trial` counts from 0.
    names
        Of the trials.
    effects
        Estimates and the number of each one's trial, for the measures in standard deviations.
    """
    found: list[Remark] = []
    none = sd == 0.0
    if none.any():
        zero = tuple(np.unique(trial[none]).tolist())
        text = f"A standard deviation of 0 in one group: {_listed(names, zero)}."
        found.append(Remark("zero-sd", text, zero))
    if m.code in _OF_SPREADS:
        return tuple(found)
    positive = sd[sd > 0.0]
    apart = effects is not None and (np.abs(effects[0]) > _WIDE).any()
    if not apart and (positive.size == 0 or positive.max() < 2.0 * positive.min()):
        return tuple(found)
    arms: dict[int, list[tuple[float, float]]] = {}
    for s, size, i in zip(sd.tolist(), n.tolist(), trial.tolist(), strict=True):
        if s > 0.0:
            arms.setdefault(i, []).append((math.log(s), 0.5 * math.log(size)))
    suspects = set(_whole_trials(arms)) | set(_single_arms(arms))
    large: set[int] = set()
    if effects is not None and m.code.startswith("SMD"):
        g, of = effects[0].tolist(), effects[1].tolist()
        suspects |= set(_inflated(g, of, arms))
        large = {i for y, i in zip(g, of, strict=True) if abs(y) > LARGE_SMD} - suspects
    if suspects:
        which = tuple(sorted(suspects))
        text = (
            f"Standard deviations that are out of line with the rest, and in line after "
            f"multiplying by the square root of n: {_listed(names, which)}. They may be standard "
            "errors."
        )
        found.append(Remark("maybe-se", text, which))
    if large:
        which = tuple(sorted(large))
        text = (
            f"More than {LARGE_SMD:g} standard deviations apart: {_listed(names, which)}. A "
            "standard error in the column of standard deviations is the usual cause."
        )
        found.append(Remark("large-smd", text, which))
    return tuple(found)


def _whole_trials(arms: Mapping[int, list[tuple[float, float]]]) -> list[int]:
    """Trials whose deviations are all too small, beside at least two other trials."""
    if len(arms) < 3:
        return []
    trials = list(arms)
    level = [sum(s for s, _ in arms[i]) / len(arms[i]) for i in trials]
    root = [sum(h for _, h in arms[i]) / len(arms[i]) for i in trials]
    floor = max(0.1, 0.35 / math.sqrt(len(trials) - 2))
    out = []
    for place, i in enumerate(trials):
        middle, spread = _others(level, place)
        s = math.hypot(spread, floor)
        gap = middle - level[place]
        if gap > max(3.5 * s, math.log(2.0)) and abs(gap - root[place]) < 2.0 * s:
            out.append(i)
    return out


def _single_arms(arms: Mapping[int, list[tuple[float, float]]]) -> list[int]:
    """Trials one arm of which has far too small a deviation beside its own other arms."""
    gaps, roots, of = [], [], []
    for i, rows in arms.items():
        for row, (level, root) in enumerate(rows):
            rest = [s for other, (s, _) in enumerate(rows) if other != row]
            if rest:
                gaps.append(sum(rest) / len(rest) - level)
                roots.append(root)
                of.append(i)
    if not gaps:
        return []
    spread = 1.4826 * _median([abs(g) for g in gaps]) if len(gaps) > 5 else 0.0
    s = max(spread, 0.2)
    return [
        i
        for gap, root, i in zip(gaps, roots, of, strict=True)
        if gap > max(4.0 * s, math.log(3.0)) and abs(gap - root) < 2.0 * s
    ]


def _inflated(
    g: list[float], of: list[int], arms: Mapping[int, list[tuple[float, float]]]
) -> list[int]:
    """Trials whose standardised difference is far out, and not after division by the root of n."""
    if len(g) < 4:
        return []
    out = []
    for place, (y, i) in enumerate(zip(g, of, strict=True)):
        if abs(y) < _WIDE or i not in arms:
            continue
        middle, spread = _others(g, place)
        root = math.exp(sum(h for _, h in arms[i]) / len(arms[i]))
        s = math.hypot(spread, 0.25)
        if abs(y - middle) > 4.0 * s and root > 2.0 and abs(y / root - middle) < 2.0 * s:
            out.append(i)
    return out


# --- a sign turned round -----------------------------------------------------------------------


def flipped(m: Measure, yi: Floats, vi: Floats, names: Sequence[str]) -> tuple[Remark, ...]:
    """Trials far on the other side of no difference, that would be among the others if negated.

    The others have to show a clear effect, three standard errors or more from no difference. A
    trial is told when it lies clearly on the other side itself, and more than three standard
    deviations of a new trial (its own error, DerSimonian and Laird's tau² of the others, and their
    mean's error) from their mean, and its negation lies within one and a half of them. With many
    trials it is more than three, so that one among all is far by chance once in fifty times.
    """
    if not m.compares or m.code == "GEN" or yi.size < 4:
        return ()
    y, v = (yi - m.no_effect).tolist(), vi.tolist()
    pairs = list(zip(y, v, strict=True))
    up = [i for i, (a, b) in enumerate(pairs) if a > 0.0 and a * a > 4.0 * b > 0.0]
    down = [i for i, (a, b) in enumerate(pairs) if a < 0.0 and a * a > 4.0 * b > 0.0]
    few, many = sorted((up, down), key=len)
    if not 0 < len(few) <= max(1, len(y) // 5) or len(few) == len(many):
        return ()
    out_of = set(few)
    rest = [
        (a, b)
        for i, (a, b) in enumerate(pairs)
        if b > 0.0 and i not in out_of and math.isfinite(a) and math.isfinite(b)
    ]
    if len(rest) < 3:
        return ()
    mean, error, tau2 = _random_mean(rest)
    if (mean if many is up else -mean) < 3.0 * error:
        return ()
    far = max(3.0, float(-special.ndtri(0.01 / len(y))))
    out = []
    for i in few:
        s = math.sqrt(v[i] + tau2 + error**2)
        if abs(y[i] - mean) > far * s and abs(-y[i] - mean) < 1.5 * s:
            out.append(i)
    if not out:
        return ()
    text = (
        "Far on the other side of no difference, and like the other trials with the sign turned: "
        f"{_listed(names, out)}. The groups may be swapped, or the scale may run the other way."
    )
    return (Remark("maybe-flipped", text, tuple(out)),)


def _random_mean(rows: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Mean, its standard error and tau² by DerSimonian and Laird."""
    total = sum(1.0 / v for _, v in rows)
    mean = sum(y / v for y, v in rows) / total
    excess = sum((y - mean) ** 2 / v for y, v in rows) - (len(rows) - 1)
    tau2 = max(0.0, excess / (total - sum(1.0 / v**2 for _, v in rows) / total))
    total = sum(1.0 / (v + tau2) for _, v in rows)
    return sum(y / (v + tau2) for y, v in rows) / total, 1.0 / math.sqrt(total), tau2


# --- the same trial twice ----------------------------------------------------------------------


def twice(raw: Mapping[str, Floats], names: Sequence[str], groups: int) -> tuple[Remark, ...]:
    """Rows with the same numbers in every column, as they stand or with the groups swapped."""
    if len(names) < 2 or not raw:
        return ()
    columns = {name: values.tolist() for name, values in raw.items()}
    rows = list(zip(*columns.values(), strict=True))
    mirror: list[tuple[float, ...]] = []
    if groups == 2:
        mirror = list(zip(*(columns[_other(name)] for name in columns), strict=True))
    if len(set(rows)) == len(rows) and set(rows).isdisjoint(mirror):
        return ()
    telling = _telling(raw)
    held: dict[tuple[float, ...], list[int]] = {}
    for i, row in enumerate(rows):
        if telling[i]:
            held.setdefault(row, []).append(i)
    found = []
    same = sorted(i for places in held.values() if len(places) > 1 for i in places)
    if same:
        text = (
            f"These have the same numbers in every column: {_listed(names, same)}. One trial may "
            "have been entered twice."
        )
        found.append(Remark("same-data", text, tuple(same)))
    if groups == 2:
        mirrored = set()
        for row, other, places in ((rows[p[0]], mirror[p[0]], p) for p in held.values()):
            if other != row and other in held:
                mirrored.update(places)
        if mirrored:
            which = tuple(sorted(mirrored))
            text = (
                f"These have the same numbers with the groups swapped: {_listed(names, which)}. "
                "One trial may have been entered twice, once the wrong way round."
            )
            found.append(Remark("same-data-swapped", text, which))
    return tuple(found)


def repeated_study(study: Sequence[str]) -> tuple[Note, ...]:
    """What to know when a label stands at several rows that count as independent."""
    if len(set(study)) == len(study):
        return ()
    names = ", ".join(name for name, times in Counter(study).items() if times > 1)
    text = (
        f"The same study appears more than once: {names}. Its people count more than once if the "
        "rows share any."
    )
    return (Note("repeated-study", text),)


def _other(column: str) -> str:
    """The same column of the other group."""
    return column[:-1] + ("2" if column.endswith("1") else "1")


def _telling(raw: Mapping[str, Floats]) -> list[bool]:
    """Rows that say enough not to agree by chance."""
    k = len(next(iter(raw.values())))
    events = [raw[name] for name in ("events", "events1", "events2") if name in raw]
    if not events:
        return [True] * k
    total = np.sum(events, axis=0)
    enough = total >= _FEW
    people = [raw[name] for name in ("n", "n1", "n2") if name in raw]
    if people:
        enough = enough & (np.sum(people, axis=0) - total >= _FEW)
    return list(enough.tolist())


def _key(name: str) -> str:
    """A label without case, accents, punctuation and spaces that nobody means."""
    if not name.isascii():
        name = unicodedata.normalize("NFKD", name)
        name = "".join(c for c in name if not unicodedata.combining(c))
    return _APART.sub(" ", name.casefold()).strip()


def similar_names(names: Sequence[str]) -> tuple[Remark, ...]:
    """Labels that differ only in case, accents, punctuation or spaces."""
    unique = set(names)
    if len({name.casefold().translate(_BARE) for name in unique}) == len(unique) and all(
        map(str.isascii, unique)
    ):
        return ()
    unique_in_order = dict.fromkeys(names)
    held: dict[str, list[str]] = {}
    for name in unique_in_order:
        held.setdefault(_key(name), []).append(name)
    alike = {name for group in held.values() if len(group) > 1 for name in group}
    if not alike:
        return ()
    pairs = "; ".join(
        " and ".join(repr(n) for n in group) for group in held.values() if len(group) > 1
    )
    which = tuple(i for i, name in enumerate(names) if name in alike)
    text = f"Labels that differ in their spelling only: {pairs}. Are they one trial?"
    return (Remark("similar-names", text, which),)


def name_twins(names: Sequence[str]) -> list[list[str]]:
    """Names that differ only in case, spaces or punctuation, as sorted groups.

    What says how parts are joined (``+``, ``*``), signs (``<``, ``>``, ``±``) and marks between
    digits (``2.5``) make names differ.
    """
    held: dict[str, set[str]] = {}
    for name in names:
        held.setdefault(_bare_name(name), set()).add(name)
    return sorted(sorted(group) for group in held.values() if len(group) > 1)


def _bare_name(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    bare = re.sub(r"(?<!\d)[.,\-–_/](?!\d)|(?<=\d)[.,\-–_/](?!\d)|(?<!\d)[.,\-–_/](?=\d)", "", text)
    bare = re.sub(r"[\s'\"’`:;()\[\]]", "", bare)
    return bare or name
