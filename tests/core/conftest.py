"""Fixtures of the core tests: ragged hierarchies, structures, and dense or looped oracles.

The oracles share no code with the library: they follow the definitions in plain numpy.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st

from pomodoro_pymol.io.read import read_ensemble, read_structure
from pomodoro_pymol.noise.weights import LevelWeights
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy

ROOT = Path(__file__).parents[2]
HEAVY_ATOMS = dict(zip("GASCPVTILNDMQEKHFRYW", (4, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8, 8, 9, 9, 9, 10, 11, 11, 12, 14)))

settings.register_profile("core", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("core")


def nest(chains: list[list[int]], seed: int | None = None) -> Hierarchy:
    """Hierarchy with these residue sizes per chain; with a seed, atoms and residues are shuffled."""
    sizes = [size for chain in chains for size in chain]
    atom_to_residue = np.repeat(np.arange(len(sizes)), sizes)
    residue_to_chain = np.repeat(np.arange(len(chains)), [len(chain) for chain in chains])
    if seed is not None:
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(sizes))
        residue_to_chain = residue_to_chain[order]
        atom_to_residue = rng.permutation(np.argsort(order)[atom_to_residue])
    return Hierarchy(torch.from_numpy(atom_to_residue), torch.from_numpy(residue_to_chain))


weight = st.just(0.0) | st.floats(0.1, 10)
residue_sizes = st.lists(st.integers(1, 6), min_size=1, max_size=5)
st.register_type_strategy(
    Hierarchy,
    st.builds(nest, st.lists(residue_sizes, min_size=1, max_size=4), st.none() | st.integers(0, 2**32 - 1)),
)
st.register_type_strategy(
    LevelWeights, st.tuples(weight, weight, weight).filter(any).map(lambda weights: LevelWeights(*weights))
)


def membership(hierarchy: Hierarchy) -> tuple[np.ndarray, np.ndarray]:
    """Matrices (n_atoms, n_residues) and (n_residues, n_chains), filled entry by entry."""
    residues, chains = hierarchy.atom_to_residue.tolist(), hierarchy.residue_to_chain.tolist()
    atom_residue = np.zeros((len(residues), max(residues) + 1))
    residue_chain = np.zeros((len(chains), max(chains) + 1))
    for atom, residue in enumerate(residues):
        atom_residue[atom, residue] = 1
    for residue, chain in enumerate(chains):
        residue_chain[residue, chain] = 1
    return atom_residue, residue_chain


def covariance(hierarchy: Hierarchy, weights: LevelWeights) -> np.ndarray:
    """Covariance of one coordinate of the atoms at sigma 1, from its definition."""
    atom_residue, residue_chain = membership(hierarchy)
    atom_chain = atom_residue @ residue_chain
    parts = (
        weights.atom * np.eye(len(atom_residue))
        + weights.residue * atom_residue @ atom_residue.T
        + weights.chain * atom_chain @ atom_chain.T
    )
    return parts / (weights.atom + weights.residue + weights.chain)


def maps(hierarchy: Hierarchy) -> SimpleNamespace:
    """Dense linear maps from atom displacements to those of each level."""
    atom_residue, residue_chain = membership(hierarchy)
    atom_chain = atom_residue @ residue_chain
    residue = (atom_residue / atom_residue.sum(0)).T
    chain = (atom_chain / atom_chain.sum(0)).T
    return SimpleNamespace(
        atom=np.eye(len(atom_residue)),
        residue=residue,
        chain=chain,
        chain_on_atoms=atom_chain @ chain,
        atom_relative=np.eye(len(atom_residue)) - atom_chain @ chain,
        residue_relative=residue - residue_chain @ chain,
        residue_on_atoms=atom_residue @ residue - atom_chain @ chain,
        atom_in_residue=np.eye(len(atom_residue)) - atom_residue @ residue,
        neighbor=np.array([residue[two] - residue[one] for one, two in pairs(hierarchy)]).reshape(
            -1, len(atom_residue)
        ),
    )


def pairs(hierarchy: Hierarchy) -> list[tuple[int, int]]:
    """Residues that follow each other in a chain, found one by one."""
    last: dict[int, int] = {}
    found = []
    for residue, chain in enumerate(hierarchy.residue_to_chain.tolist()):
        if chain in last:
            found.append((last[chain], residue))
        last[chain] = residue
    return found


def in_longer_chains(hierarchy: Hierarchy) -> tuple[np.ndarray, np.ndarray]:
    """Which atoms and which residues belong to chains of more than one residue."""
    chains = hierarchy.residue_to_chain.tolist()
    residues = np.array([chains.count(chain) > 1 for chain in chains])
    return residues[hierarchy.atom_to_residue.numpy()], residues


def mean_of(values: np.ndarray) -> float:
    """The mean; nan of nothing."""
    return float(values.mean()) if len(values) else np.nan


def variances(matrix: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Variance of each row of ``matrix @ x`` for x of covariance ``sigma``, per coordinate."""
    return np.diag(matrix @ sigma @ matrix.T)


