"""pommovie in real PyMOL without a window: what is in the pictures, and that nothing else has changed."""

import os
import sys

import numpy as np
import pytest
from PIL import Image, ImageSequence

from pomodoro_pymol.io import film

SIZE = "width=160, height=120"


@pytest.fixture
def peptide(cmd, typed, tmp_path, monkeypatch):
    """A peptide with three noised frames, as white spheres on black, without its key."""
    monkeypatch.chdir(tmp_path)
    cmd.fab("ACDEFGH", "m", ss=1, hydro=0)
    noise(cmd, typed, "m_noise", "frames=3, z=-1")
    cmd.zoom("m", 6)
    return cmd


def noise(cmd, typed, name, more):
    assert "Error" not in typed(cmd, f"pomnoise m, preset=ms, name={name}, {more}")
    cmd.disable("*_key")
    cmd.hide("everything", f"%{name}")
    cmd.show("spheres", f"%{name}")
    cmd.set("sphere_scale", 0.6, name)
    cmd.color("white", f"%{name}")


def frames(path):
    """Read a film, or a folder of pictures: shape=(n_pictures, height, width, 3)."""
    if path.is_dir():
        return np.array([np.asarray(Image.open(path / name).convert("RGB"), int) for name in sorted(os.listdir(path))])
    with Image.open(path) as found:
        return np.array([np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(found)])


def traced(cmd, state, size, name="m_noise"):
    """Ray-trace a state by PyMOL alone, with no other object."""
    shown = cmd.get_names("objects", enabled_only=1)
    cmd.disable("all")
    cmd.enable(name)
    cmd.frame(state)
    cmd.png("seen.png", *size, ray=1, quiet=1)
    cmd.disable(name)
    for other in shown:
        cmd.enable(other)
    seen = np.asarray(Image.open("seen.png").convert("RGB"), int)
    os.unlink("seen.png")
    return seen


def test_pictures_are_the_states_as_pymol_draws_them(peptide, typed, tmp_path):
    printed = typed(peptide, f"pommovie film/, {SIZE}")
    assert " pommovie: m_noise -> " in printed
    assert "film: 6 pictures of 160 x 120 pixels\n states 1 to 4 forwards and back, ray-traced" in printed
    found = frames(tmp_path / "film")
    assert found.shape == (6, 120, 160, 3)
    strip = film.Captions([peptide.get_title("m_noise", state) for state in range(1, 5)], 160, (0, 0, 0)).height
    for picture, state in zip(found, (1, 2, 3, 4, 3, 2)):
        wanted = traced(peptide, state, (160, 120 - strip))
        assert (wanted.max(-1) > 128).sum() > 300
        assert (picture[: 120 - strip] == wanted).all()
        assert (picture[120 - strip :].max(-1) > 128).sum() > 100  # the title


def test_a_gif_of_any_object_with_states_forwards_only(peptide, typed, tmp_path):
    peptide.create("twin", "m_noise", 2, 1)
    peptide.create("twin", "m_noise", 3, 2)
    peptide.disable("all")
    printed = typed(peptide, f"pommovie film.gif, twin, fps=30, back=0, {SIZE}")
    assert "2 pictures of 160 x 120 pixels, 33.3 a second" in printed
    first, second = frames(tmp_path / "film.gif")
    assert (first.max(-1) > 128).sum() > 200  # though it was hidden
    assert np.abs(first - second).max(-1).sum() > 5000
    assert peptide.get_names("objects", enabled_only=1) == []
    # Where none is named it is the one of ours, hidden or not.
    assert " pommovie: m_noise -> " in typed(peptide, f"pommovie film.gif, {SIZE}")


def test_a_comparison_is_filmed_in_its_grid(peptide, typed, session, differences, tmp_path):
    """Both cells change from picture to picture."""
    peptide.delete("m_noise")
    assert "Error" not in typed(peptide, "pomcompare m, presets=flat+rb, frames=2, z=-1")
    before = session(peptide)
    assert "Error" not in typed(peptide, "pommovie film/, m_flat, width=320, height=120")
    assert same(before, session(peptide), differences)
    found = frames(tmp_path / "film")[1:3, 30:80]
    for cell in (found[:, :, :160], found[:, :, 160:]):
        assert (np.abs(cell[0] - cell[1]).max(-1) > 30).sum() > 50


def test_a_sweep_is_the_noise_of_pomnoise_at_each_z(peptide, typed, tmp_path):
    z = [-3, -2, -1, 0]
    assert "Error" not in typed(peptide, f"pommovie film/, m_noise, z=-3:0, back=0, {SIZE}")
    found = frames(tmp_path / "film")
    titles = [f"z={one} sigma=1.075 A per coordinate seed=0" for one in z]
    height = 120 - film.Captions(titles, 160, (0, 0, 0)).height
    truth = traced(peptide, 1, (160, height))
    for picture, one in zip(found, z):
        noise(peptide, typed, "at", f"frames=1, z={one}")
        wanted = traced(peptide, 2, (160, height), "at")
        # Noise that is scaled here and drawn there is the same to the bit.
        assert (picture[:height] == wanted).all()
        peptide.delete("at")
    away = [np.abs(picture[:height] - truth).max(-1).sum() for picture in found]
    assert 0 < away[0] < away[1] < away[2] < away[3]
    # The record's own z is its state 2.
    assert (found[2][:height] == traced(peptide, 2, (160, height))).all()


