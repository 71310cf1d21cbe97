"""Fragments of many structures as a data set: read, told apart by structure, and measured.

Fragments of one sequence are kept once. Files that share any run of ten residues, in all the
fragments that they have, are one group, with those that either shares with a third; groups are
held out whole. Neither the fragments and their order nor what is held out depends on the order
in which files are given.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ..diffusion.precondition import SHIFT, PerLevel, per_freedom
from ..diffusion.slots import Slots
from ..errors import PomodoroError, one_line
from ..io.read import read_structure
from ..noise.weights import LevelWeights
from ..structure.amino_acids import HEAVY_ATOMS, LETTERS, PRESENT, READ_AS
from ..structure.fragments import cut
from ..structure.residues import by_appearance
from ..utils.memory import available, size_text
from ..utils.problems import known_text
from ..utils.text import counted

#: Files that share a run of so many residues are of one group.
SHARED = 10
# Fragments that are measured at once.
_BLOCK = 512
# The least that is added to a matrix before it is inverted, square angstrom.
_RIDGE = 1e-9


@dataclass(frozen=True, eq=False)
class FragmentSet:
    """Fragments of equally many residues, one chain each, in an order that is random and always the same.

    What is measured of a set is measured of the fragments to train on.

    Attributes
    ----------
    coords : Tensor, shape=(n_fragments, n_residues, n_slots, 3), dtype=float32
        Angstrom, each about the mean of its atoms; 0 where a slot is empty.
    slots : Slots
        Kinds are the places in `amino_acids.HEAVY_ATOMS`.
    source : Tensor, shape=(n_fragments,), dtype=int64
        File of each, a place in ``files``.
    group : Tensor, shape=(n_fragments,), dtype=int64
        Group of files of each: 0, 1, 2 ... by first appearance.
    held : Tensor, shape=(n_fragments,), dtype=bool
        Held out of training.
    sequences : list of str
        In one letter for each residue.
    files : list of str
        Names of all files that were given.
    notes : list of str
        What was left out, and how often.
    """

    coords: Tensor
    slots: Slots
    source: Tensor
    group: Tensor
    held: Tensor
    sequences: list[str]
    files: list[str]
    notes: list[str]

    def __len__(self) -> int:
        return len(self.coords)

    def __str__(self) -> str:
        """How many fragments of what, in words."""
        sizes = (
            f"{counted(len(self), 'fragment')} of {self.slots.n_residues} residues",
            f"of {counted(len(self.source.unique()), 'file')}",
            f"in {counted(int(self.group.max()) + 1, 'group')} of similar ones",
        )
        return f"{' '.join(sizes)}, {int(self.held.sum())} held out"

    @cached_property
    def training(self) -> Tensor:
        """Which fragments are to train on, shape=(n_training,), dtype=int64."""
        return torch.nonzero(~self.held)[:, 0]

    @cached_property
    def freedom(self) -> PerLevel:
        """Mean over fragments of `precondition.degrees_of_freedom`."""
        n_residues = self.slots.n_residues
        atoms = self.slots.n_atoms[self.training].double()
        return 1.0, (n_residues - 1) / n_residues, float(1 - n_residues * (1 / atoms).mean())

    def data_levels(self, shift: float = SHIFT) -> PerLevel:
        """Return the data variance of chain, residue and atom level per coordinate, square angstrom.

        Per degree of freedom, as `precondition.data_variances` of one ensemble: mean squares over
        fragments, each counting once, over the mean ``freedom``. Since fragments are centred, that
        of the chain is the random shift alone.
        """
        squares = torch.zeros(3, dtype=torch.float64)
        for items in self.training.split(_BLOCK):
            squares += self.slots.take(items).level_squares(self.coords[items].double()).sum(0)
        _, residue, atom = (squares / len(self.training)).tolist()
        return per_freedom((shift**2, residue, atom), self.freedom)

    def noise_variances(self, weights: LevelWeights) -> Tensor:
        """Return each fragment's `precondition.noise_variances` at unit sigma, shape=(n_fragments, 3), float64."""
        c, r, a = weights.shares
        sizes, atoms, n_residues = self.slots.sizes.double(), self.slots.n_atoms.double(), self.slots.n_residues
        together = sizes.square().sum(-1) / atoms.square()
        residue = (r * (1 - together) + a * (n_residues - 1) / atoms) * n_residues / (n_residues - 1)
        return torch.stack([c + r * together + a / atoms, residue, torch.full_like(atoms, a)], -1)

    def mean_noise(self, weights: LevelWeights) -> PerLevel:
        """Return the mean over fragments of their `noise_variances`, per coordinate at unit sigma."""
        chain, residue, atom = self.noise_variances(weights)[self.training].mean(0).tolist()
        return chain, residue, atom

    def residue_covariance(self) -> Tensor:
        """Return the covariance of residue means about the fragment's mean, shape=(n_residues, n_residues), float64.

        Per coordinate, square angstrom, averaged over axes and fragments. Poses are random, so that
        axes are alike and the mean is zero.
        """
        along = self._means[self.training].transpose(0, 1).flatten(1)
        return along @ along.mT / along.shape[1]

    def linear_residue_error(
        self, sigma: float, weights: LevelWeights, *, held: bool = False, shift: float = SHIFT
    ) -> float:
        """Return the mean square error of the best linear estimate of residue means about the chain's mean.

        Per coordinate, square angstrom, each residue counting by its atoms, as in the residue part of
        a mean over atoms. The estimate is from the noised residue means of a fragment that is shifted
        at random; its data covariance is `residue_covariance`, its noise covariance is made of the
        fragment's own sizes n_r: ``sigma**2 / W (w_r + w_a / n_r)`` on the diagonal, and
        ``sigma**2 / W w_c + shift**2`` everywhere. Fragments are as they are, noise and shift are
        averaged over in closed form.

        Parameters
        ----------
        sigma : float
            Angstrom.
        weights : LevelWeights
        held : bool
            Whether the error is that on the fragments held out; the covariance is that of the others.
        shift : float
            Angstrom per coordinate.

        Raises
        ------
        PomodoroError
            If none is held out.
        """
        if held and not self.held.any():
            raise PomodoroError("no fragment is held out")
        c, r, a = (sigma**2 * share for share in weights.shares)
        covariance, eye = self.residue_covariance(), torch.eye(self.slots.n_residues, dtype=torch.float64)
        total = 0.0
        chosen = torch.nonzero(self.held == held)[:, 0]
        for items in chosen.split(_BLOCK):
            sizes = self.slots.sizes[items].double()
            part = sizes / sizes.sum(-1, keepdim=True)
            about = eye - part[:, None, :]  # residue means to those about the chain's mean
            data = about @ covariance @ about.mT
            noise = torch.diag_embed(r + a / sizes) + c + shift**2
            gain = torch.linalg.solve(data + noise + _RIDGE * eye, data).mT
            truth = self._means[items]
            missed = (truth - gain @ truth).square().mean(-1)
            added = (gain @ noise * gain).sum(-1)
            total += float((part * (missed + added)).sum())
        return total / len(chosen)

    @cached_property
    def _means(self) -> Tensor:
        """Residue means about the chain's, shape=(n_fragments, n_residues, 3), float64."""
        blocks = torch.arange(len(self)).split(_BLOCK)
        return torch.cat([self.slots.take(items).split(self.coords[items].double())[1] for items in blocks])


