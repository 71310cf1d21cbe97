"""An object is told to be what a command made only while it is."""

import re

import numpy as np
import pytest


@pytest.fixture
def noised(hpv, typed):
    """A PyMOL with noised frames of HIV protease, and typed lines: a function that returns what is printed."""
    assert "Error" not in typed(hpv, "pomnoise polymer, frames=3")

    def line(text):
        return typed(hpv, text)

    line.cmd = hpv
    return line


LINES = ("pomsave {path}", "pomdenoise 1hpv_noise, denoiser=wiener", "pomalign 1hpv_noise")

EDITS = {
    "moved": (lambda cmd: cmd.intra_fit("1hpv_noise", quiet=1), "4 of 4 states were moved or edited|states were moved"),
    "shifted": (
        lambda cmd: cmd.translate([0, 0, 1e-3], "1hpv_noise", state=3, camera=0),
        "state 3 was moved or edited",
    ),
    "one atom": (
        lambda cmd: cmd.alter_state(2, "1hpv_noise and index 7", "x = x + 0.001"),
        "state 2 was moved or edited",
    ),
    "the truth": (
        lambda cmd: cmd.alter_state(1, "1hpv_noise and index 7", "x = x + 0.001"),
        "state 1 was moved or edited",
    ),
    "cut": (lambda cmd: cmd.remove("1hpv_noise and chain B"), "it has 758 of its 1516 atoms"),
    "more": (lambda cmd: cmd.create("1hpv_noise", "1hpv_noise", 2, 5), "it has 5 states where 4 were made"),
}


def places(cmd):
    """Where the atoms of all states are; PyMOL's arrays do not work with every NumPy."""
    found = []
    cmd.iterate_state(0, "1hpv_noise", "put((x, y, z))", space={"put": found.append})
    return found


@pytest.mark.parametrize("edit", EDITS)
def test_frames_that_were_changed_are_none_of_the_command(noised, tmp_path, edit):
    change, reason = EDITS[edit]
    change(noised.cmd)
    before = noised.cmd.get_names("all"), places(noised.cmd)
    for line in LINES:
        printed = noised(line.format(path=tmp_path / "x.pdb"))
        assert re.search(rf"Error: 1hpv_noise is no longer what pomnoise made, ({reason}): run pomnoise again", printed)
    assert not list(tmp_path.iterdir())
    assert noised.cmd.get_names("all") == before[0]
    assert places(noised.cmd) == before[1]


def test_what_does_not_change_the_frames_does_not_count(noised, tmp_path):
    """Colours, b, labels of atoms and a matrix of the object are no part of the frames."""
    noised("pomcolor metric=relative")
    noised.cmd.translate([5, 0, 0], object="1hpv_noise")
    noised.cmd.alter("1hpv_noise", "q = 0.5")
    noised.cmd.sort("1hpv_noise")
    for line in LINES:
        assert "Error" not in noised(line.format(path=tmp_path / "x.pdb"))


def test_renamed_and_copied_outputs_are_known_again(noised, tmp_path):
    noised.cmd.set_name("1hpv_noise", "mine")
    assert "Error" not in noised("pomcolor metric=relative")
    assert "Error" not in noised(f"pomsave {tmp_path / 'renamed.pdb'}")
    noised.cmd.create("copy", "mine")
    assert "Error" not in noised(f"pomsave {tmp_path / 'copied.pdb'}, copy")
    assert (tmp_path / "renamed.pdb").read_bytes() == (tmp_path / "copied.pdb").read_bytes()
    assert "Error" not in noised("pomcolor copy")
    # Two outputs of one command: each is known by its own frames.
    noised.cmd.set_name("copy", "other")
    noised.cmd.alter_state(3, "other and index 1", "x = x + 1")
    assert "other is no longer what pomnoise made, state 3 was moved or edited" in noised("pomalign other")
    assert "Error" not in noised("pomalign mine")


def test_two_sources_of_one_title_are_told_apart(noised, tmp_path):
    """The titles of frames are alike where z, sigma and seed are: the frames are not."""
    noised.cmd.create("second", "1hpv and chain A and polymer")
    assert "Error" not in noised("pomnoise second, frames=3")
    noised.cmd.set_name("second_noise", "two")
    noised.cmd.set_name("1hpv_noise", "one")
    for name, n_atoms in (("one", 1516), ("two", 758)):
        path = tmp_path / f"{name}.pdb"
        assert "Error" not in noised(f"pomsave {path}, {name}")
        text = path.read_text()
        assert text.count("\nATOM") == 4 * n_atoms
        assert ("structure: second" in text) == (name == "two")


def test_a_state_that_was_deleted(noised, tmp_path):
    if not hasattr(noised.cmd, "delete_states"):
        pytest.skip("PyMOL 2.5 cannot delete a state")
    noised.cmd.delete_states("1hpv_noise", "2")
    printed = noised(f"pomsave {tmp_path / 'x.pdb'}, 1hpv_noise")
    assert "Error: 1hpv_noise is not what was made under that name, its states are others" in printed
    assert "Error: 1hpv_noise is not what was made under that name" in noised("pomnoise 1hpv, frames=2")
    noised.cmd.delete("1hpv_noise")
    assert "Error" not in noised("pomnoise polymer, frames=3")
    noised.cmd.delete_states("1hpv_noise", "4")
    assert "1hpv_noise is no longer what pomnoise made, it has 3 states where 4 were made" in noised("pomalign")


def test_a_session_keeps_what_the_frames_are_known_by(noised, new_instance, typed, tmp_path):
    noised.cmd.save(str(tmp_path / "a.pse"))
    other = new_instance()
    other.load(str(tmp_path / "a.pse"), quiet=1)
    assert "Error" not in typed(other, "pomalign")
    other.alter_state(2, "1hpv_noise and index 3", "y = y - 0.01")
    assert "state 2 was moved or edited" in typed(other, "pomalign 1hpv_noise")


