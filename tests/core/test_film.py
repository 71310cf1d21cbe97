"""Films, read back by Pillow, or by what ffmpeg is given."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont, ImageSequence

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.io import film

RED, BLUE = (200, 30, 30), (20, 20, 220)
#: Stands for ffmpeg: notes its arguments and what it is given, and writes a file or fails.
STAND_IN = """#!{python}
import json, sys
given = sys.stdin.buffer.read({limit})
json.dump([sys.argv[1:], len(given)], open({notes!r}, "w"))
open({notes!r} + ".raw", "wb").write(given)
if {fails}:
    sys.exit("first line\\nno such encoder\\n")
open(sys.argv[-1], "wb").write(b"film")
"""


@pytest.fixture
def pictures(tmp_path):
    """Five PNG files of 33 x 21 pixels, each with a white column of its own on black."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    paths = []
    for number in range(5):
        pixels = np.zeros((21, 33, 3), np.uint8)
        pixels[:, 4 * number : 4 * number + 4] = 255
        paths.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture
def ffmpeg(tmp_path, monkeypatch):
    """A function that puts a stand-in for ffmpeg on PATH; it returns where the stand-in leaves its notes."""

    def put(fails=False, limit=-1):
        folder, notes = tmp_path / "bin", str(tmp_path / "notes.json")
        folder.mkdir()
        program = folder / "ffmpeg"
        program.write_text(STAND_IN.format(python=sys.executable, notes=notes, fails=fails, limit=limit))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
        return Path(notes)

    return put


def column(picture):
    """Return which column of `pictures` is white."""
    return int(np.asarray(picture.convert("L"), float).mean(0).argmax()) // 4


def test_forwards_and_back_shows_each_end_once():
    assert film.forwards_and_back(4) == [0, 1, 2, 3, 2, 1]
    assert film.forwards_and_back(2) == [0, 1]


def test_a_gif_reads_back(pictures, tmp_path):
    order = film.forwards_and_back(5)
    path = tmp_path / "film.gif"
    told = []
    film.write_film(path, film.GIF, [pictures[number] for number in order], 8, lambda *done: told.append(done))
    with Image.open(path) as found:
        assert (found.n_frames, found.size, found.info["loop"]) == (8, (33, 21), 0)
        frames = [(column(frame), frame.info["duration"]) for frame in ImageSequence.Iterator(found)]
        found.seek(2)
        assert (np.asarray(found.convert("RGB")) == np.asarray(Image.open(pictures[2]))).all()
    assert frames == [(number, 120) for number in order]
    assert told == [(number, 5) for number in range(5)]  # the other three are the same pictures


@pytest.mark.parametrize(("fps", "hundredths"), [(1, 100), (10, 10), (30, 3), (50, 2)])
def test_the_rate_of_a_gif_is_the_one_that_is_told(pictures, tmp_path, fps, hundredths):
    film.write_film(tmp_path / "film.gif", film.GIF, pictures, fps)
    with Image.open(tmp_path / "film.gif") as found:
        assert found.info["duration"] == 10 * hundredths
    assert film.frame_rate(film.GIF, fps) == pytest.approx(100 / hundredths)
    assert film.frame_rate(film.MP4, fps) == fps


def test_colours_of_a_gif_are_near(tmp_path):
    """Of a picture with many more colours than a GIF holds."""
    across, up = np.meshgrid(np.linspace(0, 255, 120), np.linspace(0, 255, 90))
    pixels = np.stack([across, up, 255 - across], -1).astype(np.uint8)
    pixels[:10] = 0
    Image.fromarray(pixels).save(tmp_path / "0.png")
    film.write_film(tmp_path / "film.gif", film.GIF, [tmp_path / "0.png"] * 2, 10)
    with Image.open(tmp_path / "film.gif") as found:
        seen = np.asarray(found.convert("RGB"), int)
    assert np.abs(seen - pixels).max() < 20
    assert not seen[:10].any()


