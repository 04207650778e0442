"""Isoniazid against tuberculosis in people with HIV: the size for moderate evidence.

Thorlund K, Anema A, Mills E (2010). Interpreting meta-analysis according to the adequacy of sample
size. Clin Epidemiol 2:57–66, doi:10.2147/CLEP.S9242, figure 4: 19,920 for alpha 1%, beta 10%,
a risk of 5% in the control group and a relative risk reduction of 25%. The figure says nothing of
heterogeneity; a diversity of 20% gives its number.
"""

from __future__ import annotations

import math

from equipoise.models.information import required_information


def test_the_sizes() -> None:
    need = required_information(
        control_risk=0.05, relative_reduction=0.25, alpha=0.01, power=0.9, heterogeneity=20
    )
    assert math.ceil(need.size) == 15_936
    assert math.ceil(need.adjusted) == 19_920
