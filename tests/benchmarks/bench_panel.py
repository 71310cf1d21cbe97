"""The budgets of the panel, measured in PyMOL's real window, on a virtual screen.

    python tests/benchmarks/bench_panel.py [--quick] [--stop | --live]

Needs xvfb-run. What PyMOL draws is hidden, as the virtual screen draws in software: what is
measured is our own work. The heartbeat is a timer of 1 ms, whose longest gap is the time for
which the window did not answer. Live is measured both ways on any build: in PyMOL's memory, and
through files, as where its arrays and NumPy do not agree. ``--quick`` shrinks everything: it shows that the benchmark
works, and its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
SCREEN = ("xvfb-run", "-a", "-s", "-screen 0 1400x1200x24 +extension GLX")
DRIVER = """
import sys
sys.path[:0] = [{robot!r}, {here!r}]
import robot, {name}
vars({name}).update({choices!r})
robot.perform({name!r}, {result!r})
"""

QUICK, ONLY_STOP, ONLY_LIVE, ONLY_SHOWN, OUT = False, False, False, False, ""
# Copies of 1tii and frames of the runs to stop; those of --quick.
STOPS = {False: ((23, 50), (423, 6)), True: ((2, 5),)}
# Copies of 1tii and frames of Live, both ways; those of --quick.
WAYS = {False: ((1, 20), (23, 20)), True: ((2, 3),)}
# Copies of 1tii and frames of what is timed from a slider to the state that is shown; those of --quick.
SHOWN = {False: ((23, 20),), True: ((2, 3),)}


def row(what: str, value: float, unit: str, budget: float | None = None) -> str:
    """Return one line of the table; without a budget it is for information."""
    line = f"{what:<74}{value:>9.3g} {unit:<3}"
    if budget is None:
        return f"{line}{'':14}for information"
    return f"{line}<={budget:>8.3g} {unit:<3}{'met' if value <= budget else 'MISSED'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="show that it works; the numbers mean nothing")
    parser.add_argument("--stop", action="store_true", help="only how soon Stop answers, up to 2.4M atoms")
    parser.add_argument("--live", action="store_true", help="only Live's coordinates beside randn, both ways")
    parser.add_argument("--shown", action="store_true", help="only how soon the state that is shown follows a slider")
    arguments = parser.parse_args()
    only = {"ONLY_STOP": arguments.stop, "ONLY_LIVE": arguments.live, "ONLY_SHOWN": arguments.shown}
    measure("bench_panel", QUICK=arguments.quick, **only)


def measure(name: str, **choices: Any) -> None:
    """Let a benchmark of this folder play in PyMOL's window, and print its table.

    Choices, and ``OUT``, the file of the table, become names of its module there.
    """
    with tempfile.TemporaryDirectory(prefix="pomodoro-") as folder:
        out, result, driver = (Path(folder) / name for name in ("table.txt", "notes.json", "driver.py"))
        choices["OUT"] = str(out)
        robot = str(HERE.parent / "window")
        driver.write_text(DRIVER.format(robot=robot, here=str(HERE), name=name, choices=choices, result=str(result)))
        path = os.pathsep.join([str(HERE.parents[1]), *filter(None, sys.path)])
        done = subprocess.run(
            [*SCREEN, sys.executable, "-m", "pymol", "-qk", driver],
            env={**os.environ, "HOME": folder, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        table = out.read_text() if out.exists() else ""
        print(table, end="")
        if "the end" not in table:
            sys.exit(done.stdout)


def play(robot: Any) -> None:
    """Measure, inside PyMOL's window."""
    import numpy
    import torch

    with open(OUT, "w") as out:
        print(
            f"torch {torch.__version__}, numpy {numpy.__version__}, {torch.get_num_threads()} threads, "
            f"{os.cpu_count()} cores{', quick: the numbers mean nothing' if QUICK else ''}",
            file=out,
        )
        robot.open()
        stops = [stop_rows(robot, *each) for each in STOPS[QUICK]]
        ways = [way_rows(*each) for each in WAYS[QUICK]]
        shown = [shown_rows(robot, *each) for each in SHOWN[QUICK]]
        whole = [live_rows(robot, 1), live_rows(robot, 20), *ways, *shown, run_rows(robot), *stops]
        for rows in stops if ONLY_STOP else ways if ONLY_LIVE else shown if ONLY_SHOWN else whole:
            for line in rows:
                print(line, file=out, flush=True)
        print("the end", file=out)