def combine(squares: dict[str, float], parts: tuple[float, float, float]) -> dict[str, float]:
    """Fields of `Levels` from mean squares and variance parts; squares below rounding are zero."""
    squares = {name: 0.0 if value <= 1e-14 * squares["atom"] else value for name, value in squares.items()}
    inside = squares["atom_relative"]
    return {
        **{name: value**0.5 for name, value in squares.items()},
        "ratio": (squares["residue"] / squares["atom"]) ** 0.5,
        "ratio_relative": (squares["residue_relative"] / inside) ** 0.5 if inside else np.nan,
        **dict(zip(("chain_share", "residue_share", "atom_share"), (part / sum(parts) for part in parts))),
    }


def quadratic_levels(hierarchy: Hierarchy, weights: LevelWeights) -> dict[str, float]:
    """Fields of `Levels` at sigma 1 from traces of dense matrices against the dense covariance."""
    to, sigma = maps(hierarchy), covariance(hierarchy, weights)
    names = ("atom", "residue", "chain", "atom_relative", "residue_relative", "neighbor")
    squares = {name: variances(getattr(to, name), sigma) for name in names}
    atoms, residues = in_longer_chains(hierarchy)
    squares["atom_relative"] = squares["atom_relative"][atoms]
    squares["residue_relative"] = squares["residue_relative"][residues]
    squares = {name: mean_of(values) for name, values in squares.items()}
    parts = (to.chain_on_atoms, to.residue_on_atoms, to.atom_in_residue)
    return combine(squares, tuple(variances(part, sigma).mean() for part in parts))


def quadratic_residues(hierarchy: Hierarchy, weights: LevelWeights) -> dict[str, np.ndarray]:
    """Squares of the fields of `ResidueLevels` at sigma 1, from dense matrices."""
    to, sigma = maps(hierarchy), covariance(hierarchy, weights)
    return {
        "atom": to.residue @ variances(to.atom, sigma),
        "residue": variances(to.residue, sigma),
        "atom_relative": to.residue @ variances(to.atom_relative, sigma),
        "residue_relative": variances(to.residue_relative, sigma),
        "neighbor": over_sides(
            hierarchy, [variances((to.residue[two] - to.residue[one])[None], sigma)[0] for one, two in pairs(hierarchy)]
        ),
    }


def over_sides(hierarchy: Hierarchy, values: list[float]) -> np.ndarray:
    """The mean, for each residue, of the values of the pairs of neighbours that it is in; 0 without."""
    sides = [[value for pair, value in zip(pairs(hierarchy), values) if i in pair] for i in range(hierarchy.n_residues)]
    return np.array([np.mean(side) if side else 0.0 for side in sides])


