"""How far a run is, on the standard error of the command line."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

# Characters of a line, and seconds between lines that are not on a terminal.
_LONGEST, _APART = 158, 60.0


def bar(label: str) -> Callable[[int, int], None]:
    """Return a callback that draws a progress bar, on a terminal."""

    def show(done: int, total: int) -> None:
        """Draw the bar, ended by a new line once all is done."""
        if sys.stderr.isatty():
            filled = "#" * (30 * done // total)
            print(f"\r{label} [{filled:30}] {done}/{total}", end="\n" if done == total else "", file=sys.stderr)

    return show


def status(*, log: bool = False) -> Callable[[str, bool], None]:
    """Return a callback that shows a line, over the one before, on a terminal; the last one, for good.

    Where there is no terminal, with ``log`` a line a minute is printed.
    """
    before = time.monotonic()

    def show(text: str, last: bool) -> None:
        """Show a line, for good where it is the last."""
        nonlocal before
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text[:_LONGEST]}", end="\n" if last else "", file=sys.stderr, flush=True)
        elif log and (last or time.monotonic() - before > _APART):
            before = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    return show
