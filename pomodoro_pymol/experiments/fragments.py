"""Fragments of many structures as a data set: cut from files, put into groups, and some held out.

Of fragments with the same sequence one is kept. Files of which any fragments share a run of ten
residues are in one group, and so are files that are linked by others in this way; groups are held
out whole. Neither the fragments, nor their order, nor what is held out depends on the order in
which files are given.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..diffusion.slots import Slots
from ..errors import PomodoroError, one_line
from ..io.read import read_structure
from ..structure.amino_acids import HEAVY_ATOMS, LETTERS, PRESENT, READ_AS
from ..structure.fragments import cut
from ..structure.residues import by_appearance
from ..utils.memory import available, size_text
from ..utils.problems import known_text
from ..utils.text import counted
from .fragment_set import FragmentSet

#: Files whose fragments share a run of so many residues are in one group.
SHARED = 10


@dataclass
class _Taken:
    """What was found in the files so far.

    Attributes
    ----------
    coords, kinds : list of ndarray
        Of each fragment, shapes (n_residues, n_slots, 3) and (n_residues,).
    source : list of int
        File of each fragment.
    known : set of bytes
        Sequences that there are, as their kinds.
    runs : list of tuple
        A file, and the numbers of its `_runs`.
    refused : list of str
        Why files could not be read.
    other, read_as : Counter
        Residues that are no standard amino acid, and those that are read as one, by name.
    short : int
        Files without a fragment.
    incomplete, unused, repeated : int
        Residues without all atoms, residues of no fragment, fragments of a known sequence.
    """

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
        """Take those fragments of a file whose sequences are new, and count the rest."""
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

    The first model of each file is used. A file that cannot be read is left out, and a note says why.
    Files are read one at a time, and only their fragments stay in memory.

    Parameters
    ----------
    paths : sequence of str or Path
    n_residues : int
        Of each fragment, 2 or more.
    hold : int
        At most one in so many fragments is held out, in whole groups of similar files; 0 holds none out.
    progress : callable
        Called with files done and files in all.

    Raises
    ------
    PomodoroError
        If there is no fragment, ``n_residues`` is below 2, ``hold`` is 1 or negative, or memory does not
        suffice.
    """
    if n_residues < 2:
        raise PomodoroError(f"residues must be 2 or more, not {n_residues}")
    if hold < 0 or hold == 1:
        raise PomodoroError(f"hold must be 0, or 2 or more, not {hold}: 1 would leave nothing to train on")
    taken = _Taken()
    names = [os.fspath(path) for path in paths]
    # In the order of names, since of a repeated sequence the first copy is kept.
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
    """Refuse more fragments than memory can hold twice, which putting them together takes."""
    free = available()
    needed = sum(array[0].nbytes * len(array) for array in (taken.coords, taken.kinds) if array)
    if free is not None and needed > free:
        raise PomodoroError(
            f"{counted(len(taken.coords), 'fragment')} so far take {size_text(needed)} of memory, and to put them "
            f"together as much again, of which {size_text(free)} are free: give fewer files"
        )


def _fragment_set(taken: _Taken, names: list[str], notes: list[str], hold: int) -> FragmentSet:
    """Return what was taken as a set: in the order of digests of sequences, in groups, some of them held out."""
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
    """Return numbers that stand for the runs of `SHARED` residues in fragments, or for shorter fragments as a whole."""
    length = min(SHARED, kinds.shape[1])
    windows = np.lib.stride_tricks.sliding_window_view(kinds, length, axis=1)
    return np.unique(windows @ len(HEAVY_ATOMS) ** np.arange(length))


def _similar(runs: list[tuple[int, np.ndarray]], n_files: int) -> np.ndarray:
    """Return the group of each file, shape=(n_files,): files that share a run, or are linked by others, are in one."""
    file = np.repeat([file for file, _ in runs], [len(mine) for _, mine in runs])
    _, run = np.unique(np.concatenate([mine for _, mine in runs]), return_inverse=True)
    n_nodes = n_files + run.max() + 1
    graph = coo_array((np.ones(len(file), np.int8), (file, n_files + run)), shape=(n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1][:n_files]


def _held(group: np.ndarray, sequences: list[str], hold: int) -> np.ndarray:
    """Mark what is held out: whole groups in the order of their digests, as many as fit into 1 / ``hold`` of all.

    Groups that would take more than half of that come last, so that many groups are held out. Where
    none fits, the smallest group is held out, unless it is the only one.
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
    """Return a digest of sequences, which orders them at random but always alike."""
    return hashlib.sha256("\n".join(sequences).encode()).digest()


def _most_common(names: Counter[str]) -> str:
    """Return the most frequent names with their counts, and how many names more there are."""
    told = [f"{count} {name}" for name, count in sorted(names.items(), key=lambda pair: (-pair[1], pair[0]))[:8]]
    return ", ".join(told) + (f" and {len(names) - len(told)} more" if len(names) > len(told) else "")
