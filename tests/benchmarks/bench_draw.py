"""What it costs PyMOL to draw every state of an object, measured in its real window, on a virtual screen.

    python tests/benchmarks/bench_draw.py [--quick]

Needs xvfb-run. The first draw of 21 states, all of them beside the one that is shown alone, which is what
``defer_builds_mode`` 1 on the object does, in the same process; drawing itself is in software. ``--quick``
shrinks everything: it shows that the benchmark works, and its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import Any

from bench_panel import measure, row

QUICK, OUT = False, ""
# File of PyMOL's data, copies side by side.
STRUCTURES = {False: (("tut/1hpv.pdb", 1), ("demo/1tii.pdb", 1), ("demo/1tii.pdb", 4)), True: (("demo/pept.pdb", 1),)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="show that it works; the numbers mean nothing")
    measure("bench_draw", QUICK=parser.parse_args().quick)


def play(robot: Any) -> None:
    """Measure, inside PyMOL's window."""
    cmd = robot.cmd
    with open(OUT, "w") as out:
        for file, copies in STRUCTURES[QUICK]:
            for line in rows(robot, cmd.exp_path(f"$PYMOL_DATA/{file}"), copies):
                print(line, file=out, flush=True)
        print("the end", file=out)


def rows(robot: Any, path: str, copies: int) -> Any:
    """Noise copies of a structure and draw the frames."""
    cmd = robot.cmd
    cmd.delete("all")
    cmd.load(path, "one", quiet=1)
    cmd.remove("solvent")
    for number in range(copies):
        cmd.create(f"copy{number}", "one", zoom=0)
        cmd.alter(f"copy{number}", f"segi = 'S{number}'")
        cmd.translate([100 * number, 0, 0], f"copy{number}", camera=0)
    cmd.create("many", "copy*", zoom=0)
    cmd.delete("one copy*")
    cmd.do("pomnoise many, z=0, wc=3, wr=8, frames=20")
    cmd.disable("many many_noise_key")
    n_atoms = cmd.count_atoms("many_noise")
    for representation in ("cartoon", "sticks", "lines"):
        cmd.hide("everything", "many_noise")
        cmd.show(representation, "many_noise")
        cmd.zoom("many_noise", state=1, animate=0)
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(2 if QUICK else 6):
            for alone, found in seconds.items():
                found.append(first_draw(robot, alone))
        alone, every = (median(found[1:]) for found in seconds.values())
        what = f"{n_atoms} atoms, 21 states, {representation}: first draw"
        yield row(f"{what}, the state shown alone", 1000 * alone, "ms")
        yield row(f"{what}, all states", 1000 * every, "ms")
        yield row(f"{what}, all states / the state shown alone", every / alone, "x", 4)


def first_draw(robot: Any, alone: bool) -> float:
    """Return how long the window takes to show the second state of an object that was never drawn."""
    from pymol.gui import get_qtwindow

    cmd = robot.cmd
    cmd.disable("many_noise")
    cmd.create("fresh", "many_noise", zoom=0)
    cmd.disable("fresh")
    if alone:
        cmd.set("defer_builds_mode", 1, "fresh", updates=0)
    cmd.frame(2)
    robot.pump(100)
    start = time.perf_counter()
    cmd.enable("fresh")
    get_qtwindow().pymolwidget.repaint()
    seconds = time.perf_counter() - start
    cmd.delete("fresh")
    return seconds


if __name__ == "__main__":
    main()
