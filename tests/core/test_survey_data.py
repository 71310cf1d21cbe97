"""A survey as the data of pomprecond, pomsignal and pomtrain: the same as its numbers typed."""

import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pomodoro_pymol import (
    Hierarchy,
    NetworkDenoiser,
    PomodoroError,
    Structure,
    TrainedNetwork,
    load_training,
    run_train,
)
from pomodoro_pymol.cli import main
from pomodoro_pymol.experiments.fragment_training import run_fragment_train
from pomodoro_pymol.experiments.fragments import read_fragments
from pomodoro_pymol.experiments.scalings import check_data, given_data, measure_data, measure_heads
from pomodoro_pymol.experiments.signal_report import run_signal, signal_csv
from pomodoro_pymol.experiments.trained import trained_denoiser
from pomodoro_pymol.experiments.training import check_run
from pomodoro_pymol.noise.weights import PRESETS, Scheme
from pomodoro_pymol.parameters.catalogue import DenoiseParameters, SignalParameters, TrainParameters
from pomodoro_pymol.structure.amino_acids import HEAVY_ATOMS
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS
from pomodoro_pymol.survey.rows import Row, structure_rows
from pomodoro_pymol.survey.settings import SurveySettings
from pomodoro_pymol.survey.summary import summarise
from pomodoro_pymol.survey.survey_file import read_survey, write_survey

pyarrow = pytest.importorskip("pyarrow")
FAST = {"presets": "ms", "steps": 3, "width": 8, "layers": 1, "batch": 2, "seeds": 1, "samples": 2, "z": 0}


