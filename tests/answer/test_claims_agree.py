"""Claims on alone, added, together and their interaction against a naive evaluator of its own.

The evaluator knows nothing of the program: it pools by inverse variance, solves the component model
by least squares over groups, counts levels off by the published rules, and names sizes.
"""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest
from bench import Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.answer.assess import assess
from equipoise.answer.claims import judge_claims
from equipoise.review.records import Claim, Plan

ON = date(2026, 11, 22)
SD, SMALL, MODERATE, LARGE = 20.0, 5.0, 10.0, 20.0
Z = 1.959963984540054
NEEDED = 4 * (Z + 0.8416212335729143) ** 2 * SD**2 / SMALL**2
LEVELS = ("very low", "low", "moderate", "high")
#: Groups of a trial: components, and whether the solution and exercise are among them.
GROUPS = {
    "x": (("active",), (1, 0)),
    "c": (("sham",), (0, 0)),
    "e": (("sham", "exercise"), (0, 1)),
    "xe": (("active", "exercise"), (1, 1)),
}
DESIGNS = (
    ("x", "c"),
    ("xe", "e"),
    ("xe", "c"),
    ("e", "c"),
    ("x", "c", "e", "xe"),
    ("x", "c", "xe"),
)
SAYS = {
    "alone": ("better", "worse", "little difference", "not known"),
    "added": ("better", "worse", "little difference", "not known"),
    "together": ("better", "worse", "little difference", "not known"),
    "interaction": ("stronger", "weaker", "no more than the sum", "not known"),
}
SURE = ("is", "probably", "may")
NEEDS = {"is": 3, "probably": 2, "may": 1}


def size(benefit):
    """Order of the size: worse, none, small, moderate, large."""
    if benefit <= -SMALL:
        return 0
    if benefit < SMALL:
        return 1
    return 2 if benefit <= MODERATE else 3 if benefit <= LARGE else 4


def crossed(low, high):
    return (low < SMALL < high) + (low < -SMALL < high)


def grade(pairs):
    """Benefit, interval and level of comparisons (benefit, variance, people), by GRADE."""
    w = np.array([1 / v for _, v, _ in pairs])
    y = np.array([b for b, _, _ in pairs])
    people = sum(n for _, _, n in pairs)
    mean = float(w @ y / w.sum())
    half = Z / math.sqrt(float(w.sum()))
    low, high = mean - half, mean + half
    q = float(w @ (y - mean) ** 2)
    i2 = max(0.0, 100 * (q - (len(y) - 1)) / q) if len(y) > 1 and q > 0 else 0.0
    off = 0
    if len(y) > 1:
        # A side takes a tenth of the weight (Core GRADE 3 looks at where the estimates lie).
        helped, hurt = (float(w[keep].sum() / w.sum()) for keep in (y >= SMALL, y <= -SMALL))
        mixed = min(helped, 1 - helped) >= 0.1
        opposite = min(helped, hurt) >= 0.1
        off += 2 if i2 >= 75 and opposite else 1 if i2 >= 50 and mixed else 0
    few = people < NEEDED
    far = low <= -LARGE and high >= LARGE
    off += max(3 if far else crossed(low, high), int(few))
    level = max(0, 3 - off)
    if few or (size(mean) == 1 and high >= SMALL):
        level = min(level, 1)
    return mean, low, high, level


def model(trials, wanted, interaction):
    """Benefit, interval and level of a contrast of the common-effect component model, by CINeMA."""
    rows, ys, covs, people = [], [], [], []
    for groups in trials:
        (_, base), *others = groups
        d0, m0, n0 = base
        V = np.full((len(others), len(others)), SD**2 / n0)
        for j, (_, (d, m, n)) in enumerate(others):
            rows.append(np.array(full(d)) - np.array(full(d0)))
            ys.append(m0 - m)
            V[j, j] += SD**2 / n
        covs.append(V)
        people.append(sum(n for _, (_, _, n) in groups))
    use = (0, 1, 2) if interaction else (0, 1)
    full_X = np.array(rows)
    X, y = full_X[:, use], np.array(ys)
    V = np.zeros((len(y), len(y)))
    at = 0
    owner = []
    for t, block in enumerate(covs):
        V[at : at + len(block), at : at + len(block)] = block
        owner += [t] * len(block)
        at += len(block)
    want = np.array(wanted)[list(use)]
    if np.linalg.matrix_rank(np.vstack([X, want])) > np.linalg.matrix_rank(X):
        return None
    W = np.linalg.inv(V)
    C = np.linalg.pinv(X.T @ W @ X)
    beta = C @ X.T @ W @ y
    gain = want @ C @ X.T @ W
    gain[np.abs(gain) < 1e-9 * np.abs(gain).max()] = 0
    mean = float(want @ beta)
    half = Z * math.sqrt(float(want @ C @ want))
    low, high = mean - half, mean + half

    def q(design):
        b = np.linalg.pinv(design.T @ W @ design) @ design.T @ W @ y
        return float((y - design @ b) @ W @ (y - design @ b)), np.linalg.matrix_rank(design)

    (q1, r1), (q2, r2) = q(X), q(full_X)
    taken = crossed(low, high)
    if r2 > r1:
        p = math.erfc(math.sqrt(max(q1 - q2, 0.0) / 2)) if r2 - r1 == 1 else None
        assert p is not None
        incoherent = 0 if p > 0.10 else 1 if p >= 0.01 else 2
    else:
        # Nothing to test: a sum that no group had takes effects to add up on trust.
        incoherent = int(not interaction and wanted == (1, 1, 0))
    level = max(0, 3 - max(taken, incoherent))
    informing = {t for t, g in zip(owner, gain, strict=True) if g}
    need = NEEDED * (4 if interaction else 1)
    if sum(people[t] for t in informing) < need:
        level = min(level, 1)
    if interaction and not any(len(trials[t]) == 4 for t in informing):
        level = min(level, 1)
    return mean, low, high, level


