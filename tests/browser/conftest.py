"""One browser and one site for all of these tests: shipped reviews, fixtures and reports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fixture_reviews import FIXTURES
from whole import missing

from equipoise.answer.assess import assess
from equipoise.present.analysis import analyse
from equipoise.review.folder import open_review
from equipoise.site.build import build

ON = date(2026, 11, 22)
REVIEWS = ("prolotherapy-low-back-pain", "prolotherapy-knee-osteoarthritis")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    named = os.environ.get("EQUIPOISE_CHROMIUM", "")
    program = next((p for n in (named, *PROGRAMS) if n and (p := shutil.which(n))), None)
    if program is None:
        missing("no Chromium was found: install it or set EQUIPOISE_CHROMIUM")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed: pip install 'equipoise[browser]'")
    with sync_playwright() as playwright:
        # The sandbox needs rights that containers do not give; only our own files are opened.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped reviews as a site, and two reports of `analyse` beside them."""
    out = tmp_path_factory.mktemp("site") / "out"
    build([assess(open_review(name), on=ON) for name in REVIEWS], out)
    report(out, "report", "study,year,events1,n1,events2,n2,dose", trials(27), mods="~ dose")
    report(out, "network", "study,treatment,events,n", groups(12), reference="none")
    return out


@pytest.fixture(scope="session")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fixture review as a site."""
    out = tmp_path_factory.mktemp("fixtures") / "out"
    build([assess(make(), on=ON) for make in FIXTURES.values()], out)
    return out


def report(out: Path, name: str, head: str, rows: list[str], **asked: str) -> None:
    """Analyse a table and save the report in a folder of that name."""
    path = out.parent / f"{name}.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    analyse(path, measure="OR", better="lower", **asked).save(out / name)  # type: ignore[arg-type]


def trials(k: int) -> list[str]:
    return [
        f"Trial {i},{1960 + i},{3 + i % 7},{90 + 9 * i},{6 + i % 11},{95 + 9 * i},{i % 5}"
        for i in range(k)
    ]


def groups(k: int) -> list[str]:
    names = ("none", "cream", "a course of tablets")
    return [
        f"Trial {i},{names[(i + j) % 3]},{3 + (i + 2 * j) % 9},{80 + 7 * i}"
        for i in range(k)
        for j in range(2)
    ]


@dataclass
class Visit:
    """An open page and everything that went wrong or out while it loaded."""

    page: Any
    console: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def unfold(self) -> Any:
        """The page with everything folded open."""
        self.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        return self.page

    def axe_in_both_schemes(self) -> list[tuple[str, str, str]]:
        """What axe finds of anything in the light, and of contrast in the dark as well."""
        self.unfold()
        found = [("light", *one) for one in self.axe()]
        self.page.emulate_media(color_scheme="dark")
        found += [("dark", *one) for one in self.axe("color-contrast")]
        self.page.emulate_media(color_scheme="light")
        return found

    def axe(self, *rules: str) -> list[tuple[str, str]]:
        """What axe finds by all of its rules, or by these: the rule and the first element."""
        try:
            from axe_playwright_python.sync_playwright import Axe
        except ImportError:
            missing("axe is not installed: pip install 'equipoise[browser]'")
        # What passes is not told element by element, which takes longer than finding it out.
        asked: dict[str, Any] = {"resultTypes": ["violations"]}
        if rules:
            asked["runOnly"] = list(rules)
        found = Axe().run(self.page, options=asked).response["violations"]
        return [(v["id"], v["nodes"][0]["html"]) for v in found]


@pytest.fixture
def visit(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Opens a page of the site (or of `root`) in a window of its own."""
    contexts = []

    def opened(
        path: str, *, width: int = 1280, height: int = 900, root: Path | None = None, **options: Any
    ) -> Visit:
        place = request.getfixturevalue("site") if root is None else root
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.page.on("console", lambda m: seen.console.append(f"{m.type}: {m.text}"))
        seen.page.on("pageerror", lambda e: seen.console.append(str(e)))
        seen.page.on("requestfailed", lambda r: seen.failed.append(r.url))
        seen.page.on("request", lambda r: seen.asked.append(r.url))
        seen.page.goto((place / path).as_uri())
        return seen

    yield opened
    for context in contexts:
        context.close()
