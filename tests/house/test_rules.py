"""Rules of the house that a machine can hold: length, paths, stubs, docstrings, dependencies."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "equipoise"
LONGEST = 600

#: Import name of each package whose distribution is called otherwise.
IMPORTED_AS = {"markdown_it_py": "markdown_it", "python_docx": "docx"}
#: The extras that the set-up commands install; the others belong to rooms that come later.
INSTALLED = ("test", "browser", "fast", "arrow", "export", "word", "fhir", "packages")

#: What costs a large part of a second to import, and so stays off the way to an answer.
SLOW = (
    "scipy.stats",
    "scipy.optimize",
    "scipy.linalg",
    "scipy.integrate",
    "scipy.sparse",
    "pandas",
    "polars",
    "pyarrow",
    "formulaic",
    "numba",
    "narwhals",
)

# The patterns are spelled in pieces where the whole would be found in this file.
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/" + r"(work|root|home|tmp|Users|farm)/")
REGISTRY = re.compile(
    r"\b(pypi|pythonhosted|npmjs|conda|anaconda|crates)\.(org|com|io|dev)\b", re.I
)
DOWNLOAD = re.compile(r"https?://\S+[.](whl|tgz|tar[.]gz|deb)\b")
STUB = re.compile(
    r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error)\b|pragma: no" + r" cover"
)


def tracked() -> list[Path]:
    """Every file that belongs to the project: known to git, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    """Every tracked file that is text."""
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data:
            yield path, data.decode("utf-8", errors="replace")


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def matches(pattern: re.Pattern[str], path: Path, text: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_module_is_longer_than_six_hundred_lines() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in SOURCE.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert not long


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATH, REGISTRY, DOWNLOAD], ids=lambda p: p.pattern[:20]
)
def test_no_file_names_a_machine_path_or_a_registry(pattern: re.Pattern[str]) -> None:
    found = [hit for path, text in texts() for hit in matches(pattern, path, text)]
    assert not found, "\n".join(found)


def test_no_code_is_left_unfinished() -> None:
    found = [
        hit
        for path in python_files()
        for hit in matches(STUB, path, path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("pattern", "line", "hit"),
    [
        (MACHINE_PATH, "open('/" + "tmp/x.csv')", True),
        (MACHINE_PATH, "see docs/" + "work/plan", False),
        (REGISTRY, "https://pypi." + "org/simple", True),
        (DOWNLOAD, "https://example.org/a-1.0.tar." + "gz", True),
        (DOWNLOAD, "https://example.org/a.html", False),
        (STUB, "# TO" + "DO later", True),
        (STUB, "the method", False),
    ],
)
def test_the_patterns_find_what_they_should(pattern: re.Pattern[str], line: str, hit: bool) -> None:
    assert bool(pattern.search(line)) is hit


def test_every_module_says_what_it_is() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in python_files()
        if (text := path.read_text(encoding="utf-8")).strip()
        and not ast.get_docstring(ast.parse(text))
    ]
    assert not silent


def skips_without_reason(tree: ast.AST) -> Iterator[int]:
    """Lines of skips, as calls or marks, that give no reason."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("skip", "skipif"):
            call = next(
                (n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.func is node), None
            )
            positional = node.attr == "skip" and call is not None and call.args
            keyword = call is not None and any(k.arg == "reason" for k in call.keywords)
            if not positional and not keyword:
                yield node.lineno


def test_every_skipped_test_says_why() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in python_files()
        for line in skips_without_reason(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found
    for text, count in [
        ("@pytest.mark.skip\ndef f(): ...", 1),
        ("pytest.mark.skipif(True)", 1),
        ("pytest.mark.skipif(True, reason='no browser')", 0),
    ]:
        assert len(list(skips_without_reason(ast.parse(text)))) == count


def test_types_are_shipped() -> None:
    assert (SOURCE / "py.typed").is_file()


def declared() -> set[str]:
    """Distributions that the package depends on, with the extras that are installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in INSTALLED:
        wanted += project["optional-dependencies"][extra]
    return {re.split(r"[^\w-]", name)[0].lower().replace("-", "_") for name in wanted}


def test_the_package_imports_only_what_it_declares() -> None:
    known = {IMPORTED_AS.get(name, name) for name in declared()}
    allowed = known | set(sys.stdlib_module_names) | {"equipoise"}
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in SOURCE.rglob("*.py")
        for line, name in imports(path)
        if name.split(".")[0] not in allowed
    ]
    assert not found


def test_slow_packages_are_not_imported_at_the_top_of_a_module() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in SOURCE.rglob("*.py")
        for line, name in imports(path, top=True)
        if name.startswith(SLOW)
    ]
    assert not found


def test_an_answer_loads_no_slow_package() -> None:
    program = (
        "import sys; from equipoise.cli.main import app\n"
        "try: app(['answer', 'prolotherapy-low-back-pain', '--json'])\n"
        "except SystemExit as end: assert not end.code\n"
        f"print([n for n in sys.modules if n.startswith({SLOW!r})], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def at_the_top(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that is not inside a function."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from at_the_top(node)


def imports(path: Path, *, top: bool = False) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a file imports, or only of what it does on loading."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in at_the_top(tree) if top else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def test_every_declared_package_is_pinned_once() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    shape = re.compile(r"[a-z0-9-]+==[0-9][\w.]*( ; .+)?")
    assert not [line for line in pins if not shape.fullmatch(line)]
    pinned = [line.split("==")[0].replace("-", "_") for line in pins]
    assert len(pinned) == len(set(pinned))
    assert declared() | {"hatchling", "editables"} <= set(pinned)


def local_links(text: str) -> Iterator[str]:
    """Targets of the links and pictures of a Markdown text that lead to a file."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            yield target.split("#")[0]


def test_links_of_the_documentation_lead_somewhere() -> None:
    dead = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in tracked()
        if path.suffix == ".md"
        for target in local_links(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert not dead
    assert list(local_links("[a](b.md#c) ![d](e.png) [f](https://g) [h](#i)")) == ["b.md", "e.png"]
