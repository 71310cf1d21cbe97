"""pomcompare: an object per scheme, of one draw, in a grid, under one key; whatever ends it, the scene is as before."""

import os
import signal
import sys

import numpy as np
import pytest

from pomodoro_pymol.utils import memory

PLAIN = "pomcompare plain, frames=2"
FIRST = ("plain_flat", "plain_ms", "plain_rb", "plain_3-8-1")
STORE = "pomodoro_compare"


@pytest.fixture
def session(session):
    """The session as of tests/conftest.py, but for what no one sees: which entries settings of atoms have, and that
    the frame is an entry at all."""

    def take(cmd):
        cmd.frame(cmd.get_frame())
        whole = session(cmd)
        whole.pop("unique_settings", None)
        return whole

    return take


@pytest.fixture
def plain(cmd, read_pdb, monkeypatch, tmp_path):
    """A small protein in a session with much else: hidden and shown objects, groups, a selection, a view."""
    monkeypatch.chdir(tmp_path)
    read_pdb(cmd, "plain")
    cmd.fab("GG", "other")
    cmd.fab("GG", "lone")
    cmd.fab("GG", "grouped")
    cmd.group("things", "other grouped")
    cmd.disable("other")
    cmd.distance("gap", "first plain", "last plain")
    cmd.select("site", "plain and resi 2")
    cmd.turn("y", 33)
    return cmd


@pytest.fixture
def compared(plain, typed, session):
    """A PyMOL with a comparison, and the session before."""
    before = session(plain)
    printed = typed(plain, PLAIN)
    assert "Error" not in printed, printed
    return plain, before


def keys(cmd):
    """Return the keys and titles, and the lines of text of each."""
    from pomodoro_pymol.viewer.store import is_key

    found = {}
    for name in cmd.get_names("objects"):
        if is_key(name, _self=cmd):
            found[name] = []
            cmd.iterate(name, "put(label)", space={"put": found[name].append})
    return found


def enabled(cmd):
    return set(cmd.get_names("public_objects", enabled_only=1))


def slot(cmd, name):
    return cmd.get_setting_int("grid_slot", name)


@pytest.mark.parametrize(
    ("words", "presets"),
    [("", "flat+ms+rb+3-8-1"), ("metric=ratio", "flat+3-8-1+1:1:15"), ("z=-1 seed=4 state=1 law=af3", "ms+flat")],
)
def test_each_object_is_what_pomnoise_makes_of_the_seed(plain, snapshot, words, presets):
    from pomodoro_pymol.commands import pomcompare, pomnoise

    named = dict(pair.split("=") for pair in words.split())
    comparison = pomcompare("plain", frames=2, presets=presets, **named, _self=plain)
    assert len(comparison.cells) == len(presets.split("+"))
    for word, cell in zip(presets.split("+"), comparison.cells):
        chain, _, rest = word.partition(":")
        scheme = dict(zip(("wc", "wr", "wa"), word.split(":"))) if rest else {"preset": chain}
        result = pomnoise("plain", frames=2, name="own", **named, **scheme, _self=plain)
        assert snapshot(plain, cell.name)["coords"] == snapshot(plain, "own")["coords"]
        assert cell.result.parameters.weights == result.parameters.weights
        assert snapshot(plain, cell.name)["colors"] == snapshot(plain, "own")["colors"]


def test_cells_hold_the_objects_and_a_title_each_under_one_key(compared):
    cmd, _ = compared
    shown = [f"{name}_direction" for name in FIRST]
    titles = [f"{name}_title" for name in FIRST]
    assert enabled(cmd) == {*shown, *titles, "plain_flat_key"}
    assert set(keys(cmd)) == {*titles, "plain_flat_key"}
    assert [slot(cmd, name) for name in shown] == [1, 2, 3, 4]
    assert [slot(cmd, name) for name in titles] == [1, 2, 3, 4]
    assert slot(cmd, "plain_flat_key") == 0  # in the whole picture
    assert cmd.get_setting_int("grid_mode") == 1
    assert cmd.get_state() == 2
    assert {cmd.count_states(name) for name in (*FIRST, *shown)} == {3}


