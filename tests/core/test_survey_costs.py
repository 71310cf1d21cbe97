"""Costs on paper against closed forms, and the schedule against loops over time."""

import csv
import math
from itertools import product

import numpy as np
import pytest

from pomodoro_pymol.experiments import outputs
from pomodoro_pymol.experiments.survey_files import times_csv
from pomodoro_pymol.survey.costs import (
    ORDERS,
    Overhead,
    Times,
    batch_seconds,
    costs_text,
    schedule,
    survey_costs,
)
from pomodoro_pymol.survey.rows import unread
from pomodoro_pymol.survey.sources import batches, given_out

NONE = Overhead()


def tick_by_tick(durations, workers, worker, scheduler):
    """Wall time and straggling in whole seconds: each second who is idle asks, the longest idle first."""
    waiting, ends, served, now = list(durations), [0] * workers, 0, 0
    while waiting:
        idle = [place for place in range(workers) if ends[place] <= now]
        if idle and served <= now:
            place = min(idle, key=lambda place: ends[place])
            served = now + scheduler
            ends[place] = served + worker + waiting.pop(0)
        else:
            now += 1
    return max(ends), max(ends) - min(ends)


def test_the_schedule_is_that_of_a_loop_over_time():
    rng = np.random.default_rng(0)
    for workers, worker, scheduler in product((1, 2, 3, 7), (0, 2), (0, 1, 3)):
        for _ in range(20):
            durations = rng.integers(1, 9, rng.integers(1, 15)).tolist()
            found = schedule(durations, sum(durations), workers, Overhead(worker, scheduler))
            wall, straggling = tick_by_tick(durations, workers, worker, scheduler)
            assert (found.wall, found.straggling) == (wall, straggling)
            assert found.efficiency == sum(durations) / (workers * wall)


@pytest.mark.parametrize(("count", "workers"), [(12, 3), (13, 3), (1, 5), (100, 1), (99, 100)])
def test_equal_times(count, workers):
    found = schedule([2.0] * count, 2.0 * count, workers, NONE)
    rounds = math.ceil(count / workers)
    assert found.wall == 2 * rounds
    assert found.efficiency == pytest.approx(count / (workers * rounds))
    assert found.straggling == (0 if count % workers == 0 else 2)
    slower = schedule([2.0] * count, 2.0 * count, workers, Overhead(worker=1.0))
    assert slower.wall == 3 * rounds
    assert slower.efficiency == pytest.approx(found.efficiency * 2 / 3)


def test_a_scheduler_that_is_too_slow_sets_the_pace():
    found = schedule([2.0] * 1000, 2000.0, 100, Overhead(scheduler=0.1))
    assert found.wall == pytest.approx(1000 * 0.1 + 2)
    assert found.efficiency == pytest.approx(20 / 102)
    # One worker waits for it each time.
    assert schedule([2.0] * 10, 20.0, 1, Overhead(1.0, 0.5)).wall == pytest.approx(35)


def test_bounds_that_hold_for_any_times():
    rng = np.random.default_rng(1)
    for order in range(50):
        seconds = rng.lognormal(0, 1.5, 200).tolist()
        if order % 2:
            seconds.sort(reverse=True)
        work, before = sum(seconds), math.inf
        for workers in (1, 2, 4, 8, 16, 64, 512):
            found = schedule(seconds, work, workers, NONE)
            least = max(work / workers, max(seconds))
            # Graham 1966: of any order; 1969: of the longest first.
            bound = work / workers + max(seconds) * (1 - 1 / workers)
            assert least * (1 - 1e-12) <= found.wall <= bound * (1 + 1e-12)
            if order % 2:
                assert found.wall <= least * (1 + 1e-12) * (4 / 3) + max(seconds) / 3
            assert 0 < found.efficiency <= 1 + 1e-12
            assert 0 <= found.straggling <= max(seconds) * (1 + 1e-9)
            assert found.wall <= before * (1 + 1e-12)
            slow = schedule(seconds, work, workers, Overhead(0.5, 0.01))
            assert slow.wall > found.wall
            assert slow.efficiency < found.efficiency
            before = found.wall


def test_batches_are_those_that_a_cluster_gives_out():
    rng = np.random.default_rng(2)
    size = np.minimum(rng.lognormal(12, 1.5, 400), 5e6).astype(np.int64)
    paths = [f"{place:04}" for place in range(400)]
    seconds = rng.uniform(0, 1, 400)
    of_path, sizes = dict(zip(paths, seconds)), dict(zip(paths, size.tolist()))
    for workers in (1, 2, 30):
        expected = [sum(of_path[path] for path in batch) for batch in given_out(sizes, workers)]
        assert batch_seconds(size, seconds, ORDERS[0], workers) == pytest.approx(expected)


