"""pomsave writes what each command made, says which model is the truth, and is read back by gemmi."""

import gzip
import re

import numpy as np
import pytest
from read_back import model_number

from pomodoro_pymol import load_frames, read_header, read_titles

FAST = "sampler=edm steps=6 sigma_max=200 device=cpu"


@pytest.fixture
def peptide(cmd, tmp_path_factory):
    """Twelve residues of a file, with a b of each atom's own."""
    cmd.fab("ACDEFGHIKLMN", "built", chain="A")
    cmd.alter("built", "b = 10 + index % 80")
    path = str(tmp_path_factory.mktemp("source") / "pep.pdb")
    cmd.save(path, "built")
    cmd.delete("all")
    cmd.load(path, quiet=1)
    return cmd


def models(path):
    gemmi = pytest.importorskip("gemmi")
    return {
        model_number(model): np.array(
            [place for _, place in sorted((cra.atom.serial, cra.atom.pos.tolist()) for cra in model.all())]
        )
        for model in gemmi.read_structure(str(path), merge_chain_parts=False)
    }


def source_b(path):
    gemmi = pytest.importorskip("gemmi")
    column = gemmi.cif.read(str(path)).sole_block().find_values("_atom_site.pomodoro_source_b")
    return [gemmi.cif.as_number(value) for value in column]


def shown_b(path):
    gemmi = pytest.importorskip("gemmi")
    model = gemmi.read_structure(str(path), merge_chain_parts=False)[0]
    return [b for _, b in sorted((cra.atom.serial, cra.atom.b_iso) for cra in model.all())]


def in_file_order(cmd, name, state):
    rows = []
    cmd.iterate_state(state, f"%{name}", "put((rank, x, y, z))", space={"put": rows.append})
    return np.array(sorted(rows))[:, 1:]


def titles(cmd, name):
    return [cmd.get_title(name, state) for state in range(1, cmd.count_states(name) + 1)]


OBJECTS = {
    "noise": (("pomnoise pep, frames=3",), "pep_noise", True, "MODEL 0 is the true structure, the others are noised"),
    "aligned": (
        ("pomnoise pep, frames=3", "pomalign"),
        "pep_noise_aligned",
        True,
        "MODEL 0 is the true structure, the others are noised",
    ),
    "denoised": (
        ("pomnoise pep, frames=3", "pomdenoise"),
        "pep_noise_denoised",
        True,
        "MODEL 0 is the true structure, the others are denoised",
    ),
    "sweep": (("pomsweep pep, z=-2:0:1, frames=1",), "pep_sweep", False, "the models are states of one draw"),
    "sample": ((f"pomsample pep, {FAST}, every=2",), "pep_sample", False, "the models are states of reverse diffusion"),
    "ends": (
        (f"pomsample pep, {FAST}, samples=3, show=final",),
        "pep_sample",
        False,
        "the models are states of reverse diffusion",
    ),
}


@pytest.mark.parametrize("ending", ["pdb", "cif.gz"])
@pytest.mark.parametrize("kind", OBJECTS)
def test_every_object_of_ours_is_written_as_what_it_is(peptide, typed, tmp_path, kind, ending):
    lines, name, truth, first = OBJECTS[kind]
    for line in lines:
        assert "Error" not in typed(peptide, line)
    path = tmp_path / f"a.{ending}"
    printed = typed(peptide, f"pomsave {path}, {name}")
    assert f"pomsave: {name}, 3 frames -> " in printed
    found = models(path)
    assert list(found) == ([0, 1, 2, 3] if truth else [1, 2, 3])
    for state, coords in enumerate(found.values(), 1):
        np.testing.assert_allclose(coords, in_file_order(peptide, name, state), rtol=0, atol=6e-4)
    if truth:
        np.testing.assert_allclose(found[0], in_file_order(peptide, "pep", 1), rtol=0, atol=6e-4)
    assert read_titles(path) == titles(peptide, name)
    header = read_header(path)
    assert header[0].startswith(first)
    assert header[0].endswith("not among them") == (not truth)
    said = dict(line.split(": ", 1) for line in header if ": " in line)
    assert said["command"].split()[0] == lines[-1].split()[0].replace("pomalign", "pomnoise")
    assert said["structure"] == ("pep_noise" if kind == "denoised" else "pep")
    assert ("superposed" in said.get("frames", "")) == (kind == "aligned")


