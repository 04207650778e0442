"""Whether trials join all treatments, in words: the parts, and what would join them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from equipoise.core.errors import InputError, NotEstimableError
from equipoise.effects.blocks import Contrasts, LeftOut
from equipoise.effects.suspects import name_twins
from equipoise.models.network.core import subnetworks

#: Names of two parts that are this alike are asked about.
_ALIKE = 0.8


def check_connected(es: Contrasts, left_out: Sequence[LeftOut] = ()) -> None:
    """Refuse a network that falls apart, saying how and what would join it.

    Parameters
    ----------
    es
        The contrasts that are used.
    left_out
        Studies that are not, and why.

    Raises
    ------
    NotEstimableError
        With the parts and their trials; names of two parts that look like one treatment; studies
        without an estimate that would join parts; and a comparison that would.
    """
    parts = subnetworks(es)
    if len(parts) == 1:
        return
    tried = _trials(es)
    size = Counter({t: len(tried[t]) for t in tried})
    listed = "; ".join(
        f"({i}) {', '.join(part)}: {_counted(len(set[str]().union(*(tried[t] for t in part))))}"
        for i, part in enumerate(parts, start=1)
    )
    hints = [_likely_twins(parts), _would_join(parts, left_out), _comparison(parts, size)]
    if any("+" in t for part in parts for t in part):
        hints.append("or components(), if the parts share components")
    raise NotEstimableError(
        f"the trials form {len(parts)} networks that nothing joins: {listed}",
        hint="; ".join(hint for hint in hints if hint),
    )


def _trials(es: Contrasts) -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for study, one, two in zip(es.study, es.treat1, es.treat2, strict=True):
        out.setdefault(one, set()).add(study)
        out.setdefault(two, set()).add(study)
    return out


def _counted(k: int) -> str:
    return "1 trial" if k == 1 else f"{k} trials"


def _likely_twins(parts: Sequence[tuple[str, ...]]) -> str:
    """Names of different parts that may be one treatment."""
    found = [
        f"{one!r} and {two!r}"
        for i, part in enumerate(parts)
        for other in parts[i + 1 :]
        for one in part
        for two in other
        if _alike(one.casefold(), two.casefold())
    ]
    return f"one spelling, if these are the same: {', '.join(found[:3])}" if found else ""


def _alike(one: str, two: str) -> bool:
    return min(len(one), len(two)) > 3 and SequenceMatcher(None, one, two).ratio() >= _ALIKE


def _would_join(parts: Sequence[tuple[str, ...]], left_out: Sequence[LeftOut]) -> str:
    """Studies without an estimate whose treatments lie in different parts."""
    of = {t: i for i, part in enumerate(parts) for t in part}
    found = []
    for row in left_out:
        _, sign, pair = row.why.partition(NO_ESTIMATE)
        one, _, two = pair.partition(" against ")
        if sign and one in of and two in of and of[one] != of[two]:
            found.append(f"{row.study} ({one} against {two})")
    if not found:
        return ""
    return f"an estimate for {', '.join(dict.fromkeys(found))}, which would join them"


#: How a contrast without an estimate is left out: this, then ``A against B``.
NO_ESTIMATE = "no estimate of "


def _comparison(parts: Sequence[tuple[str, ...]], size: Counter[str]) -> str:
    """Comparisons that would join the parts, of the treatments with the most trials."""
    need = len(parts) - 1
    best = [min(part, key=lambda t: (-size[t], t)) for part in parts]
    pairs = "; ".join(f"{best[0]} against {other}" for other in best[1:3])
    trials = "a trial" if need == 1 else f"{need} trials"
    return (
        f"{trials} comparing a treatment of one with a treatment of another would join them, "
        f"such as {pairs}"
    )


def check_twins(es: Contrasts) -> None:
    """Refuse names that differ only in spelling: the usual cause of a broken network."""
    twins = name_twins(tuple(dict.fromkeys((*es.treat1, *es.treat2))))
    if twins:
        listed = "; ".join(" and ".join(map(repr, names)) for names in twins)
        where = next(
            s
            for s, a, b in zip(es.study, es.treat1, es.treat2, strict=True)
            if {a, b} & {*twins[0]}
        )
        raise InputError(
            f"treatments that differ only in case, spaces or punctuation: {listed}",
            where=f"first in study {where}",
            hint="one spelling for each treatment",
        )
