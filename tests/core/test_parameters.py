"""The parameters said once: typed text in, the same text out, errors that say what is right."""

import math
from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pomodoro_pymol.parameters.catalogue
from pomodoro_pymol.diffusion.samplers import GRIDS, SAMPLERS
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.sigma import AF3_LAW, LawOfSigma, sigma_from_z
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights
from pomodoro_pymol.parameters.base import Parameters, about, choices_of, describe
from pomodoro_pymol.parameters.catalogue import ColorParameters, NoiseParameters, SampleParameters, TableParameters
from pomodoro_pymol.parameters.kinds import Grid, Interval, Selection
from pomodoro_pymol.parameters.syntax import split_values

COMMANDS = [
    kind
    for kind in vars(pomodoro_pymol.parameters.catalogue).values()
    if isinstance(kind, type) and issubclass(kind, Parameters) and "command" in vars(kind)
]
FIELDS = [
    pytest.param(command, spec, id=f"{command.command}-{spec.name}") for command in COMMANDS for spec in fields(command)
]
KINDS = {
    str: "string",
    Selection: "string",
    int: "int",
    float: "float",
    Interval: "low:high or auto",
    Grid: "low:high:step",
}


def read(text, command=NoiseParameters):
    return command.from_text(text)


def test_the_law_of_sigma_is_an_argument():
    """Karras et al. 2022, table 1, normalised by sigma_data; what is not given is the law's."""
    normal = read("law=edm sigma_data=6.63 z=1")
    assert normal.law_of_sigma == LawOfSigma(6.63, -1.2, 1.2)
    assert normal.noise_sigma == pytest.approx(6.63)
    assert read("law=edm sigma_data=6.63 sigma=6.63").noise_z == pytest.approx(1)
    given = read("p_std=2 z=-0.5")
    assert given.law_of_sigma == LawOfSigma(16, -1.2, 2)
    assert given.noise_sigma == pytest.approx(16 * math.exp(-2.2))
    assert read("law=boltz") != read("")
    assert read("law=boltz").law_of_sigma == read("").law_of_sigma == AF3_LAW


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("law=edm", "give sigma_data, the standard deviation of your data per coordinate"),
        ("p_mean=10 p_std=5 z=6", "sigma would be .* at z=6 of sigma = 16 exp"),
        ("p_mean=-10 p_std=5 z=-6", "sigma would be .* at z=-6"),
        ("p_std=0", "p_std must be between 0.001 and 5"),
        ("law=af2", "law must be one of af3, boltz, edm"),
    ],
)
def test_laws_that_are_refused(line, reason):
    with pytest.raises(PomodoroError, match=reason):
        read(line)


def test_the_law_holds_at_both_ends_of_a_grid():
    with pytest.raises(PomodoroError, match="at z=6"):
        read("p_mean=10 p_std=3 z=-6:6", TableParameters)


CHURNS = {
    "gamma": {"gamma": 0.3, "gamma_min": 0.0, "noise_scale": 1.1},
    "s_churn": {"s_churn": 40.0, "s_min": 0.05, "s_max": 50.0, "s_noise": 1.007},
}


@pytest.mark.parametrize("grid", ["", *GRIDS])
@pytest.mark.parametrize("name", SAMPLERS)
def test_settings_of_a_sampler_are_typed_and_kept(name, grid):
    own = SAMPLERS[name]
    numbers = CHURNS[own.churn_by]
    parameters = SampleParameters(sampler=name, grid=grid, align=1, steps=7, **numbers)
    assert SampleParameters.from_text(parameters.to_text()) == parameters
    expected = replace(own, align=True, steps=7, grid=grid or own.grid, **numbers)
    assert parameters.settings == expected
    assert [type(value) for value in vars(parameters.settings).values()] == [type(it) for it in vars(own).values()]
    assert SampleParameters(sampler=name).settings == own


@pytest.mark.parametrize("name", SAMPLERS)
def test_numbers_of_anothers_churn_are_refused(name):
    own = SAMPLERS[name].churn_by
    (other,) = CHURNS.keys() - {own}
    for word, value in CHURNS[other].items():
        message = f"{word} is not of sampler={name}, whose churn has {', '.join(CHURNS[own])}$"
        with pytest.raises(PomodoroError, match=message):
            SampleParameters.from_text(f"pomsample sampler={name} {word}={value}")


@pytest.mark.parametrize(("one", "other"), [("gamma", "s_churn"), ("gamma_min", "s_min"), ("noise_scale", "s_noise")])
def test_both_kinds_of_churn_are_refused(one, other):
    for name in ("af3", "edm"):
        with pytest.raises(PomodoroError, match=f"^give {one} or {other}, not both$"):
            SampleParameters.from_text(f"sampler={name} {one}=1 {other}=1")


