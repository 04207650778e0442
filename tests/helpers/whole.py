"""What tests say that need more than is installed: a skip, or a failure under ``--all``."""

from __future__ import annotations

import importlib
import os
from typing import Any, NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip, or fail where every test was asked for."""
    if os.environ.get("EQUIPOISE_TEST_ALL") == "1":
        pytest.fail(f"{what}; EQUIPOISE_TEST_ALL=1 asks for every test")
    pytest.skip(what)


def library(name: str, extra: str) -> Any:
    """An optional library that an extra of the package brings."""
    try:
        return importlib.import_module(name)
    except ImportError:
        missing(f"{name} is not installed: pip install 'equipoise[{extra}]'")
