"""How fast files of frames are written, against PyMOL's own save, in one process.

    python tests/benchmarks/bench_export.py [--rounds N]

20 frames of 1tii (5,684 atoms), whose structure and states PyMOL and we both hold in
memory. The writers take turns, each writes a new file, and the median over rounds
counts, because the machine is shared and noisy. Budget: multi-MODEL PDB at least 10 times faster than ``cmd.save``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pymol2

from pomodoro_pymol.io.dcd import save_dcd
from pomodoro_pymol.io.mmcif import save_mmcif
from pomodoro_pymol.io.pdb import save_pdb, save_pdb_residue
from pomodoro_pymol.noise.draw import add_noise
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.viewer import reading, states

FRAMES = 20
BUDGET = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with pymol2.PyMOL() as instance, tempfile.TemporaryDirectory() as folder:
        cmd = instance.cmd
        cmd.load(cmd.exp_path("$PYMOL_DATA/demo/1tii.pdb"), "1tii", quiet=1)
        structure = reading.read_structure("1tii", _self=cmd)
        hierarchy = Hierarchy.from_structure(structure)
        frames = add_noise(structure.coords, hierarchy, 4.82, n_frames=FRAMES)
        with states.StateWriter("1tii", structure.atom_at_place, _self=cmd) as writer:
            writer.write(frames)
        cmd.delete_states("1tii", "1")
        assert cmd.count_states("1tii") == FRAMES
        path = Path(folder)
        jobs = {
            "cmd.save, state=0": lambda: cmd.save(str(path / "pymol.pdb"), "1tii", state=0),
            "save_pdb": lambda: save_pdb(path / "ours.pdb", structure, frames[1:]),
            "save_mmcif": lambda: save_mmcif(path / "ours.cif", structure, frames[1:]),
            "save_dcd": lambda: save_dcd(path / "ours.dcd", frames),
            "save_pdb_residue": lambda: save_pdb_residue(path / "residues.pdb", structure, hierarchy, frames[1:]),
        }
        seconds: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(rounds):
            for name, job in jobs.items():
                for file in path.iterdir():
                    file.unlink()
                start = time.perf_counter()
                job()
                seconds[name].append(time.perf_counter() - start)
    reference = statistics.median(seconds["cmd.save, state=0"])
    print(f"{FRAMES} models of {len(structure)} atoms, {rounds} rounds")
    for name, times in seconds.items():
        median = statistics.median(times)
        ratio = np.median(np.divide(seconds["cmd.save, state=0"], times))
        print(
            f"{name:20}{1e3 * median:8.1f} ms  min {1e3 * min(times):8.1f} ms  {reference / median:6.1f} x  "
            f"(median of the rounds' ratios {ratio:.1f} x)"
        )
    return int(reference < BUDGET * statistics.median(seconds["save_pdb"]))


if __name__ == "__main__":
    sys.exit(main())
