"""Fragments of many structures: how they are cut out of files written here, told apart, and measured."""

import gzip
import hashlib
import json
import random
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from pomodoro_pymol.diffusion.precondition import data_variances, degrees_of_freedom, noise_variances
from pomodoro_pymol.diffusion.slots import Slots
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments import fragment_set, fragments
from pomodoro_pymol.experiments.fragment_set import FragmentSet
from pomodoro_pymol.experiments.fragments import read_fragments
from pomodoro_pymol.io.read import read_structure
from pomodoro_pymol.noise.weights import PRESETS, LevelWeights
from pomodoro_pymol.structure.amino_acids import HEAVY_ATOMS, LETTERS, N_SLOTS, PRESENT
from pomodoro_pymol.structure.fragments import cut

NAMES = dict(zip(LETTERS, HEAVY_ATOMS))
DATA = Path(__file__).parents[1] / "data"
_LINE = "{:6}{:5d} {:<4}{:1}{:3} {:1}{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00 10.00          {:>2}"
# N, CA and C of one residue; that of the next begins 3.4 A on, 1.3 A from C.
BACKBONE = {"N": (0, 0, 0), "CA": (1.2, 0.8, 0), "C": (2.1, 0, 0), "O": (2.1, -1.2, 0)}


COMPONENTS = """
import json, sys
from biotite.structure import info
for name in sys.argv[1:]:
    component = info.residue(name)
    print(json.dumps([name, component.atom_name[component.element != "H"].tolist(), info.one_letter_code(name)]))
"""


def test_the_table_is_that_of_the_chemical_components(run_python):
    """In a process of its own: the dictionary takes more memory than all else that is tested."""
    pytest.importorskip("biotite.structure.info")
    done = run_python("-c", COMPONENTS, *HEAVY_ATOMS)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, _, _ in found] == list(HEAVY_ATOMS), done.stderr
    for name, heavy, letter in found:
        assert sorted(set(heavy) - {"OXT"}) == sorted(HEAVY_ATOMS[name])
        assert letter == LETTERS[list(HEAVY_ATOMS).index(name)]


def test_the_table_is_in_order(heavy_atoms):
    assert list(HEAVY_ATOMS) == sorted(HEAVY_ATOMS)
    assert len(HEAVY_ATOMS) == 20
    assert N_SLOTS == len(HEAVY_ATOMS["TRP"]) == 14
    assert heavy_atoms(LETTERS).atoms_per_residue.tolist() == PRESENT.sum(1).tolist()


def rows(sequence, *, chain="A", at=0.0, numbers=None, hydrogen=False):
    """Atoms of a chain of bonded residues: record, name, alt, residue, chain, number and place, each a list."""
    found = []
    for place, (letter, number) in enumerate(zip(sequence, numbers or count(1))):
        resn = NAMES[letter]
        for slot, name in enumerate(HEAVY_ATOMS[resn]):
            x, y, z = BACKBONE.get(name, (1.2, 1.2 + 0.6 * slot, 0.3 * (place % 7)))
            found.append(["ATOM", name, "", resn, chain, number, x + 3.4 * place, y + at, z])
        if hydrogen:
            found.append(["ATOM", "HA", "", resn, chain, number, 1.2 + 3.4 * place, 0.8 + at, 1.0])
    return found


