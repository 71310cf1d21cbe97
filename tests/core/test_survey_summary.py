"""What the rows of a survey say together: against plain sums over the atoms themselves, and against simulation."""

import json
import math
import warnings
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from pomodoro_pymol import PomodoroError
from pomodoro_pymol.experiments.survey_figure import survey_figure
from pomodoro_pymol.experiments.survey_report import sentences, survey_json, survey_text
from pomodoro_pymol.noise.sigma import LawOfSigma
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights, Scheme
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.survey.rows import Row, columns, structure_rows
from pomodoro_pymol.survey.settings import SurveySettings
from pomodoro_pymol.survey.summary import bootstrap, group, summarise
from pomodoro_pymol.survey.survey_file import Survey, read_survey, write_survey

SCHEMES = (Scheme("flat", PRESETS["flat"]), Scheme("ms", PRESETS["ms"]), Scheme("2:1:0", LevelWeights(2, 1, 0)))
SETTINGS = SurveySettings(SCHEMES)
LEVELS = ("chain", "residue", "atom")
# Atoms of each residue, chain by chain: powers of two in all, so that centring eighths in single precision is exact.
SHAPES = {
    "a.pdb": [[3, 5, 4, 4]],
    "b.pdb": [[4, 4], [7, 1], [16]],
    "c.pdb": [[1] * 30, [2] * 17],
    "d.pdb": [[2] * 128],
    "e.pdb": [[2] * 60, [1] * 8],
}


def structure_of(shape, random):
    """Random coordinates in eighths of an angstrom, away from the origin."""
    sizes = [size for chain in shape for size in chain]
    labels = [("", "ABCDEFGH"[number], str(place), "LEU", False) for number, chain in enumerate(shape) for place, _ in
              enumerate(chain)]  # fmt: skip
    coords = random.integers(-160, 161, (sum(sizes), 3)) / 8 + random.integers(-9, 9, 3)
    atoms = np.array([("CA", "C", "")] * sum(sizes), ATOM_LABELS)
    return Structure(coords.astype("f4"), atoms, np.array(labels, RESIDUE_LABELS), np.repeat(range(len(sizes)), sizes))


