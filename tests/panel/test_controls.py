"""Every parameter of pomnoise has a control that agrees with the model, and that with the command line."""

from dataclasses import fields

import pytest

from pomodoro_pymol.parameters import catalogue
from pomodoro_pymol.parameters.base import (
    Parameters,
    about,
    bounds_of,
    choices_of,
    command_parameters,
    describe,
    parameter,
    tip,
)
from pomodoro_pymol.parameters.catalogue import NoiseParameters
from pomodoro_pymol.parameters.kinds import Interval, Selection

#: Parameters that are only typed.
TYPED = ("law", "p_mean", "p_std", "sigma_data")
SPECS = {spec.name: spec for spec in fields(NoiseParameters) if spec.name not in TYPED}
SWITCHES = [name for name, spec in SPECS.items() if about(spec).kind is int and about(spec).bounds == (0, 1)]
NUMBERS = [name for name, spec in SPECS.items() if about(spec).kind in (int, float) and name not in SWITCHES]
SLIDERS = [name for name in NUMBERS if about(SPECS[name]).usual]
CHOICES = [name for name, spec in SPECS.items() if choices_of(spec)]
TEXTS = [name for name, spec in SPECS.items() if about(spec).kind in (str, Selection) and name not in CHOICES]


@pytest.fixture
def panel(app, show, tmp_path, monkeypatch):
    """The model, and a control for each parameter in one window."""
    from qtpy import QtWidgets

    from pomodoro_pymol.panel.widgets.controls import make_controls
    from pomodoro_pymol.panel.widgets.model import ParameterModel

    monkeypatch.setenv("HOME", str(tmp_path))  # presets of one's own
    window = QtWidgets.QWidget()
    window.model = ParameterModel(window)
    window.controls = make_controls(window.model, window, without=TYPED)
    layout = QtWidgets.QVBoxLayout(window)
    for control in window.controls.values():
        layout.addWidget(control)
    window.refusals = []
    window.model.refused.connect(window.refusals.append)
    return show(window, 400)


@pytest.fixture
def press(app):
    """Press keys by name in a widget."""
    from qtpy import QtCore, QtTest

    def press(widget, *keys):
        for key in keys:
            QtTest.QTest.keyClick(widget, getattr(QtCore.Qt.Key, f"Key_{key}"))

    return press


@pytest.fixture
def type_into(app, press):
    """Replace the text of a widget, key by key."""
    from qtpy import QtTest

    def type_into(widget, text, *end):
        widget.selectAll()
        press(widget, "Delete")
        QtTest.QTest.keyClicks(widget, text)
        press(widget, *end)

    return type_into


def shown(panel, name):
    """Return the value that a control shows."""
    control, spec = panel.controls[name], SPECS[name]
    if name in CHOICES:
        text = control.box.currentText()
        return "" if text == "own" else text
    if name in TEXTS:
        return control.line.text()
    if name in SWITCHES:
        return ("off", "on").index(control.box.currentText())
    if about(spec).kind is Interval:
        word = control.box.currentText()
        return (
            {"default": None, "auto": "auto"}.get(word)
            if word != "own"
            else Interval(*(box.value() for box in control.ends))
        )
    return control.box.value()


def agrees(panel):
    """Say whether all controls show the model's parameters, and whether the line repeats them."""
    parameters = panel.model.parameters
    wanted = {name: getattr(parameters, name) for name in SPECS}
    weights = parameters.weights
    wanted |= {"wc": weights.chain, "wr": weights.residue, "wa": weights.atom}
    wanted |= {"z": parameters.noise_z, "sigma": parameters.noise_sigma}
    assert NoiseParameters.from_text(parameters.to_text()) == parameters
    for name, value in wanted.items():
        found = shown(panel, name)
        if name in NUMBERS:
            low, high = about(SPECS[name]).bounds
            value = min(max(value, low), high)  # z may lie further out than it can be typed, where sigma was
            assert found == pytest.approx(value, abs=0.5001e-3), name
        elif name == "selection":
            assert found in (value, value.strip("()")), name
        else:
            assert found == value, name
    for name in SLIDERS:
        low, high = about(SPECS[name]).usual
        slider = panel.controls[name].slider
        place = low + slider.value() / slider.maximum() * (high - low)
        assert place == pytest.approx(min(max(wanted[name], low), high), abs=(high - low) / slider.maximum())
    return True


