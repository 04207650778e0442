"""Networks of rare events: odds ratios from counts, without adding anything to zeros."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.result import Interval, Note
from equipoise.core.table import counted, p_value, percent, significant
from equipoise.effects.arms import Arms
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import read_only
from equipoise.effects.measures import measure_of
from equipoise.models.counts.result import Convergence, CountTest
from equipoise.models.network.armcounts import ArmCounts, Excluded, Pool, listed, read_arms
from equipoise.models.network.binomial import binomial
from equipoise.models.network.core import Net, Solution, frozen
from equipoise.models.network.hypergeometric import conditional
from equipoise.models.network.inconsistency import Split, side_by_side
from equipoise.models.network.mantel_haenszel import mantel_haenszel
from equipoise.models.network.penalised import penalised
from equipoise.models.network.ranking import DRAWS, Ranking, ranking
from equipoise.models.network.reading import NetworkReading
from equipoise.num.dist import chi2_tail, critical

Fit = Callable[[ArmCounts, str | None, str], Pool]


@dataclass(frozen=True, slots=True)
class RareMethod:
    """A method for rare events: its name in words, its models (the default first), its function.

    `splits` tells whether estimates of a pair's own trials can stand beside those of the network.
    """

    name: str
    models: tuple[str, ...]
    fit: Fit
    splits: tuple[str, ...] = ()


#: Methods by code.
RARE: MappingProxyType[str, RareMethod] = MappingProxyType(
    {
        "MH": RareMethod(
            "Mantel–Haenszel",
            ("common",),
            lambda c, ref, _: mantel_haenszel(c, ref),
            ("common",),
        ),
        "NCH": RareMethod(
            "Non-central hypergeometric, exact",
            ("common",),
            lambda c, ref, _: conditional(c, ref),
            ("common",),
        ),
        "NCH-Breslow": RareMethod(
            "Non-central hypergeometric, Breslow's approximation",
            ("common",),
            lambda c, ref, _: conditional(c, ref, breslow=True),
            ("common",),
        ),
        "penalised": RareMethod(
            "Penalised likelihood",
            ("common", "overdispersed"),
            lambda c, _, model: penalised(c, overdispersed=model == "overdispersed"),
        ),
        "binomial": RareMethod(
            "Binomial likelihood",
            ("random", "common"),
            lambda c, ref, model: binomial(c, ref, random=model == "random"),
            ("common",),
        ),
    }
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RareNetworkFit(NetworkReading):
    """Odds ratios of many treatments against each other, from counts of rare events.

    Everything is on the log scale, and read as a network of contrasts is.

    Attributes
    ----------
    measure, level, treatments, reference, k, m, designs, theta, cov, left_out, notes, methods
        As in :class:`~equipoise.models.network.reading.NetworkReading`.
    method, model
        Code of the method; ``common``, ``random`` or ``overdispersed``.
    arms
        The arms that bear on the result.
    k_total
        Trials with at least two groups.
    scale
        What variances are multiplied by: the overdispersion.
    tau2
        Variance between trials of a log odds ratio; None for models without one.
    log_lik
        Log-likelihood with its constants; not a number where there is none.
    q, q_df, q_p
        Disagreement between designs (Mantel–Haenszel); not a number elsewhere.
    tests
        A test of heterogeneity (binomial with random effects).
    convergence
        How well the optimum is known; None for closed forms.
    excluded
        Treatments that could not be placed, and why.
    double_zero, zeros
        Trials in which nobody, or everybody, had the event, and what was done with them.
    """

    method: str
    model: str
    arms: Arms
    k_total: int
    tau2: float | None
    log_lik: float
    q: float
    q_df: int
    q_p: float
    tests: tuple[CountTest, ...]
    convergence: Convergence | None
    excluded: tuple[Excluded, ...]
    double_zero: tuple[str, ...]
    zeros: str

    def _place(self, name: str) -> int:
        if isinstance(name, str) and name in self.treatments:
            return self.treatments.index(name)
        why = next((e.why for e in self.excluded if e.treatment == name), None)
        if why is None:
            raise UnknownNameError("treatment", name, self.treatments)
        raise NotEstimableError(
            f"{name} has no place in the network", where=why, hint="method='penalised'"
        )

    def _predicts(self) -> tuple[float, float] | None:
        df = len(self.arms) - self.k - (self.n - 1)
        return None if self.tau2 is None or df < 1 else (float(df), self.tau2)

    def _prediction(self, estimate: float, se: float, same: bool) -> Interval | None:
        predicts = self._predicts()
        if predicts is None or same:
            return None
        df, tau2 = predicts
        half = critical(self.level, df) * math.hypot(se, math.sqrt(tau2))
        return Interval(estimate - half, estimate + half, self.level, f"t with {df:g} df")

    @typed
    def ranking(self, better: str, *, draws: int = DRAWS, seed: int = 1) -> Ranking:
        """P-scores, SUCRA and rank probabilities; `better` is ``lower`` or ``higher``."""
        at = Solution(0.0, self.theta, self.scale * np.asarray(self.cov), 0.0, 0.0)
        net = Net(self.treatments, (), ())
        return ranking(net, at, better, self.level, draws=draws, seed=seed)

    def split(self) -> Split:
        """Direct, indirect and network estimates of every pair side by side.

        Direct evidence is what the same method makes of the trials that have both, and of these
        two arms; the indirect estimate is what is left of the network's.

        Raises
        ------
        InputError
            For models whose network estimate is no mean of the two.
        """
        of = RARE[self.method]
        if self.model not in of.splits:
            raise InputError(
                f"no split of method {self.method!r} with model {self.model!r}",
                hint="method='MH', 'NCH', or 'binomial' with model='common'",
            )
        counts = read_arms(self.arms)[0]
        pairs = list(combinations(range(self.n), 2))
        direct, variance = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan)
        k = np.zeros(len(pairs), dtype=np.intp)
        for at, (i, j) in enumerate(pairs):
            one, two = self.treatments[i], self.treatments[j]
            own = counts.pair(one, two)
            if not len(own):
                continue
            try:
                found = of.fit(own, None, self.model)
            except NotEstimableError:
                continue
            k[at] = len(found.used.trials)
            direct[at], variance[at] = found.theta[0] - found.theta[1], found.cov[1, 1]
        first, second = (np.array(x) for x in zip(*pairs, strict=True))
        G, theta = np.asarray(self.cov), np.asarray(self.theta)
        whole = G[first, first] + G[second, second] - 2.0 * G[first, second]
        return side_by_side(
            (
                tuple(self.treatments[i] for i in first.tolist()),
                tuple(self.treatments[j] for j in second.tolist()),
            ),
            k.astype(np.float64),
            (theta[first] - theta[second], whole),
            (direct, variance),
            measure=self.measure,
            level=self.level,
        )

    def summary(self) -> str:
        """What was found, in the order in which a reader asks; digits are cut for reading."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        m = measure_of(self.measure)
        yield (
            f"{RARE[self.method].name}, {_MODEL[self.model]}: network of "
            f"{counted(self.n, 'treatment')}, "
            f"{self.k} of {counted(self.k_total, 'trial')}, {counted(self.m, 'comparison')}, "
            f"{counted(self.designs, 'design')}, "
            f"{m.name}"
        )
        yield ""
        yield self.against().to_text()
        if self.tau2 is not None:
            yield f"tau² {significant(self.tau2, 4)}"
        if self.model == "overdispersed":
            yield f"Overdispersion {significant(self.scale, 4)}"
        for test in self.tests:
            yield f"{test.name} {significant(test.statistic, 5)}, p {p_value(test.p_value)}"
        if math.isfinite(self.q_p):
            yield (
                f"Disagreement between designs: Q {significant(self.q, 5)} on {self.q_df} df, "
                f"p {p_value(self.q_p)}"
            )
        for one in self.excluded:
            yield f"Not in the network: {one.treatment} ({one.why})"
        for row in self.left_out:
            yield f"Left out: {row.study} ({row.why})"

    def __repr__(self) -> str:
        spread = "" if self.tau2 is None else f"; tau² {significant(self.tau2)}"
        return (
            f"<RareNetworkFit {self.measure} {self.method}, {_MODEL[self.model]}: "
            f"{counted(self.n, 'treatment')}, {counted(self.k, 'trial')}{spread}, "
            f"{percent(100 * self.level)} intervals>"
        )


