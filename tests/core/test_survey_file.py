"""The file of a survey: a round trip, and what others made of it or put in its place."""

import json
import math
import os
import pickle
import struct
import time
from contextlib import suppress

import numpy as np
import pytest
import torch

from pomodoro_pymol.diffusion.precondition import data_variances
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.presets import parse_schemes
from pomodoro_pymol.noise.sigma import LawOfSigma
from pomodoro_pymol.structure.hierarchy import Hierarchy
from pomodoro_pymol.survey import parquet_size
from pomodoro_pymol.survey.rows import COUNTS, Row, columns
from pomodoro_pymol.survey.settings import SurveySettings
from pomodoro_pymol.survey.survey_file import read_survey, write_survey

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

SETTINGS = SurveySettings(
    tuple(parse_schemes("flat+ms+1:1:0.5")), (-1.0, 0.125), LawOfSigma(10.0, -0.5, 1.1), False, 64, crops=2, seed=2**70
)
NAMES = [column.name for column in columns(SETTINGS)]
PATHS = [
    "/data/1abc.cif.gz",
    "a 'quoted' \"name\"; DROP TABLE",
    "two\nlines\ttab\r",
    "ünï/日本\U0001f345‮.pdb",
    "",
    "-" * 5000,
    os.fsdecode(b"bytes\xff\xfe.pdb"),
    "\ud800half.pdb",
    "C:\\dir\\\\x.pdb",
]


def rows(seed=0, paths=PATHS):
    """Rows of the paths: two crops of each, or one with an error."""
    rng = np.random.default_rng(seed)
    found = []
    for place, path in enumerate(paths):
        if place % 3 == 2:
            found.append((path, Row("", 0, f"{path} cannot be read: no\nreason")))
            continue
        for cropping in ("contiguous", "spatial"):
            numbers = rng.uniform(0.1, 5, len(NAMES))
            numbers[:3] = sorted(rng.integers(1, 100, 3).tolist(), reverse=True)
            numbers[9] = math.nan
            found.append((path, Row(cropping, 1, "", tuple(numbers.tolist()))))
    return found


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "a survey.parquet"
    write_survey(path, rows(), SETTINGS)
    return path


def as_text(words):
    return words.encode("utf-8", "backslashreplace").decode()


def test_a_round_trip(written):
    survey = read_survey(written)
    assert survey.name == "a survey.parquet"
    assert survey.settings == SETTINGS
    expected = sorted(rows(), key=lambda item: (as_text(item[0]), item[1].cropping, item[1].crop))
    assert survey.path.tolist() == [as_text(path) for path, _ in expected]
    assert survey.error.tolist() == [as_text(row.error) for _, row in expected]
    assert survey.cropping.tolist() == [row.cropping for _, row in expected]
    assert survey.crop.tolist() == [row.crop for _, row in expected]
    table = np.array([row.numbers or [math.nan] * len(NAMES) for _, row in expected])
    assert list(survey.numbers) == NAMES
    for place, name in enumerate(NAMES):
        np.testing.assert_array_equal(survey.numbers[name], table[:, place])
        np.testing.assert_array_equal(survey.of(name), [row.numbers[place] for _, row in expected if not row.error])
    assert as_text(PATHS[6]) == "bytes\\udcff\\udcfe.pdb"


def test_some_columns_alone(written):
    survey = read_survey(written, ["rg", "1:1:0.5_ca_lddt_z0.125", "no such column"])
    assert list(survey.numbers) == ["rg", "1:1:0.5_ca_lddt_z0.125"]
    whole = read_survey(written)
    for name, values in survey.numbers.items():
        np.testing.assert_array_equal(values, whole.numbers[name])
    assert survey.path.tolist() == whole.path.tolist()


def test_whole_structures_and_no_scheme(tmp_path):
    settings = SurveySettings(())
    write_survey(tmp_path / "w.parquet", [("a", Row("whole", 0, "", (1, 1, 1, 0.0, 1.0, 1.0, 1.0, 1.0)))], settings)
    survey = read_survey(tmp_path / "w.parquet")
    assert survey.settings == settings
    assert survey.data_levels() == (1.0, 1.0, 1.0)


def test_the_bytes_do_not_depend_on_the_order(written, tmp_path):
    given = rows()
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(given))
        write_survey(tmp_path / "other.parquet", [given[place] for place in order], SETTINGS)
        assert (tmp_path / "other.parquet").read_bytes() == written.read_bytes()


