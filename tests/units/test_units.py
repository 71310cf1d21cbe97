"""Every length says whether it is in space or per coordinate: in help, reports, columns, figures, pages and the panel.

The walks find lengths by their unit (A, A^2, Å, angstrom), not by a list of places.
"""

import csv
import importlib
import re
from dataclasses import fields
from pathlib import Path

import pytest
import small_survey

import pomodoro_pymol.parameters.catalogue
from pomodoro_pymol.parameters.base import Parameters, describe

ROOT = Path(__file__).parents[2]
FRAGMENT = ROOT / "docs" / "data" / "1hpv_fragment.pdb"
ENSEMBLE = ROOT / "tests" / "data" / "2juy.pdb.gz"
MEANING = ("in space", "per coordinate")
#: A number or a word before the unit, so that "chain A" is none.
LENGTH = re.compile(r"(\d|\)|sigma|rms|error|left|,) A(\^2)?\b|\d\.? ?Å|\(Å|\bÅ\b|\bangstroms?\b")

COMMANDS = [
    kind
    for kind in vars(pomodoro_pymol.parameters.catalogue).values()
    if isinstance(kind, type) and issubclass(kind, Parameters) and "command" in vars(kind)
]
#: What stands in columns beside lengths.
PURE = re.compile(
    r"z|frame|scheme|w[cra]|segi|chain|resi|resn|n_atoms|step|entropy_nats|rotation_degrees"
    r"|variant|level|c_(skip|out|in|noise)|target_variance"  # of a network's input and output
    r"|(ratio|ratio_relative|(chain|residue|atom)_share)(_\w+)?"
    # Losses, information, the law of training; sigma_data is the law's own word, per coordinate everywhere.
    r"|(aligned_|level_weight_)?(loss|share)|own_scaling_loss|lost_by_one_c_skip|floor_(loss|error)"
    r"|(translation|rotation|(between|within)_chains)_share|z_(ca_lddt|within|between)_half"
    r"|p_mean|z_snr1|z_shift|window|nats|sigma_data"
    r"|unit_noise_variance|ratio|relative|scramble|excess|within|between|residue_over_atom(_expected)?"
    r"|(ca_lddt|native_contacts|bond_outliers|lddt)\w*"
    r"|measure|data|scaling|seed|noise|value|linear|exact|noised"  # of a network, in the unit of the measure
    r"|column|unit|meaning|percentile|quantile_\d+|rows"  # of a survey, where the unit is a column
)


def is_told(text):
    return any(words in text for words in MEANING)


def untold(lines):
    """Return the lines with a length that do not say which it is."""
    return [line for line in lines if LENGTH.search(line) and not is_told(line)]


def test_the_walk_finds_lengths():
    """What is no length, and what is one; a walk that finds nothing proves nothing."""
    for text in ("sigma 4.8 A,", "rms (Å)", "moves 3.8 Å", "error to truth, A", "in angstrom", "5 A^2 of noise"):
        assert untold([text]) == [text], text
        assert untold([f"{text} per coordinate"]) == []
    assert untold(["chain A and polymer", "r/a 0.95", "Alpha"]) == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.command)
def test_parameters_and_help(command):
    import pomodoro_pymol.commands

    assert untold(describe(spec) for spec in fields(command)) == []
    paragraphs = getattr(pomodoro_pymol.commands, command.command).__doc__.split("\n\n")
    assert untold(" ".join(paragraph.split()) for paragraph in paragraphs) == []


def test_metrics_and_levels():
    from pomodoro_pymol.experiments.level_table import LEVEL_ROWS
    from pomodoro_pymol.noise.metrics import METRICS

    lengths = [f"{metric.label} {metric.unit}" for metric in METRICS.values() if metric.unit]
    lengths += [label for row in LEVEL_ROWS if row.unit == "A" for label in (row.label, row.heading)]
    assert len(lengths) > 9
    assert all(map(is_told, lengths)), lengths


def test_the_curves_of_a_sampler_in_the_panel(cmd):
    from pomodoro_pymol.panel.sampling import CURVES

    labels = [label for label, *_ in CURVES.values() if "Å" in label]
    assert len(labels) == 3
    assert all(map(is_told, labels)), labels


LINES = {
    "noise": ["--csv", "out.csv", "--frames", "3"],
    "noise one frame": ["--frames", "1", "--metric", "displacement"],
    "measure": ["--csv", "out.csv"],
    "table": ["--csv", "out.csv", "--frames", "3", "--figure", "out.svg"],
    "sweep": ["--csv", "out.csv", "--frames", "2", "--z=-1:1", "--figure", "out.svg"],
    "weights": [],
    "weights relative": ["--relative", "3.8"],
    "weights ratio": ["--ratio", "0.5"],
    "signal": ["--csv", "out.csv", "--figure", "out.svg", "--residue", "0.5"],
    "sample": ["--csv", "out.csv", "--sampler", "edm", "--figure", "out.svg"],
    "sample af3": ["--sampler", "af3", "--steps", "4"],
    "sample from the structure": ["--start", "structure", "--sigma_max", "9", "--steps", "4"],
    "sample from too little noise": ["--sigma_max", "9", "--steps", "4"],
}


