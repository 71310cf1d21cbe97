"""The page of the z-sweep: what is drawn over z, and the button that measures it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qtpy import QtCore, QtWidgets

from ..noise import presets
from ..parameters.catalogue import NoiseParameters, SweepParameters
from ..utils.text import counted
from ..viewer import host, window
from .plots import DISPLACEMENTS
from .task import Task
from .watch import Molecule, Watch
from .widgets.curve_plots import QUANTITIES, Point, SweepPlot
from .widgets.inputs import WordBox
from .widgets.labels import word_button
from .widgets.model import ParameterModel
from .widgets.preset_buttons import preset_name, weights_text

if TYPE_CHECKING:
    from ..experiments.sweep import Sweep, SweepPoint
    from ..jobs.run import Run
    from ..jobs.sweep import SweepRun

#: What the curves of weights that are no preset are called.
OWN = "own"
_RUN = (
    "Measures what the curves expect, as the command pomsweep does: an object, a state per z, of the first scheme.",
    "Run sweep",
)
# Draws to average over, at most: enough for an interval.
_FRAMES = 5
_SHARED = ("selection", "state", "seed", "device", "law", "p_mean", "p_std", "sigma_data", "residues", "chains")


def schemes_of(parameters: NoiseParameters) -> dict[str, Any]:
    """Return the weights to compare by name: one's own first if they are no preset's, then all presets."""
    return ({} if preset_name(parameters) else {OWN: parameters.weights}) | presets.all_presets()


class SweepPage(QtWidgets.QWidget):
    """Chooses what is drawn over z, and measures it.

    Parameters
    ----------
    noise : ParameterModel
        Whose structure, weights and law count.
    watch : Watch
        Knows the structure.
    plot : SweepPlot
        Which the page takes in; its curves are the panel's.
    """

    said = QtCore.Signal(str)
    failed = QtCore.Signal(str)
    #: A `Task` for the panel's runner.
    wanted = QtCore.Signal(object)

    def __init__(self, noise: ParameterModel, watch: Watch, plot: SweepPlot, _self: Any = host.cmd) -> None:
        super().__init__()
        self._self = _self
        self._noise, self._watch, self.plot = noise, watch, plot
        self._sweep: Sweep | None = None
        self._of: tuple[Molecule | None, str] = (None, "")
        self.choice = WordBox()
        self.choice.setAccessibleName("over z")
        self.choice.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setMinimumContentsLength(12)
        self.choice.setToolTip("What is drawn over z, one curve per scheme.")
        for place, (name, quantity) in enumerate(QUANTITIES.items()):
            self.choice.addItem(quantity.title, name)
            self.choice.setItemData(place, quantity.tip, QtCore.Qt.ItemDataRole.ToolTipRole)
        self.choice.setCurrentIndex(self.choice.findData(plot.quantity))
        self.choice.activated.connect(self._choose)
        self.run = word_button("run", *_RUN)
        self.run.clicked.connect(self._run)
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.choice, 1)
        row.addWidget(self.run)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(plot, 1)
        noise.changed.connect(self._show_points)
        watch.source_changed.connect(self._show_points)

    def parameters(self) -> SweepParameters:
        """Return the sweep of the panel's structure, law and schemes."""
        noise = self._noise.parameters
        chosen = dict.fromkeys([preset_name(noise) or OWN, *schemes_of(noise)])
        names = [weights_text(noise.weights) if name == OWN else name for name in chosen]
        shared = {name: getattr(noise, name) for name in _SHARED}
        return SweepParameters(presets="+".join(names), frames=min(noise.frames, _FRAMES), **shared)

    def _choose(self, place: int) -> None:
        self.plot.choose(self.choice.itemData(place))
        self._show_points()

    def _run(self) -> None:
        parameters, own = self.parameters(), weights_text(self._noise.parameters.weights)
        runs: list[SweepRun] = []

        def make() -> Run:
            from ..jobs.sweep import SweepRun

            runs.append(SweepRun(parameters, _self=self._self))
            return runs[0]

        def ended(sweep: Sweep) -> str:
            """Show what was measured; return what the status says of it."""
            molecule = self._watch.molecule if self._watch.source == runs[0].source else None
            self._sweep, self._of = sweep, (molecule, own)
            self._show_points()
            self._hide(runs[0].name)
            lost = sweep.losses[0]
            said = f"swept {counted(len(sweep.losses), 'scheme')}"
            z = lost.relative.measured
            return said if math.isnan(z) else f"{said}; {lost.scheme.name} scrambles residues at z = {z:.2f}"

        self.wanted.emit(Task("sweep", "measurements", make, ended))

    def _hide(self, name: str) -> None:
        """Hide the object of a sweep where it would lie over the result, which is what the panel is of."""
        output = self._watch.output
        if output is not None and output.name in self._self.get_names("objects", enabled_only=1):
            self._self.disable(name)
            window.log(f"disable {name}", _self=self._self)

    def _show_points(self) -> None:
        """Show what was measured, while it is of the structure and of the law that are shown."""
        parameters, sweep = self._noise.parameters, self._sweep
        molecule, own = self._of
        if sweep is None or molecule is not self._watch.molecule or sweep.law != parameters.law_of_sigma:
            self.plot.show_measured({})
            return
        points: dict[str, list[Point]] = {}
        for point in sweep.points:
            name = point.scheme.name
            if name == own:
                if own != weights_text(parameters.weights):
                    continue
                name = OWN
            found = _point(self.plot.quantity, point)
            if not math.isnan(found[1]):
                points.setdefault(name, []).append(found)
        self.plot.show_measured(points)


def _point(quantity: str, point: SweepPoint) -> Point:
    """Return z, what was measured there, and the ends of its interval, nan where it has none."""
    if quantity in DISPLACEMENTS:
        value = getattr(point, quantity)
        return point.z, value.measured, value.low, value.high
    return point.z, getattr(point.scores, quantity), math.nan, math.nan
