"""Properties that hold for any input: what is typed, how atoms are grouped, what is measured, what is written."""

import dataclasses

import gemmi
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pomodoro_pymol.parameters.catalogue
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io.dcd import save_dcd
from pomodoro_pymol.io.header import read_header
from pomodoro_pymol.io.mmcif import save_mmcif
from pomodoro_pymol.io.pdb import save_pdb
from pomodoro_pymol.noise.levels import level_names
from pomodoro_pymol.noise.statistics import LevelStatistics, residue_sums
from pomodoro_pymol.parameters.base import Parameters, about, choices_of
from pomodoro_pymol.parameters.kinds import Grid, Interval, Selection
from pomodoro_pymol.parameters.syntax import quoted, split_commas, split_values
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.hierarchy import Hierarchy

COMMANDS = [
    kind
    for kind in vars(pomodoro_pymol.parameters.catalogue).values()
    if isinstance(kind, type) and issubclass(kind, Parameters) and "command" in vars(kind)
]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.command)
every_level = pytest.mark.parametrize("level", ["residue", "chain"])


def check(error):
    """A refusal is one line of a length that one reads."""
    (line,) = str(error).splitlines()
    assert 10 < len(line) < 700


# What is typed.

PIECES = [*"'\"()[]{},=: \t\n-;/\\é", "z=", "csv=", "name = ", "b=", "==", "chain A", "1", "nan", "pomnoise "]
TEXT = st.text(max_size=8) | st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
NUMBERS = st.integers() | st.floats() | st.booleans()
VALUES = st.recursive(
    st.none() | NUMBERS | TEXT | st.binary(max_size=3) | NUMBERS.map(np.array) | st.complex_numbers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=2) | st.sets(NUMBERS),
    max_leaves=4,
)


def good(spec):
    """Values that a parameter may have; for free text, any text."""
    meta = about(spec)
    if choices_of(spec):
        return st.sampled_from(choices_of(spec))
    if meta.kind in (int, float):
        return (st.integers if meta.kind is int else st.floats)(*meta.bounds)
    if meta.kind in (str, Selection):
        return TEXT
    ends = st.floats(-6, 0), st.floats(0.5, 6)
    return st.builds(Interval, *ends) if meta.kind is Interval else st.builds(Grid, *ends, st.floats(0.25, 2))


@st.composite
def parameters(draw, command):
    """Parameters of a command, whatever fits together."""
    specs = dataclasses.fields(command)
    chosen = draw(st.lists(st.sampled_from(specs), unique_by=lambda spec: spec.name, max_size=5)) if specs else []
    try:
        return command(**{spec.name: draw(good(spec)) for spec in chosen})
    except PomodoroError:
        assume(False)


@every_command
@settings(max_examples=25)
@given(data=st.data())
def test_any_parameters_are_read_from_their_line(command, data):
    values = data.draw(parameters(command))
    line = values.to_text()
    assert command.from_text(line) == values
    assert command.from_text(line).to_text() == line


@every_command
@settings(max_examples=10)
@given(data=st.data())
def test_values_are_the_same_however_they_are_given(command, data):
    values = data.draw(parameters(command))
    given_ = {name: value for name, value in vars(values).items() if value != getattr(command(), name)}
    words = {name: quoted(value) if isinstance(value, str) else str(value) for name, value in given_.items()}
    pairs = [f"{name}={word}" for name, word in words.items()]
    names = command.names()
    last = max((names.index(name) for name in words), default=-1)
    forms = [
        command.from_values(given_),
        command.from_values(words),
        command.from_text(", ".join(pairs)),
        command.from_text(" ".join(pairs)),
        command.from_text(f"{command.command} {' , '.join(pairs)}"),
        command.from_text(",".join(words.get(name, "") for name in names[: last + 1])),
        command.from_values(split_values(names, [" ".join(pairs)] if pairs else [])),
        command.from_values(split_values(names, pairs[:1], dict(pair.split("=", 1) for pair in pairs[1:]))),
    ]
    assert forms == [values] * len(forms)


@every_command
@settings(max_examples=20)
@given(values=st.dictionaries(st.sampled_from(["z", "seed", "preset", "range", "selection", "csv"]), VALUES))
def test_any_value_of_python_is_taken_or_refused(command, values):
    known = {name: value for name, value in values.items() if name in command.names()}
    try:
        command.from_values(split_values(command.names(), given=known))
    except PomodoroError as error:
        check(error)


@given(text=TEXT)
def test_splitting_at_commas_loses_nothing(text):
    assert "".join(",".join(split_commas(text)).split()) == "".join(text.split())


@given(args=st.lists(TEXT, max_size=3), given_=st.dictionaries(st.sampled_from("abc"), TEXT))
def test_any_arguments_are_split_or_refused(args, given_):
    try:
        values = split_values(["a", "b", "c"], args, given_)
    except PomodoroError as error:
        check(error)
        return
    assert all(isinstance(name, str) for name in values)


# How atoms are grouped.

hierarchies = st.from_type(Hierarchy)


