"""Ranges of values as text, and every command's parameters: typed text in, the same text out."""

import inspect
import math
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pomodoro_pymol.parameters.catalogue
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.presets import save_preset
from pomodoro_pymol.noise.weights import LevelWeights
from pomodoro_pymol.parameters.base import Parameters, about, choices_of
from pomodoro_pymol.parameters.catalogue import (
    ColorParameters,
    NoiseParameters,
    SampleParameters,
    SaveParameters,
    SweepParameters,
    TableParameters,
)
from pomodoro_pymol.parameters.kinds import Grid, Interval

COMMANDS = [
    kind
    for kind in vars(pomodoro_pymol.parameters.catalogue).values()
    if inspect.isclass(kind) and issubclass(kind, Parameters) and hasattr(kind, "command")
]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.command)

finite = st.floats(allow_nan=False, allow_infinity=False)
intervals = st.tuples(finite, finite).filter(lambda ends: ends[0] < ends[1]).map(lambda ends: Interval(*ends))


@st.composite
def grids(draw, low=-6.0, high=6.0):
    """Grids within bounds, of at most 1001 values; some of a single one."""
    ends = sorted(
        (draw(st.floats(low, high)), draw(st.floats(low, high) | st.integers(int(low), int(high)).map(float)))
    )
    if draw(st.booleans()):
        ends[1] = ends[0]
    step = draw(st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0]) | st.floats(0.0121, 20))
    return Grid(*ends, step)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """A HOME with one preset of the user's in it."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("HOME", "USERPROFILE"):
            patched.setenv(name, str(tmp_path_factory.mktemp("home")))
        save_preset("mine", LevelWeights(1, 2, 3))
        yield


def grid(text):
    return TableParameters(z=text).z


def interval(text):
    return ColorParameters(range=text).range


@given(given=grids())
def test_the_text_of_a_grid_reads_back(given):
    assert grid(str(given)) == given
    assert TableParameters.from_text(TableParameters(z=given).to_text()).z == given


@given(given=intervals)
def test_the_text_of_an_interval_reads_back(given):
    assert interval(str(given)) == given
    assert ColorParameters.from_text(ColorParameters(range=given).to_text()).range == given


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-3:3", Grid(-3, 3, 1)),
        (" -3 : 3 ", Grid(-3, 3, 1)),
        ("-3:3:0.5", Grid(-3, 3, 0.5)),
        ("0:0:0.25", Grid(0, 0, 0.25)),
        ("1.5", Grid(1.5, 1.5)),
        (1.5, Grid(1.5, 1.5)),
        (0, Grid(0, 0)),
        ((-1, 2), Grid(-1, 2)),
        ([-1, 2, 0.1], Grid(-1, 2, 0.1)),
        (Grid(1, 2), Grid(1, 2)),
        ("", Grid(-3, 3)),
        (None, Grid(-3, 3)),
    ],
)
def test_grids_as_given(text, value):
    assert grid(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.9:1", Interval(0.9, 1)),
        (" -1e-3 : 2 ", Interval(-0.001, 2)),
        ((0, 1), Interval(0, 1)),
        ([0.5, 1.5], Interval(0.5, 1.5)),
        (Interval(0, 1), Interval(0, 1)),
        ("", None),
    ],
)
def test_intervals_as_given(text, value):
    assert interval(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Grid(-3, 3), "-3:3"),
        (Grid(-3, 3, 0.25), "-3:3:0.25"),
        (Grid(1.5, 1.5), "1.5"),
        (Grid(0, 1, 1.0), "0:1"),
        (Interval(0.9, 1), "0.9:1"),
        (Interval(-1e300, 1e-300), "-1e+300:1e-300"),
    ],
)
def test_the_text_is_short(value, text):
    assert str(value) == text


@pytest.mark.parametrize(
    ("value", "values"),
    [
        (Grid(-3, 3), [-3, -2, -1, 0, 1, 2, 3]),
        (Grid(0, 1, 0.25), [0, 0.25, 0.5, 0.75, 1]),
        (Grid(0, 0.3, 0.1), [0, 0.1, 0.2, 0.3]),
        (Grid(-0.7, 0, 0.1), [-0.7, -0.6, -0.5, -0.4, -0.3, -0.2, -0.1, 0]),
        (Grid(0, 1, 0.3), [0, 0.3, 0.6, 0.9]),
        (Grid(2, 2), [2]),
        (Grid(2, 2, 0.1), [2]),
        (Grid(0, 0.5), [0]),
    ],
    ids=str,
)
def test_values(value, values):
    assert value.values() == pytest.approx(values, rel=0, abs=1e-12)


@given(given=grids())
def test_values_start_low_and_stop_within_a_step_of_high(given):
    values = given.values()
    assert values[0] == given.low
    assert 1 <= len(values) <= 1001
    for place, value in enumerate(values):
        assert value == pytest.approx(given.low + place * given.step, rel=0, abs=1e-12)
    # A value within a billionth of a step of the end is the end.
    assert given.high - given.step * (1 + 1e-9) < values[-1] < given.high + given.step * 1e-8


def test_a_sweep_of_the_default_has_both_ends():
    values = SweepParameters().z.values()
    assert (len(values), values[0], values[-1]) == (25, -3, 3)


@pytest.mark.parametrize("step", [0.1, 0.05, 0.2, 0.3, 0.6, 0.7, 0.012])
def test_values_never_pass_the_bounds(step):
    for low in (-6, -5.9, -5.7, -3.3):
        assert all(-6 <= value <= 6 for value in Grid(low, 6, step).values())


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ((1, 0), "low <= high"),
        ((0, 1, 0), "step > 0"),
        ((0, 1, -1), "step > 0"),
        ((math.nan, 1), "low <= high"),
        ((0, math.inf), "low <= high"),
        ((0, 1, math.nan), "step > 0"),
        ((0, 1, 0.0009), "more than 1000 values: choose a larger step"),
        ((-1e308, 1e308), "more than 1000 values"),
        ((0, 1, 5e-324), "more than 1000 values"),
    ],
)
def test_no_grid(ends, reason):
    with pytest.raises(PomodoroError, match=reason):
        Grid(*ends)


def test_a_thousand_steps_are_allowed():
    assert len(Grid(0, 1, 0.001).values()) == 1001


@pytest.mark.parametrize("ends", [(1, 0), (1, 1), (math.nan, 1), (0, math.inf), (-math.inf, 0)])
def test_no_interval(ends):
    with pytest.raises(PomodoroError, match="low:high with low < high, both finite"):
        Interval(*ends)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a", "z must be a number, not 'a'"),
        ("0:b", "z must be a number, not 'b'"),
        ("0:", "z must be a number, not ''"),
        (":", "z must be a number"),
        ("1:2:3:4", "z must be one value, low:high or low:high:step"),
        ("nan", "z must be finite"),
        ("0:inf", "z must be finite"),
        ("1_0", "z must be a number, not '1_0'"),
        ("3:-3", "low <= high"),
        ("-3:3:0", "step > 0"),
        ("-7:3", "z must be between -6 and 6, not -7:3"),
        ("-3:6.5", "z must be between -6 and 6, not -3:6.5"),
        ("7", "z must be between -6 and 6, not 7"),
        ([], "z must be one value"),
        ({1: 2}, "z must be a number"),
    ],
)
def test_no_grid_as_given(text, reason):
    with pytest.raises(PomodoroError, match=reason) as error:
        grid(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0.9", "range must be low:high, as in 0.9:1, or auto, not '0.9'"),
        (0.9, "range must be low:high"),
        ("0:1:2", "range must be low:high"),
        ("a:1", "range must be a number, not 'a'"),
        ("1:0", "low < high"),
        ("0:inf", "range must be finite"),
    ],
)
def test_no_interval_as_given(text, reason):
    with pytest.raises(PomodoroError, match=reason) as error:
        interval(text)
    assert "\n" not in str(error.value)


WORDS = st.sampled_from(
    ["one", "my file.csv", "/tmp/a b/c.svg", "a,b", "x=1", "T=300.pdb", "chain A and resi 1,2", "mine"]
)
SELECTIONS = st.sampled_from(
    [
        "1hpv", "polymer", "chain A", "resi 1-10", "resi 10,12,20-22", "resn ALA,GLY", "name CA+CB", "b=20", "b>20.5",
        "q=0.5", "segi=A", "z=3", "seed = 4", "not wc=1", "x=1 and wa=2", "(chain A, chain B)", "(b=2, z=3)", "a==b",
        "/1hpv//A/10/CA", "*/CA", "%sele", "byres (all within 5 of (resn LIG))", "! hydro & ! solvent", "name 'C1'",
        'name "O5"', "a,b", "p. z > 1", "rank 0", "[resi 5]", "{a, b}",
    ]
)  # fmt: skip
TEXTS = {
    "selection": WORDS | st.lists(SELECTIONS, max_size=3).map(" and ".join),
    "object": WORDS | SELECTIONS,
    "fixed": WORDS | SELECTIONS,
    "name": WORDS | st.sampled_from(["noise", "noise_01", "my noise", "a=b", "z=1", "(x)", "1hpv_noise"]),
    "presets": st.sampled_from(["flat", "flat+ms+1:1:15", "mine+0.5:1:2"]),
    "residues": st.sampled_from(["resn", "(resi 1-5)(resi 6 or resi 9)", "(name CA, name CB)"]),
    "chains": st.sampled_from(["segi", "custom", "(chain A or chain B)", "(chain A) (resn HEM and b=2)"]),
    "shares": st.sampled_from(["0.3:0.6:0.1", "1:1:15"]),
}


#: Narrower than their bounds, so that any two fit each other.
NUMBERS = {
    "sigma_max": st.floats(100, 1e6),
    "sigma_min": st.floats(1e-6, 1e-3),
    "s_max": st.floats(1, 1e6),
    "s_min": st.floats(0, 1),
}
#: What only edm takes, and what only the other samplers do.
OF_EDM, OF_OTHERS = {"s_churn", "s_min", "s_max", "s_noise"}, {"gamma", "gamma_min", "noise_scale"}


def values_of(spec):
    meta = about(spec)
    if spec.name in NUMBERS:
        return NUMBERS[spec.name]
    if choices_of(spec):
        return st.sampled_from(choices_of(spec))
    if meta.kind is str:
        return TEXTS.get(spec.name, WORDS)
    if meta.kind is int:
        return st.integers(*meta.bounds)
    if meta.kind is float:
        return st.floats(*meta.bounds)
    return grids() if meta.kind is Grid else intervals


LAWS = {"p_mean": (-2, 2), "p_std": (0.1, 1.6), "sigma_data": (0.1, 100)}


@st.composite
def instances(draw, command):
    specs = fields(command)
    chosen = draw(st.lists(st.sampled_from(specs), unique_by=lambda spec: spec.name)) if specs else []
    values = {spec.name: draw(values_of(spec)) for spec in chosen}
    for one, other in command.exclusive:
        if one in values and other in values:
            del values[draw(st.sampled_from([one, other]))]
    if {"wc", "wr", "wa"} <= set(command.names()) and not any(values.get(name, 1) for name in ("wc", "wr", "wa")):
        values["wa"] = 1.0
    if command is SampleParameters:
        for name in OF_OTHERS if values.get("sampler") == "edm" else OF_EDM:
            values.pop(name, None)
    if "law" in command.names():
        # Of the laws that are allowed one by one, those whose sigma is taken at every z.
        values |= {name: draw(st.floats(*span)) for name, span in LAWS.items() if name in values}
        if values.get("law") == "edm":
            values.setdefault("sigma_data", 5.0)
    return command(**values)


@every_command
@settings(max_examples=150)
@given(data=st.data())
def test_what_is_typed_or_given_reads_back(command, data):
    parameters = data.draw(instances(command))
    changed = {name: value for name, value in vars(parameters).items() if value != getattr(command, name)}
    assert command.from_values(changed) == parameters
    line = parameters.to_text()
    assert command.from_text(line) == parameters
    assert command.from_text(line.removeprefix(command.command)) == parameters
    assert command.from_text(line).to_text() == line


@every_command
def test_nothing_given_is_the_defaults(command):
    assert command.from_text("") == command.from_text(command.command) == command.from_values({}) == command()
    assert command().to_text() == command.command


@every_command
def test_help_says_every_name(command):
    usage, _, arguments = command.help().partition("ARGUMENTS")
    assert usage.startswith("USAGE")
    assert command.command in usage
    for spec in fields(command):
        assert f"[ {spec.name}" in usage
        assert f"    {spec.name} = " in arguments
        words = " ".join(arguments.split())
        assert " ".join(about(spec).help.split()) in words
        for choice in choices_of(spec):
            assert choice in words
    assert max(map(len, command.help().splitlines())) <= 80


@every_command
def test_an_unknown_name_is_refused(command):
    with pytest.raises(PomodoroError, match=f"unknown parameter 'xyzzyq' of {command.command}"):
        command.from_values({"xyzzyq": 1})


def test_there_is_one_class_per_command():
    names = [command.command for command in COMMANDS]
    assert len(set(names)) == len(names)
    assert {
        "pomnoise",
        "pomcolor",
        "pomcheck",
        "pomtable",
        "pomsweep",
        "pomweights",
        "pomalign",
        "pommeasure",
        "pommovie",
        "pomsave",
        "pomsample",
    } <= {*names}


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.exclusive], ids=lambda one: one.command)
def test_parameters_that_exclude_each_other(command):
    given = {
        "z": 1,
        "sigma": 2,
        "preset": "ms",
        "wc": 1,
        "wr": 1,
        "wa": 2,
        "ratio": 0.5,
        "relative": 3,
        "shares": "1:1:1",
        "denoiser": "ideal",
        "network": "net.pt2",
        **dict.fromkeys(OF_EDM | OF_OTHERS, 1),
    }
    for one, other in command.exclusive:
        with pytest.raises(PomodoroError, match=f"give {one} or {other}, not both"):
            command.from_values({one: given[one], other: given[other]})


@pytest.mark.parametrize("name", ["a,b.pdb", "T=300.pdb", "my file.pdb", "a b/T=300 K.pdb"])
def test_file_names_are_kept(name):
    assert SaveParameters(filename=name).filename == name
    assert SaveParameters.from_text(SaveParameters(filename=name).to_text()).filename == name


def test_a_preset_of_the_user_is_a_choice():
    for command in COMMANDS:
        if "preset" in command.names():
            assert command.from_text("preset=mine").weights == LevelWeights(1, 2, 3)


def test_b_is_a_parameter_of_pomsave_alone():
    """Elsewhere it is a property of atoms, which selections name."""
    assert SaveParameters.from_text("n.pdb b=source") == SaveParameters(filename="n.pdb", b="source")
    assert SaveParameters.from_text("'b=source'") == SaveParameters(filename="b=source")
    assert NoiseParameters.from_text("chain A and b=20 z=1").selection == "chain A and b=20"