def test_a_selection_named_like_the_command():
    assert read("pomnoise pomnoise") == NoiseParameters(selection="pomnoise")
    assert NoiseParameters(selection="pomnoise").to_text() == "pomnoise pomnoise"


@pytest.mark.parametrize(
    "selection",
    [
        "name C1'",
        "name C1'+C2'",
        "(name C1' or name O5') and chain A",
        "name O3' and resi 1,2",
        "'obj 1' or 'obj 2'",
        '"obj 1" or "obj 2"',
        "resn 5'X and z=3",
    ],
)
def test_selections_with_primes_and_quotes_are_kept(selection):
    parameters = NoiseParameters(selection=selection, z=1, seed=3)
    assert parameters.selection.strip("()") == selection.strip("()")
    assert read(parameters.to_text()) == parameters


@pytest.mark.parametrize(
    "text",
    ["a(b", "a[b", "(a", "'a", '"a', "='a", "=a", "a)b, c", "a),", "'a'", "a b=(c", "\x1da", "it's (5", "(a,", ")z=1"],
)
@pytest.mark.parametrize("name", ["object", "selection"])
def test_what_a_value_leaves_open_does_not_swallow_what_follows(name, text):
    command = {"object": ColorParameters, "selection": NoiseParameters}[name]
    parameters = command(**{name: text, "metric": "relative", "palette": "magma"})
    assert command.from_text(parameters.to_text()) == parameters
    assert command.from_values({name: getattr(parameters, name)}) == command(**{name: text})


@pytest.mark.parametrize("text", ["it's 5\" (", "'a\", b", "\"a', z=1"])
def test_both_kinds_of_quotes_are_refused_where_one_is_needed(text):
    with pytest.raises(PomodoroError, match="needs quotes and has both kinds: leave one out"):
        ColorParameters(object=text)
    assert ColorParameters(object="it's 5\"").object == "it's 5\""


def test_a_typed_prime_does_not_swallow_what_follows():
    assert read("pomnoise name C1', z=1, wc=2") == NoiseParameters(selection="name C1'", z=1, wc=2)
    assert read("pomnoise name C1' z=1 wc=2") == NoiseParameters(selection="name C1'", z=1, wc=2)


@pytest.mark.parametrize(
    "text",
    [
        "pomnoise 1hpv and polymer, 1, 3, 8, 2, frames=5",
        "pomnoise 1hpv and polymer, z=1, wa=2, frames=5",
        "pomnoise 1hpv and polymer z=1 wa=2 frames=5",
        "pomnoise 1hpv and polymer z=1, wa=2 frames=5",
        "pomnoise 1hpv and polymer, 1 wa=2, frames=5",
        "pomnoise 1hpv and polymer,z=1,wa=2,frames=5",
        "pomnoise  1hpv and polymer ,  z = 1 ,wa= 2,  frames =5 ",
        "pomnoise frames=5, z=1, wa=2, selection=1hpv and polymer",
        "pomnoise selection=1hpv and polymer frames=5 z=1 wa=2",
        "pomnoise '1hpv and polymer', z='1', wa=\"2\", frames=5",
        "pomnoise 1hpv and polymer\tz=1\twa=2\tframes=5",
        "pomnoise 1hpv and polymer, z=1.0, wa=2e0, frames=5.0",
        "pomnoise 1hpv and polymer, z=1, wa=2, frames=5, preset=, sigma=",
        "1hpv and polymer z=1 wa=2 frames=5",
        "1hpv and polymer, 1, , , 2, frames=5",
    ],
)
def test_comma_space_and_mixed_forms_are_equal(text):
    assert read(text) == NoiseParameters(selection="1hpv and polymer", z=1, wa=2, frames=5)


@pytest.mark.parametrize(
    "text", ["", "   ", "pomnoise", " pomnoise ", "pomnoise ,", "pomnoise z=", "pomnoise z=0 wc=3"]
)
def test_nothing_given_is_the_defaults(text):
    assert read(text) == NoiseParameters()
    assert NoiseParameters().to_text() == "pomnoise"