def structure_of(count, seed, name="m"):
    """Alanines and glycines along a walk with bonds of the right length, one half chain A, the other B."""
    random = np.random.default_rng(seed)
    names = [("ALA", "GLY")[random.integers(2)] for _ in range(count)]
    atoms = [(atom, atom[0], "") for name in names for atom in HEAVY_ATOMS[name]]
    labels = [("", "AB"[2 * number // count], str(number), name, False) for number, name in enumerate(names)]
    sizes = [len(HEAVY_ATOMS[name]) for name in names]
    coords, place = [], np.zeros(3)
    for residue in names:
        way = random.normal(size=3)
        n, ca, c = (place + far * way / np.linalg.norm(way) for far in (1.33, 2.79, 4.31))
        known = {"N": n, "CA": ca, "C": c}
        coords += [known.get(atom, ca + random.normal(size=3)) for atom in HEAVY_ATOMS[residue]]
        place = c
    coords = np.array(coords, "f4")
    return Structure(coords, np.array(atoms, ATOM_LABELS), np.array(labels, RESIDUE_LABELS),
                     np.repeat(range(count), sizes), name)  # fmt: skip


def write(path, counts, settings=None):
    settings = settings or SurveySettings((Scheme("ms", PRESETS["ms"]),))
    rows = [(f"{n}.pdb", row) for n in counts for row in structure_rows(structure_of(n, n), settings)]
    write_survey(path, [*rows, ("no.pdb", Row("", 0, "no atoms"))], settings)


@pytest.fixture(autouse=True)
def survey(tmp_path, monkeypatch):
    """s.parquet, of five structures, in the current folder; what is to be typed instead."""
    monkeypatch.chdir(tmp_path)
    write("s.parquet", (5, 8, 9, 12, 20))
    return summarise(read_survey("s.parquet")).typed


@pytest.fixture(scope="module")
def ensemble():
    structure = structure_of(6, 0)
    random = np.random.default_rng(1)
    return structure, structure.coords + random.normal(size=(6, *structure.coords.shape)).astype("f4")


def test_it_is_what_is_typed(survey, ensemble):
    structure, states = ensemble
    hierarchy = Hierarchy.from_structure(structure)
    levels, origin = given_data("s.parquet")
    assert origin == "of 5 structures in s.parquet"
    assert levels == given_data(survey)[0] == measure_data(states, hierarchy, "s.parquet")[0]
    assert levels == pytest.approx(read_survey("s.parquet").data_levels(), rel=1e-14)
    assert measure_heads(states, hierarchy, levels, "s.parquet") == measure_heads(states, hierarchy, levels, survey)
    write("crops.PARQUET", (12, 20), SurveySettings((), tokens=6, crops=3))
    assert given_data("crops.PARQUET")[1] == "of 12 crops in crops.PARQUET"


def test_a_signal_is_that_of_the_numbers(survey, ensemble):
    structure, states = ensemble
    of_file, typed = (run_signal(structure, states[:1], SignalParameters(data=data)) for data in ("s.parquet", survey))
    assert signal_csv(of_file.signal) == signal_csv(typed.signal)
    assert " (of 5 structures in s.parquet)\n" in of_file.report()
    assert of_file.report().replace("of 5 structures in s.parquet", "given") == typed.report()


def weights_of(path):
    found = load_training(path)
    return found, {name: value.numpy().tobytes() for name, value in found.arrays["weights"].items()}


@pytest.mark.parametrize("pose", ["fixed", "random"])
def test_networks_are_those_of_the_numbers(survey, ensemble, pose):
    structure, states = ensemble
    given = {**FAST, "pose": pose}
    result = run_train(structure, states, TrainParameters(**given, data="s.parquet", network="a.npz"))
    run_train(structure, states, TrainParameters(**given, data=survey, network="b.npz"))
    run_train(structure, states, TrainParameters(**given, network="c.npz"))
    (one, weights), (two, typed), (own, measured) = (weights_of(f"{name}.npz") for name in "abc")
    levels, _ = given_data(survey)
    assert weights == typed
    assert weights != measured
    assert one.data == two.data
    assert one.data.levels == levels != own.data.levels
    # What global has, too, is of these data: of all levels, as of two chains.
    n, r, c = len(structure.coords), 6, 2
    spread = math.sqrt(levels[0] + (r - c) / r * levels[1] + (n - r) / n * levels[2])
    assert one.settings.law == two.settings.law
    assert one.settings.law.sigma_data == pytest.approx(spread, rel=1e-12)
    assert "A per coordinate (of 5 structures in s.parquet)\n" in result.report()


def test_a_sigma_data_that_is_given_stays(ensemble):
    run_train(*ensemble, TrainParameters(**FAST, data="s.parquet", sigma_data=7.0, network="a.npz"))
    assert load_training("a.npz").settings.law.sigma_data == 7


def test_a_loaded_network_is_preconditioned_with_it(survey, ensemble):
    structure, states = ensemble
    run_train(structure, states, TrainParameters(**{**FAST, "scaling": "levels"}, data="s.parquet", network="a.npz"))
    os.remove("s.parquet")  # all is in the file of the networks
    hierarchy = Hierarchy.from_structure(structure)
    parameters = DenoiseParameters(object="m", network="a.npz", scaling="levels")
    denoise, label = trained_denoiser(structure, hierarchy, PRESETS["ms"], parameters)
    network = TrainedNetwork(load_training("a.npz").network(0), hierarchy)
    same, other = (
        NetworkDenoiser(network, hierarchy, PRESETS["ms"], variant="levels", data=data)
        for data in (given_data(survey)[0], (4.0, 9.0, 1.0))
    )
    x = torch.from_numpy(states)
    assert torch.equal(denoise(x, 3.0).atoms, same(x, 3.0).atoms)
    assert not torch.allclose(denoise(x, 3.0).atoms, other(x, 3.0).atoms)
    assert f"sigma_data {load_training('a.npz').settings.law.sigma_data:.4g} A" in label


def test_a_run_is_not_gone_on_with_on_other_data(survey, ensemble):
    def run(**given):
        return run_train(*ensemble, TrainParameters(**{**FAST, "samples": 0, "network": "a.npz", **given}))

    run(data="s.parquet", sigma_data=9.0)
    held = Path("a.npz").read_bytes()
    run(data=survey, sigma_data=9.0, resume=1)
    write("other.parquet", (5, 8, 9, 12))
    message = r"a.npz cannot be resumed: data was 2\.05743149:1\.8.*, and is .*; give all"
    for other in ("other.parquet", "1:8:1.5", ""):
        with pytest.raises(PomodoroError, match=message):
            run(data=other, sigma_data=9.0, resume=1)
    assert Path("a.npz").read_bytes() == held


def test_what_is_stopped_goes_on_as_if_it_had_not_been(ensemble):
    def stop(step, steps, record):
        if step == 2:
            raise KeyboardInterrupt

    given = TrainParameters(**{**FAST, "steps": 4}, data="s.parquet", network="a.npz")
    with pytest.raises(KeyboardInterrupt):
        run_train(*ensemble, given, stop)
    run_train(*ensemble, replace(given, resume=1))
    run_train(*ensemble, replace(given, network="b.npz"))
    assert weights_of("a.npz")[1] == weights_of("b.npz")[1]


def pdb_of(structure):
    lines = []
    for number, (x, y, z) in enumerate(structure.coords.tolist()):
        (atom, element, _), residue = structure.atoms[number], structure.residues[structure.residue_of_atom[number]]
        lines.append(
            f"ATOM  {number:5} {' ' + atom:<4} {residue['resn']:>3} A{int(residue['resi']):4}    "
            f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {element:>2}"
        )
    return "\n".join([*lines, "END", ""])


def test_fragments_take_it_too(survey):
    for seed in range(4):
        Path(f"{seed}.pdb").write_text(pdb_of(structure_of(12, 50 + seed)))
    fragments = read_fragments([f"{seed}.pdb" for seed in range(4)], 6, hold=0)
    given = {**FAST, "hold": 0, "samples": 0}
    result = run_fragment_train(fragments, TrainParameters(**given, data="s.parquet", network="a.npz"))
    run_fragment_train(fragments, TrainParameters(**given, data=survey, network="b.npz"))
    (one, weights), (two, typed) = weights_of("a.npz"), weights_of("b.npz")
    assert weights == typed
    assert one.data.levels == two.data.levels == given_data(survey)[0] != fragments.data_levels()
    parts = zip(fragments.freedom, one.data.levels)
    assert one.settings.law.sigma_data == pytest.approx(math.sqrt(sum(free * own for free, own in parts)))
    assert " (of 5 structures in s.parquet)\n" in result.report()


def foreign():
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"path": ["a"], "s_total": [1.0]}), "bad.parquet")


