"""The rows of a survey against what the commands say of the same file alone, and against plain loops."""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments.scalings import measure_data, scaling_table
from pomodoro_pymol.experiments.sweep import run_sweep
from pomodoro_pymol.experiments.table import noise_table
from pomodoro_pymol.experiments.teaching import training_signal
from pomodoro_pymol.io.read import read_structure
from pomodoro_pymol.noise.presets import parse_schemes
from pomodoro_pymol.noise.sigma import AF3_LAW, LawOfSigma
from pomodoro_pymol.structure.crops import crops, without_hydrogens
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.survey.rows import COUNTS, DATA, columns, file_rows
from pomodoro_pymol.survey.settings import SurveySettings

FRAGMENT = Path(__file__).parents[2] / "docs" / "data" / "1hpv_fragment.pdb"
NMR = Path(__file__).parents[1] / "data" / "2juy.pdb.gz"
LEVELS = ("chain", "residue", "atom")
SCHEMES = tuple(parse_schemes("flat+ms+rb+3-8-1+1:1:15+1:0:0+0:2.5:0"))
SETTINGS = SurveySettings(SCHEMES, (-1.5, 0.25))
LAW = LawOfSigma(10.0, -0.5, 1.1)
_PDB = "{:6}{:>5} {:<4} {:3} {:1}{:>4}    {:8.3f}{:8.3f}{:8.3f}  1.00 10.00          {:>2}"
_RNA = ("P", "OP1", "OP2", "O5'", "C5'", "C4'", "O4'", "C3'", "O3'", "C2'", "O2'", "C1'", "N9", "C8", "N7", "C5")


def line(number, record, name, resn, chain, resi, place):
    return _PDB.format(record, number % 99999, f" {name}", resn, chain, resi, *place, name[0])


def moved(chain, shift):
    """The fragment as another chain, in another place."""
    for text in FRAGMENT.read_text().splitlines():
        if text.startswith("ATOM"):
            x, y, z = (float(text[start : start + 8]) for start in (30, 38, 46))
            yield f"{text[:21]}{chain}{text[22:30]}{x + shift:8.3f}{-y:8.3f}{z - shift:8.3f}{text[54:]}"


def ligand(rng, resn, chain, resi, names):
    place = rng.normal(0, 15, 3)
    return [line(9000, "HETATM", name, resn, chain, resi, place + rng.normal(0, 1.2, 3)) for name in names]


def texts():
    rng = np.random.default_rng(4)
    two = [*moved("A", 0), "TER", *moved("B", 40), "TER"]
    ligands = [*ligand(rng, "LIG", "A", 500, ["C1", "C2", "O1", "N1"]), *ligand(rng, "ZN", "B", 501, ["ZN"])]
    rna = [
        line(number, "ATOM", name, "A", "R", resi, np.array([6.0 * resi, 0, 0]) + rng.normal(0, 1.5, 3))
        for resi in range(1, 7)
        for number, name in enumerate(_RNA[: 16 if resi > 1 else 9], 1)
    ]
    return {
        "two chains and ligands": [*two, *ligands],
        "one chain": list(moved("A", 3)),
        "rna": rna,
        "ligands": ligands,
        "one atom": [line(1, "ATOM", "CA", "GLY", "A", 1, (1, 2, 3))],
        "one residue": [
            line(number, "ATOM", name, "GLY", "A", 1, rng.normal(0, 1, 3))
            for number, name in enumerate(("N", "CA", "C"))
        ],
    }


TEXTS = texts()


@pytest.fixture(params=[f"{name}.{kind}" for name in TEXTS for kind in ("pdb", "cif")] + ["nmr.pdb"])
def path(request, tmp_path):
    name, _, kind = request.param.rpartition(".")
    found = tmp_path / "file.pdb"
    if name == "nmr":
        found.write_bytes(gzip.decompress(NMR.read_bytes()))
        return found
    found.write_text("\n".join([*TEXTS[name], "END", ""]))
    if kind == "cif":
        gemmi = pytest.importorskip("gemmi")
        structure = gemmi.read_structure(str(found))
        structure.setup_entities()
        found = tmp_path / "file.cif"
        structure.make_mmcif_document().write_file(str(found))
    return found


def named(settings, row):
    names = [column.name for column in columns(settings)]
    return dict(zip(names, row.numbers, strict=True))


