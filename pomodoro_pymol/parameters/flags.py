"""Flags of the command line, which say what is wrong in one line."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from ..errors import PomodoroError


class FlagParser(argparse.ArgumentParser):
    """Refuses in one line; a flag is known by its whole name only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong."""
        hint = "; one that begins with - needs an =, as in --z=-3:3" if "expected one" in message else ""
        raise PomodoroError(message + hint)


class Once(argparse.Action):
    """Takes a flag that is given once."""

    def __call__(self, _: Any, namespace: argparse.Namespace, value: Any, flag: str | None = None) -> None:
        """Keep the value."""
        if getattr(namespace, self.dest) is not None:
            raise PomodoroError(f"{self.dest} is given twice")
        setattr(namespace, self.dest, value)
