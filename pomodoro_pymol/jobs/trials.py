"""The steps of the self-test: each takes a small structure through what commands and Live do with any other.

What PyMOL then holds and shows is compared with what is worked out without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..color.scale import ColorScale
from ..errors import PomodoroError
from ..experiments.live import LiveDraw
from ..experiments.noise import NoiseResult, run_noise
from ..io.npz import load_frames
from ..io.read import read_ensemble, read_structure
from ..noise.metrics import span_of
from ..noise.weights import LevelWeights
from ..parameters.catalogue import ColorParameters, NoiseParameters, SaveParameters
from ..structure.atoms import Structure
from ..structure.hierarchy import Hierarchy
from ..utils.devices import DEVICES, recorded_device, resolve_device
from ..utils.text import counted
from ..viewer import about, dressing, host, reading, stage, store
from ..viewer.live_states import LiveStates
from .coloring import color
from .noise import NoiseRun
from .saving import read_object

_FRAMES = 3
#: Parts of a picture: what an object lights at least, and what changes at least where it moves.
_LIT, _MOVED = 0.005, 0.003
#: Draws of a device, and how far from 1 their rms over sigma may be: six times its standard error.
_DRAWS, _OFF = 200, 0.06
#: Half of the last digit of a PDB or mmCIF file, and what float32 adds to it; angstrom.
_DIGIT = 0.00051
_COLORS = ColorParameters(metric="displacement", palette="cividis")
# The atoms of a residue, in an order that is not PyMOL's, and where they are; and the step to the next residue.
_ATOMS = {
    "CB": (1.950, -0.800, 1.200),
    "O": (1.350, 2.450, 0.000),
    "N": (0.000, 0.000, 0.000),
    "C": (2.000, 1.420, 0.000),
    "CA": (1.450, 0.000, 0.000),
}
_STEP = (3.330, 1.500, 0.000)
_CHAINS = {"B": 0.0, "A": 9.0}
_RESIDUES = 6


class NotTried(Exception):
    """A step that cannot be tried here, with the reason."""


@dataclass
class Trial:
    """What the steps hand on."""

    cmd: Any
    folder: Path
    source: str = ""
    file: Any = None
    structure: Any = None
    result: Any = None
    frames: Any = None
    drawn: dict[str, tuple[int, int] | None] = field(default_factory=dict)


def _text() -> str:
    """Return the structure as a PDB file: two chains, the second first, and an ion."""
    rows = []
    for chain, shift in _CHAINS.items():
        for number in range(_RESIDUES):
            for name, place in _ATOMS.items():
                x, y, z = (
                    a + number * b + (0, shift, 0.1 * shift)[axis] for axis, (a, b) in enumerate(zip(place, _STEP))
                )
                rows.append(("ATOM", name, "ALA", chain, number + 1, x, y, z, name[0]))
    rows.append(("HETATM", "ZN", "ZN", "A", 90, -6.0, 4.0, 2.5, "ZN"))
    lines = [
        f"{kind:6}{serial:5} {name if len(element) > 1 else f' {name}':4} {resn:>3} {chain}{resi:4}    "
        f"{x:8.3f}{y:8.3f}{z:8.3f}{1:6.2f}{10 + 0.25 * serial:6.2f}          {element:>2}"
        for serial, (kind, name, resn, chain, resi, x, y, z, element) in enumerate(rows, 1)
    ]
    return "\n".join([*lines, "END", ""])


def _reads(trial: Trial) -> str:
    cmd, path = trial.cmd, trial.folder / "source.pdb"
    path.write_text(_text(), encoding="ascii")
    trial.file = read_structure(path)
    trial.source = _free("pomodoro_test", cmd)
    with host.muted(cmd):
        cmd.load(str(path), trial.source, zoom=0, quiet=1)
    read = reading.read_structure(trial.source, _self=cmd)
    _same(read.coords, trial.file.coords, "the coordinates that PyMOL and the file reader read")
    _same(read.atoms, trial.file.atoms, "the atoms that PyMOL and the file reader read")
    _same(read.residues, trial.file.residues, "the labels that PyMOL and the file reader read")
    found, wanted = Hierarchy.from_structure(read), Hierarchy.from_structure(trial.file)
    _same(found.atom_to_residue, wanted.atom_to_residue, "residues in PyMOL and in the file")
    _same(found.residue_to_chain, wanted.residue_to_chain, "chains in PyMOL and in the file")
    sorted_alike = np.array_equal(read.places, np.arange(len(read)))  # as with retain_order
    return f"{found}, {'' if sorted_alike else 'not '}in PyMOL's order"


def _noise(trial: Trial) -> str:
    parameters = NoiseParameters(
        selection=f"%{trial.source}",
        z=-1,
        wc=3,
        wr=8,
        frames=_FRAMES,
        device="cpu",
        name=_free("pomodoro_noise", trial.cmd),
    )
    start = time.perf_counter()
    with NoiseRun(parameters, _self=trial.cmd) as run:
        structure = reading.take_all(run.prepare())
        result = run.work(structure, lambda *_: None)
        reading.take_all(run.finish(result))
    took = time.perf_counter() - start
    trial.result, trial.structure = result, structure
    trial.frames = _drawn(trial.file, parameters)
    _compare(trial, trial.frames)
    return f"{counted(_FRAMES + 1, 'state')}, bit for bit, {1000 * took:.0f} ms of pomnoise"


def _drawn(structure: Structure, parameters: NoiseParameters) -> Any:
    """Return frames as they are drawn without PyMOL, shape=(n_frames, n_atoms, 3)."""
    blocks: list[Any] = []
    run_noise(structure, parameters, lambda block: blocks.append(block.numpy().copy()))
    return np.concatenate(blocks)


def _compare(trial: Trial, frames: Any) -> None:
    """Compare what PyMOL holds of the truth and the frames with what was worked out."""
    for state, frame in enumerate([trial.file.coords, *frames], 1):
        shown = reading.read_state(trial.result.name, state, _self=trial.cmd)
        _same(shown[trial.structure.places], frame, f"state {state} in PyMOL and what was computed")


def _colors(trial: Trial) -> str:
    cmd, name = trial.cmd, trial.result.name
    first = _check_colors(trial, trial.result.parameters)
    _, coloring = color(replace(_COLORS, object=name), _self=cmd)
    second = _check_colors(trial, _COLORS)
    if first == second:
        raise PomodoroError("pomcolor changed no colour")
    key = coloring.key
    labelled = reading.count_atoms(f"%{key} and rep labels", _self=cmd)
    if key not in cmd.get_names("objects", enabled_only=1) or not labelled:
        raise PomodoroError("the colour key is not shown")
    n_residues = trial.result.hierarchy.n_residues
    return f"{len(set(first))} colours, then {len(set(second))}, of {counted(n_residues, 'residue')}, and the key"


def _check_colors(trial: Trial, choice: Any) -> list[int]:
    """Compare colour and b of each atom in PyMOL with those of its residue's metric; return the colours."""
    found: list[Any] = []
    trial.cmd.iterate(f"%{trial.result.name}", "put((color, b))", space={"put": found.append})
    result = trial.result
    values = result.metric(choice.metric)
    scale = ColorScale(choice.palette, *span_of(choice.metric, result.parameters.noise_sigma))
    residues = result.hierarchy.atom_to_residue.numpy()[trial.structure.atom_at_place]
    colors = (0x40000000 | scale.rgb(values))[residues].tolist()
    _same([each for each, _ in found], colors, f"colours in PyMOL and those of {choice.metric}")
    wanted = np.nan_to_num(values)[residues].astype(np.float32)
    _same(np.array([b for _, b in found], np.float32), wanted, f"b in PyMOL and {choice.metric}")
    return colors


