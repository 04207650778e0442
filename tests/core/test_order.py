"""The order of names."""

from __future__ import annotations

import pytest

import equipoise as eq
from equipoise.core.order import all_natural, natural


@pytest.mark.parametrize(
    "names",
    [
        ["Drug 1", "Drug 2", "Drug 10"],
        ["A", "A2", "A2b", "A10", "B1"],
        ["0.5 mg", "2 mg", "2.5 mg", "10 mg"],
        ["A+B", "A+B2", "A+B10"],
        ["x", "x 1", "y"],
        ["3", "12", "a"],
        ["01", "1", "a"],
    ],
)
def test_numbers_count_by_their_size(names: list[str]) -> None:
    assert sorted(names, key=natural) == names
    names.reverse()
    assert sorted(names, key=natural) == names[::-1]


def test_sets_of_names_and_odd_digits() -> None:
    assert sorted([("B 10",), ("B 2",)], key=all_natural) == [("B 2",), ("B 10",)]
    assert sorted(["²", "a", "٣", "1"], key=natural)[0] == "1"


def test_a_network_lists_its_treatments_so() -> None:
    names = ["Drug 10", "Drug 2", "Drug 1", "Placebo"]
    es = eq.contrasts(
        yi=[0.1, 0.2, 0.3],
        vi=[0.1, 0.1, 0.2],
        study=["a", "b", "c"],
        treat1=names[:3],
        treat2=["Placebo"] * 3,
        measure="MD",
    )
    wanted = ("Drug 1", "Drug 2", "Drug 10", "Placebo")
    fit = eq.network(es)
    assert fit.treatments == wanted
    assert [row[0] for row in fit.against("Placebo").rows] == list(wanted[:3])
    parts = eq.components(es, inactive="Placebo")
    assert parts.components == wanted[:3]
    both = eq.contrasts(
        yi=[0.1, 0.2, 0.3],
        vi=[0.1, 0.1, 0.2],
        study=["a", "b", "c"],
        treat1=["Drug 10+Drug 2", "Drug 2", "Drug 10"],
        treat2=["Placebo"] * 3,
        measure="MD",
    )
    found = eq.components(both, inactive="Placebo", interactions="identifiable")
    assert found.interactions == ("Drug 2*Drug 10",)
    assert found.effect("Drug 10*Drug 2") == found.effect("Drug 2*Drug 10")
