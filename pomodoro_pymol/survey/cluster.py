"""Files read by the workers of a Dask cluster: one of this machine's own, or any that runs already.

The largest files go first, so that none is still at work when all others are done; small ones go several
at a time. A few batches wait at each worker, no more, so that a survey can be stopped at any time. A worker
that is lost costs the batches it had, which others do again: what a file does to its reader, its child bears.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import PomodoroError, one_line
from ..io.disk import temporary_folder
from .batches import batches
from .child import Limits, close_children, read_files
from .readings import Reading
from .settings import SurveySettings

if TYPE_CHECKING:
    from distributed import Client, Future

# Batches that each thread of the workers has, the one it is at among them.
_AHEAD = 3
# How often a batch is given out, where workers are lost with it.
_TRIES = 10
# Seconds: to reach a scheduler, for a worker to come, for one of a cluster to come back, and between looks.
_REACH, _COME, _COME_BACK, _LOOK = 10, 20, 600, 0.25
_GONE = "the scheduler is gone: what is done is kept, and the same command, with a scheduler that runs, goes on"


@contextmanager
def cluster(scheduler: str = "", workers: int = 0) -> Iterator[Client]:
    """Yield a client of a running cluster, or of one of this machine that ends with the block.

    Parameters
    ----------
    scheduler : str
        Address of a running one, such as ``tcp://host:8786``; its workers need this version of this
        package with the extra ``[survey]``, and the files under the same paths.
    workers : int
        Processes of one's own; by default as many as there are cores.

    Raises
    ------
    PomodoroError
        If the scheduler cannot be reached, has no worker, or its workers have another version.
    """
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster

    with _quiet():
        if scheduler:
            client = _reach(scheduler)
            try:
                _check_workers(client, scheduler)
                yield client
            finally:
                with suppress(Exception):  # the scheduler may be gone
                    client.run(close_children)
                client.close(timeout=_LOOK)
            return
        with temporary_folder("pomodoro-survey-") as folder:
            with _deaf():  # workers leave Ctrl-C to this process
                own = LocalCluster(
                    n_workers=workers or CPU_COUNT,
                    threads_per_worker=1,
                    memory_limit=0,  # the children have limits
                    dashboard_address="127.0.0.1:0",
                    local_directory=str(folder),
                    silence_logs=logging.CRITICAL,
                )
            with own, Client(own) as client:
                yield client


def dashboard(client: Client) -> str:
    """Return the address of Dask's dashboard; "" where the scheduler has none."""
    return client.dashboard_link if client.run_on_scheduler(_has_dashboard) else ""


def read_all(
    client: Client,
    sizes: Mapping[str, int],
    settings: SurveySettings,
    limits: Limits,
    take: Callable[[list[Reading]], None],
) -> None:
    """Have files read, whatever becomes of single workers.

    Parameters
    ----------
    client : Client
        Of `cluster`.
    sizes : dict of str to int
        Bytes of each file, by its path.
    settings : SurveySettings
    limits : Limits
    take : callable
        Called with the readings of a batch as soon as it is there, and, with none, every now and then;
        what it raises ends the reading.

    Raises
    ------
    PomodoroError
        If the scheduler is gone, or workers cannot read.
    """
    ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
    running: dict[Future, tuple[list[str], int]] = {}
    threads, looked = _n_threads(client), time.monotonic()
    waiting = deque((batch, 1) for batch in given_out(sizes, threads))
    watch = _Watch(client)
    try:
        while waiting or running:
            if time.monotonic() - looked > _LOOK:
                threads, looked = _n_threads(client), time.monotonic()
                watch.look(threads)
                take([])
            while waiting and len(running) < _AHEAD * max(1, threads):
                batch, tries = waiting.popleft()
                future = client.submit(read_files, batch, settings.to_dict(), limits, pure=False)
                running[future] = batch, tries
                future.add_done_callback(ended.put)
            try:
                future = ended.get(timeout=_LOOK)
            except queue.Empty:
                continue
            batch, tries = running.pop(future)
            readings = _result(client, future)
            if readings is not None:
                take(readings)
            elif tries < _TRIES:
                waiting.append((batch, tries + 1))
            else:
                raise PomodoroError(f"workers were lost {tries} times with the same files: is memory or power cut off?")
    finally:
        with suppress(Exception):  # the scheduler may be gone
            client.cancel(list(running), force=True)