_MODEL = {
    "common": "common effect",
    "random": "random effects",
    "overdispersed": "common effect, overdispersed",
}


@typed
def rare_network(
    es: Contrasts | Arms,
    *,
    method: str,
    measure: str | None = None,
    reference: str | None = None,
    model: str | None = None,
    level: float = 0.95,
) -> RareNetworkFit:
    """Compare many treatments by a method for rare events; see ``network()``, which calls this."""
    if method not in RARE:
        raise UnknownNameError("method", method, ("IV", *RARE))
    of = RARE[method]
    if model is not None and model not in _MODEL:
        raise UnknownNameError("model", model, _MODEL)
    if model is not None and model not in of.models:
        raise InputError(
            f"method {method!r} with model {model!r}", hint=f"it has {' or '.join(of.models)}"
        )
    code = measure or (es.measure if isinstance(es, Contrasts) else "OR")
    if measure_of(code).code != "OR":
        raise InputError(
            f"method {method!r} has no {code}: it is known for odds ratios only",
            hint="measure='OR'; or method='IV'",
        )
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level:g}", hint="a number between 0 and 1, such as 0.95")
    counts, left_out, notes = read_arms(es)
    if reference is not None and reference not in counts.treatments:
        raise UnknownNameError("reference", reference, counts.treatments)
    chosen = model or of.models[0]
    pool = of.fit(counts, reference, chosen)
    used = pool.used
    people = used.by_treatment(used.n)
    return RareNetworkFit(
        measure="OR",
        level=level,
        treatments=used.treatments,
        reference=reference or used.treatments[int(np.argmax(people))],
        k=len(used.trials),
        m=used.comparisons(),
        designs=pool.designs,
        theta=read_only(pool.theta),
        cov=frozen(pool.cov),
        scale=pool.dispersion,
        df=math.inf,
        left_out=left_out,
        notes=(*notes, *_about_zeros(counts, pool), *pool.notes),
        methods=pool.methods,
        method=method,
        model=chosen,
        arms=used.arms(),
        k_total=len(counts.trials),
        tau2=pool.tau2,
        log_lik=pool.log_lik,
        q=pool.q,
        q_df=pool.q_df,
        q_p=chi2_tail(pool.q, pool.q_df) if pool.q_df else math.nan,
        tests=pool.tests,
        convergence=pool.convergence,
        excluded=pool.excluded,
        double_zero=pool.double_zero,
        zeros=pool.zeros,
    )


def _about_zeros(counts: ArmCounts, pool: Pool) -> tuple[Note, ...]:
    notes = []
    k = len(pool.double_zero)
    if k:
        have = "has" if k == 1 else "have"
        does = {"say nothing": "says nothing", "take part": "takes part"} if k == 1 else {}
        text = (
            f"{k} of {counted(len(counts.trials), 'trial')} {have} no event in any group (or "
            "nothing but "
            f"events) and {does.get(pool.zeros, pool.zeros)}: {listed(pool.double_zero)}."
        )
        notes.append(Note("double-zero", text))
    if pool.excluded:
        gone = "; ".join(f"{e.treatment} ({e.why})" for e in pool.excluded)
        text = f"Not in the network, because no finite odds ratio fits: {gone}."
        notes.append(Note("excluded-treatments", text))
    return tuple(notes)
