"""Texts that try to become markup, in every field that people write."""

from __future__ import annotations

import dataclasses
import itertools
import re
import typing
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from fixture_reviews import FIXTURES

from equipoise.answer.answer import Answer
from equipoise.answer.assess import assess
from equipoise.present.audit.dom import Document
from equipoise.present.pages import Place, answer_files
from equipoise.review.records import Review

ATTACKS: tuple[str, ...] = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    '<img src="javascript:alert(1)">',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><g/onload=alert(1)//<p>",
    '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
    "<iframe src=//evil.example></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=data:text/html,x></object>",
    "<embed src=//evil.example>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<form action=//evil.example><button>go</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" java\nscript:alert(1)">x</a>',
    '<q cite="javascript:alert(1)">x</q>',
    '<blockquote cite="javascript:alert(1)">x</blockquote>',
    '<p style="background:url(//evil.example)">x</p>',
    "<!--<img src=x onerror=alert(1)>-->",
    "--><img src=x onerror=alert(1)><!--",
    "]]><img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "[x](javascript:alert(1))",
    "[x](//evil.example/)",
    "![x](//evil.example/x.png)",
    "<javascript:alert(1)>",
    "{{ 7 * 7 }}{% include 'x' %}",
    "⟦x|<img src=x onerror=alert(1)>⟧",
    "good\u202eevil\u202c \u2066turned\u2069",
)
#: Fields that are names for machines, days, or chosen from a list.
_KEPT = frozenset(
    {
        *("id", "slug", "version", "trial", "arm", "arm1", "arm2", "outcome", "harm", "component"),
        *("on", "updated", "next_review", "asked_on", "signed", "last", "retractions", "file"),
        *("by", "judge", "level", "domain", "factor", "measure", "tau2", "interval", "sha256"),
        *("question_", "address", "orcid", "doi", "pmid", "contact", "text_"),
    }
)
_ADDRESS = re.compile(r"(?:https?:|mailto:|#|data/|v/|\.\./|[\w./-]*(?:$|#))", re.I)


def attacked(value: Any, words: Iterator[str]) -> Any:
    """The same record, with an attack added to each text that a person writes."""
    hints = typing.get_type_hints(type(value))
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        old = getattr(value, field.name)
        if field.name in _KEPT or (isinstance(value, Review) and field.name == "text"):
            continue
        if isinstance(old, str) and hints[field.name] is str and old:
            changed[field.name] = f"{old} {next(words)}"
        elif isinstance(old, tuple) and old and dataclasses.is_dataclass(old[0]):
            changed[field.name] = tuple(attacked(item, words) for item in old)
        elif isinstance(old, tuple) and old and field.name in ("cautions", "deviations", "tags"):
            changed[field.name] = tuple(f"{item} {next(words)}" for item in old)
        elif dataclasses.is_dataclass(old):
            changed[field.name] = attacked(old, words)
    return dataclasses.replace(value, **changed)


def pages(answer: Answer) -> dict[str, Document]:
    files, _ = answer_files(answer, Place("s.css"))
    return {n: Document(f.decode()) for n, f in files.items() if n.endswith(".html")}


def shape(page: Document) -> list[str]:
    """What could run, load or send."""
    live = ("script", "style", "link", "meta", "base", "iframe", "object", "embed", "form", "input")
    return [n.tag for n in page.root.walk() if n.tag in (*live, "img", "button", "math", "video")]


@pytest.mark.parametrize("start", range(0, len(ATTACKS), 6))
def test_no_text_of_a_folder_becomes_markup(start: int) -> None:
    assert len(ATTACKS) >= 30
    plain = FIXTURES["told"]()
    words = itertools.islice(itertools.cycle(ATTACKS), start, None)
    bad = attacked(plain, words)
    assert bad.article[0].text != plain.article[0].text
    on = date(2026, 11, 22)
    known, made = pages(assess(plain, on=on)), pages(assess(bad, on=on))
    assert set(known) == set(made)
    for name, page in made.items():
        assert shape(page) == shape(known[name]), name
        for node in page.root.walk():
            assert not [k for k in node.attrs if k.startswith("on")], (name, node.where())
            assert not {"style", "srcdoc", "formaction", "cite", "srcset"} & set(node.attrs), name
            for key in ("href", "src", "xlink:href", "action", "data"):
                value = node.attrs.get(key)
                if value is not None and value != "data:,":  # No icon.
                    assert _ADDRESS.match(value), (name, value)
                    assert not value.startswith("//"), (name, value)
        text = page.root.text()
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", text), name
        assert "49" not in text or "49" in known[name].root.text()
