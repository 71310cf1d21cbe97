"""The session changes, disk or memory are short, a signal comes, in the middle of a command: nothing is lost."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

COMMANDS = {
    # what is typed: the module whose progress tells that it is in the middle
    "pomnoise plain, frames=9": "noise",
    "pomsample plain, steps=6": "sample",
    "pomsweep plain, frames=3, z=-1:1": "sweep",
    "pomtable plain, frames=4, z=-1:1": "table",
    "pomalign plain_noise": "align",
    "pomdenoise plain_noise, denoiser=wiener": "denoise",
    "pommeasure plain_noise": "measure",
    "pommeasure plain_noise and not resi 3, truth=plain": "measure",
    "pomsave out.pdb, plain_noise": "save",
    "pomsave out.dcd, plain_noise": "save",
}
DEEDS = {
    "delete the source": "delete plain",
    "rename the source": "set_name plain, other",
    "remove atoms of the source": "remove plain and resi 2",
    "delete the output": "delete plain_noise",
    "rename the output": "set_name plain_noise, other",
    "remove atoms of the output": "remove plain_noise and resi 2",
    "relabel the output": "alter plain_noise, chain='Z'",
    "add a state to the output": "create plain_noise, plain_noise, 1, -1",
    "remove atoms of all": "remove resi 2",
    "delete everything": "delete *",
    "reinitialize": "reinitialize",
}
#: Deeds after which there is nothing to go on with; the others a command may survive, and these it must tell of.
FATAL = {
    "pomnoise": ("remove atoms of all", "delete everything", "reinitialize"),
    "pomsweep": ("remove atoms of all", "delete everything", "reinitialize"),
    "pomtable": (),
    "pomsample": tuple(deed for deed in DEEDS if "output" not in deed),
    "pomalign": ("remove atoms of all", "delete everything", "reinitialize"),
    "pomdenoise": ("remove atoms of all", "delete everything", "reinitialize"),
    "pommeasure": ("remove atoms of all", "delete everything", "reinitialize"),
    "pomsave": (*(deed for deed in DEEDS if "output" in deed and deed[:3] in ("del", "ren", "rem")), *list(DEEDS)[-3:]),
}


@pytest.fixture
def plain(cmd, read_pdb, typed, monkeypatch, tmp_path):
    """A small protein with its noised frames, of which a block holds three."""
    from pomodoro_pymol.noise import stream

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stream, "_BLOCK_BYTES", 12 * 12 * 3)
    read_pdb(cmd, "plain")
    typed(cmd, "pomnoise plain, frames=20")
    return cmd


@pytest.fixture
def in_the_middle(monkeypatch):
    """A function that lets a module's next command do something when it first tells how far it is."""
    import importlib

    def hook(module, action, patch=monkeypatch):
        done = []

        def tell(*_):
            if not done:
                done.append(True)
                action()

        place = importlib.import_module(f"pomodoro_pymol.commands.{module}")
        patch.setattr(place, "progress", lambda *_: tell)
        return done

    return hook


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("line", COMMANDS)
def test_the_session_changes_in_the_middle(plain, typed, read_pdb, in_the_middle, tmp_path, line, deed):
    done = in_the_middle(COMMANDS[line], lambda: plain.do(DEEDS[deed]))
    printed = typed(plain, line)
    assert done
    assert "Traceback" not in printed
    printed = "\n".join(text for text in printed.splitlines() if not text.startswith(" Remove: "))  # PyMOL's own
    assert "_pomodoro" not in printed
    errors = [text for text in printed.splitlines() if "Error" in text]
    assert len(errors) <= 1, printed
    assert [name for name in plain.get_names("all") if name.startswith("_")] == []
    assert bool(errors) == (deed in FATAL[line.split()[0]])
    if errors:
        assert errors[0].startswith(" Error: ")
        assert "during the run" in errors[0]
        assert os.listdir(tmp_path) == []
    plain.delete("all")
    read_pdb(plain, "plain")
    assert "Error" not in typed(plain, "pomnoise plain, frames=2")


