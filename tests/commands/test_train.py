"""pomtrain in real PyMOL, and its files as the network of pomdenoise and pomsample: 24 atoms, three steps."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from pomodoro_pymol import Hierarchy, LevelWeights, NetworkDenoiser, PomodoroError, TrainedNetwork, load_training

FAST = "steps=3, width=8, batch=2, seeds=1, samples=2, z=0"
LINE = f"pomtrain m, presets=flat+ms, {FAST}"


@pytest.fixture
def refused(refused, six, tmp_path):
    """A function that types a line that is refused in one line and leaves session and files as they were."""

    def files():
        return {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}

    def refuse(line, message):
        held = files()
        refused(six, line, message)
        assert files() == held

    return refuse


def test_it_tells_writes_and_leaves_the_session(six, typed, session, differences, tmp_path):
    before = session(six)
    printed = typed(six, f"{LINE}, csv=t.csv, figure=t.svg, network=n.npz")
    assert differences(before, session(six)) == []
    lines = [line for line in printed.splitlines() if " steps, " not in line]  # where it takes seconds, how far it is
    assert lines[0] == " pomtrain: m -> n.npz"
    assert lines[1].startswith(" 5 structures to train on, 1 held out; fixed pose; sigma = ")
    assert re.match(r" 4 networks of \d+ weights, width 8, 2 layers, 4 heads; 3 steps of 2, .* on cpu$", lines[3])
    assert "common-noise matrix" in printed
    assert "\n residues' share of the loss at the start -> of what was learnt: flat global 0." in printed
    with open("t.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["scheme"] for row in rows} == {"flat", "ms"}
    assert {row["data"] for row in rows} == {"training", "held out"}
    assert sorted(os.listdir(tmp_path)) == ["n.npz", "t.csv", "t.svg"]


def test_from_python_it_is_quiet_and_returns_what_it_printed(six, capfd):
    from pomodoro_pymol.commands import pomtrain

    given = {"presets": "ms", "scaling": "levels", "steps": 3, "width": 8, "seeds": 1, "samples": 0}
    result = pomtrain("m", **given, _self=six)
    assert capfd.readouterr() == ("", "")
    assert result.path == Path("m_train.npz")
    assert [recipe.name for recipe in load_training("m_train.npz").recipes] == ["ms levels"]
    assert " 1 network of " in result.report()


def test_a_scheme_without_noise_of_atoms(six, typed, refused):
    line = f"pomtrain m, presets=1:1:0, {FAST}"
    refused(line, "scaling=levels needs noise at the atom level, where 1:1:0 has none")
    printed = typed(six, f"{line}, scaling=global")
    assert "Error" not in printed
    assert re.search(r"^ 1:1:0 global +\S+ +\S+ +\S+ +n/a +n/a$", printed, re.MULTILINE)


def test_a_scheme_without_noise_of_residues(six, typed):
    """There is no equal residue noise, and nothing is told at it."""
    printed = typed(six, f"pomtrain m, presets=1:0:0, scaling=global, {FAST}, figure=a.png")
    assert "Error" not in printed
    assert "where residues move by" not in printed
    assert re.search(r"^ 1:0:0 global +\S+:\S+:\S+$", printed, re.MULTILINE)


def test_what_cannot_be_trained_on(six, refused):
    refused(f"pomtrain m, hold=1, {FAST}", "hold=1 leaves 0 of 6 states to train on: give hold=0")
    refused(f"pomtrain m, width=10, {FAST.replace('width=8, ', '')}", "width must be a multiple of 4, not 10")
    refused(f"pomtrain m, state=7, {FAST}", "state 7 is out of range")
    six.create("alone", "m", 3, 1)
    refused("pomtrain alone", "training needs an ensemble, and there is one state")


def test_files_that_are_not_ours_are_not_lost(six, typed, refused):
    Path("text.npz").write_text("mine")
    np.savez("other.npz", coords=np.zeros(3))
    Path("folder.npz").mkdir()
    for name in ("text", "other"):
        refused(f"{LINE}, network={name}.npz", f"cannot write {name}.npz: it is no file of pomtrain, and would be lost")
        refused(f"{LINE}, network={name}.npz, resume=1", f"{name}.npz is no file of pomtrain")
    refused(f"{LINE}, network=folder.npz", "cannot write folder.npz: it is a folder")
    refused(f"{LINE}, network=a.npz, csv=folder.npz/../a.npz", "another output goes there")
    assert "Error" not in typed(six, LINE)
    Path("link.csv").symlink_to("m_train.npz")
    refused(f"{LINE}, csv=link.csv", "another output goes there")
    assert "Error" not in typed(six, LINE)  # its own it replaces


def test_more_than_memory_is_refused_before_work(six, refused, monkeypatch):
    from pomodoro_pymol.utils import memory

    monkeypatch.setattr(memory, "available", lambda: 1 << 24)
    refused(
        f"pomtrain m, {FAST.replace('width=8', 'width=1024')}",
        "training of 8 networks needs about",
    )


# Going on.

CHANGES = {
    "steps=4": "steps was 3, and is 4",
    "width=16": "width was 8, and is 16",
    "layers=1": "layers was 2, and is 1",
    "batch=3": "batch was 2, and is 3",
    "rate=0.1": "rate was 0.01, and is 0.1",
    "hold=0": "hold was 6, and is 0",
    "pose=random": "pose was fixed, and is random",
    "sigma_data=3": "sigma_data was ",
    "p_mean=-1": "p_mean was -1.2, and is -1",
    "presets=flat": "presets was flat+ms, and is flat",
    "presets=flat+rb": "presets was flat+ms, and is flat+rb",
    "scaling=global": "scaling was global+levels, and is global",
    "seed=5": "seeds was 0, and is 5",
    "seeds=2": "seeds was 0, and is 0+1",
}


def changed(line, words):
    name = words.partition("=")[0]
    return re.sub(rf", {name}=[^,]*", "", line) + f", {words}"


def test_another_run_is_not_gone_on_with(six, typed, refused):
    assert "Error" not in typed(six, LINE)
    for words, message in CHANGES.items():
        refused(f"{changed(LINE, words)}, resume=1", f"m_train.npz cannot be resumed: {message}")
    refused(
        f"{LINE.replace(' m,', ' m and resi 2-6,')}, resume=1", "cannot be resumed: it was of other atoms; give all"
    )
    six.alter("m and resi 3 and name O", "name = 'OX'")
    refused(f"{LINE}, resume=1", "cannot be resumed: it was of other atoms")
    six.alter("m and resi 3 and name OX", "name = 'O'")
    six.alter_state(2, "m and resi 3", "x = x + 1")
    refused(f"{LINE}, resume=1", "cannot be resumed: it was of other coordinates")
    six.alter_state(2, "m and resi 3", "x = x - 1")
    assert "3 steps of 2, none of them now" in typed(six, f"{LINE}, resume=1")


class Stop(Exception):
    """Raised in the middle of a run."""


def stop_at(last):
    def tell(done, total, record):
        if done == last:
            raise Stop

    return tell


def test_what_is_stopped_goes_on_as_if_it_had_not_been(six, typed):
    from pomodoro_pymol.jobs.train import TrainRun
    from pomodoro_pymol.parameters.catalogue import TrainParameters
    from pomodoro_pymol.viewer import reading

    line = changed(LINE, "steps=250")  # with points of the curves at every second
    assert "Error" not in typed(six, f"{line}, network=whole.npz")
    run = TrainRun(TrainParameters.from_text(line), _self=six)
    data = reading.take_all(run.prepare())
    with pytest.raises(Stop):
        run.work(data, stop_at(0))
    assert not run.path.exists()
    with pytest.raises(Stop):
        run.work(data, stop_at(101))
    assert load_training(run.path).step == 101
    printed = typed(six, f"pomsample m, preset=ms, network={run.path}, sampler=edm, steps=3")
    assert "trained on ms for 101 of 250 steps, seed 0" in printed
    assert "Error" not in typed(six, f"{line}, resume=1")
    one, other = load_training("whole.npz"), load_training(run.path)
    assert one.curve == other.curve
    for kind, values in one.arrays.items():
        assert all(torch.equal(value, other.arrays[kind][name]) for name, value in values.items())
    assert Path("whole.npz").read_bytes() == run.path.read_bytes()


START = """
import sys
import pymol2
from pomodoro_pymol import commands
from pomodoro_pymol.experiments import training_run

