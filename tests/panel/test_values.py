"""The panel's values in a session or a file: what is no parameter is no value."""

import numpy as np
import pytest

from pomodoro_pymol.catalogue import NoiseParameters, SampleParameters
from pomodoro_pymol.panel import values

DEEP = []
for _ in range(5000):
    DEEP = [DEEP]


def test_values_are_read_back():
    noise, sample = NoiseParameters(z=1, selection="chain A, B"), SampleParameters(steps=20)
    assert values.from_plain(values.to_plain(noise, sample)) == (noise, sample)
    assert values.texts(values.to_plain(noise, sample)) == values.to_plain(noise, sample)


@pytest.mark.parametrize(
    "plain",
    [
        None,
        3,
        "pomnoise",
        [],
        DEEP,
        np.zeros(3),
        {},
        {3: 3},
        *({"command": odd} for odd in (None, 3, DEEP, np.zeros(3), b"pomnoise")),
        *(
            {"command": line, "sample": line}
            for line in ("", "quit", "pomnoise z=77", "pomsample z=1", "pomnoise_ z=1", "\ud800")
        ),
    ],
)
def test_what_is_damaged_or_foreign_is_none(plain):
    assert values.from_plain(plain) == (None, None)
    # Compared with what the panel keeps, at every look.
    assert values.texts(plain) != values.to_plain(NoiseParameters(), SampleParameters())


def test_a_file_of_anything(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert values.load_place() == {}
    values.save_place({"tab": 1})
    assert values.load_place() == {"tab": 1}
    for data in (b"", b"[" * 5000, b"\xff", b"[]", b"{", b"3"):
        values.place_path().write_bytes(data)
        assert values.load_place() == {}
