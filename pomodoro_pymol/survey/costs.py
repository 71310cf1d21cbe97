"""What a survey of many files costs, on paper: from the times of some that were read, and a simulated schedule.

The files of the large survey are drawn with replacement from those that were measured, so that none takes
longer than the longest of these. Batches of them go to the first worker that is free, as `cluster` gives
them out; the scheduler and whoever keeps the rows see to one batch after the other. That a cluster has
some batches wait at each worker, which hides part of that, is left out.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..utils.memory import size_text
from ..utils.text import aligned
from .batches import batches

#: Entries of the Protein Data Bank, roughly.
ENTRIES = 250_000
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
        On the clock, of a core.
    peak : ndarray, shape=(n_files,), dtype=int64
        Most memory of the process that read, bytes.
    """

    size: np.ndarray
    seconds: np.ndarray
    peak: np.ndarray


@dataclass(frozen=True)
class Overhead:
    """What a batch takes beside its files, seconds.

    Attributes
    ----------
    worker : float
        Of the worker that reads it.
    scheduler : float
        Of the scheduler and whoever keeps the rows, for all workers one after the other.
    """

    worker: float = 0.0
    scheduler: float = 0.0


#: Measured on two cores: the worker's by `tests/benchmarks/bench_survey.py` with 31 files of 100 kB in a batch, the
#: scheduler's with workers that return 15 rows of six schemes at once.
MEASURED = Overhead(0.059, 0.006)


@dataclass(frozen=True)
class Schedule:
    """What became of batches.

    Attributes
    ----------
    workers : int
    wall : float
        Seconds until all are done.
    efficiency : float
        Work of the files over that of as many workers in this time.
    straggling : float
        Seconds from when the first worker has nothing left to do until all are done.
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
        Seconds of a file; ``tail`` is exceeded by 1 %.
    peaks : tuple of int
        Memory of the process that reads, bytes: median, exceeded by 1 %, most.
    hours, error : float
        Core-hours of all files and the standard error of that, for want of more files measured.
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
    """Return what becomes of batches of which each goes to the first worker that is free.

    Parameters
    ----------
    seconds : sequence of float
        Of the files of each batch, in the order in which they are given out.
    work : float
        Their sum.
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
    its_seconds = seconds[places].tolist()
    return [math.fsum(its_seconds[batch]) for batch in batches(size[places].tolist(), workers)]


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
        How many are drawn.
    workers : sequence of int
    overhead : Overhead
    seed : int
        Of the draw.
    """
    drawn = np.random.default_rng(seed).integers(len(times.seconds), size=n_files)
    size, seconds = times.size[drawn], times.seconds[drawn]
    work = math.fsum(seconds.tolist())
    schedules = {}
    for order in ORDERS:
        schedules[order] = tuple(
            schedule(batch_seconds(size, seconds, order, count), work, count, overhead) for count in workers
        )
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
    """Return costs in lines of words and a table."""
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
