"""Training on fragments of many structures: by the library, and on the command line with small files."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from pomodoro_pymol import PomodoroError, QualityReference
from pomodoro_pymol.cli import main
from pomodoro_pymol.diffusion.trained_file import load_training
from pomodoro_pymol.experiments.fragment_training import fragment_structure, run_fragment_train
from pomodoro_pymol.experiments.fragments import read_fragments
from pomodoro_pymol.parameters.catalogue import TrainParameters
from pomodoro_pymol.structure.amino_acids import HEAVY_ATOMS

NAMES = ("ALA", "GLY", "SER", "VAL", "LEU", "THR")


def chain(seed: int, count: int = 12) -> str:
    """Return a chain of residues whose atoms lie about a walk with bonds of the right length, as PDB text."""
    rng = np.random.default_rng(seed)
    lines, place, serial = [], np.zeros(3), 0
    for number in range(1, count + 1):
        name = NAMES[rng.integers(len(NAMES))]
        way = rng.normal(size=3)
        way /= np.linalg.norm(way)
        ends = {"N": place + 1.33 * way, "CA": place + 2.79 * way, "C": place + 4.31 * way}
        for atom in HEAVY_ATOMS[name]:
            coords = ends.get(atom, ends["CA"] + rng.normal(size=3))
            serial += 1
            lines.append(
                f"ATOM  {serial:5} {' ' + atom:<4} {name} A{number:4}    "
                f"{coords[0]:8.3f}{coords[1]:8.3f}{coords[2]:8.3f}  1.00  0.00          {atom[0]:>2}"
            )
        place = ends["C"]
    return "\n".join([*lines, "TER", "END", ""])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for number in range(24):
        (folder / f"s{number:02}.pdb").write_text(chain(number))
    return sorted(map(str, folder.iterdir()))


@pytest.fixture(scope="module")
def fragments(files):
    return read_fragments(files, 6, hold=4)


def settings(tmp_path, **given):
    small = {"presets": "flat+rb", "steps": 6, "seeds": 2, "batch": 4, "width": 16, "layers": 1, "samples": 3}
    return TrainParameters(**{**small, "network": str(tmp_path / "f.npz"), **given})


@pytest.fixture(scope="module")
def result(fragments, tmp_path_factory):
    return run_fragment_train(fragments, settings(tmp_path_factory.mktemp("run")))


def test_fragments_are_trained_on_and_held_out(fragments, result):
    data = result.training.data
    assert data.pose == "random"
    assert torch.equal(data.held, fragments.held)
    assert data.levels == fragments.data_levels()
    assert result.training.step == 6
    assert {condition.data for condition in result.rating.own} == {"training", "held out"}
    for condition in result.rating.common:
        chosen = torch.nonzero(fragments.held == (condition.data == "held out"))[:, 0]
        np.testing.assert_array_equal(condition.groups, fragments.group[chosen].numpy())
        residue = condition.floor("linear")[1]
        wanted = fragments.linear_residue_error(
            condition.sigma, condition.scheme.weights, held=condition.data == "held out"
        )
        assert residue == pytest.approx(math.sqrt(wanted), rel=1e-6)
        assert math.isnan(condition.floor("exact")[1])


def test_the_same_network_reads_every_fragment_by_its_residues(result):
    """What a fragment's atoms become hangs on its own residues: those of one kind are read alike."""
    training = result.training
    items = training.data.trained[:5]
    x = training.data.coords[items][None]
    rows = torch.zeros(8, dtype=torch.int64)
    told = torch.full((8,), 2.0)

    def denoised(items):
        asked = training.denoised(training.data.coords[items][None], rows, items, told)
        return torch.cat([part for _, part in asked])

    whole = denoised(items)
    for place in range(5):
        torch.testing.assert_close(
            whole[:, place : place + 1], denoised(items[place : place + 1]), rtol=1e-4, atol=1e-4
        )
    assert bool((whole.abs().sum(-1)[:, ~training.data.slots.present[items]] == 0).all())
    assert whole.shape == (8, *x.shape[1:])


def test_a_fragment_is_a_structure_with_its_names(fragments, result):
    structure = fragment_structure(result.training.data, 0)
    kinds = [list(HEAVY_ATOMS)[kind] for kind in fragments.slots.kinds[0].tolist()]
    assert structure.residues["resn"].tolist() == kinds
    assert [name for kind in kinds for name in HEAVY_ATOMS[kind]] == structure.atoms["name"].tolist()
    bonds = QualityReference.from_structure(structure).bonds
    named = {
        frozenset((structure.atoms["name"][a], structure.atoms["name"][b])) for a, b in zip(bonds.first, bonds.second)
    }
    assert frozenset(("C", "N")) in named


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Return a function that runs the command line in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def typed(*words):
        status = main([str(word) for word in words])
        return status, *capsys.readouterr()

    return typed