def test_groups_that_are_given_are_kept_with_the_frames(noised, tmp_path):
    """Level and colours of an object follow the groups of its run, not the rule."""
    printed = noised("pomnoise 1hpv and polymer, frames=3, chains=(chain A or chain B)")
    assert "198 residues, 1 chain," in printed
    assert " note: chains are as given by chains=(chain A or chain B)" in printed
    assert "Error" not in noised("pomcolor metric=relative")
    assert "Error" not in noised(f"pomsave {tmp_path / 'x.pdb'}")
    assert "Error" not in noised("pomalign")
    assert "chains=(chain A or chain B)" in (tmp_path / "x.pdb").read_text().replace("\n", "").replace(
        "REMARK  99 + ", ""
    )


@pytest.mark.parametrize(
    ("words", "n_residues", "n_chains"),
    [
        ("chains=segi", 199, 1),
        ("chains=(chain A or chain B)(resn 478)", 199, 2),
        ("chains=(chain A)", 199, 3),
        ("chains=custom", 199, 2),
        ("residues=resn", 41, 3),
        ("residues=(chain A and resi 1-5)(chain A and resi 6-9)", 199 - 9 + 2, 3),
        ("residues=(chain A and polymer)(chain B and polymer)", 3, 3),
        ("residues=(polymer), chains=(polymer)", 2, 2),
    ],
)
def test_groups_as_given(hpv, typed, words, n_residues, n_chains):
    hpv.alter("chain A", "custom = 'one'")
    printed = typed(hpv, f"pomnoise frames=2, {words}")
    chains = "chain" if n_chains == 1 else "chains"
    assert f" 1551 atoms, {n_residues} residues, {n_chains} {chains}, 3 states" in printed


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("chains=foo", "chains must be one of segi, chain, resi, resn, custom, or a selection in parentheses for each"),
        ("chains=(chain A", "chains must be one of"),
        ("chains=()", "chains must be one of"),
        ("chains=(chain A)(resi 50)", "chains: (resi 50) has atoms of a group before it"),
        ("chains=(resn XXX)", "chains: (resn XXX) has no atoms of"),
        ("chains=(chain A and)", "is not valid"),
        ("residues=(polymer)", "a residue has atoms in two chains, but is to lie in one: "),
        ("chains=(name CA)", "a residue has atoms in two chains, but is to lie in one: A/PRO`1"),
    ],
)
def test_groups_that_do_not_fit_are_refused_before_the_work(hpv, typed, snapshot, words, reason):
    before = snapshot(hpv, "1hpv")
    printed = typed(hpv, f"pomnoise frames=2, {words}")
    assert reason in printed
    assert printed.count("Error") == 1
    assert hpv.get_object_list() == ["1hpv"]
    assert snapshot(hpv, "1hpv") == before


def test_groups_of_an_unsorted_source_are_those_of_its_own_atoms(cmd, typed):
    """The copy that is noised stands in another order than the source."""
    cmd.fab("ACDEF", "m")
    cmd.alter("resi 2", "resi = '9'")
    printed = typed(cmd, "pomnoise m, frames=2, preset=rb, residues=(resi 9 or resi 3)(resi 1)")
    assert "Error" not in printed
    moved = {}
    cmd.iterate_state(2, "m_noise", "moved[resi, name] = [x, y, z]", space={"moved": moved})
    still = {}
    cmd.iterate_state(1, "m_noise", "still[resi, name] = [x, y, z]", space={"still": still})
    assert "Error" not in typed(cmd, "pomnoise m, frames=1, wc=0, wr=1, wa=0, residues=(resi 9 or resi 3)(resi 1)")
    cmd.iterate_state(2, "m_noise", "moved[resi, name] = [x, y, z]", space={"moved": moved})
    away = {label: np.subtract(moved[label], still[label]) for label in still}
    of = {"9": "a", "3": "a", "1": "b"}
    shifts = {}
    for (resi, _), shift in away.items():
        shifts.setdefault(of.get(resi, resi), []).append(shift)
    means = []
    for group in shifts.values():
        np.testing.assert_allclose(group, np.broadcast_to(group[0], (len(group), 3)), atol=1e-4)
        means.append(group[0])
    assert len(means) == 4
    assert min(np.linalg.norm(one - other) for i, one in enumerate(means) for other in means[:i]) > 0.1


@pytest.mark.parametrize(
    "line",
    [
        "pomtable frames=2, presets=rb",
        "pomsweep z=0, presets=rb",
        "pomweights",
        "pomsignal presets=rb",
        "pomprecond",
        "pomsample steps=2",
        "pomcompare presets=rb, frames=1",
    ],
)
def test_every_command_takes_groups(hpv, typed, line):
    printed = typed(hpv, f"{line}{', ' if ' ' in line else ' '}chains=segi")
    assert "Error" not in printed
    assert " note: chains are as given by chains=segi" in printed.splitlines()


def test_groups_on_the_command_line(hpv, capsys):
    from pomodoro_pymol.cli import main

    path = hpv.exp_path("$PYMOL_DATA/tut/1hpv.pdb")
    assert main(["weights", path, "--chains", "segi"]) == 0
    assert " note: chains are as given by chains=segi" in capsys.readouterr().out.splitlines()
    for words, reason in (
        ("(chain A)", "chains takes selections in PyMOL alone"),
        ("custom", "is known in PyMOL alone"),
    ):
        assert main(["weights", path, "--chains", words]) == 2
        assert reason in capsys.readouterr().err
