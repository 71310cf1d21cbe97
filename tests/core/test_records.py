"""What a session keeps of a run: plain types that read back, and refuse what is damaged."""

import copy
import dataclasses
import functools
import json
import math
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments.record import ORDERS, MeasuredLevels, Record, digest
from pomodoro_pymol.noise.levels import Levels, ResidueLevels
from pomodoro_pymol.parameters.catalogue import NoiseParameters
from pomodoro_pymol.structure.hierarchy import Hierarchy

RESIDUES = ResidueLevels(*np.random.default_rng(0).uniform(0, 5, (5, 3)))
PARAMETERS = NoiseParameters(selection="(resi 1,2) and b=20", sigma=4.25, preset="ms", frames=7)
LEVELS = MeasuredLevels(*(Levels(*np.random.default_rng(1 + i).uniform(0, 5, 11).tolist()) for i in range(3)))
RECORD = Record(PARAMETERS, "1hpv", "cpu", "abc", RESIDUES, LEVELS, "file")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


DEEP = []
for _ in range(5000):
    DEEP = [DEEP]


def opened(path):
    """A copy of the record in plain values, and of it what holds the last of a path."""
    plain = copy.deepcopy(RECORD.to_plain())
    return plain, functools.reduce(operator.getitem, path[:-1], plain)


def changed(*path, value):
    plain, place = opened(path)
    place[path[-1]] = value
    return plain


def without(*path):
    plain, place = opened(path)
    del place[path[-1]]
    return plain


def test_a_record_reads_back_from_json():
    back = Record.from_plain(json.loads(json.dumps(RECORD.to_plain())))
    for field in ("parameters", "source", "device", "digest"):
        assert getattr(back, field) == getattr(RECORD, field)
    for name, values in vars(RESIDUES).items():
        np.testing.assert_array_equal(getattr(back.residues, name), values)
    assert back.levels == LEVELS


@pytest.mark.parametrize("selection", ["name C1'", "name O3' or name O5'", "'obj 1' or 'obj 2'", "resi 1,2"])
def test_the_parameters_of_a_record_are_those_of_the_run(selection):
    parameters = dataclasses.replace(PARAMETERS, selection=selection)
    plain = dataclasses.replace(RECORD, parameters=parameters).to_plain()
    assert Record.from_plain(plain).parameters == parameters


@pytest.mark.parametrize(
    "plain",
    [
        *(without(key) for key in RECORD.to_plain() if key not in ("order", "run")),
        *(without("residues", name) for name in RECORD.to_plain()["residues"] if name != "neighbor"),
        *(
            changed("command", value=value)
            for value in ("", "pomcolor", "pomnoise z=99", "pomnoise frmes=2", 3, None, [])
        ),
        *(changed("residues", value=value) for value in (None, [], 3, "text", DEEP, np.zeros(3))),
        *(
            changed(key, value=value)
            for key in ("source", "device", "digest", "versions", "order", "run")
            for value in (None, 3, DEEP, b"cpu")
        ),
        *(without("levels", part) for part in RECORD.to_plain()["levels"]),
        *(without("levels", "low", name) for name in RECORD.to_plain()["levels"]["low"] if name != "neighbor"),
        *(changed("levels", value=value) for value in (None, [], 3, "text", {}, {"measured": 1.0})),
        *(changed("levels", "high", "atom", value=value) for value in (None, 3, "x", [], np.inf)),
        changed("levels", "more", value={}),
        changed("residues", "more", value=[1.0, 1.0, 1.0]),
        *(
            changed("residues", "atom", value=value)
            for value in (None, DEEP, 1.0, [], [1.0], [[1.0]] * 3, ["a", "b", "c"])
        ),
        *(changed("residues", "atom", 1, value=value) for value in (-1.0, None, "x", np.nan, np.inf, 10**400, [])),
    ],
)
def test_damaged_records_are_refused(plain):
    with pytest.raises(PomodoroError, match="damaged: run pomnoise again"):
        Record.from_plain(plain)


@given(plain=JSON)
def test_what_is_no_record_is_refused(plain):
    with pytest.raises(PomodoroError, match="damaged"):
        Record.from_plain(plain)


