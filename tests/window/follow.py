"""Commands typed beside the panel, in many orders of loading, choosing, running and typing: the sliders follow each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymol import cmd

ONE, TWO = "fab GASGA, one", "fab AGG, two"
TYPED = "pomnoise z=-1.25, frames=2, seed={}"

#: What goes before, and what is typed then; a seed is added that no run had. "run" and the like are deeds below.
ORDERS: dict[str, tuple[list[str], str]] = {
    "into an empty panel": ([ONE], TYPED),
    "at once after loading": ([], f"{ONE}\n{TYPED}"),
    "while the structure is not yet read": ([ONE, "no wait"], TYPED),
    "of two structures": ([ONE, TWO], TYPED.replace("z=", "two, z=")),
    "of a structure just loaded beside another": ([ONE], f"{TWO}\n" + TYPED.replace("z=", "two, z=")),
    "of another than is chosen": ([ONE, TWO, "choose one"], TYPED.replace("z=", "two, z=")),
    "under another name": ([ONE], TYPED + ", name=other"),
    "under a name that the panel has": ([ONE, "line pomnoise name=mine"], TYPED + ", name=mine"),
    "after a run of the panel": ([ONE, "run"], TYPED),
    "after a run and other sliders": ([ONE, "run", "line pomnoise z=2, wr=3"], TYPED),
    "what the panel has run already": ([ONE, "line pomnoise z=-1.25, frames=2", "run", "line pomnoise z=2"], TYPED),
    "twice": ([ONE, TYPED], TYPED),
    "twice at once": ([ONE], f"pomnoise z=1, frames=2\n{TYPED}"),
    "the same again after other sliders": ([ONE, "again", "line pomnoise z=2"], "again"),
    "after the object was deleted": ([ONE, "run", "delete one_noise"], TYPED),
    "after the source was deleted": ([ONE, TWO, "run one", "delete one"], TYPED),
    "after all was deleted": ([ONE, "run", "delete all"], f"{ONE}\n{TYPED}"),
    "with a preset": ([ONE], TYPED + ", preset=rb"),
    "with sigma": ([ONE, "line pomnoise z=2"], "pomnoise sigma=2.5, frames=2, seed={}"),
    "of a selection": ([ONE], TYPED.replace("z=", "one and resi 2-4, z=")),
    "while the panel is hidden": ([ONE, "run", "hide"], f"{TYPED}\nshow"),
    "while the panel runs another": ([ONE, TWO, "start one"], TYPED.replace("z=", "two, z=")),
    "while the panel runs another, both seen at once": (
        [ONE, TWO, "blind", "start one"],
        TYPED.replace("z=", "two, z="),
    ),
    "from Python": ([ONE, "run"], "python"),
    "coloured afterwards": ([ONE], f"{TYPED}\npomcolor metric=scramble, palette=magma"),
}


def play(robot: Any) -> None:
    robot.open()
    deeds = Deeds(robot)
    robot.notes["sessions"] = deeds.sessions()  # first: PyMOL 2.5 cannot load one saved after two ramps were deleted
    robot.notes["orders"] = {}
    for name, (before, typed) in ORDERS.items():
        robot.notes["orders"][name] = deeds.order(before, typed)
    robot.notes["others"] = deeds.others()
    robot.notes["presets"] = deeds.presets()


class Deeds:
    """What goes before a command is typed, and how it is typed."""

    def __init__(self, robot: Any) -> None:
        self.robot = robot
        self.seed = 100

    def order(self, before: list[str], typed: str) -> list[str]:
        """Return what the panel shows in the end, and what it is to show: the run that was recorded last."""
        robot = self.robot
        cmd.delete("all")
        robot.panel.watch._timer.start()
        robot.set_values("pomnoise")
        robot.pump(250)
        self.seed += 1
        for step in before:
            self.do(step)
            if "no wait" not in before and not step.startswith("start"):  # a run is short
                robot.pump(250)
        self.seed += 1
        seed = f"seed={99 if typed == 'again' else self.seed}"
        for line in typed.split("\n"):
            self.do(line)
        robot.wait(lambda: not robot.panel.runner.running, "the end of the run")
        (record,) = (record for record in cmd._pymol.session.pomodoro.values() if seed in record["command"])
        found = {}

        def agree() -> bool:
            found["shown"] = self.meant(robot.line)
            return found["shown"] == self.meant(record["command"])

        try:
            robot.wait(agree, "the sliders", seconds=3)
            robot.pump(400)  # and they stay
            agree()
        except AssertionError:
            pass
        return [found["shown"], self.meant(record["command"])]

    def meant(self, line: str) -> str:
        """Return a command without its selection, which the panel may have as it was typed."""
        words = line.partition(" ")[2].split(", ")
        return ", ".join(
            sorted(word for word in words if "=" in word and not word.startswith(("state", "metric", "pal")))
        )

    def do(self, step: str) -> None:
        robot = self.robot
        word, _, rest = step.partition(" ")
        deeds: dict[str, Callable[[], Any]] = {
            "no": lambda: None,
            "choose": lambda: robot.choose(robot.panel.objects, rest),
            "line": lambda: robot.set_values(rest),
            "run": lambda: self.run(rest),
            "start": lambda: self.start(rest),
            "hide": lambda: robot.dock.hide(),
            "show": lambda: robot.dock.show(),
            "blind": lambda: robot.panel.watch._timer.stop(),  # until the end of a run, which looks
            "again": lambda: cmd.do(TYPED.format(99)),
            "python": lambda: self.call(),
        }
        deed = deeds.get(word)
        if deed is None or step.startswith("pomnoise"):
            cmd.do(step.format(self.seed))
        else:
            deed()

    def run(self, name: str) -> None:
        self.robot.set_values(f"pomnoise {name}" if name else self.robot.line)
        self.robot.pump(250)
        self.robot.run()

    def start(self, name: str) -> None:
        self.robot.set_values(f"pomnoise {name}, frames=400")
        self.robot.pump(250)
        self.robot.click(self.robot.panel.run)
        assert self.robot.panel.runner.running

    def call(self) -> None:
        from pomodoro_pymol.commands import pomnoise

        pomnoise(z=-1.25, frames=2, seed=self.seed, _self=cmd)

    def move_on_after_a_run(self) -> None:
        """Let the panel run at z=1, and show z=2 since."""
        cmd.delete("all")
        self.robot.set_values("pomnoise z=1, frames=3")
        cmd.do(ONE)
        self.robot.pump(250)
        self.robot.run()
        self.robot.set_values("pomnoise z=2, frames=3")
        self.robot.pump(250)

    def others(self) -> dict[str, list[str]]:
        """Return the panel's line before and after commands that are no runs of pomnoise, and its own run."""
        robot = self.robot
        self.move_on_after_a_run()
        found = {}
        for line in ("pomalign", "pomsweep z=0, presets=rb", "pomsave out.pdb, one_noise", "copy more, one_noise", TWO):
            before = robot.line
            cmd.do(line)
            robot.pump(600)
            found[line] = [before, robot.line]
        return found

    def sessions(self) -> dict[str, str]:
        """Return the panel's line once sessions of another PyMOL are loaded, whose runs it has not seen."""
        robot = self.robot
        self.move_on_after_a_run()
        paths = {"with values": "with.pse", "without values": "without.pse"}
        cmd.save(paths["with values"])
        robot.save_foreign(paths["without values"])
        found = {}
        for name, path in paths.items():
            cmd.delete("all")
            cmd._pymol.session.pomodoro.clear()
            robot.set_values("pomnoise z=3")
            robot.pump(500)
            robot.panel.watch._runs.clear()
            robot.panel.jobs.own = ""
            cmd.do(f"load {path}")
            robot.pump(1000)
            found[name] = robot.line
        return found

    def presets(self) -> dict[str, list[str]]:
        """Delete and change the preset that the panel has; return its line, and what it says of a run and of Live."""
        robot = self.robot
        found = {}
        for word in ("delete=mine", "wc=1, wr=1, save=mine"):
            cmd.delete("all")
            cmd.do(ONE)
            cmd.do("pomweights wc=2, wr=5, save=mine")
            robot.set_values("pomnoise preset=mine, frames=3")
            robot.see_source("one")
            robot.run()
            cmd.do(f"pomweights {word}")
            cmd.do("pomcolor metric=scramble")
            robot.wait(lambda: "scramble" in robot.line, "the colours")
            robot.pump(300)
            lines = [robot.line]
            robot.run()
            lines.append(robot.status)
            robot.see_output("one_noise")
            robot.click(robot.panel.live)
            robot.see_live()
            robot.press(robot.panel.controls["z"].slider, "Right")
            robot.settle()
            robot.click(robot.panel.live)
            found[word] = [*lines, robot.line, cmd._pymol.session.pomodoro["one_noise"]["command"]]
        return found
