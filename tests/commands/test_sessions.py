"""What is saved reopens whole, with us or without, and nothing that stands in a session file does harm."""

import copy
import math

import pytest

METRICS = ("ratio", "relative", "displacement", "scramble", "neighbour", "excess", "lddt", "within", "between")

REOPEN_WITHOUT_US = """
import json, sys
sys.modules["pomodoro_pymol"] = None
import pymol2
with pymol2.PyMOL() as instance:
    cmd = instance.cmd
    cmd.load("saved.pse")
    name = "1hpv_noise"
    atoms, states = [], []
    cmd.iterate(name, "put((color, b))", space={"put": atoms.append})
    for state in range(1, cmd.count_states(name) + 1):
        rows = []
        cmd.iterate_state(state, name, "put((x, y, z))", space={"put": rows.append})
        states.append(rows)
    titles = [cmd.get_title(name, state) for state in range(1, len(states) + 1)]
    json.dump([cmd.get_names(), atoms, states, titles], open("seen.json", "w"))
"""


@pytest.fixture
def saved(hpv, typed, tmp_path):
    """A PyMOL with an output, saved to a file."""
    typed(hpv, "pomnoise chain A frames=4 preset=rb seed=3")
    hpv.save(str(tmp_path / "saved.pse"))
    return hpv


def test_reopens_without_us(saved, snapshot, run_python, tmp_path):
    import json

    done = run_python("-c", REOPEN_WITHOUT_US)
    assert done.returncode == 0, done.stderr
    assert not any(word in (done.stdout + done.stderr).lower() for word in ("error", "warning", "traceback"))
    names, atoms, states, titles = json.loads((tmp_path / "seen.json").read_text())
    made = snapshot(saved, "1hpv_noise")
    assert names == ["1hpv", "1hpv_noise", "1hpv_noise_key"]
    assert atoms == [list(pair) for pair in zip(made["colors"], made["b"])]
    # iterate_state gives float32 values, which JSON's shortest form keeps to the bit.
    assert states == made["coords"]
    assert titles == made["titles"]


@pytest.fixture
def reopened(saved, new_instance, tmp_path):
    """Another PyMOL with the saved session."""
    cmd = new_instance()
    cmd.load(str(tmp_path / "saved.pse"))
    return cmd


@pytest.mark.parametrize("metric", METRICS)
def test_pomcolor_knows_a_reopened_object(saved, reopened, typed, snapshot, metric):
    line = f"pomcolor metric={metric}"
    assert typed(saved, line) == typed(reopened, line)
    assert snapshot(saved, "1hpv_noise") == snapshot(reopened, "1hpv_noise")
    assert reopened.get_names() == saved.get_names()


def test_the_command_kept_repeats_the_run(saved, reopened, typed, snapshot):
    before = snapshot(saved, "1hpv_noise")
    line = reopened._pymol.session.pomodoro["1hpv_noise"]["command"]
    assert "Error" not in typed(reopened, line)
    assert snapshot(reopened, "1hpv_noise") == before


def test_the_record_is_of_plain_types(saved):
    def plain(value):
        if isinstance(value, dict):
            return all(type(key) is str and plain(item) for key, item in value.items())
        if isinstance(value, (list, tuple)):
            return all(map(plain, value))
        return type(value) in (str, bytes, int, float, bool, type(None))

    assert plain(saved._pymol.session.pomodoro)