def test_the_documented_defaults():
    defaults = NoiseParameters()
    assert (defaults.z, defaults.wc, defaults.wr, defaults.wa) == (0, 3, 8, 1)
    assert (defaults.frames, defaults.seed, defaults.state, defaults.device) == (20, 0, -1, "auto")


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("(resi 1,2) z=1", "(resi 1,2)"),
        ("selection=(resi 1,2), z=1", "(resi 1,2)"),
        ("'resi 1,2', z=1", "(resi 1,2)"),
        ("(segi=A), z=1", "(segi=A)"),
        ("b=20 and q=1, z=1", "b=20 and q=1"),
        ("chain A and b=20 z=1", "chain A and b=20"),
        ("all within 5 of (chain A, chain B) z=1", "all within 5 of (chain A, chain B)"),
    ],
)
def test_selections_with_commas_and_equal_signs(text, selection):
    assert read(text) == NoiseParameters(selection=selection, z=1)


def test_values_as_a_command_receives_them():
    names = NoiseParameters.names()
    assert split_values(names, ["polymer", "0 wc=3"], {"wr": "8 wa=1 frames=4", "seed": 7}) == {
        "selection": "polymer", "z": "0", "wc": "3", "wr": "8", "wa": "1", "frames": "4", "seed": 7,
    }  # fmt: skip
    assert NoiseParameters.from_values({"z": "", "sigma": 3, "preset": None}) == NoiseParameters(sigma=3)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("frmes=3", "frames"),
        ("sead=3", "seed"),
        ("pallete=magma", "palette"),
        ("sgima=3", "sigma"),
        ("selecton=all", "selection"),
    ],
)
def test_an_unknown_name_gets_the_nearest_suggestion(text, nearest):
    name = text.partition("=")[0]
    with pytest.raises(PomodoroError, match=f"unknown parameter '{name}' of pomnoise; did you mean {nearest}\\?"):
        read(text)


def test_an_unknown_name_like_nothing_gets_no_suggestion():
    with pytest.raises(PomodoroError, match=r"unknown parameter 'xyzzyq' of pomnoise$"):
        read("xyzzyq=1")


@pytest.mark.parametrize(
    ("text", "nearest"), [("preset=3-8-2", "3-8-1"), ("metric=ration", "ratio"), ("palette=viridus", "viridis")]
)
def test_an_unknown_choice_gets_the_choices_and_the_nearest(text, nearest):
    with pytest.raises(PomodoroError, match=f"must be one of .*{nearest}.*did you mean {nearest}\\?"):
        read(text)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("z", "high", "z must be a number, not 'high'"),
        ("z", [1], "z must be a number"),
        ("z", object(), "z must be a number"),
        ("frames", "many", "frames must be a whole number, not 'many'"),
        ("frames", 2.5, "frames must be a whole number, not 2.5"),
        ("frames", "2.5", "frames must be a whole number, not 2.5"),
        ("seed", 1 + 2j, "seed must be a whole number"),
        ("z", 6.01, "z must be between -6 and 6, not 6.01"),
        ("z", -7, "z must be between -6 and 6, not -7"),
        ("sigma", 0, "sigma must be between 0.0001 and 100000 angstrom, not 0"),
        ("sigma", -1, "sigma must be between"),
        ("wc", -0.5, "wc must be between 0 and 1000000"),
        ("frames", 0, "frames must be between 1 and 1000000"),
        pytest.param("frames", 10**400, "frames must be", id="frames-huge"),
        ("seed", -1, "seed must be between 0 and 4294967295"),
        ("seed", 2**32, "seed must be between"),
        ("state", -2, "state must be between -1"),
        ("metric", 3, "metric must be one of"),
        ("device", "tpu", "device must be one of auto, cuda, mps, cpu"),
    ],
)
def test_wrong_types_and_values_out_of_bounds(name, value, message):
    for build in (lambda: NoiseParameters(**{name: value}), lambda: NoiseParameters.from_values({name: value})):
        with pytest.raises(PomodoroError, match=message):
            build()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "nan", "inf", "-Infinity", "1e999"])
@pytest.mark.parametrize("name", ["z", "wc", "sigma", "frames", "seed"])
def test_numbers_are_finite(name, value):
    with pytest.raises(PomodoroError, match=f"{name} must be finite"):
        NoiseParameters(**{name: value})


@pytest.mark.parametrize(
    "value", ["1", "1:2:3", "a:b", "2:1", "1:1", "nan:1", "0:inf", ":", 0.5, 3, [1], [1, 2, 3], (None, 1), object()]
)
def test_bad_ranges(value):
    with pytest.raises(PomodoroError, match=r"range|low"):
        ColorParameters(range=value)


@pytest.mark.parametrize("value", ["0.9:1", " 0.9 : 1 ", (0.9, 1), ["0.9", "1"], Interval(0.9, 1)])
def test_good_ranges(value):
    assert ColorParameters(range=value).range == Interval(0.9, 1.0)
    assert ColorParameters(range=value).to_text() == "pomcolor range=0.9:1"


