"""A day at the panel in PyMOL's real window; see `day.py`."""

import re

import numpy
import pytest


def _notes(scene):
    """A fixture of that name: what a scene of the day noted."""
    return pytest.fixture(lambda day: day.notes[scene], scope="module", name=scene)


opening, running, stopping, living, coloring, picking, scrubbing, saving, teaching, closing = map(
    _notes,
    ["opening", "running", "stopping", "living", "coloring", "picking", "scrubbing", "saving", "teaching", "closing"],
)


def test_nothing_unforeseen_is_printed(day):
    assert not re.search("Traceback|Exception|QObject|QPainter|Segmentation", day.printed), day.printed


def test_every_scene_is_played_to_its_end(day):
    assert [notes["failed"] for notes in day.notes.values() if "failed" in notes] == []


# Open.


def test_it_opens_at_the_right_in_a_tab_beside_what_stands_there(opening):
    assert opening["at the right"]
    assert opening["tab beside"] == ["other"]


def test_there_is_one_instance(opening):
    assert (opening["docks"], opening["same"]) == (1, True)


def test_without_a_structure_it_says_what_to_do(opening):
    assert opening["nothing loaded"].startswith("no structure is loaded: load one first")
    assert opening["nothing loaded"] in opening["run of nothing"]


def test_a_structure_that_is_loaded_is_counted(opening):
    assert opening["counts"] == "1hpv: 1551 atoms · 199 residues · 3 chains"
    assert opening["expected bars"] == 199


# Run.


def test_dragging_z_shows_sigma(running):
    z, box, sigma = running["dragged z"]
    assert 0 < z == box < 4
    assert sigma == pytest.approx(16 * 2.718281828 ** (-1.2 + 1.5 * z), abs=1e-3)


def test_weights_are_dragged_and_typed(running):
    chain, residue, atom = running["weights"]
    assert chain == 3.1  # two steps of a key up, one down
    assert residue < 8
    assert atom == 1.25


def test_the_line_holds_what_was_chosen_and_is_copied(running):
    assert running["clipboard"] == running["line"]
    for name, value in running["given"].items():
        assert f"{name}={value}" in running["line"]


def test_run_makes_the_object_and_logs_the_line(day, running):
    assert running["names before"] == ["1hpv"]
    assert running["names"] == ["1hpv", "1hpv_noise", "1hpv_noise_key"]
    assert f"PyMOL>{running['line']}\n pomnoise: 1hpv -> 1hpv_noise" in day.printed
    assert running["status"] == "1hpv_noise: 5 frames"
    assert running["logged"] == [running["line"], "disable 1hpv", "frame 2"]
    assert running["jumped"] == 2
    assert running["shown"] == ["1hpv_noise", "1hpv_noise_key"]
    assert " hidden: 1hpv, which lies over its frames; enable 1hpv shows it again\nPyMOL>disable 1hpv\n" in day.printed


def test_run_makes_what_the_line_makes(running, make, differences):
    assert differences(make(running["line"]), running["made"]) == []


def test_run_makes_what_python_makes(running, call, differences):
    assert differences(call(running["given"]), running["made"]) == []


def in_file_order(made):
    """Return label, b and colour of each atom, in the order of the file, as the bars are."""
    return sorted(zip(made["labels"], made["b"], made["colors"]), key=lambda atom: atom[0][-1])