@dataclass
class _Taken:
    """What was found in the files so far."""

    coords: list[np.ndarray] = field(default_factory=list)
    kinds: list[np.ndarray] = field(default_factory=list)
    source: list[int] = field(default_factory=list)
    known: set[bytes] = field(default_factory=set)
    runs: list[tuple[int, np.ndarray]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    read_as: Counter[str] = field(default_factory=Counter)
    short: int = 0
    incomplete: int = 0
    unused: int = 0
    repeated: int = 0

    def add(self, path: str, file: int, n_residues: int) -> None:
        """Take the fragments of a file whose sequences are new."""
        found = cut(read_structure(path), n_residues)
        self.other += found.other
        self.read_as += found.read_as
        self.incomplete += found.incomplete
        self.unused += found.unused
        self.short += not len(found.kinds)
        if len(found.kinds):
            self.runs.append((file, _runs(found.kinds)))
        for coords, kinds in zip(found.coords, found.kinds.astype(np.int8)):
            word = kinds.tobytes()
            if word in self.known:
                self.repeated += 1
                continue
            self.known.add(word)
            self.coords.append(coords.copy())
            self.kinds.append(kinds.copy())
            self.source.append(file)

    def notes(self, n_residues: int) -> list[str]:
        """Return what was left out, and how often."""
        counts = (
            (self.short, "file", f"without {n_residues} residues in a row"),
            (self.repeated, "fragment", "whose sequence is there already"),
            (self.incomplete, "residue", "without all heavy atoms, or with two of one name"),
            (self.other.total(), "residue", f"of polymers, no standard amino acid ({_most_common(self.other)})"),
            (self.unused, "residue", f"of stretches shorter than {n_residues}, or left over at the end of one"),
        )
        lines = [f"left out: {counted(count, what)} {words}" for count, what, words in counts if count]
        for name, count in self.read_as.items():
            standard, atoms = READ_AS[name]
            renamed = ", ".join(f"{old} as {new}" for old, new in atoms.items())
            lines.append(f"{counted(count, 'residue')} {name} read as {standard}, {renamed}")
        return [one_line(line) for line in (*self.refused, *lines)]


def read_fragments(
    paths: Sequence[str | Path],
    n_residues: int,
    *,
    hold: int = 6,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FragmentSet:
    """Cut the structures of PDB and mmCIF files into fragments.

    Of a file the first model counts. A file that cannot be read is left out, and a note says why.
    Files are read one at a time; their fragments alone are kept.

    Parameters
    ----------
    paths : sequence of str or Path
    n_residues : int
        Of each fragment, 2 or more.
    hold : int
        One in so many fragments is held out, in whole groups of similar files; 0 holds none out.
    progress : callable
        Called with files done and files in all.

    Raises
    ------
    PomodoroError
        If there is no fragment, ``n_residues`` or ``hold`` is not possible, or memory does not suffice.
    """
    if n_residues < 2:
        raise PomodoroError(f"residues must be 2 or more, not {n_residues}")
    if hold < 0 or hold == 1:
        raise PomodoroError(f"hold must be 0, or 2 or more, not {hold}: 1 would leave nothing to train on")
    taken = _Taken()
    names = [os.fspath(path) for path in paths]
    # In the order of names, which says whose copy of a repeated sequence is kept.
    for done, file in enumerate(sorted(range(len(names)), key=names.__getitem__), 1):
        try:
            taken.add(names[file], file, n_residues)
        except Exception as error:
            text = known_text(error)
            if not text:
                raise
            taken.refused.append(f"left out: {text if names[file] in text else f'{names[file]}: {text}'}")
        _check_memory(taken)
        progress(done, len(names))
    notes = taken.notes(n_residues)
    if not taken.coords:
        why = f": {'; '.join(notes)}" if notes else ""
        raise PomodoroError(f"no fragment of {n_residues} residues in {counted(len(names), 'file')}{why}")
    return _fragment_set(taken, names, notes, hold)


def _check_memory(taken: _Taken) -> None:
    """Refuse more fragments than can be put together, which takes another copy of them."""
    free = available()
    needed = sum(array[0].nbytes * len(array) for array in (taken.coords, taken.kinds) if array)
    if free is not None and needed > free:
        raise PomodoroError(
            f"{counted(len(taken.coords), 'fragment')} so far take {size_text(needed)} of memory, and to put them "
            f"together as much again, of which {size_text(free)} are free: give fewer files"
        )


def _fragment_set(taken: _Taken, names: list[str], notes: list[str], hold: int) -> FragmentSet:
    """Return what was taken in an order of its own, told apart by structure."""
    sequences = ["".join(LETTERS[kind] for kind in kinds.tolist()) for kinds in taken.kinds]
    order = sorted(range(len(sequences)), key=lambda item: _digest([sequences[item]]))
    sequences = [sequences[item] for item in order]
    source = np.array(taken.source)[order]
    group = by_appearance(_similar(taken.runs, len(names))[source])
    held = _held(group, sequences, hold)
    if hold and not held.any():
        notes = [*notes, "none is held out: all files are similar to each other"]
    kinds = np.stack([taken.kinds[item] for item in order]).astype(np.int64)
    slots = Slots(
        torch.from_numpy(kinds), torch.from_numpy(PRESENT[kinds]), torch.zeros(kinds.shape[1], dtype=torch.int64)
    )
    return FragmentSet(
        torch.from_numpy(np.stack([taken.coords[item] for item in order])),
        slots,
        torch.from_numpy(source),
        torch.from_numpy(group),
        torch.from_numpy(held),
        sequences,
        [Path(name).name for name in names],
        notes,
    )


def _runs(kinds: np.ndarray) -> np.ndarray:
    """Return a number for each run of `SHARED` residues in fragments, or for each whole one that is shorter."""
    length = min(SHARED, kinds.shape[1])
    windows = np.lib.stride_tricks.sliding_window_view(kinds, length, axis=1)
    return np.unique(windows @ len(HEAVY_ATOMS) ** np.arange(length))


def _similar(runs: list[tuple[int, np.ndarray]], n_files: int) -> np.ndarray:
    """Return the group of each file, those that share a run being of one, shape=(n_files,)."""
    file = np.repeat([file for file, _ in runs], [len(mine) for _, mine in runs])
    _, run = np.unique(np.concatenate([mine for _, mine in runs]), return_inverse=True)
    n_nodes = n_files + run.max() + 1
    graph = coo_array((np.ones(len(file), np.int8), (file, n_files + run)), shape=(n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1][:n_files]


def _held(group: np.ndarray, sequences: list[str], hold: int) -> np.ndarray:
    """Mark what is held out: whole groups in the order of their digests, as far as they fit into 1 / ``hold`` of all.

    Groups that would be most of it come last, so that it is of many. Where none fits, the smallest
    group is held out, unless it is the only one.
    """
    sizes = np.bincount(group)
    if not hold or len(sizes) == 1:
        return np.zeros(len(group), bool)
    members: list[list[str]] = [[] for _ in sizes]
    for each, sequence in zip(group.tolist(), sequences):
        members[each].append(sequence)
    wanted = max(1, round(len(group) / hold))
    order = sorted(range(len(sizes)), key=lambda each: _digest(sorted(members[each])))
    chosen, free = [], wanted
    for each in sorted(order, key=lambda each: 2 * sizes[each] > wanted):
        if sizes[each] <= free:
            chosen.append(each)
            free -= sizes[each]
    return np.isin(group, chosen or [min(order, key=sizes.__getitem__)])


def _digest(sequences: list[str]) -> bytes:
    return hashlib.sha256("\n".join(sequences).encode()).digest()


def _most_common(names: Counter[str]) -> str:
    """Return the most frequent of some names, with how often they are there, and how many more there are."""
    told = [f"{count} {name}" for name, count in sorted(names.items(), key=lambda pair: (-pair[1], pair[0]))[:8]]
    return ", ".join(told) + (f" and {len(names) - len(told)} more" if len(names) > len(told) else "")
