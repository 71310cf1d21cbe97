"""Singular value decompositions into rotations against NumPy's and their definition, on what is degenerate too."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pomodoro_pymol.structure import singular
from pomodoro_pymol.structure.singular import proper_svd

#: Singular values, the last with its sign: all kinds of ties, gaps and zeros.
VALUES = {
    "generic": (3.0, 2.0, 0.5),
    "mirrored": (3.0, 2.0, -0.5),
    "all alike": (1.0, 1.0, 1.0),
    "a reflection": (1.0, 1.0, -1.0),
    "the first two alike": (2.0, 2.0, 1e-10),
    "the last two alike": (2.0, 1e-7, 1e-7),
    "the last two opposite": (5.0, 1e-8, -1e-8),
    "nearly alike": (1.0, 1 - 1e-9, 1 - 2e-9),
    "nearly a reflection": (60.0, 59.0, -58.5),
    "of rank two": (1.0, 0.7, 0.0),
    "of rank one": (4.0, 0.0, 0.0),
    "nothing": (0.0, 0.0, 0.0),
    "halfway": (1.0, 0.5**0.5, 0.0),
    "large": (1e150, 3e149, -1e149),
    "small": (1e-150, 3e-151, 1e-151),
}


#: Rounding of LAPACK, of NumPy too, reaches some 60 times this.
ROUNDING = 128 * np.finfo(float).eps


@pytest.fixture(params=[0, 10**9], ids=["closed form", "one by one"], autouse=True)
def route(request, monkeypatch):
    """Both ways, for any number of matrices."""
    monkeypatch.setattr(singular, "_FEW", request.param)


def check(matrices):
    """Return the signed values after all that makes them a decomposition was checked."""
    u, s, vh = (part.numpy() for part in proper_svd(torch.from_numpy(matrices)))
    size = np.abs(matrices).max((-1, -2))
    assert u.shape == vh.shape == matrices.shape
    assert s.shape == matrices.shape[:-1]
    for basis in (u, vh):
        assert (np.abs(basis @ np.swapaxes(basis, -1, -2) - np.eye(3)) < 5e-15).all()
        assert (np.abs(np.linalg.det(basis) - 1) < 5e-15).all()
    assert (np.abs((u * s[..., None, :]) @ vh - matrices).max((-1, -2)) <= ROUNDING * size).all()
    expected = np.linalg.svd(matrices, compute_uv=False)
    assert (np.abs(np.abs(s) - expected).max(-1) <= ROUNDING * size).all()
    assert (s[..., :2] >= -ROUNDING * size[..., None]).all()
    return s


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_it_is_the_decomposition(values):
    u, v = Rotation.random(2 * 300, random_state=4).as_matrix().reshape(2, 300, 3, 3)
    s = check(u @ np.diag(values) @ np.swapaxes(v, -1, -2))
    assert np.abs(s - values).max() <= ROUNDING * values[0]


def test_any_numbers():
    rng = np.random.default_rng(2)
    matrices = rng.normal(size=(4, 250, 3, 3))
    s = check(matrices)
    np.testing.assert_allclose(s.prod(-1), np.linalg.det(matrices), rtol=0, atol=1e-13)
    turns = Rotation.random(2000, random_state=5).as_matrix()
    for values in (10.0 ** rng.uniform(-18, 0, (1000, 3)), 1 - 10.0 ** rng.uniform(-18, 0, (1000, 3))):
        check(turns[:1000] @ (values[..., None] * turns[1000:]))


def test_whole_numbers_and_axes():
    """Ties that are exact, vectors along and against the axes."""
    rng = np.random.default_rng(3)
    check(rng.integers(-2, 3, (3000, 3, 3)).astype(float))
    check(np.stack([np.diag(values) for values in rng.integers(-2, 3, (300, 3)).astype(float)]))


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_shapes(shape):
    check(np.random.default_rng(1).normal(size=(*shape, 3, 3)))
    assert [part.shape for part in proper_svd(torch.empty(0, 2, 3, 3, dtype=torch.float64))] == [
        (0, 2, 3, 3),
        (0, 2, 3),
        (0, 2, 3, 3),
    ]


def test_what_is_not_finite_spoils_no_other():
    matrices = torch.randn(5, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    matrices[2, 1, 1] = torch.nan
    found = proper_svd(matrices)
    for part in found:
        assert part.flatten(1).isfinite().all(1).tolist() == [True, True, False, True, True]