def test_columns_say_their_units_and_files_what_they_depend_on(written):
    """As any reader of Parquet sees them."""
    schema = parquet.read_schema(written)
    assert schema.names == ["path", "cropping", "crop", "error", *NAMES]
    for column in columns(SETTINGS):
        field = schema.field(column.name)
        assert field.metadata[b"unit"].decode() == column.unit
        assert field.metadata[b"meaning"].decode() == column.meaning
        assert str(field.type) == ("int64" if column.name in COUNTS else "double")
    assert json.loads(schema.metadata[b"pomodoro_survey"]) == SETTINGS.to_dict()
    # A file that was not read has nothing; what has no value is nan.
    table = parquet.read_table(written)
    n_errors = sum(bool(row.error) for _, row in rows())
    assert [table.column(name).null_count for name in NAMES] == [n_errors] * len(NAMES)


def test_pooled_variances_are_those_of_all_structures(tmp_path):
    """Each counts once, of whatever size: the mean squares over the mean degrees of freedom."""
    rng = np.random.default_rng(3)
    squares, freedom, given = np.zeros(3), np.zeros(3), []
    for place in range(20):
        sizes = rng.integers(1, 6, rng.integers(1, 9))
        chain_of = np.sort(rng.integers(0, 3, len(sizes)))
        chain_of = np.unique(chain_of, return_inverse=True)[1]
        hierarchy = Hierarchy(
            torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes)), torch.from_numpy(chain_of.astype(np.int64))
        )
        n, r, c = hierarchy.n_atoms, hierarchy.n_residues, hierarchy.n_chains
        data = data_variances(torch.from_numpy(rng.normal(0, 9, (1, n, 3))), hierarchy)
        own = np.array([1, (r - c) / r, (n - r) / n])
        freedom += own / 20
        squares += own * data / 20
        given.append((str(place), Row("whole", 0, "", (n, r, c, 1.0, *data, float(own @ data)))))
    write_survey(tmp_path / "a.parquet", [*given, ("b", Row("", 0, "no"))], SurveySettings(()))
    assert read_survey(tmp_path / "a.parquet").data_levels() == pytest.approx(tuple(squares / freedom), rel=1e-12)


def rewritten(path, change=lambda table: table, **options):
    """The file again as another program writes it."""
    parquet.write_table(change(parquet.read_table(path)), path, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": compression, "use_dictionary": dictionary, "data_page_version": version}
        for compression in ("none", "snappy", "gzip", "zstd", "lz4")
        for dictionary, version in ((True, "1.0"), (False, "2.0"), (False, "1.0"))
        if pyarrow.Codec.is_available(compression if compression != "none" else "gzip")
    ]
    + [
        {"row_group_size": 2},
        {"data_page_size": 1},
        {"version": "1.0"},
        {"write_statistics": False},
        {"use_byte_stream_split": NAMES[3:], "use_dictionary": False},
        {"write_page_checksum": True, "write_page_index": True},
    ],
    ids=str,
)
def test_as_others_write_it_it_is_the_same(written, options):
    before = read_survey(written)
    rewritten(written, **options)
    after = read_survey(written)
    assert after.settings == before.settings
    for name in ("path", "cropping", "crop", "error"):
        assert getattr(after, name).tolist() == getattr(before, name).tolist()
    for name in NAMES:
        np.testing.assert_array_equal(after.numbers[name], before.numbers[name])


def test_with_categories_columns_in_another_order_and_more_of_them(written):
    def change(table):
        for name in ("path", "cropping"):
            table = table.set_column(table.schema.get_field_index(name), name, table.column(name).dictionary_encode())
        table = table.select(table.column_names[::-1])
        nested = pyarrow.array([[1, 2]] * len(table))
        return (
            table.append_column("mine", nested).append_column("ms_ratio", table.column("ms_ratio"))
            if False
            else (table.append_column("mine", nested))
        )

    before = read_survey(written)
    rewritten(written, change)
    after = read_survey(written)
    assert after.path.tolist() == before.path.tolist()
    np.testing.assert_array_equal(after.numbers["s_atom"], before.numbers["s_atom"])