class _Watch:
    """Sees to it that there are workers: Dask gives up one that ends while it starts."""

    def __init__(self, client: Client) -> None:
        self._own = client.cluster
        self._wanted = len(self._own.worker_spec) if self._own else 1
        self._well, self._times = time.monotonic(), 0

    def look(self, threads: int) -> None:
        """Start new workers of one's own where some have been missing for long.

        Raises
        ------
        PomodoroError
            If a running cluster has none for long, or new ones do not stay.
        """
        if threads >= self._wanted:
            self._well = time.monotonic()
        elif time.monotonic() - self._well > (_COME if self._own else _COME_BACK):
            self._well, self._times = time.monotonic(), self._times + 1
            if not self._own or self._times > _TRIES:
                raise PomodoroError("there is no worker any more: what is done is kept, and the same command goes on")
            self._own.scale(threads)
            self._own.scale(self._wanted)


def _result(client: Client, future: Future) -> list[Reading] | None:
    """Return the readings of a batch; None where the workers that had it are lost."""
    from distributed import KilledWorker

    if future.status == "finished":
        with suppress(*_unanswered()):  # the worker that holds it is lost
            return [Reading.from_line(line) for line in future.result()]
    _check_scheduler(client)
    if future.status != "error":
        return None
    error = future.exception()
    if isinstance(error, KilledWorker):
        return None
    raise PomodoroError(f"a worker cannot read: {one_line(str(error) or type(error).__name__)}") from None


def given_out(sizes: Mapping[str, int], threads: int) -> list[list[str]]:
    """Return batches of files, whose bytes are given, the largest first."""
    ordered = sorted(sizes, key=lambda path: (-sizes[path], path))
    return [ordered[batch] for batch in batches([sizes[path] for path in ordered], threads)]


def _n_threads(client: Client) -> int:
    """Return how many files the workers can read at once."""
    _check_scheduler(client)
    try:
        return sum(client.nthreads().values())
    except _unanswered():
        raise PomodoroError(_GONE) from None


def _unanswered() -> tuple[type[Exception], ...]:
    """Return what Dask raises where nobody answers; before Python 3.11 its TimeoutError is not Python's own."""
    from distributed import TimeoutError as Late

    return OSError, Late


def _check_scheduler(client: Client) -> None:
    if client.status != "running":
        raise PomodoroError(_GONE)


def _reach(scheduler: str) -> Client:
    """Return a client of a running scheduler that has a worker."""
    from distributed import Client

    refusals: tuple[type[Exception], ...] = (*_unanswered(), ValueError, TypeError)
    try:
        asyncio.run(_call(scheduler))  # a client that cannot reach it would go on trying
        client = Client(scheduler, timeout=_REACH, set_as_default=False)
    except refusals as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PomodoroError(f"no Dask scheduler at {scheduler}: {reason}") from None
    try:
        client.wait_for_workers(1, timeout=_COME)
    except _unanswered():
        client.close(timeout=_LOOK)
        raise PomodoroError(f"the scheduler at {scheduler} has no worker") from None
    return client


async def _call(scheduler: str) -> None:
    """Connect to a scheduler, and close the connection."""
    from distributed.comm import connect

    comm = await connect(scheduler, timeout=_REACH)
    await comm.close()


def _check_workers(client: Client, scheduler: str) -> None:
    """Refuse workers that would not compute the same."""
    found = client.run(_version, on_error="return")
    for worker, version in found.items():
        if version != __version__:
            what = f"version {version}" if isinstance(version, str) else one_line(f"{version}")
            raise PomodoroError(
                f"worker {worker} of {scheduler} has not pomodoro-pymol {__version__} with the extra [survey]: {what}"
            )


def _version() -> str:
    """Return the version of this package, at a worker that has all it needs."""
    for name in ("gemmi", "psutil", "torch"):
        if find_spec(name) is None:
            return f"{__version__} without {name}"
    return __version__


def _has_dashboard() -> bool:
    return find_spec("bokeh") is not None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own log away: what matters of it is told, or raised."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _deaf() -> Iterator[None]:
    """Let processes that are started in the block ignore Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
