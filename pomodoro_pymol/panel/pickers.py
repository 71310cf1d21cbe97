"""The choice of source and result, which follow what is loaded, deleted and renamed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from qtpy import QtCore, QtWidgets

from ..parameters.catalogue import NoiseParameters
from ..utils.text import counted
from ..viewer import sources, store, window
from .layout import Face
from .watch import Watch

_NO_SOURCE, _NO_RESULT = "load a structure", "not run yet"


class Pickers(QtCore.QObject):
    """Shows source and result, takes another choice, and lets the parameters follow.

    `found` carries parameters of pomnoise: those of the result that was chosen, or those that follow what
    became of the source.
    """

    found = QtCore.Signal(object)

    def __init__(self, face: Face, watch: Watch, _self: Any) -> None:
        super().__init__(face)
        self._face, self._watch, self._self = face, watch, _self
        self._given = ""  # a name of the new object that nobody typed
        self._renamed = ""  # the source, by its name of now
        watch.objects_changed.connect(self._follow_objects)
        watch.renamed.connect(self._follow_name)
        watch.results_changed.connect(self._show_results)
        watch.source_changed.connect(self._show_source)
        watch.output_changed.connect(self._show_results)
        watch.polled.connect(self._show_truth)
        face.objects.textActivated.connect(self._choose_source)
        face.results.textActivated.connect(self._choose_result)
        face.truth.clicked.connect(self._toggle_truth)
        self._show_source()
        self._show_results()

    # The source.

    def _choose_source(self, name: str) -> None:
        source = self._watch.source
        if name in self._watch.objects and (source is None or source.object != name):
            alone = len(self._watch.objects) == 1
            selection = "" if alone else sources.whole(name, _self=self._self)
            self.found.emit(replace(self._face.model.parameters, selection=selection, state=-1, name=""))
            self._watch.poll()

    def _follow_objects(self) -> None:
        """Let the parameters mean a structure that is there: the one that was meant, else the first."""
        objects, parameters = self._watch.objects, self._face.model.parameters
        former = self._renamed or (self._watch.source.object if self._watch.source else "")
        self._renamed = ""
        selection, name = parameters.selection, parameters.name
        if former and former not in objects:
            selection = "" if _names(selection, former) else selection
            name = "" if name == self._given else name
        if not selection and len(objects) > 1:
            selection = sources.whole(former if former in objects else objects[0], _self=self._self)
        elif len(objects) == 1 and selection == sources.whole(objects[0], _self=self._self):
            selection = ""  # which means the same
        if (selection, name) != (parameters.selection, parameters.name):
            self.found.emit(replace(parameters, selection=selection, name=name))
        self._show_source()

    def _follow_name(self, former: str, name: str) -> None:
        """Let selection and name of the new object follow a structure or result that was renamed."""
        parameters, source, output = self._face.model.parameters, self._watch.source, self._watch.output
        changes = {}
        if source is not None and source.object == former:
            self._renamed = name
        if _names(parameters.selection, former):
            words = sources.object_words(name, _self=self._self)
            changes["selection"] = _pattern(former).sub(lambda _: words, parameters.selection)
        if output is not None and output.name == former:
            changes["name"] = name
        elif output is not None and not parameters.name:
            changes["name"] = output.name  # which was named after its source
        self._given = changes.get("name", self._given)
        if changes:
            self.found.emit(replace(parameters, **changes))

    def _show_source(self) -> None:
        source, molecule = self._watch.source, self._watch.molecule
        if source is None:
            self._face.counts.show_text(self._watch.problem)
        else:
            sizes = str(molecule.hierarchy) if molecule is not None else counted(source.n_atoms, "atom")
            self._face.counts.show_text(f"{source.object}: {sizes.replace(', ', ' · ')}")
        name = source.object if source else ""
        _fill(self._face.objects, self._watch.objects, name, _NO_SOURCE)

    # The result.

    def _choose_result(self, name: str) -> None:
        """Show the values of a result that is chosen."""
        record = store.get_record(name, _self=self._self)
        if record is None or store.command_of(record) != NoiseParameters.command:
            return
        parameters = NoiseParameters.from_text(record["command"])
        there = record.get("source") in self._watch.objects
        self._given = "" if there and name == f"{record['source']}_noise" else name
        if not there:  # its source has gone or is called otherwise
            parameters = replace(parameters, selection=self._face.model.parameters.selection)
        self.found.emit(replace(parameters, name=self._given))
        self._watch.poll()

    def _show_results(self) -> None:
        output = self._watch.output
        _fill(self._face.results, self._watch.results, output.name if output else "", _NO_RESULT)

    # The truth.

    def _over(self) -> str:
        """Return the object that shows the truth of the result: its grey trace, else the source."""
        output = self._watch.output
        if output is None:
            return ""
        from ..viewer import publishing

        there = publishing.truth_of(output.name, _self=self._self)
        return there or (output.record.source if output.record.source in self._watch.objects else "")

    def _show_truth(self) -> None:
        over = self._over()
        self._face.truth.setEnabled(bool(over))
        self._face.truth.setChecked(bool(over) and over in self._self.get_names("objects", enabled_only=1))

    def _toggle_truth(self, on: bool) -> None:
        over = self._over()
        if over:
            (self._self.enable if on else self._self.disable)(over)
            window.log(f"{'enable' if on else 'disable'} {over}", _self=self._self)


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.+-])%?{re.escape(name)}(?![\w.+-])")


def _names(selection: str, name: str) -> bool:
    """Tell whether a selection names an object."""
    return bool(_pattern(name).search(selection))


def _fill(box: QtWidgets.QComboBox, names: list[str], chosen: str, none: str) -> None:
    """Let a picker offer names; one that is chosen and not among them comes last, as does what stands for none."""
    words = [*names, *([chosen or none] if chosen not in names else [])]
    if words != [box.itemText(place) for place in range(box.count())]:
        box.clear()
        box.addItems(words)
    box.setCurrentText(chosen or none)
    box.setEnabled(bool(names))
