"""The file of a survey, Parquet: a row per structure and crop, sorted by path, cropping and crop.

Anyone may have made it, so nothing in it is unpickled or run. It is read by pyarrow (extra ``[survey]``),
column by column, each of a known type, once `parquet_size` has found that it takes little memory.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..diffusion.precondition import PerLevel, per_freedom
from ..errors import PomodoroError, first_line
from ..io.disk import atomic_write, user_path
from .parquet_size import LONGEST, MOST, check_room, read_footer
from .rows import COUNTS, DATA, Row, columns
from .settings import SurveySettings
from .thrift import LIST, TEXT

SUFFIX = ".parquet"
_KEY = b"pomodoro_survey"
_LABELS = ("path", "cropping", "crop", "error")
_TEXT = ("path", "cropping", "error")


@dataclass(frozen=True, eq=False)
class Survey:
    """The rows of a survey.

    Attributes
    ----------
    name : str
        Of the file.
    settings : SurveySettings
    path, cropping, error : ndarray of object, shape=(n_rows,)
        Text. Bytes of a path that are no text are escaped, as in ``\\udcff``.
    crop : ndarray, shape=(n_rows,), dtype=int64
    numbers : dict of str to ndarray, shape=(n_rows,), dtype=float64
        By the name of the column, see `rows.columns`, those that were asked for; nan where the file was not read.
    """

    name: str
    settings: SurveySettings
    path: np.ndarray
    cropping: np.ndarray
    crop: np.ndarray
    error: np.ndarray
    numbers: dict[str, np.ndarray]

    @property
    def row_word(self) -> str:
        """What a row is of, in a word."""
        return "structure" if self.settings.tokens is None else "crop"

    @cached_property
    def read(self) -> np.ndarray:
        """Which rows are of files that were read, shape=(n_read,), dtype=int64."""
        return np.flatnonzero(self.error == "")

    def of(self, name: str) -> np.ndarray:
        """Return a column of numbers, of the files that were read, shape=(n_read,)."""
        return self.numbers[name][self.read]

    def where(self, chosen: np.ndarray) -> Survey:
        """Return the survey of some rows: ``chosen`` is of shape=(n_rows,), dtype=bool."""
        labels = {name: getattr(self, name)[chosen] for name in _LABELS}
        return replace(self, **labels, numbers={name: column[chosen] for name, column in self.numbers.items()})

    def freedom(self) -> np.ndarray:
        """Return the `precondition.degrees_of_freedom` of each structure that was read, shape=(n_read, 3)."""
        n_atoms, n_residues, n_chains = (self.of(name) for name in COUNTS)
        return np.stack([np.ones_like(n_atoms), (n_residues - n_chains) / n_residues, 1 - n_residues / n_atoms], 1)

    def squares(self) -> np.ndarray:
        """Return the mean square of each level of each structure that was read, shape=(n_read, 3).

        Square angstrom per coordinate; the three sum to s_total.
        """
        return self.freedom() * np.stack([self.of(name) for name in DATA[1:4]], 1)

    def data_levels(self) -> PerLevel:
        """Return the data variance of chain, residue and atom level, square angstrom per coordinate.

        As of `precondition.data_variances`: the mean of the squares over the structures that were read, each
        counting once, over their mean degrees of freedom.
        """
        chain, residue, atom = self.freedom().mean(0).tolist()
        return per_freedom(self.squares().mean(0).tolist(), (chain, residue, atom))


def write_survey(path: str | Path, rows: Sequence[tuple[str, Row]], settings: SurveySettings) -> None:
    """Write a survey, whole or not at all.

    Parameters
    ----------
    path : str or Path
    rows : sequence of tuple
        Path of a file, and a row of it, in any order; path, cropping and crop of no two are the same.
    settings : SurveySettings

    Raises
    ------
    PomodoroError
        If the file cannot be written.
    """
    import pyarrow
    from pyarrow import parquet

    rows = sorted(
        ((plain_text(name), row) for name, row in rows), key=lambda item: (item[0], item[1].cropping, item[1].crop)
    )
    known = columns(settings)
    table = np.full((len(rows), len(known)), np.nan)
    for place, (_, row) in enumerate(rows):
        if row.numbers:
            table[place] = row.numbers
    arrays = [
        pyarrow.array([name for name, _ in rows], pyarrow.string()),
        pyarrow.array([row.cropping for _, row in rows], pyarrow.string()),
        pyarrow.array([row.crop for _, row in rows], pyarrow.int64()),
        pyarrow.array([plain_text(row.error) for _, row in rows], pyarrow.string()),
    ]
    absent = np.array([not row.numbers for _, row in rows], bool)
    fields = [pyarrow.field(name, array.type) for name, array in zip(_LABELS, arrays)]
    for place, column in enumerate(known):
        values = np.where(absent, 0, table[:, place])
        if column.name in COUNTS:
            values = values.astype(np.int64)
        arrays.append(pyarrow.array(values, mask=absent))
        about = {"unit": column.unit, "meaning": column.meaning}
        fields.append(pyarrow.field(column.name, arrays[-1].type, metadata=about))
    schema = pyarrow.schema(fields, metadata={_KEY: json.dumps(settings.to_dict()).encode()})
    with atomic_write(user_path(path)) as file:
        parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), file, compression="zstd")


def is_survey(text: str) -> bool:
    """Tell whether a text that was given is the name of a survey, by its ending."""
    return text.lower().endswith(SUFFIX)


def read_survey(path: str | Path, names: Sequence[str] | None = None) -> Survey:
    """Read a survey.

    Parameters
    ----------
    path : str or Path
    names : sequence of str, optional
        Columns of numbers; by default all.

    Raises
    ------
    PomodoroError
        If there is no such file, or it is no survey, or no structure of it was read.
    ModuleNotFoundError
        If pyarrow is not installed.
    """
    import pyarrow

    place = user_path(path)
    try:
        if not stat.S_ISREG(place.stat().st_mode):
            raise OSError(None, "it is not a regular file")
        with open(place, "rb") as source:
            settings, table = _table(source, names)
    except PomodoroError as error:
        raise PomodoroError(f"{path} is no survey: {error}") from None
    except (OSError, pyarrow.ArrowException, ValueError, MemoryError, RecursionError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise PomodoroError(f"cannot read {path}: {error.strerror}") from None
        raise PomodoroError(f"{path} is no survey: {first_line(error) or type(error).__name__}") from None
    labels = {name: table.pop(name) for name in _LABELS}
    survey = Survey(place.name, settings, **labels, numbers=table)
    if not len(survey.read):
        raise PomodoroError(f"no structure of {path} was read, of {len(survey.path)}")
    return survey


def _table(source: IO[bytes], names: Sequence[str] | None) -> tuple[SurveySettings, dict[str, np.ndarray]]:
    """Return the settings and the columns of a file, all of it checked.

    Raises
    ------
    ValueError, OSError, RecursionError, MemoryError, pyarrow.ArrowException
        If it is no survey.
    """
    from pyarrow import parquet

    footer = read_footer(source)
    text = next((pair[2, TEXT] for pair in footer.get((5, LIST), []) if pair.get((1, TEXT)) == _KEY), None)
    if text is None:
        raise ValueError("it has no settings of one")
    settings = SurveySettings.from_dict(json.loads(text))
    if len(settings.schemes) * max(len(settings.z), 1) > MOST:
        raise ValueError("it has fewer columns than its settings say")
    known = [column.name for column in columns(settings)]
    wanted = known if names is None else [name for name in known if name in names]
    check_room(source, footer, ["crop", *wanted], _TEXT)
    limits = {"thrift_string_size_limit": LONGEST, "thrift_container_size_limit": MOST}
    with parquet.ParquetFile(source, read_dictionary=_TEXT, **limits) as file:
        _check_types(file.schema_arrow, wanted)
        found = file.read([*_LABELS, *wanted], use_threads=False)
    found.validate(full=True)  # places in dictionaries, and that text is text
    table = {name: _words(found.column(name)) for name in _TEXT}
    table["crop"] = _whole("crop", found.column("crop").to_numpy())
    for name in wanted:
        table[name] = found.column(name).to_numpy().astype(np.float64)
    _check_numbers({name: table[name][table["error"] == ""] for name in wanted})
    return settings, table


def _check_types(schema: Any, wanted: Sequence[str]) -> None:
    """Refuse columns of another type than `write_survey` gives them."""
    for name in ("crop", *wanted):
        kind, found = "int64" if name in (*COUNTS, "crop") else "double", str(schema.field(name).type)
        if found != kind:
            raise ValueError(f"column {name!r} is {found}, not {kind}")
    for name in _TEXT:
        if str(schema.field(name).type.value_type) != "string":
            raise ValueError(f"column {name!r} is no text")


def _words(column: Any) -> np.ndarray:
    """Return a column of text that is stored as a dictionary, each text once in memory however often it is there."""
    found = [np.empty(0, object)]
    for chunk in column.chunks:
        if chunk.null_count:
            raise ValueError("a path, cropping or error is absent")
        found.append(np.array(chunk.dictionary.to_pylist(), object)[chunk.indices.to_numpy()])
    return np.concatenate(found)


def _whole(name: str, values: np.ndarray) -> np.ndarray:
    """Return numbers that are whole and not negative, and refuse others."""
    if values.dtype != np.int64 or (values < 0).any():
        raise ValueError(f"{name} is absent or negative")
    return values


def _check_numbers(numbers: dict[str, np.ndarray]) -> None:
    """Refuse numbers, of files that were read, that no structure has."""
    for name, values in numbers.items():
        if name in COUNTS and not (values >= 1).all():
            raise ValueError(f"{name!r} is absent or less than 1")
        if name in DATA and not (values >= 0).all():
            raise ValueError(f"{name!r} is absent or negative")
        if np.isinf(values).any():
            raise ValueError(f"{name!r} is not finite")
    if all(name in numbers for name in COUNTS):
        n_atoms, n_residues, n_chains = (numbers[name] for name in COUNTS)
        if not ((n_atoms >= n_residues) & (n_residues >= n_chains)).all():
            raise ValueError("atoms, residues and chains do not go together")


def plain_text(words: str) -> str:
    """Return words as text that can be stored: bytes in the name of a file that are no text are escaped."""
    return words.encode("utf-8", "backslashreplace").decode("utf-8")