def random(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).normal(1, 3, shape))


def reordered(oracle, hierarchy, seed):
    """The same groups from membership matrices, whose columns stand in another order."""
    rng = np.random.default_rng(seed)
    atom_residue, residue_chain = oracle.membership(hierarchy)
    residues, chains = (rng.permutation(n) for n in residue_chain.shape)
    return Hierarchy.from_membership(atom_residue[:, residues], residue_chain[residues][:, chains])


@every_level
@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_pool_and_broadcast_are_adjoint(oracle, level, hierarchy, seed):
    hierarchy = reordered(oracle, hierarchy, seed)
    counts = hierarchy.atoms_per_residue if level == "residue" else hierarchy.atoms_per_chain
    atoms, groups = random(seed, 2, hierarchy.n_atoms, 3), random(seed + 100, 2, len(counts), 3)
    of_groups = (counts[:, None] * hierarchy.pool(atoms, level) * groups).sum()
    of_atoms = (atoms * hierarchy.broadcast(groups, level)).sum()
    torch.testing.assert_close(of_groups, of_atoms, rtol=1e-12, atol=1e-9)


@every_level
@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_pooling_twice_is_pooling_once(oracle, level, hierarchy, seed):
    hierarchy = reordered(oracle, hierarchy, seed)
    atoms = random(seed, hierarchy.n_atoms, 3)
    groups = hierarchy.pool(atoms, level)
    once = hierarchy.broadcast(groups, level)
    torch.testing.assert_close(hierarchy.pool(once, level), groups, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(hierarchy.broadcast(hierarchy.pool(once, level), level), once, rtol=1e-12, atol=1e-12)
    # The mean of a chain is that of its residues' means, each counted as its atoms.
    by_residues = hierarchy.pool(hierarchy.broadcast(hierarchy.pool(atoms)), "chain")
    torch.testing.assert_close(by_residues, hierarchy.pool(atoms, "chain"), rtol=1e-12, atol=1e-12)


# What is measured.


def measure(displacements, hierarchy, cuts=()):
    statistics = LevelStatistics(hierarchy)
    for block in torch.tensor_split(displacements, sorted(cuts)):
        if len(block):
            statistics.add(residue_sums(block, hierarchy))
    return statistics.levels()


def assert_same(one, other, names=None):
    for name, value in dataclasses.asdict(one).items():
        if names is None or name in names:
            assert getattr(other, name) == pytest.approx(value, rel=1e-6, abs=1e-7, nan_ok=True), name


@given(hierarchy=hierarchies, seed=st.integers(0, 99), cuts=st.lists(st.integers(0, 6), max_size=4))
def test_shares_sum_to_one_in_blocks_of_any_size(hierarchy, seed, cuts):
    displacements = random(seed, 6, hierarchy.n_atoms, 3)
    levels = measure(displacements, hierarchy, cuts)
    assert levels.chain_share + levels.residue_share + levels.atom_share == pytest.approx(1, abs=1e-9)
    assert_same(measure(displacements, hierarchy), levels)


@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_turned_coordinates_measure_the_same(hierarchy, seed):
    displacements = random(seed, 4, hierarchy.n_atoms, 3)
    turn = torch.linalg.qr(random(seed + 100, 3, 3))[0]
    assert_same(measure(displacements, hierarchy), measure(displacements @ turn, hierarchy))


@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_shifted_chains_measure_the_same_relative_to_themselves(hierarchy, seed):
    displacements = random(seed, 4, hierarchy.n_atoms, 3)
    shift = hierarchy.broadcast(random(seed + 100, hierarchy.n_chains, 3), "chain")
    relative = ("atom_relative", "residue_relative", "ratio_relative")
    assert_same(measure(displacements, hierarchy), measure(displacements + shift, hierarchy), relative)


@given(hierarchy=hierarchies, seed=st.integers(0, 99))
def test_atoms_in_another_order_measure_the_same(oracle, hierarchy, seed):
    displacements = random(seed, 4, hierarchy.n_atoms, 3)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(hierarchy.n_atoms))
    other = reordered(oracle, Hierarchy(hierarchy.atom_to_residue[order], hierarchy.residue_to_chain), seed)
    # Which residues are neighbours is the one thing that their order says.
    names = tuple(name for name in level_names() if name != "neighbor")
    assert_same(measure(displacements, hierarchy), measure(displacements[:, order], other), names)


# What is written.

