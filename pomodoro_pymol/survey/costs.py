"""What a survey of many files would cost, estimated from the times of files that were read, by a simulated schedule.

The files of the large survey are drawn with replacement from those that were measured, so that none takes
longer than the longest of these. Batches of them go to the first worker that is free, as `cluster` gives
them out; the scheduler, and the process that keeps the rows, handle one batch after the other. In a real
cluster some batches wait at each worker, which hides part of that time; the simulation leaves this out.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..utils.memory import size_text
from ..utils.text import aligned
from .sources import batches

#: Entries of the Protein Data Bank, roughly.
ENTRIES = 250_000
#: Numbers of workers that schedules are simulated for.
WORKERS = (1, 10, 100, 1000)
#: Orders in which files are given out: the largest first, as a survey has it, and as they come.
ORDERS = ("largest first", "as they come")


@dataclass(frozen=True, eq=False)
class Times:
    """What reading some files took.

    Attributes
    ----------
    size : ndarray, shape=(n_files,), dtype=int64
        Bytes on disk.
    seconds : ndarray, shape=(n_files,)
        Wall-clock time on one core.
    peak : ndarray, shape=(n_files,), dtype=int64
        Peak memory of the process that read the file, bytes.
    """

    size: np.ndarray
    seconds: np.ndarray
    peak: np.ndarray


@dataclass(frozen=True)
class Overhead:
    """What a batch takes beside the reading of its files, seconds.

    Attributes
    ----------
    worker : float
        At the worker that reads it.
    scheduler : float
        At the scheduler and the process that keeps the rows, which handle one batch after the other.
    """

    worker: float = 0.0
    scheduler: float = 0.0


#: Measured on two cores: the worker's by `tests/benchmarks/bench_survey.py` with 31 files of 100 kB in a batch, the
#: scheduler's with workers that return 15 rows of six schemes at once.
MEASURED = Overhead(0.059, 0.006)


@dataclass(frozen=True)
class Schedule:
    """How the batches of a survey went, simulated.

    Attributes
    ----------
    workers : int
    wall : float
        Seconds until all are done.
    efficiency : float
        Seconds that files are read, over the seconds that all workers are there.
    straggling : float
        Seconds from when a first worker has nothing left to do until all are done.
    """

    workers: int
    wall: float
    efficiency: float
    straggling: float


@dataclass(frozen=True)
class Costs:
    """What many files cost.

    Attributes
    ----------
    n_files, n_measured : int
    mean, median, tail, longest : float
        Seconds of a file; 1 % of the files take longer than ``tail``.
    peaks : tuple of int
        Peak memory of the process that reads, bytes: median, what 1 % of the files exceed, and maximum.
    hours, error : float
        Core-hours of all files, and the standard error of that, since only some files were measured.
    overhead : Overhead
    schedules : dict of str to tuple of Schedule
        By `ORDERS`, for each number of workers.
    """

    n_files: int
    n_measured: int
    mean: float
    median: float
    tail: float
    longest: float
    peaks: tuple[int, int, int]
    hours: float
    error: float
    overhead: Overhead
    schedules: dict[str, tuple[Schedule, ...]]


def schedule(seconds: Sequence[float], work: float, workers: int, overhead: Overhead) -> Schedule:
    """Simulate batches of which each goes to the first worker that is free.

    Parameters
    ----------
    seconds : sequence of float
        Of each batch, in the order in which they are given out: that of its files, read one after the other.
    work : float
        The sum of them.
    workers : int
    overhead : Overhead
    """
    free = [0.0] * workers
    scheduler = 0.0
    for batch in seconds:
        scheduler = max(scheduler, free[0]) + overhead.scheduler
        heapq.heapreplace(free, scheduler + overhead.worker + batch)
    wall = max(free)
    return Schedule(workers, wall, work / (workers * wall) if wall else 1.0, wall - min(free))


def batch_seconds(size: np.ndarray, seconds: np.ndarray, order: str, workers: int) -> list[float]:
    """Return the seconds of the batches that files make, in the order in which they are given out.

    Parameters
    ----------
    size : ndarray, shape=(n_files,)
        Bytes.
    seconds : ndarray, shape=(n_files,)
    order : str
        One of `ORDERS`.
    workers : int
    """
    places = np.argsort(-size, kind="stable") if order == ORDERS[0] else np.arange(len(size))
    ordered = seconds[places].tolist()
    return [math.fsum(ordered[batch]) for batch in batches(size[places].tolist(), workers)]


def survey_costs(
    times: Times,
    n_files: int = ENTRIES,
    workers: Sequence[int] = WORKERS,
    overhead: Overhead = Overhead(),
    seed: int = 0,
) -> Costs:
    """Return what many files like those that were measured cost.

    Parameters
    ----------
    times : Times
    n_files : int
        How many the survey is of.
    workers : sequence of int
        Numbers of workers to simulate.
    overhead : Overhead
    seed : int
        Of the draw of files.
    """
    drawn = np.random.default_rng(seed).integers(len(times.seconds), size=n_files)
    size, seconds = times.size[drawn], times.seconds[drawn]
    work = math.fsum(seconds.tolist())
    schedules = {
        order: tuple(schedule(batch_seconds(size, seconds, order, count), work, count, overhead) for count in workers)
        for order in ORDERS
    }
    n_measured = len(times.seconds)
    spread = float(times.seconds.std(ddof=1)) if n_measured > 1 else math.nan
    levels = (0.5, 0.99, 1.0)
    median, tail, longest = (float(np.quantile(times.seconds, level)) for level in levels)
    peaks = [int(np.quantile(times.peak, level, method="higher")) for level in levels]
    return Costs(
        n_files,
        n_measured,
        float(times.seconds.mean()),
        median,
        tail,
        longest,
        peaks=(peaks[0], peaks[1], peaks[2]),
        hours=n_files * float(times.seconds.mean()) / 3600,
        error=n_files * spread / math.sqrt(n_measured) / 3600,
        overhead=overhead,
        schedules=schedules,
    )


def costs_text(costs: Costs) -> list[str]:
    """Return costs as lines of text: sentences, and a table for each order."""
    overhead = costs.overhead
    median, tail, most = map(size_text, costs.peaks)
    lines = [
        f" {costs.n_files:,} files, drawn from the times of {costs.n_measured:,}",
        f" a file takes {costs.mean:.3g} s in the mean, {costs.median:.3g} s in the median, {costs.tail:.3g} s or more "
        f"of 1 %, {costs.longest:.3g} s at most",
        f" the process that reads holds {median} in the median, {tail} or more of 1 %, {most} at most",
        f" all take {costs.hours:.4g} +- {costs.error:.2g} core-hours",
        f" of a batch the worker takes {1000 * overhead.worker:.3g} ms more, the scheduler "
        f"{1000 * overhead.scheduler:.3g} ms",
    ]
    for order, schedules in costs.schedules.items():
        rows = [["workers", "hours", "efficiency", "first idle to the end, s"]]
        rows += [
            [f"{one.workers:,}", f"{one.wall / 3600:.4g}", f"{one.efficiency:.3f}", f"{one.straggling:.3g}"]
            for one in schedules
        ]
        lines += [f" {order}:", *aligned(rows, 0)]
    return lines