def test_the_key_is_in_every_picture(cmd, typed, tmp_path, monkeypatch):
    """PyMOL alone draws it once: each time that it ray-traces labels in their place they move on."""
    monkeypatch.chdir(tmp_path)
    cmd.fab("ACDEFGH", "m", ss=1, hydro=0)
    typed(cmd, "pomnoise m, frames=2, z=-1")
    cmd.move("y", 12)
    assert "Error" not in typed(cmd, "pommovie film/, width=400, height=300")
    found = frames(tmp_path / "film")[:, 210:260]
    colors = [np.ptp(picture, axis=-1) > 40 for picture in found]
    assert colors[0].sum() > 1000
    assert all((picture == found[0]).all() for picture in found)


def test_a_companion_is_filmed_in_its_place(cmd, typed, tmp_path, monkeypatch):
    """Colours by direction stand where atoms truly are; they change from picture to picture, atoms do not move."""
    monkeypatch.chdir(tmp_path)
    cmd.fab("ACDEFGH", "m", ss=1, hydro=0)
    typed(cmd, "pomnoise m, frames=2, z=-1, metric=direction")
    cmd.disable("*_key")
    cmd.disable("m_noise")
    assert "Error" not in typed(cmd, f"pommovie film/, m_noise, {SIZE}")
    picture, other = frames(tmp_path / "film")[1:3, :80]
    assert (((picture.max(-1) > 0) == (other.max(-1) > 0)).mean()) > 0.99
    assert (np.abs(picture - other).max(-1) > 30).sum() > 300


def same(before, after, differences):
    """Compare sessions; that frame and state are 1 may stand in their settings, or not, as where they never changed."""
    number = {194: 1, 193: 1}
    for whole in (before, after):
        whole["settings"] = [entry for entry in whole["settings"] if number.get(entry[0]) != entry[2]]
    return differences(before, after) == []


LINES = ("pommovie film.gif", "pommovie film/, back=0", "pommovie film.gif, m_noise, z=-2:0")


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("where", ["at the start", "in a movie", "elsewhere"])
def test_the_session_is_as_it_was(peptide, typed, session, differences, tmp_path, line, where):
    if where == "in a movie":
        peptide.mset("1 x3 4 x3")
        peptide.frame(5)
        peptide.mdo(2, "turn x, 90")
    elif where == "elsewhere":
        peptide.frame(3)
        peptide.disable("m_noise")
        peptide.enable("m")
        peptide.bg_color("white")
        peptide.select("some", "m_noise and resi 3")
    before, view = session(peptide), peptide.get_viewport()
    assert "Error" not in typed(peptide, f"{line}, {SIZE}")
    assert same(before, session(peptide), differences)
    assert peptide.get_viewport() == view
    assert len(os.listdir(tmp_path)) == 1


DEEDS = {
    "an interrupt": KeyboardInterrupt,
    "short memory": MemoryError,
    "the object goes": "delete m_noise",
}


@pytest.mark.parametrize("done", [1, 4])
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("deed", DEEDS)
def test_what_stops_it_leaves_nothing(peptide, typed, session, differences, tmp_path, monkeypatch, line, deed, done):
    """While pictures are taken, and while they are written."""
    from pomodoro_pymol.commands import movie

    def tell(number, total):
        if number != done or told:
            return
        told.append(True)
        if isinstance(DEEDS[deed], str):
            peptide.do(DEEDS[deed])
        else:
            raise DEEDS[deed]

    told = []
    monkeypatch.setattr(movie, "progress", lambda *_: tell)
    before = session(peptide)
    if DEEDS[deed] is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            movie.pommovie(*line.partition(" ")[2].split(", ")[:1], _self=peptide, width=160, **keywords(line))
    else:
        printed = typed(peptide, f"{line}, {SIZE}")
        assert "Traceback" not in printed
        assert printed.count("Error") <= 1
    assert told
    if deed == "the object goes":
        assert [name for name in peptide.get_names("all") if name.startswith("_pomodoro")] == []
        assert peptide.get_state() == 1
        return
    assert same(before, session(peptide), differences)
    assert os.listdir(tmp_path) == []


