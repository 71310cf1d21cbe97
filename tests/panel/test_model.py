"""The one value that the panel edits."""

import math

import pytest

from pomodoro_pymol.parameters.catalogue import NoiseParameters, SampleParameters


@pytest.fixture
def model(app):
    from pomodoro_pymol.panel.widgets.model import ParameterModel

    model = ParameterModel()
    model.changes, model.refusals = [], []
    model.changed.connect(lambda: model.changes.append(model.parameters))
    model.refused.connect(model.refusals.append)
    return model


def test_it_begins_with_the_defaults(model):
    assert model.parameters == NoiseParameters()


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ([("z", 0.5)], "pomnoise z=0.5"),
        ([("sigma", 2.0)], "pomnoise sigma=2"),
        ([("z", 0.5), ("sigma", 2.0)], "pomnoise sigma=2"),
        ([("sigma", 2.0), ("z", 0.5)], "pomnoise z=0.5"),
        ([("sigma", 2.0), ("z", 0.0)], "pomnoise"),
        ([("wc", 5.0)], "pomnoise wc=5"),
        ([("wc", 5.0), ("preset", "ms")], "pomnoise preset=ms"),
        ([("preset", "2-6-2"), ("wa", 3.0)], "pomnoise wc=2, wr=6, wa=3"),
        ([("preset", "2-6-2"), ("preset", "")], "pomnoise"),
        ([("preset", "3-8-1"), ("wc", 3.0)], "pomnoise"),
        ([("selection", "chain A, B"), ("frames", 3)], "pomnoise (chain A, B), frames=3"),
        ([("range", (0.5, 1.5))], "pomnoise range=0.5:1.5"),
        ([("range", (0.5, 1.5)), ("range", None)], "pomnoise"),
    ],
)
def test_parameters_that_exclude_each_other_make_way(model, edits, line):
    for name, value in edits:
        assert model.edit(name, value)
    assert model.parameters.to_text() == line
    assert NoiseParameters.from_text(line) == model.parameters
    assert model.refusals == []


def test_a_samplers_churn_makes_way_for_anothers(app):
    from pomodoro_pymol.panel.widgets.model import ParameterModel

    model = ParameterModel(kind=SampleParameters)
    refusals = []
    model.refused.connect(refusals.append)
    for name, value in (("gamma", 0.3), ("noise_scale", 1.1), ("step_scale", 1.2), ("sampler", "protenix")):
        assert model.edit(name, value)
    assert model.parameters.to_text() == "pomsample sampler=protenix, gamma=0.3, noise_scale=1.1, step_scale=1.2"
    assert model.edit("sampler", "edm")
    assert model.edit("s_churn", 40)
    assert model.parameters.to_text() == "pomsample sampler=edm, s_churn=40, step_scale=1.2"
    assert not model.edit("gamma", 0.3)
    assert model.edit("sampler", "af3")
    assert model.parameters.to_text() == "pomsample step_scale=1.2"
    assert not model.edit("s_noise", 1.1)
    assert not model.edit("sampler", "af4")
    said = [
        "give gamma or s_churn, not both",
        "s_noise is not of sampler=af3, whose churn has",
        "sampler must be one of",
    ]
    assert len(refusals) == 3
    assert all(words in refusal for words, refusal in zip(said, refusals))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("z", 7),
        ("z", "warm"),
        ("z", float("nan")),
        ("sigma", -1),
        ("sigma", 1e6),
        ("wc", -0.1),
        ("wc", 2e6),
        ("frames", 0),
        ("frames", 2.5),
        ("seed", -1),
        ("seed", 2**32),
        ("state", -2),
        ("preset", "nobody's"),
        ("metric", "beauty"),
        ("palette", "rainbow"),
        ("device", "toaster"),
        ("range", (2, 1)),
        ("range", (0, float("inf"))),
    ],
)
def test_a_bad_edit_is_refused_in_one_line_and_changes_nothing(model, name, value):
    assert not model.edit(name, value)
    (reason,) = model.refusals
    assert reason
    assert "\n" not in reason
    assert model.parameters == NoiseParameters()
    assert model.changes == [NoiseParameters()]  # so that the widgets show again what holds


def test_weights_cannot_all_be_zero(model):
    assert model.edit("wc", 0)
    assert model.edit("wa", 0)
    assert not model.edit("wr", 0)
    assert model.parameters.weights.residue == 8


def test_only_a_change_is_told(model):
    model.edit("z", 0.5)
    model.edit("z", 0.5)
    model.edit("sigma", None)
    assert len(model.changes) == 2
    assert model.parameters == NoiseParameters()


@pytest.mark.parametrize("line", ["pomnoise z=1 wc=2, frames=3", "pomnoise chain A and name CA, z=-1", "pomnoise"])
def test_a_line_is_taken(model, line):
    assert model.edit_text(line)
    assert model.parameters == NoiseParameters.from_text(line)


