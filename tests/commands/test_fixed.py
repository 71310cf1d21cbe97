"""fixed=: atoms that stay at the truth in every frame, and the numbers of the others; all worked out again by hand."""

import math

import numpy as np
import pytest
from orders import SOURCES as ORDERS
from orders import Oracle, by_number, load

GREY = (0.5019608, 0.5019608, 0.5019608)
#: Of 1hpv: one chain but for a loop, and in that loop most of a residue.
FIXED = "not (chain A and resi 45-55) or (resi 50 and name N+CA)"
#: Chain, residue, atom.
WEIGHTS = (3.0, 8.0, 1.0)
SIGMA = 16 * math.exp(-1.2)  # z = 0


def chosen(cmd, name, selection):
    """Whether each atom of an object is in a selection, in the order of the file."""
    rows, inside = [], set()
    cmd.iterate(f"%{name} and ({selection})", "put(index)", space={"put": inside.add})
    cmd.iterate(f"%{name}", "put((rank, index))", space={"put": rows.append})
    return np.array([index in inside for _, index in sorted(rows)])


def labels(cmd, name):
    """Chain and residue number of each atom, in the order of the file."""
    rows = []
    cmd.iterate(f"%{name}", "put((rank, chain, resi))", space={"put": rows.append})
    return [row[1:] for row in sorted(rows)]


def groups(keys):
    return [np.flatnonzero([key == one for key in keys]) for one in dict.fromkeys(keys)]


@pytest.fixture
def noised(hpv):
    """A PyMOL with 1hpv noised twice: result and frames, with and without fixed atoms, and which move."""
    from pomodoro_pymol.commands import pomnoise

    free = pomnoise("polymer", frames=12, seed=5, name="free", _self=hpv)
    result = pomnoise("polymer", frames=12, seed=5, name="held", fixed=FIXED, metric="displacement", _self=hpv)
    hpv.result, hpv.free = result, free
    hpv.moves = ~chosen(hpv, "held", FIXED)
    return hpv


def test_fixed_atoms_are_the_truth_and_the_others_as_without(noised, frames_of):
    free, held = (frames_of(noised, name) for name in ("free", "held"))
    moves = noised.moves
    assert 0 < moves.sum() < 100
    np.testing.assert_array_equal(held[:, ~moves].view(np.int32), held[:1, ~moves].view(np.int32).repeat(13, 0))
    np.testing.assert_array_equal(held[0].view(np.int32), free[0].view(np.int32))
    np.testing.assert_array_equal(held[:, moves].view(np.int32), free[:, moves].view(np.int32))
    assert (held[1:, moves] != held[:1, moves]).any(2).all()
    np.testing.assert_array_equal(np.concatenate(list(noised.result.frames())), held[1:])


@pytest.mark.parametrize("kind", ORDERS)
def test_each_atom_is_where_it_is_to_be_in_any_order(cmd, typed, tmp_path, kind):
    load(cmd, kind, tmp_path)
    oracle = Oracle(cmd)
    fixed = np.array([number * 1024 % 3 < 1 for number in oracle.numbers])
    held = "+".join(str(index) for index in _indices(cmd, {n for n, f in zip(oracle.numbers, fixed) if f}))
    assert "Error" not in typed(cmd, f"pomnoise m, fixed=index {held}, frames=2, wc=3, wr=8, wa=1, metric=direction")
    for state in (2, 3):
        unit = oracle.unit(state - 2, WEIGHTS)
        oracle.check(cmd, "m_noise", state, oracle.truth + np.where(fixed[:, None], 0, SIGMA * unit))
        before, after = by_number(cmd, "m_noise", 1), by_number(cmd, "m_noise", state)
        assert [before[number] == after[number] for number in oracle.numbers] == fixed.tolist()


def _indices(cmd, numbers):
    found = []
    cmd.iterate("m", "put((q, index))", space={"put": found.append})
    return [index for number, index in found if number in numbers]


