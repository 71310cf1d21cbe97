"""Each atom of every object stands where it was computed to be, whatever order the source's atoms stand in."""

import numpy as np
import orders
import pytest

from pomodoro_pymol import PomodoroError

W = (3.0, 8.0, 1.0)
SIGMA = 1.25


@pytest.fixture(params=orders.SOURCES)
def oracle(request, cmd, tmp_path):
    """A PyMOL with each kind of source in turn as m, and its oracle."""
    orders.load(cmd, request.param, tmp_path)
    return orders.Oracle(cmd)


@pytest.fixture
def source(cmd):
    """A function that returns all that a user sees of the source, and where its atoms are."""

    def look():
        rows = []
        labels = "index, rank, ID, segi, chain, resi, resn, name, alt, elem, type, q, b, color, x, y, z"
        cmd.iterate_state(1, "m", f"put(({labels}))", space={"put": rows.append})
        return rows

    return look


def noised(oracle, sigma=SIGMA):
    return [oracle.truth + sigma * oracle.unit(frame, W) for frame in range(3)]


def test_copies_of_sources_stand_in_another_order_than_the_sources(cmd, tmp_path):
    """Else this folder proves little."""
    muddled = set()
    for kind in orders.SOURCES:
        cmd.reinitialize()
        orders.load(cmd, kind, tmp_path)
        cmd.create("copy", "m")
        before, after = ([*orders.by_number(cmd, name, 1)] for name in ("m", "copy"))
        muddled |= {kind} if before != after else set()
    assert muddled >= {"GRO", "PQR", "altered chain", "altered resi", "altered segi"}


def test_pomnoise(cmd, oracle, source):
    from pomodoro_pymol.commands import pomnoise

    before = source()
    result = pomnoise("m", sigma=SIGMA, wc=3, wr=8, wa=1, frames=3, _self=cmd)
    assert result.structure.order == ("file" if oracle.by_file else "copy")
    oracle.check(cmd, "m_noise", 1, oracle.truth, 0)
    for state, frame in enumerate(noised(oracle), 2):
        oracle.check(cmd, "m_noise", state, frame)
    assert source() == before
    # The colour and b of an atom are those of its residue.
    found = {}
    cmd.iterate("m_noise", "found[q] = b", space={"found": found})
    moved = np.array(noised(oracle)) - oracle.truth
    for number, residue in zip(oracle.numbers, oracle.residue):
        inside = oracle.residue == residue
        atom, mean = (moved[:, inside] ** 2).mean(), (moved[:, inside].mean(1) ** 2).mean()
        assert found[number] == pytest.approx(np.sqrt(mean / atom), abs=1e-4)


def test_pomsweep(cmd, oracle, source):
    from pomodoro_pymol import sigma_from_z
    from pomodoro_pymol.commands import pomsweep

    before = source()
    pomsweep("m", z="-2:0:1", presets="3:8:1", _self=cmd)
    for state, z in enumerate((-2, -1, 0), 1):
        oracle.check(cmd, "m_sweep", state, oracle.truth + sigma_from_z(z) * oracle.unit(0, W), 1e-4)
    assert source() == before


def test_pomalign(cmd, oracle):
    from scipy.spatial.transform import Rotation

    from pomodoro_pymol.commands import pomalign, pomnoise

    pomnoise("m", sigma=SIGMA, wc=3, wr=8, wa=1, frames=3, _self=cmd)
    pomalign(_self=cmd)
    middle = oracle.truth.mean(0)
    oracle.check(cmd, "m_noise_aligned", 1, oracle.truth, 0)
    for state, frame in enumerate(noised(oracle), 2):
        turn, _ = Rotation.align_vectors(oracle.truth - middle, frame - frame.mean(0))
        oracle.check(cmd, "m_noise_aligned", state, turn.apply(frame - frame.mean(0)) + middle, 1e-3)


