"""PyMOL on Windows, simulated: no C library to ask, no files with such names, lines that end in two characters."""

import os
import types

import pytest


@pytest.fixture
def windows(monkeypatch):
    """No POSIX, and a C library that cannot be opened by no name."""
    from pomodoro_pymol.viewer import host

    def refuse(name):
        raise TypeError(f"bad argument type: {name}")

    monkeypatch.setattr(host, "os", types.SimpleNamespace(name="nt"))
    monkeypatch.setattr(host, "ctypes", types.SimpleNamespace(CDLL=refuse))
    return host


def test_a_run_needs_no_c_library(hpv, typed, windows):
    with windows.interruptible(ends=True), windows.c_stdout_muted():
        pass
    assert "Error" not in typed(hpv, "pomnoise frames=3")
    assert hpv.count_states("1hpv_noise") == 4


def test_a_reader_that_cannot_open_the_temporary_folder_is_not_needed(hpv, typed, monkeypatch, coords):
    """As on Windows, where it is called by letters that its C library does not know."""
    from pomodoro_pymol.viewer.host import CmdException

    typed(hpv, "pomnoise frames=2")
    expected = coords(hpv, "1hpv_noise", 3)

    def refuse(*_, **__):
        raise CmdException("cannot open the file")

    for way in (refuse, lambda *_, **__: None):
        monkeypatch.setattr(hpv, "load_traj", way)
        hpv.delete("1hpv_noise")
        assert "Error" not in typed(hpv, "pomnoise frames=2")
        assert (coords(hpv, "1hpv_noise", 3) == expected).all()


def test_a_logged_line_has_one_end(hpv, tmp_path, monkeypatch):
    """A log is written as text, which makes the two characters of Windows of one."""
    from pomodoro_pymol.viewer import window

    monkeypatch.setattr(os, "linesep", "\r\n")
    hpv.log_open(str(tmp_path / "log.pml"))
    window.log("pomnoise z=1", _self=hpv)
    hpv.log_close()
    assert (tmp_path / "log.pml").read_bytes().splitlines()[-1] == b"pomnoise z=1"
    assert b"\r" not in (tmp_path / "log.pml").read_bytes()


def test_a_path_with_drive_and_blanks_is_typed_as_it_is(hpv, typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = r"C:\New Folder\table.csv"
    assert "Error" not in typed(hpv, rf"pomtable frames=1 z=0 csv={path}")
    assert os.listdir(tmp_path) == [path]
