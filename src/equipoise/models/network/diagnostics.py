"""What can be asked of a network that was fitted: the questions as methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, UnknownNameError
from equipoise.core.result import Result
from equipoise.effects.blocks import Contrasts
from equipoise.models.correlated import TAU2
from equipoise.models.network.adjusted_funnel import ComparisonFunnel, comparison_funnel
from equipoise.models.network.contributions import (
    Contributions,
    Path,
    TrialContributions,
    contributions,
    paths,
    trial_contributions,
)
from equipoise.models.network.core import Estimates, Net
from equipoise.models.network.flow import FlowMeasures, HatMatrix, flow_measures, hat_matrix
from equipoise.models.network.heat import NetHeat, net_heat
from equipoise.models.network.inconsistency import Decomposition, Split, decomposition, split
from equipoise.models.network.node_split import node_splits
from equipoise.models.network.omission import LeaveOneTrialOut, leave_one_trial_out
from equipoise.models.network.ranking import DRAWS, Ranking, ranking


class Diagnosed(Result):
    """Base of a fitted network: everything that is computed from it on request."""

    __slots__ = ()
    if TYPE_CHECKING:
        data: Contrasts
        level: float
        measure: str
        model: str
        tau2: float
        tau2_method: str

    def _core(self) -> tuple[Net, Estimates]:
        """The network as blocks, and its solution."""
        raise AssertionError("a fit says how it was computed")

    @typed
    def split(self, *, tau2: str = "network", of: tuple[str, str] | None = None) -> Split:
        """Direct, indirect and network estimates of every pair side by side.

        With ``tau2="re-estimate"`` each pair with direct evidence is split in a model of its own,
        or only the one of `of`.

        Raises
        ------
        UnknownNameError
            On another `tau2`, or an unknown treatment.
        InputError
            When there is no estimator of tau² to repeat, or `of` comes without it.
        """
        net, at = self._core()
        if self._again(tau2):
            return node_splits(net, at, self.tau2_method, self.measure, self.level, of)
        if of is not None:
            raise InputError(
                "one pair of a split", hint="net.split().row(…), or tau2='re-estimate'"
            )
        return split(net, at, self.measure, self.level)

    @typed
    def leave_one_out(
        self, *, tau2: str = "network", of: tuple[str, str] | None = None
    ) -> LeaveOneTrialOut:
        """Every effect, or that of `of`, without each trial in turn.

        With ``tau2="re-estimate"`` the variance between trials is estimated anew each time.

        Raises
        ------
        UnknownNameError, InputError
            As for :meth:`split`.
        NotEstimableError
            When there is only one trial.
        """
        net, at = self._core()
        code = self.tau2_method if self._again(tau2) else None
        return leave_one_trial_out(net, at, self.measure, self.level, code=code, of=of)

    def _again(self, tau2: str) -> bool:
        """Whether tau² is to be estimated anew."""
        if tau2 not in ("network", "re-estimate"):
            raise UnknownNameError("tau²", tau2, ("network", "re-estimate"))
        if tau2 == "re-estimate" and (self.model == "common" or self.tau2_method not in TAU2):
            raise InputError(
                "a variance between trials that was not estimated, so it cannot be estimated anew",
                hint="network(…, model='random', tau2='REML')",
            )
        return tau2 == "re-estimate"

    def decomposition(self) -> Decomposition:
        """Q within and between designs, and the design-by-treatment test."""
        return decomposition(self._core()[0])

    @typed
    def net_heat(self, tau2: float | str = "common") -> NetHeat:
        """Which designs drive the inconsistency, and which estimates it touches.

        `tau2` is ``common`` (0), ``within``, ``network`` or a number.
        """
        return net_heat(self._core()[0], self.tau2, tau2)

    @typed
    def ranking(self, better: str, *, draws: int = DRAWS, seed: int = 1) -> Ranking:
        """P-scores, SUCRA and rank probabilities; `better` is ``lower`` or ``higher``."""
        net, at = self._core()
        return ranking(net, at, better, self.level, draws=draws, seed=seed)

    @typed
    def hat_matrix(self, by: str = "comparison", of: tuple[str, str] | None = None) -> HatMatrix:
        """What every direct estimate counts: by ``comparison``, ``design`` or ``trial``."""
        net, at = self._core()
        return hat_matrix(net, at, by, of)

    def flow_measures(self) -> FlowMeasures:
        """Share of direct evidence, mean path length, minimal parallelism of every estimate."""
        return flow_measures(*self._core())

    @typed
    def contributions(
        self, method: str = "random-walk", of: tuple[str, str] | None = None
    ) -> Contributions:
        """Shares of the direct comparisons in every estimate, or in the one of `of`."""
        net, at = self._core()
        return contributions(net, at, method, of)

    @typed
    def trial_contributions(
        self, method: str = "random-walk", of: tuple[str, str] | None = None
    ) -> TrialContributions:
        """Shares of the trials in every estimate, or in the one of `of`."""
        net, at = self._core()
        return trial_contributions(net, at, method, of)

    @typed
    def paths(
        self, treat1: str, treat2: str, method: str = "shortest-path", least: float = 0.0
    ) -> tuple[Path, ...]:
        """The paths of evidence between two treatments, each with its share."""
        net, at = self._core()
        return paths(net, at, treat1, treat2, method, least)

    @typed
    def comparison_funnel(
        self, order: Sequence[str] | None = None, *, level: float | None = None
    ) -> ComparisonFunnel:
        """Small trials against large ones; `order` says which side small trials would favour."""
        net, at = self._core()
        return comparison_funnel(
            net, self.data, order, tau2=at.tau2, level=self.level if level is None else level
        )
