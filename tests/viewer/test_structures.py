"""What PyMOL's labels mean to us: residues and chains of real and awkward structures, whatever the settings."""

import numpy as np
import pytest


@pytest.fixture
def counts(cmd):
    """A function that noises a selection and returns the numbers of atoms, residues and chains."""
    from pomodoro_pymol.commands import pomnoise

    def count(words="", **more):
        hierarchy = pomnoise(words, frames=1, **more, _self=cmd).hierarchy
        return hierarchy.n_atoms, hierarchy.n_residues, hierarchy.n_chains

    return count


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("altlocs", (15, 3, 1)),  # alternate locations stay in their residue
        ("insertion codes", (16, 4, 2)),  # 10, 10A, 10B are three residues
        ("blank chain", (12, 3, 2)),
        ("hetero", (14, 7, 6)),  # a ligand, an ion and three waters are chains of their own
        ("shuffled", (12, 3, 1)),
        ("missing atoms", (9, 3, 1)),
        ("discrete", (10, 3, 1)),
        ("ensemble", (392, 28, 1)),  # with a modified residue of HETATM records within the chain
        ("fab", (324, 20, 1)),
    ],
)
def test_groups(cmd, load_source, counts, name, wanted):
    source = load_source(name, cmd)
    state = int(source.words[6:]) if source.words.startswith("state=") else -1
    assert counts("all" if name == "hetero" else "", state=state) == wanted


def test_solvent_is_left_out_by_default(hpv, counts):
    assert counts()[0] == hpv.count_atoms("1hpv and not solvent")


@pytest.mark.parametrize("label", ["chain", "segi"])
def test_long_labels_are_told_apart(cmd, read_pdb, counts, label):
    read_pdb(cmd, "long")
    cmd.alter("resi 1", f"{label} = 'membrane_left'")
    cmd.alter("resi 2+3", f"{label} = 'membrane_right'")
    assert counts() == (12, 3, 2)


def test_segments_with_equal_chains_and_numbers(cmd, read_pdb, counts):
    read_pdb(cmd, "one")
    cmd.alter("resi 1", "segi = 'L'")
    cmd.alter("resi 2+3", "segi, resi = 'R', int(resi) - 1")
    assert counts() == (12, 3, 2)


def test_negative_residue_numbers(cmd, read_pdb, counts):
    read_pdb(cmd, "minus")
    cmd.alter("all", "resi = int(resi) - 2")
    assert counts() == (12, 3, 1)


SETTINGS = {
    "retain_order": 1,
    "all_states": 1,
    "static_singletons": 0,
    "ignore_case": 0,
    "defer_builds_mode": 3,
    "suspend_updates": 1,
    "auto_zoom": 0,
    "matrix_mode": 1,
    "state": 2,
    "pdb_hetatm_sort": 1,
    "autoclose_dialogs": 0,
    "auto_defer_builds": 0,
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", ["shuffled", "ensemble", "ttt"])
def test_settings_do_not_matter(cmd, load_source, coords, session, differences, name, setting):
    from pomodoro_pymol.commands import pomnoise

    cmd.set(setting, SETTINGS[setting])
    source = load_source(name, cmd)
    before = session(cmd)
    result = pomnoise("", frames=2, _self=cmd)
    frames = np.concatenate([result.structure.coords[None], *(block.numpy().copy() for block in result.frames())])
    for state, frame in enumerate(frames, 1):
        assert np.array_equal(coords(cmd, result.name, state), frame)
    assert source.object not in cmd.get_names("objects", enabled_only=1)
    cmd.enable(source.object)
    after = session(cmd)
    assert differences(before["settings"], after["settings"]) == []
    names = [entry for entry in after["names"] if entry and entry[0] == source.object]
    assert differences([entry for entry in before["names"] if entry and entry[0] == source.object], names) == []
