"""Continuous outcomes of arms: standardised means, their covariances, and checks of spreads."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from equipoise.core.errors import InputError
from equipoise.effects.binary import check_sizes
from equipoise.effects.columns import Floats


def small_sample_factor(df: float | Floats) -> Floats:
    """Return Hedges' exact correction of a standardised mean difference.

    ``J = gamma(df/2) / (sqrt(df/2) gamma((df - 1)/2))``.

    Source: Hedges 1981, J Educ Stat 6:107, doi:10.3102/10769986006002107.
    """
    m = np.asarray(df, dtype=np.float64)
    ratio = special.gammaln(0.5 * m) - special.gammaln(0.5 * (m - 1.0))
    return np.asarray(np.exp(ratio - 0.5 * np.log(0.5 * m)), dtype=np.float64)


def standardised(mean: Floats, sd: Floats, n: Floats) -> tuple[Floats, float]:
    """Return each arm's mean in corrected pooled standard deviations, and the people in all.

    The standard deviation is pooled over all arms of the trial, so that the differences of a trial
    with several arms add up.

    Parameters
    ----------
    mean, sd, n
        One value per arm of one trial.

    Returns
    -------
    values, people
        Means divided by the pooled SD and multiplied by the exact small-sample factor, measured
        from the first arm; and the total N.
    """
    people = float(n.sum())
    df = people - n.size
    pooled = math.sqrt(float(((n - 1.0) * sd**2).sum()) / df)
    return (mean - mean[0]) / pooled * float(small_sample_factor(df)), people


def smd_covariance(g: Floats, n: Floats, base: float, people: float) -> Floats:
    """Return the covariance matrix of a trial's standardised differences from one base arm.

    ``1/n_i + 1/n_0 + g_i²/(2N)`` on the diagonal, ``1/n_0 + g_i g_j/(2N)`` off it.

    Parameters
    ----------
    g, n
        Differences from the base arm and the sizes of the other arms.
    base, people
        The base arm's size, and N over all arms.

    Source: Gleser & Olkin 2009, chapter 19 of The Handbook of Research Synthesis and
    Meta-Analysis, 2nd edition (Cooper, Hedges, Valentine, eds).
    """
    return np.diag(1.0 / n) + 1.0 / base + np.outer(g, g) / (2.0 * people)


def check_spread(
    sd: Floats, n: Floats, study: Sequence[str], *, columns: tuple[str, str] = ("sd", "n")
) -> None:
    """Refuse group sizes below 2 and negative standard deviations.

    Raises
    ------
    InputError
        Names the study, the column, the value and the likely cause.
    """
    check_sizes(n, study, column=columns[1], least=2)
    for row, value in enumerate(sd.tolist()):
        if value < 0.0:
            raise InputError(
                f"a standard deviation of {value:g}",
                where=f"study {study[row]}, column {columns[0]}",
                hint="0 or more; is it a change from baseline in the wrong column?",
            )
