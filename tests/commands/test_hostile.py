"""Text in structures, sessions and presets is data: it is never run, and means no more than itself."""

import copy
import json
import pickle
import re

import pytest
import small_survey

# What each could do is seen by a file of the name BANG, in the folder of the test.
LABELS = [
    "A;/open('BANG','w')",
    "A; /open('BANG','w')",
    "A;/open('BANG','w')#",
    "A\n/open('BANG','w')",
    "/open('BANG','w')",
    "@BANG.pml",
    "$(touch BANG)",
    "`touch BANG`",
    "{0.__class__}",
    "%s%n",
    "<img src=x>",
    "<b>A</b>",
    "A B",
    "A'B",
    'A"B',
    "'",
    '"',
    "A*",
    "*",
    "A+B",
    "A:B",
    "A,B",
    "A(B",
    ")",
    "A\\",
    "or",
    "not",
    "all",
    "none",
    "A?",
    "-1",
    "é",
    "_",
    ".",
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not (tmp_path / "BANG").exists()


@pytest.fixture
def labelled(cmd, here):
    """A function that builds residues whose labels of a kind are hostile, passes them through a file, and loads it."""

    def build(label, suffix):
        cmd.fab("G" * len(LABELS), "x1")
        for number, text in enumerate(LABELS, 1):
            cmd.alter(f"x1 and resi {number}", f"{label} = text", space={"text": text})
        cmd.sort("x1")
        cmd.save(f"hostile.{suffix}", "x1" if suffix == "cif" else "")
        cmd.delete("all")
        cmd.load(f"hostile.{suffix}", "x1")
        return residues(cmd, "x1")

    return build


def residues(cmd, selection):
    """The labels of the residues of a selection, one per atom."""
    labels = []
    cmd.iterate(selection, "put((segi, chain, resi, resn))", space={"put": labels.append})
    return labels


@pytest.mark.parametrize(("label", "suffix"), [("chain", "cif"), ("chain", "pse"), ("segi", "pse"), ("resn", "pse")])
def test_labels_of_a_file_are_residues_and_nothing_else(cmd, typed, here, labelled, label, suffix):
    from pomodoro_pymol.viewer import window

    before = labelled(label, suffix)
    small_survey.write(here / "survey.parquet")
    cmd.log_open("log.pml")
    assert "Error" not in typed(cmd, "pomnoise frames=2")
    assert residues(cmd, "x1_noise") == before
    assert len(set(before)) == len(LABELS)
    for state in (1, 2):
        cmd.create("twin", "x1", 1, state)
    for line in (
        *(
            "pomcolor metric=displacement",
            "pomtable x1, frames=1, z=0",
            "pomprecond x1, z=0",
            "pomsignal x1, presets=flat",
            "pomsurvey survey.parquet, x1",
        ),
        "pommeasure x1_noise",
        "pomtrain twin, presets=flat, scaling=global, steps=2, width=8, batch=2, seeds=1, samples=0, z=0",
    ):
        assert "Error" not in typed(cmd, line)
    for segi, chain, resi, resn in dict.fromkeys(before):
        window.select(window.residue_words("x1_noise", segi, chain, resi, _self=cmd), _self=cmd)
        assert set(residues(cmd, "sele")) == {(segi, chain, resi, resn)}
    cmd.log_close()
    selected = residues(cmd, "sele")
    cmd.select("sele", "none")
    cmd.do("@log.pml")  # what was logged does the same again
    assert residues(cmd, "sele") == selected


@pytest.mark.parametrize("suffix", ["cif", "pdb"])
@pytest.mark.parametrize("label", ["chain", "resn", "name"])
def test_files_written_of_them_hold_them_or_are_refused(cmd, typed, here, labelled, label, suffix):
    labelled(label, "pse")
    if suffix == "cif":
        assert "holds printed characters alone" in (typed(cmd, "pomnoise frames=1") + typed(cmd, "pomsave out.cif"))
        assert not (here / "out.cif").exists()
        cmd.alter("x1", f"{label} = {label}.replace(chr(10), '!')")
        cmd.sort("x1")
    before = residues(cmd, "x1")
    typed(cmd, "pomnoise frames=1")
    printed = typed(cmd, f"pomsave out.{suffix}")
    if "Error" in printed:
        assert len(printed.splitlines()) == 1
        assert suffix == "pdb", printed
        assert not (here / f"out.{suffix}").exists()
        return
    cmd.load(f"out.{suffix}", "again")
    assert sorted(row[1:] for row in residues(cmd, "again")) == sorted(row[1:] for row in before)


NAMES = [
    "x;/open('BANG','w')",
    "x\n/open('BANG','w')",
    "a b",
    "%x",
    "x'",
    "<b>x</b>",
    "all",
    "",
    "(x)",
    "x*",
]
COMMANDS = (
    "pomnoise frames=2",
    "pomnoise all, frames=2",
    "pomcolor metric=displacement",
    "pomalign",
    "pomdenoise",
    "pomsave out.cif",
    "pomtable frames=2, z=0",
    "pomsurvey survey.parquet",
    "pomsweep frames=1, z=0",
    "pomsample steps=3",
    "pomtrain all, presets=flat, steps=2, width=8, batch=2, seeds=1, samples=0, z=0",
    "pommeasure",
    "pommovie film.gif, z=-1:0",
)


@pytest.fixture
def doctored(cmd, new_instance, read_pdb, typed, here):
    """A function that saves a session with an output, changes what the file holds, and loads it in a fresh PyMOL."""
    read_pdb(cmd, "plain")
    typed(cmd, "pomnoise frames=2")
    whole = cmd.get_session()
    small_survey.write(here / "survey.parquet")

    def load(change):
        session = copy.deepcopy(whole)
        change(session, vars(session["session"]))
        (here / "doctored.pse").write_bytes(pickle.dumps(session))
        other = new_instance()
        other.load("doctored.pse", quiet=1)
        return other

    return load


@pytest.mark.parametrize("name", NAMES)
def test_names_that_pymol_does_not_give(doctored, typed, read_pdb, name):
    def change(session, store):
        for entry in session["names"]:
            if entry and entry[0] in ("plain", "plain_noise"):
                entry[0] = entry[0].replace("plain", name)
        store["pomodoro"] = {f"{name}_noise": {**store["pomodoro"]["plain_noise"], "source": name}}

    cmd = doctored(change)
    for line in COMMANDS:
        printed = typed(cmd, line)
        assert "Traceback" not in printed
        assert len(re.findall("^ Error: ", printed, re.MULTILINE)) == 1
    printed = typed(cmd, "pomcheck test=1")
    assert " test as before  ok" in printed
    assert not name or " self-test       9 of 9 passed" in printed  # beside an object without a name nothing is drawn
    read_pdb(cmd, "usable")
    assert "Error" not in typed(cmd, "pomnoise usable, frames=2")


def damages():
    """What may stand in a record, by key; and whole stores."""
    numbers = dict.fromkeys(("atom", "residue", "atom_relative", "residue_relative"), [1.0] * 3)
    bang = "x;/open('BANG','w')"
    yield from (("source", value) for value in (bang, "x\nATOM", 5, None, "plain) or (all", "<b>"))
    yield from (("device", value) for value in (bang, "cuda:99", "x\n"))
    yield from (("versions", value) for value in ("x\nATOM      1  CA", {}, None))
    yield from (("digest", value) for value in (None, "", 10**400, "many"))
    yield from (("aligned", value) for value in (1, "x", {}))
    yield from (("key", value) for value in (bang, 7, ["plain"], "plain", "all"))
    yield from (("levels", value) for value in ({}, 5, {"measured": 1, "low": 2, "high": 3}))
    yield from (("colors", value) for value in (5, {}, {"metric": "ratio", "palette": [], "low": 1, "high": 0}))
    yield from (("residues", value) for value in ({}, numbers, {"atom": "x"}, {**numbers, "atom": [float("nan")] * 3}))
    for words in (
        bang,
        f"pomnoise {bang}",
        "pomnoise all\n/open('BANG','w')",
        "pomnoise z=nan",
        "quit",
        "",
        5,
        "pomnoise name=all",
    ):
        yield "command", words
    yield "command", "pomnoise %nosuch, frames=2"
    yield from (
        ("fixed", value) for value in (5, None, b"", b"\0" * 12, b"\1" * 12, b"\0\1\2" * 4, b"\0\1", "x", [True])
    )
    yield "command", "pomnoise plain, frames=2, fixed=name CA"
    yield from (("title", value) for value in (5, ["z"], bang, "<b>"))


MOVIE = "pommovie film.gif, z=-1:0, width=64"


@pytest.mark.parametrize(("key", "value"), list(damages()), ids=lambda value: repr(value)[:30])
def test_a_damaged_record_in_a_file(doctored, typed, session, differences, here, key, value):
    cmd = doctored(lambda _, store: store["pomodoro"]["plain_noise"].update({key: value}))
    for line in ("pomcolor metric=displacement", "pomsave out.pdb", "pomalign", "pomdenoise denoiser=wiener", MOVIE):
        before = session(cmd)
        printed = typed(
            cmd,
            f"{line}"
            if line.startswith("pomsave")
            else f"{line}{', ' if '=' in line or ' ' in line else ' '}object=plain_noise",
        )
        assert "Traceback" not in printed
        if "Error" in printed:
            assert len(printed.splitlines()) == 1, printed
            assert differences(before, session(cmd)) == []
    assert "Error" not in typed(cmd, "pomnoise plain, frames=2, name=new")
    assert "Error" not in typed(cmd, "pomcolor new")
    assert cmd.count_atoms("plain") == 12


@pytest.mark.parametrize(
    "store", [5, None, [], "x", {"plain_noise": 3}, {3: {}}, {"plain_noise": {"title": "x"}}, {None: {}}]
)
def test_a_damaged_store_in_a_file(doctored, typed, store):
    cmd = doctored(lambda _, values: values.update(pomodoro=store, pomodoro_panel=store))
    for line in COMMANDS[2:6]:
        printed = typed(cmd, line)
        assert len(printed.splitlines()) == 1, printed
        assert printed.startswith(" Error: ")
    assert " self-test       9 of 9 passed" in typed(cmd, "pomcheck test=1")
    assert cmd._pymol.session.pomodoro == store
    assert "Error" not in typed(cmd, "pomnoise plain, frames=2, name=new")


def test_a_preset_file_with_anything_in_it_stops_no_command(hpv, typed, tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    path = tmp_path / ".pymol" / "pomodoro_presets.json"
    path.parent.mkdir()
    hostile = json.dumps({"x;/open('BANG','w')": [1, 1, 1], "y\n": [1, 1, 1]})
    for content in (b"\xff\x00" * 99, b"{" * 9999, hostile.encode(), b'{"a": [NaN, 1, 1]}', b" " * (2 << 20)):
        path.write_bytes(content)
        assert "Error" not in typed(hpv, "pomnoise preset=ms, frames=1")
        assert "preset must be one of flat, ms, rb, 3-8-1, 2-6-2" in typed(hpv, "pomnoise preset=x")
        assert "does not hold presets" in typed(hpv, "pomweights save=mine")
        assert "Traceback" not in typed(hpv, "help pomnoise")
        words = hpv.auto_arg[0]["pomnoise"][0]()
        assert "preset=ms" in words.keywords
        assert path.read_bytes() == content


class Bomb:
    """Writes a file when it is unpickled."""

    def __reduce__(self):
        return open, ("BANG", "w")


@pytest.mark.parametrize("kind", ["pickle", "archive", "garbage", "nothing", "folder", "absent", "pipe"])
def test_a_model_file_with_anything_in_it(hpv, typed, session, differences, here, kind):
    import os

    import torch

    path = here / "net.pt"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Bomb()))
    elif kind == "archive":
        torch.save(Bomb(), path)
    elif kind in ("garbage", "nothing"):
        path.write_bytes(bytes(range(256)) * 9 if kind == "garbage" else b"")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("POSIX only")
        os.mkfifo(path)
    typed(hpv, "pomnoise chain A, frames=1")
    before = session(hpv)
    for line in ("pomsample chain A, steps=2, network=net.pt", "pomdenoise network=net.pt"):
        printed = typed(hpv, line)
        assert printed.startswith(" Error: ")
        assert "net.pt" in printed
        assert len(printed.splitlines()) == 1
        assert differences(before, session(hpv)) == []


def test_a_record_nested_beyond_what_can_be_written_down(hpv, typed):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    typed(hpv, "pomnoise frames=2")
    hpv._pymol.session.pomodoro["1hpv_noise"]["key"] = nested
    assert "Error" not in typed(hpv, "pomcolor metric=displacement")
    assert hpv._pymol.session.pomodoro["1hpv_noise"]["key"] == "1hpv_noise_key"
    assert "Error" not in typed(hpv, "pomcompare")
    hpv._pymol.session.pomodoro["1hpv_noise"]["key"] = nested
    assert "Error" not in typed(hpv, "pomcompare off")
