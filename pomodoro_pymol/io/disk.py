"""Files that are written whole or not at all, and what a process that was killed leaves of them.

A process holds a lock on what it has not finished, which ends with the process, however it
ends. The next that writes there removes what nobody holds. Where there are no such locks, on
Windows, it stays.
"""

from __future__ import annotations

import ntpath
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

from ..errors import PomodoroError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Names that Windows gives to devices or to parts of a file, does not take, or takes for shorter ones.
_NOT_ON_WINDOWS = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?|.*[<>:\"|?*\x00-\x1f].*|.*[. ]",
    re.IGNORECASE | re.DOTALL,
)
_PART = ".part-"
_LOCK = ".pomodoro-temporary"


def user_path(path: str | Path) -> Path:
    """Return a path as a person gave it, ``~`` being the home folder.

    Raises
    ------
    PomodoroError
        If no file can be called so.
    """
    text = os.path.expanduser(path)
    try:
        if b"\0" in os.fsencode(text):
            raise ValueError
    except ValueError:
        raise PomodoroError(f"{text!r} cannot be the name of a file") from None
    return Path(text)


def check_target(path: str | Path) -> None:
    """Refuse a path that `atomic_write` would not write, before any work is done.

    Raises
    ------
    PomodoroError
        If its folder does not exist, it is a folder or a device, or no file can be called so;
        on Windows also if it is read-only, or another program has it open.
    """
    target = os.path.realpath(path)
    reason = ""
    try:
        if fcntl is None and _NOT_ON_WINDOWS.fullmatch(ntpath.basename(path)):
            raise OSError(None, "no file can be called so on Windows")
        mode = os.stat(target).st_mode
        if not stat.S_ISREG(mode):
            reason = "it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file"
        elif fcntl is None:
            open(target, "r+b").close()  # a file that cannot be opened so cannot be replaced either
    except FileNotFoundError:
        if not os.path.isdir(os.path.dirname(target)):
            reason = "its folder does not exist"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise PomodoroError(f"cannot write {path}: {reason}")


@contextmanager
def atomic_write(path: str | Path, mode: str = "wb", **options: Any) -> Iterator[IO[Any]]:
    """Open a new file that takes the place of ``path`` when the block ends well.

    Until then it lies in the same folder under another name, ending alike; whatever
    stops the block, an interrupt included, removes it and leaves ``path`` as it was. A
    link stays a link: the file that it leads to is replaced.

    Parameters
    ----------
    path : str or Path
    mode, options
        As of ``open``.

    Yields
    ------
    file
        Other programs may write to it by its ``name``.

    Raises
    ------
    PomodoroError
        If the file cannot be written: no such folder, no permission, disk full, ``path``
        a folder or a device.
    """
    check_target(path)
    target = Path(os.path.realpath(path))
    ending = f"-{target.name[-40:]}"
    part = target.with_name(f"{_PART}{token_hex(4)}{ending}")
    try:
        _remove_abandoned(target.parent, _PART, ending)
        with _open_locked(part, mode, **options) as file:
            yield file
            if fcntl:  # while it is locked
                file.flush()
                os.replace(part, target)
        if not fcntl:
            os.replace(part, target)
    except OSError as error:
        # An error that names another file is not about ours.
        if error.filename not in (None, str(part)):
            raise
        raise PomodoroError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        # It is gone where all went well, or where it could not be made.
        with suppress(OSError):
            part.unlink()


@contextmanager
def temporary_folder(prefix: str, within: Path | None = None) -> Iterator[Path]:
    """Yield a new folder, which is deleted at the end; so are those that killed processes left.

    It lies in ``within``, or where temporary files do.

    Raises
    ------
    OSError
        If none can be made.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=within))
        try:
            with _open_locked(folder / _LOCK, "wb"):
                _remove_abandoned(folder.parent, prefix, "")
                yield folder
            return
        except FileNotFoundError as error:
            if error.filename != str(folder / _LOCK):  # else another process took it for abandoned: make another
                raise
        finally:
            _remove_folder(folder)


def read_regular(path: Path, most: float = inf) -> bytes:
    """Return what is in a file.

    Raises
    ------
    OSError
        If it cannot be read, is no regular file (reading from a pipe may never end), or holds more
        than ``most`` bytes.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(None, "it is not a regular file", str(path))
    if found.st_size > most:
        raise OSError(None, "it is too large", str(path))
    return path.read_bytes()


def file_bytes(path: Path) -> bytes:
    """Return what is in a file, as `read_regular`.

    Raises
    ------
    PomodoroError
        If it cannot be read.
    """
    try:
        return read_regular(path)
    except OSError as error:
        raise PomodoroError(f"cannot read {path}: {error.strerror}") from None


def _open_locked(path: Path, mode: str, **options: Any) -> IO[Any]:
    """Open a new file and lock it; anew where a process that cleans up deleted it before it was locked."""
    while True:
        file = open(path, mode, **options)  # noqa: SIM115  the caller closes it
        if fcntl is None:
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_nlink:
                return file
        except BlockingIOError:
            pass
        except OSError:  # a file system without locks
            return file
        file.close()


def _remove_abandoned(folder: Path, start: str, ending: str) -> None:
    """Remove files named as ours are, and folders with a lock of ours in them, that no process holds any more."""
    if fcntl is None:
        return
    with suppress(OSError):
        for name in os.listdir(folder):
            if re.fullmatch(f"{re.escape(start)}[0-9a-z_]{{8}}{re.escape(ending)}", name):
                with suppress(OSError):
                    _remove_unheld(folder / name)


def _remove_unheld(path: Path) -> None:
    """Remove a file or folder of this user; raise OSError where a process holds its lock."""
    if path.lstat().st_uid != os.getuid():
        return
    held = path / _LOCK if path.is_dir() else path
    number = os.open(held, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not be waited for
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if held is path:
            path.unlink()
        else:
            _remove_folder(path)
    finally:
        os.close(number)


def _remove_folder(folder: Path) -> None:
    """Remove a folder of ours, its lock last: what is left where the process is killed here, another can remove."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name != _LOCK:
                path.unlink()
    shutil.rmtree(folder, ignore_errors=True)