def check(row, structure, settings):
    """Every number of a row is that of the functions behind the commands; return how many were compared."""
    hierarchy, states = Hierarchy.from_structure(structure), structure.coords[None]
    data, _ = measure_data(states, hierarchy)
    law = settings.law
    table = noise_table(hierarchy, settings.schemes, [0.0], law=law)
    signals = training_signal(structure, states, hierarchy, settings.schemes, law, scores=False).under(law)
    sweep = run_sweep(structure, hierarchy, settings.schemes, settings.z, law=law) if settings.z else None
    expected = {
        **dict(zip(COUNTS, (hierarchy.n_atoms, hierarchy.n_residues, hierarchy.n_chains))),
        **{f"s_{level}": own for level, own in zip(LEVELS, data)},
    }
    for scheme, of_table, signal in zip(settings.schemes, table, signals, strict=True):
        assert (of_table.scheme, signal.scheme) == (scheme, scheme)
        name = scheme.name
        expected |= {f"{name}_ratio": of_table.expected.ratio, f"{name}_relative": of_table.expected.ratio_relative}
        expected |= {f"{name}_noise_{level.level}": level.noise for level in signal.levels}
        for level in scaling_table(hierarchy, scheme.weights, [1.0], data):
            if level.variant == "global":
                assert expected[f"{name}_noise_{level.level}"] == level.noise
        for part in ("translation", "rotation", "between", "within"):
            expected[f"{name}_{part}"] = getattr(signal.gauge, part)
        for level in signal.levels:
            expected[f"{name}_start_{level.level}"] = level.share
            expected[f"{name}_aligned_{level.level}"] = level.aligned_share
    for point in sweep.points if sweep else ():
        scores = point.expected_scores
        for name, score in (
            ("ca_lddt", scores.ca_lddt_residue_mean),
            ("within_residues", scores.within_residues),
            ("between_residues", scores.between_residues),
        ):
            expected[f"{point.scheme.name}_{name}_z{point.z:g}"] = score
    found = named(settings, row)
    assert set(found) == {*expected, "rg", "s_total"}
    for name, value in expected.items():
        assert found[name] == float(value) or (math.isnan(found[name]) and math.isnan(value)), name


def test_each_number_is_what_the_commands_say_of_the_file(path):
    (row,) = file_rows(path, SETTINGS)
    assert (row.cropping, row.crop, row.error) == ("whole", 0, "")
    check(row, read_structure(path), SETTINGS)


def test_without_hydrogens_under_another_law_and_without_scores(path):
    settings = SurveySettings(SCHEMES[:2], (), LAW, hydrogens=False)
    (row,) = file_rows(path, settings)
    check(row, without_hydrogens(read_structure(path)), settings)
    assert named(settings, row)["n_atoms"] == sum(
        element not in ("H", "D") for element in read_structure(path).atoms["elem"]
    )


def test_the_rows_of_crops_are_those_of_the_crops(path):
    settings = SurveySettings(SCHEMES[:2], (0.5,), AF3_LAW, True, 7, ("spatial", "contiguous"), 2, 5)
    rows = file_rows(path, settings)
    found = list(crops(read_structure(path), 7, kinds=["spatial", "contiguous"], count=2, seed=5))
    assert [(row.cropping, row.crop) for row in rows] == [
        ("spatial", 1), ("spatial", 2), ("contiguous", 1), ("contiguous", 2),
    ]  # fmt: skip
    for row, crop in zip(rows, found, strict=True):
        check(row, crop.structure, settings)


def mean(vectors):
    vectors = list(vectors)
    return [sum(vector[axis] for vector in vectors) / len(vectors) for axis in range(3)]


def variances(chains):
    """Counts, radius of gyration and data variances, by loops over ``{chain: {residue: atoms}}``."""
    atoms = [atom for chain in chains.values() for residue in chain.values() for atom in residue]
    centre, n = mean(atoms), len(atoms)
    gyration = sum(math.dist(atom, centre) ** 2 for atom in atoms) / n
    of_chains = of_residues = of_atoms = 0.0
    for chain in chains.values():
        middle = mean(atom for residue in chain.values() for atom in residue)
        for residue in chain.values():
            own = mean(residue)
            of_chains += len(residue) * math.dist(middle, centre) ** 2
            of_residues += len(residue) * math.dist(own, middle) ** 2
            of_atoms += sum(math.dist(atom, own) ** 2 for atom in residue)
    n_residues = sum(map(len, chains.values()))
    freedom = 1.0, (n_residues - len(chains)) / n_residues, (n - n_residues) / n
    # Training shifts the whole at random, by 1 A per coordinate.
    squares = 1 + of_chains / n / 3, of_residues / n / 3, of_atoms / n / 3
    own = [square / free if free else 1.0 for square, free in zip(squares, freedom)]
    counts = n, n_residues, len(chains)
    return counts, (math.sqrt(gyration), *own, sum(free * value for free, value in zip(freedom, own)))


