"""The structure record refuses what the core cannot use."""

import dataclasses

import numpy as np
import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.structure.atoms import left_out


def test_length_is_the_number_of_atoms(dimer):
    assert len(dimer) == 15


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_coordinates_must_be_finite(dimer, value):
    coords = dimer.coords.copy()
    coords[3, 1] = value
    with pytest.raises(PomodoroError, match="not finite"):
        dataclasses.replace(dimer, coords=coords)


def test_no_atoms(dimer):
    with pytest.raises(PomodoroError, match="no atoms"):
        dataclasses.replace(
            dimer, coords=dimer.coords[:0], atoms=dimer.atoms[:0], residue_of_atom=dimer.residue_of_atom[:0]
        )


@pytest.mark.parametrize("field", ["coords", "residue_of_atom"])
def test_shapes_must_agree(dimer, field):
    with pytest.raises(PomodoroError, match=r"15 atoms need coords of shape \(15, 3\)"):
        dataclasses.replace(dimer, **{field: getattr(dimer, field)[:-1]})


def test_coordinates_are_three(dimer):
    with pytest.raises(PomodoroError, match=r"\(15, 2\)"):
        dataclasses.replace(dimer, coords=dimer.coords[:, :2])


def test_what_is_left_out_is_counted_and_named():
    lost = [("A", "1", "GLY", "N"), ("A", "1", "GLY", "CA"), ("B", "5", "LEU", "CB"), ("A", "7", "ALA", "CA")]
    said = left_out(lost, {("B", "5", "LEU"), ("A", "2", "GLY")})
    assert (
        said
        == "left out: 2 residues without coordinates (A/GLY`1, A/ALA`7) and 1 atom without coordinates (B/LEU`5/CB)"
    )
    many = left_out([("A", str(i), "GLY", "CA") for i in range(20)], set())
    assert many.startswith("left out: 20 residues")
    assert many.endswith("A/GLY`7 and 12 more)")
    assert left_out([], {("A", "2", "GLY")}) == ""


@pytest.mark.parametrize("name", ["places", "occupancy", "b", "charge"])
def test_each_atom_has_one_of_each(dimer, name):
    with pytest.raises(PomodoroError, match=f"atoms need one of {name} each"):
        dataclasses.replace(dimer, **{name: getattr(dimer, name)[1:]})
