"""The key on the screen: colours in order, title and numbers, off the atoms, one in a grid; and no structure."""

from __future__ import annotations

import re
from pathlib import Path

import masks
import numpy as np
import pytest

SESSION = str(Path(__file__).parents[1] / "data" / "session-0.1.0.pze")
SIX = [
    ("+x", (1.0, 0.0, 0.0)),
    ("-x", (0.5, 0.0, 0.0)),
    ("+y", (0.0, 1.0, 0.0)),
    ("-y", (0.0, 0.5, 0.0)),
    ("+z", (0.0, 0.0, 1.0)),
    ("-z", (0.0, 0.0, 0.5)),
]


@pytest.fixture(params=["1hpv_noise", "2juy_noise"])
def made(request, cmd, load_source, typed):
    """A PyMOL that shows noise of 1 A as it comes, and the noise's name."""
    load_source("waters" if request.param == "1hpv_noise" else "ensemble", cmd)
    assert "Error" not in typed(cmd, "pomnoise z=-1 frames=4")
    return cmd, request.param


@pytest.fixture
def picture(tmp_path):
    """A function that ray-traces what PyMOL shows, and returns the pixels, shape=(height, width, 3)."""

    def take(cmd, size=(640, 480), background="black"):
        path = str(tmp_path / "seen.png")
        cmd.set("ray_opaque_background", 1)
        cmd.set("ray_shadows", 0)
        cmd.bg_color(background)
        cmd.png(path, *size, ray=1, quiet=1)
        return masks.pixels(path)

    return take


def texts(cmd, name):
    """Return the texts of a key."""
    from pomodoro_pymol.viewer.key import BLOCK

    found: list[str] = []
    cmd.iterate(f"%{name}", "put(label)", space={"put": found.append})
    return [text for text in found if text.strip(f" {BLOCK}")]


def view(cmd, line):
    """Return the view that a line leads to; the view stays."""
    before = cmd.get_view()
    cmd.do(line)
    found = cmd.get_view()
    cmd.set_view(before)
    return found


@pytest.mark.parametrize("background", ["black", "white"])
@pytest.mark.parametrize("size", [(640, 480), (1200, 600)])
def test_the_strip_has_its_colours_in_order_and_text_below_it(made, picture, background, size):
    cmd, name = made
    cmd.disable(name)
    cmd.disable(cmd.get_names()[0])
    found = masks.strip(picture(cmd, size, background))
    assert found["ends"] == [pytest.approx(end, abs=12) for end in masks.VIRIDIS_ENDS]
    assert found["ascending"]
    assert found["width"] > 0.3
    # Rows of numbers and of the title, in what stands out from the background, within the lowest tenth.
    assert found["rows below"] == 2
    assert found["top"] > 0.88


def test_the_texts_are_title_ends_and_round_numbers(made, typed):
    cmd, name = made
    for metric, title in (
        ("ratio", "residue rms / atom rms"),
        ("displacement", "residue rms, A per coordinate"),
        ("scramble", "residue displacement relative to chain in space / 3.8 A"),
    ):
        typed(cmd, f"pomcolor metric={metric} range=0.11:1.93")
        assert sorted(texts(cmd, f"{name}_key")) == sorted([title, "0.1", "0.5", "1.0", "1.5", "1.9"])


@pytest.mark.parametrize("line", ["zoom", "zoom {}", "orient", "orient {}"])
def test_no_atom_is_drawn_under_it(made, picture, line):
    cmd, name = made
    cmd.disable(cmd.get_names()[0])
    cmd.do(line.format(name))
    cmd.disable(f"{name}_key")
    atoms = picture(cmd).max(2) > 12
    cmd.enable(f"{name}_key")
    cmd.disable(name)
    key = picture(cmd).max(2) > 12
    assert atoms.sum() > 5000
    assert key.sum() > 3000
    assert not (atoms & key).any()


def test_a_reopened_session_shows_the_same_with_us_and_without(made, new_instance, bare, picture, tmp_path):
    cmd, name = made
    cmd.save(str(tmp_path / "saved.pse"))
    cmd.disable(cmd.get_names()[0])
    before = picture(cmd)
    for other in (new_instance(), bare):
        other.load(str(tmp_path / "saved.pse"))
        other.disable(other.get_names()[0])
        assert (abs(picture(other) - before.astype(int)) > 40).mean() < 1e-3
        assert texts(other, f"{name}_key") == texts(cmd, f"{name}_key")