def test_pomdenoise(cmd, oracle):
    from pomodoro_pymol.commands import pomdenoise, pomnoise

    pomnoise("m", sigma=SIGMA, wc=3, wr=8, wa=1, frames=3, _self=cmd)
    pomdenoise(denoiser="wiener", prior="1:4:0.25", pose="fixed", _self=cmd)
    prior = oracle.covariance(1, 4, 0.25)
    gain = prior @ np.linalg.inv(prior + SIGMA**2 * oracle.covariance(*(w / sum(W) for w in W)))
    oracle.check(cmd, "m_noise_denoised", 1, oracle.truth, 0)
    for state, frame in enumerate(noised(oracle), 2):
        oracle.check(cmd, "m_noise_denoised", state, oracle.truth + gain @ (frame - oracle.truth), 1e-3)


@pytest.mark.parametrize("show", ["trajectory", "final"])
def test_pomsample(cmd, oracle, source, show):
    """With a prior that lets no atom move, every sample ends at the truth."""
    from pomodoro_pymol.commands import pomsample

    before = source()
    given = {"sampler": "edm", "steps": 12, "every": 6, "denoiser": "wiener", "prior": "0:0:1e-10"}
    pomsample("m", **given, samples=2, show=show, name="s", _self=cmd)
    ends = [("s", 1), ("s", 2)] if show == "final" else [("s_1", 2), ("s_2", 2)]
    for name, state in ends:
        oracle.check(cmd, name, state, oracle.truth, 0.02)  # the last level of noise is .002 A
    assert source() == before


def test_pomsample_of_an_ensemble(cmd, oracle, source, tmp_path):
    """Every sample ends at a state of the source, each atom at its own place."""
    from pomodoro_pymol.commands import pomsample
    from pomodoro_pymol.io.dcd import write_dcd

    # Which row is of which atom does not matter: the members are read as PyMOL shows them.
    rows = 10 * np.random.default_rng(0).normal(size=(2, len(oracle.numbers), 3))
    write_dcd(tmp_path / "more.dcd", rows.astype(np.float32))
    cmd.load_traj(str(tmp_path / "more.dcd"), "m", 2)
    members = [orders.by_number(cmd, "m", state) for state in (1, 2, 3)]
    before = source()
    result = pomsample("m", state=1, sampler="edm", steps=12, samples=6, show="final", name="s", _self=cmd)
    assert max(result.distance) < 0.02
    for state, nearest in enumerate(result.nearest, 1):
        wanted = np.array([members[nearest - 1][number] for number in oracle.numbers])
        oracle.check(cmd, "s", state, wanted, 0.05)
    assert source() == before


@pytest.mark.parametrize("route", ["in memory", "through files"])
def test_live(cmd, oracle, monkeypatch, route):
    from pomodoro_pymol.commands import pomnoise
    from pomodoro_pymol.experiments.live import LiveDraw
    from pomodoro_pymol.viewer.live_states import LiveStates

    result = pomnoise("m", sigma=SIGMA, wc=3, wr=8, wa=1, frames=3, _self=cmd)
    if route == "through files":

        def refuse(*_, **__):
            raise SystemError("numpy.core.multiarray failed to import")

        monkeypatch.setattr(cmd, "get_coordset", refuse, raising=False)
        monkeypatch.setattr(cmd, "get_coords", refuse, raising=False)
    states = LiveStates("m_noise", result.structure.atom_at_place, 4, _self=cmd)
    for state, frame in enumerate(noised(oracle), 2):  # the probe is put back
        oracle.check(cmd, "m_noise", state, frame)
    draw = LiveDraw(result.structure, result.parameters, atom_in_row=states.atom_in_row)
    unit = draw.mix(result.parameters.weights)

    def fill(state, out):
        draw.fill(unit, state - 2, 3.5, out)

    states.write((2, 4), fill)
    states.verify(4, fill)
    with pytest.raises(PomodoroError, match="does not show the atoms of state 3"):
        states.verify(3, fill)
    moved, kept = noised(oracle, 3.5), noised(oracle)
    for state, frame in ((2, moved[0]), (3, kept[1]), (4, moved[2])):
        oracle.check(cmd, "m_noise", state, frame, 1e-4)