def damaged():
    data = Path("s.parquet").read_bytes()
    Path("bad.parquet").write_bytes(data[: len(data) // 2] + data[len(data) // 2 + 9 :])


BAD = {
    "missing": (lambda: None, "cannot read bad.parquet: No such file or directory"),
    "text": (lambda: Path("bad.parquet").write_text("1:8:1.5\n"), "bad.parquet is no survey: "),
    "empty": (lambda: Path("bad.parquet").touch(), "bad.parquet is no survey: "),
    "folder": (lambda: os.mkdir("bad.parquet"), "cannot read bad.parquet: it is not a regular file"),
    "foreign": (foreign, "bad.parquet is no survey: it has no settings of one"),
    "damaged": (damaged, "bad.parquet is no survey: "),
    "nothing read": (lambda: write("bad.parquet", ()), "no structure of bad.parquet was read, of 1"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_survey_is_a_line_before_any_work(kind, ensemble, capsys, monkeypatch):
    make, message = BAD[kind]
    make()
    Path("m.pdb").write_text(pdb_of(ensemble[0]))
    before = sorted(os.listdir())
    for call in (
        lambda: check_data("bad.parquet"),
        lambda: check_run(TrainParameters(data="bad.parquet"), "m"),
        lambda: run_train(*ensemble, TrainParameters(data="bad.parquet", **FAST)),
    ):
        with pytest.raises(PomodoroError) as caught:
            call()
        assert str(caught.value).startswith(message)
        assert "\n" not in str(caught.value)

    def work(*_, **__):
        raise AssertionError("it was read")

    monkeypatch.setattr("pomodoro_pymol.io.read.read_ensemble", work)
    monkeypatch.setattr("pomodoro_pymol.experiments.train_files.read_ensemble", work)
    for command in ("signal", "train"):
        assert main([command, "m.pdb", "--data", "bad.parquet"]) != 0
        printed = capsys.readouterr()
        assert message in printed.err
        assert len(printed.err.splitlines()) == 1
    assert sorted(os.listdir()) == before


def test_data_are_not_written_over():
    for given in ({"csv": "s.parquet"}, {"network": "./s.parquet"}):
        with pytest.raises(PomodoroError):
            check_run(TrainParameters(data="s.parquet", **given), "m")
    with pytest.raises(PomodoroError, match="it is what is read, and would be lost"):
        check_data("s.parquet", "s.parquet")
    check_data("1:2:3", "s.parquet")


@pytest.mark.parametrize("text", ["1:2", "1:0:2", "1:-1:2", "1:nan:2", "1:1e200:1", "1e-200:1:1", "s.parquet:1:1"])
def test_numbers_that_are_none(text):
    with pytest.raises(PomodoroError, match="data must be"):
        given_data(text)


def test_without_pyarrow_the_way_to_get_it_is_told(monkeypatch, capsys, ensemble):
    Path("m.pdb").write_text(pdb_of(ensemble[0]))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert main(["signal", "m.pdb", "--data", "s.parquet"]) != 0
    printed = capsys.readouterr().err
    assert "pyarrow" in printed
    assert "pip install" in printed
    assert len(printed.splitlines()) == 1


def test_measured_is_as_before(ensemble):
    structure, states = ensemble
    hierarchy = Hierarchy.from_structure(structure)
    assert measure_data(states, hierarchy)[1] == "measured over 6 states"
