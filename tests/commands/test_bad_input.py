"""Bad input is refused in one clear line, before anything in the session has changed."""

import re
import time

import bad_input
import numpy as np
import pymol2
import pytest
from pymol import CmdException

from pomodoro_pymol import commands

GIB = 2**30


class Bench:
    """A PyMOL that many refusals leave as it was: a structure, an empty selection, names that are taken."""

    def __init__(self) -> None:
        self.instance = pymol2.PyMOL()
        self.instance.start()
        self.cmd = cmd = self.instance.cmd
        commands.register(cmd)
        bad_input.prepare(cmd)
        self.session = None


@pytest.fixture(scope="module")
def bench():
    bench = Bench()
    yield bench
    bench.instance.stop()


@pytest.fixture
def unchanged(bench, session, differences, monkeypatch, tmp_path):
    """The PyMOL in which a case is refused; afterwards its whole session is compared, and no file is there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = bench.session or session(bench.cmd)
    yield bench.cmd
    bench.session = session(bench.cmd)
    assert differences(before, bench.session) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("line", "says"), bad_input.cases("typed"))
def test_typed(unchanged, typed, line, says):
    (printed,) = typed(unchanged, line).splitlines()
    assert printed.startswith(" Error: ")
    assert says in printed


@pytest.mark.parametrize(("call", "says"), bad_input.cases("python"))
def test_from_python(unchanged, capfd, call, says):
    name, given = call
    with pytest.raises(CmdException) as caught:
        getattr(commands, name)(**given, _self=unchanged)
    assert says in str(caught.value)
    assert len(str(caught.value).strip().splitlines()) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"z": np.ones((3, 3))}, "z must be a number, not array"),
        ({"z": np.float64("nan")}, "z must be finite"),
        ({"z": 1j}, "z must be a number, not 1j"),
        ({"frames": np.array([2, 3])}, "frames must be a whole number, not array"),
        ({"range": np.array([1.0, 0.0])}, "range must be low:high"),
        ({"range": {1, 2}}, "range must be low:high"),
        ({"metric": b"ratio"}, "metric must be one of"),
        ({"selection": object}, "is not valid"),
        ({"name": ("a", "b")}, "is not a legal object name"),
    ],
)
def test_values_that_only_python_has(unchanged, given, says):
    with pytest.raises(CmdException) as caught:
        commands.pomnoise(**given, _self=unchanged)
    assert says in str(caught.value)
    assert len(str(caught.value).strip().splitlines()) == 1


def test_after_all_refusals_it_works(bench, typed):
    assert "1hpv -> 1hpv_noise" in typed(bench.cmd, "pomnoise frames=1")


def test_no_structure(cmd, refused):
    refused(cmd, "pomnoise", "no structure is loaded")


def test_only_our_own_structure(hpv, typed, refused):
    typed(hpv, "pomnoise frames=1")
    hpv.delete("1hpv")
    refused(hpv, "pomnoise", "nothing but our own objects is loaded (1hpv_noise): name one, or load one first")


def test_several_structures(hpv, refused):
    hpv.fab("GG", "built")
    line = refused(hpv, "pomnoise", "2 objects match")
    assert "1hpv" in line
    assert "built" in line
    refused(hpv, "pomnoise all", "2 objects match (1hpv, built)")


def test_absent_device(hpv, refused):
    import torch

    if torch.cuda.is_available():
        pytest.skip("CUDA is present")
    refused(hpv, "pomnoise device=cuda", "device cuda is not available here")


def test_atoms_without_coordinates_in_the_state(cmd, refused, load_source):
    load_source("missing first", cmd)
    refused(cmd, "pomnoise resi 1, state=1", "no atoms with coordinates in state 1")


def test_a_topology_has_no_coordinates(cmd, refused, tmp_path):
    atoms = "".join(
        f"{i:>8} A    1    GLY  {name:<4} C    0.0       12.0           0\n" for i, name in ((1, "N"), (2, "CA"))
    )
    (tmp_path / "bad.psf").write_text(f"PSF\n\n{1:>8} !NTITLE\n REMARKS\n\n{2:>8} !NATOM\n{atoms}\n{0:>8} !NBOND\n\n")
    cmd.load(str(tmp_path / "bad.psf"), quiet=1)
    assert (cmd.count_atoms("bad"), cmd.count_states("bad")) == (2, 0)
    for line in ("pomnoise", "pomsample", "pomprecond"):
        refused(cmd, line, "bad has no atoms with coordinates")


def test_no_coordinates_at_all(cmd, refused, read_pdb):
    read_pdb(cmd, "bad")
    cmd.alter_state(1, "bad", "x = float('nan')")
    refused(cmd, "pomnoise", "bad has no atoms with coordinates in this state")


def test_more_than_memory_is_refused_before_work(cmd, refused, monkeypatch):
    from pomodoro_pymol.experiments import noise
    from pomodoro_pymol.utils import memory

    cmd.load(cmd.exp_path("$PYMOL_DATA/demo/1tii.pdb"), "1tii", quiet=1)
    monkeypatch.setattr(memory, "available", lambda: 2 * GIB)
    monkeypatch.setattr(noise, "run_noise", None)
    start = time.monotonic()
    line = refused(cmd, "pomnoise polymer frames=1000000", "2.0 GiB are free")
    assert time.monotonic() - start < 5
    assert re.search(r"1000000 frames of \d+ atoms needs about \d+\.\d GiB", line)


def test_few_frames_fit_where_many_do_not(hpv, typed, monkeypatch):
    from pomodoro_pymol.utils import memory

    monkeypatch.setattr(memory, "available", lambda: GIB)
    assert "Error" not in typed(hpv, "pomnoise frames=2")


@pytest.fixture
def during(monkeypatch):
    """A function that does something in PyMOL before the second block of a run is written."""
    from pomodoro_pymol.noise import stream
    from pomodoro_pymol.viewer import states

    def hook(action):
        write = states.StateWriter.write
        blocks = []

        def write_and_act(writer, frames):
            blocks.append(len(frames))
            if len(blocks) == 2:
                action(writer)
            write(writer, frames)

        monkeypatch.setattr(states.StateWriter, "write", write_and_act)
        monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * 1600 * 3)

    return hook


def test_output_deleted_during_the_run(hpv, refused, during):
    during(lambda writer: hpv.delete(writer.name))
    refused(hpv, "pomnoise frames=9", "changed or deleted during the run")


def test_output_edited_during_the_run(hpv, refused, during):
    during(lambda writer: hpv.remove(f"%{writer.name} and chain A"))
    refused(hpv, "pomnoise frames=9", "changed or deleted during the run")


def test_source_deleted_during_the_run_does_not_matter(hpv, typed, during, snapshot):
    typed(hpv, "pomnoise 1hpv frames=9 name=whole")
    during(lambda writer: hpv.delete("1hpv"))
    assert "Error" not in typed(hpv, "pomnoise 1hpv frames=9")
    assert "1hpv" not in hpv.get_names()
    assert snapshot(hpv, "1hpv_noise") == snapshot(hpv, "whole")


def test_interrupted_run_leaves_nothing(hpv, during, session, differences):
    from pomodoro_pymol.commands import pomnoise

    def interrupt(_):
        raise KeyboardInterrupt

    before = session(hpv)
    during(interrupt)
    with pytest.raises(KeyboardInterrupt):
        pomnoise(frames=9, _self=hpv)
    assert differences(before, session(hpv)) == []


def test_a_failed_run_keeps_the_former_output(hpv, typed, refused, during):
    typed(hpv, "pomnoise frames=2")
    during(lambda writer: hpv.delete(writer.name))
    refused(hpv, "pomnoise frames=9", "changed or deleted")
    assert hpv.count_states("1hpv_noise") == 3


def test_no_temporary_files_are_left(hpv, typed, during, monkeypatch, tmp_path):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    typed(hpv, "pomnoise frames=2")
    during(lambda writer: hpv.delete(writer.name))
    typed(hpv, "pomnoise frames=9")
    assert list(tmp_path.glob("pomodoro-*")) == []
