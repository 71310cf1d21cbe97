"""The tab "Teaches": what each scheme moves, and where its loss lies, in closed form, while the sliders move."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qtpy import QtCore, QtWidgets

from ..parameters.catalogue import NoiseParameters, SignalParameters
from ..utils.problems import problem_text
from ..utils.text import counted
from ..viewer import host, reading
from .sweeping import OWN, schemes_of
from .task import Task
from .timers import single_shot
from .watch import Molecule, Watch
from .widgets.inputs import NumberBox, WordBox
from .widgets.labels import text_label, word_button
from .widgets.loss_bars import LossBars
from .widgets.model import ParameterModel
from .widgets.preset_buttons import preset_name

if TYPE_CHECKING:
    from torch import Tensor

    from ..diffusion.precondition import PerLevel
    from ..experiments.signal_report import SignalResult
    from ..noise.weights import LevelWeights
    from ..structure.atoms import Structure
    from ..structure.hierarchy import Hierarchy

_REFRESH_MS = 30
#: Atoms of all states that are measured without being asked; they take some 50 ms.
_AT_ONCE = 200_000
_SHARED = ("selection", "state", "wc", "wr", "wa", "preset", "law", "p_mean", "p_std", "sigma_data")
_TABLE = ("Prints what the noise teaches, in numbers, as the command pomsignal does.", "Table")


@dataclass(frozen=True, eq=False)
class Basis:
    """What the losses of any weights follow from."""

    molecule: Molecule
    hierarchy: Hierarchy
    data: PerLevel
    gauge: Tensor


class TeachingPage(QtWidgets.QWidget):
    """Shows the shares of the loss for the weights of the panel and for each preset.

    Parameters
    ----------
    noise : ParameterModel
        Whose structure, weights and law count.
    watch : Watch
        Knows the structure.
    """

    failed = QtCore.Signal(str)
    #: A `Task` that is to be run.
    wanted = QtCore.Signal(object)

    def __init__(
        self, noise: ParameterModel, watch: Watch, parent: QtWidgets.QWidget | None = None, _self: Any = host.cmd
    ) -> None:
        super().__init__(parent)
        self._self = _self
        self._noise, self._watch = noise, watch
        self._basis: Basis | None = None
        self._law = noise.parameters.law_of_sigma
        self._seen: Molecule | None = None
        self._build()
        self._soon = single_shot(self, _REFRESH_MS, self._show)
        noise.changed.connect(self.refresh)
        watch.source_changed.connect(self.refresh)

    def _build(self) -> None:
        self.view = WordBox()
        self.view.setAccessibleName("loss")
        self.view.setToolTip(
            "What a network that predicts zero leaves, level by level: with which sigma_data, per coordinate, and "
            "whether translation and rotation of the whole count."
        )
        self.view.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.view.setMinimumContentsLength(12)
        self.view.addItems(_views(0.0, 0.0))
        self.view.activated.connect(lambda _: self.refresh())
        self.table = word_button("run", *_TABLE)
        self.table.clicked.connect(self._want_table)
        self.bars = LossBars()
        self.sentence = text_label("pomodoro-teaching")
        self.share = NumberBox(False)
        self.share.setRange(0, 1)
        self.share.setSingleStep(0.05)
        self.share.setValue(0.5)
        self.share.setAccessibleName("wanted share of the loss for residues")
        self.share.setToolTip(
            "Part of the loss that residues are to have, from 0 to 1, the whole's motion with it. Keeps wc and wa."
        )
        self.solve = QtWidgets.QPushButton("Set wr")
        self.solve.setToolTip("Finds the residue weight that gives this part of the loss.")
        self.solve.clicked.connect(self._solve)
        first, last = QtWidgets.QHBoxLayout(), QtWidgets.QHBoxLayout()
        for row, widgets in (
            (first, (QtWidgets.QLabel("loss at \N{GREEK SMALL LETTER SIGMA}_data"), self.view, self.table)),
            (last, (QtWidgets.QLabel("residues' share"), self.share, self.solve)),
        ):
            row.setSpacing(4)
            for widget in widgets:
                row.addWidget(widget, int(widget is self.view))
        last.addStretch(1)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.sentence)
        layout.addWidget(self.bars, 1)
        layout.addLayout(first)
        layout.addLayout(last)

    def showEvent(self, event: Any) -> None:
        """Show what holds now."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Show the shares soon: once, however many changes come before."""
        if self.isVisible() and not self._soon.isActive():
            self._soon.start()

    # Numbers.

    def _show(self) -> None:
        basis = self._find_basis()
        if basis is None:
            self.bars.clear()
            self.solve.setEnabled(False)
            return
        from ..diffusion.budget import LevelVariances, shares_of, start_losses
        from ..diffusion.precondition import own_sigma_data
        from ..experiments.comparison import verdict
        from ..experiments.signal_report import headline
        from ..noise.expected import expected_levels

        parameters = self._noise.parameters
        given = parameters.law_of_sigma
        own = replace(given, sigma_data=own_sigma_data(basis.hierarchy, basis.data))
        for place, text in enumerate(_views(given.sigma_data, own.sigma_data)):
            self.view.setItemText(place, text)
        law, aligned = (given, own)[self.view.currentIndex() % 2], self.view.currentIndex() >= 2
        self._law = law
        self.solve.setEnabled(not aligned)

        def shares(weights: LevelWeights, aligned: bool) -> PerLevel:
            levels = LevelVariances.of(basis.hierarchy, weights, basis.data, basis.gauge)
            return shares_of(start_losses(levels, law, aligned=aligned))

        schemes, name = schemes_of(parameters), preset_name(parameters) or OWN
        motion = {each: expected_levels(basis.hierarchy, weights) for each, weights in schemes.items()}
        self.bars.show_shares(
            {each: shares(weights, aligned) for each, weights in schemes.items()},
            {each: (of.chain_share, of.residue_share, of.atom_share) for each, of in motion.items()},
            bold=name,
        )
        as_is, once_aligned = (shares(parameters.weights, aligned) for aligned in (False, True))
        taught = headline(name, as_is, once_aligned, basis.hierarchy.n_chains)
        self.sentence.setText(f"{verdict(motion)}\n{taught}".replace(" %", "\N{NO-BREAK SPACE}%"))

    def _find_basis(self) -> Basis | None:
        """Return what the structure's losses follow from; says why there is nothing yet."""
        molecule, source = self._watch.molecule, self._watch.source
        if molecule is None or source is None:
            self._seen = None
            self.sentence.setText(self._watch.problem)
            return None
        if self._basis is not None and self._basis.molecule is molecule:
            return self._basis
        if molecule is self._seen:
            return None
        self._seen, self._basis = molecule, None
        n_states = self._self.count_states(f"%{source.object}")
        if n_states * source.n_atoms > _AT_ONCE:
            self.sentence.setText(f"Table measures {counted(n_states, 'state')} of {source.n_atoms} atoms")
            return None
        try:
            import torch

            from ..diffusion.precondition import data_variances
            from ..jobs.run import data_steps
            from ..structure.hierarchy import Hierarchy

            read = reading.take_all(data_steps(source, False, _self=self._self))
            hierarchy = Hierarchy.from_structure(read.structure)
            data = data_variances(torch.from_numpy(read.states), hierarchy)
            self._basis = _basis(molecule, read.structure, hierarchy, data)
        except Exception as error:  # states that differ, or no torch
            self.sentence.setText(problem_text(error))
            return None
        return self._basis

    def _solve(self) -> None:
        """Set the residue weight for the wanted share."""
        basis, like = self._basis, self._noise.parameters.weights
        if basis is None:
            return
        try:
            from ..diffusion.budget import weights_for_loss_share

            weights = weights_for_loss_share(basis.hierarchy, self.share.value(), basis.data, self._law, like)
        except Exception as error:
            self.failed.emit(problem_text(error))
            return
        self._noise.edit("wr", float(f"{weights.residue:.4g}"))

    # The table.

    def _want_table(self) -> None:
        noise: NoiseParameters = self._noise.parameters
        given = {name: getattr(noise, name) for name in _SHARED}
        self._seen = self._watch.molecule

        def make() -> Any:
            from ..jobs.signal import SignalRun

            return SignalRun(SignalParameters(**given), _self=self._self)

        self.wanted.emit(Task("measuring", "steps", make, self._end))

    def _end(self, result: SignalResult) -> str:
        molecule = self._watch.molecule
        if molecule is not None and molecule is self._seen:
            data = result.signal.schemes[0].of_levels("data")
            self._basis = _basis(molecule, result.structure, result.hierarchy, data)
        self.refresh()
        return "what the noise teaches is printed"


def _views(given: float, own: float) -> list[str]:
    texts = [f"{given:.4g} Å per coordinate", f"{own:.4g} Å per coordinate, the data's own"]
    return [*texts, *(f"{text}, aligned" for text in texts)]


def _basis(molecule: Molecule, structure: Structure, hierarchy: Hierarchy, data: PerLevel) -> Basis:
    from ..noise.gauge import level_gauge

    return Basis(molecule, hierarchy, data, level_gauge(structure.coords, hierarchy))
