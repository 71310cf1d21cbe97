"""A survey to test with: crops of the fragment that `docs/data` has, or the fragment as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FRAGMENT = Path(__file__).parents[2] / "docs" / "data" / "1hpv_fragment.pdb"


def write(path: Path, presets: str = "flat+ms", **settings: Any) -> Path:
    """Write a survey of one file that was read and of one that was not."""
    from pomodoro_pymol.noise.presets import parse_schemes
    from pomodoro_pymol.survey.rows import Row, file_rows
    from pomodoro_pymol.survey.settings import SurveySettings
    from pomodoro_pymol.survey.survey_file import write_survey

    given = SurveySettings(tuple(parse_schemes(presets)), **settings)
    rows = [("fragment.pdb", row) for row in file_rows(FRAGMENT, given)]
    write_survey(path, [*rows, ("empty.pdb", Row("", 0, "no atoms"))], given)
    return path
