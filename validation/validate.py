"""Run the R scripts again and compare what they give with the pinned values, number by number.

Called by ``scripts/validate``. Exits 1 when a number differs by more than it may, when a number or
a file is missing, or when an exception of ``exceptions.toml`` is no longer needed.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCRIPTS, VALUES = HERE / "R", HERE / "values"

#: Largest relative difference of two runs of R: other versions of its libraries round otherwise.
REL = 1e-8
#: Numbers this small are rounding of 0 and compared to it.
ZERO = 1e-12
#: Keys that say how a file was made, and not what was found.
ABOUT = frozenset({"versions", "script", "source", "note"})


@dataclass(slots=True)
class Allowed:
    """A place where a difference is allowed, and whether anything needed it."""

    file: str
    path: str
    rel: float
    why: str
    used: bool = False

    def covers(self, file: str, path: str) -> bool:
        """Whether the exception is about this number."""
        return fnmatch(file, self.file) and fnmatch(path, self.path)


@dataclass(slots=True)
class Report:
    """What the comparison of one file found."""

    file: str
    numbers: int = 0
    worst: float = 0.0
    excused: int = 0
    faults: list[str] = field(default_factory=list)


def exceptions() -> list[Allowed]:
    """Read ``exceptions.toml``."""
    rows = tomllib.loads((HERE / "exceptions.toml").read_text("utf-8")).get("exception", [])
    return [
        Allowed(
            row["file"],
            row["path"],
            math.inf if row["rel"] == "any" else float(row["rel"]),
            row["why"],
        )
        for row in rows
    ]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number and text of a nested value with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if path or key not in ABOUT:
                yield from leaves(inner, f"{path}/{key}" if path else key)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from leaves(inner, f"{path}/{i}")
    else:
        yield path, value


def difference(one: Any, two: Any) -> float:
    """Relative difference of two leaves; infinite when they are not both numbers or not alike."""
    if isinstance(one, bool) or isinstance(two, bool) or isinstance(one, str | None):
        return 0.0 if one == two else math.inf
    if isinstance(two, str | None):
        return math.inf
    if one == two or abs(one - two) <= ZERO:
        return 0.0
    return abs(one - two) / max(abs(one), abs(two))


def compare(file: str, pinned: Any, again: Any, allowed: list[Allowed]) -> Report:
    """Compare two files as R wrote them."""
    report = Report(file)
    found = dict(leaves(again))
    for path, value in leaves(pinned):
        report.numbers += 1
        gap = difference(value, found[path]) if path in found else math.inf
        if gap <= REL:
            report.worst = max(report.worst, gap)
            continue
        excuse = next((e for e in allowed if e.covers(file, path) and gap <= e.rel), None)
        if excuse is not None:
            excuse.used = True
            report.excused += 1
            continue
        now = found.get(path, "absent")
        report.faults.append(f"{file}: {path}: pinned {value!r}, now {now!r} ({gap:.1e})")
    return report


def run(script: Path, target: Path) -> str:
    """Run one R script; return what to say when it cannot run here, or nothing."""
    done = subprocess.run(
        ["Rscript", "--vanilla", script.name, str(target)],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {done.returncode}"


def missing_package(script: Path) -> str:
    """The first package that a script needs and this R does not have."""
    for line in script.read_text("utf-8").splitlines():
        if line.startswith("library("):
            name = line.removeprefix("library(").rstrip(")")
            probe = ["Rscript", "--vanilla", "-e", f"loadNamespace('{name}')"]
            if subprocess.run(probe, capture_output=True, check=False).returncode:
                return name
    return ""


def main(names: list[str]) -> int:
    """Run, compare, report."""
    scripts = sorted(p for p in SCRIPTS.glob("*.R") if not p.name.startswith("_"))
    known = [p.stem for p in scripts]
    for name in names:
        if name not in known:
            print(f"no script {name!r}. Try: one of {', '.join(known)}", file=sys.stderr)
            return 2
    allowed, bad, ran = exceptions(), 0, []
    for script in scripts:
        if names and script.stem not in names:
            continue
        lacking = missing_package(script)
        if lacking:
            print(f"{script.stem}: not run, R has no package {lacking} here")
            continue
        with tempfile.TemporaryDirectory() as folder:
            print(f"{script.stem}: running", flush=True)
            fault = run(script, Path(folder))
            made = sorted(Path(folder).glob("*.json"))
            if fault or not made:
                print(f"  failed: {fault or 'it wrote nothing'}")
                bad += 1
                continue
            for path in made:
                bad += told(path, allowed)
                ran.append(path.name)
    for rule in allowed:
        if not rule.used and any(fnmatch(name, rule.file) for name in ran):
            print(f"exception no longer needed: {rule.file} {rule.path} ({rule.why})")
            bad += 1
    print("differences remain" if bad else "all agree")
    return int(bool(bad))


def told(path: Path, allowed: list[Allowed]) -> int:
    """Compare one file, say what was found, and return the number of faults."""
    pinned = VALUES / path.name
    if not pinned.is_file():
        print(f"  {path.name}: nothing is pinned under this name")
        return 1
    one, two = (json.loads(p.read_text("utf-8")) for p in (pinned, path))
    report = compare(path.name, one, two, allowed)
    excused = f", {report.excused} by a named exception" if report.excused else ""
    print(
        f"  {report.file}: {report.numbers} values, largest relative difference "
        f"{report.worst:.1e}{excused}, {len(report.faults)} beyond what is allowed"
    )
    for line in report.faults[:20]:
        print(f"    {line}")
    if len(report.faults) > 20:
        print(f"    and {len(report.faults) - 20} more")
    return len(report.faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
