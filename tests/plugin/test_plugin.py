"""The release zip, installed by PyMOL's own installer into a temporary HOME and used in the real window.

No other copy of the library can be imported there, unless a test says so.
"""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = {"pomnoise", "pomcolor", "pompanel", "pomcheck", "pomsample"}


def test_from_the_menu_to_a_coloured_result(home):
    notes, printed = home.play("menu")
    assert notes["heavy"] == []
    assert notes["box"] is None
    assert "PyMOL>pompanel" in printed
    assert notes["docks"] == [True]
    assert notes["banner"][0] is False
    assert notes["enabled"] == [True, True]
    assert notes["line"] == "pomnoise z=1"
    assert notes["said"] == ""
    assert notes["icons"]
    assert notes["names"] == ["1hpv", "1hpv_noise", "1hpv_noise_key"]
    assert notes["states"] == 21
    assert notes["colours"] > 20
    assert notes["library"] == str(home.startup / "pomodoro" / "lib" / "pomodoro_pymol")
    assert "Traceback" not in printed


def test_beside_a_library_that_pip_installed_there_is_one(home):
    home.alone = False
    notes, printed = home.play("menu")
    assert notes["library"] == str(ROOT / "pomodoro_pymol")
    assert notes["copies"] == ["pomodoro_pymol"]
    assert notes["keyword"]
    assert notes["names"] == ["1hpv", "1hpv_noise", "1hpv_noise_key"]
    assert "Traceback" not in printed


def test_without_torch_the_panel_opens_and_gives_the_exact_command(home):
    notes, printed = home.play("menu", "torch")
    command = f'"{sys.executable}" -m pip install torch'
    assert notes["box"] is None
    assert notes["docks"] == [True]
    text = f"torch is missing. In a terminal, run\n{command}\nand start PyMOL again."
    assert notes["banner"] == [True, text]
    assert notes["enabled"] == [False, False]
    assert notes["counts"].startswith("1hpv: 1551 atoms")
    assert notes["line"] == "pomnoise z=1"
    assert f"Error: torch is missing; install it with: {command}" in printed
    assert notes["names"] == ["1hpv"]
    assert "Traceback" not in printed


@pytest.mark.parametrize("missing", [["qtpy"], ["torch", "qtpy"]])
def test_what_the_panel_cannot_do_without_is_told_with_the_exact_command(home, missing):
    notes, printed = home.play("menu", *missing)
    command = f'"{sys.executable}" -m pip install {" ".join(missing)}\n'
    text = f"Pomodoro needs {', '.join(missing)}. In a terminal, run\n\n{command}\nand start PyMOL again."
    assert notes["box"] == [True, text]
    assert printed.count(command) == 1
    assert notes["docks"] == []
    assert "Traceback" not in printed


def test_a_plugin_without_its_library_says_so(home):
    shutil.rmtree(home.startup / "pomodoro" / "lib")
    notes, printed = home.play("menu")
    visible, text = notes["box"]
    assert visible
    assert "Install the plugin again, from its release zip" in text
    assert notes["library"] is None
    assert "Traceback" not in printed


def test_a_script_without_a_window_loads_it_by_a_command(home):
    script = home.path / "script.pml"
    lines = ["import pymol.plugins", "plugin_load pomodoro", "fab ACDEFG, pept", "pomnoise pept, frames=3"]
    script.write_text("\n".join([*lines, "print(cmd.count_states())", ""]))
    printed = home.pymol("-cq", "-y", script)
    assert "pomnoise: pept -> pept_noise" in printed
    assert printed.splitlines()[-1].strip() == "4"
    assert "Traceback" not in printed
    assert "Warning" not in printed


def test_other_versions_take_the_place_of_the_loaded_one(home, build):
    notes, printed = home.play("exchange", home.startup, build("0.10.0"), build("0.0.9"))
    assert notes["versions"] == ["0.1.0", "0.10.0", "0.0.9"]
    assert notes["docks"] == [1, 1, 1]
    assert notes["names"] == [["1hpv", "1hpv_noise", "1hpv_noise_key"]] * 3
    assert notes["one library"] == [True] * 3
    assert "Traceback" not in printed


@pytest.mark.parametrize("version", ["0.10.0", "0.0.9"])
def test_a_version_installed_over_another_leaves_nothing_of_it(home, build, archive, version):
    first = home.files()
    home.install(build(version))
    assert f"pomodoro/lib/pomodoro_pymol/only_in_{version.replace('.', '_')}.py" in home.files()
    home.install(archive)
    assert home.files() == first


def test_disabled_it_is_not_there_and_can_be_loaded_by_hand(home):
    before, _ = home.play("disable")
    assert before["entries"] == 1
    assert set(before["commands"]) > COMMANDS
    after, printed = home.play("load")
    assert (after["entries"], after["commands"], after["library"], after["path"]) == (0, [], False, [])
    assert after["loaded"] == [1, True]
    assert "Traceback" not in printed


def test_removed_it_leaves_nothing(home):
    notes, printed = home.play("remove")
    assert notes["removed"]
    assert list(home.startup.iterdir()) == []
    assert {path.name for path in (home.path / ".pymol").iterdir()} == {"startup", "pomodoro_panel.json"}
    assert "Traceback" not in printed
    after, printed = home.play("start")
    assert after == {"entries": 0, "commands": [], "library": False, "path": []}
    assert "pomodoro" not in (home.path / ".pymolpluginsrc.py").read_text()