def test_a_folder_of_pictures(pictures, tmp_path):
    assert film.film_kind(str(tmp_path / "a film")) == film.FOLDER
    film.write_film(tmp_path / "a film", film.FOLDER, [pictures[number] for number in (0, 4, 2)], 10)
    names = sorted(os.listdir(tmp_path / "a film"))
    assert names == ["a film0001.png", "a film0002.png", "a film0003.png"]
    assert [column(Image.open(tmp_path / "a film" / name)) for name in names] == [0, 4, 2]
    assert sorted(os.listdir(tmp_path)) == ["a film", "pictures"]


def test_an_empty_folder_is_filled_and_another_left_alone(pictures, tmp_path):
    (tmp_path / "film.v2").mkdir()
    assert film.film_kind(f"{tmp_path}/film.v2/") == film.FOLDER
    film.write_film(tmp_path / "film.v2", film.FOLDER, pictures, 10)
    assert len(os.listdir(tmp_path / "film.v2")) == 5
    with pytest.raises(PomodoroError, match=r"cannot write .*film\.v2: the folder is not empty"):
        film.film_kind(f"{tmp_path}/film.v2/")
    with pytest.raises(PomodoroError, match=r"cannot write .*film\.v2: "):
        film.write_film(tmp_path / "film.v2", film.FOLDER, pictures[:2], 10)
    assert len(os.listdir(tmp_path / "film.v2")) == 5
    assert sorted(os.listdir(tmp_path)) == ["film.v2", "pictures"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "filename must end in .gif or .mp4, or name a new folder for pictures, as in film/, not ''"),
        ("film.avi", "filename must end in .gif or .mp4"),
        ("film.png", "as in film/"),
        ("/", "filename must end in .gif or .mp4"),
        ("nowhere/film.gif", "cannot write nowhere/film.gif: its folder does not exist"),
        ("nowhere/film/", "cannot write nowhere/film: its folder does not exist"),
        ("file", "cannot write file: it is a file"),
        ("folder.gif", "cannot write folder.gif: it is a folder"),
        ("film.mp4", "film.mp4 needs the program ffmpeg, which is not on PATH: install it, or write film.gif"),
    ],
)
def test_what_is_refused_before_work(tmp_path, monkeypatch, name, says):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "file").touch()
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(PomodoroError) as caught:
        film.film_kind(name)
    assert says in str(caught.value)


def test_ffmpeg_is_given_every_picture_in_order(pictures, tmp_path, ffmpeg):
    notes = ffmpeg()
    path = tmp_path / "film.mp4"
    assert film.film_kind(str(path)) == film.MP4
    film.write_film(path, film.MP4, [pictures[number] for number in (0, 3, 1)], 25)
    arguments, size = json.loads(notes.read_text())
    assert size == 3 * 33 * 21 * 3
    raw = np.frombuffer(Path(f"{notes}.raw").read_bytes(), np.uint8).reshape(3, 21, 33, 3)
    assert [column(Image.fromarray(picture)) for picture in raw] == [0, 3, 1]
    given = {word: arguments[place + 1] for place, word in enumerate(arguments[:-1]) if word.startswith("-")}
    assert (given["-s"], given["-r"], given["-i"], given["-f"]) == ("33x21", "25", "-", "rawvideo")
    assert given["-pix_fmt"] == "yuv420p"  # the last of two, of the film; the first is of what comes in
    assert arguments[-1].endswith("film.mp4")
    assert path.read_bytes() == b"film"
    assert not Path(arguments[-1]).exists()


@pytest.mark.parametrize("limit", [-1, 10])
def test_ffmpeg_fails(pictures, tmp_path, ffmpeg, limit):
    """At the end, or while it is given pictures, of which there are more than a pipe holds."""
    ffmpeg(fails=True, limit=limit)
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(PomodoroError, match=r"^cannot write .*film\.mp4: ffmpeg says: no such encoder$"):
        film.write_film(path, film.MP4, pictures * 40, 10)
    assert path.read_bytes() == b"old"
    assert {*os.listdir(tmp_path)} - {*before} <= {"notes.json", "notes.json.raw"}


