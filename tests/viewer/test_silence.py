"""Nothing is printed but what we print, and PyMOL's own feedback is as it was."""

import pytest

SCRIPT = """
import pymol2
from pomodoro_pymol import commands
with pymol2.PyMOL() as instance:
    cmd = instance.cmd
    commands.register(cmd)
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), quiet=1)
    cmd.do("pomnoise z=0 wc=3 wr=8")
    cmd.do("pomcolor metric=relative")
"""


def masks(cmd):
    """Return the feedback mask of every module, of C and of Python."""
    names = [name for name in dir(cmd.fb_module) if not name.startswith("_") and name != "all"]
    kinds = [name for name in dir(cmd.fb_mask) if not name.startswith("_")]
    return {
        (name, kind): bool(cmd._feedback(getattr(cmd.fb_module, name), getattr(cmd.fb_mask, kind)))
        for name in names
        for kind in kinds
    }


def test_no_reader_chatter(run_python):
    done = run_python("-c", SCRIPT)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if not line.startswith("PyMOL>")]
    assert lines[0].startswith(" pomnoise: 1hpv -> 1hpv_noise")
    assert not any("plugin)" in line.lower() or "objectmolecule" in line.lower() for line in lines)
    # Our own lines are indented.
    assert all(line.startswith(" ") for line in lines)


@pytest.mark.parametrize("line", ["pomnoise frames=2", "pomnoise chain Q", "pomnoise chain A and )", "pomcolor"])
def test_feedback_is_kept(hpv, typed, line):
    typed(hpv, "pomnoise frames=1")
    hpv.feedback("disable", "matrix", "details")
    hpv.feedback("enable", "executive", "debugging")
    hpv.feedback("disable", "cmd", "results")
    before = masks(hpv)
    typed(hpv, line)
    assert masks(hpv) == before


def test_feedback_is_kept_when_the_run_fails(hpv, typed, monkeypatch):
    from pomodoro_pymol.viewer import states

    before = masks(hpv)
    monkeypatch.setattr(states.StateWriter, "_count", lambda self: 0)
    assert "did not take" in typed(hpv, "pomnoise frames=2")
    assert masks(hpv) == before


def test_standard_output_is_given_back(hpv, typed, capfd):
    import os

    typed(hpv, "pomnoise frames=2")
    capfd.readouterr()
    os.write(1, b"still here\n")
    assert capfd.readouterr().out == "still here\n"


def test_no_file_descriptor_leaks(hpv, typed):
    import os

    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        pytest.skip("this system has no /proc/self/fd to count")
    typed(hpv, "pomnoise frames=2")
    before = len(os.listdir(folder))
    for _ in range(3):
        typed(hpv, "pomnoise frames=2")
    assert len(os.listdir(folder)) == before
