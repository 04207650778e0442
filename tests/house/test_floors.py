"""The floors of the house, read as data from docs/architecture.md and held against the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "docs" / "architecture.md"
HEADER = ["floor", "package", "modules, in order", "later"]


@dataclass(frozen=True, slots=True)
class Plan:
    """The table of floors: each module's floor and place, and the names kept for later."""

    place: dict[str, tuple[int, int]]
    """Module to (floor, position in the whole table, top to bottom and left to right)."""
    later: frozenset[str]


def read_plan(text: str) -> Plan:
    """Read the one table whose header is HEADER."""
    lines = iter(text.splitlines())
    for line in lines:
        if cells(line) == HEADER:
            break
    else:
        raise ValueError(f"no table with the header {HEADER}")
    next(lines)
    place: dict[str, tuple[int, int]] = {}
    later: set[str] = set()
    last = -1
    for line in lines:
        if not line.startswith("|"):
            break
        floor, package, modules, planned = cells(line)
        if int(floor) < last:
            raise ValueError(f"floor {floor} stands below floor {last} in the table")
        last = int(floor)
        prefix = "equipoise" if package == "`equipoise`" else f"equipoise.{package.strip('`')}"
        for name in names(modules):
            full = prefix if name == "__init__" else f"{prefix}.{name}"
            if full in place:
                raise ValueError(f"{full} stands in the table twice")
            place[full] = (last, len(place))
        later |= {f"{prefix}.{name}" for name in names(planned)}
    return Plan(place, frozenset(later))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def names(cell: str) -> list[str]:
    return [name.strip("` ") for name in cell.split("·") if name.strip("` ")]