def test_after_reinitialize_a_users_own_object_is_safe(saved, typed, read_pdb, snapshot):
    saved.reinitialize()
    read_pdb(saved, "1hpv_noise")
    before = snapshot(saved, "1hpv_noise")
    assert "is not what was made under that name" in typed(saved, "pomcolor 1hpv_noise")
    saved.load(saved.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    assert "is not what was made under that name" in typed(saved, "pomnoise 1hpv")
    assert snapshot(saved, "1hpv_noise") == before


def test_after_reinitialize_a_users_own_key_is_safe(saved, typed):
    saved.reinitialize()
    saved.load(saved.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    saved.pseudoatom("1hpv_noise_key", pos=[1, 2, 3])
    assert "Error" not in typed(saved, "pomnoise 1hpv frames=2")
    assert saved.get_type("1hpv_noise_key") == "object:molecule"


DAMAGE = {
    "store is text": lambda store: "hello",
    "store is a list": lambda store: [1, 2],
    "store is None": lambda store: None,
    "store is a number": lambda store: math.nan,
    "record is text": lambda store: {"1hpv_noise": "x"},
    "record is empty": lambda store: {"1hpv_noise": {}},
    "record is a list": lambda store: {"1hpv_noise": [store]},
    "keys are numbers": lambda store: {1: store["1hpv_noise"], None: 3},
}

# Key of the record, and what stands there instead; ... for nothing.
WRONG = [
    ("title", ...),
    ("title", 5),
    ("title", ["z"]),
    ("key", ...),
    ("key", 7),
    ("key", ["1hpv"]),
    ("key", "1hpv"),
    ("key", "all"),
    ("command", ...),
    ("command", 3),
    ("command", "pomnoise z=nan"),
    ("command", "quit"),
    ("command", "pomnoise frames=3, frames=4, " * 3),
    ("digest", ...),
    ("digest", "many"),
    ("digest", 10**12),
    ("digest", True),
    ("residues", ...),
    ("residues", []),
    ("residues", {"atom": [1.0]}),
    ("residues", {"atom": "x", "residue": "y", "atom_relative": "z", "residue_relative": "w"}),
    ("residues", dict.fromkeys(("atom", "residue", "atom_relative", "residue_relative"), 3.0)),
    ("residues", dict.fromkeys(("atom", "residue", "atom_relative", "residue_relative"), [1.0] * 10**5)),
    ("residues", dict.fromkeys(("atom", "residue", "atom_relative", "residue_relative"), [[1.0]] * 99)),
    ("residues", {"__class__": [1.0], "self": [2.0]}),
]


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_store_does_no_harm(saved, refused, what):
    storage = saved._pymol.session
    storage.pomodoro = DAMAGE[what](storage.pomodoro)
    refused(saved, "pomcolor 1hpv_noise")
    refused(saved, "pomcolor")


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_store_does_not_stop_a_new_run(saved, typed, what):
    storage = saved._pymol.session
    storage.pomodoro = DAMAGE[what](storage.pomodoro)
    printed = typed(saved, "pomnoise 1hpv frames=2 name=new")
    assert "Error" not in printed
    assert "Traceback" not in printed
    assert "pomcolor: new" in typed(saved, "pomcolor new")


@pytest.mark.parametrize(("key", "value"), WRONG, ids=[f"{key}-{str(value)[:20]}" for key, value in WRONG])
def test_a_damaged_record_does_no_harm(saved, typed, refused, key, value):
    record = saved._pymol.session.pomodoro["1hpv_noise"]
    if value is ...:
        del record[key]
    else:
        record[key] = value
    if key != "key":
        refused(saved, "pomcolor 1hpv_noise")
        return
    # The record is whole but for the name of the key, which is made anew.
    printed = typed(saved, "pomcolor 1hpv_noise")
    assert "Error" not in printed
    assert "Traceback" not in printed
    assert "1hpv" in saved.get_names()
    assert saved.count_states("1hpv_noise") == 5


def test_numbers_that_are_not_finite_do_no_harm(saved, refused):
    record = saved._pymol.session.pomodoro["1hpv_noise"]
    wrong = [math.nan, math.inf, -1e300, *record["residues"]["residue"][3:]]
    record["residues"] = {**copy.deepcopy(record["residues"]), "residue": wrong}
    refused(saved, "pomcolor 1hpv_noise")


def test_another_objects_record_is_refused(saved, typed):
    typed(saved, "pomnoise 1hpv frames=2 name=other")
    store = saved._pymol.session.pomodoro
    store["1hpv_noise"] = store["other"]
    assert "Error" in typed(saved, "pomcolor 1hpv_noise")