#: 16 A exp(-1.2 + 1.5 z) of noised frames; what alignment and denoising leave is not known.
SIGMA = {
    "noise": [16 * np.exp(-1.2)] * 3,
    "aligned": [np.nan] * 3,
    "denoised": [np.nan] * 3,
    "sweep": (16 * np.exp(-1.2 + 1.5 * np.array([-2, -1, 0]))).tolist(),
    "ends": [0.0] * 3,
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_frames_as_tensors(peptide, typed, tmp_path, kind):
    lines, name, truth, _ = OBJECTS[kind]
    for line in lines:
        typed(peptide, line)
    assert "Error" not in typed(peptide, f"pomsave {tmp_path}/a.npz, {name}")
    found = load_frames(tmp_path / "a.npz")
    first = 2 if truth else 1
    for state, coords in enumerate(found.coords.numpy(), first):
        np.testing.assert_array_equal(coords, in_file_order(peptide, name, state).astype(np.float32))
    if truth:
        np.testing.assert_array_equal(found.truth.numpy(), in_file_order(peptide, "pep", 1).astype(np.float32))
    else:
        assert found.truth is None
    assert found.titles.tolist() == titles(peptide, name)[first - 1 :]
    assert (found.polymer_mask.sum(), found.calpha_mask.sum()) == (12, 12)
    assert found.heavy_mask.sum() == peptide.count_atoms("pep and not hydro")
    assert "".join(found.residue_name.tolist()[:2]) == "ALACYS"
    said = [float(title.split("sigma=")[1].split()[0]) for title in found.titles.tolist() if "sigma=" in title]
    wanted = {**SIGMA, "sample": said}[kind]
    np.testing.assert_allclose(found.sigma.numpy(), wanted, rtol=1e-3)


def test_the_files_of_a_dcd_are_all_states_where_none_is_the_truth(peptide, typed, tmp_path):
    typed(peptide, "pomsweep pep, z=-2:0:1, frames=1")
    assert "3 frames" in typed(peptide, f"pomsave {tmp_path}/a.dcd")
    reader = pytest.importorskip("biotite.structure.io.dcd")
    read = reader.DCDFile.read(str(tmp_path / "a.dcd")).get_coord()
    for state, coords in enumerate(read, 1):
        np.testing.assert_array_equal(coords, in_file_order(peptide, "pep_sweep", state).astype(np.float32))


def keep_b(cmd, name, b):
    """Let the record say what b of the source was, as if it had been read so."""
    cmd._pymol.session.pomodoro[name]["b"] = np.asarray(b, "<f4").tobytes()


def test_b_of_the_source_is_kept_beside_the_metric(peptide, typed, tmp_path):
    typed(peptide, "pomnoise pep, frames=2")
    wanted = np.linspace(1, 99, peptide.count_atoms("pep"))
    keep_b(peptide, "pep_noise", wanted)
    typed(peptide, f"pomsave {tmp_path}/m.cif")
    metric = []
    peptide.iterate("pep_noise", "put((rank, b))", space={"put": metric.append})
    np.testing.assert_allclose(shown_b(tmp_path / "m.cif"), [b for _, b in sorted(metric)], rtol=1e-5)
    np.testing.assert_allclose(source_b(tmp_path / "m.cif"), np.tile(wanted, 3), rtol=1e-5)
    assert read_header(tmp_path / "m.cif")[-1] == "B column: ratio"
    typed(peptide, "pomcolor metric=displacement")
    typed(peptide, f"pomsave {tmp_path}/d.pdb")
    assert read_header(tmp_path / "d.pdb")[-1] == "B column: displacement"
    for ending, atol in (("cif", 1e-4), ("pdb", 5.1e-3)):
        typed(peptide, f"pomsave {tmp_path}/s.{ending}{',' if ending == 'pdb' else ''} b=source")
        np.testing.assert_allclose(shown_b(tmp_path / f"s.{ending}"), wanted, atol=atol)
        assert read_header(tmp_path / f"s.{ending}")[-1] == "B column: b of the source"
    assert source_b(tmp_path / "s.cif") == []
    typed(peptide, f"pomsave {tmp_path}/r.pdb, b=source, level=residue")
    first = [row.resi for row in peptide.get_model("pep").atom]
    means = [wanted[[resi == number for resi in first]].mean() for number in dict.fromkeys(first)]
    np.testing.assert_allclose(shown_b(tmp_path / "r.pdb"), means, atol=5.1e-3)
    typed(peptide, "pomdenoise pep_noise")
    typed(peptide, f"pomsave {tmp_path}/n.cif, pep_noise_denoised")
    np.testing.assert_allclose(shown_b(tmp_path / "n.cif"), wanted, rtol=1e-5)


def test_the_record_keeps_what_was_read(peptide):
    from pomodoro_pymol.commands import pomnoise

    result = pomnoise("pep", frames=2, _self=peptide)
    kept = peptide._pymol.session.pomodoro["pep_noise"]["b"]
    assert type(kept) is bytes
    np.testing.assert_array_equal(np.frombuffer(kept, "<f4"), result.structure.b)


def test_b_that_is_not_known_is_refused_or_left_out(peptide, typed, tmp_path):
    typed(peptide, "pomnoise pep, frames=2")
    del peptide._pymol.session.pomodoro["pep_noise"]["b"]  # as in a session of version 0.1.0
    printed = typed(peptide, f"pomsave {tmp_path}/a.pdb, b=source")
    assert printed.count("Error:") == 1
    assert "what b was in the source of pep_noise is not known" in printed
    assert list(tmp_path.iterdir()) == []
    assert "Error" not in typed(peptide, f"pomsave {tmp_path}/a.cif")
    assert np.isnan(source_b(tmp_path / "a.cif")).all()
    keep_b(peptide, "pep_noise", [1, 2])
    assert "is not known" in typed(peptide, f"pomsave {tmp_path}/b.cif, b=source")
    peptide._pymol.session.pomodoro["pep_noise"]["b"] = "text"
    assert "damaged: run pomnoise again" in typed(peptide, f"pomsave {tmp_path}/b.cif")


def test_other_objects_have_b_of_the_source_and_no_metric(peptide, typed, tmp_path):
    typed(peptide, "pomsweep pep, z=-1:0, frames=1")
    printed = typed(peptide, f"pomsave {tmp_path}/a.pdb, b=metric")
    assert printed.count("Error:") == 1
    assert "pep_sweep has no metric" in printed
    typed(peptide, f"pomsave {tmp_path}/a.pdb")
    wanted = []
    peptide.iterate("pep", "put((rank, b))", space={"put": wanted.append})
    np.testing.assert_allclose(shown_b(tmp_path / "a.pdb"), [b for _, b in sorted(wanted)], atol=5.1e-3)


def test_one_of_several_is_to_be_named(peptide, typed, tmp_path):
    assert "run pomnoise first" in typed(peptide, f"pomsave {tmp_path}/a.pdb")
    typed(peptide, "pomnoise pep, frames=2, truth=1, metric=direction")
    assert "Error" not in typed(peptide, f"pomsave {tmp_path}/a.pdb")  # its truth and directions are no frames
    typed(peptide, "pomsweep pep, z=-1:0, frames=1")
    printed = typed(peptide, f"pomsave {tmp_path}/b.pdb")
    assert "has made 2 objects here: name one of: pep_noise, pep_sweep" in printed
    for name in ("pep", "pep_noise_truth", "pep_noise_direction"):
        printed = typed(peptide, f"pomsave {tmp_path}/b.pdb, {name}")
        assert printed.count("Error:") == 1
        assert re.search(r" pomnoise, .*pomsample.*: name one of: pep_noise, pep_sweep", printed)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdb"]


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        ("segi='LONGER'", "a.pdb", "segment 'LONGER' does not fit PDB"),
        ("chain='AB'", "a.pdb, level=residue", "chain 'AB' does not fit PDB"),
        ("b=b", "a.xtc", "the file must end in .pdb, .cif, .pdb.gz, .cif.gz, .dcd, .npz, not"),
        ("b=b", "a.gz", "the file must end in"),
        ("b=b", "a.dcd.gz", "the file must end in"),
        ("b=b", "a.npz, level=residue", "level=residue is written as .pdb or .pdb.gz"),
        ("b=b", "a.cif.gz, level=residue", "level=residue is written as .pdb or .pdb.gz"),
        ("b=b", "a.pdb, b=none", "b must be one of metric, source, not 'none'"),
    ],
)
def test_what_cannot_be_written_is_refused_before_a_frame_is_read(
    peptide, typed, tmp_path, monkeypatch, change, line, message
):
    from pomodoro_pymol.viewer import reading

    typed(peptide, "pomnoise pep, frames=2")
    peptide.alter("pep_noise", change)

    def no_frames(*_, **__):
        raise AssertionError("a frame was read")
        yield

    monkeypatch.setattr(reading, "read_frames", no_frames)
    printed = typed(peptide, f"pomsave {tmp_path}/{line}")
    assert printed.count("Error:") == 1
    assert message in printed
    assert list(tmp_path.iterdir()) == []