def _ray(trial: Trial) -> str:
    return _draws(trial, "ray")


def _window(trial: Trial) -> str:
    if about.own_window(_self=trial.cmd) is None:
        raise NotTried("no window")
    return _draws(trial, "window")


def _draws(trial: Trial, how: str) -> str:
    """Compare pictures of nothing, of the truth, and of a noised state."""
    cmd, name = trial.cmd, trial.result.name
    dressing.show_spheres(name, _self=cmd)
    cmd.zoom(f"%{name}", 5, state=0, complete=1, animate=0)
    start = time.perf_counter()
    size = stage.ray_size(_self=cmd) if how == "ray" else None
    empty, truth, noised, again = (_picture(trial, state, size) for state in (0, 1, 2, 0))
    took = (time.perf_counter() - start) / 4
    lit = [_differ(empty, seen) for seen in (truth, noised)]
    dark, moved = _differ(empty, again), _differ(truth, noised)
    found = (
        f"truth {_percent(lit[0])}, a noised state {_percent(lit[1])}, nothing {_percent(dark)} of "
        f"{empty.shape[1]} x {empty.shape[0]} pixels, {_percent(moved)} moved, {1000 * took:.0f} ms each"
    )
    if dark or min(lit) < _LIT or moved < _MOVED:
        raise PomodoroError(f"it does not draw what it should: {found}")
    trial.drawn[how] = size
    return found


