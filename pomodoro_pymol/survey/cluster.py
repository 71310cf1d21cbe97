"""Files read by the workers of a Dask cluster: one of this machine's own, or any that runs already.

The largest files go first, so that none is still at work when all others are done; small ones go several
at a time. Only a few batches wait at each worker, so that a survey can be stopped at any time. The batches of a
worker that is lost are given to others. No file ends a worker: it is read in a child process, see `child`.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import PomodoroError, first_line, one_line
from ..io.disk import temporary_folder
from ..utils.interrupts import ignoring_interrupts
from .child import Limits, close_children, read_files
from .rows import Reading
from .settings import SurveySettings
from .sources import given_out

if TYPE_CHECKING:
    from distributed import Client, Future

# Batches that are out for each thread of the workers: the one that it reads, and those that wait behind it.
_AHEAD = 3
# How often a batch is given out, while the workers that have it are lost; and how often workers are started anew.
_TRIES = 10
# Seconds: until a scheduler answers, until a first worker is there, until one of a running cluster is back, and
# between looks at how things are.
_REACH, _COME, _COME_BACK, _LOOK = 10, 20, 600, 0.25
_GONE = "the scheduler is gone: what is done is kept, and the same command, with a scheduler that runs, goes on"


@contextmanager
def cluster(scheduler: str = "", workers: int = 0) -> Iterator[Client]:
    """Yield a client of a running cluster, or of one of this machine, which ends with the block.

    Parameters
    ----------
    scheduler : str
        Address of a running cluster's, such as ``tcp://host:8786``; its workers need this version of this
        package with the extra ``[survey]``, and the files under the same paths.
    workers : int
        Processes of a cluster of this machine; 0 starts as many as there are cores.

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
            with ignoring_interrupts():  # Ctrl-C is for this process, not for its workers
                own = LocalCluster(
                    n_workers=workers or CPU_COUNT,
                    threads_per_worker=1,
                    memory_limit=0,  # the children of the workers have limits of their own
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
    """Have files read, even where single workers are lost.

    Parameters
    ----------
    client : Client
        Of `cluster`.
    sizes : dict of str to int
        Bytes of each file, by its path.
    settings : SurveySettings
    limits : Limits
    take : callable
        Called with the readings of each batch as soon as they are there, and with an empty list some times a
        second; what it raises ends the reading.

    Raises
    ------
    PomodoroError
        If the scheduler is gone, there is no worker any more, or workers cannot read.
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
    """Watches how many workers there are, since Dask does not replace one that ends while it starts."""

    def __init__(self, client: Client) -> None:
        self._own = client.cluster  # None of a cluster that ran already
        self._wanted = len(self._own.worker_spec) if self._own else 1
        self._complete, self._restarts = time.monotonic(), 0

    def look(self, threads: int) -> None:
        """Start new workers of this machine's cluster where some have been missing for long.

        Parameters
        ----------
        threads : int
            How many files the workers can read at once: one each, of this machine's cluster.

        Raises
        ------
        PomodoroError
            If a running cluster has had no worker for long, or new ones do not stay.
        """
        if threads >= self._wanted:
            self._complete = time.monotonic()
        elif time.monotonic() - self._complete > (_COME if self._own else _COME_BACK):
            self._complete, self._restarts = time.monotonic(), self._restarts + 1
            if not self._own or self._restarts > _TRIES:
                raise PomodoroError("there is no worker any more: what is done is kept, and the same command goes on")
            self._own.scale(threads)  # forgets those that are missing, so that the next line starts as many
            self._own.scale(self._wanted)


def _result(client: Client, future: Future) -> list[Reading] | None:
    """Return the readings of a batch; None where the workers that had it are lost.

    Raises
    ------
    PomodoroError
        If the scheduler is gone, or the worker raised an error.
    """
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
    """Return a client of a running scheduler that has a worker.

    Raises
    ------
    PomodoroError
        If it does not answer, or no worker comes.
    """
    from distributed import Client

    refusals: tuple[type[Exception], ...] = (*_unanswered(), ValueError, TypeError)
    try:
        asyncio.run(_call(scheduler))  # first, since a client that cannot reach it would go on trying
        client = Client(scheduler, timeout=_REACH, set_as_default=False)
    except refusals as error:
        reason = first_line(error) or type(error).__name__
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
    """Refuse workers that have another version of this package, or lack what reading needs.

    Raises
    ------
    PomodoroError
        If there is one.
    """
    found = client.run(_version, on_error="return")
    for worker, version in found.items():
        if version != __version__:
            what = f"version {version}" if isinstance(version, str) else one_line(f"{version}")
            raise PomodoroError(
                f"worker {worker} of {scheduler} has not pomodoro-pymol {__version__} with the extra [survey]: {what}"
            )


def _version() -> str:
    """Return the version of this package, and what reading needs that is not installed; runs at a worker."""
    for name in ("gemmi", "psutil", "torch"):
        if find_spec(name) is None:
            return f"{__version__} without {name}"
    return __version__


def _has_dashboard() -> bool:
    """Tell whether Dask's dashboard is installed; runs at the scheduler."""
    return find_spec("bokeh") is not None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's own log in the block: what matters of it is told here, or raised."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