def test_an_interrupt_leaves_no_film_and_no_ffmpeg(pictures, tmp_path, ffmpeg):
    ffmpeg()

    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    for kind, name in ((film.GIF, "film.gif"), (film.MP4, "film.mp4"), (film.FOLDER, "film")):
        before = {*os.listdir(tmp_path)}
        with pytest.raises(KeyboardInterrupt):
            film.write_film(tmp_path / name, kind, pictures, 10, interrupt)
        assert {*os.listdir(tmp_path)} == before


def ink(whole, height, ground):
    """Return where there are letters in the strip below a picture."""
    strip = np.asarray(whole, int)[height:]
    return np.abs(strip - ground).max(-1) > 90


@pytest.mark.parametrize(("ground", "is_dark"), [((0, 0, 0), True), ((255, 255, 255), False), ((20, 20, 90), True)])
def test_a_caption_is_a_strip_below(ground, is_dark):
    picture = np.full((60, 320, 3), RED, np.uint8)
    captions = film.Captions(["z=0 sigma=4.82 A per coordinate", "short"], 320, ground)
    first, second = captions.below(picture, 0), captions.below(picture, 1)
    assert first.size == second.size == (320, 60 + captions.height)
    assert (np.asarray(first)[:60] == RED).all()
    letters, fewer = ink(first, 60, ground), ink(second, 60, ground)
    assert letters.sum() > 2 * fewer.sum() > 40
    assert np.asarray(first, int)[60:].max() > 200 if is_dark else np.asarray(first, int)[60:].min() < 50
    assert not letters[:, :4].any()
    assert not letters[:, -4:].any()
    rows = np.flatnonzero(letters.any(1))
    assert rows[0] >= 2
    assert rows[-1] <= captions.height - 2


def test_a_long_caption_is_broken_and_cut():
    picture = np.full((40, 160, 3), BLUE, np.uint8)
    one = film.Captions(["z=0 sigma=4.8"], 160, (0, 0, 0))
    for text in ("z=-1 sigma=1.075 A per coordinate seed=0 frame 2/5", "W" * 10_000, "a\nb\x00\t" * 99, "é☃ " * 50):
        captions = film.Captions([text, "z=0"], 160, (0, 0, 0))
        letters = ink(captions.below(picture, 0), 40, (0, 0, 0))
        assert captions.height <= 3.2 * one.height
        assert letters.any()
        assert not letters[:, -2:].any()
    assert film.Captions(["", " "], 160, (0, 0, 0)).height < one.height


def test_an_old_pillow_has_one_size_of_letters(monkeypatch):
    font = ImageFont.load_default()
    monkeypatch.setattr(ImageFont, "load_default", lambda: font)
    captions = film.Captions(["z=0"], 640, (0, 0, 0))
    assert ink(captions.below(np.zeros((9, 640, 3), np.uint8), 0), 9, (0, 0, 0)).any()


def test_a_missing_pillow_is_told_with_the_command_that_installs_it(monkeypatch, tmp_path):
    from pomodoro_pymol.health import install_command
    from pomodoro_pymol.utils.problems import known_text

    for name in [name for name in sys.modules if name.partition(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    find = sys.meta_path[:]

    class Absent:
        def find_spec(self, name, *_):
            if name == "PIL":
                raise ModuleNotFoundError("No module named 'PIL'", name="PIL")

    monkeypatch.setattr(sys, "meta_path", [Absent(), *find])
    with pytest.raises(ModuleNotFoundError) as caught:
        film.film_kind(str(tmp_path / "film.gif"))
    assert known_text(caught.value) == f"PIL is missing; install it with: {install_command('pillow')}"