@given(key=st.sampled_from(sorted(RECORD.to_plain())), value=JSON)
def test_one_foreign_value_is_refused_or_read(key, value):
    try:
        Record.from_plain(changed(key, value=value))
    except PomodoroError:
        return
    assert key in ("source", "device", "digest", "versions", "run")


@pytest.mark.parametrize("order", ["file", "copy"])
def test_a_record_says_whose_order_was_drawn(order):
    record = dataclasses.replace(RECORD, order=order)
    assert Record.from_plain(record.to_plain()).order == order
    assert f"draws in the order of: {ORDERS[order]}" in record.header()


def test_a_record_says_which_run_it_was():
    record = dataclasses.replace(RECORD, run="1f")
    assert Record.from_plain(record.to_plain()).run == "1f"
    assert Record.from_plain(without("run")).run == ""  # of 0.1.0


def test_a_record_of_0_1_0_did_not_measure_neighbours():
    plain = RECORD.to_plain()
    for levels in plain["levels"].values():
        del levels["neighbor"]
    del plain["residues"]["neighbor"]
    record = Record.from_plain(plain)
    assert np.isnan(record.residues.neighbor).all()
    assert Record.from_plain(record.to_plain()).residues.atom.tolist() == RESIDUES.atom.tolist()
    back = record.levels
    for part in ("measured", "low", "high"):
        assert math.isnan(getattr(back, part).neighbor)
        assert dataclasses.replace(getattr(back, part), neighbor=1.0) == dataclasses.replace(
            getattr(LEVELS, part), neighbor=1.0
        )


def test_a_record_of_0_1_0_drew_in_the_order_of_the_copy():
    assert Record.from_plain(without("order")).order == "copy"


def fingerprint(structure):
    return digest(structure, Hierarchy.from_structure(structure))


def test_the_digest_ignores_where_the_atoms_are(dimer):
    moved = dataclasses.replace(dimer, coords=dimer.coords + 1, name="other")
    assert fingerprint(moved) == fingerprint(dimer)


@pytest.mark.parametrize("label", ["segi", "chain", "resi", "resn"])
def test_the_digest_sees_the_labels(dimer, label):
    residues = dimer.residues.copy()
    residues[label][1] = "Z"
    assert fingerprint(dataclasses.replace(dimer, residues=residues)) != fingerprint(dimer)


def test_the_digest_sees_the_grouping(dimer):
    atoms = dimer.residue_of_atom.copy()
    atoms[[3, 5]] = atoms[[5, 3]]
    assert fingerprint(dataclasses.replace(dimer, residue_of_atom=atoms)) != fingerprint(dimer)


def test_a_record_keeps_b_of_the_source():
    b = np.array([12.5, -3.25, 98.03], np.float32)
    plain = dataclasses.replace(RECORD, b=b).to_plain()
    assert type(plain["b"]) is bytes
    found = Record.from_plain(plain)
    np.testing.assert_array_equal(found.b, b)
    assert "b" not in RECORD.to_plain()
    assert Record.from_plain(RECORD.to_plain()).b is None  # of 0.1.0


@pytest.mark.parametrize(
    "value", [None, b"", b"12345", "text", [1.0], np.zeros(3), np.array([np.nan, 1], "<f4").tobytes(), DEEP, 3]
)
def test_a_damaged_b_is_refused(value):
    with pytest.raises(PomodoroError, match="damaged: run pomnoise again"):
        Record.from_plain(changed("b", value=value))


def test_the_record_of_a_run_has_the_b_of_its_structure():
    from pomodoro_pymol import NoiseParameters, run_noise
    from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure

    atoms, residues = np.zeros(2, ATOM_LABELS), np.array([("", "A", "1", "GLY", False)], RESIDUE_LABELS)
    for b, kept in (([44.5, 90.0], [44.5, 90.0]), ([44.5, np.nan], None)):
        structure = Structure(
            np.zeros((2, 3), np.float32), atoms, residues, np.zeros(2, np.int64), b=np.array(b, np.float32)
        )
        record = run_noise(structure, NoiseParameters(frames=2, device="cpu"), lambda block: None).record()
        assert (None if record.b is None else record.b.tolist()) == kept
