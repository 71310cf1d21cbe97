"""Nested covariances against dense linear algebra, for hierarchies of every shape."""

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.covariance import NestedCovariance
from pomodoro_pymol.noise.weights import LevelWeights
from pomodoro_pymol.structure.hierarchy import Hierarchy

variances = st.tuples(
    *[st.just(0.0) | st.floats(0.1, 10)] * 2,
    st.floats(0.1, 10),
)
SHAPES = [[[1]], [[7]], [[1, 1, 1]], [[3, 4]], [[1], [1]], [[1, 60, 2], [1], [9]]]


def dense(hierarchy, chain, residue, atom):
    """The covariance from its definition, entry by entry."""
    of_residue, of_chain = hierarchy.atom_to_residue.tolist(), hierarchy.residue_to_chain.tolist()
    n_atoms = len(of_residue)
    matrix = np.zeros((n_atoms, n_atoms))
    for i, r in enumerate(of_residue):
        for j, s in enumerate(of_residue):
            matrix[i, j] = atom * (i == j) + residue * (r == s) + chain * (of_chain[r] == of_chain[s])
    return matrix


def vectors(hierarchy, dtype=torch.float64, lead=(2,)):
    values = np.random.default_rng(hierarchy.n_atoms).normal(size=(*lead, hierarchy.n_atoms, 3))
    return torch.from_numpy(values).to(dtype)


def apply(matrix, x):
    return np.einsum("ij,...jk->...ik", matrix, x.double().numpy())


def check(hierarchy, parts):
    covariance, matrix, x = NestedCovariance(hierarchy, *parts), dense(hierarchy, *parts), vectors(hierarchy)
    np.testing.assert_allclose(covariance.product(x), apply(matrix, x), rtol=0, atol=1e-10)
    solved = np.linalg.solve(matrix, x.numpy())
    rounding = np.finfo(float).eps * np.linalg.cond(matrix) * np.abs(solved).max()  # of the dense solution
    np.testing.assert_allclose(covariance.solve(x), solved, rtol=0, atol=max(1e-10, rounding))
    np.testing.assert_allclose(covariance.solve_ones(), np.linalg.inv(matrix).sum(1), rtol=0, atol=max(1e-10, rounding))
    assert covariance.logdet() == pytest.approx(np.linalg.slogdet(matrix)[1], rel=0, abs=1e-10)
    root = covariance.root(torch.eye(hierarchy.n_atoms, dtype=torch.float64)[:, :, None].expand(-1, -1, 3))[..., 0].T
    np.testing.assert_allclose(root @ root.T, matrix, rtol=0, atol=1e-10)


@given(st.from_type(Hierarchy), variances)
def test_implicit_is_dense(hierarchy, parts):
    check(hierarchy, parts)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("parts", [(3, 8, 1), (0, 0, 1), (5, 0, 0.2), (0, 4, 0.3), (1000, 0.1, 0.1)], ids=str)
def test_implicit_is_dense_at_the_edges(nest, shape, parts):
    check(nest(shape, seed=3), tuple(map(float, parts)))


@given(st.from_type(Hierarchy), variances)
@example(Hierarchy(torch.tensor([0, 0, 0]), torch.tensor([0])), (0.0, 0.0, 1.0))
def test_the_means_have_the_covariance_of_the_dense_means(hierarchy, parts):
    covariance, matrix = NestedCovariance(hierarchy, *parts), dense(hierarchy, *parts)
    for means, index, n_groups in (
        (covariance.of_residues(), hierarchy.atom_to_residue, hierarchy.n_residues),
        (covariance.of_chains(), hierarchy.atom_to_chain, hierarchy.n_chains),
    ):
        to_mean = np.eye(n_groups)[index.numpy()].T
        to_mean /= to_mean.sum(1, keepdims=True)
        expected = to_mean @ matrix @ to_mean.T
        x = vectors(means.hierarchy)
        np.testing.assert_allclose(means.product(x), apply(expected, x), rtol=0, atol=1e-10)
        np.testing.assert_allclose(means.solve(x), np.linalg.solve(expected, x.numpy()), rtol=0, atol=1e-10)
        assert means.logdet() == pytest.approx(np.linalg.slogdet(expected)[1], rel=0, abs=1e-10)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("parts", [(3.0, 8.0, 0.0), (0.0, 2.0, 0.0), (2.0, 0.0, 0.0)], ids=str)
def test_singular_ones_have_products_and_roots_but_no_inverse(nest, shape, parts):
    hierarchy = nest(shape, seed=5)
    covariance, matrix = NestedCovariance(hierarchy, *parts), dense(hierarchy, *parts)
    x = vectors(hierarchy)
    np.testing.assert_allclose(covariance.product(x), apply(matrix, x), rtol=0, atol=1e-10)
    root = covariance.root(torch.eye(hierarchy.n_atoms, dtype=torch.float64)[:, :, None].expand(-1, -1, 3))[..., 0].T
    np.testing.assert_allclose(root @ root.T, matrix, rtol=0, atol=1e-10)
    for ask in (lambda: covariance.solve(x), covariance.logdet):
        with pytest.raises(PomodoroError, match="wa=0 the atoms of a residue move as one body"):
            ask()
    if parts[1]:  # the means of residues are not singular
        x = vectors(covariance.of_residues().hierarchy)
        np.testing.assert_allclose(covariance.of_residues().product(covariance.of_residues().solve(x)), x, atol=1e-10)


def test_float32_is_the_same_rounded(complex_):
    covariance = NestedCovariance(complex_, 3.0, 8.0, 1.0)
    x = vectors(complex_)
    # Condition number of about (c n_atoms + b n_r + a) / a = 150, a few roundings of 6e-8 each.
    for name in ("product", "solve", "root"):
        exact, rounded = getattr(covariance, name)(x), getattr(covariance, name)(x.float())
        assert rounded.dtype == torch.float32
        assert float((exact - rounded).abs().max() / exact.abs().max()) < 150 * 6e-8


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_leading_axes_are_frames(peptide, lead):
    covariance = NestedCovariance(peptide, 3.0, 8.0, 1.0)
    x = vectors(peptide, lead=lead)
    for name in ("product", "solve", "root"):
        found = getattr(covariance, name)(x)
        assert found.shape == x.shape
        for place in np.ndindex(*lead):
            torch.testing.assert_close(found[place], getattr(covariance, name)(x[place]), rtol=1e-13, atol=1e-13)


def test_scaled_plus_and_noise(peptide):
    x = vectors(peptide)
    noise = NestedCovariance.of_noise(peptide, LevelWeights(3, 8, 1), sigma=2)
    prior = NestedCovariance(peptide, 1.0, 4.0, 0.25)
    both = prior.plus(noise.scaled(9))
    matrix = dense(peptide, 1, 4, 0.25) + 9 * 4 / 12 * dense(peptide, 3, 8, 1)
    np.testing.assert_allclose(both.product(x), apply(matrix, x), rtol=1e-12)


@pytest.mark.parametrize(
    "parts", [(-1.0, 1.0, 1.0), (1.0, 1.0, float("nan")), (0.0, 0.0, 0.0), (float("inf"), 1.0, 1.0)]
)
def test_bad_variances(peptide, parts):
    with pytest.raises(PomodoroError, match="not negative, and not all zero"):
        NestedCovariance(peptide, *parts)
