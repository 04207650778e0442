"""Node-splitting with tau² estimated anew: each comparison's inconsistency as one more effect."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.progress import Progress
from equipoise.core.result import Method, Note
from equipoise.effects.columns import Floats, read_only
from equipoise.models.correlated import TAU2
from equipoise.models.network.core import Estimates, Net, solve
from equipoise.models.network.inconsistency import Split, direct_evidence, several_tests
from equipoise.models.network.league import two_sided
from equipoise.models.network.spread import projected, searched

NODE_SPLIT = Method(
    "node-splitting, tau² estimated anew for every comparison, symmetric in trials of several arms",
    "Dias, Welton, Caldwell, Ades 2010, Stat Med 29:932; White 2015, Stata J 15:951",
    "10.1002/sim.3767",
)

#: A comparison with less of its column left than this has no indirect evidence.
_NONE_LEFT = 1e-9

_NAMES = (
    *("k", "share", "network", "network_se", "direct", "direct_se", "indirect", "indirect_se"),
    *("difference", "difference_se", "statistic", "p_value", "tau2"),
)


def split_column(net: Net, a: int, b: int) -> list[Floats]:
    """The column of what direct trials see beyond the network, by group.

    In a trial of several arms half of it is added to `a` and half taken from `b`, so that it does
    not depend on which of the two comes first, nor on a base arm.
    """
    out = []
    for g in net.groups:
        both = (g.arms == a).any(axis=1) & (g.arms == b).any(axis=1)
        mark = 0.5 * ((g.arms == a).astype(float) - (g.arms == b)) * both[:, None]
        out.append(mark[:, 1:] - mark[:, :1])
    return out


def node_splits(
    net: Net,
    at: Estimates,
    code: str,
    measure: str,
    level: float,
    of: tuple[str, str] | None = None,
) -> Split:
    """Split every comparison with direct evidence, or one, with tau² estimated anew.

    Parameters
    ----------
    net, at
        The network and its estimates.
    code
        ``REML``, ``ML`` or ``DL``.
    measure, level
        Code of the measure; level of the intervals.
    of
        One pair.

    Raises
    ------
    UnknownNameError
        On an estimator that is none of these, or an unknown treatment.
    InputError
        When `of` names one treatment twice.

    Notes
    -----
    The model of the network has one more effect: what the trials that compare the two see beyond
    the others. tau² is that of this model.

    Source: Dias, Welton, Caldwell & Ades 2010, Stat Med 29:932, doi:10.1002/sim.3767; White 2015,
    Stata J 15:951, for the symmetric handling of trials of several arms.
    """
    if code not in TAU2:
        raise UnknownNameError("estimator of tau² to repeat", code or "none", TAU2)
    pairs = _pairs(net, of)
    _, _, trials = direct_evidence(net, at.tau2)
    out = {name: np.full(len(pairs), np.nan) for name in _NAMES}
    difference, variance = at.difference(), at.variance()
    notes: list[Note] = []
    with Progress("splits", len(pairs)) as progress:
        for row, (i, j) in enumerate(pairs):
            out["k"][row] = trials[i, j]
            out["network"][row] = difference[i, j]
            out["network_se"][row] = math.sqrt(variance[i, j])
            if trials[i, j]:
                found, about = _one(net, i, j, code)
                for name, value in found.items():
                    out[name][row] = value
                notes += about
            else:
                out["share"][row] = 0.0
                out["indirect"][row] = out["network"][row]
                out["indirect_se"][row] = out["network_se"][row]
                out["tau2"][row] = at.tau2
            progress.update(row + 1)
    out["statistic"] = out["difference"] / out["difference_se"]
    out["p_value"] = two_sided(out["statistic"], math.inf)
    names = net.treatments
    return Split(
        measure=measure,
        level=level,
        treat1=tuple(names[i] for i, _ in pairs),
        treat2=tuple(names[j] for _, j in pairs),
        **{name: read_only(values) for name, values in out.items()},
        df=math.inf,
        notes=(*several_tests(out["p_value"]), *dict.fromkeys(notes)),
        methods=(NODE_SPLIT, TAU2[code]),
    )


def _pairs(net: Net, of: tuple[str, str] | None) -> list[tuple[int, int]]:
    if of is None:
        return list(combinations(range(net.n), 2))
    for name in of:
        if name not in net.treatments:
            raise UnknownNameError("treatment", name, net.treatments)
    if of[0] == of[1]:
        raise InputError(f"{of[0]!r} compared with itself", hint="two treatments")
    return [(net.treatments.index(of[0]), net.treatments.index(of[1]))]


def _one(net: Net, i: int, j: int, code: str) -> tuple[dict[str, float], list[Note]]:
    """One comparison split in a model of its own."""
    column = split_column(net, i, j)
    common = solve(net, 0.0)
    whole = math.fsum(
        float(np.einsum("bi,bij,bj->", z, g.weights(0.0), z))
        for g, z in zip(net.groups, column, strict=True)
    )
    if projected(net, common, column).zpz <= _NONE_LEFT * whole:
        tau2, notes = searched(net, code) if net.df > 0 else (0.0, [])
        at = solve(net, tau2)
        direct, se = float(at.theta[i] - at.theta[j]), math.sqrt(float(at.variance()[i, j]))
        return {"share": 1.0, "direct": direct, "direct_se": se, "tau2": tau2}, notes
    tau2, notes = searched(net, code, column) if net.df > 1 else (0.0, [])
    at = solve(net, tau2)
    extra = projected(net, at, column)
    taken = float(extra.theta[i] - extra.theta[j])
    variance = 1.0 / extra.zpz
    indirect = float(at.theta[i] - at.theta[j]) - extra.effect * taken
    indirect_var = float(at.variance()[i, j]) + taken * taken * variance
    direct_var = indirect_var + variance - 2.0 * taken * variance
    return {
        "share": indirect_var / (direct_var + indirect_var),
        "direct": indirect + extra.effect,
        "direct_se": math.sqrt(direct_var),
        "indirect": indirect,
        "indirect_se": math.sqrt(indirect_var),
        "difference": extra.effect,
        "difference_se": math.sqrt(variance),
        "tau2": tau2,
    }, notes
