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
from ..utils.text import aligned, counted

# Letters of a line, of a scheme's name, and of other text that is not ours.
_WIDTH, _NAME, _LONGEST = 120, 14, 50
# Schemes side by side.
_BESIDE = 4


def survey_text(survey: Survey, summary: Summary) -> str:
    """Return a summary as aligned ASCII text: tables, then sentences, which a short window shows.

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


def rows_word(survey: Survey) -> str:
    """Return what a row is."""
    return "structure" if survey.settings.tokens is None else "crop"


def sentences(survey: Survey, summary: Summary) -> list[str]:
    """Return what sigma_data is, how it compares with that of AF3, and what it hangs on."""
    total, tokens = summary.all.total, survey.settings.tokens
    rows = counted(summary.all.n_rows, rows_word(survey))
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
    """Return how sigma_data goes with the number of residues."""
    groups, slope = summary.by_length, summary.slope
    if math.isnan(slope.value):
        return ["  of its dependence on length they tell nothing: all are of one length"]
    lines = [
        f"  it hangs on length: of single {rows_word(survey)}s as residues^{slope.value:.2f}{_interval(slope)}, a fit "
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
    what, lost = rows_word(survey), summary.n_files - summary.n_read
    counts = f"{counted(summary.all.n_rows, what)} of {counted(summary.n_read, 'file')}"
    return [
        f"{_plain(survey.name, _LONGEST)}: {survey.settings}",
        f"{counts}; {counted(lost, 'file')} of {summary.n_files} not read; {summary.law}",
    ]


def _failure_lines(summary: Summary) -> list[str]:
    if not summary.failures:
        return []
    rows = [
        [str(failure.count), _plain(failure.reason, _LONGEST), _plain(failure.example, _LONGEST, end=True)]
        for failure in summary.failures
    ]
    return [" not read:", *aligned([["files", "reason", "for one"], *rows], words=3)]


def _spread_lines(survey: Survey, summary: Summary) -> list[str]:
    what = f"{rows_word(survey)}s"
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
    rows = [
        [found.column.name, found.column.unit, *(f"{value:.4g}" for value in found.values), str(found.count)]
        for found in summary.quantiles[: len(COUNTS) + len(DATA)]
    ]
    titles = ["", "", *(f"{share:.0%}".replace("%", " %") for share in PROBABILITIES), f"{rows_word(survey)}s"]
    return [f" how {rows_word(survey)}s vary: quantiles", *aligned([titles, *rows], words=2)]


def _scheme_lines(survey: Survey, summary: Summary) -> Iterator[str]:
    """Yield how numbers of the schemes vary, a few schemes side by side."""
    names = [entry.scheme.name for entry in summary.schemes]
    found = {quantiles.column.name: quantiles for quantiles in summary.quantiles}
    of_schemes = summary.quantiles[len(COUNTS) + len(DATA) :]
    # As many of each scheme, scheme by scheme.
    first = of_schemes[: len(of_schemes) // max(len(names), 1)]
    parts = [quantiles.column.name.removeprefix(f"{names[0]}_") for quantiles in first]
    for start in range(0, len(names), _BESIDE):
        beside = names[start : start + _BESIDE]
        rows = [["", *(_plain(name, _NAME) for name in beside)]]
        rows += [[part, *(_cell(found.get(f"{name}_{part}")) for name in beside)] for part in parts]
        yield f" how {rows_word(survey)}s vary under each scheme: median (5 % - 95 %); ratio: rms of residues over that"
        yield " of atoms, relative: about the chain; shares of noise, of the loss at the start, aligned; scores 0 to 1"
        yield from aligned(rows)


def _law_lines(summary: Summary) -> list[str]:
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
    if own is None:
        return ["n/a"] * 7
    numbers = (own.sigma, own.sigma_data, own.c_skip, own.c_out, own.c_in, own.c_noise, own.loss_weight)
    return [f"{number:{form}}" for number, form in zip(numbers, (".4g", ".4g", ".4f", ".4g", ".4g", ".4f", ".4g"))]


def _wrapped(line: str) -> str:
    return fill(line, _WIDTH, initial_indent=" ", subsequent_indent="   ")


def _cell(found: Quantiles | None) -> str:
    if found is None or not found.count:
        return "n/a"
    low, _, middle, _, high = (_number(value, ".3f") for value in found.values)
    return f"{middle} ({low}-{high})"


def _bounded(number: Bounded) -> list[str]:
    low, value, high = (_number(one, ".2f") for one in (number.low, number.value, number.high))
    return [value, "n/a" if math.isnan(number.low) else f"{low}-{high}"]


def _interval(number: Bounded) -> str:
    return "" if math.isnan(number.low) else f" (95 %: {number.low:.2f} to {number.high:.2f})"


def _number(value: float, form: str) -> str:
    return f"{value:{form if abs(value) < 1e5 else '.3g'}}" if math.isfinite(value) else "n/a"


def _plain(text: str, most: int, end: bool = False) -> str:
    """Return text of others as one ASCII line of so many letters, of a longer one the start or the end."""
    line = one_line(text).encode("ascii", "backslashreplace").decode()
    if len(line) <= most:
        return line
    return f"...{line[3 - most :]}" if end else f"{line[: most - 3]}..."


def survey_json(survey: Survey, summary: Summary) -> str:
    """Return all numbers as JSON: names say units, and null is what there is not.

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
    spread = {"all_levels": asdict(group.total), **dict(zip(LEVELS, map(asdict, group.levels)))}
    return {
        "name": group.name,
        "n_rows": group.n_rows,
        "n_files": group.n_files,
        "sigma_data_angstrom_per_coordinate": spread,
    }


def _with_units(own: Scalings | None) -> dict[str, float] | None:
    if own is None:
        return None
    return {
        "sigma_angstrom_per_coordinate": own.sigma,
        "sigma_data_angstrom_per_coordinate": own.sigma_data,
        "c_skip": own.c_skip,
        "c_out_angstrom": own.c_out,
        "c_in_per_angstrom": own.c_in,
        "c_noise": own.c_noise,
        "loss_weight_per_square_angstrom": own.loss_weight,
    }


def _finite(held: Any) -> Any:
    """Return the same with None in place of what is not finite."""
    if isinstance(held, dict):
        return {name: _finite(value) for name, value in held.items()}
    if isinstance(held, (list, tuple)):
        return [_finite(value) for value in held]
    return None if isinstance(held, float) and not math.isfinite(held) else held