@pytest.fixture(scope="module")
def structures():
    random = np.random.default_rng(7)
    return {name: structure_of(shape, random) for name, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def rows(structures):
    found = [(name, row) for name, structure in structures.items() for row in structure_rows(structure, SETTINGS)]
    return [*found, *((f"/x/{n}.cif", Row("", 0, f"/x/{n}.cif: line {n} is no atom")) for n in (7, 31)),
            ("z.pdb", Row("", 0, "no atoms"))]  # fmt: skip


@pytest.fixture
def survey(rows, tmp_path):
    pytest.importorskip("pyarrow")

    def written(rows=rows, settings=SETTINGS):
        write_survey(tmp_path / "s.parquet", rows, settings)
        return read_survey(tmp_path / "s.parquet")

    return written


def means(points, groups):
    """Mean of each group, on each point."""
    found = []
    for own in groups:
        members = [point for point, other in zip(points, groups) if other == own]
        found.append([sum(axis) / len(members) for axis in zip(*members)])
    return found


def squares(structure, shape):
    """Mean squares per coordinate of chain means with the shift, residue means about them, atoms about those; counts.

    Over atoms, in fractions, from the definition.
    """
    points = [[Fraction(float(x)) for x in point] for point in structure.coords]
    residue = [number for number, size in enumerate(size for chain in shape for size in chain) for _ in range(size)]
    chain = [number for number, sizes in enumerate(shape) for _ in range(sum(sizes))]
    n, r, c = len(points), len(set(residue)), len(set(chain))
    whole, of_chain, of_residue = (means(points, groups) for groups in ([0] * n, chain, residue))

    def mean_square(one, other):
        return sum((x - y) ** 2 for p, q in zip(one, other) for x, y in zip(p, q)) / (3 * n)

    parts = (mean_square(of_chain, whole) + 1, mean_square(of_residue, of_chain), mean_square(points, of_residue))
    return parts, (Fraction(1), Fraction(r - c, r), Fraction(n - r, n)), r


def test_pooled_variances_are_those_of_a_plain_loop(structures, survey):
    summary = summarise(survey())
    found = [squares(structures[name], shape) for name, shape in SHAPES.items()]
    for each, chosen in (
        (summary.all, found),
        (summary.by_length[0], [one for one in found if one[2] < 64]),
        (summary.by_length[1], [one for one in found if 64 <= one[2] < 128]),
        (summary.by_length[2], [one for one in found if 128 <= one[2] < 256]),
    ):
        assert each.n_rows == each.n_files == len(chosen)
        total = sum(sum(parts) for parts, _, _ in chosen) / len(chosen)
        assert each.total.value**2 == pytest.approx(float(total), rel=1e-10)
        for number, level in enumerate(each.levels):
            over = sum(freedom[number] for _, freedom, _ in chosen)
            pooled = sum(parts[number] for parts, _, _ in chosen) / over if over else 1
            assert level.value**2 == pytest.approx(float(pooled), rel=1e-10)
    assert [each.name for each in summary.by_length] == ["1-63", "64-127", "128-255"]
    assert (summary.n_files, summary.n_read, summary.by_cropping) == (8, 5, ())


def unit_noise(shape, weights):
    """Variance of each level per degree of freedom at unit sigma, by dense projections."""
    sizes = [size for chain in shape for size in chain]
    residue = np.repeat(np.eye(len(sizes)), sizes, axis=0)
    chain = np.repeat(np.eye(len(shape)), [sum(sizes) for sizes in shape], axis=0)
    n = len(residue)
    noise = weights[0] * chain @ chain.T + weights[1] * residue @ residue.T + weights[2] * np.eye(n)
    on_residue, on_chain = (one @ np.diag(1 / one.sum(0)) @ one.T for one in (residue, chain))
    parts = (on_chain, on_residue - on_chain, np.eye(n) - on_residue)
    freedom = (1, 1 - len(shape) / len(sizes), 1 - len(sizes) / n)
    return [np.trace(part @ noise) / n / free / sum(weights) for part, free in zip(parts, freedom)]


def test_laws_and_scalings_of_each_level(survey):
    summary = summarise(survey())
    assert summary.z == (-1, 0, 1)
    for entry, weights in zip(summary.schemes, ((0, 0, 1), (8.2, 1.6, 1.3), (2, 1, 0))):
        noise = np.mean([unit_noise(shape, weights) for shape in SHAPES.values()], axis=0)
        assert entry.noise == pytest.approx(tuple(noise), rel=1e-12, abs=1e-15)
        for number, level in enumerate(summary.all.levels):
            s, v = level.value**2, noise[number]
            if not weights[2] and number == 2:
                assert math.isnan(entry.p_mean[2])
                assert [levels[2] for levels in entry.scalings] == [None] * 3
                continue
            assert entry.p_mean[number] == pytest.approx(-1.2 + math.log(v) / 2)
            for z, levels in zip((-1, 0, 1), entry.scalings):
                own = v * (16 * math.exp(-1.2 + 1.5 * z)) ** 2
                assert levels[number].c_skip == pytest.approx(s / (s + own))
                assert levels[number].c_out == pytest.approx((s * own / (s + own)) ** 0.5)
                assert levels[number].c_in == pytest.approx((s + own) ** -0.5)
    s, own = summary.all.total.value**2, (16 * math.exp(-1.2)) ** 2
    assert summary.one[1].c_skip == pytest.approx(s / (s + own))


def test_quantiles_are_of_rows_that_have_the_number(rows, survey):
    summary = summarise(survey())
    found = {quantiles.column.name: quantiles for quantiles in summary.quantiles}
    own = sorted(row.numbers[3] for _, row in rows if row.numbers)
    assert found["rg"].values == pytest.approx([np.quantile(own, p) for p in (0.05, 0.25, 0.5, 0.75, 0.95)])
    assert found["rg"].count == 5
    assert found["sigma_data_total"].values[2] == pytest.approx(
        np.median([row.numbers[7] for _, row in rows if row.numbers]) ** 0.5
    )
    assert {"ms_ratio", "ms_start_chain", "ms_aligned_atom", "2:1:0_rotation"} <= set(found)
    assert not any("noise" in name for name in found)


def test_the_order_of_rows_changes_no_bit(rows, survey):
    first = survey()
    texts = {survey_json(first, summarise(first)) + survey_text(first, summarise(first))}
    for seed in range(4):
        shuffled = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
        again = survey(shuffled)
        texts.add(survey_json(again, summarise(again)) + survey_text(again, summarise(again)))
    assert len(texts) == 1


def made(spread, n_residues, files, cropping="whole"):
    """A survey of rows of these variances, residues of eight atoms in one chain; of its numbers what spread takes."""
    n = len(spread)
    residue = spread * n_residues / (n_residues - 1)
    numbers = {
        **{"n_atoms": 8.0 * n_residues, "n_residues": n_residues, "n_chains": np.ones(n), "rg": spread},
        **{"s_chain": np.ones(n), "s_residue": residue, "s_atom": np.full(n, 2.0), "s_total": spread + 2.75},
    }
    text = np.array([f"f{file:06}" for file in files], object)
    labels = text, np.full(n, cropping, object), np.ones(n, int), np.full(n, "", object)
    return Survey("made", SurveySettings(()), *labels, numbers)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of a skewed population with three crops a file, which are alike; crops drawn one by one would not do."""
    random, sets, n_files, crops = np.random.default_rng(5), 400, 400, 3
    lengths = np.arange(10, 200)
    mean = math.exp(0.5 * 0.6**2) * np.mean(lengths**0.7)  # of the product of the two
    truth = np.array([mean + 2.75, mean / np.mean(1 - 1 / lengths)]) ** 0.5
    held, alone = np.zeros(2), 0
    for number in range(sets):
        length = random.choice(lengths, n_files).astype(float)
        spread = np.exp(0.6 * random.normal(size=n_files)) * length**0.7
        # Of a file the crops are of one length, and differ by a tenth.
        each = np.repeat(spread, crops) * random.uniform(0.9, 1.1, n_files * crops)
        rows = made(each, np.repeat(length, crops), np.repeat(np.arange(n_files), crops))
        found = group("all", rows, 400)
        assert (found.n_files, found.n_rows) == (n_files, n_files * crops)
        held += [one.low <= own <= one.high for one, own in zip((found.total, found.levels[1]), truth)]
        if number < 100:
            _, sums = bootstrap([np.ones_like(each), each + 2.75], np.arange(len(each)), 500)
            low, high = np.quantile(np.sqrt(sums[1] / sums[0]), (0.025, 0.975))
            alone += low <= truth[0] <= high
    error = (0.95 * 0.05 / sets) ** 0.5
    assert np.abs(held / sets - 0.95).max() < 3 * error
    assert alone < 85  # of 100


def test_draws_are_of_files_and_in_blocks_the_same_as_one_by_one(monkeypatch):
    values = np.array([1.0, 2.0, 4.0, 8.0])
    n_files, sums = bootstrap([values, np.ones(4)], np.array(["b", "a", "b", "c"]), 2000)
    assert n_files == 3
    assert set(zip(*sums.astype(int).tolist())) == {
        tuple(np.sum([((2, 1), (5, 2), (8, 1))[i] for i in drawn], axis=0).tolist()) for drawn in np.ndindex(3, 3, 3)
    }
    monkeypatch.setattr("pomodoro_pymol.survey.summary._BLOCK", 1)
    assert (bootstrap([values, np.ones(4)], np.array(["b", "a", "b", "c"]), 2000)[1] == sums).all()


def test_sigma_data_over_length_has_the_slope_it_was_made_with():
    random = np.random.default_rng(3)
    length = random.integers(30, 900, 500).astype(float)
    rows = made(3 * length**0.8 * np.exp(0.1 * random.normal(size=500)) - 2.75, length, np.arange(500))
    summary = summarise(rows)
    x, y = np.log(length), np.log(rows.numbers["s_total"]) / 2
    assert summary.slope.value == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-9)
    assert summary.slope.low < 0.4 < summary.slope.high
    assert summary.slope.high - summary.slope.low < 0.02
    assert [one.name for one in summary.by_length] == [
        *("1-63", "64-127", "128-255", "256-383", "384-511", "512-767", "768 and more"),
    ]


def test_what_is_said_of_af3():
    random = np.random.default_rng(3)
    length = random.integers(30, 900, 500).astype(float)

    def said(spread, length, files=range(500)):
        rows = made(spread, length, files)
        return "\n".join(sentences(rows, summarise(rows)))

    growing = said(length, length)
    assert "A of AF3, which the interval does not hold" in growing
    assert "below 16 A up to 128-255 residues, above it from 256-383 on" in growing
    assert "it hangs on length: of single structures as residues^0.4" in growing
    alike = said(256 - 2.75 + random.normal(size=500), np.full(500, 100.0))
    assert "which the interval holds: these files do not tell the two apart" in alike
    assert "tell nothing: all are of one length" in alike
    one = said(np.full(4, 81 - 2.75), np.full(4, 100.0), [0, 0, 0, 0])
    assert "sigma_data of 4 structures, each counting once: 9.00 A per coordinate," in one
    assert "7.00 A, 44 %, below the 16 A of AF3; one file has no interval" in one


def test_kinds_of_crops_are_told_apart():
    one, other = (made(np.full(9, s), np.full(9, 50.0), range(9), kind) for s, kind in ((9.0, "spatial"), (4.0, "b")))
    labels = {name: np.concatenate([getattr(one, name), getattr(other, name)])
              for name in ("path", "cropping", "crop", "error")}  # fmt: skip
    numbers = {name: np.concatenate([one.numbers[name], other.numbers[name]]) for name in one.numbers}
    both = Survey("both", SurveySettings((), tokens=64), **labels, numbers=numbers)
    summary = summarise(both)
    assert [(each.name, each.total.value**2) for each in summary.by_cropping] == [
        ("b", pytest.approx(6.75)),
        ("spatial", pytest.approx(11.75)),
    ]
    assert (summary.all.n_files, summary.all.n_rows) == (9, 18)
    assert " spatial crops: 3.43 A" in survey_text(both, summary)


def leaves(held, path=()):
    if isinstance(held, dict):
        return [leaf for name, value in held.items() for leaf in leaves(value, (*path, name))]
    if isinstance(held, list):
        return [leaf for value in held for leaf in leaves(value, path)]
    return [(path, held)]


def test_json_is_plain_and_says_units(survey):
    found = survey()
    summary = summarise(found)

    def refuse(word):
        raise ValueError(word)

    held = json.loads(survey_json(found, summary), parse_constant=refuse)
    assert held["all"]["sigma_data_angstrom_per_coordinate"]["all_levels"]["value"] == summary.all.total.value
    assert held["data_chain_residue_atom_angstrom_per_coordinate"] == summary.typed
    assert held["schemes"][2]["p_mean"]["atom"] is None
    assert held["schemes"][2]["scalings"][0]["atom"] is None
    lengths = {"sigma", "sigma_data", "c_out", "c_in", "loss_weight", "rg"}
    for path, value in leaves({name: held[name] for name in held if name not in ("settings", "quantiles")}):
        assert path[-1] not in lengths, path
        if isinstance(value, float) and path[-1] in ("value", "low", "high") and "slope" not in path[0]:
            assert "angstrom" in "".join(path), path
    assert held["quantiles"]["rg"]["unit"] == "angstrom in space"
    assert held["not_read"][0] == {"reason": "FILE: line 31 is no atom", "count": 2, "example": "/x/31.cif"}


def test_text_is_narrow_ascii_whatever_the_names(survey):
    plain = survey()
    text = survey_text(plain, summarise(plain))
    assert " 2      FILE: line 31 is no atom  /x/31.cif" in text
    assert "5 structures of 5 files; 3 files of 8 not read" in text
    # No reader gives such names.
    schemes = tuple(Scheme(f"{name}\n\x1b[31m\u00e9$" * 9, scheme.weights) for name, scheme in zip("abc", SCHEMES))
    numbers = dict(zip((column.name for column in columns(SurveySettings(schemes))), plain.numbers.values()))
    odd = {"path": np.array([f"{'long' * 99}\r{path}\u202e" for path in plain.path], object),
           "error": np.array([f"{error}\n\u00e9" if error else "" for error in plain.error], object)}  # fmt: skip
    other = replace(plain, **odd, name="\u00e9\n" * 99, settings=SurveySettings(schemes), numbers=numbers)
    for each in (text, survey_text(other, summarise(other))):
        lines = each.splitlines()
        assert each.isascii()
        assert all(line.isprintable() for line in lines)
        assert max(map(len, lines)) <= 120
        assert all(line.startswith(" ") for line in lines)


def test_a_law_without_a_sigma_is_a_line(rows, survey):
    with pytest.raises(PomodoroError, match="beyond all numbers"):
        summarise(survey(rows, SurveySettings(SCHEMES, (), LawOfSigma(16, 1e6))))
    none = survey(rows, SurveySettings(SCHEMES, (), LawOfSigma(16, -1e6)))
    assert summarise(none).one == (None,) * 3
    assert " n/a " in survey_text(none, summarise(none))


@pytest.mark.parametrize("change", [{"n_residues": 0}, {"n_chains": 0}, {"n_atoms": 1}], ids=str)
def test_counts_that_do_not_go_together_are_no_survey(rows, survey, change):
    """Of a file that someone else wrote."""
    (name, number), = change.items()  # fmt: skip
    place = ("n_atoms", "n_residues", "n_chains").index(name)
    path, row = rows[0]
    numbers = (*row.numbers[:place], number, *row.numbers[place + 1 :])
    with pytest.raises(PomodoroError, match="is no survey: "):
        survey([(path, Row(row.cropping, row.crop, row.error, numbers)), *rows[1:]])


def test_the_figure_says_what_it_shows(survey):
    pytest.importorskip("matplotlib")
    found = survey()
    summary = summarise(found)
    own = {name: float(column[found.read[0]]) for name, column in found.numbers.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = survey_figure(found, summary, [("_mine$", own), ("part of it", {"n_residues": 9.0})])
        figure.canvas.draw()
    axes = figure.get_axes()
    labels = [axis.get_xlabel() for axis in axes]
    assert labels[:2] == ["number of residues", "standard deviation of the data (Å per coordinate)"]
    assert axes[0].get_ylabel() == "sigma_data, measured (Å per coordinate)"
    assert all(label.endswith("expected (no unit)") for label in labels[2:])
    assert [text.get_text() for text in axes[3].get_yticklabels()] == ["flat", "ms", "2:1:0"]
    legend = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert "AF3: 16" in legend
    assert f"all structures: {summary.all.total.value:.2f}" in legend
    assert figure.legends[0].get_texts()[2].get_text() == r" _mine\$"
    stars = [line for line in axes[0].get_lines() if line.get_marker() == "*"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in stars] == [(own["n_residues"], own["s_total"] ** 0.5)]
    start = [line.get_xdata()[0] for line in axes[3].get_lines() if line.get_marker() == "*"]
    expected = [own[f"{s.name}_start_{level}"] for s in SCHEMES for level in LEVELS]
    assert start == expected


def test_a_survey_without_schemes_is_drawn_and_told():
    rows = made(np.full(3, 9.0), np.full(3, 50.0), [0, 1, 2])
    pytest.importorskip("matplotlib")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        survey_figure(rows, summarise(rows)).canvas.draw()
    assert "sigma_data of 3 structures" in survey_text(rows, summarise(rows))