QUICK = ("--steps", 2, "--seeds", 1, "--presets", "flat", "--width", 8, "--layers", 1, "--batch", 2, "--samples", 2)


def test_fragments_on_the_command_line(run, files, tmp_path):
    status, out, err = run("train", *files, "--residues", 6, "--csv", "t.csv", *QUICK)
    assert (status, err) == (0, "")
    assert (tmp_path / "fragments_train.npz").exists()
    assert " fragments of 6 residues of 24 files" in out
    assert "common_noise_rms_error_per_coordinate" in (tmp_path / "t.csv").read_text()
    before = (tmp_path / "fragments_train.npz").read_bytes()
    status, again, _ = run("train", *files, "--residues", 6, "--resume", 1, *QUICK)
    assert (status, (tmp_path / "fragments_train.npz").read_bytes()) == (0, before)
    assert [line for line in again.splitlines() if "s a step" in line or "none of them now" in line]


def test_models_of_a_file_on_the_command_line(run, files, tmp_path):
    lines = [line for line in Path(files[0]).read_text().splitlines() if line.startswith("ATOM")]
    models = []
    for number in range(4):
        moved = [
            f"{line[:30]}{float(line[30:38]) + 0.3 * number * (row % 2):8.3f}{line[38:]}"
            for row, line in enumerate(lines)
        ]
        models += [f"MODEL {number + 1:8}", *moved, "ENDMDL"]
    (tmp_path / "four.pdb").write_text("\n".join([*models, "END", ""]))
    status, out, err = run("train", "four.pdb", "--hold", 0, *QUICK)
    assert (status, err) == (0, "")
    assert "4 structures to train on, none held out; fixed pose" in out
    assert (tmp_path / "four_train.npz").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--residues", "6", "--network", "x.pdb"), "network must end in .npz"),
        (("--residues", "1"), "residues must be 2 or more, not 1"),
        (("--residues", "6", "--hold", "1"), "hold must be 0, or 2 or more, not 1"),
        (("--residues", "6", "--steps", "0"), "steps must be"),
        (("--residues", "400"), "no fragment of 400 residues in 24 files"),
        (("--residues", "6", "--scaling", "global", "--presets", "ms", "--export", "x.pt2"), "cannot be exported"),
        (("--residues", "6", "--resume", "1", "--network", "none.npz"), "cannot read none.npz"),
        ((), "24 files are trained on as fragments: give --residues, as in 32"),
    ],
)
def test_what_cannot_be_trained_is_one_line(run, files, tmp_path, words, says):
    status, out, err = run("train", *files, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_read_is_not_written_over(run, files):
    status, _, err = run("train", *files, "--residues", 6, "--csv", files[3], *QUICK)
    assert status == 2
    assert "it is what is read, and would be lost" in err


def test_one_model_is_no_ensemble(run, files):
    status, _, err = run("train", files[0], *QUICK)
    assert (status, "there is one state" in err) == (2, True)


def test_the_report_says_what_was_left_out_and_learnt(fragments, result):
    text = result.report()
    assert str(fragments) in text
    assert "random pose" in text
    assert "a sample of each network for 3 fragments" in text
    assert "residues' share of the loss at the start -> of what was learnt: flat global" in text
    rows = list(csv.DictReader(result.csv().splitlines()))
    linear = [row["linear"] for row in rows if row["measure"].startswith("common") and row["level"] == "residue"]
    assert len(linear) == 2 * 8 * 2
    assert all(float(value) > 0 for value in linear)


def test_a_file_of_fragments_says_so(result):
    found = load_training(result.path)
    assert (found.data.source, found.data.n_residues, found.data.atoms) == ("24 files", 6, "")
    assert found.architecture.n_kinds == 20


def test_resumed_is_as_uninterrupted(fragments, result, tmp_path):
    class Stop(Exception):
        pass

    def stop(done, total, record):
        if done == 3:
            raise Stop

    given = settings(tmp_path)
    with pytest.raises(Stop):
        run_fragment_train(fragments, given, stop)
    again = run_fragment_train(fragments, settings(tmp_path, resume=1))
    for kind, values in again.training.arrays().items():
        for name, value in values.items():
            assert torch.equal(value, result.training.arrays()[kind][name]), (kind, name)
    assert again.training.curve == result.training.curve


def test_without_a_name_the_file_is_of_fragments(fragments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = run_fragment_train(fragments, settings(tmp_path, network="", steps=1, samples=0, seeds=1))
    assert [path.name for path in tmp_path.iterdir()] == [str(made.path)] == ["fragments_train.npz"]


def test_other_fragments_cannot_be_resumed(files, result, tmp_path):
    other = read_fragments(files[1:], 6, hold=4)
    given = settings(tmp_path, resume=1, network=str(result.path))
    with pytest.raises(PomodoroError, match="cannot be resumed"):
        run_fragment_train(other, given)
