"""pomsignal in real PyMOL: selections, ensembles, files, what it leaves alone."""

import csv

import pytest

FRAGMENT = "1hpv and chain A and resi 1-32 and polymer"

BAD = [
    ("pomsignal presets=nope", "'nope' is no weight scheme"),
    ("pomsignal residue=2", "residue must be between 0 and 1"),
    ("pomsignal residue=0.01", "cannot be reached: 0.0941 is left without wr"),
    ("pomsignal residue=0.99", "it stays below 0.9237 however large wr is"),
    ("pomsignal residue=0.5 wc=0 wa=0", "give wc or wa"),
    ("pomsignal residue=0.5 preset=ms wc=2", "give wc or preset, not both"),
    ("pomsignal wc=0 wr=0 wa=0", "all weights are zero"),
    ("pomsignal data=1:2", "data must be chain:residue:atom"),
    ("pomsignal data=1:0:2", "data must be positive"),
    ("pomsignal sigma_data=0", "sigma_data must be between"),
    ("pomsignal law=edm", "law=edm is of normalised data"),
    ("pomsignal p_std=0", "p_std must be between"),
    ("pomsignal z=0", "unknown parameter 'z' of pomsignal"),
    ("pomsignal figure=a.doc", "figure must end in"),
    ("pomsignal csv=/nowhere/a.csv", "/nowhere"),
    ("pomsignal nothing_here", "nothing_here"),
    ("pomsignal state=7", "state 7 is out of range"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_bad_input_is_one_line_and_changes_nothing(hpv, refused, line, message):
    refused(hpv, line, message)


def test_it_prints_writes_and_leaves_the_session(hpv, typed, session, differences, tmp_path):
    before = session(hpv)
    printed = typed(hpv, f"pomsignal csv={tmp_path}/s.csv")
    assert printed.startswith(" pomsignal: 1hpv\n 1551 atoms, 199 residues, 3 chains; sigma = 16 exp(-1.2 + 1.5 z) A")
    assert " ms: 70 % of the loss is the chains' translations, 20 % residues (44 % once aligned), 9 % atoms" in printed
    assert " ms      .600:.173:.079  .705:.203:.092 " in printed
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert len(rows) == 36
    assert differences(before, session(hpv)) == []


def test_it_draws(hpv, typed, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "signal.png"
    assert "Error" not in typed(hpv, f"pomsignal {FRAGMENT}, presets=flat+ms, figure={path}")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [other.name for other in tmp_path.iterdir()] == [path.name]


def test_what_a_short_window_shows_is_the_sentences(hpv, typed):
    """PyMOL's text window has six lines or so; the report ends with what was asked for."""
    last = typed(hpv, "pomsignal").splitlines()[-6:]
    assert all(" % of the loss is " in line for line in last), last


def test_it_returns_what_it_found(hpv):
    from pomodoro_pymol.commands import pomsignal

    result = pomsignal(FRAGMENT, residue=0.5, _self=hpv)
    ms = next(signal for signal in result.signal.schemes if signal.scheme.name == "ms")
    assert ms.of_levels("share") == pytest.approx((0.706, 0.196, 0.098), abs=6e-4)
    assert result.weights.residue == pytest.approx(3.6121, abs=1e-4)
    assert (result.weights.chain, result.weights.atom) == (3, 1)


def test_an_ensemble_is_measured_over_its_states(cmd, typed, load_source):
    load_source("ensemble", cmd)
    printed = typed(cmd, "pomsignal presets=flat+ms")
    assert "(measured over 24 states)" in printed
    assert "sigma_data 5.038 A per coordinate" in printed
    assert "floor: loss that the exact denoiser of the 24 states leaves" in printed


def test_the_command_line_says_the_same(hpv, typed, tmp_path, capfd):
    from pomodoro_pymol.cli import main

    words = ["residue=0.6", "presets=flat+ms"]
    printed = typed(hpv, f"pomsignal {', '.join(words)}, csv={tmp_path}/a.csv")
    path = hpv.exp_path("$PYMOL_DATA/tut/1hpv.pdb")
    assert main(["signal", path, *(f"--{word}" for word in words), "--csv", f"{tmp_path}/b.csv"]) == 0
    # Typed, it names its object first.
    assert printed.strip().splitlines()[1:] == capfd.readouterr().out.strip("\n").splitlines()
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
