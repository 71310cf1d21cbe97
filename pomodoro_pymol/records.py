"""What a saved session keeps of a run: plain types out, and anything at all in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from .catalogue import NoiseParameters
from .errors import PomodoroError
from .hierarchy import Hierarchy
from .levels import ResidueLevels
from .structure import Structure


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
        Where the noise was drawn.
    digest : str
        Of the labels of the atoms that were noised.
    residues : ResidueLevels
        What was measured.
    """

    parameters: NoiseParameters
    source: str
    device: str
    digest: str
    residues: ResidueLevels

    def to_plain(self) -> dict[str, Any]:
        """Return the record in plain types, so that a session with it opens anywhere."""
        return {
            "command": self.parameters.to_text(),
            "source": self.source,
            "device": self.device,
            "digest": self.digest,
            "residues": {name: values.tolist() for name, values in vars(self.residues).items()},
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
            residues = ResidueLevels(**{name: np.array(values, float) for name, values in plain["residues"].items()})
            arrays = list(vars(residues).values())
            if any(values.shape != (len(arrays[0]),) or not (values >= 0).all() for values in arrays):
                raise ValueError
            if not all(np.isfinite(values).all() for values in arrays):
                raise ValueError
            parameters = NoiseParameters.from_text(command)
            return cls(parameters, str(plain["source"]), str(plain["device"]), str(plain["digest"]), residues)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError):
            raise PomodoroError("what the session says of it is damaged: run pomnoise again") from None


def digest(structure: Structure, hierarchy: Hierarchy) -> str:
    """Return a fingerprint of the labels and grouping of a structure's atoms, not of their places."""
    labels = structure.residues[structure.residue_of_atom[hierarchy.first_atoms.numpy()]].tolist()
    groups = hierarchy.atom_to_residue.numpy().tobytes() + hierarchy.residue_to_chain.numpy().tobytes()
    return hashlib.sha256(repr(labels).encode() + groups).hexdigest()