def test_batches_are_few_files_and_few_bytes():
    seconds = np.arange(1.0, 41)
    small = np.full(40, 10)
    assert batch_seconds(small, seconds, ORDERS[1], 1) == [1 + 2, *(2 * one + 1 for one in range(3, 40, 2))]
    assert batch_seconds(small, seconds, ORDERS[1], 3) == seconds.tolist()
    assert batch_seconds(np.full(40, 5_000_000), seconds, ORDERS[1], 1) == seconds.tolist()
    assert batch_seconds(np.full(0, 1), seconds[:0], ORDERS[0], 2) == []
    many = [batch.stop - batch.start for batch in batches([10] * 10_000, 2)]
    assert set(many[:-1]) == {64}
    assert sum(many) == 10_000


def times(count, seed=0):
    rng = np.random.default_rng(seed)
    seconds = rng.lognormal(-1, 1, count)
    return Times((seconds * 1e5).astype(np.int64), seconds, (3e8 + 1e7 * seconds).astype(np.int64))


def test_costs_of_equal_files():
    given = Times(np.full(3, 100_000), np.full(3, 0.5), np.full(3, 2**30))
    found = survey_costs(given, 16_000, (1, 10, 1000))
    assert (found.mean, found.median, found.tail, found.longest) == (0.5,) * 4
    assert (found.peaks, found.n_files, found.n_measured) == ((2**30,) * 3, 16_000, 3)
    assert found.hours == pytest.approx(16_000 * 0.5 / 3600)
    assert found.error == 0
    for order in ORDERS:
        assert [one.wall for one in found.schedules[order]] == pytest.approx([8000, 800, 8])
        assert [one.efficiency for one in found.schedules[order]] == pytest.approx([1, 1, 1])
        assert [one.straggling for one in found.schedules[order]] == pytest.approx([0, 0, 0], abs=1e-9)


def test_costs_of_files_of_all_sizes():
    given = times(500)
    found = survey_costs(given, 20_000, (1, 10, 100))
    assert found.longest == given.seconds.max()
    assert np.mean(given.seconds > found.tail) == pytest.approx(0.01, abs=0.003)
    first, as_they_come = (found.schedules[order] for order in ORDERS)
    work = 3600 * found.hours
    # The draw has its own error, of which that of the measured files is none.
    assert first[0].wall == pytest.approx(work, abs=5 * given.seconds.std() * math.sqrt(20_000))
    for one, other in zip(first, as_they_come):
        assert one.workers == other.workers
        assert one.efficiency >= other.efficiency - 1e-12
    assert first[2].straggling < as_they_come[2].straggling
    assert first[2].efficiency > 0.99


def test_the_error_is_that_of_samples():
    """Of many samples of files, the core-hours spread as each says that they do."""
    found = [survey_costs(times(300, seed), 1000, ()) for seed in range(300)]
    hours, errors = np.array([one.hours for one in found]), np.array([one.error for one in found])
    assert hours.std() == pytest.approx(math.sqrt((errors**2).mean()), rel=0.15)
    assert math.isnan(survey_costs(times(1), 10, ()).error)


def test_in_words():
    lines = costs_text(survey_costs(times(500), 250_000, overhead=Overhead(0.004, 0.001)))
    text = "\n".join(lines)
    assert "250,000 files, drawn from the times of 500" in text
    assert "worker takes 4 ms more, the scheduler 1 ms" in text
    assert sum(line.split()[0] in ("1", "10", "100", "1,000") for line in lines) == 8
    assert max(map(len, lines)) <= 120


def test_times_that_a_survey_wrote(tmp_path):
    path = tmp_path / "times.csv"
    readings = [
        unread(name, place, 0.5 * place, place << 30, "no")
        for place, name in enumerate(["a.pdb", 'b, "c"', "two\nlines", "bytes\udcff"])
    ]
    outputs.write_text(str(path), times_csv(readings))
    with open(path, newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [row["path"] for row in found] == ["a.pdb", 'b, "c"', "two\nlines", "bytes\\udcff"]
    assert [int(row["bytes"]) for row in found] == [0, 1, 2, 3]
    assert [float(row["seconds"]) for row in found] == [0, 0.5, 1, 1.5]
    assert [int(row["peak_bytes"]) for row in found] == [place << 30 for place in range(4)]