def test_two_instances_have_keys_of_their_own(made, new_instance, load_source, typed):
    cmd, name = made
    other = new_instance()
    load_source("waters", other)
    typed(other, "pomnoise metric=displacement frames=2 name=apart")
    assert "residue rms, A per coordinate" in texts(other, "apart_key")
    assert "residue rms / atom rms" in texts(cmd, f"{name}_key")
    assert "apart_key" not in cmd.get_names()


@pytest.mark.parametrize("kind", ["ttt", "state matrix", "both matrices", "ensemble", "hetero"])
def test_views_do_not_heed_it(cmd, load_source, typed, kind):
    source = load_source(kind, cmd)
    assert "Error" not in typed(cmd, source.line("z=-1 frames=3"))
    lines = ("zoom", "orient", "center", "zoom all, state=1")
    found, extent = [view(cmd, line) for line in lines], cmd.get_extent("(all)")
    cmd.delete(f"{source.object}_noise_key")
    assert cmd.get_extent("(all)") == extent
    for line, one in zip(lines, found):
        assert one == pytest.approx(view(cmd, line), abs=1), line  # of 100 A or more


def test_it_is_no_structure(made, typed):
    from pomodoro_pymol.viewer import store

    cmd, name = made
    source = cmd.get_names()[0]
    assert store.source_objects(_self=cmd) == [source]
    assert f" {source} -> " in typed(cmd, "pomnoise all, frames=1 name=again")
    assert "has no atoms" in typed(cmd, f"pomnoise {name}_key, frames=1 name=never")
    cmd.set_name(f"{name}_key", "renamed")
    cmd.delete(name)
    assert f" {source} -> " in typed(cmd, "pomnoise frames=1")
    assert store.source_objects(_self=cmd) == [source]


def test_a_click_on_it_picks_no_atom(made):
    cmd, name = made
    assert cmd.count_atoms(f"%{name}_key and not masked") == 0
    assert cmd.count_atoms("masked") == cmd.count_atoms(f"%{name}_key")


def test_a_key_that_was_hidden_stays_so_and_takes_no_place_of_anothers(made, typed):
    cmd, name = made
    cmd.disable(f"{name}_key")
    typed(cmd, "pomcolor metric=displacement")
    assert f"{name}_key" not in cmd.get_names(enabled_only=1)
    cmd.delete(f"{name}_key")
    cmd.pseudoatom(f"{name}_key", pos=[1.0, 2.0, 3.0], label="mine")
    for _ in range(2):
        typed(cmd, "pomcolor")
    assert texts(cmd, f"{name}_key") == ["mine"]
    assert len([other for other in cmd.get_names() if other.startswith(f"{name}_key")]) == 2


def test_a_key_that_a_deleted_object_left_is_taken_over_in_any_state(made, typed):
    cmd, name = made
    cmd.frame(3)
    cmd.delete(name)
    assert "Error" not in typed(cmd, "pomnoise frames=4")
    typed(cmd, "pomcolor metric=displacement")
    assert [other for other in cmd.get_names() if "key" in other] == [f"{name}_key"]
    assert "residue rms, A per coordinate" in texts(cmd, f"{name}_key")
    assert cmd.count_states(f"{name}_key") == 1


def test_keys_of_two_objects_stand_above_each_other(made, typed, picture):
    cmd, name = made
    typed(cmd, "pomnoise frames=1 name=second")
    typed(cmd, "pomcolor second, palette=cividis")
    cmd.disable("all")
    seen = []
    for shown in (f"{name}_key", "second_key"):
        cmd.enable(shown)
        seen.append(picture(cmd).max(2) > 12)
        cmd.disable(shown)
    assert not (seen[0] & seen[1]).any()
    assert masks.strip(np.repeat(seen[1][..., None] * np.uint8(255), 3, 2))["top"] > 0.75
    cmd.delete(f"{name}_key")
    typed(cmd, "pomcolor second")
    cmd.enable("second_key")
    assert masks.strip(picture(cmd))["top"] > 0.88


