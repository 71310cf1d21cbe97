"""What a survey says, as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, astuple
from textwrap import fill
from typing import Any

from ..diffusion.precondition import LEVELS, Scalings
from ..errors import one_line
from ..noise.sigma import SIGMA_DATA
from ..survey.rows import COUNTS, DATA
from ..survey.summary import PROBABILITIES, RESAMPLES, Bounded, Group, Quantiles, Summary
from ..survey.survey_file import Survey
from ..utils.text import aligned, counted, formatted

# The most letters of a line, of a scheme's name, and of names and reasons, which anyone may have written.
_WIDTH, _NAME, _LONGEST = 120, 14, 50
# Schemes side by side.
_BESIDE = 4
# Of scalings: the form in the table, and the name in the JSON, which says the unit.
_SCALINGS = {
    "sigma": (".4g", "sigma_angstrom_per_coordinate"),
    "sigma_data": (".4g", "sigma_data_angstrom_per_coordinate"),
    "c_skip": (".4f", "c_skip"),
    "c_out": (".4g", "c_out_angstrom"),
    "c_in": (".4g", "c_in_per_angstrom"),
    "c_noise": (".4f", "c_noise"),
    "loss_weight": (".4g", "loss_weight_per_square_angstrom"),
}


def survey_text(survey: Survey, summary: Summary) -> str:
    """Return a summary as aligned ASCII text: tables, then sentences, which come last to stay in sight.

    Parameters
    ----------
    survey : Survey
    summary : Summary
        Of the survey.
    """
    return "\n".join(
        [
            *map(_wrapped, _head_lines(survey, summary)),
            *_failure_lines(summary),
            *_spread_lines(survey, summary),
            *_own_lines(survey, summary),
            *_scheme_lines(survey, summary),
            *_law_lines(summary),
            *_scaling_lines(summary),
            *(_wrapped(line) for line in sentences(survey, summary)),
        ]
    )


def sentences(survey: Survey, summary: Summary) -> list[str]:
    """Return sentences on sigma_data: how large it is, beside that of AF3, and how it depends on length."""
    total, tokens = summary.all.total, survey.settings.tokens
    rows = counted(summary.all.n_rows, survey.row_word)
    of_files = "" if tokens is None else f" of {counted(summary.n_read, 'file')}"
    ours = "these are whole structures" if tokens is None else f"these are crops of {tokens} residues at most"
    return [
        f"sigma_data of {rows}{of_files}, each counting once: {total.value:.2f} A per coordinate{_interval(total)},",
        "  the random shift of 1 A per coordinate in it",
        _against(total),
        *(f"  {each.name} crops: {each.total.value:.2f} A{_interval(each.total)}" for each in summary.by_cropping),
        *_of_length(survey, summary),
        f"  {ours}; AF3 is trained on crops of 384, then 640 and 768 tokens, and draws chains by cluster",
        f"to use it: data={_plain(survey.name, _LONGEST)}",
    ]


def _against(total: Bounded) -> str:
    """Return how sigma_data compares with that of AF3."""
    apart = abs(total.value - SIGMA_DATA)
    share = f"{100 * apart / SIGMA_DATA:.{0 if apart > 0.1 * SIGMA_DATA else 1}f} %"
    side = "below" if total.value < SIGMA_DATA else "above"
    what = f"  {apart:.2f} A, {share}, {side} the {SIGMA_DATA:g} A of AF3"
    if math.isnan(total.low):
        return f"{what}; one file has no interval"
    if total.low <= SIGMA_DATA <= total.high:
        return f"{what}, which the interval holds: these files do not tell the two apart"
    return f"{what}, which the interval does not hold"


def _of_length(survey: Survey, summary: Summary) -> list[str]:
    """Return how sigma_data depends on the number of residues."""
    groups, slope = summary.by_length, summary.slope
    if math.isnan(slope.value):
        return ["  of its dependence on length they tell nothing: all are of one length"]
    lines = [
        f"  it hangs on length: of single {survey.row_word}s as residues^{slope.value:.2f}{_interval(slope)}, a fit "
        "of logarithms"
    ]
    if len(groups) > 1:
        first, last = groups[0], groups[-1]
        ends = ((group.name, f"{group.total.value:.2f} A{_interval(group.total)}") for group in (first, last))
        lines.append("  " + ", ".join(f"{name} residues: {value}" for name, value in ends))
    above = [group.total.value >= SIGMA_DATA for group in groups]
    if above == sorted(above) and above[-1] and not above[0]:
        place = above.index(True)
        names = groups[place - 1].name, groups[place].name
        lines.append(f"  below {SIGMA_DATA:g} A up to {names[0]} residues, above it from {names[1]} on")
    return lines


def _head_lines(survey: Survey, summary: Summary) -> list[str]:
    """Return what the survey is of, and how much of it was read."""
    what, lost = survey.row_word, summary.n_files - summary.n_read
    counts = f"{counted(summary.all.n_rows, what)} of {counted(summary.n_read, 'file')}"
    return [
        f"{_plain(survey.name, _LONGEST)}: {survey.settings}",
        f"{counts}; {counted(lost, 'file')} of {summary.n_files} not read; {summary.law}",
    ]


def _failure_lines(summary: Summary) -> list[str]:
    """Return a table of why files were not read."""
    if not summary.failures:
        return []
    rows = [
        [str(failure.count), _plain(failure.reason, _LONGEST), _plain(failure.example, _LONGEST, end=True)]
        for failure in summary.failures
    ]
    return [" not read:", *aligned([["files", "reason", "for one"], *rows], words=3)]


def _spread_lines(survey: Survey, summary: Summary) -> list[str]:
    """Return a table of sigma_data of all rows and of each group."""
    what = f"{survey.row_word}s"
    titles = ["residues", what, "files", "all levels", "95 %", "chain", "95 %", "residue", "95 %", "atom", "95 %"]
    rows = [
        [
            f"all, {group.name}" if group in summary.by_cropping else group.name,
            *(str(count) for count in (group.n_rows, group.n_files)),
            *(cell for number in (group.total, *group.levels) for cell in _bounded(number)),
        ]
        for group in (summary.all, *summary.by_cropping, *summary.by_length)
    ]
    return [
        f" sigma_data, A per coordinate: root of the mean over {what}; levels per degree of freedom;",
        f" 95 %: bootstrap of files, {RESAMPLES} draws, too narrow where files are few",
        *aligned([titles, *rows]),
    ]


def _own_lines(survey: Survey, summary: Summary) -> list[str]:
    """Return a table of quantiles of what is the same under all schemes."""
    rows = [
        [found.column.name, found.column.unit, *(f"{value:.4g}" for value in found.values), str(found.count)]
        for found in summary.quantiles[: len(COUNTS) + len(DATA)]
    ]
    titles = ["", "", *(f"{share:.0%}".replace("%", " %") for share in PROBABILITIES), f"{survey.row_word}s"]
    return [f" how {survey.row_word}s vary: quantiles", *aligned([titles, *rows], words=2)]


def _scheme_lines(survey: Survey, summary: Summary) -> Iterator[str]:
    """Yield tables of how the numbers of schemes vary, a few schemes side by side."""
    names = [entry.scheme.name for entry in summary.schemes]
    found = {quantiles.column.name: quantiles for quantiles in summary.quantiles}
    of_schemes = summary.quantiles[len(COUNTS) + len(DATA) :]
    # They stand scheme by scheme, and are the same of each.
    first = of_schemes[: len(of_schemes) // max(len(names), 1)]
    parts = [quantiles.column.name.removeprefix(f"{names[0]}_") for quantiles in first]
    for start in range(0, len(names), _BESIDE):
        beside = names[start : start + _BESIDE]
        rows = [["", *(_plain(name, _NAME) for name in beside)]]
        rows += [[part, *(_cell(found.get(f"{name}_{part}")) for name in beside)] for part in parts]
        yield f" how {survey.row_word}s vary under each scheme: median (5 % - 95 %); ratio: rms of residues over that"
        yield " of atoms, relative: about the chain; shares of noise, of the loss at the start, aligned; scores 0 to 1"
        yield from aligned(rows)


def _law_lines(summary: Summary) -> list[str]:
    """Return a table of the noise of each level under each scheme."""
    rows = [
        [
            _plain(entry.scheme.name, _NAME),
            *(_number(value or math.nan, ".4f") for value in entry.noise),
            *(_number(value, ".2f") for value in entry.p_mean),
        ]
        for entry in summary.schemes
    ]
    titles = ["", *(f"noise {level}" for level in LEVELS), *(f"P_mean {level}" for level in LEVELS)]
    return [
        " noise of each level, variance over sigma^2, mean over rows, and P_mean of its law",
        *aligned([titles, *rows]),
    ]


def _scaling_lines(summary: Summary) -> list[str]:
    """Return a table of the scalings that go with the data set."""
    titles = ["z", "scheme", "level", "sigma", "sigma_data", "c_skip", "c_out", "c_in", "c_noise", "loss weight"]
    rows = [titles]
    for place, z in enumerate(summary.z):
        rows.append([f"{z:g}", "one sigma", "all", *_scalings(summary.one[place])])
        for entry in summary.schemes:
            for level, own in zip(LEVELS, entry.scalings[place]):
                rows.append([f"{z:g}", _plain(entry.scheme.name, _NAME), level, *_scalings(own)])
    return [
        " recommended scalings, of each level's own noise and data; one sigma: the data set's own sigma_data;",
        " sigma, sigma_data and c_out in A, c_in in 1/A, loss weight in 1/A^2, all per coordinate",
        *aligned(rows, words=3),
    ]


def _scalings(own: Scalings | None) -> list[str]:
    """Return the cells of `_scaling_lines` for one level."""
    return [f"{getattr(own, name):{form}}" if own else "n/a" for name, (form, _) in _SCALINGS.items()]


def _wrapped(line: str) -> str:
    """Return a line as several, where it is too long."""
    return fill(line, _WIDTH, initial_indent=" ", subsequent_indent="   ")


def _cell(found: Quantiles | None) -> str:
    """Return the median of a number, and the interval that holds 90 % of the rows."""
    if found is None or not found.count:
        return "n/a"
    low, _, middle, _, high = (_number(value, ".3f") for value in found.values)
    return f"{middle} ({low}-{high})"


def _bounded(number: Bounded) -> list[str]:
    """Return the cells of a number and of its interval."""
    low, value, high = (_number(one, ".2f") for one in (number.low, number.value, number.high))
    return [value, "n/a" if math.isnan(number.low) else f"{low}-{high}"]


def _interval(number: Bounded) -> str:
    """Return the interval of a number as it stands in a sentence; "" where there is none."""
    return "" if math.isnan(number.low) else f" (95 %: {number.low:.2f} to {number.high:.2f})"


def _number(value: float, form: str) -> str:
    """Return a number in a form, or in three figures where that would take many letters."""
    return formatted(value, form if abs(value) < 1e5 else ".3g")


def _plain(text: str, most: int, end: bool = False) -> str:
    """Return text that anyone may have written as one ASCII line: the start, or the end, of one that is too long."""
    line = one_line(text).encode("ascii", "backslashreplace").decode()
    if len(line) <= most:
        return line
    return f"...{line[3 - most :]}" if end else f"{line[: most - 3]}..."


def survey_json(survey: Survey, summary: Summary) -> str:
    """Return all numbers as JSON: names say the unit, and null stands for a number that there is not.

    Parameters
    ----------
    survey : Survey
    summary : Summary
        Of the survey.
    """
    total = summary.all.total
    held = {
        "survey": survey.name,
        "of": str(survey.settings),
        "settings": survey.settings.to_dict(),
        "n_files": summary.n_files,
        "n_files_read": summary.n_read,
        "all": _group(summary.all),
        "by_cropping": [_group(group) for group in summary.by_cropping],
        "by_n_residues": [_group(group) for group in summary.by_length],
        "data_chain_residue_atom_angstrom_per_coordinate": summary.typed,
        "sigma_data_of_af3_angstrom_per_coordinate": SIGMA_DATA,
        "interval_holds_that_of_af3": None if math.isnan(total.low) else total.low <= SIGMA_DATA <= total.high,
        "slope_of_ln_sigma_data_over_ln_n_residues": asdict(summary.slope),
        "quantiles": {
            found.column.name: {
                "unit": found.column.unit,
                "meaning": found.column.meaning,
                "n": found.count,
                **{f"at_{share:g}": value for share, value in zip(PROBABILITIES, found.values)},
            }
            for found in summary.quantiles
        },
        "one_sigma": [
            {"z": z, "sigma_angstrom_per_coordinate": sigma, "scalings": _with_units(own)}
            for z, sigma, own in zip(summary.z, summary.sigmas, summary.one)
        ],
        "schemes": [
            {
                "name": entry.scheme.name,
                "weights": dict(zip(LEVELS, astuple(entry.scheme.weights))),
                "noise_variance_over_sigma_squared": dict(zip(LEVELS, entry.noise)),
                "p_mean": dict(zip(LEVELS, entry.p_mean)),
                "scalings": [
                    {
                        "z": z,
                        "sigma_angstrom_per_coordinate": sigma,
                        **dict(zip(LEVELS, map(_with_units, levels))),
                    }
                    for z, sigma, levels in zip(summary.z, summary.sigmas, entry.scalings)
                ],
            }
            for entry in summary.schemes
        ],
        "not_read": [asdict(failure) for failure in summary.failures],
    }
    return json.dumps(_finite(held), indent=1, allow_nan=False) + "\n"


def _group(group: Group) -> dict[str, Any]:
    """Return the numbers of a group of rows, by name."""
    spread = {"all_levels": asdict(group.total), **dict(zip(LEVELS, map(asdict, group.levels)))}
    return {
        "name": group.name,
        "n_rows": group.n_rows,
        "n_files": group.n_files,
        "sigma_data_angstrom_per_coordinate": spread,
    }


def _with_units(own: Scalings | None) -> dict[str, float] | None:
    """Return scalings by names that say the unit."""
    return {title: getattr(own, name) for name, (_, title) in _SCALINGS.items()} if own else None


def _finite(held: Any) -> Any:
    """Return the same lists and dicts, with None in place of numbers that are not finite."""
    if isinstance(held, dict):
        return {name: _finite(value) for name, value in held.items()}
    if isinstance(held, (list, tuple)):
        return [_finite(value) for value in held]
    return None if isinstance(held, float) and not math.isfinite(held) else held