def test_pomsave(cmd, oracle, tmp_path):
    """Models in the order of the draws, with the labels of each atom beside its coordinates."""
    import gemmi

    from pomodoro_pymol.commands import pomnoise, pomsave

    pomnoise("m", sigma=SIGMA, wc=3, wr=8, wa=1, frames=3, _self=cmd)
    pomsave(str(tmp_path / "m.cif"), _self=cmd)
    names = {}
    cmd.iterate("m", "names[q] = name", space={"names": names})
    column = gemmi.cif.read(str(tmp_path / "m.cif")).sole_block()
    rows = column.find("_atom_site.", ["pdbx_PDB_model_num", "label_atom_id", "Cartn_x", "Cartn_y", "Cartn_z"])
    for model, frame in enumerate([oracle.truth, *noised(oracle)]):
        found = [row for row in rows if row[0] == str(model)]
        assert [gemmi.cif.as_string(row[1]) for row in found] == [names[number] for number in oracle.numbers]
        np.testing.assert_allclose([[float(value) for value in list(row)[2:]] for row in found], frame, atol=2e-4)


def ignoring(load):
    """A writer of states that takes no notice of which atom belongs where."""
    return lambda self, frames, by_row=False: load(self, frames, by_row=True)


def shuffling(load):
    """A writer that takes the rows of the last frame of more than one for others, the probe's aside."""

    def broken(self, frames, by_row=False):
        if not by_row:
            frames = frames.copy()
            frames[-1] = np.roll(frames[-1], 1, axis=0)
        load(self, frames, by_row)

    return broken


@pytest.mark.parametrize("fault", [ignoring, shuffling])
@pytest.mark.parametrize("line", ["pomnoise m, frames=3", "pomsweep m, z=-1:1", "pomsample m, steps=3, samples=2"])
def test_a_broken_writer_is_caught(cmd, typed, session, differences, monkeypatch, tmp_path, line, fault):
    from pomodoro_pymol.viewer.states import StateWriter

    orders.load(cmd, "altered chain", tmp_path)
    before = session(cmd)
    monkeypatch.setattr(StateWriter, "_load", fault(StateWriter._load))
    assert "PyMOL does not show the atoms of state" in typed(cmd, line)
    assert differences(before, session(cmd)) == []


@pytest.mark.parametrize("line", ["pomalign", "pomdenoise denoiser=wiener"])
def test_a_broken_writer_is_caught_later(cmd, typed, monkeypatch, tmp_path, line):
    from pomodoro_pymol.viewer.states import StateWriter

    orders.load(cmd, "altered chain", tmp_path)
    typed(cmd, "pomnoise m, frames=3")
    names = cmd.get_names("all")
    monkeypatch.setattr(StateWriter, "_load", shuffling(StateWriter._load))
    assert "PyMOL does not show the atoms of state" in typed(cmd, line)
    assert cmd.get_names("all") == names


def test_atoms_that_are_sorted_anew_during_a_run_are_told(cmd, typed, monkeypatch, tmp_path):
    """As where a panel's run is on its way while a person alters and sorts everything."""
    from pomodoro_pymol.viewer import states

    orders.load(cmd, "altered chain", tmp_path)
    write = states.StateWriter.write

    def meddling(self, frames):
        write(self, frames)
        cmd.alter("all", "resi = str(9 - int(resi))")
        cmd.sort()

    monkeypatch.setattr(states.StateWriter, "write", meddling)
    assert "PyMOL does not show the atoms of state" in typed(cmd, "pomnoise m, frames=3")
    assert cmd.get_names("all") == ["m"]