@pytest.mark.parametrize("trouble", ["full", "read-only", "absent"])
def test_frames_need_no_disk(plain, typed, snapshot, mount, fill, tmp_path, trouble):
    """Frames go to PyMOL through a temporary file; where there is no room for it, without."""
    assert "Error" not in typed(plain, "pomnoise plain, frames=9, name=whole")
    disk = tmp_path / "absent" if trouble == "absent" else mount("64k", *["ro"][: trouble == "read-only"])
    if trouble == "full":
        fill(disk)
    with pytest.MonkeyPatch.context() as patch:  # pytest needs such files too
        patch.setattr(tempfile, "tempdir", str(disk))
        lines = ("pomnoise plain, frames=9", "pomalign plain_noise", "pomsweep plain, frames=1, z=0:1")
        printed = [typed(plain, line) for line in lines]
    assert "Error" not in "".join(printed)
    assert "Traceback" not in "".join(printed)
    assert snapshot(plain, "plain_noise") == snapshot(plain, "whole")
    assert plain.count_states("plain_noise_aligned") == 10
    assert trouble == "absent" or {path.name for path in disk.iterdir()} <= {"full"}


WRITERS = {
    "pomsave PLACE/out.pdb": "out.pdb",
    "pomsave PLACE/out.cif": "out.cif",
    "pomsave PLACE/out.dcd": "out.dcd",
    "pomsave PLACE/out.pdb, level=residue": "out.pdb",
    "pomtable plain, frames=1, csv=PLACE/out.csv": "out.csv",
    "pomtable plain, frames=1, z=0, figure=PLACE/out.png": "out.png",
    "pomprecond plain, z=0, csv=PLACE/out.csv": "out.csv",
    "pomsweep plain, frames=1, z=0, csv=PLACE/out.csv": "out.csv",
    "pommeasure plain_noise, csv=PLACE/out.csv": "out.csv",
    "pomsweep plain, frames=1, z=0, figure=PLACE/out.svg": "out.svg",
    "pomsample plain, steps=3, csv=PLACE/out.csv": "out.csv",
    "pomsample plain, steps=3, figure=PLACE/out.pdf": "out.pdf",
}


@pytest.mark.filterwarnings("ignore")  # of matplotlib, on axes of so few points
def test_nothing_is_lost_where_a_file_cannot_be_written(plain, typed, session, differences, mount, fill):
    disk = mount("1m")

    def remount(how):
        subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)

    for line, name in WRITERS.items():
        line = line.replace("PLACE", str(disk))
        (disk / name).write_text("old")
        full = fill(disk)
        before = session(plain)
        for how, reason in (("rw", "No space left on device"), ("ro", "Read-only file system")):
            remount(how)
            printed = typed(plain, line)
            assert f" Error: cannot write {disk}/{name}: {reason}" in printed.splitlines()
            assert printed.count("Error") == 1
            assert "Traceback" not in printed
            assert differences(before, session(plain)) == []
            assert (disk / name).read_text() == "old"
            assert {path.name for path in disk.iterdir()} == {name, "full"}
        remount("rw")
        full.unlink()
        assert "Error" not in typed(plain, line)
        assert [path.name for path in disk.iterdir()] == [name]
        assert (disk / name).stat().st_size > 3
        (disk / name).unlink()


def test_presets_and_commands_with_a_home_that_cannot_be_written(hpv, typed, mount, monkeypatch):
    home = mount("64k", "ro")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    assert "Read-only file system" in typed(hpv, "pomweights save=mine")
    assert "Error" not in typed(hpv, "pomnoise preset=ms, frames=2")
    monkeypatch.setenv("HOME", str(home / "absent"))
    assert "Error" not in typed(hpv, "pomnoise preset=ms, frames=2")
    assert len([text for text in typed(hpv, "pomweights save=mine").splitlines() if "Error" in text]) == 1


