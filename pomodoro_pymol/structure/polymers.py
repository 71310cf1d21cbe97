"""Which residues are of polymers, and which chains all are; see `grouping`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from .residues import NUCLEIC, PROTEIN, Residues, by_appearance, molecules


def find_polymers(residues: Residues) -> np.ndarray:
    """Mark the residues of polymers, by (a) to (d) of the rule."""
    core = residues.record & (residues.plain | residues.backbone | residues.trace) & ~residues.water
    rest = ~core & ~residues.water
    if not rest.any():
        return core
    open_ = rest & (residues.backbone | residues.modified)
    onward, back = residues.joints(open_ | core)
    ends = np.concatenate([onward, back])
    mine = ends[open_[residues.of_atom[ends]]]
    if len(mine):
        beside = np.isin(residues.chain[residues.of_atom[ends]], residues.chain[residues.of_atom[mine]])
        core[residues.joined(mine, ends[beside]).ravel()] = True
    # Metals and single atoms have no bonds.
    rest &= ~core & ((residues.sizes > 1) | residues.cap)
    onward, back = residues.joints(core)
    bound = residues.joined(residues.members(rest), np.concatenate([onward, back]))[:, 0]
    core[bound] = True
    named = ~core & (residues.cap | residues.modified | (residues.trace & ~residues.plain))
    likely = named | (~core & residues.backbone & ~residues.plain)
    for chain in np.unique(residues.chain[likely]).tolist():
        core[list(_between(residues, core, likely, named, chain))] = True
    return core


def _between(residues: Residues, core: np.ndarray, likely: np.ndarray, named: np.ndarray, chain: int) -> Iterator[int]:
    """Yield likely residues between two of a polymer, and those ``named`` that follow one by their numbers."""
    order = np.flatnonzero((residues.chain == chain) & ~residues.water)
    numbers = residues.integers[order]
    place = 0
    while place < len(order):
        end = place
        while end < len(order) and likely[order[end]]:
            end += 1
        run = list(range(place, end))
        before = place > 0 and core[order[place - 1]]
        after = end < len(order) and core[order[end]]
        if before and after:
            yield from order[run].tolist()
        for known, side, last in ((before, run, place - 1), (after, run[::-1], end)):
            for each in side if known else ():
                if abs(numbers[each] - numbers[last]) != 1 or not named[order[each]]:
                    break
                yield int(order[each])
                last = each
        place = end + 1


def find_chains(residues: Residues, polymer: np.ndarray) -> tuple[np.ndarray, dict[int, int]]:
    """Return the chain of each residue, and how many chains a label of chain has where they were told apart."""
    parted: dict[int, int] = {}
    strands = np.zeros(residues.count, np.int64)
    index = np.flatnonzero(polymer)
    codes, times = np.unique(
        residues.chain[index] * len(residues.atoms.numbers[1]) + residues.number[index], return_counts=True
    )
    twice = np.unique(codes[times > 1] // len(residues.atoms.numbers[1]))
    of_kind = [residues.chain[index[residues.kind[index] == kind]] for kind in (PROTEIN, NUCLEIC)]
    for label in np.union1d(twice, np.intersect1d(*of_kind)).tolist():
        some = index[residues.chain[index] == label]
        strands[some] = _strands(residues, some)
        parted[label] = strands[some].max() + 1
    keys = np.where(polymer, residues.chain * residues.count + strands, -1 - _others(residues, polymer))
    return by_appearance(keys), {label: count for label, count in parted.items() if count > 1}


def _strands(residues: Residues, some: np.ndarray) -> np.ndarray:
    """Tell apart the chains among residues of polymers with one label of chain: which one each is of.

    Where copies of a residue stand side by side, as PyMOL sorts those of merged objects, a residue
    that is bonded to none goes to the nearest of the chains that lack its number; else to the last.
    """
    chosen = np.zeros(residues.count, bool)
    chosen[some] = True
    bonded: dict[int, set[int]] = defaultdict(set)
    for first, second in [*residues.joined(*residues.joints(chosen)).tolist(), *residues.adjacent(some).tolist()]:
        bonded[first].add(second)
        bonded[second].add(first)
    names = list(zip(residues.number[some].tolist(), residues.label[some].tolist()))
    sorted_ = any(one == other for one, other in zip(names, names[1:])) and len(set(names)) > 1
    places = residues.atoms.coords[residues.first[some]]
    strand = np.empty(len(some), np.int64)
    ends: list[int] = []  # the last residue of each
    used: list[set[int]] = []
    recent = -1
    for place, residue in enumerate(some.tolist()):
        number, kind = residues.number[residue], residues.kind[residue]
        same = [each for each, end in enumerate(ends) if residues.kind[some[end]] == kind]
        tied = [each for each in same if some[ends[each]] in bonded[residue]]
        free = [each for each in same if number not in used[each]]
        if tied:
            chosen_one = tied[0]
        elif free and sorted_:
            chosen_one = min(free, key=lambda each: float(np.linalg.norm(places[ends[each]] - places[place])))
        elif recent in free:
            chosen_one = recent
        elif free and number not in used[recent]:
            chosen_one = free[-1]
        else:
            chosen_one = len(ends)
            ends.append(place)
            used.append(set())
        strand[place] = recent = chosen_one
        ends[chosen_one] = place
        used[chosen_one].add(number)
    return strand


def _others(residues: Residues, polymer: np.ndarray) -> np.ndarray:
    """Number the molecules of what is not of polymers, shape=(n_residues,)."""
    rest = ~polymer & ~residues.water & (residues.sizes > 1)
    pairs = residues.joined(residues.members(rest))
    sugar = rest & residues.has("C1") & residues.has("C2") & residues.has("C3") & residues.has("C4")
    sugar &= residues.has("C5") & (residues.has("O5") | residues.has("O4") | residues.has("O6"))
    segis = residues.atoms.labels["segi"][residues.label]
    sugar &= (segis != "") & ~np.isin(residues.chain, residues.chain[polymer])
    first: dict[int, int] = {}
    alike = [(first.setdefault(residues.chain[one], one), one) for one in np.flatnonzero(sugar).tolist()]
    pairs = np.concatenate([pairs, np.array(alike, np.int64).reshape(-1, 2)])
    return molecules(pairs, np.arange(residues.count))