def _picture(trial: Trial, state: int, size: tuple[int, int] | None) -> Any:
    """Return a picture of a state of the output alone, of nothing for state 0; of the window where it has no size."""
    stage.put_on([trial.result.name] if state else [], state, _self=trial.cmd)
    return stage.picture(trial.folder, size, _self=trial.cmd)


def _differ(one: Any, other: Any) -> float:
    """Return which part of the pixels of two pictures differs to the eye.

    The viewport makes room for the slider of states, or takes it back, when it comes to it.
    """
    height, width = (min(sizes) for sizes in zip(one.shape[:2], other.shape))
    one, other = (seen[:height, :width].astype(int) for seen in (one, other))
    return float((abs(one - other) > 12).any(2).mean())


def _percent(part: float) -> str:
    return f"{100 * part:.3g} %"


def _live(trial: Trial) -> str:
    atoms = trial.structure.atom_at_place
    with closing(LiveStates(trial.result.name, atoms, _FRAMES + 1, _self=trial.cmd)) as states:
        return _overwritten(trial, states)


def _overwritten(trial: Trial, states: LiveStates) -> str:
    """Overwrite the frames by others, and compare what PyMOL then holds and draws."""
    structure = trial.structure
    parameters = NoiseParameters(z=-0.5, wc=1, wr=1, wa=1, seed=1, frames=_FRAMES, device="cpu")
    draw = LiveDraw(structure, parameters, "cpu", states.atom_in_row)
    unit = draw.mix(LevelWeights(1, 1, 1))

    def fill(state: int, out: Any) -> None:
        """Fill the rows of a state with its frame."""
        draw.fill(unit, state - 2, parameters.noise_sigma, out)

    written = range(2, _FRAMES + 2)
    former = {how: [_picture(trial, state, size) for state in (0, 2)] for how, size in trial.drawn.items()}
    start = time.perf_counter()
    states.write(written, fill)
    took = time.perf_counter() - start
    states.draw_all()
    for state in written:
        states.verify(state, fill)
    _compare(trial, _drawn(trial.file, parameters))
    for how, size in trial.drawn.items():
        empty, stale = former[how]
        seen = _picture(trial, 2, size)
        if _differ(empty, seen) < _LIT or _differ(stale, seen) < _MOVED:
            raise PomodoroError(f"what Live wrote is not drawn ({how})")
    return f"{counted(_FRAMES, 'state')} bit for bit, {1000 * took / _FRAMES:.2f} ms each"


def _session(trial: Trial) -> str:
    cmd, name, path = trial.cmd, trial.result.name, trial.folder / "session.pse"
    names = [name, store.all_records(cmd)[name]["key"]]
    cmd.save(str(path), " ".join(names), partial=1, quiet=1)
    with host.headless() as other:
        other.load(str(path), quiet=1)
        if store.get_record(name, _self=other) is None:
            raise PomodoroError("the record of the frames is not in the session file")
        if set(names) - set(other.get_names("objects")):
            raise PomodoroError("the frames or their key are not in the session file")
        there = replace(trial, cmd=other)
        _compare(there, trial.frames)
        other.zoom(f"%{name}", 5, state=0, complete=1, animate=0)
        size = stage.ray_size(_self=other)
        empty, shown = (_picture(there, state, size) for state in (0, 2))
        lit = _differ(empty, shown)
        if lit < _LIT:
            raise PomodoroError(f"a noised state lights {_percent(lit)} of the pixels once the session is opened")
    return f"{path.stat().st_size / 1000:.0f} kB, opened by another PyMOL: bit for bit, {_percent(lit)} lit"


