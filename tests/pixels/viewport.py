"""What PyMOL's own viewport shows, on the screen, of states that it never showed before; also while Live moves them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import masks
from pymol import cmd
from pymol.gui import get_qtwindow
from pymol.Qt import QtCore  # noqa: F401  before qtpy, which follows PyMOL's choice
from qtpy import QtWidgets

DATA = Path(__file__).parents[1] / "data"
NOISED = "2juy_noise"


def play(robot: Any) -> None:
    """Look at an object of each structure, at a session of version 0.1.0, and at what Live moves."""
    notes = robot.notes
    notes["key"] = {source: key(robot, source) for source in ("1hpv", "2juy")}
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    notes["1hpv"] = walk(robot, "1hpv")
    cmd.load(str(DATA / "2juy.pdb.gz"), "2juy", quiet=1)
    notes["2juy"] = walk(robot, "2juy")
    cmd.load(str(DATA / "session-0.1.0.pze"))
    notes["former"] = steps(robot, "pept_noise", 4)
    cmd.reinitialize()
    notes["live"] = living(robot)


def key(robot: Any, source: str) -> dict[str, Any]:
    """Look at a colour key, alone on black and on white, in a grid of four, and where the atoms are beside it."""
    name = f"{source}_noise"
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb") if source == "1hpv" else str(DATA / "2juy.pdb.gz"), source)
    cmd.do(f"pomnoise {source} and not solvent, z=-1, frames=3")
    robot.pump(500)  # PyMOL 2.5 draws no text at all where the first is drawn beside no atom
    masks.show(cmd, name)
    cmd.zoom(name)
    atoms = pixels(robot, f"{name}-atoms.png").max(2) > 12
    cmd.disable(name)
    cmd.enable(f"{name}_key")
    seen = pixels(robot, f"{name}-key.png")
    found: dict[str, Any] = {"shaders": masks.strip(seen)}
    letters = lit_text(seen)
    cmd.set("use_shaders", 0)
    for background in ("white", "black"):
        cmd.bg_color(background)
        seen = pixels(robot, f"{name}-key-{background}.png")
        found[background] = masks.strip(seen)
    found["letters"] = letters / lit_text(seen)
    found["atoms"], found["under it"] = int(atoms.sum()), int((atoms & (seen.max(2) > 12)).sum())
    for cell in range(1, 5):
        cmd.create(f"part{cell}", name, 1, 1)
        cmd.hide("everything", f"part{cell}")
    cmd.set("grid_mode", 1)
    found["grid"] = masks.strip(pixels(robot, f"{name}-key-grid.png"))
    cmd.set("grid_mode", 0)
    cmd.set("use_shaders", 1)
    cmd.delete("all")
    return found


def lit_text(seen: Any) -> int:
    """Return how many pixels the numbers and the title of a key light on black."""
    return int((seen[int(0.94 * len(seen)) :].max(2) > 100).sum())


def pixels(robot: Any, file: str) -> Any:
    """Return the pixels of the viewport, shape=(height, width, 3)."""
    robot.pump(300)
    return masks.pixels(grab(file)[1])


def look(robot: Any, name: str) -> dict[str, Any]:
    """Return the state shown and how well what the screen shows agrees with each state of an object."""
    cmd.zoom(name, state=cmd.get_state(), complete=1, animate=0)
    robot.pump(150)
    return seen(name, f"{name}-{time.monotonic_ns()}.png")


def seen(name: str, file: str) -> dict[str, Any]:
    """Do as `look` does, at once."""
    state, image = grab(file)
    return {"state": state, "overlaps": masks.overlaps(cmd, name, image)}


def grab(file: str) -> tuple[int, Any]:
    """Return the state shown and the viewport as it stands on the screen, and save the picture."""
    viewport = get_qtwindow().pymolwidget
    corner = viewport.mapToGlobal(viewport.rect().topLeft())
    screen = QtWidgets.QApplication.primaryScreen()
    state = cmd.get_state()
    image = screen.grabWindow(0, corner.x(), corner.y(), viewport.width(), viewport.height()).toImage()
    image.save(file)
    return state, image


def steps(robot: Any, name: str, last: int) -> list[dict[str, Any]]:
    """Go to the second, third and last state, by a key, a command and a key again."""
    masks.show(cmd, name)
    cmd.frame(1)
    found = [look(robot, name)]
    viewport = get_qtwindow().pymolwidget
    robot.press(viewport, "Right")
    found.append(look(robot, name))
    cmd.do("frame 3")
    found.append(look(robot, name))
    cmd.frame(last - 1)
    robot.press(viewport, "Right")
    found.append(look(robot, name))
    return found


def watch(robot: Any, n_states: int, look: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    """Let PyMOL play, and look at each frame until so many states were seen, for 20 s at most."""
    cmd.set("movie_fps", 2)
    cmd.mplay()
    played: list[dict[str, Any]] = []
    end = time.monotonic() + 20
    while len({each["state"] for each in played}) < n_states and time.monotonic() < end:
        former = cmd.get_state()
        robot.wait(lambda former=former: cmd.get_state() != former, "the next frame")
        robot.pump(60)
        played.append(look())
    cmd.mstop()
    return played


def walk(robot: Any, source: str) -> dict[str, Any]:
    """Noise a structure, go through its states, and play those of another draw."""
    name = f"{source}_noise"
    cmd.do(f"pomnoise {source} and not solvent, z=0, wc=3, wr=8, frames=6")
    found = steps(robot, name, 7)
    cmd.do(f"pomnoise {source} and not solvent, z=0, wc=3, wr=8, frames=6, seed=1")
    masks.show(cmd, name)
    cmd.frame(1)
    cmd.zoom(name, state=0, complete=1, animate=0)
    robot.pump(150)
    played = watch(robot, 5, lambda: seen(name, f"{name}-played.png"))
    cmd.delete("all")
    return {"steps": found, "played": played}


def living(robot: Any) -> dict[str, Any]:
    """Move an object by Live, and leave Live in every way before the sliders rest."""
    panel = robot.open()
    cmd.load(str(DATA / "2juy.pdb.gz"), "2juy", quiet=1)
    robot.see_source("2juy")
    # Every frame is the truth moved as a whole.
    robot.set_values("pomnoise 2juy, wc=1, wr=0, wa=0, z=-1, frames=5, state=1")
    robot.run()
    robot.see_output(NOISED)
    masks.show(cmd, NOISED)
    for state in range(1, 7):
        cmd.frame(state)
        robot.pump(50)
    notes = {"rest": at_rest(robot)}
    panel.follower._rest.setInterval(60_000)  # what is looked at below happens before any rest
    for way, leave in {
        "frame": lambda: cmd.do("frame 4"),
        "player": lambda: robot.click(panel.player.last),
        "play": cmd.mplay,
        "stop": lambda: robot.click(panel.live),
        "close": lambda: robot.dock.close(),
        "tab": lambda: robot.dock.setVisible(False),
    }.items():
        notes[way] = left(robot, leave)
    notes["save"] = saved(robot)
    notes["rename"] = renamed(robot)
    notes["gone"] = gone(robot)
    return notes


def start(robot: Any) -> None:
    """Let Live follow, and move the object while its second state is shown."""
    robot.dock.show()
    robot.pump(50)
    panel = robot.panel
    if not panel.follower.on:
        robot.click(panel.live)
        robot.see_live()
    cmd.frame(2)
    robot.pump(300)
    slider = panel.controls["z"].slider
    quarter = (slider.maximum() - slider.minimum()) // 4
    there = quarter if slider.value() > slider.minimum() + 1.5 * quarter else 2 * quarter
    for step in (0, 1):
        slider.setValue(slider.minimum() + there + step)
        robot.pump(20)


def mode(name: str = NOISED) -> int:
    """Return whether an object is drawn in part."""
    return cmd.get_setting_int("defer_builds_mode", name)


def others(robot: Any) -> list[dict[str, Any]]:
    """Look at states that were not shown while the object moved."""
    found = []
    for state in (3, 6):
        cmd.frame(state)
        found.append(look(robot, NOISED))
    return found


def left(robot: Any, leave: Any) -> dict[str, Any]:
    """Move the object, leave Live in a way, and look at states that were not shown since."""
    start(robot)
    found: dict[str, Any] = {"moving": mode()}
    leave()
    robot.pump(200)
    cmd.mstop()
    found["after"] = mode()
    found["seen"] = [look(robot, NOISED), *others(robot)]
    return found


def at_rest(robot: Any) -> dict[str, Any]:
    """Move the object, and let it rest."""
    start(robot)
    found = {"moving": mode()}
    robot.settle()
    found["after"] = mode()
    found["seen"] = others(robot)
    return found


def saved(robot: Any) -> dict[str, Any]:
    """Save while the object moves."""
    start(robot)
    found = {"moving": mode()}
    cmd.save("moving.pse")
    found["after"] = mode()
    cmd.frame(5)
    robot.pump(200)
    found["seen"] = [look(robot, NOISED)]
    return found


def renamed(robot: Any) -> dict[str, Any]:
    """Take the name of the object away while it moves."""
    start(robot)
    found: dict[str, Any] = {"moving": mode()}
    cmd.set_name(NOISED, "other")
    robot.wait(lambda: not robot.panel.follower.on, "the end of Live")
    found["after"] = mode("other")
    cmd.set_name("other", NOISED)
    cmd.frame(3)
    found["seen"] = [look(robot, NOISED)]
    return found


def gone(robot: Any) -> dict[str, Any]:
    """Delete the object while states wait to be written, and stop."""
    start(robot)
    cmd.delete(NOISED)
    robot.panel.follower._todo.append(3)
    robot.click(robot.panel.live)
    return {"on": robot.panel.follower.on, "said": robot.status}
