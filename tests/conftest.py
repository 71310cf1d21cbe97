"""Fixtures on real PyMOL: an instance per test, sources of every kind, snapshots. Nothing here imports PyMOL
before a fixture that needs it runs."""

from __future__ import annotations

import copy
import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"
ROOT = Path(__file__).parents[1]
WINDOW = Path(__file__).parent / "window"
SCREEN = ("xvfb-run", "-a", "-s", "-screen 0 1400x1200x24 +extension GLX")
LARGE_SCREEN = ("xvfb-run", "-a", "-s", "-screen 0 2800x2000x24 +extension GLX")

DRIVER = """
import sys
sys.modules.update(dict.fromkeys({blocked}))
sys.path[:0] = {folders!r}
import robot
robot.perform({name!r}, {result!r})
"""

#: A quarter turn and a shift. PyMOL 2.5 crashes on whole numbers here.
_TURNED = [float(number) for number in (0, -1, 0, 12, 1, 0, 0, -3, 0, 0, 1, 8, 0, 0, 0, 1)]

# One atom per row: record, serial, name, altloc, residue name, chain, residue number with insertion code, x, y, z.
_ROW = "{:6}{:>5} {:<4}{:1}{:3} {:1}{:>4}{:1}   {:8.3f}{:8.3f}{:8.3f}{:6.2f}{:6.2f}          {:>2}"


def pdb_text(atoms: list[tuple], models: list[list[int]] | None = None) -> str:
    """Return a PDB file; an atom is (name, alt, resn, chain, resi, insertion code, hetero), a model lists atoms."""
    lines = []
    for number, model in enumerate(models or [list(range(len(atoms)))], 1):
        if models:
            lines.append(f"MODEL     {number:>4}")
        for i in model:
            name, alt, resn, chain, resi, code, hetero = atoms[i]
            place = (1.5 * i + 0.3 * number, 0.7 * (i % 3), -0.9 * (i % 5))
            record = "HETATM" if hetero else "ATOM"
            lines.append(
                _ROW.format(record, i + 1, f" {name}", alt, resn, chain, resi, code, *place, 1.0, 10.0 + i, name[0])
            )
        if models:
            lines.append("ENDMDL")
    return "\n".join([*lines, "END", ""])


def _residue(chain: str, resi: int, code: str = "", resn: str = "ALA", alts: str = "") -> list[tuple]:
    """Return the backbone of a residue; its CA once for each alternate location."""
    rows = []
    for name in ("N", "CA", "C", "O"):
        rows += [(name, alt, resn, chain, resi, code, False) for alt in (alts if name == "CA" and alts else [""])]
    return rows


_ALTLOCS = _residue("A", 1) + _residue("A", 2, alts="AB") + _residue("A", 3, alts="ABC")
_INSERTIONS = [atom for code in ("", "A", "B") for atom in _residue("A", 10, code)] + _residue("B", 10)
_BLANK = _residue("", 1) + _residue("", 2) + _residue("B", 1)
_HETERO = [
    *_residue("A", 1),
    *_residue("A", 2),
    ("C1", "", "LIG", "A", 50, "", True),
    ("C2", "", "LIG", "A", 50, "", True),
    ("ZN", "", "ZN", "A", 51, "", True),
    *(("O", "", "HOH", "A", 60 + i, "", True) for i in range(3)),
]
_PLAIN = _residue("A", 1) + _residue("A", 2) + _residue("A", 3)
# Residues interleaved atom by atom, so that file order and PyMOL's sorted order differ.
_SHUFFLED = [_PLAIN[i] for i in (7, 0, 10, 5, 2, 8, 1, 11, 6, 3, 9, 4)]


@dataclass(frozen=True)
class Source:
    """A structure in PyMOL, and the words that noise it."""

    object: str
    words: str

    def line(self, more: str = "") -> str:
        """Return the command to type."""
        return f"pomnoise {self.words} {more}".strip()


def _load_1hpv(cmd: Any, name: str = "1hpv") -> None:
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), name, quiet=1)


def _ttt(cmd: Any) -> Source:
    _load_1hpv(cmd)
    cmd.rotate("y", 40, object="1hpv", camera=0)
    cmd.translate([5, -7, 11], object="1hpv", camera=0)
    return Source("1hpv", "")


def _state_matrix(cmd: Any) -> Source:
    _load_1hpv(cmd)
    cmd.set("matrix_mode", 1)
    cmd.transform_object("1hpv", _TURNED)
    return Source("1hpv", "")