def _files(trial: Trial) -> str:
    cmd, name = trial.cmd, trial.result.name
    found = []
    plain = store.all_records(cmd)[name]
    wanted = np.stack([trial.file.coords, *trial.frames])
    loaded = ""
    for ending in ("pdb", "cif", "dcd", "npz"):
        path = trial.folder / f"frames.{ending}"
        file, frames = read_object(name, plain, SaveParameters(filename=str(path)), _self=cmd)
        file.write(path, frames)
        if ending in ("pdb", "cif"):
            found.append(f".{ending} {_read_back(path, wanted)}")
            loaded = _free("pomodoro_file", cmd)
            with host.muted(cmd):
                cmd.load(str(path), loaded, zoom=0, quiet=1)
            _near(_states(loaded, cmd), wanted, f"what PyMOL reads of .{ending}")
        elif ending == "dcd":
            found.append(f".dcd {_load_dcd(path, loaded, wanted, cmd)}")
        else:
            _same(load_frames(path).coords, trial.frames, "frames read from .npz")
            found.append(".npz")
    return ", ".join(found)


def _read_back(path: Path, wanted: Any) -> str:
    """Read a file by our reader and compare; say by what it was read."""
    try:
        _, states = read_ensemble(path)
    except ModuleNotFoundError as error:
        return f"(by PyMOL alone: {error.name} is missing)"
    _near(states, wanted, f"what our reader reads of {path.suffix}")
    return "(by PyMOL too)"


def _load_dcd(path: Path, name: str, wanted: Any, cmd: Any) -> str:
    """Load frames onto an object, and compare bit for bit; say so where PyMOL has no reader."""
    try:
        with host.muted(cmd), host.c_stdout_muted():
            cmd.load_traj(str(path), name, 2, format="dcd")
    except host.CmdException:
        return "(no reader in this PyMOL)"
    _same(_states(name, cmd)[1:], wanted[1:], "what PyMOL reads of .dcd")
    return "(bit for bit)"


def _states(name: str, cmd: Any) -> Any:
    """Return all states of an object, shape=(n_states, n_atoms, 3), in the order of its file."""
    return reading.read_all(name, reading.read_structure(name, _self=cmd), _self=cmd)


def _devices(trial: Trial) -> str:
    found = []
    for device in DEVICES[1:]:
        try:
            resolve_device(device)
        except PomodoroError:
            continue
        parameters = NoiseParameters(frames=_DRAWS, device=device)
        start = time.perf_counter()
        result: NoiseResult = run_noise(trial.file, parameters, lambda block: None)
        took = time.perf_counter() - start
        off = result.statistics.levels().atom / parameters.noise_sigma
        found.append(f"{result.device} {_DRAWS} frames in {1000 * took:.0f} ms, rms/sigma {off:.3f}")
        if not abs(off - 1) < _OFF or recorded_device(result.device).type != device:
            raise PomodoroError(f"{found[-1]}{f': {result.note}' if result.note else ''}")
    return "; ".join(found)


def _free(prefix: str, cmd: Any) -> str:
    """Return a name that nothing has."""
    return cmd.get_unused_name(prefix)


def _same(one: Any, other: Any, what: str) -> None:
    """Refuse arrays that differ in a bit."""
    if not np.array_equal(one, other):
        raise PomodoroError(f"{what} differ")


def _near(one: Any, other: Any, what: str) -> None:
    """Refuse coordinates that differ in the digits of a file."""
    if one.shape != other.shape or abs(one - other).max() > _DIGIT:
        raise PomodoroError(f"{what} is not what was written")


STEPS: dict[str, tuple[Callable[[Trial], str], str]] = {
    # what is tried, and which step must have worked
    "reads": (_reads, ""),
    "noise": (_noise, "reads"),
    "colours": (_colors, "noise"),
    "ray": (_ray, "noise"),
    "window": (_window, "noise"),
    "session": (_session, "noise"),
    "files": (_files, "noise"),
    "live": (_live, "noise"),
    "devices": (_devices, "reads"),
}