@pytest.mark.parametrize("text", ["z=0, z=1", "z=0 z=1", "all, 1, z=1", "all, selection=all", "all z=1, 2"])
def test_a_name_is_given_once(text):
    with pytest.raises(PomodoroError, match="is given twice"):
        read(text)


def test_more_values_than_names():
    with pytest.raises(PomodoroError, match="at most 4 values"):
        read("a, ratio, viridis, 0:1, 5", ColorParameters)


@pytest.mark.parametrize(("one", "other"), NoiseParameters.exclusive)
def test_exclusive_pairs(one, other):
    text = {"z": "1", "sigma": "2", "wc": "1", "wr": "1", "wa": "2", "preset": "ms"}
    defaults = {"z": "0", "wc": "3", "wr": "8", "wa": "1"}
    for value in (text[one], defaults[one]):
        with pytest.raises(PomodoroError, match=f"give {one} or {other}, not both"):
            read(f"{one}={value} {other}={text[other]}")
    with pytest.raises(PomodoroError, match=f"give {one} or {other}, not both"):
        NoiseParameters(**{one: text[one], other: text[other]})


def test_all_weights_zero():
    with pytest.raises(PomodoroError, match="all weights are zero"):
        read("wc=0 wr=0 wa=0")


def test_what_the_parameters_stand_for():
    assert read("wc=1 wr=2 wa=3").weights == LevelWeights(1, 2, 3)
    assert all(read(f"preset={name}").weights == weights for name, weights in PRESETS.items())
    assert read("z=2").noise_sigma == sigma_from_z(2)
    assert read("sigma=21.6").noise_sigma == 21.6


def test_replacing_a_value_checks_it():
    assert replace(NoiseParameters(), z="2") == NoiseParameters(z=2)
    with pytest.raises(PomodoroError, match="z must be between"):
        replace(NoiseParameters(), z=9)


@pytest.mark.parametrize(("command", "spec"), FIELDS)
def test_every_parameter_is_described(command, spec):
    meta = about(spec)
    assert meta.kind in KINDS
    assert meta.help
    assert not meta.help.endswith(".")
    line = describe(spec)
    assert line.startswith(f"{spec.name} = {KINDS[meta.kind]}: {meta.help}")
    assert all(choice in line for choice in choices_of(spec))
    assert meta.unit in line
    assert choices_of(spec) or meta.kind in (str, Selection, Interval, Grid) or meta.bounds


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_in_pymols_form_and_complete(command):
    text = command.help()
    usage, _, arguments = text.partition("ARGUMENTS")
    assert usage.startswith(f"USAGE\n\n    {command.command}")
    assert all(len(line) <= 80 for line in text.splitlines())
    paragraphs = [" ".join(paragraph.split()) for paragraph in arguments.strip("\n").split("\n\n") if paragraph]
    assert len(paragraphs) == len(fields(command))
    for spec, paragraph in zip(fields(command), paragraphs):
        assert f" {spec.name}" in usage
        assert paragraph == " ".join(describe(spec).split())
        if spec.default not in (None, ""):
            (default,) = (part.rstrip("}") for part in paragraph.split("{default: ")[1:])
            assert command(**{spec.name: default}) == command()


MARKS = [*"'\"()[]{},=: \t\n-.;/\\%$", "==", "\0", "é"]
WORDS = ["z", "wc", "sigma", "frames", "preset", "range", "seed", "selection", "name", "pomnoise", "pomcolor"]
VALUES = ["0", "1", "-1", "1e9", "nan", "inf", "ms", "ratio", "0:1", "all"]


@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=100)
@given(text=st.text() | st.lists(st.sampled_from(MARKS + WORDS + VALUES)).map("".join))
@example(text="z=" + "9" * 5000)
@example(text="frames=1e308")
def test_any_text_parses_or_is_refused(command, text):
    try:
        parsed = command.from_text(text)
    except PomodoroError:
        return
    assert isinstance(parsed, command)
    assert parsed.to_text().startswith(command.command)


def test_parameters_are_frozen_and_known():
    parameters = NoiseParameters(z=1)
    with pytest.raises(FrozenInstanceError):
        parameters.z = 2
    assert parameters == NoiseParameters(z=1.0)
    with pytest.raises(TypeError, match="NoiseParameters has no parameter zz"):
        NoiseParameters(zz=1)
    assert repr(parameters).startswith("NoiseParameters(selection='', z=1.0, wc=3.0,")
