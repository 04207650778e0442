"""The command line, run as a user runs it."""

import json
import subprocess
import sys

import pytest

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
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
    assert done.returncode == 1
    assert "prolotherapy-low-back-pain" in done.stderr
    assert "Traceback" not in done.stderr


def test_misuse_is_exit_code_two():
    assert run("answer").returncode == 2
    assert run("no-such-verb").returncode == 2


def test_a_wrong_day_is_told_what_to_try():
    done = run("answer", "prolotherapy-low-back-pain", "--on", "tomorrow")
    assert done.returncode == 1
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
    (tmp_path / "notes.txt").write_text("mine")
    done = run("new", str(tmp_path))
    assert done.returncode == 1
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


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
