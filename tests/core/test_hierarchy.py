"""Index maps and pooling against dense membership matrices, on ragged random groups."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.structure.hierarchy import Hierarchy, group_sum

hierarchies = st.from_type(Hierarchy)
both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
both_levels = pytest.mark.parametrize("level", ["residue", "chain"])


def maps_of(hierarchy):
    return hierarchy.atom_to_residue.tolist(), hierarchy.residue_to_chain.tolist()


def atom_groups(oracle, hierarchy, level):
    atom_residue, residue_chain = oracle.membership(hierarchy)
    return atom_residue if level == "residue" else atom_residue @ residue_chain


@both_precisions
@both_levels
@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_pool_is_the_dense_mean(oracle, level, dtype, hierarchy, seed):
    groups = atom_groups(oracle, hierarchy, level)
    values = torch.from_numpy(np.random.default_rng(seed).normal(0, 9, (2, hierarchy.n_atoms, 3))).to(dtype)
    dense = (groups / groups.sum(0)).T @ values.double().numpy()
    # A sum of n terms is off by less than n roundings of its largest term.
    tolerance = hierarchy.n_atoms * torch.finfo(dtype).eps * float(values.abs().max())
    pooled = hierarchy.pool(values, level)
    assert pooled.dtype == dtype
    np.testing.assert_allclose(pooled.numpy(), dense, rtol=0, atol=tolerance)


@both_precisions
@both_levels
@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_broadcast_is_the_dense_product(oracle, level, dtype, hierarchy, seed):
    groups = atom_groups(oracle, hierarchy, level)
    values = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, groups.shape[1], 3))).to(dtype)
    spread = hierarchy.broadcast(values, level)
    assert spread.dtype == dtype
    np.testing.assert_array_equal(spread.numpy(), groups @ values.double().numpy())


@both_levels
@given(hierarchy=hierarchies)
def test_one_frame_is_a_batch_of_one(level, hierarchy):
    values = torch.randn(hierarchy.n_atoms, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(hierarchy.pool(values, level), hierarchy.pool(values[None], level)[0])


@given(hierarchy=hierarchies)
def test_counts_and_first_atoms(oracle, hierarchy):
    atom_residue, residue_chain = oracle.membership(hierarchy)
    atom_chain = atom_residue @ residue_chain
    assert (hierarchy.n_atoms, hierarchy.n_residues) == atom_residue.shape
    assert hierarchy.n_chains == residue_chain.shape[1]
    assert hierarchy.atoms_per_residue.tolist() == atom_residue.sum(0).tolist()
    assert hierarchy.atoms_per_chain.tolist() == atom_chain.sum(0).tolist()
    assert hierarchy.residues_per_chain.tolist() == residue_chain.sum(0).tolist()
    assert hierarchy.atom_to_chain.tolist() == atom_chain.argmax(1).tolist()
    residues = hierarchy.atom_to_residue.tolist()
    assert hierarchy.first_atoms.tolist() == [residues.index(residue) for residue in range(hierarchy.n_residues)]


@given(hierarchy=hierarchies)
def test_group_sum_is_the_dense_sum(oracle, hierarchy):
    values = torch.arange(2.0 * hierarchy.n_atoms, dtype=torch.float64).reshape(2, -1)
    sums = group_sum(values, hierarchy.atom_to_residue, hierarchy.n_residues)
    np.testing.assert_array_equal(sums.numpy(), values.numpy() @ oracle.membership(hierarchy)[0])


@given(hierarchy=hierarchies)
def test_labels_matrices_and_maps_build_the_same(oracle, hierarchy):
    residues = [f"residue {index}" for index in hierarchy.atom_to_residue.tolist()]
    chains = [("chain", index) for index in hierarchy.atom_to_chain.tolist()]
    labelled = Hierarchy.from_labels(residues, iter(chains))
    matrices = oracle.membership(labelled)
    assert maps_of(Hierarchy.from_membership(*matrices)) == maps_of(labelled)
    assert maps_of(Hierarchy(*map(torch.tensor, maps_of(labelled)))) == maps_of(labelled)
    for numbered, given_ in zip(maps_of(labelled), (residues, [chains[i] for i in labelled.first_atoms])):
        assert numbered == [list(dict.fromkeys(given_)).index(label) for label in given_]


@given(hierarchy=hierarchies)
def test_membership_matrices_are_read_back(oracle, hierarchy):
    assert maps_of(Hierarchy.from_membership(*oracle.membership(hierarchy))) == maps_of(hierarchy)


@pytest.mark.parametrize(
    "kind",
    [
        np.asarray,
        np.ndarray.tolist,
        torch.from_numpy,
        lambda matrix: matrix.astype(bool),
        lambda matrix: torch.from_numpy(matrix).float(),
        lambda matrix: torch.from_numpy(matrix).byte(),
    ],
    ids=["array", "lists", "float64", "bool", "float32", "uint8"],
)
def test_membership_matrices_of_any_kind(oracle, peptide, kind):
    assert maps_of(Hierarchy.from_membership(*map(kind, oracle.membership(peptide)))) == maps_of(peptide)


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_equal_labels_of_any_kind_are_one_group(kind):
    hierarchy = Hierarchy.from_labels(kind([5, 5, 2, 5, 9]), kind([1, 1, 1, 1, 0]))
    assert maps_of(hierarchy) == ([0, 0, 1, 0, 2], [0, 0, 1])


def test_moving_to_a_device_keeps_the_maps(peptide):
    assert maps_of(peptide.to("cpu")) == maps_of(peptide)


def test_residues_must_nest_in_chains():
    with pytest.raises(PomodoroError, match="residues must nest in chains"):
        Hierarchy.from_labels(["a", "b", "a"], ["A", "A", "B"])


@pytest.mark.parametrize(
    ("residues", "chains", "message"),
    [([0, 0], [0], "2 residue labels but 1 chain labels"), ([0], [], "needs both"), ([], [], "at least one atom")],
)
def test_each_atom_needs_both_labels(residues, chains, message):
    with pytest.raises(PomodoroError, match=message):
        Hierarchy.from_labels(residues, chains)


@pytest.mark.parametrize(
    ("atoms", "residues", "message"),
    [
        ([0, 2], [0, 0, 0], "a residue has no atom"),
        ([0, 1], [0, 2], "a chain has no residue"),
        ([0, 2], [0, 0], "residue index lies outside 0 .. 1"),
        ([0, -1], [0, 0], "residue index lies outside 0 .. 1"),
        ([0, 1], [0, -1], "chain index lies outside 0 .. 0"),
        ([], [0], "at least one atom"),
        ([], [], "at least one atom"),
        ([[0, 1]], [0, 0], "one-dimensional"),
    ],
)
def test_bad_maps(atoms, residues, message):
    with pytest.raises(PomodoroError, match=message):
        Hierarchy(torch.tensor(atoms, dtype=torch.int64), torch.tensor(residues, dtype=torch.int64))


EYE = [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("atom_residue", "residue_chain", "message"),
    [
        (EYE, [[1]], "membership matrices must be"),
        ([1, 1], [[1]], "membership matrices must be"),
        (EYE, [[[1]], [[1]]], "membership matrices must be"),
        ([[2, 0], [0, 1]], [[1], [1]], "each atom must belong to exactly one group"),
        ([[0.5, 0.5], [0, 1]], [[1], [1]], "each atom must belong to exactly one group"),
        ([[float("nan"), 1], [1, 0]], [[1], [1]], "each atom must belong to exactly one group"),
        ([[-1, 2], [0, 1]], [[1], [1]], "each atom must belong to exactly one group"),
        ([[1, 1], [0, 1]], [[1], [1]], "each atom must belong to exactly one group"),
        ([[0, 0], [1, 0], [0, 1]], [[1], [1]], "each atom must belong to exactly one group"),
        (EYE, [[1, 1], [0, 1]], "each residue must belong to exactly one group"),
        (EYE, [[0], [1]], "each residue must belong to exactly one group"),
        ([[1, 0], [1, 0]], [[1], [1]], "empty group"),
        (EYE, [[1, 0], [1, 0]], "empty group"),
        (np.zeros((0, 2)), [[1], [1]], "empty group"),
        (np.zeros((0, 0)), np.zeros((0, 0)), "empty group"),
    ],
)
def test_bad_membership_matrices(atom_residue, residue_chain, message):
    with pytest.raises(PomodoroError, match=message):
        Hierarchy.from_membership(atom_residue, residue_chain)


@pytest.mark.parametrize("method", ["pool", "broadcast"])
def test_unknown_level(peptide, method):
    with pytest.raises(PomodoroError, match="'residue' or 'chain', not 'atom'"):
        getattr(peptide, method)(torch.zeros(12, 3), "atom")


def test_alternate_locations_stay_in_their_residue(make_structure):
    residue = ("", "A", "7", "SER", False)
    structure = make_structure([residue] * 4, alts=["", "A", "B", "C"])
    assert maps_of(Hierarchy.from_structure(structure)) == ([0, 0, 0, 0], [0])


def test_a_residue_of_two_names_is_one_residue(make_structure):
    structure = make_structure([("", "A", "7", "SER", False), ("", "A", "7", "ALA", False)], alts=["A", "B"])
    assert maps_of(Hierarchy.from_structure(structure)) == ([0, 0], [0])


def test_insertion_codes_separate_residues(make_structure):
    structure = make_structure([("", "A", resi, "GLY", False) for resi in ("52", "52A", "52B", "52")])
    assert maps_of(Hierarchy.from_structure(structure)) == ([0, 1, 2, 0], [0, 0, 0])


def test_chain_and_segment_separate_equal_numbers(make_structure):
    structure = make_structure([(segi, chain, "1", "GLY", False) for segi, chain in ("A1", "A2", "B1", "A1")])
    assert maps_of(Hierarchy.from_structure(structure)) == ([0, 1, 2, 0], [0, 1, 2])


def test_ligands_ions_and_waters_are_chains_of_their_own(make_structure):
    protein = [("", "A", "1", "GLY", False)] * 2 + [("", "A", "2", "ALA", False)] * 2
    hetero = [("", "A", "101", "HEM", True)] * 3 + [("", "A", "102", "ZN", True)]
    waters = [("", "A", "201", "HOH", True), ("", "A", "202", "HOH", True), ("", "B", "201", "HOH", True)]
    hierarchy = Hierarchy.from_structure(make_structure(protein + hetero + waters))
    assert hierarchy.atom_to_residue.tolist() == [0, 0, 1, 1, 2, 2, 2, 3, 4, 5, 6]
    assert hierarchy.residue_to_chain.tolist() == [0, 0, 1, 2, 3, 4, 5]


def test_a_ligand_numbered_like_a_residue_is_separate(make_structure):
    structure = make_structure([("", "A", "1", "GLY", False), ("", "A", "1", "LIG", True)])
    assert maps_of(Hierarchy.from_structure(structure)) == ([0, 1], [0, 1])


@pytest.mark.parametrize(
    ("residues", "chains", "words"),
    [([0], [0], "1 atom, 1 residue, 1 chain"), ([0, 0, 1], [0, 0, 1], "3 atoms, 2 residues, 2 chains")],
)
def test_its_sizes_in_words(residues, chains, words):
    assert str(Hierarchy.from_labels(residues, chains)) == words


def test_neighbors_follow_each_other_in_their_chain() -> None:
    """In the order of the residues, also where chains are interleaved; a chain of one residue has none."""
    hierarchy = Hierarchy(torch.arange(6), torch.tensor([0, 1, 0, 2, 1, 0]))
    assert hierarchy.neighbors.T.tolist() == [[0, 2], [2, 5], [1, 4]]
    assert Hierarchy(torch.arange(1), torch.arange(1)).neighbors.shape == (2, 0)