def full(parts):
    return (*parts, parts[0] * parts[1])


def pairs_of(trials, one, two):
    found = []
    for groups in trials:
        held = dict(groups)
        if one in held and two in held:
            (_, m1, n1), (_, m2, n2) = held[one], held[two]
            found.append((m2 - m1, SD**2 * (1 / n1 + 1 / n2), n1 + n2))
    return found


def evidence(about, trials):
    """(benefit, low, high, level) for a part, None where no trial tells it."""
    direct = {"alone": ("x", "c"), "added": ("xe", "e"), "together": ("xe", "c")}
    if about == "interaction":
        return model(trials, (0, 0, 1), interaction=True)
    pairs = pairs_of(trials, *direct[about])
    if pairs:
        return grade(pairs)
    given_with = any("xe" in dict(groups) for groups in trials)
    return model(trials, (1, 1, 0), False) if about == "together" and given_with else None


def verdict(about, says, sure, found):
    """The state of the claim."""
    known = {"stronger": "better", "weaker": "worse", "no more than the sum": "little difference"}
    says = known.get(says, says)
    if found is None:
        return "supported" if says == "not known" else "goes beyond"
    mean, low, high, level = found
    if says == "not known":
        return ("supported", "goes beyond", "contradicted", "contradicted")[level]
    if level == 0:
        return "goes beyond"
    holds = {
        "better": mean >= SMALL,
        "worse": mean <= -SMALL,
        "little difference": -SMALL < mean < SMALL,
    }[says]
    out = {
        "better": high < SMALL,
        "worse": low > -SMALL,
        "little difference": low >= SMALL or high <= -SMALL,
    }[says]
    if out:
        return "contradicted"
    return "supported" if holds and level >= NEEDS[sure] else "goes beyond"


@st.composite
def reviews(draw):
    trials = []
    effects = [draw(st.sampled_from((-12.0, -6.0, 0.0, 3.0, 7.0, 13.0, 26.0))) for _ in range(3)]
    for _ in range(draw(st.integers(1, 4))):
        design = draw(st.sampled_from(DESIGNS))
        n = draw(st.sampled_from((20, 90, 400, 2000)))
        groups = []
        for name in design:
            parts = full(GROUPS[name][1])
            noise = draw(st.integers(-300, 300)) / 100
            mean = 60 - sum(e * p for e, p in zip(effects, parts, strict=True)) + noise
            groups.append((name, (GROUPS[name][1], round(mean, 2), n)))
        trials.append(groups)
    return trials


@settings(max_examples=60, deadline=None)
@given(reviews(), st.sampled_from(SURE))
def test_claims_agree_with_a_naive_evaluator(trials, sure):
    bench = Bench()
    bench.plan = Plan(model="common")
    for i, groups in enumerate(trials):
        bench.trial(f"t{i}", {name: GROUPS[name][0] for name, _ in groups})
        for name, (_, mean, n) in groups:
            bench.mean(f"t{i}", name, mean, SD, n)
    claims = tuple(
        Claim(id=f"{about}-{says}", about=about, says=says, sure=sure)
        for about, all_ in SAYS.items()
        for says in all_
    )
    lines = judge_claims(assess(bench.review(claims=claims), on=ON))
    for claim, line in zip(claims, lines, strict=True):
        found = evidence(claim.about, trials)
        if found is not None and any(
            abs(abs(v) - cut) < 1e-6 for v in found[:3] for cut in (SMALL, MODERATE, LARGE)
        ):
            continue  # on a cut point, rounding decides
        expected = verdict(claim.about, claim.says, sure, found)
        assert line.state == expected, (claim.id, found, line.why)
        if found is not None:
            assert line.certainty == LEVELS[found[3]], (claim.id, found, line.why)


def test_the_evaluator_sees_every_state():
    strong = [
        [(n, (GROUPS[n][1], m, 2000)) for n, m in (("x", 50), ("c", 60), ("e", 55), ("xe", 25))]
    ]
    found = evidence("interaction", strong)
    assert found is not None
    assert found[0] == pytest.approx(20)
    assert verdict("interaction", "stronger", "is", found) == "supported"
    assert verdict("interaction", "weaker", "is", found) == "contradicted"
    assert evidence("interaction", [strong[0][:2]]) is None
