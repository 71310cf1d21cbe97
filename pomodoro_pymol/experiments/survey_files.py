"""A survey of files: what is read, by whom, and what is written."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np

from ..errors import PomodoroError
from ..health import install_command, missing
from ..io.disk import check_target, user_path
from ..noise.presets import parse_schemes
from ..parameters.catalogue import SurveyFilesParameters
from ..structure.crops import CROPPINGS
from ..survey.child import Limits
from ..survey.cluster import cluster, dashboard, read_all
from ..survey.costs import MEASURED, Times, costs_text, survey_costs
from ..survey.journal import Journal
from ..survey.readings import Reading
from ..survey.settings import SurveySettings
from ..survey.sources import expand, size_of
from ..survey.summary import Summary, summarise
from ..survey.survey_file import SUFFIX, Survey, plain_text, read_survey, write_survey
from ..utils.text import counted
from . import outputs
from .survey_report import survey_json, survey_text

#: What a survey needs beside the library's own.
NEEDED = ("dask", "distributed", "gemmi", "psutil", "pyarrow")


@dataclass(frozen=True, eq=False)
class SurveyResult:
    """A survey that is done.

    Attributes
    ----------
    survey : Survey
    summary : Summary
    costs : sequence of str
        Lines on what reading took, where that was asked for.
    """

    survey: Survey
    summary: Summary
    costs: Sequence[str] = ()

    def report(self) -> str:
        """Return all of it as ASCII text."""
        return "\n".join([survey_text(self.survey, self.summary), *self.costs])


def survey_files(
    sources: Sequence[str],
    output: str,
    parameters: SurveyFilesParameters,
    *,
    hydrogens: bool = True,
    scheduler: str = "",
    tell: Callable[[str, bool], None] = lambda line, last: None,
) -> SurveyResult:
    """Survey files: write a row for each structure and crop, and what they say together.

    One that was stopped goes on where its journal, ``output`` with a further ``.partial``, ends.

    Parameters
    ----------
    sources : sequence of str
        See `sources.expand`.
    output : str
        The file of the rows, .parquet.
    parameters : SurveyFilesParameters
    hydrogens : bool
        Whether they count.
    scheduler : str
        Address of a running Dask cluster; by default one of this machine is started.
    tell : callable
        Called with a line on how far the survey is every now and then, and whether it is to stay.

    Raises
    ------
    PomodoroError
        If a package is missing, sources are not there, a file cannot be written, the cluster is gone,
        or no structure was read. Readings that are done are kept.
    """
    absent = missing(NEEDED)
    if absent:
        raise PomodoroError(f"a survey needs {', '.join(absent)}; install with: {install_command(*absent)}")
    import_module("pyarrow")  # which says now if it is too new for NumPy
    settings, place = survey_settings(parameters, hydrogens=hydrogens), user_path(output)
    _check_outputs(output, place, parameters)
    paths = expand(sources)
    outputs.check_apart([output, parameters.figure, parameters.json, parameters.times], paths)
    limits = Limits(parameters.seconds, int(parameters.memory * 2**30))
    with Journal(place, settings) as journal:
        todo = [path for path in paths if path not in journal.done]
        if len(todo) < len(paths):
            tell(f"{len(paths) - len(todo)} of {counted(len(paths), 'file')} are done already, in {journal.path}", True)
        if todo:
            sizes = {path: size_of(path) for path in todo}
            keeper = _Keeper(journal, len(paths), sizes, tell)
            with cluster(scheduler, parameters.workers or 0) as client:
                address = dashboard(client)
                if address:
                    tell(f"Dask's dashboard: {address}", True)
                try:
                    read_all(client, sizes, settings, limits, keeper.take)
                except KeyboardInterrupt:
                    tell(f"stopped: what is done is kept in {journal.path}, and the same command goes on", True)
                    raise
        rows = [(reading.path, row) for reading in journal.readings(paths) for row in reading.rows]
        write_survey(place, rows, settings)
        costs = _keep_times(parameters.times, journal.readings(paths)) if parameters.times else []
        journal.remove()
    survey = read_survey(place)
    summary = summarise(survey)
    outputs.write_csv(parameters.json, survey_json(survey, summary))
    if parameters.figure:
        from .survey_figure import survey_figure

        outputs.write_figure(parameters.figure, survey_figure(survey, summary))
    return SurveyResult(survey, summary, costs)


def _keep_times(path: str, readings: Iterable[Reading]) -> list[str]:
    """Write what reading took to a file, and return lines on what it costs."""
    costs = sorted((replace(reading, rows=(), line="") for reading in readings), key=lambda reading: reading.path)
    outputs.write_csv(path, times_csv(costs))
    found = ([getattr(reading, name) for reading in costs] for name in ("size", "seconds", "peak"))
    return costs_text(survey_costs(Times(*map(np.array, found)), overhead=MEASURED))


def times_csv(readings: Iterable[Reading]) -> str:
    """Return what reading each file took, as CSV."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["path", "bytes", "seconds", "peak_bytes"])
    for reading in readings:
        writer.writerow([plain_text(reading.path), reading.size, f"{reading.seconds:.6g}", reading.peak])
    return file.getvalue()