def _one_state_moved(cmd: Any) -> Source:
    source = _ensemble(cmd)
    cmd.set("matrix_mode", 1)
    cmd.transform_object("2juy", _TURNED, 5)
    return source


def _both_matrices(cmd: Any) -> Source:
    source = _state_matrix(cmd)
    cmd.set("matrix_mode", -1)
    cmd.rotate("y", 40, object="1hpv", camera=0)
    cmd.translate([5, -7, 11], object="1hpv", camera=0)
    return source


def _ensemble(cmd: Any) -> Source:
    cmd.load(str(DATA / "2juy.pdb.gz"), "2juy", quiet=1)
    return Source("2juy", "state=5")


def _current_state(cmd: Any) -> Source:
    cmd.load(str(DATA / "2juy.pdb.gz"), "2juy", quiet=1)
    cmd.frame(7)
    return Source("2juy", "")


def _missing_atoms(cmd: Any) -> Source:
    everything = list(range(len(_PLAIN)))
    text = pdb_text(_PLAIN, [everything, [i for i in everything if i not in (1, 4, 11)], everything])
    cmd.read_pdbstr(text, "gaps", quiet=1)
    return Source("gaps", "state=2")


def _missing_first(cmd: Any) -> Source:
    everything = list(range(len(_PLAIN)))
    cmd.read_pdbstr(pdb_text(_PLAIN, [everything[4:], everything]), "gaps", quiet=1)
    return Source("gaps", "state=2")


def _discrete(cmd: Any) -> Source:
    everything = list(range(len(_PLAIN)))
    cmd.read_pdbstr(pdb_text(_PLAIN, [everything, everything[2:]]), "loose", discrete=1, multiplex=0, quiet=1)
    return Source("loose", "state=2")


def _fab(cmd: Any) -> Source:
    cmd.fab("ACDEFGHIKLMNPQRSTVWY", "built", ss=1)
    return Source("built", "")


def _pdb(atoms: list[tuple], name: str, words: str = "") -> Callable[[Any], Source]:
    def build(cmd: Any) -> Source:
        cmd.read_pdbstr(pdb_text(atoms), name, quiet=1)
        return Source(cmd.get_object_list("all")[0], words)

    return build


def _whole(cmd: Any) -> Source:
    _load_1hpv(cmd)
    return Source("1hpv", "all")


def _scene(cmd: Any) -> Source:
    """Two chosen chains of a structure in a session with much else in it."""
    _load_1hpv(cmd)
    cmd.fab("GGG", "other")
    cmd.disable("other")
    cmd.set("cartoon_transparency", 0.3)
    cmd.set("sphere_scale", 0.4, "1hpv")
    cmd.alter("1hpv and chain A", "q = 0.5")
    cmd.color("marine", "1hpv and chain B")
    cmd.distance("flaps", "1hpv and chain A and resi 25 and name CA", "1hpv and chain B and resi 25 and name CA")
    cmd.turn("y", 33)
    cmd.scene("one", "store")
    cmd.select("pocket", "1hpv within 5 of organic")
    cmd.select("site", "1hpv and resi 25")  # shown; PyMOL shows one selection at a time
    return Source("1hpv", "1hpv and polymer")


SOURCES: dict[str, Callable[[Any], Source]] = {
    "ttt": _ttt,
    "state matrix": _state_matrix,
    "one state moved": _one_state_moved,
    "both matrices": _both_matrices,
    "ensemble": _ensemble,
    "current state": _current_state,
    "missing atoms": _missing_atoms,
    "missing first": _missing_first,
    "discrete": _discrete,
    "fab": _fab,
    "altlocs": _pdb(_ALTLOCS, "alts"),
    "insertion codes": _pdb(_INSERTIONS, "codes"),
    "blank chain": _pdb(_BLANK, "blank"),
    "hetero": _pdb(_HETERO, "mixed", "all"),
    "shuffled": _pdb(_SHUFFLED, "mess"),
    "name a-b": _pdb(_PLAIN, "a-b"),
    "name 1hpv.x": _pdb(_PLAIN, "1hpv.x"),
    "name c": _pdb(_PLAIN, "c"),
    "name polymer": _pdb(_PLAIN, "polymer"),
    "waters": _whole,
    "scene": _scene,
}


@pytest.fixture
def new_instance() -> Iterator[Callable[[], Any]]:
    """A function that starts a PyMOL with our commands and returns its ``cmd``."""
    import pymol2

    from pomodoro_pymol import commands

    instances = []

    def start() -> Any:
        instance = pymol2.PyMOL()
        instance.start()
        instances.append(instance)
        commands.register(instance.cmd)
        return instance.cmd

    yield start
    for instance in instances:
        instance.stop()