@pytest.mark.parametrize("name", LINES)
def test_reports_columns_and_figures_of_the_command_line(name, tmp_path, monkeypatch, capsys):
    from pomodoro_pymol.cli import main

    monkeypatch.chdir(tmp_path)
    word = name.split()[0]
    assert main([word, str(ENSEMBLE if word in ("sample", "measure") else FRAGMENT), *LINES[name]]) == 0
    assert untold(capsys.readouterr().out.splitlines()) == []
    if (tmp_path / "out.csv").exists():
        assert columns_untold(tmp_path / "out.csv") == []
    if (tmp_path / "out.svg").exists():
        drawn = (tmp_path / "out.svg").read_text(encoding="utf-8")
        assert untold(re.findall(r"<!-- (.*?) -->", drawn)) == []


def columns_untold(path):
    """Return the columns that are neither pure numbers nor say what length they are."""
    with path.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file))
    return [name for name in names if not PURE.fullmatch(name) and not is_told(name.replace("_", " "))]


TYPED = (
    "pomnoise polymer, frames=2, fixed=name CA, name=held",
    "pomnoise polymer, frames=2",
    "pomcolor m_noise, metric=displacement",
    "pomcolor m_noise, metric=scramble",
    "pomtable polymer, frames=2",
    "pomsweep polymer, z=-1:1",
    "pomweights polymer, relative=3.8",
    "pomprecond polymer, csv=out.csv, figure=out.svg",
    "pomsignal polymer",
    "pomsurvey survey.parquet, polymer, csv=place.csv, figure=place.svg",
    "pomtrain m and resi 1-6, steps=3, seeds=1, samples=2, width=8, batch=2, csv=train.csv, figure=train.svg",
    "pomalign m_noise",
    "pommeasure m, metric=displacement",
    "pommeasure m_noise, truth=m, fit=0, metric=neighbour",
    "pomdenoise m_noise",
    "pomsample polymer, sampler=edm, keep=denoised",
    "pomsample polymer, sampler=edm, start=structure, sigma_max=9, name=m_near",
    "pommovie film.gif, m_noise, z=-1:1, width=64",
    "pomcheck test=1",
)


def test_reports_titles_columns_and_figures_in_pymol(cmd, tmp_path, monkeypatch, capsys):
    import pomodoro_pymol.commands

    monkeypatch.chdir(tmp_path)
    cmd.load(str(ENSEMBLE), "m")
    small_survey.write(tmp_path / "survey.parquet", z=(0.0,), tokens=8, crops=3)
    importlib.reload(pomodoro_pymol.commands) if "pomnoise" not in cmd.keyword else None
    for line in TYPED:
        cmd.do(line, echo=0)
        text = capsys.readouterr().out
        assert " Error" not in text, text
        assert untold(text.splitlines()) == [], line
    made = ("m_noise", "m_sweep", "m_sample", "m_near", "m_noise_denoised", "m_measured")
    titles = [cmd.get_title(name, 2) for name in made]
    assert all(titles)
    assert untold(titles) == []
    with (tmp_path / "train.csv").open(encoding="utf-8", newline="") as file:
        measures = {row["measure"] for row in csv.DictReader(file)}
    pure = r"loss_\w+|sample_(ca_lddt|within_residues|bond_outliers|chirality|states_reached)"
    assert {name for name in measures if not is_told(name.replace("_", " "))} == {
        name for name in measures if re.fullmatch(pure, name)
    }
    with (tmp_path / "place.csv").open(encoding="utf-8", newline="") as file:
        units = {row["unit"] for row in csv.DictReader(file)}
    assert {unit for unit in units if "angstrom" in unit and not is_told(unit)} == set()
    for name in ("out", "train", "place"):
        assert columns_untold(tmp_path / f"{name}.csv") == []
        drawn = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
        assert untold(re.findall(r"<!-- (.*?) -->", drawn)) == []


@pytest.mark.parametrize("page", ["README.md", "docs/meaning.md", "docs/tutorial.md", "docs/sampling.md"])
def test_pages(page):
    """A paragraph, a table or an item of a list says it once; of what is printed, each line does (see above)."""
    text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    blocks = re.split(r"\n\n|\n(?=[-*] |\d\. )", text)
    assert untold(" ".join(block.split()) for block in blocks) == []
