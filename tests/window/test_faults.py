"""Whatever is done to the session, the panel says so in one line and can be used; see `faults.py`."""

import pytest


@pytest.fixture(scope="module")
def faults(play):
    return play("faults", timeout=600)


def test_no_traceback_reaches_the_user(faults):
    assert "Traceback" not in faults.printed
    assert "Exception" not in faults.printed


WRONG = {
    "chain Q": "has no atoms",
    "chain A and (": "is not valid: Malformed selection",
    "name CA)": "is not valid: Syntax error",
    "nonsense": "is not valid: Invalid selection name",
    "1hpv within": "is not valid",
    "'": "is not valid",
    "a, b=c": "is not valid",
    "%%%": "is not valid",
    "z=1": "has no atoms",
}


def test_a_selection_is_told_while_it_is_typed(faults):
    found = {text: (line, counts, said) for text, line, counts, said in faults.notes["typing"]}
    for text, reason in WRONG.items():
        line, counts, said = found[text]
        assert line == text  # what is being typed is left alone
        assert reason in counts, text
        assert "\n" not in counts
        assert said == f"⚠ {counts}"
    assert found["chain A and name CA"][1].startswith("1hpv: 99 atoms")
    assert found[""][1].startswith("1hpv: 1551 atoms")


def test_several_structures_are_listed_and_one_is_chosen(faults):
    found = faults.notes["several"]
    assert found["kept"] == ["pomnoise 1hpv and not solvent", "1hpv"]
    assert found["offered"] == ["1hpv", "pept"]
    assert found["chosen"] == ["pomnoise pept and not solvent", "pept: 68 atoms · 5 residues · 1 chain"]
    assert found["run"] == "pept_noise: 20 frames"


def test_another_structure_does_not_bring_back_the_parameters_of_its_last_run(faults):
    assert faults.notes["several"]["automatic"] == ["pomnoise", "1hpv"]


def test_whatever_was_done_the_next_run_works_and_nothing_is_left_behind(faults):
    cases = {name: found for name, found in faults.notes.items() if ": " in name}
    assert len(cases) == 24
    for name, found in cases.items():
        assert found["usable"] == "1hpv_noise: 2 frames", name
        assert found["left"] == [], name


def test_at_rest_what_cannot_be_done_is_said(faults):
    said = {name[6:]: found["said"] for name, found in faults.notes.items() if name.startswith("rest: ")}
    assert said["relabel the output"][1] == "⚠ 1hpv_noise was edited after pomnoise made it: run pomnoise again"
    assert said["remove atoms"][1] == "⚠ 1hpv_noise was edited after pomnoise made it: run pomnoise again"
    assert said["add a state to the output"][-1] == "⚠ 1hpv_noise was changed or deleted"
    assert said["delete the source"][-1].startswith("⚠ nothing but our own objects is loaded (1hpv_noise")
    assert said["delete everything"][-1].startswith("⚠ no structure is loaded")
    for name in ("delete the output", "run by hand"):  # Live runs first
        assert said[name][-1] == "live: the sliders move the frames"


@pytest.mark.parametrize("deed", ["remove atoms", "reinitialize"])
def test_a_run_that_cannot_go_on_says_so(faults, deed):
    found = faults.notes[f"run: {deed}"]
    assert found["running"]
    assert found["said"].startswith("⚠ PyMOL did not take the noised frames")
    assert found["states"] == {"remove atoms": 3}.get(deed, 0)
    assert not found["thread"]


@pytest.mark.parametrize("deed", ["delete the output", "delete the source", "rename the source", "run by hand"])
def test_a_run_that_can_go_on_does(faults, deed):
    found = faults.notes[f"run: {deed}"]
    assert found["running"]
    assert (found["said"], found["states"]) == ("1hpv_noise: 400 frames", 401)


@pytest.mark.parametrize(
    "deed",
    [
        "delete the output",
        "rename the output",
        "add a state to the output",
        "remove atoms",
        "reinitialize",
        "run by hand",
    ],
)
def test_live_ends_where_its_object_is_no_longer_as_it_was(faults, deed):
    found = faults.notes[f"live: {deed}"]
    assert found["said"] == "⚠ 1hpv_noise was changed or deleted"
    assert (found["on"], found["checked"], found["running"]) == (False, False, False)


def test_live_needs_no_source(faults):
    found = faults.notes["live: delete the source"]
    assert (found["on"], found["checked"]) == (True, True)


def test_a_state_beyond_the_last_does_no_harm(faults):
    said, value, maximum, title, z = faults.notes["state beyond"]
    assert (said, value, maximum) == ("1hpv_noise: 3 frames", 4, 4)
    assert title.startswith(f"z={z:g} ")


def test_a_closed_panel_finishes_its_run_and_ends_live(faults):
    found = faults.notes["hiding"]
    assert found["states"] == 301
    assert found["live"] == [False, False]
    assert found["title"].startswith(f"z={found['z']:g} sigma=")  # what Live had written last is finished
    assert found["usable"] == "1hpv_noise: 2 frames"


def test_a_record_from_elsewhere_does_no_harm(faults):
    *records, last = faults.notes["records"]
    assert len(records) == 28
    devices = [said for change, said in records if "'device'" in change]
    assert all("is not available here" in said for said in devices)
    for change, said in records:
        assert "\n" not in said, change
    assert last[1] == "1hpv_noise: 2 frames"


@pytest.mark.parametrize("deed", ["delete the source", "rename the source", "remove atoms", "reinitialize"])
def test_a_sampling_whose_source_changes_is_given_up_soon(faults, deed):
    found = faults.notes[f"sample: {deed}"]
    assert found["running"]
    words = "was changed during the run" if deed == "remove atoms" else "was deleted or renamed during the run"
    assert found["said"] == f"⚠ 1hpv {words}"
    assert found["steps"] < 100  # of a thousand
    assert found["names"]


def test_labels_of_a_file_are_shown_and_selected_as_they_are(faults):
    from html import escape

    found = faults.notes["labels"]
    assert not found["bang"]
    assert len(found["formats"]) == 1
    assert "PlainText" in found["formats"][0] or found["formats"] == ["0"]
    assert len({tuple(chains) for chains, *_ in found["found"]}) == 12
    for (*_, count, tip, said), chains in zip(found["found"], (found[0] for found in found["found"])):
        assert len(chains) == 1
        assert count == 7
        assert said.startswith("selected x1_noise and ")
        assert "<b>B" not in tip
        assert escape(chains[0]) in tip or chains[0] in tip


def test_the_values_of_a_session_name_no_files_and_no_second_command(faults):
    found = faults.notes["values"]
    assert found["files"] == ["pomnoise z=0.5", "pomsample steps=7"]
    assert found["network"] == ["pomnoise z=0.5", "pomsample steps=8"]
    assert found["two"][0] == found["noise"][0] == "pomnoise z=0.5"
    assert not any(";" in line for lines in found.values() for line in lines)
