"""Folders become reviews and reviews become folders, byte for byte and all or nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from equipoise.core.errors import FolderError, InputError, UnknownNameError
from equipoise.core.provenance import Cell
from equipoise.review import folder as folders
from equipoise.review.check import check_folder
from equipoise.review.folder import (
    locate,
    new_folder,
    open_review,
    read_folder,
    shipped,
    write_folder,
)
from equipoise.review.records import Review
from equipoise.review.render import render, without_places

ON = date(2026, 11, 1)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_records_carry_their_cells(make: Callable[..., Path]) -> None:
    review = read_folder(make())
    pain = review.outcome("cough")
    assert (pain.file, pain.line) == ("review.toml", 60)
    assert (pain.thresholds[0].line, pain.thresholds[0].small) == (72, 5.0)
    assert review.results[3].cell("events") == Cell("results.csv", 5, "events")
    assert review.results[3].events == 20
    assert review.trial("clark").reason == "not randomized"
    assert review.component("syrup").counts_as == ("syrup",)
    assert review.component("nothing").counts_as == ()
    assert pain.self_reported
    assert [s.id for s in review.article] == ["treatment", "condition", "experience"]
    assert (review.article[1].text, review.article[1].line) == ("A cough that lasts.", 7)


def test_blank_cells_take_the_defaults(make: Callable[..., Path]) -> None:
    row = "baker,cough,RoB 2,low,some concerns,low,high,low,high,rob"
    folder = make(
        {
            "results.csv": ("baker,c,cough,diary,12,final", "baker,c,cough,diary,12,"),
            "risk_of_bias.csv": (row, "baker,cough,RoB 2,,,,,,,"),
        }
    )
    review = read_folder(folder)
    assert (review.results[5].type, review.results[5].se) == ("final", None)
    assert (review.risk_of_bias[1].overall, review.risk_of_bias[1].judge) == ("", "")


def test_columns_may_stand_in_any_order_and_some_may_be_missing(make: Callable[..., Path]) -> None:
    rows = ["arm,trial,components,label", "t,adams,tonic_red,Tonic", "c,adams,syrup,Syrup"]
    rows += ["t,baker,tonic_red,Tonic", "c,baker,syrup,Syrup"]
    review = read_folder(make({"arms.csv": "\n".join(rows).encode()}))
    assert (review.arms[1].trial, review.arms[1].arm, review.arms[1].n) == ("adams", "c", None)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_reading_and_writing_back_gives_the_same_bytes(
    end: str, mark: str, make: Callable[..., Path], sound: dict[str, str], tmp_path: Path
) -> None:
    changes = {name: (mark + text.replace("\n", end)).encode() for name, text in sound.items()}
    folder = make(changes)
    written = write_folder(read_folder(folder), tmp_path / "copy" / folder.name)
    assert bytes_of(written) == bytes_of(folder) == changes


def test_a_folder_without_the_optional_files_is_written_without_them(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make({"contrasts.csv": None, "judgements.toml": None, "risk_of_bias.csv": None})
    written = write_folder(read_folder(folder), tmp_path / "copy")
    assert bytes_of(written) == bytes_of(folder)


def test_only_the_file_whose_records_changed_is_rendered(
    make: Callable[..., Path], sound: dict[str, str], tmp_path: Path
) -> None:
    review = read_folder(make({"results.csv": ("30.5,20.1", "30.50,20.1")}))
    changed = dataclasses.replace(
        review, results=(*review.results[:-1], dataclasses.replace(review.results[-1], n=37))
    )
    written = bytes_of(write_folder(changed, tmp_path / "copy"))
    for name, text in sound.items():
        if name != "results.csv":
            assert written[name] == text.encode()
    rows = written["results.csv"].decode().splitlines()
    assert rows[1].startswith("adams,t,cough,diary,12,final,,,48,,30.5,20.1,")
    assert rows[-1].startswith("baker,c,cough,diary,12,final,,,37,,38,22,")
    assert without_places(read_folder(tmp_path / "copy")) == without_places(changed)


def test_the_canonical_form_reads_back_as_the_same_and_is_stable(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    review = read_folder(make())
    bare = dataclasses.replace(review, text={})
    again = read_folder(write_folder(bare, tmp_path / "copy" / review.slug))
    assert without_places(again) == without_places(review)
    assert render(again) == render(review) == again.text


def test_a_review_goes_through_plain_values(make: Callable[..., Path]) -> None:
    review = read_folder(make())
    assert Review.from_dict(review.to_dict()) == review


def test_what_could_not_be_read_back_is_not_written(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    review = read_folder(make())
    target = tmp_path / "copy"
    row = dataclasses.replace(review.results[0], arm="nobody")
    with pytest.raises(FolderError) as caught:
        write_folder(dataclasses.replace(review, results=(row,)), target)
    assert [p.code for p in caught.value.problems] == ["E-ARM-UNKNOWN"]
    blank = dataclasses.replace(review.results[0], note="  ")
    with pytest.raises(FolderError, match="reads back as the same"):
        write_folder(dataclasses.replace(review, results=(blank, *review.results[1:])), target)
    assert not target.exists()


def test_a_folder_is_only_overwritten_when_asked(make: Callable[..., Path], tmp_path: Path) -> None:
    review = read_folder(make())
    target = tmp_path / "copy"
    target.mkdir()
    write_folder(review, target)
    (target / "README.md").write_text("mine")
    before = bytes_of(target)
    with pytest.raises(FolderError, match="not empty"):
        write_folder(review, target)
    assert bytes_of(target) == before
    write_folder(dataclasses.replace(review, contrasts=()), target, overwrite=True)
    assert (target / "README.md").read_text() == "mine"
    assert read_folder(target).contrasts == ()
    without = dataclasses.replace(review, judgements=(), text={})
    write_folder(without, target, overwrite=True)
    assert not (target / "judgements.toml").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderError, match="not a folder"):
        write_folder(review, tmp_path / "file", overwrite=True)


def test_a_full_disk_leaves_nothing_half_written(
    make: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = read_folder(make())
    target = tmp_path / "here" / "copy"
    write, count = Path.write_bytes, 0

    def failing(self: Path, data: bytes) -> int:
        nonlocal count
        count += 1
        if count == 4:
            raise OSError("no space left")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", failing)
    with pytest.raises(OSError, match="no space"):
        write_folder(review, target)
    assert list(target.parent.iterdir()) == []


def test_a_failed_overwrite_puts_the_old_files_back(
    make: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make({"contrasts.csv": None})
    review = read_folder(folder)
    before = bytes_of(folder)
    changed = dataclasses.replace(
        review, version="2.0", text={}, risk_of_bias=review.risk_of_bias[:1]
    )
    replace, count = Path.replace, 0

    def failing(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == 5:
            raise OSError("the network is gone")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="network"):
        write_folder(changed, folder, overwrite=True)
    assert bytes_of(folder) == before
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]


def test_the_shipped_reviews_open_and_are_called_as_their_folders() -> None:
    assert list(shipped()) == sorted(shipped())
    for slug in shipped():
        review = open_review(slug)
        assert review.slug == slug == locate(slug).name


@pytest.mark.parametrize("name", ["tonic-coughs", "../tonic-cough", "tonic-cough/../x", "", "."])
def test_an_unknown_review_lists_those_that_are_shipped(
    name: str, make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = make().parent
    monkeypatch.setattr(folders, "_home", lambda: home)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert shipped() == ("tonic-cough",)
    assert open_review("tonic-cough").slug == "tonic-cough"
    if name in ("", ".", "../tonic-cough"):
        assert locate(name).is_dir()  # a path, not a slug
        return
    with pytest.raises(UnknownNameError) as caught:
        open_review(name)
    assert "known: tonic-cough" in str(caught.value)


def test_without_shipped_reviews_none_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_home", lambda: None)
    assert shipped() == ()
    with pytest.raises(UnknownNameError, match="unknown review 'tonic'"):
        open_review("tonic")


def test_a_folder_with_errors_says_them_all(make: Callable[..., Path]) -> None:
    folder = make(
        {"review.toml": ("level = 0.95", "level = 95"), "arms.csv": None, "trials.csv": b"\xff"}
    )
    with pytest.raises(FolderError) as caught:
        read_folder(folder)
    text = str(caught.value)
    assert "the review folder has 3 problems" in text
    assert re.findall(r"^(\S+): (E-\S+) ", text, re.M) == [
        ("review.toml:95", "E-PLAN-LEVEL"),
        ("trials.csv:1", "E-ENCODING"),
        ("arms.csv:1", "E-FILE-MISSING"),
    ]


# --- a new folder ---------------------------------------------------------------------------------


def test_a_new_folder_is_sound_but_for_its_blanks(tmp_path: Path) -> None:
    for name, words in (
        ("honey-cough", {"treatment": "honey", "condition": "cough"}),
        ("odd", {"treatment": 'a "b" \\ ç\n d', "condition": "{x}"}),
        ("unknown", {}),
    ):
        folder = new_folder(tmp_path / "deep" / name, **words)
        problems = check_folder(folder, on=ON)
        assert {p.code for p in problems} == {"E-BLANK", "N-TRIALS-NONE"}
        lines = {
            file: (folder / file).read_text("utf-8").split("\n")
            for file in ("review.toml", "article.md")
        }
        for p in problems:
            if p.code == "E-BLANK":
                assert "…" in lines[p.file][p.line - 1]
        marked = sum("…" in row.split("#")[0] for row in lines["review.toml"])
        assert len({p.line for p in problems if p.file == "review.toml"}) == marked


def test_a_new_folder_opens_once_it_is_filled_in(tmp_path: Path) -> None:
    folder = new_folder(tmp_path / "honey-cough", treatment="honey", condition="cough")
    path = folder / "review.toml"
    answers = {
        "updated": '"2026-10-01"',
        "next_review": '"2027-10-01"',
        "id": '"x"',
        "type": '"continuous"',
        "measure": '"MD"',
        "better": '"lower"',
        "weeks": "[4, 26, 12]",
        "small": "5",
        "last": '"2026"',
        "on": '"2026-10-01"',
        "disclosures": '[{ type = "none", asked_on = "2026-10-01", signed = "2026-10-01" }]',
    }
    rows = []
    for row in path.read_text("utf-8").split("\n"):
        key = row.split(" = ")[0]
        blank = "…" in row.split("#")[0] and " = " in row
        rows.append(f"{key} = {answers.get(key, chr(34) + 'words' + chr(34))}" if blank else row)
    path.write_text("\n".join(rows), "utf-8")
    prose = folder / "article.md"
    prose.write_text(prose.read_text("utf-8").replace("\n…\n", "\nWords.\n"), "utf-8")
    assert {p.code for p in check_folder(folder, on=ON)} == {
        "N-TRIALS-NONE",
        "N-PEOPLE-INDEPENDENT",
    }
    review = read_folder(folder)
    assert review.question.text == "Should I try honey for cough?"
    assert review.question.component == "honey"
    assert review.trials == ()


@pytest.mark.parametrize("name", ["Honey", "honey cough", "honey_cough", "-honey", "…"])
def test_a_new_folder_needs_a_name_for_an_address(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be part of an address"):
        new_folder(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_overwrites_nothing(make: Callable[..., Path]) -> None:
    folder = make()
    before = bytes_of(folder)
    with pytest.raises(FolderError, match="not empty"):
        new_folder(folder)
    assert bytes_of(folder) == before


def test_where_to_report_an_error_is_read_and_written(
    make: Callable[..., Path], sound: dict[str, str], tmp_path: Path
) -> None:
    text = sound["review.toml"].replace("updated =", 'contact = "a@b.org"\nupdated =', 1)
    review = read_folder(make({"review.toml": text.encode()}))
    assert review.contact == "a@b.org"
    written = write_folder(dataclasses.replace(review, contact=""), tmp_path / "copy" / review.slug)
    assert read_folder(written).contact == ""
    assert b"contact" not in (written / "review.toml").read_bytes()