LETTERS = st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs", "Cc"])
ODD = st.text(st.sampled_from("AbZ09'\"*;#_ -"), max_size=5) | st.text(LETTERS | st.just("\ud800"), max_size=3)
ANY = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def structures(draw):
    """A structure, residue after residue, and two frames of it: usual labels and places, or any."""
    usual = draw(st.booleans())
    plain = "ABZ09'*_"
    name, one = (st.text(plain, min_size=1, max_size=4), st.text(plain, max_size=1)) if usual else (ODD, ODD)
    resi = st.from_regex(r"-?[1-9][0-9]{0,2}[A-Z]?", fullmatch=True)
    rows = st.tuples(
        *((ODD, ODD, ODD | resi, ODD) if not usual else (name, one, resi, name.map(lambda text: text[:3])))
    )
    labels = draw(st.lists(st.tuples(rows, st.booleans()), min_size=1, max_size=3, unique_by=lambda row: row[0]))
    sizes = draw(st.lists(st.integers(1, 2), min_size=len(labels), max_size=len(labels)))
    kinds = st.tuples(name, st.sampled_from(["", "C", "Zn", "N"]), one)
    atoms = draw(st.lists(kinds, min_size=sum(sizes), max_size=sum(sizes)))
    places = draw(st.sampled_from([st.floats(-999, 9999, width=32), st.floats(-1e5, 1e5, width=32), ANY]))
    numbers = draw(st.lists(places, min_size=9 * sum(sizes), max_size=9 * sum(sizes)))
    coords = np.array(numbers, np.float32).reshape(3, -1, 3)
    residues = np.array([(*row, hetero) for row, hetero in labels], RESIDUE_LABELS)
    of_atoms = np.repeat(np.arange(len(labels)), sizes)
    return Structure(coords[0], np.array(atoms, ATOM_LABELS), residues, of_atoms, draw(ODD)), coords[1:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("any")


def lines_of_pdb(path):
    """Labels and places of the atoms of a PDB file, by the columns of the format."""
    columns = {"name": (12, 16), "alt": (16, 17), "resn": (17, 20), "chain": (21, 22), "resi": (22, 27)}
    columns |= {"segi": (72, 76), "elem": (76, 78)}
    for line in path.read_text("ascii").splitlines():
        if line.startswith(("ATOM", "HETATM")):
            yield (
                {name: line[slice(*place)].strip() for name, place in columns.items()},
                line.startswith("HETATM"),
                [float(line[start : start + 8]) for start in (30, 38, 46)],
            )


def lines_of_cif(path):
    """Labels and places of the atoms of an mmCIF file, by gemmi's reader of CIF."""
    items = ["auth_atom_id", "label_alt_id", "auth_comp_id", "auth_asym_id", "auth_seq_id", "pdbx_PDB_ins_code"]
    items += ["type_symbol", "group_PDB", "Cartn_x", "Cartn_y", "Cartn_z"]
    for row in gemmi.cif.read(str(path)).sole_block().find("_atom_site.", items):
        words = [gemmi.cif.as_string(word) for word in row]
        labels = dict(zip(("name", "alt", "resn", "chain"), words))
        yield (
            {**labels, "resi": words[4] + words[5], "elem": words[6]},
            words[7] == "HETATM",
            list(map(float, words[8:])),
        )


@settings(max_examples=60)
@given(drawn=structures(), header=st.lists(st.text(LETTERS, max_size=90), max_size=2))
@pytest.mark.parametrize(
    ("save", "ending", "read", "decimals"), [(save_pdb, "pdb", lines_of_pdb, 3), (save_mmcif, "cif", lines_of_cif, 4)]
)
def test_any_structure_is_read_back_or_refused(folder, save, ending, read, decimals, drawn, header):
    structure, frames = drawn
    path = folder / f"any.{ending}"
    try:
        save(path, structure, frames, header=header)
    except PomodoroError as error:
        check(error)
        assert list(folder.iterdir()) == []
        return
    assert read_header(path) == [line.rstrip() for line in header]
    rows = structure.residues[structure.residue_of_atom]
    wanted = [(atoms, residues) for atoms, residues in zip(structure.atoms, rows)] * 3
    found = list(read(path))
    path.unlink()
    for (atom, residue), (labels, hetero, _) in zip(wanted, found, strict=True):
        for name, label in labels.items():
            of = atom if name in ATOM_LABELS.names else residue
            kept = of[name].strip() if ending == "pdb" else of[name]  # blanks are what PDB fills up with
            assert label == (kept.upper() if name == "elem" and ending == "pdb" else kept), name
        assert hetero == residue["hetero"]
    coords = np.concatenate([structure.coords[None], frames]).reshape(-1, 3)
    np.testing.assert_allclose([place for *_, place in found], coords, rtol=1e-6, atol=0.51 * 10**-decimals)


@given(drawn=structures())
def test_any_coordinates_are_read_from_dcd_bit_for_bit(folder, drawn):
    frames = drawn[1]
    path = folder / "any.dcd"
    save_dcd(path, frames)
    records, data = [], path.read_bytes()
    while data:
        size = int.from_bytes(data[:4], "little")
        assert data[4 + size : 8 + size] == data[:4]
        records.append(data[4 : 4 + size])
        data = data[8 + size :]
    head, _, n_atoms, *columns = records
    assert head[:8] == b"CORD" + len(frames).to_bytes(4, "little")
    assert int.from_bytes(n_atoms, "little") == frames.shape[1]
    found = np.frombuffer(b"".join(columns), "<f4").reshape(len(frames), 3, -1).transpose(0, 2, 1)
    np.testing.assert_array_equal(found, frames)
    path.unlink()