@pytest.mark.parametrize(
    "line", ["pomnoise z=9", "pomnoise zz=1", "pomnoise z=1, sigma=2", "pomnoise wc=1, preset=ms", "pomnoise frames=x"]
)
def test_a_bad_line_is_refused(model, line):
    assert not model.edit_text(line)
    assert len(model.refusals) == 1
    assert model.parameters == NoiseParameters()


def test_a_law_that_was_typed_is_kept(model):
    """No widget shows the law of sigma; z and sigma go by it all the same."""
    assert model.edit_text("pomnoise law=edm, sigma_data=6.63, z=1")
    assert model.parameters.noise_sigma == pytest.approx(6.63)
    assert model.edit("z", 0.5)
    assert model.parameters.to_text() == "pomnoise z=0.5, law=edm, sigma_data=6.63"
    assert model.parameters.noise_sigma == pytest.approx(6.63 * math.exp(-0.6))


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass as told, for the history of values."""
    from pomodoro_pymol.panel.widgets import model

    class Clock:
        now = 100.0

    monkeypatch.setattr(model, "monotonic", lambda: Clock.now)
    return Clock


def test_three_weights_are_set_at_once(model):
    assert model.edit("preset", "ms")
    assert model.edit_weights(1, 2, 0.5)
    assert model.parameters.to_text() == "pomnoise wc=1, wr=2, wa=0.5"
    assert len(model.changes) == 2
    assert not model.edit_weights(0, 0, 0)
    assert model.parameters.weights.residue == 2
    assert model.undo()
    assert model.parameters.preset == "ms"


def test_values_go_back_and_forth_step_by_step(model, clock):
    lines = [model.parameters.to_text()]
    for name, value in (("z", 1), ("wc", 5), ("preset", "ms"), ("metric", "excess")):
        model.edit(name, value)
        clock.now += 10
        lines.append(model.parameters.to_text())
    assert not model.can_redo
    assert not model.redo()
    for line in reversed(lines[:-1]):
        assert model.can_undo
        assert model.undo()
        assert model.parameters.to_text() == line
    assert not model.can_undo
    assert not model.undo()
    for line in lines[1:]:
        assert model.redo()
        assert model.parameters.to_text() == line
    assert not model.can_redo
    assert len(model.changes) == 3 * (len(lines) - 1)  # each is told, as edits are


def test_an_edit_after_undo_forgets_what_was_undone(model, clock):
    model.edit("z", 1)
    model.undo()
    model.edit("frames", 3)
    assert not model.can_redo
    assert model.undo()
    assert model.parameters == NoiseParameters()


def test_a_drag_is_one_step(model, clock):
    for place in range(40):
        model.edit("wr", 8 + place / 10)
        clock.now += 0.6
    clock.now += 0.2
    model.edit("wr", 2)  # later than a drag goes on
    model.edit("wa", 3)  # of another parameter
    found = []
    while model.undo():
        found.append(model.parameters.to_text())
    assert found == ["pomnoise wr=2", "pomnoise wr=11.9", "pomnoise"]


def test_a_drag_that_ends_where_it_began_is_no_step(model, clock):
    model.edit("frames", 3)
    for z in (0.5, 1, 0):
        model.edit("z", z)
    model.edit("z", 2)
    assert model.undo()
    assert model.parameters.to_text() == "pomnoise frames=3"
    assert model.undo()
    assert model.parameters == NoiseParameters()
    assert not model.can_undo


def test_an_edit_right_after_undo_is_a_step_of_its_own(model, clock):
    model.edit("z", 1)
    clock.now += 10
    model.edit("z", 2)
    model.undo()
    model.edit("z", 3)
    assert model.undo()
    assert model.parameters.z == 1


def test_values_shown_from_elsewhere_are_one_step(model, clock):
    model.edit("z", 1)
    for frames in (3, 4):
        model.show(NoiseParameters(frames=frames))
    told = len(model.changes)
    model.show(NoiseParameters(frames=4))
    assert len(model.changes) == told + 1  # so that the widgets show them again
    found = []
    while model.undo():
        found.append(model.parameters.to_text())
    assert found == ["pomnoise frames=3", "pomnoise z=1", "pomnoise"]


def test_what_is_refused_is_no_step(model):
    model.edit("z", 9)
    model.edit_text("pomnoise zz=1")
    assert not model.can_undo


def test_the_last_200_steps_are_kept(model, clock):
    for frames in range(1, 302):
        model.edit("frames", frames)
        clock.now += 1
    steps = 0
    while model.undo():
        steps += 1
    assert steps == 200
    assert model.parameters.frames == 101
