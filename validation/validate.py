"""Run the R scripts again and compare what they give with the pinned values, number by number.

Called by ``scripts/validate``. Exits 1 when a number differs by more than it may, when a number or
a file is missing or is there and not pinned, or when an exception of ``exceptions.toml`` is no
longer needed.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
#: Stands for a number that is not there.
ABSENT = object()


@dataclass(slots=True)
class Allowed:
    """A place where a difference is allowed, by which programs, and whether it was needed."""

    file: str
    path: str
    rel: float | str
    why: str
    programs: dict[str, str] = field(default_factory=dict)
    used: bool = False

    def covers(self, file: str, path: str) -> bool:
        """Whether the exception is about this number."""
        return fnmatch(file, self.file) and fnmatch(path, self.path)

    def holds_with(self, versions: dict[str, str]) -> bool:
        """Whether the exception is about the programs of these versions."""
        return all(versions.get(name, "absent").startswith(v) for name, v in self.programs.items())

    def permits(self, was: Any, now: Any, gap: float) -> bool:
        """Whether the value may be what it is now."""
        if isinstance(self.rel, str):
            return self.rel == "any" or now is ABSENT or "NA" in (was, now)
        return gap <= self.rel


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
        Allowed(r["file"], path, r["rel"], r["why"], r.get("programs", {}))
        for r in rows
        for path in r["paths"]
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
    versions = again.get("versions", {})
    rules = [rule for rule in allowed if rule.holds_with(versions)]
    was, found = dict(leaves(pinned)), dict(leaves(again))
    for path in was | found:
        value, now = was.get(path, ABSENT), found.get(path, ABSENT)
        report.numbers += value is not ABSENT
        gap = math.inf if ABSENT in (value, now) else difference(value, now)
        if gap <= REL:
            report.worst = max(report.worst, gap)
            continue
        excuse = next(
            (e for e in rules if e.covers(file, path) and e.permits(value, now, gap)), None
        )
        if excuse is not None:
            excuse.used = True
            report.excused += 1
            continue
        said = [
            f"{name} {v!r}" if v is not ABSENT else f"not {name}"
            for name, v in (("pinned", value), ("now", now))
        ]
        report.faults.append(f"{file}: {path}: {', '.join(said)} ({gap:.1e})")
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


def made_by(script: Path, folder: Path) -> tuple[str, list[Path], float]:
    """Run one script: why it was not run or failed, its files, and the seconds that it took."""
    lacking = missing_package(script)
    if lacking:
        return f"not run, R has no package {lacking} here", [], 0.0
    start = time.monotonic()
    fault = run(script, folder)
    made = sorted(folder.glob("*.json"))
    if fault or not made:
        fault = f"failed: {fault or 'it wrote nothing'}"
    return fault, made, time.monotonic() - start


def main(names: list[str]) -> int:
    """Run, compare, report."""
    scripts = sorted(SCRIPTS.glob("*.R"))
    known = [p.stem for p in scripts]
    for name in names:
        if name not in known:
            print(f"no script {name!r}. Try: one of {', '.join(known)}", file=sys.stderr)
            return 2
    scripts = [p for p in scripts if p.stem in names or not names]
    allowed, bad, versions = exceptions(), 0, {}
    with tempfile.TemporaryDirectory() as root, ThreadPoolExecutor(os.cpu_count()) as pool:
        folders = [Path(tempfile.mkdtemp(dir=root)) for _ in scripts]
        for script, (fault, made, seconds) in zip(
            scripts, pool.map(made_by, scripts, folders), strict=True
        ):
            print(f"{script.stem}: {fault or f'{seconds:.0f} s'}", flush=True)
            bad += fault.startswith("failed")
            for path in () if fault else made:
                bad += told(path, script, allowed)
                versions[path.name] = json.loads(path.read_text("utf-8")).get("versions", {})
    for rule in allowed:
        about = [v for name, v in versions.items() if fnmatch(name, rule.file)]
        if not rule.used and any(rule.holds_with(v) for v in about):
            print(f"exception no longer needed: {rule.file} {rule.path} ({rule.why})")
            bad += 1
    print("differences remain" if bad else "all agree")
    return int(bool(bad))


def told(path: Path, script: Path, allowed: list[Allowed]) -> int:
    """Compare one file, say what was found, and return the number of faults."""
    pinned = VALUES / path.name
    if not pinned.is_file():
        print(f"  {path.name}: nothing is pinned under this name")
        return 1
    one, two = (json.loads(p.read_text("utf-8")) for p in (pinned, path))
    report = compare(path.name, one, two, allowed)
    for made in (one, two):
        if made.get("script") != f"validation/R/{script.name}":
            report.faults.append(
                f"{path.name}: script: {made.get('script')!r} is not {script.name}"
            )
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