def test_every_parameter_has_a_control_whose_tooltip_is_its_tip(panel):
    assert sorted([*panel.controls, *TYPED]) == sorted(NoiseParameters.names())
    assert {*NUMBERS, *SWITCHES, *CHOICES, *TEXTS, "range"} == set(SPECS)
    for name, control in panel.controls.items():
        assert control.toolTip() == tip(SPECS[name])
        assert control.accessibleName() == name
        assert control.focusProxy().toolTip() == tip(SPECS[name])
        assert describe(SPECS[name]) in " ".join(NoiseParameters.help().split())


#: Every parameter of every command.
ALL = [
    pytest.param(spec, id=f"{kind.command}-{spec.name}")
    for kind in vars(catalogue).values()
    if hasattr(kind, "command")
    for spec in fields(kind)
]


@pytest.mark.parametrize("spec", ALL)
def test_a_tip_says_in_sentences_what_the_help_says(spec):
    text, meta = tip(spec), about(spec)
    assert text[0].isupper() or text.startswith("c_noise")
    assert text.endswith(".")
    assert "{" not in text
    assert "  " not in text
    switch = meta.kind is int and meta.bounds == (0, 1)
    if switch:
        assert text.startswith("When on, ")
    else:
        assert meta.help[1:] in text
    if meta.bounds and not switch:
        assert f" from {bounds_of(spec)}" in text.lower()
    if meta.unit:
        assert f", in {meta.unit.replace('angstrom', 'angstrom (Å)')}." in text
    for choice in choices_of(spec):
        assert choice in text
    if spec.default in (None, ""):
        assert f"nless given, {meta.absent}" in text or not meta.absent
    else:
        default = ("Off", "On")[spec.default] if switch else str(spec.default)
        assert f"{default.removesuffix('.0')} unless given." in text


def test_two_tips_in_full():
    assert tip(SPECS["sigma"]) == (
        "Noise level as standard deviation per coordinate, instead of z, in angstrom (Å). From 0.0001 to 100000."
    )
    assert tip(SPECS["truth"]) == (
        "When on, shows the truth as a thin grey trace, object NAME_truth. Off unless given."
    )


def test_controls_begin_with_the_defaults(panel):
    assert agrees(panel)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_typed(panel, type_into, name):
    number = {"z": "-1.25", "sigma": "2.5", "frames": "37", "seed": "4294967295", "state": "3"}.get(name, "5.125")
    type_into(panel.controls[name].box, number, "Return")
    assert getattr(panel.model.parameters, name) == float(number)
    assert f"{name}={number}" in panel.model.parameters.to_text()
    assert agrees(panel)


@pytest.fixture
def abroad(app):
    """A computer that stands where numbers have a comma, and a point between thousands."""
    from qtpy import QtCore

    before = QtCore.QLocale()
    QtCore.QLocale.setDefault(QtCore.QLocale("de_DE"))
    yield
    QtCore.QLocale.setDefault(before)


@pytest.mark.parametrize("text", ["1.125", "1,125"])
def test_a_number_has_a_point_wherever_the_computer_stands(abroad, panel, type_into, text):
    box = panel.controls["wc"].box
    type_into(box, text, "Return")
    assert panel.model.parameters.wc == 1.125
    assert box.text() == "1.125"
    box.interpretText()  # as where it loses the focus
    assert box.value() == 1.125
    assert agrees(panel)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_stays_within_its_bounds(panel, type_into, name):
    low, high = about(SPECS[name]).bounds
    box = panel.controls[name].box
    # The box shows three decimals, so the least sigma is rounded to what it can show.
    assert (box.minimum(), box.maximum()) == pytest.approx((low, high), abs=1e-3)
    for text in ("99999999999", "-99999999999", "abc", ""):
        type_into(box, text, "Return")
        taken = getattr(panel.model.parameters, name)
        assert low <= (panel.model.parameters.noise_sigma if taken is None else taken) <= high
    assert panel.refusals == []
    assert agrees(panel)


