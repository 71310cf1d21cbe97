"""The widgets need neither PyMOL nor torch, and leave pyqtgraph's options to others."""

import os
import subprocess
import sys

IMPORTS = """
import sys
sys.modules.update(dict.fromkeys(("pymol", "pymol2", "torch", "scipy")))
from qtpy import QtWidgets
app = QtWidgets.QApplication([])
from pomodoro_pymol.panel.widgets import color_key, curve_plots, icons, level_table, player, residue_plot, share_bar
print("pyqtgraph" in sys.modules, "numpy" in sys.modules)
import pyqtgraph
before = dict(pyqtgraph.CONFIG_OPTIONS)
windows = [color_key.ColorKey(), player.Player(), curve_plots.StepPlot(), curve_plots.SweepPlot()]
windows += [residue_plot.ResiduePlot(), level_table.LevelTable(), share_bar.ShareBar()]
print(dict(pyqtgraph.CONFIG_OPTIONS) == before, repr(app.styleSheet()))
print(*[type(window).__name__ for window in windows if window.minimumSizeHint().width() > 320])
print(*[type(window).__name__ for window in windows if not (window.accessibleName() or window.layout())])
"""


def test_widgets_import_little_and_change_nothing_global():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", IMPORTS], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded, same, wide, nameless = done.stdout.split("\n")[:4]
    assert loaded == "False False"
    assert same == "True ''"
    assert wide == ""
    assert nameless == ""
