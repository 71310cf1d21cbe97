"""How the commands are typed: commas, spaces, completion, help, and a signature that is the dataclass."""

import inspect
import re
from dataclasses import fields

import pytest

FORMS = [
    "pomnoise 1hpv and chain A z=-1 wc=1 wr=4 wa=4 frames=2 seed=5",
    "pomnoise 1hpv and chain A, z=-1, wc=1, wr=4, wa=4, frames=2, seed=5",
    "pomnoise 1hpv and chain A, z=-1 wc=1, wr=4 wa=4 frames=2, seed=5",
    "pomnoise 1hpv and chain A, -1, 1, 4, 4, frames=2, seed=5",
    "pomnoise seed=5 frames=2 wa=4 wr=4 wc=1 z=-1 selection=1hpv and chain A",
    "pomnoise selection=1hpv and chain A, z=-1, preset=rb, frames=2, seed=5",
    "pomnoise 1hpv and chain A , z = -1 , wc = 1 , wr = 4 , wa = 4 , frames = 2 , seed = 5",
    "pomnoise (1hpv and chain A), z=-1, preset=rb, frames=2.0, seed=5",
    "pomnoise '1hpv and chain A', z=-1, preset=rb, frames=2, seed=5",
    "pomnoise chain A z=-1 preset='rb' frames=2 seed=5",
]

COMMANDS = (
    *("pomnoise", "pomcolor", "pomcheck", "pomtable", "pomsweep", "pomweights", "pomalign", "pomsave"),
    *("pomprecond", "pomdenoise", "pomsample", "pomsignal", "pommeasure", "pommovie", "pomtrain", "pomsurvey"),
)


@pytest.fixture(params=COMMANDS)
def command(request):
    """Each command and its parameters."""
    from pomodoro_pymol import commands
    from pomodoro_pymol.parameters import catalogue

    classes = {kind.command: kind for kind in vars(catalogue).values() if hasattr(kind, "command")}
    return getattr(commands, request.param), classes[request.param]


@pytest.fixture
def wanted(hpv, snapshot, typed):
    """What all the forms are to make."""
    typed(hpv, FORMS[0])
    return snapshot(hpv, "1hpv_noise")


@pytest.mark.parametrize("line", FORMS[1:])
def test_all_forms_are_equal(hpv, wanted, typed, snapshot, line):
    hpv.delete("1hpv_noise")
    printed = typed(hpv, line)
    assert "Error" not in printed
    assert snapshot(hpv, "1hpv_noise") == wanted


@pytest.mark.parametrize(
    "words",
    [
        "chain A and name CA",
        "resi 1-10+20 and not name C",
        "(chain A and resi 1-5) or (chain B and resi 7)",
        "b > 20 and q = 1",
        "b < 20",
        "byres polymer within 4 of organic",
        "/1hpv//A/25/CA",
        "%1hpv and chain B",
        "1hpv & c. A & n. CA+CB",
        "all",
    ],
)
def test_selections(hpv, typed, snapshot, words):
    n_atoms = hpv.count_atoms(f"1hpv and ({words})")
    assert n_atoms
    for line in (f"pomnoise {words} z=-1 frames=1", f"pomnoise {words}, z=-1, frames=1"):
        assert f": {n_atoms} atom" in typed(hpv, line)
        assert len(snapshot(hpv, "1hpv_noise")["b"]) == n_atoms


def test_a_selection_by_name_with_our_output_present(hpv, typed):
    hpv.select("site", "resi 25")
    for _ in range(2):
        assert "1hpv -> 1hpv_noise" in typed(hpv, "pomnoise site z=-1 frames=1")


@pytest.mark.parametrize("words", ["chain A", "", "all", "polymer and name CA", "1hpv"])
def test_our_own_objects_are_not_candidates(hpv, typed, words):
    first = typed(hpv, f"pomnoise {words} z=-1 frames=2")
    assert "1hpv -> 1hpv_noise" in first
    hpv.enable("1hpv")  # which the first run hid, and said so
    assert typed(hpv, f"pomnoise {words} z=-1 frames=2") == first


def test_running_again_replaces_only_our_own_object(hpv, typed, snapshot):
    typed(hpv, "pomnoise frames=2 name=one")
    typed(hpv, "pomnoise frames=2 name=two")
    hpv.copy("twin", "two")
    seen = {name: snapshot(hpv, name) for name in ("1hpv", "two", "twin")}
    typed(hpv, "pomnoise frames=5 name=one seed=9")
    assert hpv.count_states("one") == 6
    assert {name: snapshot(hpv, name) for name in seen} == seen


def test_our_own_object_can_be_named_as_source(hpv, typed):
    typed(hpv, "pomnoise frames=2")
    printed = typed(hpv, "pomnoise 1hpv_noise state=3 frames=2")
    assert "1hpv_noise -> 1hpv_noise_noise" in printed


def test_help(command, hpv, typed):
    from pomodoro_pymol.parameters.base import choices_of

    function, parameters = command
    printed = typed(hpv, f"help {function.__name__}")
    places = [printed.find(f"\n{section}\n") for section in ("DESCRIPTION", "USAGE", "EXAMPLES", "SEE ALSO")]
    assert -1 not in places
    assert places == sorted(places)
    assert max(map(len, printed.splitlines())) <= 80
    arguments = printed[printed.find("\nARGUMENTS\n") : printed.find("\nEXAMPLES\n")]
    usage = printed[printed.find("\nUSAGE\n") : printed.find("\nARGUMENTS\n")]
    for spec in fields(parameters):
        assert re.search(rf"^    {spec.name} = ", arguments, re.MULTILINE)
        assert re.search(rf"\[\s+{spec.name}=?\s+\]", usage)
        for choice in choices_of(spec):
            assert choice in arguments


