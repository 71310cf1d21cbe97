"""What tests of several commands start from."""

import pytest


@pytest.fixture
def refused(typed, session, differences):
    """A function that types a line and checks that it is refused in one line, which it returns, and changes nothing."""

    def check(cmd, line, message=""):
        before = session(cmd)
        printed = typed(cmd, line)
        assert "Traceback" not in printed
        assert len(printed.splitlines()) == 1, printed
        assert printed.startswith(" Error: "), printed
        assert message in printed
        assert differences(before, session(cmd)) == []
        return printed

    return check


@pytest.fixture
def nmr(cmd, load_source):
    """A PyMOL with a 24-model NMR ensemble."""
    load_source("ensemble", cmd)
    return cmd


@pytest.fixture
def frames_of(coords):
    """A function that reads all states of an object, shape=(n_states, n_atoms, 3)."""
    import numpy as np

    return lambda cmd, name: np.stack([coords(cmd, name, state) for state in range(1, cmd.count_states(name) + 1)])


@pytest.fixture
def six(cmd, load_source, monkeypatch, tmp_path):
    """A PyMOL in an empty folder with six states of six residues of four atoms."""
    monkeypatch.chdir(tmp_path)
    load_source("ensemble", cmd)
    for state in range(1, 7):
        cmd.create("m", "2juy and resi 2-7 and name N+CA+C+O", state, state)
    cmd.delete("2juy")
    return cmd