training_run._SAVED_EVERY = float(sys.argv[1])
with pymol2.PyMOL() as instance:
    cmd = instance.cmd
    commands.register(cmd)
    cmd.load("m.pdb", "m", quiet=1)
    tell = commands.train._Progress.__call__

    def ready(*given):
        tell(*given)
        if given[1] > 2:
            print("READY", flush=True)

    commands.train._Progress.__call__ = ready
    cmd.do("pomtrain m, presets=flat+ms, steps=100000, width=8, batch=2, seeds=1, samples=0")
    print(cmd.get_names("all"))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_a_signal_leaves_what_is_trained(six, typed, tmp_path, sent):
    six.save("m.pdb", "m", 0)
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    every = "1000" if sent == signal.SIGINT else "0"
    process = subprocess.Popen(
        [sys.executable, "-c", START, every],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        while not process.stdout.readline().startswith("READY"):
            assert process.poll() is None
        while sent == signal.SIGKILL and not Path("m_train.npz").exists():
            time.sleep(0.01)
        process.send_signal(sent)
        printed = process.communicate(timeout=60)[0].replace("READY\n", "")
    finally:
        process.kill()
    if sent == signal.SIGINT:
        assert " pomtrain: what is trained is in m_train.npz: resume=1 goes on with it\n" in printed
        assert [path.name for path in tmp_path.glob(".*")] == []
    found = load_training("m_train.npz")
    assert 0 < found.step < 100_000
    six.delete("m")
    six.load("m.pdb", "m")
    message = "m_train.npz cannot be resumed: steps was 100000, and is 3"
    assert message in typed(six, f"{changed(LINE, 'samples=0')}, resume=1")
    assert "Error" not in typed(six, LINE)
    assert list(tmp_path.glob(".part-*")) == []


def test_a_full_disk(six, typed, session, differences, mount, fill):
    folder = mount("1m")
    line = f"{LINE}, network={folder}/it.npz"
    assert "Error" not in typed(six, line)
    held = (folder / "it.npz").read_bytes()
    fill(folder)
    before = session(six)
    assert typed(six, line) == f" Error: cannot write {folder}/it.npz: No space left on device"
    assert differences(before, session(six)) == []
    assert (folder / "it.npz").read_bytes() == held
    assert {path.name for path in folder.iterdir()} == {"full", "it.npz"}


# Its file as the network of pomdenoise and pomsample.


@pytest.fixture
def trained(six, typed):
    """The same, with networks of ms and 1:3:2, global and levels, of two seeds, trained a little, fixed and turned."""
    for pose in ("fixed", "random"):
        line = f"pomtrain m, presets=ms+1:3:2, steps=20, rate=0.1, width=8, seeds=2, samples=0, z=0, pose={pose}"
        assert "Error" not in typed(six, f"{line}, network={pose}.npz")
    return six


def structure_of(cmd):
    from pomodoro_pymol.viewer import reading

    return reading.read_structure("m", _self=cmd)


@pytest.mark.parametrize("scaling", ["global", "levels"])
def test_frames_are_denoised_by_the_network_of_their_scheme(trained, typed, coords, scaling):
    noised = "pomnoise m, wc=2, wr=6, wa=4, sigma=2, frames=4"
    typed(trained, noised)
    printed = typed(trained, f"pomdenoise network=fixed.npz, scaling={scaling}")
    found = load_training("fixed.npz")
    number = 4 + 2 * (scaling == "levels")
    assert (found.recipes[number].name, found.recipes[number].seed) == (f"1:3:2 {scaling}", 0)
    sigma_data = found.settings.law.sigma_data
    assert (
        f"network fixed.npz, trained on 1:3:2 for 20 steps, seed 0, preconditioning {scaling}, "
        f"sigma_data {sigma_data:.4g} A per coordinate, fixed pose" in printed
    )
    hierarchy = Hierarchy.from_structure(structure_of(trained))
    denoise = NetworkDenoiser(
        TrainedNetwork(found.network(number), hierarchy),
        hierarchy,
        LevelWeights(1, 3, 2),
        variant=scaling,
        data=found.data.levels,
        sigma_data=sigma_data,
    )
    mean = np.stack([coords(trained, "m", state) for state in range(1, 7)]).mean((0, 1))
    for state in range(2, 6):
        x = torch.from_numpy(coords(trained, "m_noise", state) - mean)
        wanted = denoise(x[None], 2.0).atoms[0].numpy() + mean
        np.testing.assert_allclose(coords(trained, "m_noise_denoised", state), wanted, atol=2e-4)


def test_samples_are_of_the_network(trained, typed, coords):
    line = "pomsample m, preset=ms, sampler=edm, steps=6, samples=2, show=final"
    printed = typed(trained, f"{line}, network=fixed.npz, scaling=levels")
    assert "network fixed.npz, trained on ms for 20 steps, seed 0, preconditioning levels" in printed
    assert trained.count_states("m_sample") == 2
    ends = coords(trained, "m_sample", 1)
    assert "trained on ms" in typed(trained, f"{line}, network=random.npz, center=1, name=other")
    assert np.abs(ends - coords(trained, "other", 1)).max() > 0.1
    assert "Error" not in typed(
        trained, "pomsample m, preset=ms, sampler=af3, steps=4, network=random.npz, name=turned"
    )


def test_networks_that_do_not_go_with_it(trained, typed, refused):
    typed(trained, "pomnoise m, preset=ms, frames=2")
    sample = "pomsample m, preset=ms, steps=3, network=fixed.npz"
    pose = "fixed.npz was trained in a fixed pose, and would see others: give"
    rb, part = sample.replace("=ms", "=rb"), sample.replace(" m,", " m and resi 2-6,")
    for line, message in {
        f"{sample}, sampler=af3": f"{pose} sampler=edm, or center=0 and augment=0",
        "pomdenoise network=fixed.npz, pose=exact": f"{pose} pose=fixed",
        f"{sample}, sampler=edm, sigma_data=3": "fixed.npz says what its sigma_data is: leave sigma_data out",
        f"{sample}, sampler=edm, convention=edm": "fixed.npz was trained under the convention af3: leave convention",
        f"{rb}, sampler=edm": "fixed.npz has no network that was trained on noise of the shares 0.111:0.444:0.444: it "
        "has ms global, ms levels, 1:3:2 global, 1:3:2 levels",
        f"{part}, sampler=edm": "fixed.npz was trained on 24 atoms in 6 residues of m, and here are 20 atoms",
        "pomsample m, network=fixed.npz, denoiser=ideal": "give denoiser or network, not both",
    }.items():
        refused(line, message)
    trained.alter("m and resi 3 and name O", "name = 'OX'")
    refused(f"{sample}, sampler=edm", "and here are as many, with other names or residues, or in another order")
    data = Path("fixed.npz").read_bytes()
    Path("cut.npz").write_bytes(data[:-100])
    refused("pomsample m, network=cut.npz", "cut.npz")
    Path("bent.npz").write_bytes(data.replace(b"pomodoro training 1", b"pomodoro training 9"))
    refused("pomsample m, network=bent.npz", "bent.npz is damaged: ")


def test_an_export_says_the_same(six, typed):
    from pomodoro_pymol import load_network

    line = f"pomtrain m, presets=ms, scaling=levels, {changed(FAST, 'steps=20')}, rate=0.1, export=out.pt2"
    assert "Error" not in typed(six, line)
    found = load_training("m_train.npz")
    here = TrainedNetwork(found.network(0), Hierarchy.from_structure(structure_of(six)))
    there = load_network("out.pt2")
    x, c_noise = torch.randn(3, 24, 3), torch.randn(3, 3)
    for one, other in zip(here(x, c_noise), there(x, c_noise)):
        torch.testing.assert_close(one, other)


def test_a_training_runs_in_python_without_pymol(six, tmp_path):
    from pomodoro_pymol import TrainParameters, run_train

    structure = structure_of(six)
    states = np.stack([structure.coords + 0.1 * number for number in range(3)]).astype("f4")
    with pytest.raises(PomodoroError, match="training needs an ensemble, and there is one state"):
        run_train(structure, states[:1], TrainParameters(network="py.npz"))
    assert not (tmp_path / "py.npz").exists()