@pytest.fixture
def cmd(new_instance) -> Any:
    """The ``cmd`` of a fresh PyMOL."""
    return new_instance()


@pytest.fixture
def bare() -> Iterator[Any]:
    """The ``cmd`` of a PyMOL that does not know us."""
    import pymol2

    with pymol2.PyMOL() as instance:
        yield instance.cmd


@pytest.fixture
def hpv(cmd) -> Any:
    """A fresh PyMOL with HIV-1 protease loaded."""
    _load_1hpv(cmd)
    return cmd


@pytest.fixture(params=list(SOURCES))
def source(request, cmd) -> Source:
    """Each kind of source in turn, in ``cmd``."""
    return SOURCES[request.param](cmd)


@pytest.fixture
def load_source() -> Callable[[str, Any], Source]:
    """A function that builds the named source in a PyMOL."""
    return lambda name, cmd: SOURCES[name](cmd)


@pytest.fixture
def read_pdb() -> Callable[[Any, str], None]:
    """A function that loads a small three-residue protein under a name."""

    def read(cmd: Any, name: str) -> None:
        cmd.read_pdbstr(pdb_text(_PLAIN), name, quiet=1)

    return read


@pytest.fixture
def typed(capfd) -> Callable[[Any, str], str]:
    """A function that types a line and returns what was printed, the echo of the line aside."""

    def type_line(cmd: Any, line: str) -> str:
        _flush()
        capfd.readouterr()
        cmd.do(line)
        _flush()
        out, err = capfd.readouterr()
        return "\n".join(text for text in (out + err).splitlines() if not text.startswith("PyMOL>"))

    return type_line


def _flush() -> None:
    sys.stdout.flush()
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)


@pytest.fixture
def coords() -> Callable[[Any, str, int], Any]:
    """A function that reads a state of an object, in its own frame, shape=(n_atoms, 3), float32.

    In the order of the file, as draws are, where ``rank`` tells it. ``iterate_state`` works with
    every NumPy; ``get_coordset`` does not.
    """
    import numpy as np

    def read(cmd: Any, name: str, state: int) -> Any:
        rows: list[tuple] = []
        cmd.iterate_state(state, f"%{name}", "put((rank, x, y, z))", space={"put": rows.append})
        ranks = {row[0] for row in rows}
        if len(ranks) == len(rows) and min(ranks, default=0) >= 0:
            rows.sort()
        return np.array([row[1:] for row in rows], dtype=np.float32).reshape(-1, 3)

    return read


@pytest.fixture
def shown() -> Callable[[Any, str, int], Any]:
    """A function that reads a state of an object as `coords` does, in PyMOL's own order of the atoms."""
    import numpy as np

    def read(cmd: Any, name: str, state: int) -> Any:
        rows: list[tuple] = []
        cmd.iterate_state(state, f"%{name}", "put((x, y, z))", space={"put": rows.append})
        return np.array(rows, dtype=np.float32).reshape(-1, 3)

    return read


@pytest.fixture
def snapshot(shown) -> Callable[[Any, str], dict[str, Any]]:
    """A function that returns all that a user sees of an object: states, titles, colours, b, labels."""

    def take(cmd: Any, name: str) -> dict[str, Any]:
        states = range(1, cmd.count_states(f"%{name}") + 1)
        atoms: list[tuple] = []
        labels = "segi, chain, resi, resn, name, alt, elem, type, q"
        cmd.iterate(f"%{name}", f"put((color, b, ({labels})))", space={"put": atoms.append})
        colors, b, labels = zip(*atoms)
        return {
            "coords": [shown(cmd, name, state).tolist() for state in states],
            "titles": [cmd.get_title(name, state) for state in states],
            "colors": colors,
            "b": b,
            "labels": labels,
        }

    return take


@pytest.fixture
def session() -> Callable[[Any], dict[str, Any]]:
    """A function that returns the whole session as plain values."""

    def take(cmd: Any) -> dict[str, Any]:
        cmd.get_session()  # the first call stores a setting of its own
        whole = cmd.get_session()
        whole["session"] = copy.deepcopy(vars(whole["session"]))
        return whole

    return take