def test_the_key_is_on_the_edge_whatever_other_keys_there_are(plain, typed):
    """No other is in sight: of what pomnoise made before, or of a comparison that this one replaces."""
    heights = []
    typed(plain, "pomnoise plain, frames=1")
    for words in ("metric=ratio", "", "metric=lddt"):
        typed(plain, f"{PLAIN}, {words}")
        places: list = []
        space = {"put": places.append}
        plain.iterate_state(1, "plain_flat_key", "put(s.label_screen_point[1])", space=space)
        heights.append((min(places), max(places)))
    for low, high in heights:
        assert -1 < low < -0.9
        assert high < -0.8


def test_frames_are_shown_where_the_metric_is_of_residues(plain, typed):
    typed(plain, f"{PLAIN}, metric=ratio presets=flat+3-8-1 truth=1")
    frames = ["plain_flat", "plain_3-8-1"]
    truths = [f"{name}_truth" for name in frames]
    assert enabled(plain) == {*frames, *truths, *(f"{name}_title" for name in frames), "plain_flat_key"}
    assert [slot(plain, name) for name in frames] == [slot(plain, name) for name in truths] == [1, 2]
    assert not any(name.endswith("_direction") for name in plain.get_names("all"))


@pytest.mark.parametrize("rep", ["sticks", "lines", "cartoon"])
def test_rep(plain, typed, rep):
    typed(plain, f"{PLAIN}, metric=ratio presets=flat+3-8-1 rep={rep}")
    for name in ("plain_flat", "plain_3-8-1"):
        assert plain.count_atoms(f"{name} and rep {rep}") == plain.count_atoms(name)


def test_titles_say_the_closed_form(plain):
    """Shares of a chain of three residues of four atoms, worked out from the weights by hand."""
    from pomodoro_pymol.commands import pomcompare

    pomcompare("plain", frames=2, presets="flat+3-8-1+1:1:15", _self=plain)
    lines = keys(plain)
    for name, weights in {"flat": (0, 0, 1), "3-8-1": (3, 8, 1), "1:1:15": (1, 1, 15)}.items():
        wc, wr, wa = weights  # variances
        # The means of what is below are of the level above: of 12 atoms, of 3 residues, of 4 atoms.
        chain = wc + wr / 3 + wa / 12
        residue = (wr + wa / 4) * (1 - 1 / 3)
        atom = wa * (1 - 1 / 4)
        total = chain + residue + atom
        title, words = lines[f"plain_{name.replace(':', '_')}_title"]
        shares = [f"{100 * part / total:.0f} %" for part in (chain, residue, atom)]
        assert words == "{} chains, {} residues, {} atoms".format(*shares)
        assert title == ("1:1:15" if ":" in name else f"{name}  {':'.join(map(str, weights))}")


@pytest.mark.parametrize("words", ["", "range=0.2:0.7", "range=auto", "metric=displacement range=auto"])
def test_one_range_for_all(hpv, words):
    from pomodoro_pymol.commands import pomcompare

    words = words if "metric" in words else f"metric=ratio {words}"
    named = dict(pair.split("=") for pair in words.split())
    comparison = pomcompare("chain A", frames=2, **named, _self=hpv)
    scales = [cell.coloring.scale for cell in comparison.cells]
    assert len({(scale.low, scale.high) for scale in scales}) == 1
    low, high = scales[0].low, scales[0].high
    if named.get("range") == "auto":
        values = np.concatenate([cell.result.metric(named["metric"]) for cell in comparison.cells])
        assert (low, high) == pytest.approx(tuple(np.percentile(values, [2, 98])))
        assert "signal" in comparison.report()
    else:
        assert (low, high) == ((0.2, 0.7) if "range" in named else (0, 1))
    for cell in comparison.cells:
        labels: list = []
        hpv.iterate(cell.name, "put((resi, color))", space={"put": labels.append})
        values = cell.result.metric(named["metric"])
        rows = cell.result.structure.residues["resi"].tolist()
        wanted = (0x40000000 | scales[0].rgb(values)).tolist()
        assert all(color == wanted[rows.index(resi)] for resi, color in labels)


