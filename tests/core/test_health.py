"""What is missing, and the command that installs it."""

import shlex
import sys

import pytest

from pomodoro_pymol import health


def test_installed_packages_are_not_missing():
    assert health.missing() == []


def test_missing_packages_are_named_in_order():
    assert health.missing(("no_such_b", "numpy", "no_such_a")) == ["no_such_b", "no_such_a"]


def test_looking_for_a_package_does_not_import_it(tmp_path, monkeypatch):
    (tmp_path / "never_imported.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    assert health.missing(("never_imported",)) == []


def test_the_install_command_uses_this_interpreter():
    words = shlex.split(health.install_command("qtpy", "pyqtgraph"))
    assert words == [sys.executable, "-m", "pip", "install", "qtpy", "pyqtgraph"]


def test_a_failed_import_names_its_package_and_the_command():
    with pytest.raises(ModuleNotFoundError) as caught:
        import no_such_package  # noqa: F401
    text = health.missing_text(caught.value)
    assert text == f"no_such_package is missing; install it with: {health.install_command('no_such_package')}"
    assert "\n" not in text


def test_check_tells_versions_and_devices():
    findings = health.check()
    assert findings["Python"].startswith(sys.version.split()[0])
    assert {"pomodoro-pymol", "numpy", "scipy", "torch"} <= set(findings)
    assert findings["devices"].endswith("cpu")


def test_check_tells_how_to_install_what_is_missing(monkeypatch):
    monkeypatch.setattr(health, "OPTIONAL", ("no_such_package",))
    findings = health.check()
    assert findings["no_such_package"] == "missing"
    assert findings["to install"] == health.install_command("no_such_package")