def refused(path, words="", names=None):
    """The file is refused in one clear line, quickly."""
    start = time.process_time()
    with pytest.raises(PomodoroError) as caught:
        read_survey(path, names)
    assert time.process_time() - start < 5
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 1000
    assert words in message
    return message


def test_what_is_no_file_or_no_parquet(written, tmp_path):
    data = written.read_bytes()
    refused(tmp_path / "absent.parquet", "No such file")
    refused(tmp_path, "not a regular file")
    refused("a\0b.parquet", "cannot be the name of a file")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.parquet")
        refused(tmp_path / "pipe.parquet", "not a regular file")
        refused("/dev/zero", "not a regular file")
    other = tmp_path / "other.parquet"
    rng = np.random.default_rng(0)
    for content in (b"", b"PAR1", b"PAR1PAR1", b"PAR1\0\0\0\0PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b"PAR1" * 3, b"x" * 99,
                    rng.bytes(10_000), data[:-1], data[:-9], data[4:], data[len(data) // 2 :], data[: len(data) // 2],
                    data + b"\n", b"PAR1" + rng.bytes(3000) + data[-3000:], data[:-8] + struct.pack("<i", 5) + b"PAR1",
                    b"\x1f\x8b" + data, b"ATOM      1\n"):  # fmt: skip
        other.write_bytes(content)
        refused(other, "is no survey: ")


def test_another_parquet(tmp_path):
    other = tmp_path / "other.parquet"
    parquet.write_table(pyarrow.table({"path": ["a"], "x": [1.0]}), other)
    refused(other, "it has no settings of one")


@pytest.mark.parametrize(
    ("words", "change"),
    {
        "it has no column 's_atom'": lambda table: table.drop_columns(["s_atom"]),
        "it has no column 'error'": lambda table: table.drop_columns(["error"]),
        "it has 2 columns 's_atom'": lambda table: table.append_column("s_atom", table.column("rg")),
        "it has 2 columns 'path'": lambda table: table.append_column("path", table.column("path")),
        "column 'rg' is of a wrong kind": lambda table: cast(table, "rg", pyarrow.float32()),
        "column 's_atom' is of a wrong kind": lambda table: cast(table, "s_atom", pyarrow.string()),
        "column 'n_atoms' is double": lambda table: cast(table, "n_atoms", pyarrow.float64()),
        "column 'crop' is of a wrong kind": lambda table: cast(table, "crop", pyarrow.int32()),
        "column 'crop' is uint64": lambda table: cast(table, "crop", pyarrow.uint64()),
        "column 'rg.list.element' is of a wrong kind": lambda table: put(table, "rg", [[1.0]] * len(table)),
        "column 'path.list.element' is of a wrong kind": lambda table: put(table, "path", [["a"]] * len(table)),
        "column 'error' is of a wrong kind": lambda table: put(table, "error", [0] * len(table)),
        "column 'path.x' is of a wrong kind": lambda table: put(table, "path", [{"x": "a"}] * len(table)),
        "column 's_atom.x' is of a wrong kind": lambda table: table.append_column("s_atom.x", table.column("path")),
        "a path, cropping or error is absent": lambda table: put(table, "path", [None] * len(table), pyarrow.string()),
        "crop is absent": lambda table: put(table, "crop", [None] * len(table), pyarrow.int64()),
        "crop is absent or negative": lambda table: put(table, "crop", [-1] * len(table)),
        "'n_residues' is absent": lambda table: put(table, "n_residues", [None] * len(table), pyarrow.int64()),
        "'n_chains' is absent or less than 1": lambda table: put(table, "n_chains", [0] * len(table)),
        "'s_chain' is absent": lambda table: put(table, "s_chain", [math.nan] * len(table)),
        "'s_total' is absent or negative": lambda table: put(table, "s_total", [-1.0] * len(table)),
        "'s_total' is not finite": lambda table: put(table, "s_total", [math.inf] * len(table)),
        "'ms_ratio' is not finite": lambda table: put(table, "ms_ratio", [-math.inf] * len(table)),
        "was read, of 15": lambda table: put(table, "error", ["no"] * len(table)),
        "was read, of 0": lambda table: table.slice(0, 0),
    }.items(),
)
def test_columns_that_are_not_those_of_a_survey(written, words, change):
    rewritten(written, change)
    refused(written, words)


def put(table, name, values, kind=None):
    return table.set_column(table.schema.get_field_index(name), name, pyarrow.array(values, kind))


def cast(table, name, kind):
    return table.set_column(table.schema.get_field_index(name), name, table.column(name).cast(kind))


def test_extra_columns_do_not_matter_where_others_are_asked_for(written):
    rewritten(written, lambda table: put(table, "ms_ratio", [-math.inf] * len(table)))
    assert len(read_survey(written, ["rg"]).of("rg")) == 12


def with_settings(path, text):
    """The file with other bytes for its settings."""
    rewritten(path, lambda table: table.replace_schema_metadata({b"pomodoro_survey": text}))


GOOD = SETTINGS.to_dict()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"{}",
        b"{",
        b"[" * 100_000,
        b'{"schemes":' * 50_000,
        b"9" * 100_000,
        *(
            json.dumps({**GOOD, name: value}).encode()
            for name, value in [
                ("schemes", 5),
                ("schemes", [[1, 2, 3, 4]]),
                ("schemes", [["a", 1, 2]]),
                ("schemes", [["a", 1, 2, math.nan]]),
                ("schemes", [["a", 1, 2, -1]]),
                ("schemes", [["a", 1, 2, 10**400]]),
                ("schemes", [["a", 0, 0, 1], ["a", 0, 0, 1]]),
                ("schemes", [["a\n\x1b[31m", 0, 0, 1]]),
                ("schemes", [["a" * 100_000, 0, 0, 1]]),
                ("schemes", [["", 0, 0, 1]]),
                ("schemes", [[f"s{number}", 0, 0, 1] for number in range(10_000)]),
                ("z", [math.nan]),
                ("z", [math.inf]),
                ("z", [1e300]),
                ("z", [-1e300]),
                ("z", [10**400]),
                ("z", [1.0, 1.0]),
                ("z", list(range(-200, 400))),
                ("z", "0"),
                ("law", {"sigma_data": 0}),
                ("law", {"sigma_data": math.nan}),
                ("law", {"sigma_data": 1, "other": 2}),
                ("law", [1, 2, 3]),
                ("tokens", 0),
                ("tokens", -5),
                ("tokens", math.inf),
                ("tokens", "many"),
                ("crops", 0),
                ("crops", None),
                ("seed", -1),
                ("croppings", []),
                ("croppings", ["spatial", "spatial"]),
                ("croppings", ["other"]),
                ("croppings", [1]),
                ("croppings", "spatial"),
            ]
        ),
        *(json.dumps({key: value for key, value in GOOD.items() if key != name}).encode() for name in GOOD),
    ],
    ids=lambda text: text[:40].decode("ascii", "backslashreplace"),
)
def test_settings_that_are_none(written, text):
    with_settings(written, text)
    refused(written, "is no survey: ")