def test_off_leaves_the_session_as_before(compared, typed, session, differences):
    cmd, before = compared
    printed = typed(cmd, "pomcompare off")
    assert printed == " pomcompare: 13 objects are gone, all else is as it was before"
    assert differences(before, session(cmd)) == []


@pytest.mark.parametrize(
    "words", ["metric=ratio", "metric=ratio truth=1", "presets=flat+1:1:15 metric=ratio figure=x.png", "truth=1"]
)
def test_off_after_other_words(plain, typed, session, differences, words):
    before = session(plain)
    assert "Error" not in typed(plain, f"{PLAIN}, {words}")
    plain.frame(3)
    plain.turn("x", 20)
    assert "Error" not in typed(plain, "pomcompare off")
    assert differences(before, session(plain)) == []


@pytest.mark.parametrize("place", ["chain A", "grouped", "hidden", "user's grid"])
def test_sources_of_other_kinds(hpv, typed, session, differences, place):
    if place == "grouped":
        hpv.fab("GG", "friend")
        hpv.group("pair", "1hpv friend")
    elif place == "hidden":
        hpv.disable("1hpv")
    elif place == "user's grid":
        hpv.set("grid_mode", 2)
        hpv.set("grid_slot", 3, "1hpv")
    before = session(hpv)
    line = "pomcompare chain A and resi 1-20 and 1hpv, frames=2 metric=ratio presets=flat+ms"
    assert "Error" not in typed(hpv, line if place != "chain A" else line.replace(" and 1hpv", ""))
    assert hpv.count_atoms("1hpv_flat") == hpv.count_atoms("1hpv and chain A and resi 1-20")
    assert "1hpv" not in enabled(hpv)
    assert "Error" not in typed(hpv, "pomcompare off")
    assert differences(before, session(hpv)) == []


def test_a_frame_beyond_the_frames(cmd, load_source, typed):
    """Where the source has more states than the comparison, a state is shown that it has."""
    load_source("ensemble", cmd)
    cmd.frame(15)
    typed(cmd, "pomcompare frames=2 presets=flat+ms metric=ratio")
    assert cmd.get_state() == 2
    typed(cmd, "pomcompare off")
    assert cmd.get_state() == 15


def test_again_with_others_and_off_is_still_the_first_scene(compared, typed, session, differences):
    cmd, before = compared
    for words in ("metric=ratio", "presets=2-6-2+flat", "presets=flat+1:1:15 metric=lddt truth=1", ""):
        cmd.turn("x", 10)
        assert "Error" not in typed(cmd, f"{PLAIN}, {words}")
    made = [name for name in cmd.get_names("all") if name.startswith("plain_")]
    assert len(made) == 13
    typed(cmd, "pomcompare off")
    assert differences(before, session(cmd)) == []


def test_off_without_a_comparison(plain, typed, refused):
    refused(plain, "pomcompare off", "there is no comparison")
    typed(plain, PLAIN)
    typed(plain, "pomcompare off")
    refused(plain, "pomcompare off", "there is no comparison")


def test_off_takes_nothing_else(compared, refused):
    refused(compared[0], "pomcompare off, frames=3", "pomcompare off takes nothing else")


USERS = {
    # what is typed, and what it makes
    "fab GG, plain_flat": "plain_flat",
    "fab GG, PLAIN_FLAT": "PLAIN_FLAT",
    "fab GG, plain_ms_key": "plain_ms_key",
    "select plain_rb_title, plain": "plain_rb_title",
    "fab GG, plain_flat_direction": "plain_flat_direction",
    "fab GG, plain_3-8-1_truth": "plain_3-8-1_truth",
    "group plain_ms, other": "plain_ms",
    "pomnoise plain, frames=1 name=plain_flat": "plain_flat",
    "pomnoise plain, frames=1 metric=direction name=plain_ms": "plain_ms",
}


