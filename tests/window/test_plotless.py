"""Without pyqtgraph; see `plotless.py`."""

import sys

import pytest

from pomodoro_pymol.health import install_command


@pytest.fixture(scope="module")
def plotless(play):
    return play("plotless", blocked=("pyqtgraph",))


def test_nothing_unforeseen_is_printed(plotless):
    assert "Traceback" not in plotless.printed


def test_each_plot_gives_the_exact_command(plotless):
    command = install_command("pyqtgraph")
    assert command.startswith(f'"{sys.executable}" -m pip install pyqtgraph')
    assert plotless.notes["notices"] == [f"pyqtgraph is missing; install it with: {command}"] * 3
    assert not plotless.notes["banner"]


def test_run_colours_and_live_work(plotless):
    assert plotless.notes["coloured"] == "1hpv_noise coloured by displacement"
    assert plotless.notes["live"] == [True, "z=0.1 sigma=5.599 A per coordinate seed=0 frame 1/3"]