@pytest.fixture
def differences() -> Callable[[Any, Any], list[str]]:
    """A function that lists where two nested values differ, down to types and bits; nan equals nan."""

    def walk(one: Any, other: Any, path: str = "") -> Iterator[str]:
        if type(one) is not type(other):
            yield f"{path}: {one!r:.80} -> {other!r:.80}"
        elif isinstance(one, dict):
            for key in {**one, **other}:
                if key in one and key in other:
                    yield from walk(one[key], other[key], f"{path}/{key}")
                else:
                    yield f"{path}/{key}: only {'before' if key in one else 'after'}"
        elif isinstance(one, (list, tuple)):
            if len(one) != len(other):
                yield f"{path}: {len(one)} -> {len(other)} items"
            for i, pair in enumerate(zip(one, other)):
                yield from walk(*pair, f"{path}/{i}")
        elif one != other and not (one != one and other != other):
            yield f"{path}: {one!r:.80} -> {other!r:.80}"

    return lambda one, other: list(walk(one, other))


@pytest.fixture
def run_python(tmp_path) -> Callable[..., subprocess.CompletedProcess]:
    """A function that runs this interpreter in an empty folder with an empty HOME."""

    def run(*arguments: str, prefix: tuple[str, ...] = (), timeout: float = 400) -> subprocess.CompletedProcess:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        env = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        command = [*prefix, sys.executable, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture
def mount(tmp_path) -> Iterator[Callable[..., Path]]:
    """A function that mounts a small disk in memory in an empty folder, with further options such as ``ro``."""
    mounted: list[Path] = []

    def make(size: str, *options: str, folder: Path | None = None) -> Path:
        folder = folder or tmp_path / f"disk{len(mounted)}"
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", ",".join((f"size={size}", *options)), "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True) if sys.platform == "linux" else None
        if done is None or done.returncode:
            message = "small disks are mounted by root on Linux only"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
        mounted.append(folder)
        return folder

    yield make
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def fill() -> Callable[[Path], Path]:
    """A function that fills a disk to its last byte, and returns the file that does."""

    def write(folder: Path) -> Path:
        path = folder / "full"
        with suppress(OSError), open(path, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        return path

    return write


@dataclass(frozen=True)
class Played:
    """What a scenario noted, all that the process printed, and the HOME it had."""

    notes: dict[str, Any]
    printed: str
    home: Path


@pytest.fixture
def save_network(tmp_path) -> Callable[..., Path]:
    """A function that saves a network of coords, for some number of atoms, as this PyTorch can."""
    import torch
    from torch.torch_version import TorchVersion

    def save(name: str, body: Callable[[Any], Any], n_atoms: int) -> Path:
        class Net(torch.nn.Module):
            def forward(self, coords, c_noise):
                return body(coords)

        example = torch.zeros(2, n_atoms, 3), torch.zeros(2, 3)
        if TorchVersion(torch.__version__) < "2.8":  # exports pickles, which are refused
            torch.jit.trace(Net(), example).save(str(tmp_path / name))
        else:
            free = {0: torch.export.Dim("samples")}
            torch.export.save(torch.export.export(Net(), example, dynamic_shapes=(free, free)), tmp_path / name)
        return tmp_path / name

    return save


@pytest.fixture(scope="session")
def play(tmp_path_factory) -> Callable[..., Played]:
    """A function that plays a scenario in PyMOL's real window, in a process and HOME of its own unless one is given.

    What it noted comes back as JSON.
    """

    def play(
        name: str,
        home: Path | None = None,
        blocked: tuple[str, ...] = (),
        timeout: float = 400,
        folder: Path = WINDOW,
        large: bool = False,
        scale: int = 1,
    ) -> Played:
        if not shutil.which("xvfb-run"):
            message = "xvfb-run is not installed, so PyMOL's window cannot be opened"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
        home = home or tmp_path_factory.mktemp("home")
        result = home / f"{name}.json"
        driver = home / f"play_{name}.py"
        driver.write_text(
            DRIVER.format(blocked=list(blocked), folders=[str(folder), str(WINDOW)], name=name, result=str(result))
        )
        environment = {
            **os.environ,
            "HOME": str(home),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
            "PYTHONUNBUFFERED": "1",
        }
        environment.pop("QT_QPA_PLATFORM", None)  # tests of bare widgets set it
        if scale > 1:
            environment["QT_SCALE_FACTOR"] = str(scale)
        done = subprocess.run(
            [*(LARGE_SCREEN if large else SCREEN), sys.executable, "-m", "pymol", "-qk", driver],
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        assert result.exists(), done.stdout
        notes = json.loads(result.read_text())
        assert "scenario failed" not in notes, notes["scenario failed"] + done.stdout
        return Played(notes, done.stdout, home)

    return play