@pytest.mark.parametrize("line", USERS)
def test_names_in_use_are_refused(plain, typed, refused, line):
    typed(plain, line)
    refused(plain, PLAIN, f"{USERS[line]} exists, and is not of a comparison")


@pytest.mark.parametrize("line", USERS)
def test_names_in_use_are_refused_where_a_comparison_stands(plain, typed, refused, line):
    typed(plain, "pomcompare plain, frames=2 presets=2-6-2 metric=ratio")
    typed(plain, line)
    refused(plain, PLAIN, "exists, and is not of a comparison")
    typed(plain, "pomcompare off")
    assert USERS[line] in plain.get_names("all")


def test_what_a_user_made_in_place_of_an_object_stays(compared, typed, snapshot):
    cmd, _ = compared
    cmd.delete("plain_flat plain_ms plain_ms_title plain_rb_title")
    typed(cmd, "pomnoise plain, frames=1 metric=direction name=plain_flat")
    cmd.fab("GG", "plain_ms")
    cmd.fab("GG", "plain_ms_title")
    cmd.set_name("plain_3-8-1", "mine")
    kept = ["plain_flat", "plain_flat_direction", "plain_flat_key", "plain_ms", "plain_ms_title"]
    seen = {name: snapshot(cmd, name) for name in (*kept, "mine")}
    typed(cmd, "pomcompare off")
    assert sorted(name for name in cmd.get_names("objects") if name.startswith("plain_")) == kept
    assert {name: snapshot(cmd, name) for name in seen} == seen


def test_what_other_commands_did_to_the_objects_goes_too(compared, typed, session, differences):
    cmd, before = compared
    typed(cmd, "pomcolor plain_ms, metric=ratio")
    typed(cmd, "pomcolor plain_rb, palette=magma metric=lddt")
    typed(cmd, "pomcompare off")
    assert differences(before, session(cmd)) == []


def test_an_object_of_the_comparison_is_no_source(compared, refused):
    refused(compared[0], "pomcompare plain_flat, frames=2", "plain_flat is of the comparison that this one replaces")


def test_two_schemes_of_one_name(plain, refused, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".pymol").mkdir()
    (tmp_path / ".pymol" / "pomodoro_presets.json").write_text('{"Flat": [1, 2, 3]}')
    refused(plain, f"{PLAIN}, presets=flat+Flat", "two schemes would make one object")


def test_schemes_of_two_devices_are_no_comparison(plain, refused, typed, monkeypatch):
    """As where the memory of a card sufficed for the first alone: the noise of others is other noise."""
    from pomodoro_pymol.experiments import noise

    names = iter(["cuda (NVIDIA H200)", "cpu"])
    monkeypatch.setattr(noise, "device_name", lambda device: next(names))
    line = "plain_ms was drawn on cpu, and plain_flat on cuda (NVIDIA H200), so that they cannot be compared: "
    refused(plain, PLAIN, f"{line}use device=cpu")
    monkeypatch.setattr(noise, "device_name", lambda device: "cuda (NVIDIA H200)")
    assert "\n note: computed on cuda (NVIDIA H200)\n" in typed(plain, PLAIN)


BAD = {
    "presets=flat+nosuch": "nosuch",
    "presets=flat+1:2": "weight scheme",
    "metric=rato": "",
    "frames=0": "",
    "z=1 sigma=2": "",
    "figure=x.jpg": "figure must end in",
    "figure=absent/x.png": "absent",
    "selection=nosuch": "",
    "selection=all": "objects match",
    "range=1:0": "",
}


@pytest.mark.parametrize("stands", [False, True])
def test_what_is_refused_changes_nothing(plain, typed, refused, stands, monkeypatch):
    if stands:
        typed(plain, f"{PLAIN}, metric=ratio")
    for words, message in BAD.items():
        refused(plain, f"pomcompare {words}" if "selection" in words else f"pomcompare plain, {words}", message)
    monkeypatch.setattr(memory, "available", lambda: 2**10)
    refused(plain, PLAIN, "12 states of 12 atoms needs about")


