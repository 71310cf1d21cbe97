"""A survey of files: its settings and limits, the reading with a journal, and the files that are written."""

from __future__ import annotations

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
from ..survey.rows import Reading
from ..survey.settings import SurveySettings
from ..survey.sources import expand, size_of
from ..survey.summary import Summary, summarise
from ..survey.survey_file import SUFFIX, Survey, plain_text, read_survey, write_survey
from ..utils.text import counted, csv_text
from . import outputs
from .survey_report import survey_json, survey_text

#: Packages that a survey needs beside those that the library always has.
NEEDED = ("dask", "distributed", "gemmi", "psutil", "pyarrow")


@dataclass(frozen=True, eq=False)
class SurveyResult:
    """A survey that is done.

    Attributes
    ----------
    survey : Survey
    summary : Summary
    costs : sequence of str
        Lines on what reading took; none where no file of times was asked for.
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
    """Survey files: write a row for each structure or crop, and summarise the rows.

    A survey that was stopped goes on from its journal, which is called as ``output`` with a further ``.partial``.

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
        Address of a running Dask cluster; "" starts one of this machine.
    tell : callable
        Called every now and then with a line on how far the survey is, and with whether the line is to stay.

    Raises
    ------
    PomodoroError
        If a package is missing, sources are not there, a file cannot be written, the cluster is gone,
        or no structure was read. Readings that are done are kept.
    """
    _check_packages()
    settings, place = survey_settings(parameters, hydrogens=hydrogens), user_path(output)
    _check_outputs(output, place, parameters)
    paths = expand(sources)
    outputs.check_apart([output, parameters.figure, parameters.json, parameters.times], paths)
    with Journal(place, settings) as journal:
        _read(paths, journal, settings, parameters, scheduler, tell)
        rows = [(reading.path, row) for reading in journal.readings(paths) for row in reading.rows]
        write_survey(place, rows, settings)
        costs = _keep_times(parameters.times, journal.readings(paths)) if parameters.times else []
        journal.remove()
    survey = read_survey(place)
    summary = summarise(survey)
    outputs.write_text(parameters.json, survey_json(survey, summary))
    if parameters.figure:
        from .survey_figure import survey_figure

        outputs.write_figure(parameters.figure, survey_figure(survey, summary))
    return SurveyResult(survey, summary, costs)


def _read(
    paths: Sequence[str],
    journal: Journal,
    settings: SurveySettings,
    parameters: SurveyFilesParameters,
    scheduler: str,
    tell: Callable[[str, bool], None],
) -> None:
    """Read the files that are not in the journal yet, and keep their readings there."""
    todo = [path for path in paths if path not in journal.done]
    if len(todo) < len(paths):
        tell(f"{len(paths) - len(todo)} of {counted(len(paths), 'file')} are done already, in {journal.path}", True)
    if not todo:
        return
    sizes = {path: size_of(path) for path in todo}
    limits = Limits(parameters.seconds, int(parameters.memory * 2**30))
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


def _keep_times(path: str, readings: Iterable[Reading]) -> list[str]:
    """Write what reading took to a file, and return lines on what a survey of many files would cost."""
    costs = sorted((replace(reading, rows=(), line="") for reading in readings), key=lambda reading: reading.path)
    outputs.write_text(path, times_csv(costs))
    found = ([getattr(reading, name) for reading in costs] for name in ("size", "seconds", "peak"))
    return costs_text(survey_costs(Times(*map(np.array, found)), overhead=MEASURED))


def times_csv(readings: Iterable[Reading]) -> str:
    """Return what reading each file took, as CSV."""
    return csv_text(
        ("path", "bytes", "seconds", "peak_bytes"),
        ([plain_text(of.path), of.size, f"{of.seconds:.6g}", of.peak] for of in readings),
    )


class _Keeper:
    """Keeps readings in the journal as they come, and tells how far the survey is.

    Parameters
    ----------
    journal : Journal
    total : int
        Files of the survey, with those that were in the journal before.
    sizes : dict of str to int
        Bytes of the files to read, by path.
    tell : callable
        As of `survey_files`.
    """

    def __init__(
        self, journal: Journal, total: int, sizes: Mapping[str, int], tell: Callable[[str, bool], None]
    ) -> None:
        self._journal, self._total, self._tell = journal, total, tell
        self._before, self._bytes = total - len(sizes), sum(sizes.values())
        # Over the files read, as `share_left` takes them.
        self._sums = np.zeros(5)
        self._start = time.monotonic()

    def take(self, readings: list[Reading]) -> None:
        """Keep the readings of a batch, or of none, and tell how far the survey is."""
        self._journal.add(readings)
        for reading in readings:
            size, took = reading.size, reading.seconds
            self._sums += (1, size, took, size * size, size * took)
        count, read, took, *_ = self._sums.tolist()
        done = self._before + int(count)
        words = [f"{done} of {counted(self._total, 'file')}", f"{self._journal.failed} not read"]
        if took:
            seconds = time.monotonic() - self._start
            left = seconds * share_left(self._sums.tolist(), self._total - done, max(self._bytes - read, 0.0))
            words[1:1] = [f"{count / seconds:.3g} a second", f"{_duration(left)} left"]
        self._tell(", ".join(words), done == self._total)


def share_left(sums: Sequence[float], files: float, size: float) -> float:
    """Return the work that is left, as a multiple of that which is done.

    Seconds of a file are estimated from its bytes, by the least-squares line through the files that are done.

    Parameters
    ----------
    sums : sequence of float
        Over the files done: their number, bytes, seconds, squares of bytes, and products of bytes and seconds.
    files, size : float
        Files that are left, and their bytes in all.
    """
    count, read, took, squares, products = sums
    spread, most = count * squares - read**2, took / read if read else 0.0
    # Where all were of one size there is no line, and time goes by bytes, since those that are left are smaller.
    slope = (count * products - read * took) / spread if spread > 1e-9 * count * squares else most
    slope = min(max(slope, 0.0), most)  # so that neither a byte nor a file takes less than nothing
    return (slope * size + (took - slope * read) / count * files) / took


def survey_settings(parameters: SurveyFilesParameters, *, hydrogens: bool = True) -> SurveySettings:
    """Return what the rows depend on beside the files.

    Raises
    ------
    PomodoroError
        If crops are asked for, but not of how many residues.
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


def _check_packages() -> None:
    """Refuse a survey for which a package is missing or does not load."""
    absent = missing(NEEDED)
    if absent:
        raise PomodoroError(f"a survey needs {', '.join(absent)}; install with: {install_command(*absent)}")
    import_module("pyarrow")  # raises now where it is too new for NumPy


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
    """Return a time in seconds, minutes or hours."""
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if minutes < 1 else f"{minutes:.0f} min" if hours < 1.5 else f"{hours:.1f} h"
