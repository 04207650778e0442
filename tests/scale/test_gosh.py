"""Every subset of the trials: the same numbers as one fit at a time, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from equipoise.core.errors import InputError
from equipoise.effects.contrasts import contrasts
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.scale.gosh import Gosh, gosh

YI = [-0.89, -1.59, -1.35, -1.44, -0.22, -0.79]
VI = [0.326, 0.195, 0.415, 0.020, 0.051, 0.007]


def fitted(**how: object) -> PairwiseFit:
    es = contrasts(yi=YI, vi=VI, measure="RR", study=list("abcdef"))
    return pairwise(es, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("how", [{"tau2": "REML"}, {"tau2": "DL"}, {"model": "common"}])
@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_each_subset_is_a_fit_of_its_own(how: dict[str, str], backend: str) -> None:
    fit = fitted(**how)
    found = gosh(fit, backend=backend)
    assert found.whole
    assert len(found) == 2**6 - 6 - 1
    assert len({tuple(row) for row in found.member.tolist()}) == len(found)
    es = contrasts(yi=YI, vi=VI, measure="RR")
    for row in range(0, len(found), 5):
        one = pairwise(es.take(np.flatnonzero(found.member[row]).tolist()), **how)  # type: ignore[arg-type]
        assert found.k[row] == one.k
        assert found.estimate[row] == pytest.approx(one.estimate, rel=1e-10)
        assert found.q[row] == pytest.approx(one.q, rel=1e-10)
        assert found.tau2[row] == pytest.approx(one.tau2, rel=1e-9, abs=1e-14)
        if how.get("model") != "common":
            assert found.i2[row] == pytest.approx(one.i2, rel=1e-9, abs=1e-9)


def test_a_sample_is_distinct_fair_and_the_same_each_time() -> None:
    es = contrasts(yi=np.linspace(-1, 1, 30), vi=np.full(30, 0.2), measure="MD")
    fit = pairwise(es, tau2="DL")
    one, two = gosh(fit, subsets=3000), gosh(fit, subsets=3000)
    assert not one.whole
    assert len(one) == 3000
    assert len({tuple(row) for row in one.member.tolist()}) == 3000
    assert (one.member == two.member).all()
    assert one.member.mean(axis=0) == pytest.approx(np.full(30, 0.5), abs=0.05)
    assert one.k.min() >= 2
    assert "3000 of the" in one.notes[0].text


def test_a_trial_that_pulls_shows_in_the_table() -> None:
    es = contrasts(yi=[0.0, 0.1, -0.1, 0.0, 3.0], vi=[0.1] * 5, measure="SMD", study=list("abcde"))
    table = gosh(pairwise(es)).table()
    row = table.column("study").index("e")
    assert table.column("i2_with")[row] > 50 > table.column("i2_without")[row]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("fit", "how", "message"),
    [
        (fitted(tau2="SJ"), {}, "tau² by SJ"),
        (fitted(), {"subsets": 0}, "0 subsets"),
        (pairwise(contrasts(yi=[1, 2], vi=[1, 1], measure="MD")), {}, "subsets of 2 trials"),
    ],
)
def test_what_is_refused(fit: PairwiseFit, how: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        gosh(fit, **how)  # type: ignore[arg-type]


def test_it_is_a_result() -> None:
    found = gosh(fitted())
    assert Gosh.from_dict(json.loads(json.dumps(found.to_dict()))).to_dict() == found.to_dict()
    assert "all 57 subsets" in repr(found)
    assert "Subsets share trials" in found.summary()
    assert list(found.to_frame("pandas").columns)[-1] == "f"
    assert "<table" in found._repr_html_()