def test_nothing_is_unpickled(written, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "bomb"),)

    pickled = pickle.dumps(Bomb())
    for name in ("arrow.py_extension_type", "arrow.json", "pandas", "unknown"):
        fields = {b"ARROW:extension:name": name.encode(), b"ARROW:extension:metadata": pickled}

        def change(table, fields=fields):
            schema = pyarrow.schema(
                [
                    field.with_metadata(fields) if field.name in ("path", "rg", "mine") else field
                    for field in table.append_column("mine", table.column("rg")).schema
                ],
                {**table.schema.metadata, b"pandas": pickled},
            )
            return pyarrow.Table.from_arrays([*table.columns, table.column("rg")], schema=schema)

        write_survey(written, rows(), SETTINGS)
        rewritten(written, change)
        with suppress(PomodoroError):
            read_survey(written)
        assert not (tmp_path / "bomb").exists()


# Pools have to outlive what they hold.
POOLS = []


@pytest.fixture
def most_held(monkeypatch):
    """Begin to count bytes that pyarrow holds, and then ask for the most; little room is granted to small files."""
    monkeypatch.setattr(parquet_size, "_FLOOR", 4 << 20)
    monkeypatch.setattr(parquet_size, "_TIMES", 20)
    before = pyarrow.default_memory_pool()

    def begin():
        POOLS.append(pyarrow.proxy_memory_pool(before))
        pyarrow.set_memory_pool(POOLS[-1])
        return POOLS[-1].max_memory

    yield begin
    pyarrow.set_memory_pool(before)


