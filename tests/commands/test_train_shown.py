"""Samples of trained networks side by side in PyMOL."""

import numpy as np

FAST = "steps=3, width=8, batch=2, seeds=2, samples=3, z=0"
LINE = f"pomtrain m, presets=flat+ms, scaling=levels, show=1, {FAST}"
NAMES = ["m_flat_levels", "m_ms_levels"]


def test_samples_are_states_of_an_object_for_each_scheme(six):
    from pomodoro_pymol.commands import pomtrain

    given = {"presets": "flat+ms", "scaling": "levels", "steps": 3, "width": 8, "batch": 2, "seeds": 2, "samples": 3}
    result = pomtrain("m", **given, show=1, _self=six)
    assert [name for name in six.get_names("objects", enabled_only=1) if not name.endswith("_title")] == NAMES
    middle = six.get_coords("m", 1).mean(0)
    for name, label in zip(NAMES, ("flat levels", "ms levels")):
        quality = next(quality for quality in result.samples if quality.name == label)
        assert six.count_states(name) == 3
        for state in range(1, 4):
            wanted = quality.coords[state - 1].numpy() + middle
            np.testing.assert_allclose(six.get_coords(name, state), wanted, atol=2e-3)
            assert six.get_title(name, state).startswith(f"sample {state} of {label}: nearest training state ")
    assert six.get_setting_int("grid_mode") == 1


def test_the_comparison_ends_as_any(six, typed, session, differences):
    six.frame(2)
    before = session(six)
    printed = typed(six, LINE)
    assert f" samples: {', '.join(NAMES)}; pomcompare off ends it" in printed
    assert "pomcompare: 4 objects are gone" in typed(six, "pomcompare off")
    assert differences(before, session(six)) == []


def test_another_replaces_it(six, typed):
    typed(six, LINE)
    typed(six, "pomcompare m, presets=flat+rb, frames=2")
    assert not set(NAMES) & set(six.get_names("objects"))


def test_they_are_saved(six, typed, tmp_path):
    typed(six, LINE)
    assert "3 frames" in typed(six, f"pomsave s.pdb, {NAMES[1]}")
    assert (tmp_path / "s.pdb").read_text().count("ENDMDL") >= 3


def test_without_samples_there_is_nothing_to_show(six, typed, tmp_path):
    printed = typed(six, LINE.replace("samples=3", "samples=0"))
    assert printed.strip() == "Error: show=1 shows samples: give samples=32, or show=0"
    assert list(tmp_path.iterdir()) == []


def test_a_name_in_use_is_not_taken(six, typed, tmp_path):
    six.create("m_ms_levels", "m")
    assert "m_ms_levels exists, and is not of a comparison" in typed(six, LINE.replace("pomtrain m", "pomtrain %m"))
    assert list(tmp_path.iterdir()) == []