@pytest.mark.parametrize("name", NUMBERS)
def test_arrow_keys_step_a_number(panel, press, name):
    box = panel.controls[name].box
    before = shown(panel, name)
    press(box, "Up", "Up", "Up", "Down")
    assert shown(panel, name) > before
    assert agrees(panel)


@pytest.mark.parametrize("name", SLIDERS)
def test_a_slider_is_dragged_over_its_range(panel, name):
    slider = panel.controls[name].slider
    low, high = about(SPECS[name]).usual
    for place in (slider.maximum(), slider.minimum(), 1, slider.maximum() // 3):
        slider.setValue(place)
        wanted = low + place / slider.maximum() * (high - low)
        assert getattr(panel.model.parameters, name) == pytest.approx(wanted, abs=0.5001e-3)
        assert slider.value() == place  # the model does not push the knob away
        assert agrees(panel)


@pytest.mark.parametrize("name", SLIDERS)
def test_a_slider_takes_keys(panel, press, name):
    slider = panel.controls[name].slider
    before = shown(panel, name)
    press(slider, "Right", "Right", "Left")
    low, high = about(SPECS[name]).usual
    assert shown(panel, name) - before == pytest.approx((high - low) / 80)
    press(slider, "Home")
    assert shown(panel, name) == low
    press(slider, "End")
    assert shown(panel, name) == high
    assert agrees(panel)


@pytest.mark.parametrize("name", SLIDERS)
def test_a_number_beyond_the_slider_stays_what_was_typed(panel, type_into, name):
    number = "5.5" if name == "z" else "100"
    type_into(panel.controls[name].box, number, "Return")
    slider = panel.controls[name].slider
    assert slider.value() == slider.maximum()
    assert getattr(panel.model.parameters, name) == float(number)


@pytest.mark.parametrize("name", CHOICES)
def test_every_word_can_be_chosen_with_the_keyboard(panel, press, name):
    box = panel.controls[name].box
    words = [box.itemText(place) for place in range(box.count())]
    assert [word for word in words if word != "own"] == list(choices_of(SPECS[name]))
    press(box, "Home")
    for word in words:
        assert box.currentText() == word
        assert getattr(panel.model.parameters, name) == ("" if word == "own" else word)
        assert agrees(panel)
        press(box, "Down")


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_turned_on_and_off(panel, press, name):
    box = panel.controls[name].box
    for key, value in (("Down", 1), ("Up", 0)):
        press(box, key)
        assert getattr(panel.model.parameters, name) == value
        assert agrees(panel)


def test_a_preset_of_ones_own_can_be_chosen_once_it_is_saved(panel):
    from pomodoro_pymol.noise import presets
    from pomodoro_pymol.noise.weights import LevelWeights

    presets.save_preset("mine", LevelWeights(1, 2, 4))
    assert panel.model.edit("preset", "mine")
    assert agrees(panel)
    assert panel.controls["wa"].box.value() == 4
    presets.delete_preset("mine")
    assert panel.model.edit("preset", "")
    box = panel.controls["preset"].box
    assert "mine" not in [box.itemText(place) for place in range(box.count())]


# Residues and chains are typed in a line alone: half a selection is none.
@pytest.mark.parametrize("name", [name for name in TEXTS if name not in ("residues", "chains")])
def test_text_is_taken_letter_by_letter(panel, type_into, name):
    text = "chain A, name CA or resi 5" if name == "selection" else "other"
    line = panel.controls[name].line
    seen = []
    panel.model.changed.connect(lambda: seen.append(getattr(panel.model.parameters, name)))
    type_into(line, text)
    assert line.text() == text
    assert len(seen) >= len(text.replace(" ", ""))
    assert agrees(panel)
    type_into(line, "")
    assert getattr(panel.model.parameters, name) == ""
    assert line.text() == ""


@pytest.mark.parametrize("text", ["'", '"', "a 'b", "z=1", "=", ",", "(((", "a,b=c", " chain A ", "name C1'", "å\\"])
def test_odd_text_survives_the_command_line(panel, type_into, text):
    line = panel.controls["selection"].line
    type_into(line, text)
    assert line.text() == text
    parameters = panel.model.parameters
    assert NoiseParameters.from_text(parameters.to_text()) == parameters


def test_the_noise_level_is_z_or_sigma(panel, type_into):
    type_into(panel.controls["sigma"].box, "2.5", "Return")
    assert "z=" not in panel.model.parameters.to_text()
    panel.controls["z"].slider.setValue(500)
    assert panel.model.parameters.to_text() == "pomnoise z=1"
    assert agrees(panel)


def test_weights_are_a_preset_or_numbers(panel, press):
    panel.model.edit("preset", "2-6-2")
    assert [panel.controls[name].box.value() for name in ("wc", "wr", "wa")] == [2, 6, 2]
    press(panel.controls["wr"].box, "Up")
    assert panel.model.parameters.to_text() == "pomnoise wc=2, wr=6.1, wa=2"
    assert shown(panel, "preset") == ""
    assert agrees(panel)


def test_the_range_is_the_metrics_automatic_or_two_numbers(panel, type_into):
    control = panel.controls["range"]
    control.show_found(0.9, 1.1)
    assert panel.model.parameters.range is None

    def choose(word):
        control.box.setCurrentText(word)
        control.box.activated.emit(control.box.currentIndex())

    choose("auto")
    assert panel.model.parameters.to_text() == "pomnoise range=auto"
    assert agrees(panel)
    choose("own")
    assert panel.model.parameters.range == Interval(0.9, 1.1)
    type_into(control.ends[1], "1.5", "Return")
    assert panel.model.parameters.to_text() == "pomnoise range=0.9:1.5"
    type_into(control.ends[0], "3", "Return")  # beyond the other end, which gives way
    low, high = panel.model.parameters.range.low, panel.model.parameters.range.high
    assert low == 3 < high
    assert agrees(panel)
    choose("default")
    assert panel.model.parameters == NoiseParameters()
    assert not any(box.isEnabled() for box in control.ends)
    assert panel.refusals == []


def test_an_edit_that_is_refused_is_taken_back_in_one_line(panel):
    for name in ("wc", "wr", "wa"):
        panel.controls[name].box.setValue(0)
    (reason,) = panel.refusals
    assert "\n" not in reason
    assert panel.model.parameters.wa == 1
    assert agrees(panel)


def roll(app, widget, steps=1):
    """Turn the wheel over a widget; tell whether it took that."""
    from qtpy import QtCore, QtGui

    place = QtCore.QPointF(widget.rect().center())
    event = QtGui.QWheelEvent(
        place,
        QtCore.QPointF(widget.mapToGlobal(widget.rect().center())),
        QtCore.QPoint(),
        QtCore.QPoint(0, 120 * steps),
        QtCore.Qt.MouseButton.NoButton,
        QtCore.Qt.KeyboardModifier.NoModifier,
        QtCore.Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    event.ignore()
    app.sendEvent(widget, event)
    return event.isAccepted()


def test_the_wheel_changes_a_value_with_the_focus_alone(app, panel):
    from qtpy import QtCore, QtWidgets

    kinds = (QtWidgets.QSlider, QtWidgets.QComboBox, QtWidgets.QAbstractSpinBox)
    widgets = [widget for kind in kinds for widget in panel.findChildren(kind)]
    assert len(widgets) > 15
    panel.activateWindow()
    panel.controls["range"].box.setCurrentText("own")
    panel.controls["range"].box.activated.emit(2)
    for widget in widgets:
        assert widget.focusPolicy() == QtCore.Qt.FocusPolicy.StrongFocus  # the wheel does not give the focus
        before = panel.model.parameters
        widget.clearFocus()
        assert not any(roll(app, widget, steps) for steps in (1, -1))
        assert panel.model.parameters == before
        widget.setFocus()
        app.processEvents()
        assert widget.hasFocus()
        seen = []
        for steps in (1, -1):
            roll(app, widget, steps)
            seen.append(panel.model.parameters)
        assert set(seen) != {before}
        panel.model.show(before)


@pytest.fixture
def slider(app, show):
    """The slider of a parameter whose usual range holds zero off its middle, and what was asked for with it."""
    from pomodoro_pymol.panel.widgets.controls import NumberControl

    @command_parameters
    class Shift(Parameters):
        command = "shift"
        shift: float = parameter(1.0, float, "how far", bounds=(-10, 10), usual=(-3, 4))

    control = show(NumberControl(fields(Shift)[0]), 500)
    control.edited.connect(control.show_value)
    control.asked = []
    control.edited.connect(control.asked.append)
    return control


def drag_knob(drag, slider, *values):
    """Drag the knob of a slider from where it stands to where it would have some values."""
    from qtpy import QtCore

    height = slider.height() // 2
    drag(slider, [QtCore.QPoint(knob_at(slider, value), height) for value in (slider.value(), *values)])


def knob_at(slider, value):
    """Return where the middle of the knob is at a value, by the ends of its way."""
    from qtpy import QtWidgets

    option = QtWidgets.QStyleOptionSlider()
    slider.initStyleOption(option)
    option.sliderPosition = value
    part = QtWidgets.QStyle.SubControl.SC_SliderHandle
    return slider.style().subControlRect(QtWidgets.QStyle.ComplexControl.CC_Slider, option, part, slider).center().x()


def test_a_knob_that_is_dragged_near_zero_goes_there(slider, drag):
    knob = slider.slider
    low, high = 0, knob.maximum()
    reach = 0.015 * (high - low)
    drag_knob(drag, knob, knob.zero + 40, knob.zero + round(0.5 * reach))
    assert slider.asked[-1] == 0
    assert slider.asked[0] > 0.3
    assert knob.value() == knob.zero
    drag_knob(drag, knob, knob.zero - round(0.5 * reach), knob.zero - round(2 * reach))
    assert slider.asked[-1] == pytest.approx(-7 * 0.03, abs=0.02)


def test_numbers_that_are_typed_or_stepped_do_not_snap(slider, press, type_into):
    type_into(slider.box, "0.01", "Return")
    assert slider.asked[-1] == 0.01
    slider.show_value(0.08)
    press(slider.slider, "Left")
    assert slider.asked[-1] == pytest.approx(-0.0075, abs=0.01)
    assert slider.asked[-1] != 0
    press(slider.box, "Up")
    assert slider.asked[-1] == pytest.approx(slider.box.value())


def test_only_a_slider_that_goes_through_zero_has_a_tick(panel):
    assert {name: panel.controls[name].slider.zero for name in SLIDERS} == {"z": 400}
    from pomodoro_pymol.panel.widgets.controls import NumberControl

    @command_parameters
    class Positive(Parameters):
        command = "positive"
        scale: float = parameter(1.0, float, "scale", bounds=(0.1, 9), usual=(0.5, 4))

    assert NumberControl(fields(Positive)[0]).slider.zero is None


@pytest.mark.parametrize("value", [-3, 4])
def test_the_tick_is_seen_under_the_middle_of_a_knob_at_zero(app, slider, dark, contrast, value):
    from qtpy import QtGui

    knob = slider.slider
    assert abs(knob.tick().center().x() - knob_at(knob, knob.zero)) <= 1
    slider.show_value(value)
    for palette in (QtGui.QPalette(QtGui.QColor("#efefef")), dark, QtGui.QPalette(QtGui.QColor("#efefef"))):
        slider.setPalette(palette)
        app.processEvents()
        image = slider.grab().toImage()
        ground = palette.color(QtGui.QPalette.ColorRole.Window)
        place = knob.mapTo(slider, knob.tick().topLeft())
        for y in (place.y(), place.y() + knob.height() - 1):
            assert contrast(image.pixelColor(place.x(), y), ground) >= 3  # WCAG, for what is no text
            assert contrast(image.pixelColor(place.x() + 8, y), ground) < 1.5