def keywords(line):
    """Return the arguments of a line that have names."""
    return dict(word.split("=") for word in line.split(", ") if "=" in word)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("pommovie", "filename must end in .gif or .mp4"),
        ("pommovie film.avi", "filename must end in .gif or .mp4"),
        ("pommovie film.mp4", "needs the program ffmpeg, which is not on PATH: install it, or write film.gif"),
        ("pommovie film.gif, nobody", "there is no molecular object 'nobody': name one of: m_noise"),
        ("pommovie film.gif, m", "a film takes two states or noise levels at least: give z="),
        ("pommovie film.gif, m, z=-1:1", "m was not made by pomnoise: name one of: m_noise"),
        ("pommovie film.gif, z=1", "a film takes two states or noise levels at least"),
        ("pommovie film.gif, z=-1:7", "z must be between -6 and 6"),
        ("pommovie film.gif, fps=0", "fps must be between 1 and 50"),
        ("pommovie film.gif, width=9", "width must be between 64 and 8192 pixels"),
        ("pommovie nowhere/film.gif", "cannot write nowhere/film.gif: its folder does not exist"),
    ],
)
def test_what_is_refused(peptide, typed, session, differences, tmp_path, monkeypatch, line, says):
    monkeypatch.setenv("PATH", str(tmp_path))
    before = session(peptide)
    (printed,) = typed(peptide, line).splitlines()
    assert printed.startswith(" Error: ")
    assert says in printed
    assert same(before, session(peptide), differences)
    assert os.listdir(tmp_path) == []


def test_an_object_that_keeps_its_state_or_was_moved_is_refused(peptide, typed, tmp_path):
    peptide.set("state", 2, "m_noise")
    assert "m_noise keeps to a state of its own: unset state, m_noise" in typed(peptide, f"pommovie film.gif, {SIZE}")
    assert "Error" not in typed(peptide, f"pommovie film.gif, z=-1:0, {SIZE}")
    peptide.unset("state", "m_noise")
    typed(peptide, "pomalign m_noise")
    assert "m_noise_aligned was superposed by pomalign" in typed(peptide, "pommovie f.gif, m_noise_aligned, z=-2:0")
    assert "2 objects have several states: name one of: m_noise, m_noise_aligned" in typed(peptide, "pommovie f.gif")
    peptide.alter_state(1, "m_noise and resi 3", "x += 5")
    assert "m_noise is no longer what pomnoise made" in typed(peptide, "pommovie f.gif, m_noise, z=-2:0")
    assert os.listdir(tmp_path) == ["film.gif"]


def test_a_full_disk(peptide, typed, session, differences, mount, fill):
    disk = mount("1m")
    for name in ("film.gif", "film"):
        full = fill(disk)
        there = {*os.listdir(disk)}
        before = session(peptide)
        printed = typed(peptide, f"pommovie {disk}/{name}, {SIZE}")
        assert printed.splitlines() == [f" Error: cannot write {disk}/{name}: No space left on device"]
        assert same(before, session(peptide), differences)
        assert {*os.listdir(disk)} == there
        full.unlink()
        assert "Error" not in typed(peptide, f"pommovie {disk}/{name}, {SIZE}")


def test_a_full_disk_for_pictures(peptide, typed, mount, fill, tmp_path):
    import tempfile

    disk = mount("64k")
    fill(disk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(disk))
        printed = typed(peptide, f"pommovie film.gif, {SIZE}")
    (error,) = [line for line in printed.splitlines() if "Error" in line]
    assert "No space left on device" in error or "as on a full disk" in error
    assert "Traceback" not in printed
    assert not (tmp_path / "film.gif").exists()


def test_an_mp4_by_ffmpeg(peptide, typed, tmp_path, monkeypatch):
    """By a stand-in, which keeps what it was given."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ffmpeg"
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "open(sys.argv[-1], 'wb').write(sys.stdin.buffer.read())\n"
        "open('words', 'w').write(' '.join(sys.argv[1:]))\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    assert "6 pictures of 160 x 121 pixels, 25 a second" in typed(
        peptide, "pommovie film.mp4, width=160, height=121, fps=25"
    )
    raw = np.frombuffer((tmp_path / "film.mp4").read_bytes(), np.uint8).reshape(6, 121, 160, 3).astype(int)
    assert " -s 160x121 -r 25 -i - " in (tmp_path / "words").read_text()
    assert (raw[1] == raw[5]).all()
    assert (raw[2] == raw[4]).all()
    assert all(np.abs(one - other).max(-1).sum() > 3000 for one, other in zip(raw, raw[1:]))


def test_the_other_size_follows_the_viewport(peptide, typed):
    across, up = peptide.get_viewport()
    assert f"of 80 x {round(80 * up / across)} pixels" in typed(peptide, "pommovie one.gif, width=80")
    assert f"of {round(90 * across / up)} x 90 pixels" in typed(peptide, "pommovie two.gif, height=90")


def test_from_python_it_is_silent_and_returns_what_was_filmed(peptide, capfd, tmp_path):
    from pomodoro_pymol.commands import pommovie

    movie = pommovie("film.gif", width=64, height=64, _self=peptide)
    assert (movie.object, movie.n_pictures, movie.size, movie.rate) == ("m_noise", 6, (64, 64), 10)
    assert movie.path.resolve() == tmp_path / "film.gif"
    assert capfd.readouterr() == ("", "")
