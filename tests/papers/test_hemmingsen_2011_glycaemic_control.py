"""Intensive glycaemic control in type 2 diabetes: how many people are needed.

Hemmingsen B, Lund SS, Gluud C, Vaag A, Almdal T, Hemmingsen C, Wetterslev J (2011). BMJ 343:d6898,
doi:10.1136/bmj.d6898: "Only 27,958 participants (44%) of the heterogeneity-adjusted required
information size of 63,446", for a relative risk reduction of 10% of myocardial infarction, alpha
5%, power 80%; I² was 0%. The risk of 4.5% in the control groups gives that size.
"""

from __future__ import annotations

import math

from equipoise.effects.contrasts import effect_sizes
from equipoise.models.boundaries import alpha_spent
from equipoise.models.information import required_information
from equipoise.models.sequential import sequential


def test_the_size() -> None:
    need = required_information(control_risk=0.045, relative_reduction=0.10)
    assert math.ceil(need.adjusted) == 63_446
    assert need.needed == "63,446 people"


def test_the_share_that_the_trials_hold() -> None:
    need = required_information(control_risk=0.045, relative_reduction=0.10)
    es = effect_sizes("RR", events1=[400], n1=[13_979], events2=[450], n2=[13_979])
    found = sequential(es, need)
    assert found.statement.startswith("The trials hold 27,958 of 63,446 people (44%) needed")


def test_what_is_spent() -> None:
    """Lan and DeMets' function of O'Brien and Fleming's type at quarters of the information."""
    spent = alpha_spent([0.25, 0.5, 0.75, 1.0]).tolist()
    assert [float(f"{x:.3g}") for x in spent[:2]] == [0.0000886, 0.00557]
    assert [round(x, 5) for x in spent[2:]] == [0.02363, 0.05]
