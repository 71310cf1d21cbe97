"""How much memory is free, asked before a run that might need more."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from .errors import PomodoroError


def available() -> int | None:
    """Return the bytes that can be had without swapping, or None where no one tells."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        if "MemAvailable" in fields:
            return int(fields["MemAvailable"].split()[0]) * 1024
    if hasattr(ctypes, "windll"):
        return _windows_available()
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def require(needed: int, purpose: str) -> None:
    """Refuse work that does not fit.

    Raises
    ------
    PomodoroError
        If ``needed`` bytes are more than are available.
    """
    free = available()
    if free is not None and needed > free:
        raise PomodoroError(
            f"{purpose} needs about {_size(needed)} of memory and {_size(free)} are free: ask for fewer frames or atoms"
        )


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def _windows_available() -> int:
    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
        ]

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status.free)