def test_memory_is_asked_for_all_of_it(hpv, typed, monkeypatch):
    asked: list = []
    monkeypatch.setattr(memory, "require", lambda needed, _: asked.append(needed))
    peaks = {}
    for presets in ("flat", "flat+ms"):
        for metric in ("ratio", "direction"):
            asked.clear()
            typed(hpv, f"pomcompare frames=9 presets={presets} metric={metric}")
            peaks[presets, metric] = max(asked)
    assert peaks["flat+ms", "ratio"] == pytest.approx(2 * peaks["flat", "ratio"], rel=0.2)
    assert peaks["flat+ms", "direction"] == 2 * peaks["flat", "direction"]
    assert peaks["flat", "direction"] > peaks["flat", "ratio"] + 10 * 300 * hpv.count_atoms("1hpv_flat") - 1


STEPS = [
    ("pomodoro_pymol.jobs.compare", "_common_range"),
    ("pomodoro_pymol.viewer.publishing", "publish"),
    ("pomodoro_pymol.viewer.key", "_put"),
    ("pomodoro_pymol.viewer.grid", "lay_out"),
    ("pomodoro_pymol.viewer.grid", "look_at"),
    ("pomodoro_pymol.viewer.key", "show_label"),
    ("pomodoro_pymol.viewer.grid", "remember"),
    ("pomodoro_pymol.experiments.outputs", "write_figure"),
]


