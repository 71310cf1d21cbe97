"""What the wheel holds: every package of ours, and the icons."""

import configparser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_every_package_and_the_icons():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("pomodoro_pymol/**/__init__.py")}
    assert set(setup["options"]["packages"].split()) == found | {"pomodoro_pymol.icons"}
    assert setup["options"]["package_dir"].split() == ["pomodoro_pymol.icons", "=", "icons"]
    assert setup["options.package_data"]["pomodoro_pymol.icons"] == "*.svg"