SHORT = {
    # what is raised in the middle: what the one line says
    "MemoryError": (MemoryError(), "memory does not suffice: ask for fewer frames or atoms"),
    "NumPy": ("numpy", "memory does not suffice"),
    "PyTorch": ("torch", "memory does not suffice"),
    "GPU": ("cuda", "the GPU's memory does not suffice: use device=cpu"),
    "disk": (OSError(28, "No space left on device", "x.tmp"), "x.tmp: No space left on device"),
}


def _shortage(kind):
    """Raise what NumPy and PyTorch raise themselves."""
    import numpy
    import torch

    if kind == "numpy":
        numpy.empty(2**60, "u1")
    elif kind == "torch":
        torch.empty(2**60, dtype=torch.uint8)
    elif kind == "cuda":
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee documentation")
    raise kind


@pytest.mark.parametrize("what", SHORT)
def test_memory_fails_in_the_middle(plain, typed, session, differences, in_the_middle, tmp_path, what):
    kind, words = SHORT[what]
    for line, module in COMMANDS.items():
        if what == "GPU" and line.startswith(("pomnoise", "pomsample")):
            continue  # they go on without: tests/core, and test_full_memory
        with pytest.MonkeyPatch.context() as patch:
            before = session(plain)
            in_the_middle(module, lambda: _shortage(kind), patch)
            printed = typed(plain, line)
            assert "Traceback" not in printed
            errors = [text for text in printed.splitlines() if "Error" in text]
            assert len(errors) == 1
            assert errors[0].startswith(f" Error: {words}"), printed
            assert differences(before, session(plain)) == []
            assert os.listdir(tmp_path) == []
        assert "Error" not in typed(plain, line)
        for path in tmp_path.iterdir():
            path.unlink()


