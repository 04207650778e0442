"""One table of trials in, a report out: every form of table, and what is said of the others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from equipoise.cli.main import app, main
from equipoise.core.errors import EquipoiseError, InputError, UnknownNameError
from equipoise.effects.contrasts import effect_sizes
from equipoise.models.network.fit import NetworkFit
from equipoise.models.pairwise import PairwiseFit, pairwise
from equipoise.present.analysis import analyse

BINARY = """author,year,ai,n1i,ci,n2i,ablat
Aronson,1948,4,123,11,139,44
Ferguson,1949,6,306,29,303,55
Rosenthal,1960,3,231,11,220,42
Hart,1977,62,13598,248,12867,52
"""
EVENTS: dict[str, list[int]] = {
    "events1": [4, 6, 3, 62],
    "n1": [123, 306, 231, 13598],
    "events2": [11, 29, 11, 248],
    "n2": [139, 303, 220, 12867],
}
ARMS = """study,treatment,events,n
1,A,9,140
1,B,23,140
1,C,10,138
2,A,12,100
2,B,20,98
3,B,30,200
3,C,14,205
"""


@pytest.fixture
def save(tmp_path: Path) -> Any:
    def saved(text: str, name: str = "trials.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return saved


def test_the_numbers_are_those_of_python(save: Any) -> None:
    found = analyse(save(BINARY), measure="RR")
    expected = pairwise(effect_sizes("RR", **EVENTS))  # type: ignore[arg-type]
    assert isinstance(found.fit, PairwiseFit)
    assert found.fit.estimate == pytest.approx(expected.estimate, rel=1e-12)
    assert found.fit.ci.low == pytest.approx(expected.ci.low, rel=1e-12)
    assert found.fit.study == ("Aronson", "Ferguson", "Rosenthal", "Hart")
    assert found.columns == {
        "study": "author",
        "events1": "ai",
        "n1": "n1i",
        "events2": "ci",
        "n2": "n2i",
        "order": "year",
    }
    assert [part.id for part in found.parts] == [
        "result",
        "forest",
        "leave-one-out",
        "influence",
        "baujat",
        "cumulative",
        "small-study",
        "report",
    ]
    assert "too few for a funnel plot" in found.parts[6].text[0]
    papers = {method.paper for method in found.methods}
    assert any("Baujat" in paper for paper in papers)
    assert any("Lau" in paper for paper in papers)
    assert len(papers) <= len(found.methods) == len(set(found.methods))


@pytest.mark.parametrize(
    ("spread", "text"),
    [
        ("vi", "study,yi,vi\na,0.1,0.04\nb,0.3,0.09\nc,-0.2,0.01\n"),
        ("sei", "study,TE,seTE\na,0.1,0.2\nb,0.3,0.3\nc,-0.2,0.1\n"),
    ],
)
def test_estimates_on_the_scale_of_analysis(save: Any, spread: str, text: str) -> None:
    found = analyse(save(text), measure="RR", model="common")
    fit = found.fit
    assert isinstance(fit, PairwiseFit)
    assert fit.vi == pytest.approx([0.04, 0.09, 0.01])
    assert fit.yi == pytest.approx([0.1, 0.3, -0.2])
    assert spread in found.columns


def test_estimates_as_printed_are_ratios(save: Any) -> None:
    text = "study,estimate,lower,upper\na,0.50,0.25,1.00\nb,2.00,1.00,4.00\n"
    fit = analyse(save(text), measure="OR", model="common").fit
    assert isinstance(fit, PairwiseFit)
    assert fit.estimate == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        ("HR", "study,HR,lower,upper\na,0.50,0.25,1.00\nb,2.00,1.00,4.00\n"),
        ("HR", "study,Hazard ratio,ci_low,ci_high\na,0.50,0.25,1.00\nb,2.00,1.00,4.00\n"),
        ("OR", "study,or,log_or,se\na,0.5,-0.3,0.2\nb,2.00,0.3,0.2\n"),
        ("HR", "study,lnHR,variance\na,-0.3,0.04\nb,0.3,0.04\n"),
        ("MD", "study,md,se\na,-0.3,0.2\nb,0.3,0.2\n"),
    ],
)
def test_a_column_may_be_headed_with_the_measure(save: Any, measure: str, text: str) -> None:
    found = analyse(save(text), measure=measure, model="common")
    assert isinstance(found.fit, PairwiseFit)
    assert found.fit.estimate == pytest.approx(0.0, abs=1e-12)
    assert found.fit.vi[0] == pytest.approx(found.fit.vi[1])


def test_a_ratio_beside_a_standard_error_is_asked_about(save: Any) -> None:
    with pytest.raises(InputError, match=r"HR beside a standard error .* Try: loghr or yi"):
        analyse(save("study,HR,se\na,0.5,0.2\nb,2.0,0.2\n"), measure="HR")


def test_headings_may_be_named(save: Any) -> None:
    text = BINARY.replace("ai,", "dead,")
    found = analyse(save(text), measure="RR", columns={"events1": "dead"})
    assert found.columns["events1"] == "dead"
    with pytest.raises(InputError, match="do not make RR"):
        analyse(save(text), measure="RR")
    with pytest.raises(UnknownNameError, match="dead"):
        analyse(save(text), measure="RR", columns={"events1": "deed"})
    with pytest.raises(InputError, match="no column 'event' is wanted"):
        analyse(save(text), measure="RR", columns={"event": "dead"})


def test_one_row_an_arm_with_several_treatments_is_a_network(save: Any) -> None:
    found = analyse(save(ARMS), measure="OR", reference="A", better="lower")
    assert isinstance(found.fit, NetworkFit)
    assert found.fit.reference == "A"
    assert {part.id for part in found.parts} >= {"league", "split", "ranking", "contributions"}


def many(k: int) -> str:
    rows = [
        f"Trial {i},{1960 + i},{3 + i % 7},{90 + 9 * i},{6 + i % 11},{95 + 9 * i}" for i in range(k)
    ]
    return "\n".join(["study,year,events1,n1,events2,n2", *rows]) + "\n"


@pytest.mark.parametrize(
    ("k", "drawn"),
    [
        (1, ["forest"]),
        (2, ["forest", "cumulative"]),
        (9, ["forest", "leave-one-out", "influence", "baujat", "cumulative"]),
        (10, ["forest", "leave-one-out", "influence", "baujat", "cumulative", "funnel"]),
        (30, ["forest", "leave-one-out", "influence", "baujat", "cumulative", "funnel"]),
    ],
)
def test_the_figures_that_a_reviewer_expects(save: Any, k: int, drawn: list[str]) -> None:
    parts = analyse(save(many(k)), measure="RR", better="lower").parts
    assert [part.id for part in parts if part.figure is not None] == drawn
    assert all(part.figure.narrow for part in parts if part.figure is not None)
    folded = {part.id for part in parts if part.folded}
    assert folded == ({"leave-one-out", "influence", "cumulative"} if k == 30 else set())
    assert parts[0].text
    assert parts[0].printed


def test_a_network_is_drawn(save: Any) -> None:
    parts = analyse(save(ARMS), measure="OR", reference="A", better="lower").parts
    drawn = [part.id for part in parts if part.figure is not None]
    assert drawn[:2] == ["graph", "forest"]


def test_figures_of_a_network_are_no_wider_than_the_page(save: Any) -> None:
    names = [f"Treatment number {i}" for i in range(1, 13)]
    rows = ["study,treat,events,n"]
    for i, one in enumerate(names):
        for two in (names[(i + 1) % 12], names[(i + 5) % 12]):
            rows += [f"{one} {two},{one},{5 + i},60", f"{one} {two},{two},{9 + i},61"]
    found = analyse(save("\n".join(rows)), measure="OR", better="lower")
    wide = {p.id: re.search(r'width="([0-9.]+)"', p.figure.svg) for p in found.parts if p.figure}
    assert {"league", "net-heat", "contributions"} <= {*wide}
    assert all(size is not None and float(size[1]) <= 920 for size in wide.values())
    assert all(p.figure.narrow for p in found.parts if p.figure)
    last = found.parts[-1]
    assert last.id == "report"
    assert last.text == tuple(line for line in found.fit.report().splitlines() if line)


def test_a_part_that_cannot_be_had_says_why(save: Any) -> None:
    text = "study,treat1,treat2,yi,vi\n1,A,P,-0.4,0.1\n2,B,P,-0.2,0.1\n"
    found = analyse(save(text), measure="OR", reference="P")
    part = next(p for p in found.parts if p.id == "net-heat")
    assert part.figure is None
    assert "Try: " in part.text[0]


def test_a_network_of_rare_events_shows_every_method(save: Any) -> None:
    rare = ARMS.replace("1,A,9,140", "1,A,0,140")
    found = analyse(save(rare), measure="OR", reference="A")
    part = next(p for p in found.parts if p.id == "methods")
    assert part.table is not None
    assert "Mantel–Haenszel" in part.table.column("method")
    assert "depend" in part.text[0]
    assert "methods" not in {p.id for p in analyse(save(ARMS), measure="OR").parts}


COMBINED = """study,treat,events,n
1,usual,10,50
1,A,15,52
2,usual,12,60
2,A+B,25,61
3,A,20,80
3,A+B,26,82
4,B,9,40
4,usual,8,41
5,B,11,50
5,A,12,48
"""


def test_a_network_of_combinations_is_drawn_with_its_components(save: Any) -> None:
    found = analyse(save(COMBINED), measure="OR", better="higher", reference="usual")
    drawn = [part.id for part in found.parts if part.figure is not None]
    expected = ["graph", "forest", "league", "split", "net-heat", "ranking", "contributions"]
    assert drawn == [*expected, "components", "identifiability"]
    ids = [part.figure.name for part in found.parts if part.figure is not None]
    assert len(set(ids)) == len(ids)
    plain = analyse(save(COMBINED.replace("A+B", "C")), measure="OR", reference="usual")
    assert "components" not in [part.id for part in plain.parts]


def test_meta_regression_and_order(save: Any) -> None:
    found = analyse(save(BINARY), measure="RR", mods="~ ablat", order="ablat", tau2="DL")
    part = next(p for p in found.parts if p.id == "regression")
    assert any("ablat" in line for line in part.printed)
    steps = next(p for p in found.parts if p.id == "cumulative")
    assert steps.figure is not None
    assert steps.figure.table.column("trial")[0] == "Rosenthal"
    drawn = next(p for p in found.parts if p.id == "bubble-1")
    assert drawn.figure is not None
    assert "ablat" in drawn.title
    with pytest.raises(InputError, match="no column 'yeer'"):
        analyse(save(BINARY), measure="RR", order="yeer")


@pytest.mark.parametrize(
    ("text", "measure", "message"),
    [
        (BINARY, "MD", "do not make MD.*fit"),
        (BINARY.replace("4,123", "124,123"), "RR", "124 events in 123"),
        (BINARY.replace("11,139", "eleven,139"), "RR", "trials.csv:2: column ci"),
        ("study,yi\na,1\n", "MD", "do not make MD"),
        (BINARY, "RX", "unknown measure"),
    ],
)
def test_what_will_not_do(save: Any, text: str, measure: str, message: str) -> None:
    with pytest.raises(EquipoiseError, match=message):
        analyse(save(text), measure=measure)


def test_the_report_is_whole_and_the_same_each_time(save: Any, tmp_path: Path) -> None:
    path = save(BINARY)
    files = analyse(path, measure="RR", better="lower").files()
    assert files == analyse(path, measure="RR", better="lower").files()
    page = files["index.html"].decode()
    for target in re.findall(r'href="([^"#:]+)"', page):
        assert target in files, target
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert files["forest.svg"].startswith(b"<svg")
    result = json.loads(files["result.json"])
    assert result["fit"]["measure"] == "RR"
    assert files["effects.csv"].decode().splitlines()[0].startswith("study,treat1,treat2,yi,vi,sei")
    saved = analyse(path, measure="RR").save(tmp_path / "out")
    assert saved.name == "index.html"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="holds files"):
        analyse(path, measure="RR").save(tmp_path / "mine")


def test_the_command(save: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(BINARY)
    run = CliRunner().invoke
    done = run(app, ["analyse", str(path), "-m", "RR", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert "risk ratio 0.2" in done.output
    assert "Report: " in done.output
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    done = run(app, ["analyse", str(path), "-m", "RR", "--json", "--column", "events1=ai"])
    assert json.loads(done.output)["fit"]["k"] == 4
    assert set(tmp_path.iterdir()) == before
    assert run(app, ["analyse", str(path), "-m", "RR"]).exit_code == 0
    report = tmp_path / f"{path.stem}-report"
    assert {"index.html", "forest.svg", "result.json"} <= {p.name for p in report.iterdir()}
    assert run(app, ["analyse", str(path)]).exit_code == 2
    monkeypatch.setattr(
        "sys.argv", ["equipoise", "analyse", str(path), "-m", "RR", "--column", "x"]
    )
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
