"""DCD files, read back bit for bit by a reader of the published CHARMM layout."""

import struct

import numpy as np
import pytest
import torch

from pomodoro_pymol.io.dcd import write_dcd


def records(data):
    """Unformatted Fortran records: length, bytes, length again; little-endian."""
    start = 0
    while start < len(data):
        (length,) = struct.unpack_from("<i", data, start)
        end = start + 4 + length
        assert struct.unpack_from("<i", data, end) == (length,)
        yield data[start + 4 : end]
        start = end + 4


def read_dcd(path):
    head, title, size, *rows = records(path.read_bytes())
    assert head[:4] == b"CORD"
    control = struct.unpack("<20i", head[4:])
    (n_titles,) = struct.unpack_from("<i", title)
    assert len(title) == 4 + 80 * n_titles
    (n_atoms,) = struct.unpack("<i", size)
    assert {len(row) for row in rows} <= {4 * n_atoms}
    assert len(rows) == 3 * control[0]
    return control, np.frombuffer(b"".join(rows), "<f4").reshape(control[0], 3, n_atoms).swapaxes(1, 2)


def bits(frames):
    return np.ascontiguousarray(frames).view(np.uint32)


def frames_of(n_frames, n_atoms):
    return np.random.default_rng(n_atoms).normal(0, 500, (n_frames, n_atoms, 3)).astype(np.float32)


@pytest.mark.parametrize(("n_frames", "n_atoms"), [(1, 1), (1, 7), (5, 1), (4, 253)])
@pytest.mark.parametrize(
    "layout",
    [
        np.ascontiguousarray,
        lambda frames: np.ascontiguousarray(frames.swapaxes(1, 2)).swapaxes(1, 2),
        np.asfortranarray,
        lambda frames: np.repeat(frames, 2, axis=1)[:, ::2],
        lambda frames: frames.astype(">f4"),
        lambda frames: torch.from_numpy(frames).transpose(1, 2).contiguous().transpose(1, 2).numpy(),
    ],
    ids=["contiguous", "transposed", "fortran", "strided", "big-endian", "tensor"],
)
def test_frames_are_read_back_bit_for_bit(tmp_path, layout, n_frames, n_atoms):
    frames = frames_of(n_frames, n_atoms)
    write_dcd(tmp_path / "frames.dcd", layout(frames))
    _, read = read_dcd(tmp_path / "frames.dcd")
    np.testing.assert_array_equal(bits(read), bits(frames))


def test_special_numbers_keep_their_bits(tmp_path):
    values = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, np.finfo("f4").max, np.pi, -1.0], np.float32)
    write_dcd(tmp_path / "frames.dcd", values.reshape(1, 3, 3))
    _, read = read_dcd(tmp_path / "frames.dcd")
    np.testing.assert_array_equal(bits(read), bits(values.reshape(1, 3, 3)))


def test_the_control_record_is_that_of_charmm(tmp_path):
    write_dcd(tmp_path / "frames.dcd", frames_of(6, 4))
    control, _ = read_dcd(tmp_path / "frames.dcd")
    n_frames, first, interval, steps = control[:4]
    fixed_atoms, cell, charmm_version = control[8], control[10], control[19]
    assert (n_frames, first, interval, steps) == (6, 1, 1, 6)
    assert (fixed_atoms, cell) == (0, 0)
    assert charmm_version == 24


def test_a_longer_file_is_replaced(tmp_path):
    path = tmp_path / "frames.dcd"
    for n_frames in (9, 2):
        write_dcd(str(path), frames_of(n_frames, 5))
    assert read_dcd(path)[0][0] == 2


def test_writing_leaves_the_frames_alone(tmp_path):
    frames = frames_of(2, 5)
    frames.flags.writeable = False
    before = frames.copy()
    write_dcd(tmp_path / "frames.dcd", frames)
    np.testing.assert_array_equal(frames, before)
