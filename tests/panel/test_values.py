"""The panel's values in a session or a file: what is no parameter is no value."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from pomodoro_pymol.panel import values
from pomodoro_pymol.parameters.catalogue import NoiseParameters, SampleParameters, TrainParameters
from pomodoro_pymol.parameters.kinds import Interval

DATA = Path(__file__).parents[1] / "data"
DEEP = []
for _ in range(5000):
    DEEP = [DEEP]


def test_values_are_read_back():
    noise, sample = NoiseParameters(z=1, selection="chain A, B"), SampleParameters(steps=20)
    pages = (noise, sample, TrainParameters(presets="ms", steps=20, network="a.npz", resume=1))
    assert values.from_plain(values.to_plain(*pages)) == pages
    assert values.texts(values.to_plain(*pages)) == values.to_plain(*pages)


def test_a_session_names_no_files():
    sample = SampleParameters(steps=9, network="a.pt2", csv="a.csv", figure="a.svg")
    train = TrainParameters(steps=9, network="a.npz", resume=1, export="a.pt2", csv="b.csv", figure="b.svg")
    found = values.from_session(values.to_plain(NoiseParameters(), sample, train))
    assert found == (NoiseParameters(), SampleParameters(steps=9), TrainParameters(steps=9))


def test_a_session_from_before_there_was_training_is_read():
    plain = {"command": "pomnoise z=1", "sample": "pomsample steps=9"}
    assert values.from_session(plain) == (NoiseParameters(z=1), SampleParameters(steps=9), None)


def test_the_file_of_0_1_0_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr(values, "place_path", lambda: tmp_path / "panel.json")
    shutil.copy(DATA / "panel-0.1.0.json", values.place_path())
    place = values.load_place()
    assert (place["area"], place["tab"]) == ("right", 1)
    noise, sample, _ = values.from_plain(place)
    shared = {"selection": "1hpv and chain A", "preset": "rb", "seed": 11}
    colors = {"metric": "scramble", "palette": "magma", "range": Interval(0.5, 2)}
    assert noise == NoiseParameters(**shared, **colors, z=-0.5, frames=7)
    assert sample == SampleParameters(**shared, sampler="edm", steps=30)


def test_the_churn_of_edm_in_0_1_0_has_its_own_names_now():
    line = "pomsample sampler=edm, steps=40, gamma=0.25, noise_scale=1.007"
    _, sample, _ = values.from_plain({"sample": line})
    assert sample == SampleParameters(sampler="edm", steps=40, s_churn=10, s_noise=1.007)
    _, kept, _ = values.from_plain({"sample": "pomsample sampler=af3, gamma=0.25, noise_scale=1.1"})
    assert kept == SampleParameters(gamma=0.25, noise_scale=1.1)


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
            {"command": line, "sample": line, "train": line}
            for line in ("", "quit", "pomnoise z=77", "pomsample z=1", "pomnoise_ z=1", "\ud800")
        ),
    ],
)
def test_what_is_damaged_or_foreign_is_none(plain):
    assert values.from_plain(plain) == (None, None, None)
    # Compared with what the panel keeps, at every look.
    assert values.texts(plain) != values.to_plain(NoiseParameters(), SampleParameters(), TrainParameters())


def test_a_file_of_anything(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert values.load_place() == {}
    values.save_place({"tab": 1})
    assert values.load_place() == {"tab": 1}
    for data in (b"", b"[" * 5000, b"\xff", b"[]", b"{", b"3"):
        values.place_path().write_bytes(data)
        assert values.load_place() == {}
