"""Interactions of components chosen one by one, with how many were tried."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from equipoise.core.arguments import typed
from equipoise.core.errors import InputError, NotEstimableError, UnknownNameError
from equipoise.core.order import natural
from equipoise.core.result import Method, Note, Result
from equipoise.core.table import Column, Table, counted, significant
from equipoise.effects.blocks import Contrasts
from equipoise.effects.columns import make_frame
from equipoise.models.components.fit import ComponentFit, components
from equipoise.models.components.reading import TIMES, design, parts_of
from equipoise.models.network.fit import NetworkFit
from equipoise.models.network.subgroups import HOLM, holm
from equipoise.num.linalg import rank

ADJUSTMENTS = ("Holm", "none")


@dataclass(frozen=True, slots=True)
class Tried(Result):
    """One interaction that was tried in a step.

    Attributes
    ----------
    step, interaction
        The step, from 1, and the interaction.
    q_difference
        What it takes off Q of the model so far, at tau² = 0, on 1 degree of freedom.
    estimate, se
        Its estimate beside the interactions chosen so far, tau² estimated anew.
    p_value
        Of that estimate (for a common effect, of the difference of Q).
    p_holm, p_all
        Adjusted by Holm for the candidates of the step, and by Bonferroni for all that were tried
        in all steps.
    chosen
        Whether it was taken.
    """

    step: int
    interaction: str
    q_difference: float
    estimate: float
    se: float
    p_value: float
    p_holm: float
    p_all: float
    chosen: bool


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ForwardSelection(Result):
    """Interactions chosen one by one, everything that was tried, and the model at the end.

    Attributes
    ----------
    enter, adjust
        What a p value must be below for an interaction to be taken, and how it is adjusted.
    chosen
        The interactions taken, in order.
    tried
        Everything that was tried, step by step.
    additive, fit
        The model without interactions, and with those chosen.
    stopped
        Why no more was taken.
    notes, methods
        What to know; the papers.
    """

    enter: float
    adjust: str
    chosen: tuple[str, ...]
    tried: tuple[Tried, ...]
    additive: ComponentFit
    fit: ComponentFit
    stopped: str
    notes: tuple[Note, ...]
    methods: tuple[Method, ...] = ()

    def table(self) -> Table:
        """Everything that was tried, step by step."""
        columns = (
            Column("step", "step", "count", "right"),
            Column("interaction", "interaction"),
            Column("q", "Q taken off", align="right"),
            Column("p", "p", "p", "right"),
            Column("holm", "p, Holm in the step", "p", "right"),
            Column("all", "p, all that were tried", "p", "right"),
            Column("chosen", "taken"),
        )
        rows = tuple(
            (
                t.step,
                t.interaction,
                significant(t.q_difference, 4),
                t.p_value,
                t.p_holm,
                t.p_all,
                "taken" if t.chosen else "",
            )
            for t in self.tried
        )
        return Table("Forward selection of interactions", columns, rows)

    def summary(self) -> str:
        """What was tried and taken, the model at the end, and what to know."""
        return "\n".join([*self._lines(), *(f"Note: {note}" for note in self.notes)])

    def _lines(self) -> Iterator[str]:
        yield self.table().to_text()
        yield f"Taken: {', '.join(self.chosen) or 'none'}. {self.stopped}"
        yield ""
        yield self.fit.summary()

    def to_frame(self, backend: str | None = None) -> Any:
        """Return a data frame with one row for each interaction tried in a step, uncut."""
        names = list(Tried.__dataclass_fields__)
        return make_frame({n: [getattr(t, n) for t in self.tried] for n in names}, backend)

    def __repr__(self) -> str:
        return (
            f"<ForwardSelection: {len(self.chosen)} of {len(self.tried)} tried taken: "
            f"{', '.join(self.chosen) or 'none'}>"
        )

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@typed
def forward_interactions(
    es: Contrasts | NetworkFit,
    *,
    inactive: str | None = None,
    enter: float = 0.05,
    adjust: Literal["Holm", "none"] = "Holm",
    most: int | None = None,
    model: str | None = None,
    tau2: str | None = None,
    level: float | None = None,
) -> ForwardSelection:
    """Choose interactions of two components one by one, and say how many were tried.

    Parameters
    ----------
    es, inactive, model, tau2, level
        As for :func:`equipoise.components`.
    enter
        The smallest p value of a step must be below this.
    adjust
        ``Holm``: that p value is adjusted for all candidates of its step; ``none``: it is not.
    most
        Largest number of interactions; None for any.

    Returns
    -------
    ForwardSelection

    Raises
    ------
    NotEstimableError
        When the trials can tell no interaction.
    InputError, UnknownNameError
        On a level of entry that is none, or another adjustment.

    Notes
    -----
    Candidates are all pairs of components that some group had together and that the trials can
    tell beside what is in the model. Each is fitted with tau² estimated anew, so that under random
    effects heterogeneity is not taken for an interaction. Choosing by p values makes the chosen
    effects too large on average and their intervals too narrow: a hypothesis, and no finding.

    Source: Rücker, Petropoulou, Schwarzer 2020, Biom J 62:808, doi:10.1002/bimj.201800167, section
    on selection, with the multiplicity stated. Holm 1979, Scand J Stat 6:65.
    """
    if not 0.0 < enter < 1.0:
        raise InputError(f"a p value of {enter:g} to enter", hint="0.05")
    if adjust not in ADJUSTMENTS:
        raise UnknownNameError("adjustment", adjust, ADJUSTMENTS)
    how: dict[str, Any] = {"inactive": inactive, "model": model, "tau2": tau2, "level": level}
    additive = now = components(es, **how)
    pairs = _pairs(additive)
    chosen: list[str] = []
    tried: list[Tried] = []
    stopped = "No more interactions can be told."
    while most is None or len(chosen) < most:
        step = _step(es, how, now, chosen, [p for p in pairs if p not in chosen])
        if not step:
            break
        place = min(range(len(step)), key=lambda i: (step[i][0].p_value, step[i][0].interaction))
        best, fit = step[place]
        taken = (best.p_holm if adjust == "Holm" else best.p_value) < enter
        for i, (one, _) in enumerate(step):
            tried.append(dataclasses.replace(one, chosen=taken and i == place))
        if not taken:
            kind = "Holm-adjusted " if adjust == "Holm" else ""
            stopped = (
                f"Stopped at step {best.step}: the smallest {kind}p value, that of "
                f"{best.interaction}, is not below {enter:g}."
            )
            break
        chosen.append(best.interaction)
        now = fit
    else:
        stopped = f"Stopped at {most} interaction{'' if most == 1 else 's'}, as asked."
    if not tried:
        raise NotEstimableError(
            "the trials can tell no interaction of two components",
            hint="trials of a combination beside trials of its parts",
        )
    done = tuple(dataclasses.replace(t, p_all=min(1.0, len(tried) * t.p_value)) for t in tried)
    return ForwardSelection(
        enter,
        adjust,
        tuple(chosen),
        done,
        additive,
        now,
        stopped,
        _notes(done, chosen, adjust),
        (*now.methods, *((HOLM,) if adjust == "Holm" else ())),
    )


def _pairs(fit: ComponentFit) -> list[str]:
    """Pairs that some group had together."""
    treats = dict.fromkeys((*fit.treat1, *fit.treat2))
    held = (sorted(parts_of(t, fit.inactive), key=natural) for t in treats)
    return sorted(
        {TIMES.join(pair) for parts in held for pair in combinations(parts, 2)}, key=natural
    )


def _step(
    es: Contrasts | NetworkFit,
    how: dict[str, Any],
    now: ComponentFit,
    chosen: list[str],
    candidates: list[str],
) -> list[tuple[Tried, ComponentFit]]:
    so_far = rank(now.design)
    found = []
    for name in candidates:
        if rank(design(now.data, (*now.components, name), now.inactive)) == so_far:
            continue
        fit = components(es, interactions=[*chosen, name], **how)
        effect = fit.effect(name)
        off = max(0.0, now.q - fit.q)
        one = Tried(
            len(chosen) + 1, name, off, effect.estimate, effect.se, effect.p_value, 1.0, 1.0, False
        )
        found.append((one, fit))
    adjusted = holm([one.p_value for one, _ in found])
    return [
        (dataclasses.replace(one, p_holm=p), fit)
        for (one, fit), p in zip(found, adjusted, strict=True)
    ]


def _notes(tried: tuple[Tried, ...], chosen: list[str], adjust: str) -> tuple[Note, ...]:
    steps = tried[-1].step
    candidates = len({t.interaction for t in tried})
    one = candidates == 1
    text = (
        f"{counted(candidates, 'interaction')} {'was a candidate' if one else 'were candidates'}, "
        f"and {counted(len(tried), 'test')} {'was' if len(tried) == 1 else 'were'} made in "
        f"{counted(steps, 'step')}."
    )
    if adjust == "none":
        text += (
            f" Without an adjustment, {len(tried)} tests of nothing find "
            f"{significant(0.05 * len(tried), 2)} below 0.05 on average."
        )
    notes = [Note("multiplicity", text)]
    if chosen:
        text = (
            "Effects that were chosen because their p values were small are too large on average, "
            "and their intervals too narrow. Take them as a hypothesis for new trials."
        )
        notes.append(Note("chosen-by-p-value", text))
    return tuple(notes)
