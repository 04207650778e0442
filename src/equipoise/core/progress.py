"""How far long work has come: one line that overwrites itself, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO, TypeAlias

#: Called with how much is done and how much there is.
Report: TypeAlias = Callable[[int, int], None]

#: Work that ends within this many seconds says nothing.
PATIENCE = 1.0

_REFRESH = 0.1


class Progress:
    """Show how far work has come, once it has taken longer than a second.

    Parameters
    ----------
    what
        What is counted, in the plural.
    total
        How many there are.
    show
        True, False, a function of done and total to call in place of showing, or None: on a
        terminal, and not where standard error is piped.
    stream
        Where to; standard error when None.
    """

    def __init__(
        self,
        what: str,
        total: int,
        *,
        show: bool | Report | None = None,
        stream: TextIO | None = None,
    ) -> None:
        self._what = what
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._report = show if callable(show) else None
        self._show = self._stream.isatty() if show is None else show is True
        self._start = time.monotonic()
        self._next = self._start + PATIENCE
        self._written = False

    def update(self, done: int) -> None:
        """Say that so many are done."""
        if self._report is not None:
            self._report(done, self._total)
            return
        now = time.monotonic()
        if not self._show or now < self._next:
            return
        self._next = now + _REFRESH
        left = (now - self._start) * (self._total - done) / max(1, done)
        text = f"{done:,} of {self._total:,} {self._what}, about {left:.0f} s left"
        self._stream.write(f"\r\x1b[2K{text}")
        self._stream.flush()
        self._written = True

    def close(self) -> None:
        """Take the line away."""
        if self._written:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
            self._written = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