def load(copies: int) -> str:
    """Load copies of 1tii side by side, as one object that draws nothing."""
    from pymol import cmd

    cmd.delete("all")
    cmd.load(cmd.exp_path("$PYMOL_DATA/demo/1tii.pdb"), "one", quiet=1)
    for number in range(copies):
        cmd.create(f"copy{number}", "one", zoom=0)
        cmd.alter(f"copy{number}", f"segi = 'S{number}'")
        cmd.translate([100 * (number % 5), 100 * (number // 5), 0], f"copy{number}", camera=0)
    cmd.create("many", "copy*", zoom=0)
    cmd.delete("one copy*")
    cmd.hide("everything")
    return "many"


class Heartbeat:
    """Gaps between the ticks of a timer of 1 ms, in milliseconds, and when each began and ended."""

    def __init__(self) -> None:
        from qtpy import QtCore

        self.beats: list[float] = []
        self._timer = QtCore.QTimer()
        self._timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._timer.setInterval(1)
        self._timer.timeout.connect(lambda: self.beats.append(time.perf_counter()))

    def __enter__(self) -> Heartbeat:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()
        self.beats.append(time.perf_counter())

    def longest(self, but: tuple[float, float] = (0, 0)) -> float:
        """Return the longest gap, without those that overlap the time ``but``."""
        gaps = zip(self.beats, self.beats[1:])
        return 1000 * max(end - start for start, end in gaps if end <= but[0] or start >= but[1])


def wait(condition: Callable[[], Any]) -> None:
    """Let the event loop sleep and wake as it does for a person, until something holds."""
    from qtpy import QtCore

    loop = QtCore.QEventLoop()
    timer = QtCore.QTimer()
    timer.timeout.connect(lambda: loop.quit() if condition() else None)
    timer.start(20)
    loop.exec()
    timer.stop()


def see(robot: Any, name: str) -> int:
    """Wait until the panel has read an object as it is now, and return its number of atoms."""
    n_atoms = robot.cmd.count_atoms(f"%{name}")

    def seen() -> bool:
        molecule = robot.panel.watch.molecule
        return molecule is not None and (molecule.object, molecule.hierarchy.n_atoms) == (name, n_atoms)

    wait(seen)
    return n_atoms


def live_rows(robot: Any, frames: int) -> Iterator[str]:
    """A slider that moves while Live is on, at 5k atoms."""
    import torch
    from qtpy import QtCore

    name = load(1)
    robot.set_values(f"pomnoise {name}, frames={frames}")
    robot.run()
    robot.see_output(f"{name}_noise")
    robot.click(robot.panel.live)
    robot.see_live()
    robot.settle()
    panel, follower = robot.panel, robot.panel.follower
    slider, n_atoms = panel.controls["z"].slider, follower._draw.hierarchy.n_atoms
    rounds = 5 if QUICK else 200
    seconds: dict[str, list[float]] = {"write": [], "event": [], "randn": []}
    states = range(2, frames + 2)
    for number in range(rounds + 5):
        sigma = 1 + number / 100
        jobs: dict[str, Callable[[], Any]] = {
            "write": lambda sigma=sigma: follower._states.write(
                states, lambda state, out: follower._draw.fill(follower._unit, state - 2, sigma, out)
            ),
            "event": lambda number=number: slider.setValue(100 + number),
            "randn": lambda: torch.randn(frames, n_atoms, 3),
        }
        for job, act in jobs.items():
            start = time.perf_counter()
            act()
            seconds[job].append(time.perf_counter() - start)
        assert not follower._todo
        robot.pump()
    middle = {job: median(found[5:]) for job, found in seconds.items()}
    what = f"{n_atoms} atoms, {frames} state{'s' if frames > 1 else ''}"
    if frames == 1:
        yield row(f"Live, {what}: slider to coordinates, all work of an event", 1000 * middle["event"], "ms", 16)
        yield row(f"Live, {what}: coordinates alone", 1000 * middle["write"], "ms")
    else:
        yield row(f"Live, {what}: coordinates alone / randn", middle["write"] / middle["randn"], "x", 0.5)
        yield row(f"Live, {what}: all work of an event / randn", middle["event"] / middle["randn"], "x")
        yield row(f"Live, {what}: all work of an event", 1000 * middle["event"], "ms")
    # A person who drags: an event every 8 ms, z and now and then a weight, then rest.
    moves = iter(range(40 if QUICK else 500))
    hand = QtCore.QTimer()

    def move() -> None:
        number = next(moves, None)
        if number is None:
            hand.stop()
        elif number % 10 == 9:
            panel.controls["wr"].box.setValue(4 + number % 100 / 50)
        else:
            slider.setValue(200 + number % 400)

    hand.timeout.connect(move)
    for shown in (False, True):
        from pymol import cmd

        if shown:
            cmd.show("lines", f"{name}_noise")
            moves = iter(range(40 if QUICK else 200))
            robot.pump(500)
        with Heartbeat() as heart:
            hand.start(8)
            wait(lambda: not hand.isActive())
            wait(lambda: not (follower._rest.isActive() or follower._todo or follower._working))
        if shown:
            yield row(f"Live, {what}: longest gap of the window, lines drawn in software", heart.longest(), "ms")
        else:
            yield row(f"Live, {what}: longest gap of the window while a slider moves", heart.longest(), "ms", 50)
    robot.click(panel.live)
    robot.pump(100)


def mover(control: Any) -> Callable[[int], None]:
    """Return what moves a control to one of 800 places: a slider, or a weight, which has a box alone."""
    slider = getattr(control, "slider", None)
    return slider.setValue if slider is not None else lambda place: control.box.setValue(place / 50)


def shown_rows(robot: Any, copies: int, frames: int) -> Iterator[str]:
    """How soon the state that is shown follows a slider, where no atoms are drawn, and how long turns are."""
    import torch
    from pymol import cmd
    from qtpy import QtCore

    from pomodoro_pymol.viewer import window

    name = load(copies)
    robot.set_values(f"pomnoise {name}, frames={frames}")
    n_atoms = see(robot, name)
    robot.run()
    robot.see_output(f"{name}_noise")
    cmd.frame(2)
    robot.click(robot.panel.live)
    robot.see_live()
    follower, canvas = robot.panel.follower, window.main_window().pymolwidget
    drawn: list[float] = []
    redraw = follower._states.redraw

    def seen_redraw() -> None:
        redraw()
        drawn.append(time.perf_counter())

    def written() -> None:
        wait(lambda: not (follower._todo or follower._working))
        follower._rest.stop()  # titles, colours and key, which take seconds here, come once, at the end

    follower._states.redraw = seen_redraw
    for control in ("z", "wr"):
        what = f"Live, {n_atoms} atoms, {frames} states, {control}"
        move_to = mover(robot.panel.controls[control])
        seconds: dict[str, list[float]] = {"told": [], "painted": [], "all": [], "randn": []}
        for number in range(3 if QUICK else 12):
            written()
            drawn.clear()
            start = time.perf_counter()
            move_to(100 + 3 * number)
            while not drawn:
                robot.pump()
            canvas.repaint()
            seconds["told"].append(drawn[0] - start)
            seconds["painted"].append(time.perf_counter() - start)
            written()
            seconds["all"].append(time.perf_counter() - start)
            start = time.perf_counter()
            torch.randn(n_atoms, 3)
            seconds["randn"].append(time.perf_counter() - start)
        middle = {job: median(found) for job, found in seconds.items()}
        yield row(f"{what}: slider to the state shown, painted", 1000 * middle["painted"], "ms", 100)
        yield row(f"{what}: until PyMOL is told to draw it", 1000 * middle["told"], "ms")
        yield row(f"{what}: the same / randn of a frame", middle["told"] / middle["randn"], "x")
        yield row(f"{what}: until all states are written", 1000 * middle["all"], "ms")
        moves = iter(range(40 if QUICK else 200))
        hand = QtCore.QTimer()

        def move(move_to: Any = move_to, moves: Any = moves, hand: Any = hand) -> None:
            number = next(moves, None)
            if number is None:
                hand.stop()
            else:
                move_to(100 + number)

        hand.timeout.connect(move)
        with Heartbeat() as heart:
            hand.start(8)
            wait(lambda hand=hand: not hand.isActive())
        written()
        gaps = [1000 * (end - begin) for begin, end in zip(heart.beats, heart.beats[1:])]
        yield row(f"{what}: median turn while it is dragged", median([gap for gap in gaps if gap > 2] or gaps), "ms")
        yield row(f"{what}: longest turn while it is dragged", max(gaps), "ms")
    robot.click(robot.panel.live)
    robot.pump(100)


def way_rows(copies: int, frames: int) -> Iterator[str]:
    """What Live's coordinates cost, in PyMOL's memory and through files, beside random numbers."""
    import torch
    from pymol import cmd

    from pomodoro_pymol.commands import pomnoise
    from pomodoro_pymol.experiments.live import LiveDraw
    from pomodoro_pymol.viewer import host, live_states

    def refuse(*_: Any, **__: Any) -> None:
        raise SystemError("numpy.core.multiarray failed to import")

    def follow(draw: LiveDraw, unit: Any, sigma: float, state: int, out: Any) -> None:
        draw.fill(unit, state - 2, sigma, out)

    result = pomnoise(load(copies), frames=frames)
    states, n_atoms, sound = range(2, frames + 2), len(result.structure), cmd.get_coordset
    for way in ("in memory", "through files"):
        what = f"Live, {n_atoms} atoms, {frames} states, {way}: coordinates / randn"
        if way == "through files":
            cmd.get_coordset = refuse
        elif host.own_array(sound, result.name, 1, copy=0) is host.NO_ARRAYS:
            yield f"{what:<88} not to be had: PyMOL's arrays and NumPy do not agree; for information"
            continue
        live = live_states.LiveStates(result.name, result.structure.atom_at_place, frames + 1, _self=cmd)
        draw = LiveDraw(result.structure, result.parameters, atom_in_row=live.atom_in_row)
        unit = draw.mix(result.parameters.weights)
        ratios = []
        for number in range(10 if QUICK else 60):
            fill = partial(follow, draw, unit, 1 + number / 100)
            start = time.perf_counter()
            live.write(states, fill)
            middle = time.perf_counter()
            torch.randn(frames, n_atoms, 3)
            ratios.append((middle - start) / (time.perf_counter() - middle))
        live.close()
        yield row(what, median(ratios[5:]), "x", 0.5)
    cmd.get_coordset = sound


def run_rows(robot: Any) -> Iterator[str]:
    """A run on a large structure."""
    from pomodoro_pymol.viewer import sources

    name = load(2 if QUICK else 23)
    frames = 5 if QUICK else 50
    robot.set_values(f"pomnoise {name}, frames={frames}")
    with Heartbeat() as heart:
        n_atoms = see(robot, name)
    yield row(f"{n_atoms} atoms: longest gap of the window while the panel reads them", heart.longest(), "ms")
    times = [0.0, 0.0]
    create = sources.copy_atoms

    def timed_create(*arguments: Any) -> None:
        times[0] = time.perf_counter()
        create(*arguments)
        times[1] = time.perf_counter()

    sources.copy_atoms = timed_create
    panel = robot.panel
    with Heartbeat() as heart:
        start = time.perf_counter()
        panel.run.click()
        wait(lambda: not panel.runner.running)
        whole = time.perf_counter() - start
        wait(lambda: panel.watch.noised is not None)
    sources.copy_atoms = create
    assert robot.status == f"{name}_noise: {frames} frames", robot.status
    what = f"Run, {n_atoms} atoms, {frames} frames"
    yield row(
        f"{what}: longest gap of the window but for PyMOL's create", heart.longest((times[0], times[1])), "ms", 100
    )
    yield row(f"{what}: longest gap of the window", heart.longest(), "ms")
    yield row(f"{what}: PyMOL's create of the copy, one call", 1000 * (times[1] - times[0]), "ms")
    yield row(f"{what}: whole run", whole, "s")


def stop_rows(robot: Any, copies: int, frames: int) -> Iterator[str]:
    """Stop, pressed at several moments of a run; and what else a large structure makes slow."""
    from pomodoro_pymol.viewer import sources

    name = load(copies)
    robot.set_values(f"pomnoise {name}, frames={frames}")
    panel, runner = robot.panel, robot.panel.runner
    n_atoms = see(robot, name)
    what = f"Stop, {n_atoms} atoms"
    create = sources.copy_atoms
    made: list[float] = []

    def timed_create(*arguments: Any) -> None:
        create(*arguments)
        made.append(time.perf_counter())

    def working() -> bool:
        return runner._thread is not None and runner._thread.is_alive()

    moments: dict[str, Callable[[], Any]] = {
        "once the copy is made": lambda: made,
        "while the copy is read": lambda: made and time.perf_counter() > made[0] + 1e-6 * n_atoms,
        "once the numbers begin": working,
        "once a frame is written": lambda: runner._written,
        "once all frames are written": lambda: runner._written == frames,
        "while the copy is coloured": lambda: runner._written == frames and not working(),
    }
    sources.copy_atoms = timed_create
    before, slowest = robot.cmd.get_names("all"), 0.0
    for moment, reached in moments.items():
        made.clear()
        start = time.perf_counter()
        panel.run.click()
        with Heartbeat() as heart:
            while runner.running and not reached():
                robot.pump()
        if not runner.running:  # too quick for this moment
            continue
        if moment == "once a frame is written":
            yield row(f"{what}: from Run to the first progress", time.perf_counter() - start, "s")
            yield row(f"{what}: longest gap of the window until then", heart.longest(), "ms")
        start, work = time.perf_counter(), time.process_time()
        panel.run.click()
        while runner.running:
            robot.pump()
        seconds, work = time.perf_counter() - start, time.process_time() - work
        slowest = max(slowest, seconds)
        yield row(f"{what}: {moment}", seconds, "s")
        yield row(f"{what}: {moment}, processor time", work, "s")
        assert robot.cmd.get_names("all") == before, robot.cmd.get_names("all")
    sources.copy_atoms = create
    yield row(f"{what}: the slowest of these", slowest, "s", 1)


if __name__ == "__main__":
    main()