def test_a_packed_file_is_the_plain_one(peptide, typed, tmp_path):
    typed(peptide, "pomnoise pep, frames=2")
    for ending in ("pdb", "cif"):
        typed(peptide, f"pomsave {tmp_path}/a.{ending}")
        typed(peptide, f"pomsave {tmp_path}/a.{ending}.gz")
        packed = (tmp_path / f"a.{ending}.gz").read_bytes()
        assert gzip.decompress(packed) == (tmp_path / f"a.{ending}").read_bytes()


def test_the_cell_of_an_object_without_a_state_of_its_file(peptide, typed, tmp_path):
    gemmi = pytest.importorskip("gemmi")
    typed(peptide, "pomsweep pep, z=-1:0, frames=1")
    record = peptide._pymol.session.pomodoro["pep_sweep"]
    good = [51.5, 161.777, 70.125, 90.0, 98.51, 120.0, "P 1 21 1"]
    for cell in ([], good[:6], [*good[:6], 3], ["a", *good[1:]], [-1.0, *good[1:]], [np.inf, *good[1:]], "text", None):
        record["cell"] = cell
        assert "Error" not in typed(peptide, f"pomsave {tmp_path}/a.pdb")
        assert "CRYST1" not in (tmp_path / "a.pdb").read_text()
    record["cell"] = good
    for ending in ("pdb", "cif"):
        typed(peptide, f"pomsave {tmp_path}/a.{ending}")
        read = gemmi.read_structure(str(tmp_path / f"a.{ending}"))
        assert [*read.cell.parameters, read.spacegroup_hm] == good


