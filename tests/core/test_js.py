"""Files that PyMOL reads at once."""

import struct

import numpy as np
import pytest

from pomodoro_pymol.io.js import JsFile

HEAD = 46 + 7 * 4


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def read(path, n_atoms):
    """Return number of atoms and of frames as the file says, coordinates and cells."""
    data = path.read_bytes()
    assert data.startswith(b"JS Binary Structure and Trajectory File Format")
    magic, order, major, _, atoms, frames, options = struct.unpack("=7i", data[46:HEAD])
    assert (magic, order, major, options) == (0x31337, 0x12345678, 2, 0)
    rows = np.frombuffer(data[HEAD:], np.uint8).reshape(frames, 12 * n_atoms + 48)
    return atoms, frames, rows[:, :-48].copy().view(np.float32).reshape(frames, n_atoms, 3), rows[:, -48:]


@pytest.mark.parametrize(("n_atoms", "n_frames"), [(1, 1), (7, 3), (40_000, 5), (100_000, 2)])
def test_a_file_holds_what_was_filled(tmp_path, rng, n_atoms, n_frames):
    frames = rng.standard_normal((n_frames, n_atoms, 3)).astype(np.float32)
    file = JsFile(tmp_path / "a.js", n_atoms)
    file.write(n_frames, lambda frame, out: np.copyto(out, frames[frame]))
    atoms, count, found, cells = read(tmp_path / "a.js", n_atoms)
    assert (atoms, count) == (n_atoms, n_frames)
    np.testing.assert_array_equal(found, frames)
    assert not cells.any()


def test_nothing_of_a_longer_file_is_left(tmp_path, rng):
    frames = rng.standard_normal((9, 50, 3)).astype(np.float32)
    file = JsFile(tmp_path / "a.js", 50)
    file.write(9, lambda frame, out: np.copyto(out, frames[frame]))
    file.write(2, lambda frame, out: np.copyto(out, frames[frame + 5]))
    _, count, found, _ = read(tmp_path / "a.js", 50)
    assert count == 2
    np.testing.assert_array_equal(found, frames[5:7])
