"""What a saved session keeps of a run: plain types out, and anything at all in."""

from __future__ import annotations

import hashlib
import math
import platform
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch

from .. import __version__
from ..errors import PomodoroError
from ..noise.levels import Levels, ResidueLevels
from ..parameters.catalogue import NoiseParameters
from ..structure.atoms import Structure
from ..structure.given import regroup
from ..structure.hierarchy import Hierarchy

#: Whose order draws can follow, in words.
ORDERS = {"file": "the file", "copy": "PyMOL's copy"}


@dataclass(frozen=True)
class MeasuredLevels:
    """What was measured over all frames, and the ends of its 95 % interval; nan for one frame."""

    measured: Levels
    low: Levels
    high: Levels


@dataclass(frozen=True, eq=False)
class Record:
    """A noise run as the session remembers it.

    Attributes
    ----------
    parameters : NoiseParameters
        That repeat the run.
    source : str
        Name of the source object.
    device : str
        Where the noise was drawn, by name; former versions said only ``cpu``, ``cuda`` or ``mps``.
    digest : str
        Of the labels of the atoms that were noised.
    residues : ResidueLevels
        What was measured of each residue that moves.
    levels : MeasuredLevels
        What was measured of all that moves.
    order : {"file", "copy"}
        Whose order the draws followed, as `Structure.order`; version 0.1.0 did not say, and drew in
        the order of PyMOL's copy.
    run : str
        Which run it was: no two have the same; "" outside of PyMOL, and in version 0.1.0.
    versions : str
        Of the programs that drew the noise.
    groups : tuple of two ndarrays of int64, shape=(n_atoms,)
        Residue and chain of each atom, where they were given, not found by the rule.
    b : ndarray, shape=(n_atoms,), dtype=float32, or None
        That of the source, in the order of the draws; None where it is not known, as in records of
        version 0.1.0. The object's own is the metric.
    fixed : ndarray, shape=(n_atoms,), dtype=bool, or None
        Atoms that were not noised, in the order of the draws; None where all move.
    """

    parameters: NoiseParameters
    source: str
    device: str
    digest: str
    residues: ResidueLevels
    levels: MeasuredLevels
    order: str
    run: str = ""
    versions: str = field(default_factory=lambda: _versions())
    groups: tuple[np.ndarray, np.ndarray] | None = None
    b: np.ndarray | None = None
    fixed: np.ndarray | None = None

    def regrouped(self, structure: Structure) -> Structure:
        """Return the structure of the object with the residues, chains and fixed atoms that were given, if any were."""
        structure = regrouped(structure, self.groups)
        fits = self.fixed is not None and len(self.fixed) == len(structure)
        return replace(structure, fixed=self.fixed) if fits else structure

    def header(self) -> list[str]:
        """Return the lines for an exported file from which it can be made again."""
        return [
            "MODEL 0 is the true structure, the others are noised frames",
            f"command: {self.parameters.to_text()}",
            f"structure: {self.source}",
            f"seed: {self.parameters.seed}",
            f"device: {self.device}",
            f"draws in the order of: {ORDERS[self.order]}",
            f"versions: {self.versions}",
            *([] if self.fixed is None else [f"fixed, not noised: {self.fixed.sum()} of {len(self.fixed)} atoms"]),
        ]

    def to_plain(self) -> dict[str, Any]:
        """Return the record in plain types, so that a session with it opens anywhere."""
        return {
            "command": self.parameters.to_text(),
            "source": self.source,
            "device": self.device,
            "digest": self.digest,
            "order": self.order,
            "run": self.run,
            "versions": self.versions,
            **({"groups": _bytes(self.groups)} if self.groups else {}),
            "residues": {
                name: values.tolist() for name, values in vars(self.residues).items() if np.isfinite(values).all()
            },
            "levels": {
                part: {name: float(value) for name, value in levels.items()}
                for part, levels in asdict(self.levels).items()
            },
            **({} if self.b is None else {"b": self.b.astype("<f4").tobytes()}),
            **({} if self.fixed is None else {"fixed": self.fixed.tobytes()}),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Record:
        """Read a record back.

        Raises
        ------
        PomodoroError
            If it is not one that `to_plain` made.
        """
        try:
            command = plain["command"]
            if command.split()[0] != NoiseParameters.command:
                raise ValueError
            arrays = {name: np.array(values, float) for name, values in plain["residues"].items()}
            if not all(np.isfinite(values).all() and (values >= 0).all() for values in arrays.values()):
                raise ValueError
            arrays.setdefault("neighbor", np.full(arrays["atom"].shape, np.nan))  # version 0.1.0 did not record it
            residues = ResidueLevels(**arrays)
            if any(values.shape != (len(residues.atom),) for values in arrays.values()):
                raise ValueError
            levels = MeasuredLevels(**{part: _levels(values) for part, values in plain["levels"].items()})
            parameters = NoiseParameters.from_text(command)
            words = [plain[name] for name in ("source", "device", "digest", "versions")]
            if not all(isinstance(word, str) for word in words):
                raise ValueError
            source, device, labels, versions = words
            order = plain.get("order", "copy")
            run = plain.get("run", "")
            if order not in ORDERS or not isinstance(run, str):
                raise ValueError
            groups = given_groups(plain)
            b, fixed = source_b(plain), _fixed(plain)
            if parameters.fixed and fixed is None:
                raise ValueError
            return cls(parameters, source, device, labels, residues, levels, order, run, versions, groups, b, fixed)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
            raise PomodoroError("what the session says of it is damaged: run pomnoise again") from None


def _bytes(groups: tuple[np.ndarray, np.ndarray]) -> list[bytes]:
    return [numbers.astype("<i4").tobytes() for numbers in groups]


def plain_groups(hierarchy: Hierarchy) -> list[bytes]:
    """Return residue and chain of each atom in plain types; see `given_groups`."""
    return _bytes((hierarchy.atom_to_residue.numpy(), hierarchy.atom_to_chain.numpy()))


def given_groups(plain: dict[str, Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return residue and chain of each atom where the record of an object says that they were given, else None.

    Raises
    ------
    TypeError, ValueError
        If it says what no record of ours does.
    """
    if "groups" not in plain:
        return None
    residue, chain = (np.frombuffer(numbers, "<i4").astype(np.int64) for numbers in plain["groups"])
    if len(residue) != len(chain) or not len(residue) or min(residue.min(), chain.min()) < 0:
        raise ValueError("groups are numbers from 0")
    return residue, chain


def regrouped(structure: Structure, groups: tuple[np.ndarray, np.ndarray] | None) -> Structure:
    """Return the structure of an object of ours with the residues and chains that were given, if any were."""
    return regroup(structure, *groups) if groups and len(groups[0]) == len(structure) else structure


def source_b(plain: dict[str, Any]) -> np.ndarray | None:
    """Return what the record of an object has as b of its source, shape=(n_atoms,), None where it has none.

    Raises
    ------
    ValueError
        If it is not one that `Record.to_plain` made.
    """
    if "b" not in plain:
        return None
    if not isinstance(plain["b"], bytes) or not plain["b"]:
        raise ValueError("b is kept as bytes")
    b = np.frombuffer(plain["b"], "<f4")
    if not np.isfinite(b).all():
        raise ValueError("b is not finite")
    return b


def _fixed(plain: dict[str, Any]) -> np.ndarray | None:
    """Return which atoms the record of an object says are fixed, shape=(n_atoms,), None where it says none.

    Raises
    ------
    TypeError, ValueError
        If it is not what `Record.to_plain` made.
    """
    if "fixed" not in plain:
        return None
    marks = np.frombuffer(plain["fixed"], np.uint8)
    if not len(marks) or marks.max() != 1 or marks.min() != 0:
        raise ValueError("of the atoms some are fixed and some are not")
    return marks.astype(bool)


def _levels(values: dict[str, float]) -> Levels:
    if not all(isinstance(value, float) and not math.isinf(value) for value in values.values()):
        raise ValueError
    return Levels(**values)


def _versions() -> str:
    versions = {
        "pomodoro-pymol": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def digest(structure: Structure, hierarchy: Hierarchy) -> str:
    """Return a fingerprint of the labels and grouping of a structure's atoms, not of their places."""
    labels = structure.residues[structure.residue_of_atom[hierarchy.first_atoms.numpy()]].tolist()
    groups = hierarchy.atom_to_residue.numpy().tobytes() + hierarchy.residue_to_chain.numpy().tobytes()
    return hashlib.sha256(repr(labels).encode() + groups).hexdigest()
