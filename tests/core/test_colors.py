"""From numbers to colours and back, against a loop that interpolates one value at a time."""

import json
import re

import numpy as np
import pytest

from pomodoro_pymol.color.palettes import PALETTES
from pomodoro_pymol.color.scale import UNDEFINED, ColorScale
from pomodoro_pymol.errors import PomodoroError

every_palette = pytest.mark.parametrize("palette", PALETTES)


def channels(color):
    return [color >> shift & 255 for shift in (16, 8, 0)]


def naive_color(palette, low, high, value):
    anchors = [channels(int(text, 16)) for text in PALETTES[palette]]
    place = min(max((value - low) / (high - low), 0), 1) * (len(anchors) - 1)
    below = min(int(place), len(anchors) - 2)
    above = place - below
    red, green, blue = (round(start + above * (end - start)) for start, end in zip(anchors[below], anchors[below + 1]))
    return red * 65536 + green * 256 + blue


@every_palette
def test_a_palette_is_a_row_of_hex_colours(palette):
    assert len(PALETTES[palette]) >= 2
    assert all(re.fullmatch("[0-9a-f]{6}", text) for text in PALETTES[palette])


@every_palette
def test_the_ends_take_the_end_colours(palette):
    first, last = int(PALETTES[palette][0], 16), int(PALETTES[palette][-1], 16)
    assert ColorScale(palette, 0.9, 1.0).rgb(np.array([0.9, 1.0])).tolist() == [first, last]


@every_palette
def test_values_beyond_are_clamped(palette):
    scale = ColorScale(palette, -2.0, 3.0)
    beyond = scale.rgb(np.array([-2.1, -1e30, -np.inf, 3.1, 1e30, np.inf]))
    assert beyond.tolist() == scale.rgb(np.array([-2.0] * 3 + [3.0] * 3)).tolist()


@every_palette
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.5, 12.25), (0.93, 0.98), (1e-4, 3e-4)])
def test_colours_are_interpolated(palette, low, high):
    span = high - low
    values = np.random.default_rng(0).uniform(low - 0.1 * span, high + 0.1 * span, 500)
    naive = [naive_color(palette, low, high, value) for value in values]
    assert ColorScale(palette, low, high).rgb(values).tolist() == naive


def test_nan_is_undefined():
    scale = ColorScale("viridis", 0.0, 1.0)
    assert UNDEFINED == 0x808080
    assert scale.rgb(np.array([np.nan, 0.0, np.nan])).tolist() == [UNDEFINED, 0x440154, UNDEFINED]


@every_palette
def test_the_stops_of_the_key_reproduce_the_colours(palette):
    scale = ColorScale(palette, 0.4, 2.0)
    stops = scale.stops()
    values = np.array([value for value, _ in stops])
    assert values[0] == 0.4
    assert values[-1] == 2.0
    np.testing.assert_allclose(np.diff(values), 1.6 / (len(stops) - 1), rtol=1e-12)
    assert scale.rgb(values).tolist() == [int(text, 16) for text in PALETTES[palette]]
    for (_, color), text in zip(stops, PALETTES[palette]):
        assert color == pytest.approx([level / 255 for level in channels(int(text, 16))], abs=1e-15)


def test_the_automatic_range_spans_all_but_the_extreme_two_percent():
    values = np.random.default_rng(1).permutation(np.arange(101.0))
    assert ColorScale.over("magma", values) == ColorScale("magma", 2.0, 98.0)


def test_the_automatic_range_ignores_what_is_not_finite():
    values = np.concatenate([np.arange(101.0), [np.nan, np.inf, -np.inf]])
    assert ColorScale.over("magma", values) == ColorScale("magma", 2.0, 98.0)


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0, 1e-5, 433.8, 1e6])
def test_a_constant_takes_the_middle_colour(value):
    values = np.full(7, value)
    scale = ColorScale.over("viridis", values)
    assert scale.low < value < scale.high
    assert scale.rgb(values).tolist() == [int(PALETTES["viridis"][4], 16)] * 7


@pytest.mark.parametrize("values", [[], [np.nan, np.nan]])
def test_nothing_finite_still_has_a_scale(values):
    scale = ColorScale.over("viridis", np.array(values))
    assert scale.low < scale.high
    assert scale.rgb(np.array(values)).tolist() == [UNDEFINED] * len(values)


def test_colours_keep_the_number_of_values():
    assert ColorScale("viridis", 0.0, 1.0).rgb(np.linspace(0, 1, 11)).shape == (11,)


def test_a_scale_reads_back_from_plain_types():
    scale = ColorScale("cividis", -0.25, 1.5)
    plain = scale.to_plain()
    assert ColorScale.from_plain(json.loads(json.dumps(plain))) == scale
    assert {type(value) for value in plain.values()} == {str, float}
    assert ColorScale.from_plain({**plain, "metric": "ratio"}) == scale  # others may keep more with it


@pytest.mark.parametrize(
    "change",
    [
        {"palette": "rainbow"},
        {"palette": ["viridis"]},
        {"palette": None},
        {"low": "low"},
        {"low": None},
        {"low": float("nan")},
        {"high": float("inf")},
        {"high": -1.0},
        {"high": -0.25},
        {"high": 10**400},
    ],
    ids=str,
)
def test_a_damaged_scale_is_refused(change):
    with pytest.raises(PomodoroError, match="damaged: run pomcolor"):
        ColorScale.from_plain({**ColorScale("cividis", -0.25, 1.5).to_plain(), **change})


@pytest.mark.parametrize("plain", [None, 5, "text", [], {}, {"palette": "viridis", "low": 0.0}, np.zeros(3)], ids=str)
def test_what_is_no_scale_is_refused(plain):
    with pytest.raises(PomodoroError, match="damaged: run pomcolor"):
        ColorScale.from_plain(plain)