def pdb_text(found):
    lines = []
    for number, (record, name, alt, resn, chain, resi, *xyz) in enumerate(found, 1):
        symbol = "SE" if name == "SE" else name[0]
        lines.append(
            _LINE.format(record, number, name.rjust(3 - (symbol == "SE")), alt, resn, chain, resi, *xyz, symbol)
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def write(tmp_path):
    def make(name, *parts):
        path = tmp_path / name
        path.write_text(pdb_text([row for part in parts for row in part]))
        return path

    return make


def cut_of(path, n_residues=4):
    return cut(read_structure(path), n_residues)


def sequences(found):
    return ["".join(LETTERS[kind] for kind in kinds) for kinds in found.kinds.tolist()]


def test_a_chain_is_cut_end_to_end(write):
    found = rows(LETTERS[::-1] + "AC", hydrogen=True)
    cuts = cut_of(write("one.pdb", found), 5)
    assert sequences(cuts) == ["VYWTS", "PFMKL", "IHGEQ", "CDNRA"]
    assert (cuts.unused, cuts.incomplete, cuts.other, cuts.read_as) == (2, 0, {}, {})
    heavy = [row for row in found if not row[1].startswith("H")]
    for place, coords in enumerate(cuts.coords):
        wanted = [np.round(row[6:], 3) for row in heavy if 5 * place < row[5] <= 5 * place + 5]
        present = PRESENT[cuts.kinds[place]]
        assert np.allclose(coords[present], np.array(wanted) - np.mean(wanted, 0), atol=1e-4)
        assert not coords[~present].any()


def test_a_gap_parts_and_numbers_do_not(write):
    one, far = rows("ACDEFG"), rows("HIKLMN", numbers=range(7, 13))
    for row in one + far:
        row[6] += 3.4 * 6 * (row in far)
    assert sequences(cut_of(write("whole.pdb", one, far), 6)) == ["ACDEFG", "HIKLMN"]
    assert sequences(cut_of(write("whole.pdb", one, far), 12)) == ["ACDEFGHIKLMN"]
    for row in far:
        row[6] += 2.0
    broken = cut_of(write("gap.pdb", one, far), 12)
    assert (sequences(broken), broken.unused) == ([], 12)
    jumping = rows("ACDEFG", numbers=[5, 6, 90, 91, -3, 7])
    assert sequences(cut_of(write("jump.pdb", jumping), 6)) == ["ACDEFG"]
    again = rows("ACDEFG", numbers=[1, 2, 3, 1, 2, 3])
    assert sequences(cut_of(write("again.pdb", again), 6)) == ["ACDEFG"]


def test_chains_are_not_joined_though_they_touch(write):
    one, other = rows("ACDE"), rows("FGHI", chain="B")
    for row in other:
        row[6] += 3.4 * 4
    path = write("two.pdb", one, other)
    assert sequences(cut_of(path)) == ["ACDE", "FGHI"]
    assert sequences(cut_of(path, 5)) == []


def test_chains_whose_atoms_alternate_in_the_file(write):
    one, other = rows("ACDE"), rows("FGHI", chain="B", at=40)
    mixed = [row for number in range(1, 5) for row in one + other if row[5] == number]
    assert sequences(cut_of(write("mixed.pdb", mixed))) == ["ACDE", "FGHI"]


@pytest.mark.parametrize("lost", ["CB", "O", "CA"])
def test_a_missing_atom_ends_a_stretch(write, lost):
    found = [row for row in rows("ACDEFGHI") if not (row[1] == lost and row[5] == 4)]
    cuts = cut_of(write("lost.pdb", found))
    assert (sequences(cuts), cuts.incomplete, cuts.unused) == (["FGHI"], 1, 3)


def test_the_first_alternate_location_counts(write):
    found = []
    for row in rows("ACDEFG"):
        if row[5] == 3 and row[1] not in ("N", "C", "O"):
            found += [[*row[:2], alt, *row[3:8], row[8] + step] for alt, step in (("B", 0.25), ("A", 9))]
        else:
            found.append(row)
    cuts = cut_of(write("alt.pdb", found), 6)
    assert (sequences(cuts), cuts.incomplete) == (["ACDEFG"], 0)
    plain = cut_of(write("plain.pdb", rows("ACDEFG")), 6)
    moved = [row[1] for row in rows("D") if row[1] not in ("N", "C", "O")]
    step = cuts.coords[0] - plain.coords[0]
    places = [HEAVY_ATOMS["ASP"].index(name) for name in moved]
    n_atoms = PRESENT[cuts.kinds].sum()
    assert np.allclose(step[2, places, 2], 0.25 - 0.25 * len(places) / n_atoms, atol=2e-3)


def test_the_locations_of_hydrogens_do_not_count(write):
    found = rows("ACDE")
    found.insert(0, ["ATOM", "HA", "B", *found[0][3:7], 0.5, 1.5])
    found = [[*row[:2], "A", *row[3:]] if row[1] == "CB" else row for row in found]
    assert sequences(cut_of(write("hydrogen.pdb", found))) == ["ACDE"]


def test_of_two_residues_at_one_place_the_first_counts(write):
    one = [[*row[:2], "A", *row[3:]] for row in rows("S")]
    other = [[*row[:2], "B", *row[3:]] for row in rows("T")]
    rest = rows("SACD")
    found = [*one, *other, *[row for row in rest if row[5] > 1]]
    assert sequences(cut_of(write("micro.pdb", found))) == ["SACD"]


def test_selenomethionine_is_read_as_methionine(write):
    found = rows("AMCD")
    mse = [
        ["HETATM", {"SD": "SE"}.get(row[1], row[1]), "", "MSE", *row[4:]] if row[3] == "MET" else row for row in found
    ]
    cuts, plain = cut_of(write("mse.pdb", mse)), cut_of(write("met.pdb", found))
    assert (sequences(cuts), cuts.read_as) == (["AMCD"], {"MSE": 1})
    assert np.allclose(cuts.coords, plain.coords)
    dataset = read_fragments([write("mse.pdb", mse)], 4)
    assert "1 residue MSE read as MET, SE as SD" in dataset.notes


def test_what_is_no_amino_acid_is_told_by_name(write):
    found = [["ATOM", *row[1:3], "SEP", *row[4:]] if row[5] == 3 else row for row in rows("ACSDEFG")]
    ligand = [
        ["HETATM", "C1", "", "LIG", "A", 90, 50.0, 50.0, 50.0],
        ["HETATM", "O", "", "HOH", "A", 91, 9.0, 9.0, 60.0],
    ]
    path = write("sep.pdb", found, ligand)
    cuts = cut_of(path)
    assert (sequences(cuts), cuts.other, cuts.unused) == (["DEFG"], {"SEP": 1}, 2)
    assert "left out: 1 residue of polymers, no standard amino acid (1 SEP)" in read_fragments([path], 4).notes


def test_what_names_alone_cannot_tell_is_left_out(write):
    """Two residues at one location, and two atoms of one name; an OXT does no harm."""
    both = [[*row[:2], "A", *row[3:]] for letter in "ST" for row in rows(letter)]
    found = [*both, *[row for row in rows("SACDE") if row[5] > 1]]
    cuts = cut_of(write("torn.pdb", found))
    assert (sequences(cuts), cuts.other.total()) == (["ACDE"], 1)
    structure = read_structure(write("end.pdb", rows("ACDE"), [["ATOM", "OXT", "", "GLU", "A", 4, 13.0, 1.0, 0.0]]))
    assert sequences(cut(structure, 4)) == ["ACDE"]
    structure.atoms["name"][-1] = "CB"
    cuts = cut(structure, 3)
    assert (sequences(cuts), cuts.incomplete, cuts.unused) == (["ACD"], 1, 0)


def test_atoms_on_one_place_are_no_chain(write):
    found = [[*row[:6], 0.0, 0.0, 0.0] for row in rows("ACDEFG")]
    assert not len(cut_of(write("heap.pdb", found)).kinds)


def test_the_first_model_alone(tmp_path):
    path = tmp_path / "models.pdb"
    first, second = pdb_text(rows("ACDE")), pdb_text(rows("FGHI"))
    path.write_text(f"MODEL        1\n{first}ENDMDL\nMODEL        2\n{second}ENDMDL\nEND\n")
    assert read_fragments([path], 4).sequences == ["ACDE"]


def test_mmcif_gives_the_same(tmp_path, write):
    gemmi = pytest.importorskip("gemmi")
    path = write("one.pdb", rows("ACDEWGHI"), rows("KLMN", chain="B", at=30))
    read = gemmi.read_structure(str(path))
    read.setup_entities()
    read.make_mmcif_document().write_file(str(tmp_path / "one.cif"))
    one, other = cut_of(path), cut_of(tmp_path / "one.cif")
    assert sequences(one) == sequences(other) == ["ACDE", "WGHI", "KLMN"]
    assert np.allclose(one.coords, other.coords, atol=1e-5)


def by_columns(path, n_residues):
    """Sequences and coordinates about their means, of the first model, by the columns of ATOM records."""
    open_ = gzip.open if path.suffix == ".gz" else open
    with open_(path, "rt") as file:
        text = file.read().partition("ENDMDL")[0]
    residues = {}
    for line in text.splitlines():
        if line.startswith("ATOM") and line[76:78].strip() != "H" and line[16] in " A":
            atoms = residues.setdefault((line[21], line[22:27]), {"of": line[17:20]})
            atoms[line[12:16].strip()] = np.array([float(line[i : i + 8]) for i in (30, 38, 46)])
    found, run, last = [], [], None
    for (chain, _), atoms in residues.items():
        names = HEAVY_ATOMS.get(atoms["of"], ("none",))
        if run and (chain != last[0] or "N" not in atoms or np.linalg.norm(last[1]["C"] - atoms["N"]) > 1.9):
            run = []
        run, last = (run if set(names) <= set(atoms) else []), (chain, atoms)
        if set(names) <= set(atoms):
            run.append(atoms)
        if len(run) == n_residues:
            places = np.array([atoms[name] for atoms in run for name in HEAVY_ATOMS[atoms["of"]]])
            letters = "".join(LETTERS[list(HEAVY_ATOMS).index(atoms["of"])] for atoms in run)
            found.append((letters, places - places.mean(0)))
            run = []
    return found


@pytest.mark.parametrize(("name", "n_residues", "n_kept", "n_all"), [("1hpv", 32, 3, 6), ("2juy", 10, 2, 2)])
def test_real_files(name, n_residues, n_kept, n_all):
    pymol = pytest.importorskip("pymol")
    path = DATA / "2juy.pdb.gz"
    if name == "1hpv":
        path = Path(pymol.__file__).parent / "data" / "tut" / "1hpv.pdb"
        path = path if path.exists() else Path("/usr/share/pymol/data/tut/1hpv.pdb")
    wanted = by_columns(path, n_residues)
    dataset = read_fragments([path], n_residues)
    assert (len(dataset), len(wanted)) == (n_kept, n_all)
    first = dict(reversed(wanted))
    assert sorted(dataset.sequences) == sorted(first)
    for sequence, coords, present in zip(dataset.sequences, dataset.coords, dataset.slots.present):
        assert np.allclose(coords[present].numpy(), first[sequence], atol=1e-4)
    repeated = f"left out: {n_all - n_kept} fragments whose sequence is there already"
    assert (repeated in dataset.notes) == (n_all > n_kept)


#: Three that are linked by tens (b shares one with a and one with c), and one that shares nine with two of them.
LINKED = {
    "a": "ACDEFGHIKLMNPQRS",
    "b": "WWWACDEFGHIKLWWYYVVSSTTGGAAPPWWW",
    "c": "KKSSTTGGAAPPRRNN",
    "near": "ACDEFGHIKWWWWWWW",
}


def random_chain(seed, length=16):
    return "".join(random.Random(seed).choices(LETTERS, k=length))


@pytest.fixture
def many(write):
    chains = {**LINKED, **{f"r{seed}": random_chain(seed, 16 + 16 * (seed % 3)) for seed in range(20)}}
    return [write(f"{name}.pdb", rows(chain)) for name, chain in chains.items()]


def described(dataset):
    """What does not depend on the order of the files."""
    names = [dataset.files[source] for source in dataset.source.tolist()]
    return [names, dataset.sequences, dataset.group.tolist(), dataset.held.tolist(), dataset.coords.tolist()]


def test_groups_share_tens_and_are_held_out_whole(many):
    dataset = read_fragments(many, 16)
    names = [dataset.files[source] for source in dataset.source.tolist()]
    groups = {}
    for name, group in zip(names, dataset.group.tolist()):
        groups.setdefault(group, set()).add(name)
    assert {"a.pdb", "b.pdb", "c.pdb"} in groups.values()
    assert {"near.pdb"} in groups.values()
    assert len(groups) == 22
    assert list(groups) == list(range(22))
    for group in groups:
        assert len({bool(held) for held in dataset.held[dataset.group == group]}) == 1
    assert 0 < int(dataset.held.sum()) <= round(len(dataset) / 6)
    assert len(dataset.training) + int(dataset.held.sum()) == len(dataset) == len(dataset.sequences)
    tens = [{sequence[i : i + 10] for i in range(7)} for sequence in dataset.sequences]
    held = set().union(*(ten for ten, out in zip(tens, dataset.held) if out))
    assert not any(held & ten for ten, out in zip(tens, dataset.held) if not out)


def test_the_order_of_files_changes_nothing(many):
    wanted = described(read_fragments(many, 16))
    for seed in range(3):
        shuffled = random.Random(seed).sample(many, len(many))
        found = read_fragments(shuffled, 16)
        assert described(found) == wanted
        assert found.files == [path.name for path in shuffled]


def test_hold_says_how_many(many):
    assert not read_fragments(many, 16, hold=0).held.any()
    parts = [float(read_fragments(many, 16, hold=hold).held.float().mean()) for hold in (2, 3, 12)]
    assert parts == pytest.approx([1 / 2, 1 / 3, 1 / 12], abs=0.04)


def test_large_groups_are_held_out_last():
    """One that is most of what is wanted comes after all that are not, whatever its digest."""
    group = np.repeat(np.arange(9), [30] + [5] * 8)
    for seed in range(20):
        held = fragments._held(group, [random_chain(f"{seed} {i}") for i in range(len(group))], 2)
        assert held.sum() == 35
        assert not held[:30].any()


def test_the_order_is_that_of_digests(many):
    """Of the sequences for fragments, of all of its sequences for a group."""
    dataset = read_fragments(many, 16)
    digest = lambda text: hashlib.sha256(text.encode()).hexdigest()  # noqa: E731
    assert dataset.sequences == sorted(dataset.sequences, key=digest)
    members = {}
    for group, sequence, held in zip(dataset.group.tolist(), dataset.sequences, dataset.held.tolist()):
        members.setdefault(group, (held, []))[1].append(sequence)
    order = sorted(members.values(), key=lambda pair: digest("\n".join(sorted(pair[1]))))
    wanted, free = [], round(len(dataset) / 6)
    for _, of_group in order:
        wanted.append(2 * len(of_group) <= round(len(dataset) / 6) and len(of_group) <= free)
        free -= len(of_group) * wanted[-1]
    assert free == 0
    assert [held for held, _ in order] == wanted


def test_few_groups_leave_something_to_train_on(write):
    two = [write(f"{seed}.pdb", rows(random_chain(seed, 48))) for seed in range(2)]
    assert sorted(read_fragments(two, 16).held.tolist()) == [False] * 3 + [True] * 3
    alone = read_fragments(two[:1], 16)
    assert not alone.held.any()
    assert alone.notes[-1] == "none is held out: all files are similar to each other"
    with pytest.raises(PomodoroError, match="no fragment is held out"):
        alone.linear_residue_error(1, PRESETS["ms"], held=True)


def test_repeated_sequences_are_kept_once(write):
    """The copy of the file whose name comes first; the others still join groups."""
    chain = random_chain(1)
    paths = [write("b.pdb", rows(chain)), write("a.pdb", rows(chain), rows(chain, chain="B", at=30))]
    paths.append(write("c.pdb", rows(chain + random_chain(2))))
    for given in (paths, paths[::-1]):
        dataset = read_fragments(given, 16)
        assert len(dataset) == len(set(dataset.sequences)) == 2
        assert dataset.files[dataset.source[dataset.sequences.index(chain)]] == "a.pdb"
        assert dataset.group.tolist() == [0, 0]
        assert "left out: 3 fragments whose sequence is there already" in dataset.notes


def test_short_fragments_are_compared_whole(write):
    paths = [write("a.pdb", rows("ACDEF")), write("b.pdb", rows("FGHIKACDEF")), write("c.pdb", rows("CDEFA"))]
    dataset = read_fragments(paths, 5)
    group = dict(zip((dataset.files[source] for source in dataset.source.tolist()), dataset.group.tolist()))
    assert group["a.pdb"] == group["b.pdb"] != group["c.pdb"]


def test_a_file_that_cannot_be_read_is_left_out_and_said(tmp_path, write):
    good = [write(f"{seed}.pdb", rows(random_chain(seed))) for seed in range(3)]
    bad = {
        name: tmp_path / name for name in ("text.pdb", "number.pdb", "cut.pdb.gz", "missing.pdb", "folder", "bin.cif")
    }
    bad["text.pdb"].write_text("no atoms at all\n")
    bad["number.pdb"].write_text(pdb_text(rows("ACDE")).replace("   1.200", "   1.2x0"))
    bad["cut.pdb.gz"].write_bytes(gzip.compress(pdb_text(rows("ACDE")).encode())[:-30])
    bad["folder"].mkdir()
    bad["bin.cif"].write_bytes(b"data_x\nloop_\n_atom_site.Cartn_x\n'\xff\xfe")
    short = write("short.pdb", rows("ACDE"))
    told = []
    given = [*bad.values(), *good, short]
    dataset = read_fragments(given, 16, progress=lambda done, total: told.append((done, total)))
    assert len(dataset) == 3
    assert told == [(done, len(given)) for done in range(1, len(given) + 1)]
    reasons = {name: [note for note in dataset.notes if str(path) in note] for name, path in bad.items()}
    assert [len(lines) for lines in reasons.values()] == [1] * len(bad)
    assert "is it a PDB or mmCIF file?" in reasons["text.pdb"][0]
    assert "are no numbers" in reasons["number.pdb"][0]
    assert "cannot be read" in reasons["cut.pdb.gz"][0]
    assert "is missing" in reasons["missing.pdb"][0]
    assert "is not a file" in reasons["folder"][0]
    assert "left out: 1 file without 16 residues in a row" in dataset.notes
    assert "left out: 4 residues of stretches shorter than 16, or left over at the end of one" in dataset.notes


def test_an_error_that_is_a_fault_of_the_code_is_not_hidden(write, monkeypatch):
    def broken(path):
        raise IndexError("a fault")

    monkeypatch.setattr(fragments, "read_structure", broken)
    with pytest.raises(IndexError, match="a fault"):
        read_fragments([write("a.pdb", rows("ACDE"))], 4)


def test_a_reader_that_is_missing_is_said(tmp_path, write, monkeypatch):
    monkeypatch.setitem(sys.modules, "gemmi", None)
    (tmp_path / "one.cif").write_text("data_x\n")
    dataset = read_fragments([tmp_path / "one.cif", write("a.pdb", rows("ACDE"))], 4)
    (note,) = (note for note in dataset.notes if "one.cif" in note)
    assert "gemmi is missing; install it with" in note


def test_names_are_data(tmp_path):
    chain = rows(random_chain(1))
    odd = [["ATOM", *row[1:3], "%s<", "{", *row[5:]] for row in rows("AC", at=30)]
    path = tmp_path / "a\n{0} %s <b>\x1b[31m.pdb"
    path.write_text(pdb_text([*chain, *odd]))
    bad = tmp_path / "b\nx.pdb"
    bad.write_text("nothing")
    dataset = read_fragments([path, bad], 16)
    assert dataset.files == [path.name, bad.name]
    assert len(dataset) == 1
    assert all(note.isprintable() for note in dataset.notes)
    assert any("2 %s<" in note for note in dataset.notes)
    assert any("b\\nx.pdb" in note for note in dataset.notes)


def test_no_fragment_is_one_clear_line(tmp_path, write):
    path = write("short.pdb", rows("ACDE"))
    missing = tmp_path / "none.pdb"
    with pytest.raises(PomodoroError) as raised:
        read_fragments([path, missing], 16)
    text = str(raised.value)
    assert text.startswith("no fragment of 16 residues in 2 files: left out: ")
    assert "none.pdb is missing" in text
    assert "1 file without 16 residues in a row" in text
    with pytest.raises(PomodoroError, match=r"no fragment of 16 residues in 0 files$"):
        read_fragments([], 16)


@pytest.mark.parametrize("residues", [1, 0, -3])
def test_fragments_are_of_two_residues_at_least(residues):
    with pytest.raises(PomodoroError, match="2 or more"):
        read_fragments([], residues)


@pytest.mark.parametrize("hold", [1, -1])
def test_hold_that_leaves_nothing(hold):
    with pytest.raises(PomodoroError, match="0, or 2 or more"):
        read_fragments([], 8, hold=hold)


def test_memory_that_does_not_suffice(write, monkeypatch):
    path = write("a.pdb", rows(random_chain(1, 64)))
    monkeypatch.setattr(fragments, "available", lambda: 4 * 16 * (14 * 12 + 1))
    assert len(read_fragments([path], 16)) == 4
    monkeypatch.setattr(fragments, "available", lambda: 4 * 16 * (14 * 12 + 1) - 1)
    with pytest.raises(PomodoroError, match=r"4 fragments so far take .* give fewer files"):
        read_fragments([path], 16)


def made(kinds, coords, held=None):
    """A set of fragments from kinds (n, R) and coordinates (n, R, 14, 3), which are centred here."""
    kinds = torch.as_tensor(kinds)
    present = torch.from_numpy(PRESENT)[kinds]
    coords = coords * present[..., None]
    centre = coords.sum((1, 2)) / present.sum((1, 2))[:, None]
    coords = (coords - centre[:, None, None]) * present[..., None]
    n = len(kinds)
    held = torch.zeros(n, dtype=torch.bool) if held is None else held
    slots = Slots(kinds, present, torch.zeros(kinds.shape[1], dtype=torch.int64))
    words = ["".join(LETTERS[kind] for kind in row) for row in kinds.tolist()]
    return FragmentSet(
        coords.float(), slots, torch.arange(n), torch.arange(n), held, words, [str(i) for i in range(n)], []
    )


def drawn(n, n_residues, seed, one_kind=None):
    """Fragments along a random walk, whose residues are correlated along the chain."""
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.randint(20, (n, n_residues), generator=generator)
    kinds = torch.full_like(kinds, one_kind) if one_kind is not None else kinds
    walk = torch.randn(n, n_residues, 1, 3, generator=generator, dtype=torch.float64).cumsum(1) * 2
    return made(kinds, walk + torch.randn(n, n_residues, N_SLOTS, 3, generator=generator, dtype=torch.float64))


@pytest.mark.parametrize("shift", [1.0, 2.5, 0.0])
def test_data_levels_are_those_of_an_ensemble(heavy_atoms, shift):
    """Where all fragments are of one sequence."""
    sequence = "WAGKYR"
    dataset = drawn(40, 6, 1)
    kinds = torch.tensor([LETTERS.index(letter) for letter in sequence]).expand(40, -1)
    dataset = made(kinds, drawn(40, 6, 1, LETTERS.index("W")).coords.double())
    states = dataset.coords[:, dataset.slots.present[0]]
    wanted = data_variances(states, heavy_atoms(sequence), shift)
    assert dataset.data_levels(shift) == pytest.approx(wanted, rel=1e-6)


def test_data_levels_of_different_fragments_are_pooled():
    """Mean squares over fragments to train on, each counting once, over their mean freedom, by loops."""
    dataset = drawn(30, 5, 2)
    dataset = replace(dataset, held=torch.arange(30) % 3 == 0)
    squares, freedom = np.zeros(2), np.zeros(2)
    for item in range(30):
        if item % 3:
            residues = [dataset.coords[item, r][dataset.slots.present[item, r]].double().numpy() for r in range(5)]
            n_atoms = sum(map(len, residues))
            squares[0] += sum(len(atoms) * (atoms.mean(0) ** 2).sum() for atoms in residues) / (3 * n_atoms)
            squares[1] += sum(((atoms - atoms.mean(0)) ** 2).sum() for atoms in residues) / (3 * n_atoms)
            freedom += (4 / 5, (n_atoms - 5) / n_atoms)
    assert dataset.data_levels() == pytest.approx((1, *(squares / freedom)), rel=1e-6)


@pytest.mark.parametrize("weights", [*PRESETS.values(), LevelWeights(1, 0, 0), LevelWeights(0, 1, 0)], ids=str)
def test_noise_variances_are_those_of_each_fragment(heavy_atoms, weights):
    dataset = drawn(25, 7, 3)
    dataset = replace(dataset, held=torch.arange(25) % 5 == 0)
    wanted = [noise_variances(heavy_atoms(sequence), weights, 1.0) for sequence in dataset.sequences]
    found = dataset.noise_variances(weights)
    assert np.abs(found.numpy() - np.array(wanted)).max() < 1e-9
    training = [row for item, row in enumerate(wanted) if item % 5]
    assert dataset.mean_noise(weights) == pytest.approx(np.mean(training, 0).tolist(), abs=1e-9)
    freedom = [degrees_of_freedom(heavy_atoms(word)) for item, word in enumerate(dataset.sequences) if item % 5]
    assert dataset.freedom == pytest.approx(np.mean(freedom, 0).tolist(), abs=1e-9)


def means_of(dataset, item):
    """Residue means and sizes of a fragment, residue by residue."""
    residues = [
        atoms[present].double().numpy() for atoms, present in zip(dataset.coords[item], dataset.slots.present[item])
    ]
    return np.array([atoms.mean(0) for atoms in residues]), np.array([len(atoms) for atoms in residues])


def test_residue_covariance_is_that_of_means(monkeypatch):
    monkeypatch.setattr(fragment_set, "_BLOCK", 7)
    dataset = drawn(30, 5, 4)
    dataset = replace(dataset, held=torch.arange(30) % 4 == 0)
    total = np.zeros((5, 5))
    for item in dataset.training.tolist():
        means, _ = means_of(dataset, item)
        total += means @ means.T / (3 * len(dataset.training))
    assert np.allclose(dataset.residue_covariance().numpy(), total, atol=1e-5)


@pytest.mark.parametrize("scheme", ["flat", "ms", "3-8-1"])
@pytest.mark.parametrize("held", [False, True])
def test_linear_error_is_that_of_the_estimate_on_noised_atoms(scheme, held, monkeypatch):
    """Noise is drawn atom by atom, and each fragment estimated by the mean of a Gaussian given its noised means."""
    monkeypatch.setattr(fragment_set, "_BLOCK", 5)
    weights, sigma, shift, n_draws = PRESETS[scheme], 6.0, 3.0, 4000
    dataset = drawn(24, 6, 5)
    kinds = torch.where(dataset.slots.kinds < 10, LETTERS.index("G"), LETTERS.index("W"))
    dataset = made(kinds, drawn(24, 6, 5, LETTERS.index("W")).coords.double())
    dataset = replace(dataset, held=torch.arange(24) % 3 == 0)
    c, r, a = weights.shares
    rng = np.random.default_rng(6)
    covariance = dataset.residue_covariance().numpy()
    errors, spreads = [], []
    for item in np.flatnonzero(dataset.held.numpy() == held):
        truth, sizes = means_of(dataset, item)
        part = sizes / sizes.sum()
        of_atom = np.repeat(np.arange(6), sizes)
        draw = c**0.5 * rng.normal(size=(n_draws, 1, 3)) + r**0.5 * rng.normal(size=(n_draws, 6, 3))[:, of_atom]
        draw = sigma * (draw + a**0.5 * rng.normal(size=(n_draws, len(of_atom), 3)))
        pooled = np.stack([draw[:, of_atom == each].mean(1) for each in range(6)], 1)
        noised = truth + shift * rng.normal(size=(n_draws, 1, 3)) + pooled
        about = np.eye(6) - part
        prior = about @ covariance @ about.T
        noise = sigma**2 * (np.diag(r + a / sizes) + c) + shift**2
        gain = prior @ np.linalg.pinv(prior + noise)
        missed = ((gain @ noised - truth) ** 2).mean(-1) @ part
        errors.append(missed.mean())
        spreads.append(missed.var() / n_draws)
    standard = np.sqrt(np.sum(spreads)) / len(errors)
    found = dataset.linear_residue_error(sigma, weights, held=held, shift=shift)
    assert abs(found - np.mean(errors)) < 4 * standard


@pytest.mark.parametrize("scheme", ["flat", "rb", "ms"])
def test_linear_error_is_the_least_of_all_linear_estimates(scheme):
    """Least squares on noised fragments of equal residues finds nothing better, and finds it."""
    weights, sigma, n_residues, n = PRESETS[scheme], 4.0, 8, 6000
    dataset = drawn(n, n_residues, 7, LETTERS.index("A"))
    c, r, a = weights.shares
    rng = np.random.default_rng(8)
    truth = (dataset.coords[..., :5, :].double().mean(2)).numpy()
    noise = c**0.5 * rng.normal(size=(n, 1, 3)) + (r + a / 5) ** 0.5 * rng.normal(size=truth.shape)
    noised = (truth + sigma * noise + rng.normal(size=(n, 1, 3))).transpose(0, 2, 1).reshape(-1, n_residues)
    wanted = truth.transpose(0, 2, 1).reshape(-1, n_residues)
    fit = np.linalg.lstsq(noised, wanted, rcond=None)[0]
    each = ((noised @ fit - wanted) ** 2).mean(1)
    standard = each.std() / len(each) ** 0.5
    found = dataset.linear_residue_error(sigma, weights)
    assert abs(found - each.mean()) < 4 * standard + found * n_residues / len(each)
    nested = dataset.data_levels()[1], sigma**2 * dataset.mean_noise(weights)[1]
    assert found < nested[0] * nested[1] / sum(nested) * dataset.freedom[1]


def test_a_shift_of_the_whole_is_noise_of_the_chain():
    dataset = drawn(40, 6, 10)
    c, r, a = LevelWeights(1, 6, 1).shares
    found = [dataset.linear_residue_error(6.0, LevelWeights(c, r, a), shift=shift) for shift in (0.0, 3.0)]
    same = dataset.linear_residue_error(45**0.5, LevelWeights(36 * c + 9, 36 * r, 36 * a), shift=0.0)
    assert found[1] == pytest.approx(same, rel=1e-9)
    assert found[1] > found[0] * (1 + 1e-6)


def test_linear_error_has_its_limits():
    dataset = drawn(200, 6, 9)
    weights = PRESETS["rb"]
    spread = dataset.data_levels()[1] * dataset.freedom[1]
    assert dataset.linear_residue_error(1e-4, weights) < 1e-7
    assert dataset.linear_residue_error(1e5, weights) == pytest.approx(spread, rel=1e-3)
    assert dataset.linear_residue_error(3.0, LevelWeights(1, 0, 0)) < 1e-6  # the shift of all hides nothing


def test_a_set_says_what_it_is(many):
    dataset = read_fragments(many, 16)
    wanted = f"{len(dataset)} fragments of 16 residues of 24 files in 22 groups of similar ones"
    assert str(dataset) == f"{wanted}, {int(dataset.held.sum())} held out"