def test_what_is_shown_is_what_was_made(running):
    """The table, the key and the bars, against the record, the colours and b."""
    from pomodoro_pymol.experiments.level_table import LEVEL_ROWS

    levels = running["made"]["record"]["levels"]
    rows = [row for row in LEVEL_ROWS if row.short]
    shown_rows = [cells for cells in running["table"] if cells[3]]
    assert [cells[0] for cells in shown_rows[: len(rows)]] == [row.short for row in rows]
    assert [cells[0] for cells in shown_rows[len(rows) :]] == ["translation share", "rotation share", "z internal"]
    headings = [cells[0] for cells in running["table"] if not cells[3]]
    assert headings[:2] == ["rms, Å per coordinate", "rms, Å in space"]
    for (_, measured, interval, _), row in zip(shown_rows, rows):
        shown = [measured, *interval.split("\N{EN DASH}")]
        for text, part in zip(shown, ("measured", "low", "high"), strict=True):
            digits = re.search(r"\d+\.(\d+)", text)
            value = row.factor * levels[part][row.name]
            assert float(digits[0]) == pytest.approx(value, abs=0.5001 * 10 ** -len(digits[1])), row.name
    made = running["made"]
    assert running["key shown"] == [made["record"]["colors"]["low"], made["record"]["colors"]["high"]]
    first = {tuple(label[:3]): (b, color) for label, b, color in in_file_order(made)}
    assert len(first) == len(running["bars"]) == 199
    for bar, color, (b, atom_color) in zip(running["bars"], running["bar colors"], first.values()):
        assert b == pytest.approx(0 if bar != bar else bar, rel=1e-6)
        assert atom_color == 0x40000000 | color


def test_the_sweep_is_in_space(running):
    """The point is sqrt(3) times the rms per coordinate of the record, and close to the expected curve."""
    z, height = running["sweep point"]
    measured = running["made"]["record"]["levels"]["measured"]["residue_relative"]
    assert z == pytest.approx(running["given"]["z"])
    assert height == pytest.approx(3**0.5 * measured, rel=1e-6)
    assert numpy.interp(z, *running["sweep"]) == pytest.approx(3**0.5 * measured, rel=0.1)


# Stop.


def test_stop_leaves_everything_as_it_was(stopping):
    assert stopping["button"] == "Stop"
    assert 0 < stopping["written"] < 3000
    assert stopping["differences"] == []
    assert stopping["same atoms"]


def test_stop_ends_the_thread_and_says_so(stopping):
    assert stopping["threads"]
    assert stopping["button after"] == "Run"
    assert stopping["status"] == "stopped: everything is as it was before"


# Following.


def test_the_first_run_that_is_typed_moves_the_sliders(day):
    line, z, wr = day.notes["following"]["typed"]
    assert line == "pomnoise 1hpv and not solvent, z=1.5, wr=4, frames=4, state=1"
    assert (z, wr) == (1.5, 4)


@pytest.mark.parametrize("name", ["fresh 3", "fresh 4", "other 3", "other 4"])
def test_what_is_set_during_a_run_stays(day, name):
    running, z, metric, status = day.notes["following"][name]
    assert running
    assert (z, metric) == (-1, "relative" if name.endswith("3") else "ratio")
    assert status == f"{name[:5]}: 2000 frames"


# Presets.


def test_names_that_are_no_presets_are_refused(day):
    keeping = day.notes["keeping"]
    assert keeping["refused"][0] == "\N{WARNING SIGN} ms is built in: choose another name"
    assert all("is no preset name: a letter, then" in said for said in keeping["refused"][1:])
    assert keeping["none yet"] == [[], False, "pomnoise wc=2, wr=5, wa=0.5"]


def test_a_preset_is_saved_shown_and_logged(day):
    keeping = day.notes["keeping"]
    assert keeping["saved"] == ["preset mine saved", "pomnoise preset=mine", "mine", True]
    assert keeping["file"] == {"mine": {"chain": 2, "residue": 5, "atom": 0.5}}
    assert "PyMOL>pomweights wc=2, wr=5, wa=0.5, save=mine\n" in day.printed


def test_a_preset_is_deleted_and_its_weights_stay(day):
    assert day.notes["keeping"]["deleted"] == ["preset mine deleted", "pomnoise wc=2, wr=5, wa=0.5", [], False]
    assert "PyMOL>pomweights delete=mine\n" in day.printed


# Live.


def test_live_moves_the_frames_in_place(living):
    assert living["unmoved"]
    assert living["moved at once"]
    assert living["names kept"]
    assert living["frame kept"] == 3