def nested(lines):
    """Atoms of each residue of each chain by the labels of a PDB file; a HETATM residue is a chain."""
    chains = {}
    for text in lines:
        if text.startswith(("ATOM", "HETATM")):
            residue = text[21:27]
            chain = residue if text.startswith("HETATM") else text[21]
            place = [float(text[start : start + 8]) for start in (30, 38, 46)]
            chains.setdefault(chain, {}).setdefault(residue, []).append(place)
    return chains


@pytest.mark.parametrize("name", TEXTS)
def test_data_against_loops_over_chains_residues_and_atoms(tmp_path, name):
    (tmp_path / "file.pdb").write_text("\n".join([*TEXTS[name], "END", ""]))
    (row,) = file_rows(tmp_path / "file.pdb", SurveySettings(SCHEMES[:1]))
    found = named(SurveySettings(SCHEMES[:1]), row)
    counts, data = variances(nested(TEXTS[name]))
    assert tuple(found[column] for column in COUNTS) == counts
    # Coordinates are single.
    assert tuple(found[column] for column in DATA) == pytest.approx(data, rel=1e-5, abs=1e-6)


def test_columns_have_names_of_their_own_units_and_meanings(tmp_path, monkeypatch):
    monkeypatch.setattr("pomodoro_pymol.noise.presets.presets_path", lambda: tmp_path / "presets.json")
    names = ["ms_start", "ms_noise", "ms_ratio.v2", "n", "s", "path", "rg", "aé", "A-b.c_1"]
    (tmp_path / "presets.json").write_text(json.dumps({name: [1, 2, 3] for name in names}))
    schemes = tuple(parse_schemes("+".join(["flat", "ms", *names, "1:1:15", "1e-3:.5:15.0", "1:1:1_5", "٣:1:0"])))
    settings = SurveySettings(schemes, (0.1, 0.10000000000000002, 1.0, 1.0000001, -2.0, 1e-9))
    found = columns(settings)
    assert len(schemes) == 15
    assert len(found) == 8 + 15 * (2 + 3 + 4 + 6 + 18)
    assert len({column.name for column in found} | {"path", "cropping", "crop", "error"}) == len(found) + 4
    assert all(column.meaning for column in found)
    without = {column.name for column in found if not column.unit}
    assert without == {
        *COUNTS,
        *(f"{scheme.name}_{what}" for scheme in schemes for what in ("ratio", "relative")),
        *(f"{scheme.name}_noise_{level}" for scheme in schemes for level in LEVELS),
    }
    assert [column.name for column in found if column.name.startswith("1:1:15_ca")] == [
        f"1:1:15_ca_lddt_z{z}" for z in ("0.1", "0.10000000000000002", "1", "1.0000001", "-2", "1e-09")
    ]
    (tmp_path / "file.pdb").write_text("\n".join(TEXTS["rna"]))
    (row,) = file_rows(tmp_path / "file.pdb", settings)
    assert len(row.numbers) == len(found)


def test_shares_sum_to_one_and_scores_fall_with_z(path):
    settings = SurveySettings(SCHEMES, (-2.0, 0.0, 1.0))
    (row,) = file_rows(path, settings)
    found = named(settings, row)
    for scheme in SCHEMES:
        for parts in (("translation", "rotation", "between", "within"), *([f"{what}_{level}" for level in LEVELS]
                      for what in ("start", "aligned"))):  # fmt: skip
            shares = [found[f"{scheme.name}_{part}"] for part in parts]
            assert sum(shares) == pytest.approx(1, abs=1e-12) or all(map(math.isnan, shares))
            assert all(share >= 0 or math.isnan(share) for share in shares)
        for score in ("ca_lddt", "within_residues", "between_residues"):
            low, middle, high = (found[f"{scheme.name}_{score}_z{z}"] for z in (-2, 0, 1))
            assert math.isnan(low) or 1 >= low >= middle >= high >= 0


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    (tmp_path / "empty.pdb").write_text("END\n")
    with pytest.raises(PomodoroError, match="no atoms in"):
        file_rows(tmp_path / "empty.pdb", SETTINGS)
    (tmp_path / "h.pdb").write_text(line(1, "ATOM", "H", "GLY", "A", 1, (0, 0, 0)))
    with pytest.raises(PomodoroError, match="no atoms but hydrogen"):
        file_rows(tmp_path / "h.pdb", SurveySettings(SCHEMES, hydrogens=False))