def test_examples_of_the_help_run(hpv, typed):
    from pomodoro_pymol import commands

    for function in (commands.pomnoise, commands.pomcolor, commands.pomcheck):
        examples = function.__doc__.partition("EXAMPLES")[2].partition("\n\n    NOTES")[0]
        lines = [line.strip() for line in examples.splitlines() if line.strip().startswith("pom") and "," not in line]
        assert any(line.startswith(function.__name__) for line in lines)
        for line in lines:
            if line.startswith(function.__name__):
                assert " Error:" not in typed(hpv, line)


def test_signature_is_the_dataclass(command):
    function, parameters = command
    shown = inspect.signature(function).parameters
    named = {name: item for name, item in shown.items() if item.kind is item.POSITIONAL_OR_KEYWORD}
    assert {name: item.default for name, item in named.items()} == {
        spec.name: spec.default for spec in fields(parameters)
    }
    assert list(shown)[len(named) :] == ["quiet", "_self"]
    assert shown["quiet"].default == 1


@pytest.mark.parametrize("word", ["?", "help", " ? "])
def test_a_question_mark_or_help_alone_prints_the_help_and_does_nothing(word, hpv, typed):
    from pomodoro_pymol.commands.declare import _COMMANDS

    assert {function.__name__ for function, _ in _COMMANDS} > set(COMMANDS)
    for function, _ in _COMMANDS:
        wanted = typed(hpv, f"help {function.__name__}")
        assert "ARGUMENTS" in wanted or function.__name__ == "pompanel"
        assert typed(hpv, f"{function.__name__} {word}") == wanted
    assert hpv.get_names("all") == ["1hpv"]


def test_a_question_mark_in_a_script_prints_the_help(hpv, typed, tmp_path):
    script = tmp_path / "ask.pml"
    script.write_text("pomnoise ?\npomalign ?\ncount_atoms all\n")
    printed = typed(hpv, f"@{script}")
    assert printed.count("DESCRIPTION") == printed.count("\nUSAGE\n") == 2
    assert "count_atoms:" in printed
    assert hpv.get_names("all") == ["1hpv"]


def test_help_is_a_name_where_something_has_it(hpv, typed):
    hpv.select("help", "chain A")
    assert "1hpv -> 1hpv_noise" in typed(hpv, "pomnoise help, frames=1")
    hpv.enable("1hpv")
    assert "1hpv -> 1hpv_noise" in typed(hpv, "pomnoise help")


def test_commands_of_pymol_keep_their_line_of_usage(hpv, typed):
    from pymol import parsing

    from pomodoro_pymol import commands

    for _ in range(3):
        commands.register(hpv)
    assert typed(hpv, "load ?").startswith("Usage: load filename [")
    assert not hasattr(parsing.dump_arg.theirs, "theirs")  # ours stands before PyMOL's own, once


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("pomno", "pomnoise "),
        ("pomnoise fra", "pomnoise frames="),
        ("pomnoise 1hpv, pre", "pomnoise 1hpv, preset="),
        ("pomnoise 1hpv, preset=f", "pomnoise 1hpv, preset=flat"),
        ("pomnoise 1hpv, z=0, metric=scr", "pomnoise 1hpv, z=0, metric=scramble"),
        ("pomnoise 1hpv, z=0, wc=3, palette=civ", "pomnoise 1hpv, z=0, wc=3, palette=cividis"),
        ("pomnoise 1hp", "pomnoise 1hpv"),
        ("pomnoise 1hpv, device=cp", "pomnoise 1hpv, device=cpu"),
        ("pomcolor metric=dis", "pomcolor metric=displacement"),
        ("pomcolor 1hpv, pal", "pomcolor 1hpv, palette="),
        ("pommeasure 1hp", "pommeasure 1hpv"),
        ("pomtrain 1hpv, scaling=le", "pomtrain 1hpv, scaling=levels"),
        ("pommovie film.gif, ba", "pommovie film.gif, back="),
        ("pomsurvey survey.parquet, fig", "pomsurvey survey.parquet, figure="),
        ("pommeasure 1hpv, tru", "pommeasure 1hpv, truth="),
        ("pommeasure 1hpv, 1hpv, state=1, fit=0, metric=scr", "pommeasure 1hpv, 1hpv, state=1, fit=0, metric=scramble"),
    ],
)
def test_completion(hpv, text, completed):
    # PyMOL adds a comma or a space of its own after a whole word.
    assert hpv._parser.complete(text).rstrip(", ") == completed.rstrip()


def test_quiet_prints_nothing(hpv, capfd):
    from pomodoro_pymol.commands import pomcheck, pomcolor, pomnoise

    pomnoise(frames=1, _self=hpv)
    pomcolor(_self=hpv)
    pomcheck(_self=hpv)
    assert capfd.readouterr() == ("", "")


def test_pomcheck(hpv, typed):
    printed = typed(hpv, "pomcheck")
    for word in ("PyMOL", "Python", "numpy", "torch", "scipy", "devices", "NumPy in PyMOL"):
        assert re.search(rf"^ {word} +\S", printed, re.MULTILINE)
    assert hpv.get_names("all") == ["1hpv"]


def test_pomcheck_changes_nothing(hpv, typed, session, differences):
    before = session(hpv)
    typed(hpv, "pomcheck")
    assert differences(before, session(hpv)) == []


def test_registering_again_does_no_harm(hpv, typed):
    from pomodoro_pymol import commands

    commands.register(hpv)
    assert "1hpv -> 1hpv_noise" in typed(hpv, "pomnoise frames=1")