UNDER_A_LIMIT = """
import os, resource, sys
import pymol2
from pomodoro_pymol import commands

extra, limited_before_torch = int(sys.argv[1]), sys.argv[2] == "bare"
instance = pymol2.PyMOL()
instance.start()
cmd = instance.cmd
commands.register(cmd)
cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "m", quiet=1)
if not limited_before_torch:
    cmd.do("pomnoise m, frames=2, name=one")
mapped = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (mapped + (extra << 20), resource.RLIM_INFINITY))
for line in ("pomnoise m, frames=900", "pomsample m, steps=2", "pomsweep m, frames=1", "pomtable m, frames=9, z=0"):
    before = set(cmd.get_names("all"))
    print("LINE", line, flush=True)
    cmd.do(line)
    print("MADE", sorted(set(cmd.get_names("all")) - before), flush=True)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
if not limited_before_torch:
    cmd.do("pomnoise m, frames=2, name=two")
    print("LAST", cmd.count_states("two"), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
@pytest.mark.parametrize(("extra", "torch"), [(150, "bare"), (280, "loaded"), (330, "loaded")])
def test_a_limit_of_address_space(run_python, extra, torch):
    """Each command works or says in one line that memory is short; the session is as it was, and usable afterwards."""
    done = run_python("-c", UNDER_A_LIMIT, str(extra), torch)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed
    runs = done.stdout.split("LINE ")[1:]
    assert len(runs) == 4
    for run in runs:
        errors = [text for text in run.partition("MADE")[0].splitlines() if "Error" in text]
        made = run.partition("MADE ")[2].splitlines()[0]
        if errors:
            assert len(errors) == 1
            assert "memory" in errors[0] or "cannot be imported" in errors[0]
            assert made == "[]"
        else:
            assert run.startswith("pomtable") or "m_" in made
    if torch == "loaded":
        assert "LAST 3" in done.stdout
        assert ("Error" in runs[0]) == (extra < 300)


def test_ctrl_c_in_python(plain, session, differences, in_the_middle, tmp_path):
    """In Python it is KeyboardInterrupt, though PyMOL would end the process; the session is as it was."""
    from pomodoro_pymol import commands

    for line, module in COMMANDS.items():
        with pytest.MonkeyPatch.context() as patch:
            before = session(plain)
            in_the_middle(module, lambda: os.kill(os.getpid(), signal.SIGINT), patch)
            name, _, words = line.partition(" ")
            position, *named = words.split(", ")
            values = dict(pair.split("=") for pair in named if "=" in pair)
            position = [position, *(word for word in named if "=" not in word)]
            with pytest.raises(KeyboardInterrupt):
                getattr(commands, name)(*position, **values, _self=plain)
            assert differences(before, session(plain)) == []
            assert os.listdir(tmp_path) == []


SCRIPT = """
import pomodoro_pymol.commands
load $PYMOL_DATA/demo/1tii.pdb, m
python
print("READY", flush=True)
python end
pomnoise m, frames=5000
python
print("WENT ON", flush=True)
python end
"""


def interrupt(arguments, folder, moment, sent=signal.SIGINT):
    """Start a process of Python, wait until it is ready and a while, send a signal; return its end.

    The moment is seconds, or a pattern of the file that is to be there first.
    """
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = ""
    for text in process.stdout:
        printed += text
        if text.startswith("READY"):
            break
    end = time.monotonic() + (moment if isinstance(moment, (int, float)) else 60)
    while time.monotonic() < end and not (isinstance(moment, str) and list(folder.glob(moment))):
        time.sleep(0.01)
    process.send_signal(sent)
    try:
        printed += process.communicate(timeout=60)[0]
    finally:
        process.kill()
    return process.returncode, printed


@pytest.mark.skipif(os.name != "posix", reason="PyMOL's own handler is mended on POSIX")
def test_ctrl_c_in_a_script(tmp_path):
    (tmp_path / "script.pml").write_text(SCRIPT)
    status, printed = interrupt(["-m", "pymol", "-cq", "script.pml"], tmp_path, "tmp/pomodoro-*/frames.js")
    assert status == 1  # as PyMOL ends itself
    assert " interrupted: the session is as it was before\n" in printed
    assert "WENT ON" not in printed
    assert "Traceback" not in printed
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize("call", ["iterate", "iterate_state"])
def test_ctrl_c_while_pymol_evaluates_an_expression(plain, call):
    from pomodoro_pymol.viewer import host

    seen = []

    def put(atom):
        if not seen:
            os.kill(os.getpid(), signal.SIGINT)
        seen.append(atom)

    def go_on():
        with host.interruptible():
            getattr(plain, call)(*state, "all", "put(index)", space={"put": put})
            while True:
                time.sleep(0.01)

    state = (1,) if call == "iterate_state" else ()
    with pytest.raises(KeyboardInterrupt):
        go_on()
    assert len(seen) == plain.count_atoms("all")


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize(
    ("command", "moment"),
    [("noise", ".part-*-out.pdb"), ("sample", 1), ("demo", "tmp/pomodoro-*/frames.js")],
)
def test_ctrl_c_on_the_command_line(tmp_path, command, moment):
    import pymol

    path = next(path for path in (Path(pymol.__file__).parent / "data", Path("/usr/share/pymol/data")) if path.exists())
    path = path / "demo" / "1tii.pdb"
    given = {
        "noise": [path, "--frames", "3000", "--output", "out.pdb", "--csv", "out.csv"],
        "sample": [path, "--steps", "5000", "--every", "5000", "--output", "out.pdb"],
        "demo": ["--frames", "5000", "--output", "demo"],
    }[command]
    (tmp_path / "out.pdb").write_text("old")
    imports = "import sys; from pomodoro_pymol import cli, run_noise, run_sample"
    code = f"{imports}; print('READY'); sys.exit(cli.main(sys.argv[1:]))"
    status, printed = interrupt(["-c", code, command, *map(str, given)], tmp_path, moment)
    assert status == 130, printed
    assert printed.endswith("interrupted: nothing half-written is left\n")
    assert "Traceback" not in printed
    assert (tmp_path / "out.pdb").read_text() == "old"
    assert {each.name for each in tmp_path.iterdir()} <= {"out.pdb", "out.csv", "tmp", "demo"}
    assert [each.name for each in tmp_path.rglob("*") if each.name.startswith((".part-", "pomodoro-"))] == []


KILLED = """
import sys
import pymol2
from pomodoro_pymol import commands