def test_the_ramp_of_a_session_of_version_0_1_0_is_replaced(cmd, typed):
    cmd.load(SESSION)
    assert cmd.get_type("pept_noise_key") == "object:ramp"
    assert "Error" not in typed(cmd, "pomcolor pept_noise")
    assert "residue rms / atom rms" in texts(cmd, "pept_noise_key")
    assert [name for name in cmd.get_names() if cmd.get_type(name) == "object:ramp"] == []


def test_a_session_is_loaded_where_ramps_were_deleted(cmd, tmp_path):
    """PyMOL 2.5 aborts on two empty places in its list of ramps; what a later ramp colours keeps its colour."""
    cmd.pseudoatom("one")
    for number in range(3):
        cmd.ramp_new(f"ramp{number}", "none", [1.0, 2.0], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], quiet=1)
    cmd.color("ramp2", "one")
    cmd.delete("ramp0 ramp1")
    cmd.save(str(tmp_path / "saved.pse"))
    cmd.load(str(tmp_path / "saved.pse"))
    colors = []
    cmd.iterate("one", "put(color)", space={"put": colors.append})
    assert colors == [cmd.get_color_index("ramp2")]


def test_text_is_shown_as_it_is(made):
    from pomodoro_pymol.viewer import key

    cmd, name = made
    title = "a'b\"; quit \\n %s [c] (d)"
    assert key.show_swatches(name, SIX, title, {"plain": 1}, _self=cmd) == f"{name}_key"
    assert sorted(texts(cmd, f"{name}_key")) == sorted([title, "+x", "-x", "+y", "-y", "+z", "-z"])
    assert cmd._pymol.session.pomodoro[name]["colors"] == {"plain": 1}


def test_swatches_stand_side_by_side(made, picture):
    from pomodoro_pymol.viewer import key

    cmd, name = made
    key.show_swatches(name, SIX, "direction", {}, _self=cmd)
    cmd.disable(name)
    cmd.disable(cmd.get_names()[0])
    seen = picture(cmd).astype(int)
    middles = []
    for _, color in SIX:
        where = (abs(seen - np.array(color) * 255).max(2) < 30) & (seen.max(2) > 60)
        assert where.sum() > 150
        middles.append(np.nonzero(where)[1].mean())
    assert middles == sorted(middles)
    assert min(np.diff(middles)) > 40


def in_cells(seen):
    """Return which of the four cells of a picture have something in them."""
    height, width = seen.shape[0] // 2, seen.shape[1] // 2
    return [
        bool(seen[row : row + height, column : column + width].any()) for row in (0, height) for column in (0, width)
    ]


def test_four_objects_in_a_grid_have_one_key_and_titles_of_their_own(made, picture):
    from pomodoro_pymol.viewer import key

    cmd, name = made
    if tuple(map(int, re.findall(r"\d+", cmd.get_version()[0])[:2])) < (3, 0):
        pytest.skip("without a window this PyMOL draws no grid")
    cmd.disable("all")
    for cell in range(1, 5):
        cmd.create(f"part{cell}", f"%{name}", 1, 1)
        cmd.set("grid_slot", cell, f"part{cell}")
        assert key.show_label(f"part{cell}", f"{cell}\n{cell} of 4", cell, _self=cmd) == f"part{cell}_title"
    cmd.set("grid_mode", 1)
    cmd.zoom()
    picture(cmd)  # PyMOL lays the grid out as it draws
    assert in_cells(picture(cmd).max(2) > 12) == [True] * 4
    cmd.hide("everything", "part1 or part2 or part3 or part4")
    assert in_cells(picture(cmd).max(2) > 12) == [True] * 4
    cmd.disable("part*_title")
    cmd.enable(f"{name}_key")
    found = masks.strip(picture(cmd))
    assert found["ends"] == [pytest.approx(end, abs=12) for end in masks.VIRIDIS_ENDS]
    assert found["width"] > 0.3
    assert found["top"] > 0.88
    cmd.disable(f"{name}_key")
    cmd.enable("part3_title")
    assert in_cells(picture(cmd).max(2) > 12) == [False, False, True, False]
