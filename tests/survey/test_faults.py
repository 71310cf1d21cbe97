"""Faults on a cluster of two workers: the file of the rows is that of an undisturbed plain loop, bit for bit."""

import gzip
import json
import subprocess
import sys
import time

import bad_input
import psutil
from pyarrow import parquet

from pomodoro_pymol.survey.survey_file import read_survey

WORKER, READER = "multiprocessing.spawn", "survey.child"


def check_done(running, plain):
    status, out, err = running.end()
    assert (status, "Traceback" in err) == (0, False), err
    assert running.output.read_bytes() == plain
    assert not running.journal.exists()
    return out, err


def test_three_workers_are_a_plain_loop(start, plain):
    out, _ = check_done(start("--workers", 3), plain)
    assert "60 structures of 60 files; 3 files of 63 not read" in out


def test_processes_killed_in_the_middle(start, plain):
    running = start()
    for lines, kinds in ((5, [READER]), (12, [WORKER]), (24, [WORKER, WORKER])):
        running.wait_for_lines(lines)
        for kind, process in zip(kinds, running.processes(kinds[0])):
            assert kind in " ".join(process.cmdline())
            process.kill()
    before = {process.pid for process in running.processes(WORKER)}
    while not (new := [process for process in running.processes(WORKER) if process.pid not in before]):
        time.sleep(0.01)
    new[0].kill()  # as it starts, after which Dask has no other
    check_done(running, plain)


def test_ctrl_c_and_an_end_at_once_keep_what_is_done(start, plain):
    running = start()
    running.wait_for_lines(15)
    running.interrupt()
    status, _, err = running.end()
    assert (status, "Traceback" in err) == (130, False), err
    assert f"stopped: what is done is kept in {running.journal}" in err
    done = running.journal.read_bytes().count(b"\n") - 1
    assert not running.output.exists()
    running = start()
    running.wait_for_lines(done + 10)
    left = [*running.processes(WORKER), *running.processes(READER)]
    running.kill()
    psutil.wait_procs(left, timeout=60)
    assert not any(process.is_running() for process in left)
    with open(running.journal, "ab") as file:
        file.write(b'["/cut/off/in/the/mid')
    done = running.journal.read_bytes().count(b"\n") - 1
    _, err = check_done(start(), plain)
    assert f"{done} of 63 files are done already" in err


def test_a_full_disk_keeps_what_is_done(start, plain, mount, fill):
    disk = mount("200k")
    running = start(output=disk / "survey.parquet")
    running.wait_for_lines(20)
    full = fill(disk)
    status, _, err = running.end()
    assert status == 2
    assert err.splitlines()[-1] == (
        f"error: cannot write {running.journal}: No space left on device; what is whole in it is kept, and the same "
        "command goes on"
    )
    assert running.journal.read_bytes().count(b"\n") > 20
    full.unlink()
    subprocess.run(["mount", "-o", "remount,size=2m", disk], check=True)
    check_done(start(output=disk / "survey.parquet"), plain)
    assert [path.name for path in disk.iterdir()] == ["survey.parquet"]


def test_files_that_take_all_memory_and_forever_are_rows(start, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    text = bad_input.STRUCTURE.read_text()
    for name in "abcdefgh":
        (files / f"{name}.pdb").write_text(text)
    member = gzip.compress(b"REMARK 999".ljust(79) + b"\n" + bytes(1 << 26), 1)
    (files / "bomb.pdb.gz").write_bytes(member * 200)  # of 13 GB
    atoms = "".join(line + "\n" for line in text.splitlines() if line.startswith("ATOM"))
    models = (f"MODEL     {number % 10000:4}\n{atoms}ENDMDL\n" for number in range(20_000))
    (files / "long.pdb").write_text("".join(models))
    running = start("--seconds", 20, "--memory", 1, sources=(files,))
    status, out, err = running.end()
    assert status == 0, err
    survey = read_survey(running.output)
    reasons = {path.rpartition("/")[2]: error for path, error in zip(survey.path, survey.error) if error}
    assert reasons.pop("bomb.pdb.gz") == "reading it takes more than 1.0 GiB of memory"
    assert reasons.pop("long.pdb") in (
        "it was not read within 20 s",
        "reading it takes more than 1.0 GiB of memory",
    )
    assert reasons == {}
    assert "reading it takes more than 1.0 GiB of memory" in out
    table = parquet.read_table(running.output).to_pylist()
    assert len({tuple(row.values())[4:] for row in table if not row["error"]}) == 1


def test_a_scheduler_that_is_gone(start, plain, tmp_path):
    one = Cluster(tmp_path)
    running = start("--scheduler", one.address)
    running.wait_for_lines(20)
    one.kill()
    status, _, err = running.end(60)
    assert status == 2
    assert err.splitlines()[-1].startswith("error: the scheduler is gone: what is done is kept")
    with Cluster(tmp_path) as other:
        check_done(start("--scheduler", other.address), plain)
        assert other.readers() == []  # its workers go on, without children


class Cluster:
    """A scheduler with two workers, as they are started by hand."""

    def __init__(self, folder):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        place = folder / f"scheduler-{time.monotonic_ns()}.json"
        dask = [sys.executable, "-m", "dask"]
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", place]
        self._processes = [subprocess.Popen([*dask, "scheduler", *options], **quiet)]
        deadline = time.monotonic() + 60
        while not (place.exists() and place.read_text().endswith("}")) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.address = json.loads(place.read_text())["address"]
        options = ["--nthreads", "1", "--no-dashboard", "--death-timeout", "5", "--local-directory", folder]
        self._processes += [subprocess.Popen([*dask, "worker", self.address, *options], **quiet) for _ in range(2)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def readers(self):
        """Return the processes that read for the workers."""
        found = [child for worker in self._processes[1:] for child in psutil.Process(worker.pid).children(True)]
        return [process for process in found if READER in " ".join(process.cmdline())]

    def kill(self):
        left = [child for process in self._processes for child in psutil.Process(process.pid).children(True)]
        for process in [*self._processes, *left]:
            process.kill()
        for process in self._processes:
            process.wait()
