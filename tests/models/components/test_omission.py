"""A component model without each trial: the closed form against fits of the other trials."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equipoise.core.errors import EquipoiseError
from equipoise.effects.blocks import Contrasts
from equipoise.effects.contrasts import contrasts
from equipoise.models.components import components
from equipoise.models.components.basis import identifiability_map
from equipoise.models.components.omission import without_each
from equipoise.models.correlated import shared_effects
from equipoise.num.linalg import gls, in_row_space

GROUPS = ["none", "A", "B", "C", "A+B", "A+C", "B+C", "A+B+C", "D"]
Trials = list[list[tuple[str, float, float]]]


@st.composite
def trials(draw: Any, most: int = 9) -> Trials:
    """Trials of two or three groups with means and variances, joined or not."""
    designs = st.lists(st.sampled_from(GROUPS), min_size=2, max_size=3, unique=True)
    mean = st.integers(-2000, 2000).map(lambda i: i / 256)
    variance = st.integers(8, 512).map(lambda i: i / 256)
    count = draw(st.integers(2, most))
    return [[(t, draw(mean), draw(variance)) for t in draw(designs)] for _ in range(count)]


def build(data: Trials) -> Contrasts:
    rows: dict[str, list[Any]] = {k: [] for k in ("study", "treat1", "treat2", "yi", "vi")}
    for number, groups in enumerate(data):
        for (a, y, v), (b, z, w) in itertools.combinations(groups, 2):
            for key, value in zip(rows, (f"t{number}", a, b, y - z, v + w), strict=True):
                rows[key].append(value)
    return contrasts(measure="MD", **rows)


@settings(max_examples=80, deadline=None)
@given(trials(), st.sampled_from(["common", "DL", "REML"]))
def test_the_closed_form_is_a_fit_of_the_other_trials(data: Trials, model: str) -> None:
    how = {"model": "common"} if model == "common" else {"tau2": model}
    fit = components(build(data), inactive="none", **how)
    V, R = fit.data.V(), shared_effects(fit.data)
    wanted = [fit.row(t) for t in GROUPS[1:] if set(t.split("+")) <= set(fit.components)]
    wanted = [w for w in wanted if in_row_space(fit.design, w)]
    for gone in without_each(fit, (V, R)):
        others = np.array([s != gone.study for s in fit.study])
        X = fit.design[others]
        if not X.any():
            assert not any(gone.tells(w) for w in wanted)
            continue
        again = gls(X, fit.data.yi[others], (V + fit.tau2 * R)[np.ix_(others, others)])
        for w in wanted:
            assert gone.tells(w) == in_row_space(X, w)
            if gone.tells(w):
                assert w @ gone.beta == pytest.approx(w @ again.beta, rel=1e-10, abs=1e-10)


def test_a_trial_a_million_times_as_precise_is_left_out_without_loss() -> None:
    rows = [("A", 1e-9, 0.5), ("A", 2.0, 1.0), ("A", 3.0, 2.0), ("B", 1.0, 0.1)]
    es = contrasts(
        measure="MD",
        yi=[y for _, _, y in rows],
        vi=[v for _, v, _ in rows],
        study=["precise", "x", "y", "z"],
        treat1=[t for t, _, _ in rows],
        treat2=["none"] * 4,
    )
    fit = components(es, inactive="none", model="common")
    gone = without_each(fit, (fit.data.V(), shared_effects(fit.data)))[0]
    assert gone.tells(fit.row("A"))
    assert fit.row("A") @ gone.beta == pytest.approx(
        (1.0 / 2 + 2.0 / 3) / (1 / 2 + 1 / 3), rel=1e-12
    )


@settings(max_examples=25, deadline=None)
@given(trials(), st.booleans())
def test_the_map_has_pairs_as_models_of_their_own_tell_them(data: Trials, refit: bool) -> None:
    """An interaction that the model lacks is that of the same model with it, fitted anew."""
    es = build(data)
    fit = components(es, inactive="none")
    for row in identifiability_map(fit, refit=refit).rows:
        if row.kind != "interaction" or row.effect is None:
            continue
        more = components(es, inactive="none", interactions=[row.what])
        assert row.effect == more.component(row.what)
        values, essential = [], []
        for study in dict.fromkeys(more.study):
            others = [i for i, s in enumerate(more.study) if s != study]
            if not others or not in_row_space(more.design[others], more.row(row.what)):
                if any(
                    w for w, s in zip(more.weights(row.what), more.study, strict=True) if s == study
                ):
                    essential.append(study)
                continue
            if refit:
                rest = more.data.take(others)
                try:
                    again = components(rest, inactive="none", interactions=[row.what])
                except EquipoiseError:
                    continue
                if again.components != more.components:
                    continue
                value = again.component(row.what).estimate
            else:
                V = more.data.V() + more.tau2 * shared_effects(more.data)
                found = gls(more.design[others], more.data.yi[others], V[np.ix_(others, others)])
                value = float(more.row(row.what) @ found.beta)
            if any(
                w for w, s in zip(more.weights(row.what), more.study, strict=True) if s == study
            ):
                values.append(value)
        assert row.essential == tuple(essential)
        for value in values:
            assert row.low - 1e-7 <= value <= row.high + 1e-7
        if values and not refit:
            assert (row.low, row.high) == pytest.approx(
                (min(values), max(values)), rel=1e-9, abs=1e-9
            )