def test_the_record_of_an_object_has_the_cell_in_plain_types():
    from pomodoro_pymol.jobs.saving import record_of
    from pomodoro_pymol.parameters.catalogue import SweepParameters
    from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure, UnitCell

    labels = np.array([("", "A", "1", "GLY", False)], RESIDUE_LABELS)
    arrays = np.zeros((1, 3), np.float32), np.zeros(1, ATOM_LABELS), labels, np.zeros(1, np.int64)
    assert record_of(SweepParameters(), "m", Structure(*arrays)) == {"command": "pomsweep", "source": "m"}
    cell = UnitCell((np.float32(51.5), 2.0, 3.0), (90.0, 91.0, 92.0), "P 1")
    record = record_of(SweepParameters(), "m", Structure(*arrays, cell=cell))
    assert record["cell"] == [51.5, 2.0, 3.0, 90.0, 91.0, 92.0, "P 1"]
    assert {type(value) for value in record["cell"]} == {float, str}


MADE = {
    "1hpv_noise": "pomnoise 1hpv, frames=2",
    "1hpv_sweep": "pomsweep 1hpv, z=0:1, frames=1",
    "1hpv_noise_aligned": "pomalign 1hpv_noise",
    "1hpv_noise_denoised": "pomdenoise 1hpv_noise",
    "1hpv_sample": "pomsample 1hpv, sampler=edm steps=4 device=cpu",
}


def test_what_the_source_has_comes_through_every_command(hpv, typed, tmp_path):
    gemmi = pytest.importorskip("gemmi")
    hpv.alter("1hpv and resi 30 and name OD1", "formal_charge = -1; q = 0.5")
    wanted = {}
    hpv.iterate("1hpv", "w[chain, resi, name, alt] = (b, q, formal_charge)", space={"w": wanted})
    for name, line in MADE.items():
        assert "Error" not in typed(hpv, line)
        for ending in ("pdb", "cif"):
            path = tmp_path / f"{name}.{ending}"
            assert "Error" not in typed(hpv, f"pomsave {path}, {name}, b=source")
            read = gemmi.read_structure(str(path))
            np.testing.assert_allclose(read.cell.parameters, (63.4, 63.4, 83.8, 90, 90, 120), atol=1e-3)
            assert read.spacegroup_hm == "P 61"
            sites = list(read[0].all())
            keys = [(c.chain.name, str(c.residue.seqid), c.atom.name, c.atom.altloc.strip("\0")) for c in sites]
            found = [(c.atom.b_iso, c.atom.occ, c.atom.charge) for c in sites]
            np.testing.assert_allclose(found, [wanted[key] for key in keys], atol=6e-3)
            assert (0.5, -1) in {row[1:] for row in found}
    typed(hpv, f"pomsave {tmp_path}/metric.cif, 1hpv_noise")
    read = gemmi.read_structure(str(tmp_path / "metric.cif"))
    b_of_serial = {
        c.atom.serial: wanted[c.chain.name, str(c.residue.seqid), c.atom.name, c.atom.altloc.strip("\0")][0]
        for c in read[0].all()
    }
    kept = source_b(tmp_path / "metric.cif")[: len(b_of_serial)]
    np.testing.assert_allclose(kept, [b for _, b in sorted(b_of_serial.items())], atol=1e-3)
