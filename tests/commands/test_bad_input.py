"""Bad input is refused in one clear line, before anything in the session has changed."""

import re
import time

import pytest

GIB = 2**30

BAD = {
    # what is typed after the command: what the line must say
    "nosuch": "selection 'nosuch' is not valid",
    "resi 5000": "selection 'resi 5000' has no atoms",
    "chain A and )": "is not valid",
    "all within": "is not valid",
    "site": "selection 'site' has no atoms",
    "zz=3": "unknown parameter 'zz' of pomnoise; did you mean z?",
    "1hpv, frame=3": "unknown parameter 'frame' of pomnoise; did you mean frames?",
    "z=0 frmaes=3 wc=1": "unknown parameter 'frmaes' of pomnoise; did you mean frames?",
    "z=high": "z must be a number, not 'high'",
    "z=1 2": "z must be a number",
    "frames=2.5": "frames must be a whole number",
    "seed=-1": "seed must be between",
    "seed=x": "seed must be a whole number",
    "z=nan": "z must be finite",
    "z=inf": "z must be finite",
    "z=50": "z must be between -6 and 6",
    "sigma=nan": "sigma must be finite",
    "sigma=0": "sigma must be between",
    "sigma=-1": "sigma must be between",
    "sigma=1e9": "sigma must be between",
    "wc=0 wr=0 wa=0": "all weights are zero",
    "wr=-1": "wr must be between",
    "wa=nan": "wa must be finite",
    "preset=ms wc=3": "give wc or preset, not both",
    "preset=ms wc=2": "give wc or preset, not both",
    "preset=best": "preset must be one of flat, ms, rb, 3-8-1, 2-6-2",
    "z=0 sigma=4": "give z or sigma, not both",
    "z=1 z=2": "z is given twice",
    "frames=0": "frames must be between",
    "frames=10000000": "frames must be between",
    "state=2": "state 2 is out of range: 1hpv has states 1 to 1",
    "state=0": "state",
    "state=-2": "state must be between",
    "metric=rato": "did you mean ratio?",
    "palette=rainbow": "palette must be one of",
    "device=gpu": "device must be one of auto, cuda, mps, cpu",
    "name=1hpv": "the source itself",
    "name=ligand_view": "ligand_view exists and was not made by pomnoise",
    "name=chosen": "chosen exists and was not made by pomnoise",
    "name=a/b": "not a legal object name",
    "name=my noise": "not a legal object name",
    "name=all": "not a legal object name",
    "name=chain": "not a legal object name",
    "name=same": "same",
    "quiet=maybe": "quiet",
    "1hpv, 0, 3, 8, 1, , , 20, 0, -1, new, ratio, viridis, cpu, 0, 5, 6": "by position",
}


@pytest.fixture
def scene(hpv):
    """1hpv, of which one selection is empty, and an object and a selection whose names are taken."""
    hpv.pseudoatom("ligand_view", pos=[1, 2, 3])
    hpv.delete("ligand_view")
    hpv.load_cgo([], "ligand_view")
    hpv.select("site", "none")
    hpv.select("chosen", "1hpv and chain A")
    return hpv


@pytest.fixture
def refused(typed, session, differences):
    """A function that types a line and checks that it is refused in one line and changes nothing."""

    def check(cmd, line, message=""):
        before = session(cmd)
        printed = typed(cmd, line)
        assert "Traceback" not in printed
        lines = printed.splitlines()
        assert len(lines) == 1, printed
        assert lines[0].startswith(" Error: "), printed
        assert message in lines[0]
        assert differences(before, session(cmd)) == []
        return lines[0]

    return check


@pytest.mark.parametrize("words", BAD)
def test_refused(scene, refused, words):
    refused(scene, f"pomnoise {words}", BAD[words])


@pytest.mark.parametrize(
    "given", [{"z": "high"}, {"z": float("nan")}, {"frames": 2.5}, {"preset": 3}, {"zz": 1}, {"z": [1]}]
)
def test_refused_from_python(scene, given):
    from pymol import CmdException

    from pomodoro_pymol.commands import pomnoise

    with pytest.raises(CmdException) as error:
        pomnoise(**given, _self=scene)
    assert "\n" not in str(error.value).strip()


def test_no_structure(cmd, refused):
    refused(cmd, "pomnoise", "no structure is loaded")


def test_only_our_own_structure(hpv, typed, refused):
    typed(hpv, "pomnoise frames=1")
    hpv.delete("1hpv")
    refused(hpv, "pomnoise", "no structure is loaded")


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


def test_coordinates_that_are_not_numbers(cmd, refused, read_pdb):
    read_pdb(cmd, "bad")
    cmd.alter_state(1, "bad and index 3", "x = float('nan')")
    refused(cmd, "pomnoise", "not finite")


def test_more_than_memory_is_refused_before_work(cmd, refused, monkeypatch):
    from pomodoro_pymol import lab, memory

    cmd.load(cmd.exp_path("$PYMOL_DATA/demo/1tii.pdb"), "1tii", quiet=1)
    monkeypatch.setattr(memory, "available", lambda: 2 * GIB)
    monkeypatch.setattr(lab, "run_noise", None)
    start = time.monotonic()
    line = refused(cmd, "pomnoise polymer frames=1000000", "2.0 GiB are free")
    assert time.monotonic() - start < 5
    assert re.search(r"1000000 frames of \d+ atoms needs about \d+\.\d GiB", line)


def test_few_frames_fit_where_many_do_not(hpv, typed, monkeypatch):
    from pomodoro_pymol import memory

    monkeypatch.setattr(memory, "available", lambda: GIB)
    assert "Error" not in typed(hpv, "pomnoise frames=2")


@pytest.fixture
def during(monkeypatch):
    """A function that does something in PyMOL before the second block of a run is written."""
    from pomodoro_pymol import noise, viewer

    def hook(action):
        write = viewer.StateWriter.write
        blocks = []

        def write_and_act(writer, frames):
            blocks.append(len(frames))
            if len(blocks) == 2:
                action(writer)
            write(writer, frames)

        monkeypatch.setattr(viewer.StateWriter, "write", write_and_act)
        monkeypatch.setattr(noise, "_BLOCK_BYTES", 12 * 1600 * 3)

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