def nested_anova(displacements: np.ndarray, hierarchy: Hierarchy) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Fields of `Levels`, and squares of those of `ResidueLevels`, by loops over frames, chains and residues."""
    residues = hierarchy.atom_to_residue.numpy()
    chains = hierarchy.residue_to_chain.numpy()
    n_frames, n_atoms = displacements.shape[:2]
    per_residue = {name: np.zeros(len(chains)) for name in ("atom", "residue", "atom_relative", "residue_relative")}
    chain_square, parts, steps = 0.0, np.zeros(3), []
    for frame in displacements.astype(float):
        for one, two in pairs(hierarchy):
            steps.append(((frame[residues == two].mean(0) - frame[residues == one].mean(0)) ** 2).mean())
        for chain in range(chains.max() + 1):
            in_chain = frame[chains[residues] == chain]
            center = in_chain.mean(0)
            chain_square += (center**2).sum() / 3
            parts[0] += len(in_chain) * (center**2).sum()
            for residue in np.flatnonzero(chains == chain):
                atoms = frame[residues == residue]
                mean = atoms.mean(0)
                per_residue["atom"][residue] += (atoms**2).mean()
                per_residue["residue"][residue] += (mean**2).mean()
                per_residue["atom_relative"][residue] += ((atoms - center) ** 2).mean()
                per_residue["residue_relative"][residue] += ((mean - center) ** 2).mean()
                parts[1] += len(atoms) * ((mean - center) ** 2).sum()
                parts[2] += ((atoms - mean) ** 2).sum()
    per_residue = {name: square / n_frames for name, square in per_residue.items()}
    per_residue["neighbor"] = over_sides(hierarchy, list(np.mean(np.reshape(steps, (n_frames, -1)), axis=0)))
    weight = np.bincount(residues) / n_atoms
    moving = in_longer_chains(hierarchy)[1]
    squares = {
        "atom": weight @ per_residue["atom"],
        "residue": per_residue["residue"].mean(),
        "chain": chain_square / n_frames / (chains.max() + 1),
        "atom_relative": mean_of(
            np.repeat(per_residue["atom_relative"], np.bincount(residues))[np.repeat(moving, np.bincount(residues))]
        ),
        "residue_relative": mean_of(per_residue["residue_relative"][moving]),
        "neighbor": mean_of(np.array(steps)),
    }
    return combine(squares, tuple(parts)), per_residue


@pytest.fixture(scope="session")
def oracle():
    """The dense and looped oracles of this file."""
    return SimpleNamespace(
        membership=membership,
        maps=maps,
        in_longer_chains=in_longer_chains,
        covariance=covariance,
        quadratic_levels=quadratic_levels,
        quadratic_residues=quadratic_residues,
        nested_anova=nested_anova,
    )


@pytest.fixture(scope="session", name="nest")
def nest_fixture():
    """Build a hierarchy from residue sizes per chain."""
    return nest


@pytest.fixture(scope="session")
def heavy_atoms(nest):
    """Build the hierarchy of a protein chain from its sequence."""
    return lambda sequence: nest([[HEAVY_ATOMS[residue] for residue in sequence]])


@pytest.fixture(scope="session")
def natural(heavy_atoms):
    """32 residues, 253 atoms of natural sizes, which give the reference table: flat r/a .369 (myoglobin 72-103)."""
    return heavy_atoms("LGAILKKKGHHEAELKPLAQSHATKHKIPIKY")


@pytest.fixture(scope="session")
def peptide():
    """Three chains, ragged residues, atoms in shuffled order: 12 atoms, 5 residues."""
    return nest([[3, 1], [2, 4], [2]], seed=14)


@pytest.fixture(scope="session")
def complex_():
    """Four chains, one of a single atom: 41 atoms, 10 residues, in shuffled order."""
    return nest([[4, 1, 7, 3], [2, 5, 8], [1], [6, 4]], seed=11)


@pytest.fixture(scope="session")
def fragment():
    """32 residues of HIV-1 protease, three of them glycines: 245 atoms."""
    return read_structure(ROOT / "docs" / "data" / "1hpv_fragment.pdb")


@pytest.fixture(scope="session")
def fragment_places(fragment):
    """Coordinates and hierarchy of the fragment."""
    return fragment.coords, Hierarchy.from_structure(fragment)


@pytest.fixture(scope="session")
def hpv():
    """HIV-1 protease, of the files that come with PyMOL."""
    pymol = pytest.importorskip("pymol")
    path = Path(pymol.__file__).parent / "data" / "tut" / "1hpv.pdb"
    return read_structure(path if path.exists() else Path("/usr/share/pymol/data/tut/1hpv.pdb"))


@pytest.fixture(scope="session")
def nmr_models():
    """2JUY, a small protein with its hydrogens, 392 atoms, and the coordinates of its 24 models."""
    return read_ensemble(ROOT / "tests" / "data" / "2juy.pdb.gz")


@pytest.fixture(scope="session")
def nmr(nmr_models):
    """The first model of 2JUY."""
    return nmr_models[0]


@pytest.fixture(scope="session")
def make_structure():
    """Build a structure from one ``(segi, chain, resi, resn, hetero)`` and one ``alt`` per atom."""

    def make(residues: list[tuple], alts: list[str] | None = None, seed: int = 0) -> Structure:
        rows = list(dict.fromkeys(residues))
        atoms = np.array([("CA", "C", alt) for alt in alts or [""] * len(residues)], ATOM_LABELS)
        coords = np.random.default_rng(seed).normal(0, 20, (len(residues), 3)).astype(np.float32)
        row_of_atom = np.array([rows.index(residue) for residue in residues])
        return Structure(coords, atoms, np.array(rows, RESIDUE_LABELS), row_of_atom, "toy")

    return make


@pytest.fixture(scope="session")
def dimer(make_structure):
    """Two protein chains and a ligand: 15 atoms, 6 residues, 3 chains."""
    sizes = {
        ("", "A", "1", "GLY", False): 4,
        ("", "A", "2", "SER", False): 1,
        ("", "A", "2A", "VAL", False): 3,
        ("", "B", "1", "ALA", False): 2,
        ("", "B", "2", "CYS", False): 3,
        ("", "A", "99", "HEM", True): 2,
    }
    return make_structure([residue for residue, size in sizes.items() for _ in range(size)])


@pytest.fixture
def of_any_place():
    """Makes of a denoiser the same about the centroid of x: a shift of x then shifts the estimate alike."""

    def about(denoise):
        def shifted(x, sigma):
            middle = x.mean(-2, keepdim=True)
            found = denoise(x - middle, sigma)
            return replace(found, atoms=found.atoms + middle)

        return shifted

    return about


@pytest.fixture
def all_words_are_within():
    """Checks a figure's titles and labels."""

    def check(figure):
        """No title or label of an axis is cut off by the picture, or reaches into another's."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        FigureCanvasAgg(figure).draw()
        shown = [axis for axis in figure.axes if axis.get_visible()]
        words = [text for axis in shown for text in (axis.title, axis.xaxis.label, axis.yaxis.label) if text.get_text()]
        boxes = [text.get_window_extent() for text in words]
        width, height = figure.bbox.size
        for text, box in zip(words, boxes):
            inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
            assert inside, text.get_text()
        for (one, box), (other, its) in combinations(zip(words, boxes), 2):
            assert not box.overlaps(its), (one.get_text(), other.get_text())

    return check