def module_name(path: Path, source: Path) -> str:
    parts = list(path.relative_to(source).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def problems(source: Path, plan: Plan) -> list[str]:
    """Return every break of the plan in the package under `source`, as ``file:line: rule``."""
    found: list[str] = []
    present: dict[str, Path] = {}
    for path in sorted((source / "equipoise").rglob("*.py")):
        name = module_name(path, source)
        empty_package = (
            path.name == "__init__.py" and name != "equipoise" and not path.read_text().strip()
        )
        if empty_package and name not in plan.place:
            continue
        present[name] = path
        where = path.relative_to(source).as_posix()
        if name in plan.later:
            found.append(f"{where}:1: {name} exists; move it from 'later' to 'modules, in order'")
        elif name not in plan.place:
            found.append(f"{where}:1: {name} is not in the table of docs/architecture.md")
        else:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [f"{where}:{line}: {rule}" for line, rule in broken(name, tree, plan)]
    found += [
        f"docs/architecture.md: {name} is in the table and does not exist; list it under 'later'"
        for name in plan.place
        if name not in present
    ]
    return found


def broken(name: str, tree: ast.Module, plan: Plan) -> Iterator[tuple[int, str]]:
    """Yield the line and the rule for each import of one module that breaks the plan."""
    is_door = name == "equipoise"
    at_top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "relative import; imports are absolute"
            continue
        for line, target in imported(node, plan):
            if is_door:
                if target not in plan.place:
                    yield line, f"imports {target}, which is not in the table"
            elif isinstance(node, (ast.Import, ast.ImportFrom)) and id(node) not in at_top:
                yield line, f"imports {target} inside a block; imports stand at the top"
            else:
                rule = forbidden(name, target, plan)
                if rule:
                    yield line, rule


def imported(node: ast.AST, plan: Plan) -> Iterator[tuple[int, str]]:
    """Yield the modules of the package that a node imports, by statement or by name."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] == "equipoise":
                yield node.lineno, alias.name
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if module.split(".")[0] == "equipoise":
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                known = inner in plan.place or inner in plan.later
                yield node.lineno, inner if known and module not in plan.place else module
    elif isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else None
        called = node.func.id if isinstance(node.func, ast.Name) else called
        if called in ("import_module", "__import__"):
            for argument in node.args[:1]:
                text = argument.value if isinstance(argument, ast.Constant) else None
                if isinstance(text, str) and text.split(".")[0] == "equipoise":
                    yield node.lineno, text


def forbidden(name: str, target: str, plan: Plan) -> str:
    """Return the rule that `name` importing `target` breaks, or nothing."""
    if target == "equipoise":
        return "imports the front door; nothing inside does"
    if target not in plan.place:
        return f"imports {target}, which is not a module of the table"
    floor, order = plan.place[name]
    target_floor, target_order = plan.place[target]
    if target_floor > floor:
        return f"floor {floor} imports {target} from floor {target_floor}; only lower floors"
    if target_order >= order:
        return f"imports {target}, which does not stand above it on floor {floor}"
    return ""


def test_no_import_breaks_a_floor() -> None:
    found = problems(ROOT / "src", read_plan(PLAN.read_text(encoding="utf-8")))
    assert not found, "\n".join(found)


# The checker itself, on small trees where the right findings are known.

TABLE = """
Some words first.

| floor | package | modules, in order | later |
|---|---|---|---|
| 0 | `core` | `errors` · `table` | `result` |
| 1 | `num` | `solve` | |
| 1 | `more` | `fast` | |
| 2 | `equipoise` | `__init__` | |

| another | table |
"""
GOOD = {
    "__init__.py": "from typing import TYPE_CHECKING\n"
    "if TYPE_CHECKING:\n    from equipoise.num.solve import root\n",
    "core/__init__.py": "",
    "core/errors.py": "import math\n",
    "core/table.py": "from equipoise.core.errors import Oops\n",
    "num/__init__.py": "",
    "num/solve.py": "from equipoise.core import table\nimport equipoise.core.errors\n",
    "more/__init__.py": "",
    "more/fast.py": "from equipoise.num import solve\n\ndef f():\n    import numba\n",
}


def build(folder: Path, changes: dict[str, str | None]) -> Path:
    """Write the good tree with some files changed (None: left out)."""
    for name, text in (GOOD | changes).items():
        if text is not None:
            path = folder / "equipoise" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


def test_a_sound_tree_has_no_problems(tmp_path: Path) -> None:
    assert problems(build(tmp_path, {}), read_plan(TABLE)) == []


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("core/table.py", "from equipoise.num.solve import root\n", ":1: floor 0 imports"),
        ("core/table.py", "\nimport equipoise.num.solve\n", ":2: floor 0 imports"),
        ("core/table.py", "from equipoise.num import solve\n", ":1: floor 0 imports"),
        ("core/errors.py", "import equipoise.core.table\n", "does not stand above it on floor 0"),
        ("num/solve.py", "import equipoise.more.fast\n", "does not stand above it on floor 1"),
        ("num/solve.py", "from ..core import errors\n", ":1: relative import"),
        ("num/solve.py", "def f():\n    from equipoise.core import errors\n", ":2: imports"),
        ("num/solve.py", "try:\n    import equipoise.core.errors\nexcept E:\n    a = 1\n", ":2: "),
        ("num/solve.py", "if TYPE_CHECKING:\n    import equipoise.core.errors\n", "inside a block"),
        ("num/solve.py", "import equipoise\n", ":1: imports the front door"),
        ("num/solve.py", "from equipoise import pairwise\n", ":1: imports the front door"),
        ("num/solve.py", "from equipoise.core import errors, nothing\n", "not a module of the"),
        ("num/solve.py", "import equipoise.core.result\n", "not a module of the table"),
        ("core/table.py", "m = import_module('equipoise.num.solve')\n", "floor 0 imports"),
        ("core/table.py", "importlib.import_module('equipoise.num.solve')\n", "floor 0 imports"),
        ("core/new.py", "x = 1\n", "core/new.py:1: equipoise.core.new is not in the table"),
        ("deep/__init__.py", "x = 1\n", "equipoise.deep is not in the table"),
        ("core/result.py", "x = 1\n", "move it from 'later'"),
        ("more/fast.py", None, "equipoise.more.fast is in the table and does not exist"),
        ("__init__.py", "from equipoise.num.other import x\n", "not in the table"),
    ],
)
def test_each_broken_rule_is_found_with_its_line(
    tmp_path: Path, file: str, text: str | None, expected: str
) -> None:
    found = problems(build(tmp_path, {file: text}), read_plan(TABLE))
    assert len(found) == 1, found
    assert expected in found[0]


def test_a_table_out_of_order_or_with_a_module_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="below floor"):
        read_plan(TABLE.replace("| 0 |", "| 3 |"))
    with pytest.raises(ValueError, match="twice"):
        read_plan(TABLE.replace("`errors` · `table`", "`errors` · `errors`"))
    with pytest.raises(ValueError, match="no table"):
        read_plan("nothing here")