def test_levels_are_those_of_the_atoms_that_move(noised, frames_of):
    frames, moves = frames_of(noised, "held").astype(float), noised.moves
    moved = (frames[1:] - frames[:1])[:, moves]
    keys = [key for key, move in zip(labels(noised, "held"), moves) if move]
    residues = groups(keys)
    assert len(residues) == 11
    assert {len(atoms) for atoms in residues if keys[atoms[0]] == ("A", "50")} == {
        noised.count_atoms("held and chain A and resi 50 and not name N+CA")
    }
    chain = moved.mean(1, keepdims=True)
    means = np.stack([moved[:, atoms].mean(1) for atoms in residues], axis=1)
    spread = np.zeros_like(moved)
    for number, atoms in enumerate(residues):
        spread[:, atoms] = means[:, number, None]
    total = (moved**2).sum()
    by_hand = {
        "atom": math.sqrt((moved**2).mean()),
        "residue": math.sqrt((means**2).mean()),
        "chain": math.sqrt((chain**2).mean()),
        "residue_relative": math.sqrt(((means - chain) ** 2).mean()),
        "neighbor": math.sqrt((np.diff(means, axis=1) ** 2).mean()),
        "chain_share": (chain**2).sum() * moved.shape[1] / total,
        "residue_share": ((spread - chain) ** 2).sum() / total,
        "atom_share": ((moved - spread) ** 2).sum() / total,
    }
    levels = vars(noised.result.statistics.levels())
    assert {name: levels[name] for name in by_hand} == pytest.approx(by_hand, rel=1e-5)
    values, expected = noised.result.metric(), []
    rows = dict(zip(dict.fromkeys(labels(noised, "held")), values))
    for number, atoms in enumerate(residues):
        expected.append(math.sqrt((means[:, number] ** 2).mean()))
        assert rows.pop(keys[atoms[0]]) == pytest.approx(expected[-1], rel=1e-5)
    assert np.isnan(list(rows.values())).all()


def test_expected_values_are_of_the_dense_covariance_of_what_moves(noised):
    from pomodoro_pymol.noise.expected import expected_levels

    moves, keys = noised.moves, labels(noised, "held")
    same = [np.array([[one == other for other in part] for one in part]) for part in ([k[0] for k in keys], keys)]
    c, r, a = (weight / sum(WEIGHTS) for weight in WEIGHTS)
    covariance = (c * same[0] + r * same[1] + a * np.eye(len(keys)))[np.ix_(moves, moves)]
    residues = groups([key for key, move in zip(keys, moves) if move])
    n_atoms = moves.sum()
    average = np.zeros((len(residues), n_atoms))
    for row, atoms in zip(average, residues):
        row[atoms] = 1 / len(atoms)
    chain = np.full((1, n_atoms), 1 / n_atoms)
    back = (average > 0).T @ average

    def rms(matrix):
        return SIGMA * math.sqrt(np.diag(matrix @ covariance @ matrix.T).mean())

    def share(matrix):
        return np.trace(matrix @ covariance @ matrix.T) / n_atoms

    by_hand = {
        "atom": SIGMA,
        "residue": rms(average),
        "chain": rms(chain),
        "residue_relative": rms(average - chain),
        "neighbor": rms(np.diff(average, axis=0)),
        "chain_share": share(np.repeat(chain, n_atoms, 0)),
        "residue_share": share(back - chain),
        "atom_share": share(np.eye(n_atoms) - back),
    }
    result = noised.result
    closed = vars(expected_levels(result.statistics.hierarchy, result.parameters.weights, SIGMA))
    assert {name: float(closed[name]) for name in by_hand} == pytest.approx(by_hand, rel=1e-10)
    _, expected = result.residues()
    assert expected.residue == pytest.approx(SIGMA * np.sqrt(np.diag(average @ covariance @ average.T)), rel=1e-10)
    measured, error = vars(result.statistics.levels()), vars(result.statistics.standard_error())
    for name, value in by_hand.items():
        assert abs(measured[name] - value) < 4 * error[name], name


def test_the_report_says_it(hpv, typed):
    printed = typed(hpv, f"pomnoise polymer, fixed={FIXED}, frames=2")
    moves = hpv.count_atoms(f"1hpv_noise and not ({FIXED})")
    assert (
        f" note: {1516 - moves} of 1516 atoms are fixed: levels, gauge and colours are of what moves, "
        f"{moves} atoms, 11 residues, 1 chain\n"
    ) in printed
    assert "\n         grey: 187 residues of which no atom moves\n" in printed
    assert typed(hpv, "pomdenoise denoiser=wiener") == (
        " Error: atoms of 1hpv_noise are fixed, and denoisers take all for noised: run pomnoise without fixed"
    )
    assert f", fixed={FIXED}" in hpv._pymol.session.pomodoro["1hpv_noise"]["command"]


def colors(cmd, name, selection):
    found = set()
    cmd.iterate(f"%{name} and ({selection})", "put(color)", space={"put": found.add})
    return {tuple(round(part, 7) for part in cmd.get_color_tuple(color)) for color in found}