def test_the_title_shown_follows_live_before_pymol_has_it(living):
    title, z = living["title at once"]
    assert title.startswith(f"z={z:.4g} ")


def test_live_at_rest_is_what_the_line_makes(living, make, differences):
    assert "wc=" in living["line"]
    assert "preset" not in living["line"]  # the sliders were moved after it was chosen
    assert differences(make(living["line"]), living["made"]) == []


def test_live_at_rest_is_what_python_makes(living, call, differences):
    assert differences(call(living["given"]), living["made"]) == []


def test_live_follows_the_metric(day, living, make, differences):
    assert "metric=displacement" in living["metric line"]
    assert f"PyMOL>{living['metric line']}\n" in day.printed  # once Live is over
    assert differences(make(living["metric line"]), living["metric made"]) == []


def test_the_numbers_follow_live(living, running):
    assert [row[1] for row in living["table"]] != [row[1] for row in running["table"]]
    assert all(row[1] and row[2] for row in living["table"] if row[3])


def test_live_goes_off_and_leaves_the_object(living):
    assert living["off"] == [False, False]
    assert living["changed"] == ""  # what Live wrote is what the record knows the frames by
    assert living["made after"]


def test_live_cut_off_leaves_what_its_record_says(living, make, differences):
    assert living["mixing"]
    made = living["cut off"]
    assert made["coords"] != living["metric made"]["coords"]
    assert differences(make(made["record"]["command"]), made) == []


def test_the_state_that_is_shown_does_not_wait_for_the_others(living):
    assert living["mixing"]  # the weights of the others, for two seconds
    assert living["ahead"] == living["cut off"]["coords"][2]


def test_live_leaves_the_truth_and_logs_its_line_once_at_each_rest(living):
    assert living["from the truth"] == 2
    assert len(set(living["rests"])) == 2
    assert living["rests logged"] == ["frame 2", *living["rests"]]


# Colour.


def test_recolouring_is_what_pomcolor_does(day, coloring, make, differences):
    words = "metric=scramble, palette=magma, range=0.5:2.5"
    assert f"PyMOL>pomcolor 1hpv_noise, {words}\n" in day.printed
    assert differences(make(coloring["before"], f"pomcolor 1hpv_noise, {words}"), coloring["made"]) == []
    assert coloring["coords kept"]


def test_the_key_and_the_bars_show_the_colours(coloring):
    assert coloring["key shown"] == [0.5, 2.5]
    seen = {tuple(label[:3]): color for label, _, color in in_file_order(coloring["made"])}
    assert [color & 0xFFFFFF for color in seen.values()] == coloring["bar colors"]


def test_an_automatic_range_freezes_where_it_was(coloring):
    low, high = coloring["frozen"]
    assert 0 < low < high
    assert coloring["default again"]


def test_a_pomcolor_that_is_typed_is_shown(coloring):
    assert coloring["typed"] == ["ratio", "viridis", "residue rms / atom rms"]


# What it teaches.


def test_the_shares_of_the_loss_are_those_of_the_command(teaching):
    """SCIENCE, section 7; aligned ones as pomsignal prints them."""
    views = {
        "16 Å per coordinate": (0.705, 0.203, 0.092),
        "10.02 Å per coordinate, the data's own": (0.659, 0.260, 0.081),
        "16 Å per coordinate, aligned": (0.400, 0.438, 0.162),
        "10.02 Å per coordinate, the data's own, aligned": (0.399, 0.473, 0.128),
    }
    for place, (title, shares) in enumerate(views.items()):
        chain, residue, atom = shares
        assert teaching[f"view {place}"] == [title, f"chain {chain:.3f}, residue {residue:.3f}, atom {atom:.3f}"]
    moved, taught = teaching["says 0"][0].splitlines()
    assert moved.startswith("3-8-1 keeps residues most rigid: 7 % of the motion is of atoms alone; 3-8-1 lets residues")
    assert taught == "ms: 70 % of the loss is the chains' translations, 20 % residues (44 % once aligned), 9 % atoms"
    assert teaching["says 0"][1] is True
    assert teaching["says 3"][1] is False


