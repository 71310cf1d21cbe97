"""What tests of several commands start from."""

import pytest


@pytest.fixture
def six(cmd, load_source, monkeypatch, tmp_path):
    """A PyMOL in an empty folder with six states of six residues of four atoms."""
    monkeypatch.chdir(tmp_path)
    load_source("ensemble", cmd)
    for state in range(1, 7):
        cmd.create("m", "2juy and resi 2-7 and name N+CA+C+O", state, state)
    cmd.delete("2juy")
    return cmd
