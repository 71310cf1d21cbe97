"""What stands in PyMOL: the structure that the parameters mean, our object, its state, the selection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qtpy import QtCore

from ..parameters.catalogue import NoiseParameters
from ..utils.problems import problem_text
from ..viewer import grid, host, provenance, reading, sources, store, window
from ..viewer.given import regrouped

if TYPE_CHECKING:
    from ..color.scale import ColorScale
    from ..experiments.noise import NoiseResult
    from ..experiments.record import Record
    from ..structure.atoms import Structure
    from ..structure.hierarchy import Hierarchy
    from ..structure.moving import Moving

_INTERVAL_MS = 200
# A look round that takes long is taken less often: at most this part of the time.
_SHARE = 0.1
_PIECE = 5_000


@dataclass(frozen=True, eq=False)
class Molecule:
    """Atoms of an object and how they are grouped; the latter needs torch."""

    object: str
    structure: Structure
    hierarchy: Hierarchy

    @property
    def moving(self) -> Moving:
        """The part that noise moves, of which the numbers are."""
        from ..structure.moving import moving_part

        return moving_part(self.structure, self.hierarchy)


@dataclass(frozen=True, eq=False)
class Output:
    """An object of ours as the session remembers it."""

    name: str
    record: Record
    metric: str
    scale: ColorScale


class Watch(QtCore.QObject):
    """Looks at PyMOL now and then, and tells what has changed; PyMOL itself tells nobody.

    Attributes
    ----------
    objects : list of str
        What can be noised.
    source : viewer.Source or None
    problem : str
        Why there is no source.
    molecule : Molecule or None
        The source, once it is read.
    output : Output or None
        The object that holds the frames.
    noised : Molecule or None
        The output, once it is read.
    results : list of str
        Objects that hold frames, those of a comparison among them.
    compared : bool
        Whether a comparison stands.
    trajectory : str
        Object whose states are told of instead of the output's.

    `ran` carries the `Output` of each run that was not there at the last look, whoever began it, the newest last;
    `renamed` the former and the new name of a structure or an object of ours.
    """

    objects_changed = QtCore.Signal()
    results_changed = QtCore.Signal()
    renamed = QtCore.Signal(str, str)
    source_changed = QtCore.Signal()
    output_changed = QtCore.Signal()
    state_changed = QtCore.Signal(int, int, str)
    selection_changed = QtCore.Signal(object)
    ran = QtCore.Signal(object)
    polled = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject, wanted: Callable[[], NoiseParameters], _self: Any = host.cmd) -> None:
        super().__init__(parent)
        self._self = _self
        self._wanted = wanted
        self.objects: list[str] = []
        self.results: list[str] = []
        self.compared = False
        self._sizes: dict[str, int] = {}
        self.source: sources.Source | None = None
        self.problem = ""
        self.molecule: Molecule | None = None
        self.output: Output | None = None
        self.noised: Molecule | None = None
        self.trajectory = ""
        self._mark: Any = None
        self._runs: set[str] | None = None
        self._state: Any = None
        self._selected: tuple[int, ...] = ()
        self._readers: dict[str, Generator[None, None, Molecule]] = {}
        self._loading = threading.Thread(target=_load, name="pomodoro-load", daemon=True)
        self._loading.start()
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self.poll)
        self._turn = QtCore.QTimer(self)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._read_some)

    def start(self) -> None:
        """Look now, and every now and then."""
        self.poll()
        self._timer.start()

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()
        self._turn.stop()
        self._readers.clear()
        self._mark = self.source = None

    def resolved(self) -> NoiseParameters | None:
        """Return the parameters with the source spelt out, as a run's record has them."""
        if self.source is None:
            return None
        return replace(self._wanted().spelt_out(), selection=self.source.selection, state=self.source.state)

    def adopt_structure(self, result: NoiseResult) -> None:
        """Take the structure of a run just finished for the output's, which need not be read again."""
        if self.output is not None and self.output.name == result.name:
            self.noised = Molecule(result.name, result.structure, result.hierarchy)
            self._readers.pop("noised", None)
            self.output_changed.emit()

    def adopt_output(self, output: Output) -> None:
        """Take what the panel itself made of the output, which need not be read back from the session."""
        if self.output is not None and self.output.name == output.name:
            self.output, self._mark = output, _mark(output.name, store.get_record(output.name, _self=self._self) or {})
            self.output_changed.emit()

    def poll(self) -> None:
        """Look round."""
        start = time.perf_counter()
        self._look_for_objects()
        self._look_for_source()
        if self._look_for_runs():  # which may have changed what is wanted
            self._look_for_source()
        self._look_for_output()
        self._look_at_output()
        self.polled.emit()
        spent = time.perf_counter() - start
        self._timer.setInterval(max(_INTERVAL_MS, round(1000 * spent / _SHARE)))

    def _look_for_objects(self) -> None:
        for former, name in provenance.follow_renames(_self=self._self).items():
            self.renamed.emit(former, name)
        objects = store.source_objects(_self=self._self)
        if objects == self.objects:
            return
        before, self.objects = self._sizes, objects
        self._sizes = {name: self._self.count_atoms(f"%{name}") for name in objects}
        gone, new = set(before) - set(objects), set(objects) - set(before)
        if len(gone) == len(new) == 1:
            (old,), (name,) = gone, new
            if before[old] == self._sizes[name]:
                self.renamed.emit(old, name)
        self.objects_changed.emit()

    def _look_for_source(self) -> None:
        parameters = self._wanted()
        source, problem = None, ""
        try:
            source = sources.source_of(parameters, _self=self._self)
        except Exception as error:
            problem = problem_text(error)
        if (source, problem) == (self.source, self.problem):
            return
        self.source, self.problem, self.molecule = source, problem, None
        self._readers.pop("molecule", None)
        if source is not None:
            self._read(
                "molecule",
                source.object,
                source.atoms,
                source.state,
                "",
                lambda read: regrouped(read, source, _self=self._self),
            )
        self.source_changed.emit()

    def _look_for_runs(self) -> bool:
        """Tell of runs that were not there before; the first look only learns which there are."""
        runs = store.runs(_self=self._self)
        known, self._runs = self._runs, runs.keys() | (self._runs or set())
        new = [] if known is None else [name for run, name in runs.items() if run not in known]
        outputs = (self._read_output(name, store.get_record(name, _self=self._self) or {}) for name in new)
        found = [output for output in outputs if output is not None]
        if found:
            self.ran.emit(found)
        return bool(found)

    def _look_for_output(self) -> None:
        commands = {
            name: store.command_of(store.get_record(name, _self=self._self) or {})
            for name in store.our_objects(_self=self._self)
        }
        results = [name for name, command in commands.items() if command == NoiseParameters.command]
        compared = grid.members(_self=self._self)
        name, plain = self._find_output(results, compared)
        if (results, bool(compared)) != (self.results, self.compared):
            self.results, self.compared = results, bool(compared)
            self.results_changed.emit()
        mark = _mark(name, plain)
        if mark == self._mark:
            return
        self._mark = mark
        former, self.output = self.output, self._read_output(name, plain)
        if self.output is None:
            self.noised = None
            self._readers.pop("noised", None)
        elif former is None or self._key(former) != self._key(self.output) or self.noised is None:
            self.noised = None
            record = self.output.record
            self._read("noised", name, f"%{name}", 1, record.order, record.regrouped, record.source)
        self.output_changed.emit()

    def _find_output(self, results: list[str], compared: list[str]) -> tuple[str, dict[str, Any]]:
        """Return our object that the parameters mean, else the first of the same source; "" where there is none."""
        source = self.source.object if self.source else ""
        wanted = self._wanted().name or f"{source}_noise"
        records = {name: store.get_record(name, _self=self._self) or {} for name in results}
        if wanted in records:
            return wanted, records[wanted]
        for name, plain in records.items():
            if name not in compared and source in ("", plain.get("source")):
                return name, plain
        return "", {}

    def _read_output(self, name: str, plain: dict[str, Any]) -> Output | None:
        if not plain:
            return None
        try:
            from ..color.scale import ColorScale
            from ..experiments.record import Record
            from ..noise.metrics import DIRECTION, METRICS

            record = Record.from_plain(plain)
            metric = plain["colors"]["metric"]
            if metric in METRICS or metric == DIRECTION:
                return Output(name, record, metric, ColorScale.from_plain(plain["colors"]))
        except Exception:  # of a session from elsewhere: as if the object were not ours
            return None
        return None

    def _key(self, output: Output) -> tuple[str, str, int, bytes]:
        record = output.record
        fixed = b"" if record.fixed is None else record.fixed.tobytes()
        return output.name, record.digest, record.parameters.state, fixed

    def _look_at_output(self) -> None:
        name = self.output.name if self.output else ""
        told = store.spelling(self.trajectory, _self=self._self) if self.trajectory else ""
        state = window.shown_state(told or name, _self=self._self) if told or name else (0, 0, "")
        if state != self._state:
            self._state = state
            self.state_changed.emit(*state)
        subject = name or (self.source.object if self.source else "")
        selected = window.selected_atoms(subject, _self=self._self)
        if selected != self._selected:
            self._selected = selected
            self.selection_changed.emit(selected)

    # Structures are read in pieces, between which the window lives.

    def _read(
        self,
        slot: str,
        name: str,
        atoms: str,
        state: int,
        order: str,
        group: Callable[[Structure], Structure],
        title: str = "",
    ) -> None:
        def steps() -> Generator[None, None, Molecule]:
            """Read the atoms, once torch is there, and group them."""
            while self._loading.is_alive():
                yield
            from ..structure.hierarchy import Hierarchy

            structure = yield from reading.structure_steps(
                name, atoms, state, title=title, piece=_PIECE, order=order, _self=self._self
            )
            structure = group(structure)
            yield
            return Molecule(name, structure, Hierarchy.from_structure(structure))

        self._readers[slot] = steps()
        self._turn.start()

    def _read_some(self) -> None:
        if not self._readers:
            self._turn.stop()
            return
        self._turn.setInterval(20 if self._loading.is_alive() else 0)
        slot, steps = next(iter(self._readers.items()))
        try:
            next(steps)
            return
        except StopIteration as end:
            found = end.value
        except Exception:  # gone, or changed on the way, or no torch: the next look tells
            found = None
        del self._readers[slot]
        setattr(self, slot, found)
        (self.source_changed if slot == "molecule" else self.output_changed).emit()


def _mark(name: str, plain: dict[str, Any]) -> tuple[str, ...]:
    """Return what is another as soon as the object is another, or its record says something else of it."""
    return name, *(_text(plain.get(key)) for key in ("command", "title", "digest", "colors", "run"))


def _text(value: Any) -> str:
    try:
        return repr(value)
    except RecursionError:  # deeper than Python goes, as no value of ours is
        return ""


def _load() -> None:
    """Import what takes a second, while the window lives."""
    with suppress(ImportError):  # torch is missing, which the panel says
        from ..jobs import noise, signal, sweep  # noqa: F401