@pytest.mark.parametrize(("kind", "stands"), [(MemoryError, False), (KeyboardInterrupt, True)])
def test_a_failure_at_any_step_leaves_the_session_as_before(plain, typed, session, differences, kind, stands):
    """The second time that each is called, and where it is called once, that time; a comparison that stands stays."""
    from pomodoro_pymol.commands import pomcompare
    from pomodoro_pymol.errors import PomodoroError
    from pomodoro_pymol.viewer.host import CmdException

    if stands:
        typed(plain, f"{PLAIN}, presets=flat+ms truth=1")
        plain.turn("x", 10)
    before = session(plain)
    for module, name in STEPS:
        with pytest.MonkeyPatch.context() as patch:
            real = getattr(sys.modules[module], name)
            calls: list = []

            def fail(*given, real=real, calls=calls, once=name in ("_common_range", "lay_out"), **named):
                calls.append(1)
                made = real(*given, **named)
                if once or len(calls) == 2 or real.__name__ in ("look_at", "remember", "write_figure"):
                    raise kind
                return made

            for place in list(sys.modules.values()):
                if getattr(place, name, None) is real and getattr(place, "__name__", "").startswith("pomodoro"):
                    patch.setattr(place, name, fail)
            with pytest.raises((CmdException, PomodoroError, KeyboardInterrupt)):
                pomcompare("plain", frames=2, metric="ratio", range="auto", figure="x.png", _self=plain)
            assert calls, name
        assert differences(before, session(plain)) == [], name
    typed(plain, "pomcompare off")


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize("stands", [False, True])
def test_ctrl_c_in_the_middle(plain, typed, session, differences, monkeypatch, stands):
    from pomodoro_pymol.commands import compare, pomcompare

    if stands:
        typed(plain, f"{PLAIN}, metric=ratio")
    before = session(plain)
    monkeypatch.setattr(compare, "progress", lambda *_: lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        pomcompare("plain", frames=2, _self=plain)
    assert differences(before, session(plain)) == []


def test_a_reopened_session_ends_it(compared, typed, new_instance, tmp_path):
    cmd, _ = compared
    path = str(tmp_path / "saved.pse")
    cmd.save(path)
    other = new_instance()
    other.load(path)
    assert "13 objects are gone" in typed(other, "pomcompare off")
    typed(cmd, "pomcompare off")
    assert other.get_names("all") == cmd.get_names("all")
    assert enabled(other) == enabled(cmd)
    assert other.get_view() == pytest.approx(cmd.get_view())
    assert other.get_setting_int("grid_mode") == 0
    assert other.get_frame() == 1


def damages():
    """Return what a session may hold in place of what we wrote."""
    whole = {"objects": ["plain"], "labels": ["plain"], "enabled": ["lone"], "view": [0.0] * 18, "grid_mode": 0}
    whole["frame"] = 1
    damaged = [None, 3, "x", [], {}, {"objects": ["plain"]}, {**whole, "view": [0.0] * 17}]
    for key in whole:
        damaged += [{**whole, key: value} for value in (None, "all", [None], {"plain": 1}, float("nan"))]
        damaged.append({other: whole[other] for other in whole if other != key})
    damaged += [{**whole, key: value} for key in ("frame", "grid_mode") for value in (10**30, -1, True, 1.5)]
    damaged += [{**whole, "view": [value] * 18} for value in (float("nan"), float("inf"), "0", 10**400)]
    return damaged


def test_a_damaged_store_is_as_if_not_there(plain, typed, refused, session, differences):
    before = session(plain)
    for value in damages():
        setattr(plain._pymol.session, STORE, value)
        refused(plain, "pomcompare off", "there is no comparison")
    assert "Error" not in typed(plain, f"{PLAIN}, presets=flat metric=ratio")
    typed(plain, "pomcompare off")
    assert differences(before, session(plain)) == []


def test_a_doctored_store_deletes_nothing(plain, typed):
    """It names a user's objects, and one that another command of ours made."""
    typed(plain, "pomnoise plain, frames=1")
    there = plain.get_names("all")
    names = [*there, "all", "*", "", "no such"]
    view = [float(number) for number in plain.get_view()]
    store = {"objects": names, "labels": names, "enabled": names, "view": view, "grid_mode": 0, "frame": 1}
    setattr(plain._pymol.session, STORE, store)
    kept = [name for name in there if name != "plain_noise_key"]
    assert "Error" not in typed(plain, "pomcompare off")
    assert [name for name in kept if name not in plain.get_names("all")] == []


def test_two_instances(plain, typed, new_instance, read_pdb, session, differences):
    other = new_instance()
    read_pdb(other, "plain")
    before, second = session(plain), session(other)
    typed(plain, PLAIN)
    assert differences(second, session(other)) == []
    typed(other, f"{PLAIN}, metric=ratio presets=ms+flat")
    assert plain.get_setting_int("grid_mode") == other.get_setting_int("grid_mode") == 1
    typed(plain, "pomcompare off")
    assert differences(before, session(plain)) == []
    assert "plain_ms" in other.get_names("objects")
    typed(other, "pomcompare off")
    assert differences(second, session(other)) == []


@pytest.mark.parametrize("metric", ["direction", "ratio"])
def test_figure(plain, typed, session, differences, tmp_path, metric):
    imread = pytest.importorskip("matplotlib.image").imread
    typed(plain, f"{PLAIN}, metric={metric}")
    whole = session(plain)
    assert "Error" not in typed(plain, f"{PLAIN}, metric={metric} figure=x.png")
    assert [text for text in differences(whole, session(plain)) if "/settings" in text] == []
    picture = imread(tmp_path / "x.png")[..., :3]
    height, width = picture.shape[:2]
    vivid = np.ptp(picture, axis=2) > 0.15
    for rows in (slice(0, height // 2), slice(height // 2, height)):
        for columns in (slice(0, width // 2), slice(width // 2, width)):
            assert vivid[rows, columns].mean() > 0.005
    for suffix, start in ((".svg", b"<?xml"), (".pdf", b"%PDF")):
        assert "Error" not in typed(plain, f"{PLAIN}, presets=flat+ms metric={metric} figure=x{suffix}")
        content = (tmp_path / f"x{suffix}").read_bytes()
        assert content.startswith(start)
        assert len(content) > 10_000


def test_figure_without_matplotlib(plain, refused, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("pomodoro_pymol.jobs.compare.NoiseRun", None)  # before any work
    refused(plain, f"{PLAIN}, figure=x.png", "matplotlib")
