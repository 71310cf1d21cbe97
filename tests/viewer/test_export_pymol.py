"""PyMOL reads our files back: labels, states, coordinates, b."""

import numpy as np
import pytest

from pomodoro_pymol.io.dcd import save_dcd
from pomodoro_pymol.io.mmcif import save_mmcif
from pomodoro_pymol.io.pdb import save_pdb, save_pdb_residue

FRAMES = 3
SAVE = {"pdb": save_pdb, "cif": save_mmcif}


@pytest.fixture
def noised(cmd, load_source):
    """A function that noises a named source and returns its result and frames."""
    from pomodoro_pymol.commands import pomnoise

    def run(name):
        words = load_source(name, cmd).words
        state = {"state": int(words[6:])} if words.startswith("state=") else {}
        result = pomnoise("" if state else words, frames=FRAMES, z=1, **state, _self=cmd)
        return result, np.concatenate([block.numpy().copy() for block in result.frames()])

    return run


def labels(cmd, name, segi):
    """Sorted order numbers ``rank``, the atom's place in its file, with its labels."""
    rows = []
    words = "segi" if segi else "''"
    cmd.iterate(
        f"%{name}", f"put((rank, ({words}, chain, resi, resn, name, alt, elem), b))", space={"put": rows.append}
    )
    ranks, texts, b = zip(*sorted(rows))
    assert list(ranks) == list(range(len(rows)))
    return texts, b


@pytest.mark.parametrize("kind", ["pdb", "cif"])
@pytest.mark.parametrize(
    "name", ["waters", "altlocs", "insertion codes", "blank chain", "hetero", "ensemble", "shuffled", "fab", "ttt"]
)
def test_pymol_reads_it_back(cmd, noised, coords, tmp_path, name, kind):
    result, frames = noised(name)
    structure = result.structure
    values = np.nan_to_num(result.metric())[result.hierarchy.atom_to_residue.numpy()]
    SAVE[kind](tmp_path / f"a.{kind}", structure, result.frames(), values=values, header=result.header())
    cmd.load(str(tmp_path / f"a.{kind}"), "back", quiet=1)
    assert cmd.count_states("back") == FRAMES + 1
    rows = structure.residues[structure.residue_of_atom].tolist()
    texts, b = labels(cmd, "back", segi=kind == "pdb")
    atoms = structure.atoms.tolist()
    assert list(texts) == [
        (row[0] if kind == "pdb" else "", *row[1:4], name, alt, elem) for row, (name, elem, alt) in zip(rows, atoms)
    ]
    np.testing.assert_allclose(b, values, rtol=0, atol=5.1e-3 if kind == "pdb" else 1e-5)
    for state, frame in enumerate([structure.coords, *frames], 1):
        read = coords(cmd, "back", state)
        np.testing.assert_allclose(read, frame, rtol=0, atol=5.3e-4 if kind == "pdb" else 7e-5)
    het = []
    cmd.iterate("%back", "put((rank, type))", space={"put": het.append})
    assert [kind == "HETATM" for _, kind in sorted(het)] == [row[4] for row in rows]


def test_segments_survive_mmcif(cmd, tmp_path):
    from pomodoro_pymol.viewer import reading

    cmd.fab("ACD", "built")
    cmd.alter("built", "segi = 'PROTA'")
    structure = reading.read_structure("built", _self=cmd)
    save_mmcif(tmp_path / "a.cif", structure, structure.coords[None])
    cmd.load(str(tmp_path / "a.cif"), "back", quiet=1)
    assert cmd.count_atoms("back and segi PROTA") == len(structure)


def test_dcd_goes_on_top_of_model_0(cmd, noised, coords, tmp_path):
    result, frames = noised("waters")
    save_dcd(tmp_path / "a.dcd", result.frames(), FRAMES)
    save_pdb(tmp_path / "a.pdb", result.structure, iter(()))
    cmd.load(str(tmp_path / "a.pdb"), "back", quiet=1)
    cmd.load_traj(str(tmp_path / "a.dcd"), "back", 2)
    for state, frame in enumerate(frames, 2):
        assert np.array_equal(coords(cmd, "back", state), frame)


def test_residue_points(cmd, noised, coords, tmp_path):
    result, frames = noised("hetero")
    path = tmp_path / "a.pdb"
    save_pdb_residue(path, result.structure, result.hierarchy, result.frames(), values=result.metric())
    cmd.load(str(path), "back", quiet=1)
    assert cmd.count_states("back") == FRAMES + 1
    rows = result.structure.residue_of_atom
    for state, frame in enumerate([result.structure.coords, *frames], 1):
        means = [frame[rows == i].astype(float).mean(0) for i in range(len(result.structure.residues))]
        np.testing.assert_allclose(coords(cmd, "back", state), means, rtol=0, atol=5.3e-4)
    texts, b = labels(cmd, "back", segi=True)
    assert [text[2] for text in texts] == result.structure.residues["resi"].tolist()
    np.testing.assert_allclose(b, result.metric(), rtol=0, atol=5.1e-3)