def numbers(cmd, name, selection):
    found = []
    cmd.iterate(f"%{name} and ({selection})", "put(b)", space={"put": found.append})
    return np.array(found)


def check_colors(cmd, metric):
    """Residues of which no atom moves are grey with b 0; the others have their colour and their metric as b."""
    loop = "chain A and resi 45-55"
    assert colors(cmd, "held", f"not ({loop})") == {GREY}
    assert not numbers(cmd, "held", f"not ({loop})").any()
    values = dict(zip(dict.fromkeys(labels(cmd, "held")), metric))
    for resi in range(45, 56):
        b = numbers(cmd, "held", f"chain A and resi {resi}")
        assert b == pytest.approx(np.full(len(b), values["A", str(resi)]), rel=1e-5)
        (color,) = colors(cmd, "held", f"chain A and resi {resi}")
        assert color != GREY


def test_a_session_is_opened_and_coloured_anew(noised, new_instance, typed, frames_of, tmp_path):
    check_colors(noised, noised.result.metric())
    noised.save(str(tmp_path / "held.pse"))
    other = new_instance()
    other.load(str(tmp_path / "held.pse"), quiet=1)
    for line in ("pomcolor held, metric=ratio", "pomcolor held, metric=lddt", "pomcolor held, metric=scramble"):
        printed = typed(other, line)
        assert "grey: 187 residues of which no atom moves" in printed
    check_colors(other, noised.result.metric("scramble"))
    printed = typed(other, "pomcolor held, metric=direction")
    units = frames_of(other, "held").astype(float)
    units = (units[1:] - units[:1])[:, noised.moves]
    units /= np.linalg.norm(units, axis=-1, keepdims=True)
    spread = np.zeros_like(units)
    for atoms in groups([key for key, move in zip(labels(other, "held"), noised.moves) if move]):
        spread[:, atoms] = units[:, atoms].mean(1, keepdims=True)
    total = ((units - units.mean(1, keepdims=True)) ** 2).sum()
    within = ((units - spread) ** 2).sum()
    assert f" {100 * within / total:3.0f} % within residues" in printed
    assert f" {100 - 100 * within / total:3.0f} % between residues of a chain" in printed
    assert colors(other, "held_direction", f"state 2 and ({FIXED})") == {GREY}
    for name, line in (("held_aligned", "pomalign held"), ("held_measured", "pommeasure held")):
        assert "Error" not in typed(other, line)
        assert other.count_states(name) == 13
    printed = typed(other, "pommeasure held, fit=0, name=as_they_lie")
    frames = frames_of(other, "held").astype(float)
    line = next(line for line in printed.splitlines() if line.startswith(" atom, per coordinate"))
    assert float(line.split()[3]) == pytest.approx(math.sqrt(((frames[1:] - frames[:1]) ** 2).mean()), abs=6e-4)


def test_what_is_laid_on_the_truth_is_measured_over_what_moves(noised, typed, frames_of):
    printed = typed(noised, "pomalign held")
    for column, name in enumerate(("held", "held_aligned")):
        frames = frames_of(noised, name).astype(float)
        rms = math.sqrt(((frames[1:] - frames[:1])[:, noised.moves] ** 2).mean())
        line = next(line for line in printed.splitlines() if line.startswith(" atom, per coordinate"))
        assert float(line.split()[3 + column]) == pytest.approx(rms, abs=6e-4)
    assert "are fixed" in printed
    noised.delete("held")
    assert "grey: 187 residues" in typed(noised, "pomcolor held_aligned, metric=ratio")


def test_files_have_fixed_atoms_where_they_were(noised, typed, coords, tmp_path):
    from pomodoro_pymol import load_frames

    gemmi, pdbx = pytest.importorskip("gemmi"), pytest.importorskip("biotite.structure.io.pdbx")
    truth = coords(noised, "held", 1)
    for suffix in ("pdb", "cif", "npz"):
        assert "Error" not in typed(noised, f"pomsave {tmp_path / f'held.{suffix}'}, held")
    models = gemmi.read_structure(str(tmp_path / "held.pdb"))
    by_gemmi = np.array([[atom.atom.pos.tolist() for atom in model.all()] for model in models])
    by_biotite = pdbx.get_structure(pdbx.CIFFile.read(str(tmp_path / "held.cif"))).coord
    for frames in (by_gemmi, by_biotite):
        assert frames.shape == (13, len(truth), 3)
        np.testing.assert_array_equal((frames == frames[:1]).all((0, 2)), ~noised.moves)
        assert np.abs(frames[:, ~noised.moves] - truth[None, ~noised.moves]).max() < 6e-4
    with np.load(tmp_path / "held.npz") as arrays:
        np.testing.assert_array_equal(arrays["fixed_mask"], ~noised.moves)
        np.testing.assert_array_equal(
            arrays["coords"][:, ~noised.moves], arrays["truth"][None, ~noised.moves].repeat(12, 0)
        )
        assert f"fixed, not noised: {(~noised.moves).sum()} of {len(truth)} atoms" in arrays["header"].tolist()
    assert load_frames(tmp_path / "held.npz").fixed_mask.tolist() == (~noised.moves).tolist()
    assert "Error" not in typed(noised, f"pomsave {tmp_path / 'free.npz'}, free")
    assert load_frames(tmp_path / "free.npz").fixed_mask is None


