"""Fixed atoms at the panel: typed on the tab More, run, and kept where they are by Live."""

from __future__ import annotations

from typing import Any

from pymol import cmd

from pomodoro_pymol.viewer import provenance, store

FIXED = "not (chain A and resi 45-55)"


def play(robot: Any) -> None:
    notes = robot.notes
    cmd.do("load $PYMOL_DATA/tut/1hpv.pdb")
    panel = robot.open()
    robot.see_source("1hpv")
    panel.tabs.setCurrentIndex(panel.tabs.count() - 1)
    robot.type_line(panel.controls["fixed"].line, "none")
    robot.run()
    notes["none"] = robot.status
    robot.type_line(panel.controls["fixed"].line, FIXED)
    robot.type_number(panel.controls["frames"].box, "3")
    robot.see_source("1hpv")
    robot.pump(300)
    expected = panel.display._residue_values()[1]
    notes["expected"] = [int((expected > 0).sum()), len(expected)]
    robot.run()
    robot.see_output("1hpv_noise")
    robot.see_display()
    notes["made"] = seen(robot)
    robot.click(panel.live)
    robot.see_live()
    robot.drag_slider(panel.controls["z"].slider, -8, -3, pause=1)
    robot.choose_preset("rb")
    robot.settle()
    notes["live"] = seen(robot)
    robot.click(panel.live)
    notes["changed"] = provenance.changed("1hpv_noise", store.get_record("1hpv_noise", _self=cmd), _self=cmd)


def seen(robot: Any) -> dict[str, Any]:
    """Return the line, the object, its measured levels and the table that shows them."""
    found = robot.look("1hpv_noise")
    table = robot.panel.levels.table
    return {
        "line": robot.line,
        **{key: found[key] for key in ("coords", "titles", "colors", "b", "labels")},
        "levels": found["record"]["levels"]["measured"],
        "table": [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount())],
    }