def test_the_header_makes_the_file_again(cmd, noised, tmp_path):
    from pomodoro_pymol import read_header
    from pomodoro_pymol.commands import pomnoise
    from pomodoro_pymol.parameters.catalogue import NoiseParameters

    result, _ = noised("scene")
    save_pdb(tmp_path / "a.pdb", result.structure, result.frames(), header=result.header())
    said = dict(line.split(": ", 1) for line in read_header(tmp_path / "a.pdb") if ": " in line)
    assert (said["seed"], said["device"], said["structure"]) == ("0", "cpu", "1hpv")
    assert "torch " in said["versions"]
    parameters = NoiseParameters.from_text(said["command"])
    again = pomnoise(**{name: getattr(parameters, name) for name in ("selection", "z", "frames", "state")}, _self=cmd)
    save_pdb(tmp_path / "b.pdb", again.structure, again.frames(), header=result.header())
    assert (tmp_path / "a.pdb").read_bytes() == (tmp_path / "b.pdb").read_bytes()


def test_the_viewer_saves_whole_or_not_at_all(cmd, tmp_path):
    from pomodoro_pymol import PomodoroError
    from pomodoro_pymol.viewer import scenes

    cmd.fab("ACD", "built")
    for name in ("a.pse", "a.pdb"):
        scenes.save(tmp_path / name, "" if name == "a.pse" else "built", _self=cmd)
        assert (tmp_path / name).stat().st_size > 500
    with pytest.raises(PomodoroError, match=r"cannot write .*its folder does not exist"):
        scenes.save(tmp_path / "missing" / "a.pse", "", _self=cmd)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdb", "a.pse"]


def test_the_demo_writes_what_pdb_cannot_hold_as_mmcif(cmd, noised, tmp_path, capsys):
    from dataclasses import replace

    from pomodoro_pymol import demo

    result, _ = noised("fab")
    demo._save_frames(tmp_path / "near", result)
    demo._save_frames(tmp_path / "far", replace(result, parameters=replace(result.parameters, z=4.0)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far.cif", "near.pdb"]
    assert "do not fit the columns of PDB" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["pdb", "cif", "pdb.gz", "cif.gz"])
def test_occupancy_charge_cell_and_blank_chains(cmd, tmp_path, kind):
    from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure, UnitCell

    rows = [("", "", "1", "LYS", False), ("", "B", "1", "ASP", False), ("", "", "2", "ZN", True)]
    atoms = [("CA", "C", "A"), ("CA", "C", "B"), ("NZ", "N", ""), ("OD2", "O", ""), ("ZN", "Zn", "")]
    structure = Structure(
        np.arange(15, dtype=np.float32).reshape(5, 3),
        np.array(atoms, ATOM_LABELS),
        np.array(rows, RESIDUE_LABELS),
        np.array([0, 0, 0, 1, 2]),
        "toy",
        occupancy=np.array([0.25, 0.75, 1, 0.5, 0], np.float32),
        b=np.array([90.5, 3, 4, 5, 6], np.float32),
        charge=np.array([0, 0, 1, -1, 2], np.int8),
        cell=UnitCell((51.5, 161.777, 70.125), (90.0, 98.51, 120.0), "P 1 21 1"),
    )
    path, values = tmp_path / f"a.{kind}", np.array([1.5, 2.5, 3.5, 4.5, 5.5])
    save = SAVE[kind[:3]]
    save(path, structure, structure.coords[None] + 1, values=values, titles=["truth", "z=1"], header=["line"])
    cmd.load(str(path), "back", quiet=1)
    assert cmd.count_states("back") == 2
    found = []
    cmd.iterate("%back", "put((rank, chain, resi, alt, q, formal_charge, b))", space={"put": found.append})
    assert [row[:4] for row in sorted(found)] == [
        (0, "", "1", "A"), (1, "", "1", "B"), (2, "", "1", ""), (3, "B", "1", ""), (4, "", "2", "")
    ]  # fmt: skip
    _, _, _, _, occupancy, charge, b = zip(*sorted(found))
    np.testing.assert_allclose(occupancy, structure.occupancy, atol=1e-6)
    assert list(charge) == structure.charge.tolist()
    np.testing.assert_allclose(b, values, atol=1e-6)
    *numbers, group = cmd.get_symmetry("back")
    np.testing.assert_allclose(numbers, (*structure.cell.lengths, *structure.cell.angles), rtol=1e-6)
    assert group == "P 1 21 1"