def test_a_comparison_has_fixed_atoms_too(hpv, typed, frames_of):
    printed = typed(hpv, "pomcompare fixed=polymer, presets=flat+rb, frames=3, metric=displacement, range=auto")
    assert "note: 1516 of 1551 atoms are fixed" in printed
    ligand = chosen(hpv, "1hpv_rb", "organic")
    for name in ("1hpv_flat", "1hpv_rb"):
        frames = frames_of(hpv, name)
        assert (frames[:, ~ligand] == frames[:1, ~ligand]).all()
        assert (frames[1:, ligand] != frames[:1, ligand]).any(2).all()
        assert colors(hpv, name, "polymer") == {GREY}


def test_atoms_in_one_place_are_fixed_together_or_not_at_all(cmd, typed, read_pdb, refused):
    read_pdb(cmd, "m")
    cmd.alter_state(1, "m and resi 1 and name N+CA", "x, y, z = 1, 2, 3")
    printed = refused(cmd, "pomnoise m, fixed=resi 1 and name N")
    assert printed == " Error: m has atoms in one place of which only some are to be fixed"
    assert "Error" not in typed(cmd, "pomnoise m, fixed=resi 1 and name N+CA, frames=1")


@pytest.mark.parametrize(("fixed", "words"), [("resi 1 and name N", "no"), ("not (resi 1 and name N)", "all")])
def test_atoms_without_coordinates_do_not_count(cmd, refused, read_pdb, fixed, words):
    read_pdb(cmd, "m")
    cmd.alter_state(1, "m and resi 1 and name N", "x = float('nan')")
    printed = refused(cmd, f"pomnoise m, fixed={fixed}")
    assert printed == f" Error: fixed={fixed} has {words} atoms of 'm' that have coordinates"


def test_residues_that_are_given_are_fixed_in_part(hpv, typed, frames_of):
    printed = typed(hpv, "pomnoise polymer, residues=resn, chains=(polymer), fixed=chain B, frames=2, metric=scramble")
    kinds = {resn for atom in hpv.get_model("1hpv and polymer and chain A").atom for resn in [atom.resn]}
    n_moving = hpv.count_atoms("1hpv and polymer and chain A")
    assert f"of what moves, {n_moving} atoms, {len(kinds)} residues, 1 chain\n" in printed
    frames, stays = frames_of(hpv, "1hpv_noise"), chosen(hpv, "1hpv_noise", "chain B")
    np.testing.assert_array_equal((frames == frames[:1]).all((0, 2)), stays)
    assert "Error" not in typed(hpv, "pomcolor metric=relative")


def test_the_core_wants_the_atoms_marked():
    from dataclasses import replace

    from orders import CASES

    from pomodoro_pymol import PomodoroError
    from pomodoro_pymol.experiments.noise import run_noise
    from pomodoro_pymol.io.read import read_structure
    from pomodoro_pymol.parameters.catalogue import NoiseParameters

    structure = read_structure(CASES / "f1_two.pdb")
    marks = np.arange(len(structure)) % 2 == 0
    with pytest.raises(PomodoroError, match="fixed=polymer is a selection of PyMOL's: mark its atoms"):
        run_noise(structure, NoiseParameters(fixed="polymer", device="cpu"), lambda _: None)
    with pytest.raises(PomodoroError, match="all atoms are fixed"):
        run_noise(replace(structure, fixed=marks | True), NoiseParameters(device="cpu"), lambda _: None)
    with pytest.raises(PomodoroError, match="need one bool of fixed each"):
        replace(structure, fixed=marks[:-1])
    assert replace(structure, fixed=marks & False).fixed is None
