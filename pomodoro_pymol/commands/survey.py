"""pomsurvey: a structure within a surveyed data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import PomodoroError
from ..parameters.catalogue import SurveyParameters
from ..viewer import reading, sources
from .declare import command

if TYPE_CHECKING:
    from ..experiments.survey_place import SurveyPlace


@command(SurveyParameters)
def pomsurvey(parameters: SurveyParameters, quiet: bool, _self: Any) -> list[SurveyPlace]:
    """
    DESCRIPTION

        "pomsurvey" says where the loaded structure stands in a data set that
        was surveyed: whether it is large or small, spread or compact, and
        what the noise of each scheme of the survey does to it and teaches,
        against what it does to the others. Each number stands with its
        percentile among the rows of the survey and with their 5, 50 and 95 %
        quantiles. It returns a place for each column of the survey, also for
        those that are not printed, which the CSV has, too: the gauge split,
        the shares once aligned, and expected scores.

    EXAMPLES

        pomsurvey survey.parquet
        pomsurvey survey.parquet, 1hpv and polymer, figure=place.png
        pomsurvey survey.parquet, csv=place.csv

    NOTES

        A survey is made in a terminal, of folders or lists of files:

            python -m pomodoro_pymol survey FOLDER --output survey.parquet

        The structure is measured as the survey measured its own: one state,
        the same schemes and law of sigma, without hydrogens where it has
        none. Its numbers are those that pomprecond, pomsignal, pomtable and
        pomweights give of that state alone.

        Percentiles are the share of rows below, and half of those that are
        equal. Files that were not read do not count. Of one chain the chain
        level is but the shift of 1 A per coordinate that training adds.

    PYMOL API

        from pomodoro_pymol.commands import pomsurvey

        places = {place.column.name: place for place in pomsurvey("survey.parquet")}
        places["s_residue"].percentile

    SEE ALSO

        pomprecond, pomsignal, pomtable, pomweights
    """
    from ..experiments import outputs
    from ..experiments.survey_place import SurveyPlaces, comparable, survey_line, survey_places
    from ..noise.sigma import law_line
    from ..structure.hierarchy import Hierarchy
    from ..survey.survey_file import read_survey
    from ..utils import memory

    if not parameters.file:
        raise PomodoroError("give the file of a survey, as in pomsurvey survey.parquet")
    outputs.check_paths(parameters.csv, parameters.figure)
    outputs.check_apart((parameters.csv, parameters.figure), (parameters.file,))
    outputs.check_figures(parameters.figure)
    survey = read_survey(parameters.file)
    source = sources.source_of(parameters, _self=_self)
    memory.require(memory.signal_bytes(source.n_atoms, 1), f"1 state of {source.n_atoms} atoms")
    structure, told = comparable(reading.read_source(source, _self=_self), survey.settings)
    found = SurveyPlaces(source.object, survey, survey_places(structure, survey))
    outputs.write(found, parameters.csv, parameters.figure)
    if not quiet:
        hierarchy = Hierarchy.from_structure(structure)
        n_states = _self.count_states(f"%{source.object}")
        which = f", state {source.state} of {n_states}" if n_states > 1 else ""
        print(
            f" pomsurvey: {source.object}{which}, {hierarchy}, in {survey.name}\n"
            f"{survey_line(survey)}{law_line(survey.settings.law)}"
        )
        outputs.print_notes(structure, hierarchy, [*told, *found.told()])
        print(found.report())
    return found.places
