"""The noise level: sigma of z, its inverse, and the quantiles of the training law."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.sigma import LAWS, LawOfSigma, quantile, sigma_from_z, z_from_sigma

NOTE = {-3: "0.05", -2: "0.24", -1: "1.08", 0: "4.82", 1: "21.60", 2: "96.79", 3: "433.80"}
QUANTILES = {-3: "0.1", -2: "2.3", -1: "15.9", 0: "50.0", 1: "84.1", 2: "97.7", 3: "99.9"}


@pytest.mark.parametrize(("z", "printed"), NOTE.items())
def test_sigma_of_the_note(z, printed):
    assert f"{sigma_from_z(z):.2f}" == printed


@pytest.mark.parametrize(("z", "percent"), QUANTILES.items())
def test_quantile_of_the_training_law(z, percent):
    assert f"{100 * quantile(z):.1f}" == percent


@given(z=st.floats(-8, 8))
def test_quantile_is_the_normal_distribution(z):
    assert quantile(z) == pytest.approx(NormalDist().cdf(z), rel=1e-9, abs=1e-16)


@given(z=st.floats(-50, 50))
def test_z_inverts_sigma(z):
    assert z_from_sigma(sigma_from_z(z)) == pytest.approx(z, rel=1e-13, abs=1e-13)


@given(sigma=st.floats(1e-12, 1e12))
def test_sigma_inverts_z(sigma):
    assert sigma_from_z(z_from_sigma(sigma)) == pytest.approx(sigma, rel=1e-13)


def test_one_z_multiplies_sigma_by_the_training_spread():
    assert sigma_from_z(1) / sigma_from_z(0) == pytest.approx(math.exp(1.5), rel=1e-14)


@given(z=st.floats(-6, 6), sigma_data=st.floats(0.1, 50), p_mean=st.floats(-3, 3), p_std=st.floats(0.1, 3))
def test_any_law_is_log_normal(z, sigma_data, p_mean, p_std):
    """ln(sigma / sigma_data) is p_mean at z = 0, and p_std more for each z."""
    law = LawOfSigma(sigma_data, p_mean, p_std)
    assert math.log(law.sigma(z) / sigma_data) == pytest.approx(p_mean + p_std * z, abs=1e-12)
    assert law.z(law.sigma(z)) == pytest.approx(z, abs=1e-11)


def test_the_laws_as_published():
    """AF3 SI 3.7.1, Boltz diffusion.py, and EDM's table 1, which has no factor of sigma_data."""
    assert LAWS["af3"] == LAWS["boltz"] == LawOfSigma(16, -1.2, 1.5)
    assert LAWS["edm"].sigma(0.5) == pytest.approx(math.exp(-1.2 + 1.2 * 0.5))


@pytest.mark.parametrize("numbers", [(0, -1.2, 1.5), (16, math.nan, 1.5), (16, -1.2, -1), (math.inf, 0, 1)])
def test_laws_that_are_none(numbers):
    with pytest.raises(PomodoroError, match="sigma_data and p_std must be positive"):
        LawOfSigma(*numbers)


def test_sampling_starts_outside_the_training_range():
    assert f"{z_from_sigma(16 * 160):.2f}" == "4.18"


@pytest.mark.parametrize("sigma", [0, -1, -1e-300, math.inf, -math.inf, math.nan])
def test_sigma_must_be_positive_and_finite(sigma):
    with pytest.raises(PomodoroError, match="positive and finite"):
        z_from_sigma(sigma)