def test_a_wanted_share_sets_the_residue_weight(teaching):
    assert teaching["bold"] == ["3-8-1"]  # whose weights they are
    assert teaching["same as"] == "chain 0.287, residue 0.647, atom 0.066"
    line, shares = teaching["solved"]
    assert line == "pomnoise wr=3.832"
    assert "residue 0.500" in shares
    assert "0.99 cannot be reached" in teaching["refused"]


def test_the_table_is_a_command_and_makes_nothing(day, teaching):
    assert teaching["logged"] == ["pomsignal wr=3.832"]
    assert teaching["same names"]
    assert teaching["status"] == "what the noise teaches is printed"
    assert " pomsignal: 1hpv\n" in day.printed
    assert " 3:3.832:1: 50 % of the loss is residues" in day.printed


# Pick.


def test_a_click_on_a_bar_selects_its_residue(picking):
    for (label, *atoms, marked), number in zip(picking["picked"], (30, 140, 198)):
        chain, residue = label.split("/")
        assert atoms == [["1hpv_noise", chain, residue.split()[1]]]
        assert marked == [number]


def test_a_click_on_a_bar_zooms(picking):
    before, after = picking["nearer"]
    assert before < after < 0
    assert picking["off centre"] < 0.5


def test_a_drag_with_shift_selects_a_range(picking):
    assert picking["range"] == list(range(10, 21))
    assert picking["range in PyMOL"] == [["A", str(number)] for number in range(11, 22)]  # bars count from 0


def test_what_is_selected_in_pymol_is_marked(picking):
    assert picking["marked"] == ["B/GLN 7", "B/ARG 8"]


# States.


def test_the_slider_scrubs_and_pymol_leads_it(scrubbing):
    state, slider, spin = scrubbing["scrubbed"]
    assert 1 < state == slider == spin
    assert scrubbing["title"][0] == scrubbing["title"][1] != ""
    assert scrubbing["followed"] == ["5 / 6", scrubbing["followed"][2], scrubbing["followed"][2]]
    assert (scrubbing["keys"], scrubbing["first"]) == (6, 1)


@pytest.mark.parametrize(
    ("mode", "states", "ends"),
    [
        ("once", [1, 2, 3, 4, 5, 6], True),
        ("loop", [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1], False),
        ("palindrome", [1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1, 2, 3], False),
    ],
)
def test_playing_moves_pymol(scrubbing, mode, states, ends):
    assert scrubbing[mode] == states
    assert scrubbing[f"{mode} ended"] == ends


# Sessions.


def test_the_session_keeps_plain_values(saving):
    assert set(saving["plain"]) <= {"dict", "str"}


def test_reinitialize_leaves_the_values(saving):
    line, counts, states = saving["after reinitialize"]
    assert line == "pomnoise z=-1, seed=4"
    assert counts.startswith("no structure is loaded")
    assert states == 0


def test_a_loaded_session_shows_its_values_and_repeats_its_run(saving):
    kept, line = saving["line"]
    assert kept == line
    assert saving["shown"] == [0.25, "1hpv and chain A"]
    assert saving["same object"]
    assert saving["run again"]


def test_a_session_without_values_leaves_the_panels(saving):
    before, after = saving["bare"]
    assert before == after


def test_foreign_values_do_no_harm(saving):
    assert saving["foreign"] == []
    assert saving["usable"] == "1hpv_noise: 5 frames"


# Close and open again.


def test_a_closed_panel_sleeps(closing):
    assert not closing["closed"]
    assert not closing["asleep"]


def test_it_opens_again_as_it_was(closing):
    assert closing["open again"] == [True, 1, True, True]
    assert closing["awake"]
    assert closing["usable"] == "1hpv_noise: 5 frames"
    assert closing["state followed"] == [3, 3]
