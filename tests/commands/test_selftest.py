"""pomcheck test=1: every step passes here, can fail, and leaves the session as it was."""

import re
import tempfile

import numpy as np
import pytest
from pymol import CmdException

from pomodoro_pymol import commands
from pomodoro_pymol.experiments import frame_files
from pomodoro_pymol.experiments.live import LiveDraw
from pomodoro_pymol.io import js
from pomodoro_pymol.jobs import trials
from pomodoro_pymol.viewer import about, publishing, stage

STEPS = ["reads", "noise", "colours", "ray", "window", "session", "files", "live", "devices", "panel", "as before"]


@pytest.fixture
def outcomes(monkeypatch, tmp_path):
    """A function that runs the self-test and returns the outcome of each step, all findings, and the error."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def run(cmd, capfd):
        error = ""
        try:
            commands.pomcheck(test=1, quiet=0, _self=cmd)
        except CmdException as raised:
            error = str(raised).strip()
        printed = capfd.readouterr().out
        assert printed.isascii()
        found = dict(re.findall(r"^ (.{15}) (.*)$", printed, re.MULTILINE))
        found = {name.rstrip(): text for name, text in found.items()}
        assert list(tmp_path.iterdir()) == []
        steps = {name[5:]: text for name, text in found.items() if name.startswith("test ")}
        assert list(steps) == STEPS
        assert all(re.search(r" \(\d+ ms\)$", text) for text in steps.values())
        return {name: text.partition(":")[0] for name, text in steps.items()}, found, error

    return run


PASSED = {step: "not tried" if step in ("window", "panel") else "ok" for step in STEPS}


def test_every_step_passes(hpv, outcomes, capfd):
    found, text, error = outcomes(hpv, capfd)
    assert found == PASSED
    assert error == ""
    assert text["test reads"].startswith("ok: 61 atoms, 13 residues, 3 chains, not in PyMOL's order")
    assert text["test window"].startswith("not tried: no window")
    assert ".pdb (by PyMOL too), .cif (by PyMOL too), .dcd (bit for bit), .npz" in text["test files"]
    assert re.fullmatch(r"9 of 9 passed, 2 not tried in [\d.]+ s", text["self-test"])
    assert {"PyMOL", "PyMOL build", "system", "devices", "window", "OpenGL", "NumPy in PyMOL"} <= set(text)
    assert text["devices"].endswith("cpu")


def test_from_python_it_prints_nothing_and_returns_what_it_would(hpv, capfd):
    found = commands.pomcheck(test=1, _self=hpv)
    assert capfd.readouterr() == ("", "")
    assert [what for what in found if what.startswith("test ")] == [f"test {step}" for step in STEPS]
    assert found["self-test"].startswith("9 of 9 passed")


def crowd(cmd, load_source):
    """Fill a session with all sorts of things, some of which are called as the test would call its own."""
    load_source("scene", cmd)
    cmd.do("pomnoise 1hpv, frames=3")
    for name in ("pomodoro_test01", "pomodoro_noise01", "pomodoro_noise02_key"):
        cmd.fab("AG", name)
    cmd.group("both", "other pomodoro_test01")
    cmd.disable("both")
    cmd.mset("1 -4")
    cmd.mview("store", 1)
    cmd.frame(3)
    cmd.scene("two", "store", "a message")
    for setting, value in {
        "grid_mode": 1,
        "all_states": 1,
        "sphere_scale": 0.01,
        "sphere_transparency": 0.9,
        "retain_order": 1,
        "orthoscopic": 1,
        "field_of_view": 33,
        "defer_builds_mode": 3,
        "auto_dss": 0,
        "matrix_mode": 1,
        "state": 2,
    }.items():
        cmd.set(setting, value)
    cmd.bg_color("white")
    cmd.clip("near", -3)


def test_a_crowded_session_is_as_before(cmd, load_source, outcomes, capfd, session, differences):
    crowd(cmd, load_source)
    cmd.refresh()  # which drops the members of hidden groups from the scene
    before = session(cmd)
    capfd.readouterr()
    found, text, error = outcomes(cmd, capfd)
    assert found == PASSED, (text, error)
    cmd.refresh()
    after = session(cmd)
    for each in (before, after):
        each["unique_settings"].sort()  # which are known by their numbers
    assert differences(before, after) == []


def test_hidden_groups_are_shown_as_before(new_instance, tmp_path):
    """PyMOL without a window takes into a picture what it did not drop, and nothing that set_vis dropped."""

    def seen(tested):
        cmd = new_instance()
        for name, sequence in {"one": "AAAA", "two": "GG", "free": "GGG"}.items():
            cmd.fab(sequence, name)
        cmd.disable("two")
        cmd.group("both", "one two")
        cmd.disable("both")
        cmd.zoom("one")
        if tested:
            commands.pomcheck(test=1, _self=cmd)
        pictures = [stage.picture(tmp_path, (80, 60), _self=cmd)]
        for shown in ("both", "two"):
            cmd.enable(shown)
            pictures.append(stage.picture(tmp_path, (80, 60), _self=cmd))
        return [(picture > 12).sum() for picture in pictures]

    wanted = seen(False)
    assert wanted == sorted(set(wanted))
    assert seen(True) == wanted


def test_an_empty_session_is_as_before(cmd, outcomes, capfd, session, differences):
    before = session(cmd)
    assert outcomes(cmd, capfd)[0] == PASSED
    assert differences(before, session(cmd)) == []


def _shifted(call):
    """Return a function that is given an atom elsewhere."""

    def wrapped(path, frames, *rest, **named):
        moved = np.stack([*frames]).squeeze(1)
        moved[-1, -1, 0] += 0.01
        return call(path, moved, *rest, **named)

    return wrapped


def _filled_elsewhere(write):
    """Return a writer of frames that fills an atom of the last one elsewhere."""

    def wrapped(file, n_frames, fill):
        def elsewhere(frame, out):
            fill(frame, out)
            out[-1, 0] += 0.01 * (frame == n_frames - 1)

        return write(file, n_frames, elsewhere)

    return wrapped


def _read_elsewhere(monkeypatch):
    read = trials.read_structure

    def elsewhere(path):
        structure = read(path)
        structure.coords[7, 1] += 0.001
        return structure

    monkeypatch.setattr(trials, "read_structure", elsewhere)


def _one_wrong_color(monkeypatch):
    paint = publishing.paint_steps

    def wrong(name, colors, values, piece=0, *, _self):
        return paint(name, [*colors[:-1], colors[-1] ^ 1], values, piece, _self=_self)

    monkeypatch.setattr(publishing, "paint_steps", wrong)


def _never_drawn_anew(monkeypatch):
    """Let every picture be the first of its kind: what is drawn stays what was drawn."""
    picture = stage.picture
    monkeypatch.setattr(
        stage, "picture", lambda folder, size, *, _self: np.zeros_like(picture(folder, size, _self=_self))
    )


def _fill_elsewhere(monkeypatch):
    fill = LiveDraw.fill

    def elsewhere(self, unit, frame, sigma, out):
        fill(self, unit, frame, sigma, out)
        out[0, 0] = np.nextafter(out[0, 0], np.float32(np.inf))

    monkeypatch.setattr(LiveDraw, "fill", elsewhere)


def _live_not_drawn(monkeypatch):
    """Let the last picture, which is of what Live wrote, be the one before it, of the same state."""
    picture, seen = stage.picture, []

    def stale(folder, size, *, _self):
        seen.append(picture(folder, size, _self=_self))
        return seen[-2] if len(seen) == 9 else seen[-1]

    monkeypatch.setattr(stage, "picture", stale)


def _leave_behind(monkeypatch):
    def leave(trial):
        trial.cmd.set("sphere_scale", 0.5)
        return "done"

    monkeypatch.setitem(trials.STEPS, "devices", (leave, ""))


def _break(monkeypatch):
    monkeypatch.setitem(trials.STEPS, "files", (lambda trial: 1 / 0, ""))


FAULTS = {
    # what is simulated: the step that fails, its reason, and what is then not tried
    "another reader": (
        _read_elsewhere,
        "reads",
        "the coordinates that PyMOL and the file reader read differ",
        STEPS[1:9],
    ),
    "wrong coordinates": (
        lambda patch: patch.setattr(js.JsFile, "write", _filled_elsewhere(js.JsFile.write)),
        "noise",
        "PyMOL does not show the atoms of state 4 where they were computed to be",
        STEPS[2:8],
    ),
    "wrong colours": (_one_wrong_color, "colours", "colours in PyMOL and those of ratio differ", []),
    "nothing drawn": (_never_drawn_anew, "ray session", "it does not draw what it should: truth 0 %", []),
    "no record": (
        lambda patch: patch.setattr(trials.store, "get_record", lambda name, *, _self: None),
        "session",
        "the record of the frames is not in the session file",
        [],
    ),
    "another file": (
        lambda patch: patch.setattr(frame_files, "save_dcd", _shifted(frame_files.save_dcd)),
        "files",
        "what PyMOL reads of .dcd differ",
        [],
    ),
    "another frame": (_fill_elsewhere, "live", "state 2 in PyMOL and what was computed differ", []),
    "stale picture": (_live_not_drawn, "live", "what Live wrote is not drawn (ray)", []),
    "another sigma": (lambda patch: patch.setattr(trials, "_OFF", 1e-9), "devices", "cpu 200 frames in ", []),
    "our own fault": (_break, "files", "ZeroDivisionError: division by zero", []),
    "left behind": (_leave_behind, "as before", "not as before: setting sphere_scale", []),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_step_that_fails_says_so_and_changes_nothing(hpv, outcomes, capfd, session, differences, monkeypatch, fault):
    simulate, failing, reason, untried = FAULTS[fault]
    before = session(hpv)
    simulate(monkeypatch)
    found, text, error = outcomes(hpv, capfd)
    failing = [failing] if failing in STEPS else failing.split()
    wanted = {**PASSED, **dict.fromkeys(untried, "not tried"), **dict.fromkeys(failing, "failed")}
    assert found == wanted, text
    assert text[f"test {failing[0]}"].startswith(f"failed: {reason}")
    passed = sum(outcome == "ok" for outcome in wanted.values())
    assert re.match(rf"Error: self-test: {passed} of {passed + len(failing)} passed.*; {failing[0]}: ", error)
    assert reason in error
    assert len(error.splitlines()) == 1
    monkeypatch.undo()
    left = differences(before, session(hpv))
    assert bool(left) == (fault == "left behind"), left


@pytest.mark.parametrize("step", ["colours", "session", "live"])
def test_an_interrupt_leaves_the_session_as_it_was(hpv, session, differences, monkeypatch, step):
    def stop(trial):
        raise KeyboardInterrupt

    before = session(hpv)
    monkeypatch.setitem(trials.STEPS, step, (stop, ""))
    with pytest.raises(KeyboardInterrupt):
        commands.pomcheck(test=1, _self=hpv)
    assert differences(before, session(hpv)) == []


def test_a_build_without_the_reader_of_trajectories(hpv, outcomes, capfd, monkeypatch):
    def absent(*_, **__):
        raise CmdException("unknown plugin")

    monkeypatch.setattr(hpv, "load_traj", absent)
    found, text, _ = outcomes(hpv, capfd)
    assert found == PASSED
    assert ".dcd (no reader in this PyMOL)" in text["test files"]


def test_without_gemmi(hpv, outcomes, capfd, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gemmi", None)
    found, text, _ = outcomes(hpv, capfd)
    assert found == PASSED
    assert ".cif (by PyMOL alone: gemmi is missing)" in text["test files"]


def test_a_build_that_tells_little(hpv, monkeypatch):
    def absent(*_, **__):
        raise AttributeError

    monkeypatch.setattr(hpv, "get_renderer", absent)
    monkeypatch.setattr(hpv, "get_version", lambda: ("1.9", 1.9, 1900))
    monkeypatch.setattr(about, "_PACKAGES", ())
    found = commands.pomcheck(_self=hpv)
    assert (found["PyMOL"], found["PyMOL build"], found["OpenGL"]) == ("1.9", "not known", "none")


def test_a_build_of_conda(hpv, monkeypatch, tmp_path):
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "pymol-open-source-3.1.0-py311h1.json").touch()
    monkeypatch.setattr(about.sys, "prefix", str(tmp_path))
    assert commands.pomcheck(_self=hpv)["PyMOL build"].startswith("pymol-open-source-3.1.0-py311h1, ")