FAR_MORE = "it would unpack to far more than it is"


def test_rows_by_runs(tmp_path, most_held, monkeypatch):
    """Rows that are one row, in few bytes."""
    path = tmp_path / "rows.parquet"
    write_survey(path, rows(paths=["a"])[:1], SETTINGS)
    table = parquet.read_table(path).take(np.zeros(200_000, np.int64))
    parquet.write_table(table, path, compression="zstd", row_group_size=200_000)
    del table
    assert path.stat().st_size < 200_000
    held = most_held()
    refused(path, FAR_MORE)
    assert held() < 1 << 20
    monkeypatch.setattr(parquet_size, "_FLOOR", 256 << 20)
    assert len(read_survey(path).path) == 200_000


@pytest.mark.parametrize("dictionary", [True, False])
def test_a_page_of_one_long_word(written, most_held, dictionary):
    write_survey(written, [*rows(), ("bomb", Row("", 0, "0" * (30 << 20)))], SETTINGS)
    rewritten(written, compression="zstd", use_dictionary=dictionary)
    assert written.stat().st_size < 100_000
    held = most_held()
    refused(written, FAR_MORE)
    assert held() < 1 << 20


def test_a_long_word_many_times_is_held_once(written, most_held):
    write_survey(written, [*rows(), *((str(place), Row("", 0, "0" * (1 << 20))) for place in range(100))], SETTINGS)
    held = most_held()
    survey = read_survey(written)
    assert len({id(word) for word in survey.error[survey.path != PATHS[2]] if len(word) == 1 << 20}) == 1
    assert held() < 8 << 20


@pytest.mark.parametrize(
    "footer",
    [
        b"",
        b"\0",
        b"\x1c" * 100_000,
        b"\x19" * 100_000,
        b"\x29\xfc" + b"\xff" * 7 + b"\x7f" + b"\0" * 1_000_000,
        b"\x29\xf5" + b"\xff" * 7 + b"\x7f" + b"\1" * 1_000_000,
        b"\x28" + b"\xff" * 9 + b"\1",
        b"\x1b\5\x55",
        b"\xff" * 1000,
        b"\x26" + b"\x80" * 1000,
        b"\0" * (3 << 20),
    ],
    ids=lambda footer: footer[:8].hex(),
)
def test_a_footer_that_is_none(tmp_path, footer):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1")
    refused(path, "is no survey: ")


def test_bytes_that_were_changed(written):
    """Of the footer above all, where lengths, places and counts are; longer runs found no more."""
    good = written.read_bytes()
    footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    rng = np.random.default_rng(11)
    read = 0
    for _ in range(150):
        data = bytearray(good)
        for place in rng.integers(rng.choice([0, footer]), len(good), rng.integers(1, 4)):
            data[place] = rng.integers(256)
        written.write_bytes(data)
        with suppress(PomodoroError):
            read_survey(written)
            read += 1
    assert 0 < read < 150


def test_bytes_of_text_that_were_changed(tmp_path):
    """Without a checksum: places in dictionaries, lengths, and text that is none."""
    path = tmp_path / "a.parquet"
    given = [(name, Row("whole", 0, "", (1, 1, 1, *[1.0] * 5))) for name in ("a", "b", "c", "a", "é")]
    write_survey(path, given, SurveySettings(()))
    rewritten(path, compression="none")
    good, group = path.read_bytes(), parquet.read_metadata(path).row_group(0)
    reasons = set()
    for chunk in (group.column(0), group.column(1), group.column(3)):
        for place in range(chunk.dictionary_page_offset, chunk.dictionary_page_offset + chunk.total_compressed_size):
            for change in (1, 4, 0x80, 0xFF):
                data = bytearray(good)
                data[place] ^= change
                path.write_bytes(data)
                try:
                    read_survey(path)
                except PomodoroError as error:
                    reasons.add(str(error).partition(": ")[2])
    assert any("Dictionary indices invalid" in reason for reason in reasons)
    assert any("UTF8" in reason for reason in reasons), reasons


def test_columns_in_folders_in_folders(written):
    def change(table):
        deep = pyarrow.array([1.0] * len(table))
        for _ in range(40):
            deep = pyarrow.StructArray.from_arrays([deep], ["x"])
        return table.append_column("deep", deep)

    rewritten(written, change)
    refused(written, "is no survey: it ")
