"""The command line, run as a user runs it."""

import json
import subprocess
import sys

import pytest

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.cli.main import main
from equipoise.review.folder import open_review

DAY = ["--on", "2026-11-23"]


def run(*args, cwd=None):
    return subprocess.run(
        [sys.executable, "-c", "from equipoise.cli.main import main; main()", *args],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=None,
        check=False,
    )


def called(monkeypatch, capsys, where, *args):
    """The exit code, what was printed, and what was said of errors, in this process."""
    monkeypatch.chdir(where)
    monkeypatch.setattr(sys, "argv", ["equipoise", *args])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code or 0, *capsys.readouterr()


def test_help_names_every_verb_and_loads_no_numerics():
    code = (
        "import sys\n"
        "from equipoise.cli.main import main\n"
        "sys.argv = ['equipoise', '--help']\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print([m for m in ('numpy', 'scipy', 'jinja2', 'pydantic') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for verb in ("new", "check", "answer", "build"):
        assert f"  {verb} " in done.stdout
    assert done.stdout.rstrip().endswith("[]")


def test_answer_loads_no_slow_part_of_scipy():
    code = (
        "import sys\n"
        "import equipoise.cli.verbs.answer\n"
        "slow = ('scipy.stats', 'scipy.optimize', 'scipy.linalg', 'pandas', 'jinja2', 'narwhals')\n"
        "print([m for m in slow if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def told():
    done = run("answer", "prolotherapy-low-back-pain", *DAY)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_answer_prints_everything_in_at_most_two_screens(told):
    assert len(told.splitlines()) <= 80
    assert max(len(line.rstrip()) for line in told.splitlines()) <= 80
    for part in (
        "Should I try prolotherapy for low back pain?",
        "As of July 2009: We do not know",
        "Alone ",
        "Added ",
        "Together ",
        "Ongley 1987 cannot be attributed to prolotherapy",
        "Harms",
        "Why this sure",
        "What would change this answer",
        "Not medical advice",
    ):
        assert part in " ".join(told.split()) or part in told
    assert "⟦" not in told


def test_the_date_of_the_search_comes_before_the_verdict(told):
    assert told.index("Out of date") < told.index("We do not know")


def test_json_is_the_whole_answer():
    done = run("answer", "prolotherapy-low-back-pain", "--json", *DAY)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    answer = Answer.from_dict(data)
    assert answer.to_dict() == data
    assert answer.verdict.code == "UNKNOWN"


def test_a_path_works_like_a_slug(tmp_path):
    review = open_review("prolotherapy-knee-osteoarthritis")
    folder = tmp_path / review.slug
    folder.mkdir()
    for name, text in review.text.items():
        (folder / name).write_bytes(text.encode())
    done = run("answer", str(folder), "--json", *DAY)
    assert done.returncode == 0, done.stderr
    assert Answer.from_dict(json.loads(done.stdout)).verdict == assess(review).verdict


def test_an_unknown_slug_offers_the_nearest():
    done = run("answer", "prolotherapy-low-backpain")
    assert done.returncode == 2
    assert "prolotherapy-low-back-pain" in done.stderr
    assert "Traceback" not in done.stderr


HEAD = "study,events1,n1,events2,n2\n"
SOUND = HEAD + "A,1,10,2,10\nB,3,20,4,20\nC,2,30,4,30\n"

#: How each verb is asked for something that it does not have or cannot read.
MISUSED = {
    "answer, no review": ["answer"],
    "no such verb": ["no-such-verb"],
    "answer, unknown review": ["answer", "no-such-review"],
    "answer, no day": ["answer", "prolotherapy-low-back-pain", "--on", "tomorrow"],
    "check, unknown review": ["check", "no-such-review"],
    "check, no day": ["check", "prolotherapy-low-back-pain", "--on", "2026-13-01"],
    "build, unknown review": ["build", "no-such-review", "-o", "site"],
    "build, nowhere": ["build", "prolotherapy-low-back-pain"],
    "export, unknown kind": ["export", "prolotherapy-low-back-pain", "-o", "x", "--kind", "xls"],
    "export, unknown review": ["export", "no-such-review", "-o", "x"],
    "analyse, no measure": ["analyse", "trials.csv"],
    "analyse, no file": ["analyse", "no.csv", "-m", "RR"],
    "analyse, a folder": ["analyse", ".", "-m", "RR"],
    "analyse, measure": ["analyse", "trials.csv", "-m", "RX"],
    "analyse, other measure": ["analyse", "trials.csv", "-m", "MD"],
    "analyse, column": ["analyse", "trials.csv", "-m", "RR", "--column", "events1=deaths"],
    "analyse, no pair": ["analyse", "trials.csv", "-m", "RR", "--column", "events1"],
    "analyse, unwanted": ["analyse", "trials.csv", "-m", "RR", "--column", "deaths=events1"],
    "analyse, tau2": ["analyse", "trials.csv", "-m", "RR", "--tau2", "RMEL"],
    "analyse, model": ["analyse", "trials.csv", "-m", "RR", "--model", "fixed"],
    "analyse, interval": ["analyse", "trials.csv", "-m", "RR", "--interval", "exact"],
    "analyse, preset": ["analyse", "trials.csv", "-m", "RR", "--preset", "cochran"],
    "analyse, level": ["analyse", "trials.csv", "-m", "RR", "--level", "95"],
    "analyse, level in words": ["analyse", "trials.csv", "-m", "RR", "--level", "high"],
    "analyse, moderator": ["analyse", "trials.csv", "-m", "RR", "--mods", "~ dose"],
    "analyse, formula": ["analyse", "trials.csv", "-m", "RR", "--mods", "~ ("],
    "analyse, order": ["analyse", "trials.csv", "-m", "RR", "--order", "dose"],
    "analyse, better": ["analyse", "trials.csv", "-m", "RR", "--better", "more"],
}


@pytest.mark.parametrize("case", MISUSED)
def test_misuse_is_exit_code_two(case, tmp_path, monkeypatch, capsys):
    (tmp_path / "trials.csv").write_text(SOUND, encoding="utf-8")
    code, out, err = called(monkeypatch, capsys, tmp_path, *MISUSED[case])
    assert code == 2, out + err
    assert err.strip() or out.startswith("Usage")
    assert [p.name for p in tmp_path.iterdir()] == ["trials.csv"]


#: Tables with problems of their own.
PROBLEMS = {
    "empty": "",
    "no rows": HEAD,
    "too many": HEAD + "A,11,10,2,10\n",
    "text": HEAD + "A,x,10,2,10\n",
    "cells": HEAD + "A,1,10,2,10,5\n",
    "two heads": "study,n1,n1\nA,1,2\n",
    "no label": HEAD + ",1,10,2,10\n",
    "nothing known": HEAD + "A,,10,2,10\n",
    "quotes": HEAD + '"A,1,10,2,10\n',
    "variance": "study,yi,vi\nA,0.1,0.2\nB,0.2,-1\n",
    "no variance": "study,yi,vi\nA,0.1,0.2\nB,0.2,0\n",
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_problems_of_the_table_are_exit_code_one(case, tmp_path, monkeypatch, capsys):
    (tmp_path / "trials.csv").write_text(PROBLEMS[case], encoding="utf-8")
    code, out, err = called(monkeypatch, capsys, tmp_path, "analyse", "trials.csv", "-m", "RR")
    assert code == 1, out + err
    assert err.startswith("equipoise: ")


def test_a_sound_table_is_exit_code_zero(tmp_path):
    (tmp_path / "trials.csv").write_text(SOUND, encoding="utf-8")
    assert run("analyse", "trials.csv", "-m", "RR", "--json", cwd=tmp_path).returncode == 0


def test_a_wrong_day_is_told_what_to_try():
    done = run("answer", "prolotherapy-low-back-pain", "--on", "tomorrow")
    assert "year-month-day" in done.stderr


def test_new_then_check_names_every_blank_and_exits_one(tmp_path):
    folder = tmp_path / "leeches-headache"
    made = run("new", str(folder), "--treatment", "leeches", "--condition", "headache")
    assert made.returncode == 0, made.stderr
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    checked = run("check", str(folder))
    assert checked.returncode == 1
    assert "review.toml:" in checked.stdout
    assert ". Try: " in checked.stdout
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_new_refuses_a_folder_that_holds_something(tmp_path):
    folder = tmp_path / "leeches-headache"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    done = run("new", str(folder))
    assert done.returncode == 1
    assert [p.name for p in folder.iterdir()] == ["notes.txt"]
    assert run("new", str(tmp_path / "No_Name")).returncode == 2


def test_check_of_a_shipped_review_is_clean():
    done = run("check", "prolotherapy-low-back-pain", "--json", *DAY)
    assert done.returncode == 0, done.stdout
    (problems,) = json.loads(done.stdout).values()
    assert {p["severity"] for p in problems} <= {"note"}


def test_answering_a_broken_folder_prints_its_problems_and_writes_nothing(tmp_path):
    review = open_review("prolotherapy-knee-osteoarthritis")
    folder = tmp_path / review.slug
    folder.mkdir()
    for name, text in review.text.items():
        (folder / name).write_bytes(text.replace("sit2020,saline", "sit2020,water").encode())
    before = sorted(p.name for p in folder.iterdir())
    done = run("answer", str(folder))
    assert done.returncode == 1
    assert "contrasts.csv:2" in done.stderr
    assert done.stdout == ""
    assert sorted(p.name for p in folder.iterdir()) == before


def test_version():
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("equipoise ")


def test_the_package_runs_as_a_module():
    ran = subprocess.run(
        [sys.executable, "-m", "equipoise", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout == run("--version").stdout