class _Keeper:
    """Keeps readings as they come, and tells how far a survey is."""

    def __init__(
        self, journal: Journal, total: int, sizes: Mapping[str, int], tell: Callable[[str, bool], None]
    ) -> None:
        self._journal, self._total, self._tell = journal, total, tell
        self._before, self._bytes = total - len(sizes), sum(sizes.values())
        # Of the files read: their number, bytes and seconds, and what a line through these needs.
        self._sums = np.zeros(5)
        self._start = time.monotonic()

    def take(self, readings: list[Reading]) -> None:
        """Keep readings, and tell."""
        self._journal.add(readings)
        for reading in readings:
            size, took = reading.size, reading.seconds
            self._sums += (1, size, took, size * size, size * took)
        count, read = int(self._sums[0]), self._sums[1]
        done = self._before + count
        words = [f"{done} of {counted(self._total, 'file')}", f"{self._journal.failed} not read"]
        if self._sums[2]:
            seconds = time.monotonic() - self._start
            left = seconds * share_left(self._sums.tolist(), self._total - done, max(self._bytes - read, 0.0))
            words[1:1] = [f"{count / seconds:.3g} a second", f"{_duration(left)} left"]
        self._tell(", ".join(words), done == self._total)


def share_left(sums: Sequence[float], files: float, size: float) -> float:
    """Return the work that is left over that which is done, by a line of seconds over bytes through what is done.

    Parameters
    ----------
    sums : sequence of float
        Of the files done: their number, bytes, seconds, squares of bytes, and products of bytes and seconds.
    files, size : float
        Files that are left, and their bytes.
    """
    count, read, took, squares, products = sums
    spread, most = count * squares - read**2, took / read if read else 0.0
    # Of files of one size by their bytes, as the largest come first.
    slope = (count * products - read * took) / spread if spread > 1e-9 * count * squares else most
    slope = min(max(slope, 0.0), most)  # neither a byte nor a file takes less than nothing
    return (slope * size + (took - slope * read) / count * files) / took


def survey_settings(parameters: SurveyFilesParameters, *, hydrogens: bool = True) -> SurveySettings:
    """Return what the rows depend on.

    Raises
    ------
    PomodoroError
        If crops are asked for, but not how long.
    """
    schemes, z = tuple(parse_schemes(parameters.presets)), tuple(parameters.z.values())
    settings = SurveySettings(schemes, z, parameters.law_of_sigma, hydrogens)
    if parameters.crop is None:
        absent = SurveyFilesParameters()
        if (parameters.crops, parameters.cropping) != (absent.crops, absent.cropping):
            raise PomodoroError("crops and their kind are of a crop: give --crop, as in --crop 384")
        return settings
    kinds = CROPPINGS if parameters.cropping == "both" else (parameters.cropping,)
    return replace(settings, tokens=parameters.crop, croppings=kinds, crops=parameters.crops, seed=parameters.seed)


def _check_outputs(output: str, place: Path, parameters: SurveyFilesParameters) -> None:
    """Refuse files that could not be written, before any work is done."""
    if not output.lower().endswith(SUFFIX):
        raise PomodoroError(f"output must end in {SUFFIX}, not {output!r}")
    check_target(place)
    for path in (parameters.json, parameters.times):
        outputs.check_paths(path, "")
    outputs.check_paths("", parameters.figure)
    outputs.check_figures(parameters.figure)


def _duration(seconds: float) -> str:
    """Return a time in words, to two figures of what it has."""
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if minutes < 1 else f"{minutes:.0f} min" if hours < 1.5 else f"{hours:.1f} h"
