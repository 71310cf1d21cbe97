"""The text of numbers is Python's, to the last character."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pomodoro_pymol.io.fixed_point import fixed_point, text_width

EDGES = [-999.999, 9999.999, 0.0005, -0.0004, 0.9995, 0.0, -0.0, 0.0625, 0.1875, 2.5, -0.5, 1.0005, 999.9995, 1e-30]
EDGES += [-999.9994, 9999.9994, 0.0015, 0.0025, 8.0005, 64.0005, 4999.9995, -0.0005, 0.00049999999999999, 1234.5675]


def texts(values, width, decimals):
    return [bytes(row).decode() for row in fixed_point(np.asarray(values), width, decimals)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_edges(dtype):
    values = np.array(EDGES, dtype)
    assert texts(values, 8, 3) == [f"{value:8.3f}" for value in values.tolist()]


@pytest.mark.parametrize("bits", [32, 64])
@given(st.data())
def test_coordinates(bits, data):
    numbers = st.floats(-999.9375, 9999.9375, width=bits)
    # Halves of the last decimal, and their neighbours.
    halves = st.integers(-1_999_998, 19_999_998).map(lambda n: float(np.dtype(f"f{bits // 8}").type(n / 2000)))
    near = st.tuples(halves, st.sampled_from([-np.inf, np.inf])).map(
        lambda pair: float(np.nextafter(*map(np.dtype(f"f{bits // 8}").type, pair)))
    )
    drawn = data.draw(st.lists(numbers | halves | near, min_size=1, max_size=50))
    values = np.array([value for value in drawn if len(f"{value:.3f}") <= 8] or [0.0], f"f{bits // 8}")
    assert texts(values, 8, 3) == [f"{value:8.3f}" for value in values.tolist()]


@given(
    st.lists(st.floats(-(2.0**39), 2.0**39, width=32), min_size=1, max_size=20),
    st.integers(0, 5),
    st.integers(0, 3),
)
def test_any_width(drawn, decimals, more):
    values = np.array(drawn, np.float32)
    width = text_width(values, decimals) + more
    assert texts(values, width, decimals) == [f"{value:{width}.{decimals}f}" for value in values.tolist()]


def test_half_a_million_coordinates():
    values = np.random.default_rng(0).uniform(-999, 9999, 500_000).astype(np.float32)
    assert texts(values, 8, 3) == [f"{value:8.3f}" for value in values.tolist()]


def test_integers():
    values = np.array([0, 7, 10, 99_999, 123_456_789_012])
    assert texts(values, 12, 0) == [f"{value:12d}" for value in values.tolist()]


def test_shape_and_layout():
    values = np.asfortranarray(np.random.default_rng(0).normal(0, 50, (5, 3)))
    text = fixed_point(values, 8, 3)
    assert text.shape == (5, 3, 8)
    for i in np.ndindex(5, 3):
        assert bytes(text[i]).decode() == f"{values[i]:8.3f}"
