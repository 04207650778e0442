"""The plot of a posterior: curves within the frame, and a table that is the posterior."""

from __future__ import annotations

import math

import pytest

import equipoise as eq
from equipoise.core.errors import InputError
from equipoise.models.bayes.pairwise import BayesPairwise
from equipoise.present.figures.posterior_plot import plot_posterior


def fitted(tau: object, k: int = 5, effect: object = None) -> BayesPairwise:
    es = eq.contrasts(
        yi=[-0.9, -0.1, -0.5, 0.2, -0.7][:k],
        vi=[0.1, 0.08, 0.2, 0.15, 0.05][:k],
        study=list("abcde")[:k],
        measure="OR",
    )
    return eq.bayes(es, tau=tau, effect=effect)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(
    ("tau", "k"),
    [
        (eq.priors.half_normal(0.5), 5),
        (eq.priors.uniform(), 5),
        (eq.priors.half_cauchy(0.5), 1),
        (eq.priors.turner(), 2),
        (0.0, 3),
        (0.3, 3),
    ],
)
def test_curves_of_effects_and_tau(tau: object, k: int) -> None:
    post = fitted(tau, k)
    figure = plot_posterior(post)
    assert figure.svg == plot_posterior(post).svg
    assert "nan" not in figure.svg
    assert "<g><title>The mean effect" in figure.svg
    assert ("<g><title>Tau" in figure.svg) is not post.grid.known
    assert ("<g><title>The effect in a new trial" in figure.svg) is (tau != 0.0)
    assert len(figure.svg) < 30_000


def test_the_table_is_the_posterior() -> None:
    post = fitted(eq.priors.half_normal(0.5), effect=eq.priors.normal(0.0, 1.0))
    table = plot_posterior(post).table
    assert table.column("quantity") == (
        "mean effect",
        "effect in a new trial",
        "tau",
        "tau before the trials",
    )
    assert table.column("median")[0] == f"{math.exp(post.mu.median):.2f}"
    assert table.column("median")[3] == "0.337"
    assert "half-normal(0.5)" in table.notes[0]


def test_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="what bayes"):
        plot_posterior(1.0)  # type: ignore[arg-type]