with pymol2.PyMOL() as instance:
    cmd = instance.cmd
    commands.register(cmd)
    cmd.load(cmd.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "m", quiet=1)
    for number in range(int(sys.argv[1])):
        commands.pomnoise("m", frames=60, seed=number, _self=cmd)
        commands.pomsave("out.dcd", _self=cmd)
        print("READY", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="killed and locked as on POSIX")
def test_a_killed_run_leaves_nothing_that_looks_like_a_result(tmp_path):
    status, _ = interrupt(["-c", KILLED, "999"], tmp_path, "tmp/pomodoro-*/frames.js", signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert list(tmp_path.glob("tmp/pomodoro-*/frames.js"))
    assert {path.name for path in tmp_path.iterdir() if path.name[:6] != ".part-"} == {"out.dcd", "tmp"}
    assert (tmp_path / "out.dcd").stat().st_size == 196 + 60 * 3 * (8 + 4 * 1631)
    interrupt(["-c", KILLED, "1"], tmp_path, 0, 0)  # to its own end
    assert {path.name for path in tmp_path.iterdir()} == {"out.dcd", "tmp"}
    assert list((tmp_path / "tmp").glob("*/*")) == []


@pytest.mark.parametrize("command", ["demo", "noise"])
def test_the_command_line_on_a_full_disk(run_python, mount, fill, command):
    disk = mount("256k")
    names = {"demo": ["1hpv_noise.csv", "1hpv_noise.pse"], "noise": ["out.pdb"]}[command]
    for name in names:
        (disk / name).write_text("old")
    fill(disk)
    if command == "demo":
        given = ["--frames", "2", "--output", disk]
    else:
        given = [Path(__file__).parents[1] / "data" / "2juy.pdb.gz", "--frames", "2", "--output", disk / "out.pdb"]
    done = run_python("-m", "pomodoro_pymol", command, *given)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"error: cannot write {disk / names[0]}: No space left on device"
    assert "Traceback" not in done.stdout + done.stderr
    assert {path.name: path.read_text() for path in disk.iterdir() if path.name != "full"} == dict.fromkeys(
        names, "old"
    )


def test_the_demos_refusals_are_one_line(tmp_path):
    from pomodoro_pymol.demo import run_demo
    from pomodoro_pymol.errors import PomodoroError
    from pomodoro_pymol.parameters.catalogue import NoiseParameters

    with pytest.raises(PomodoroError, match=r"^1000000 frames of \d+ atoms needs about"):
        run_demo(tmp_path / "demo", NoiseParameters(frames=1_000_000))
    assert list((tmp_path / "demo").iterdir()) == []


def test_sessions_and_pictures_on_a_full_disk(plain, mount, fill):
    """PyMOL itself does not tell of a picture that it could not write."""
    from pomodoro_pymol.errors import PomodoroError
    from pomodoro_pymol.viewer import scenes

    disk = mount("64k")
    for name in ("x.pse", "x.png"):
        (disk / name).write_text("old")
    full = fill(disk)
    with pytest.raises(PomodoroError, match=r"cannot write .*x.pse: No space left on device"):
        scenes.save(disk / "x.pse", "", _self=plain)
    with pytest.raises(PomodoroError, match=r"cannot write .*x.png: .* as on a full disk"):
        scenes.save_picture("plain_noise", disk / "x.png", _self=plain)
    assert {path.name: path.read_text() for path in disk.iterdir() if path != full} == {"x.pse": "old", "x.png": "old"}
