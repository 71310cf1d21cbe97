"""A short run of each fuzz target; long ones are started by hand, as the targets say."""

import importlib.util
import os
import platform
import re
import sys
from pathlib import Path

import pytest

# As setup.cfg has it.
HAS_ATHERIS = sys.platform == "linux" and platform.machine() == "x86_64" and (3, 11) <= sys.version_info < (3, 13)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None and not (HAS_ATHERIS and os.environ.get("CI") == "true"),
    reason="atheris is not installed",
)


@pytest.mark.parametrize(("target", "runs"), [("fuzz_parser", 4000), ("fuzz_session", 1000)])
def test_nothing_is_found(run_python, monkeypatch, tmp_path, target, runs):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    # Not as a child of this process: Linux counts the most that the parent held as the child's, and libFuzzer ends
    # for too much memory.
    between = ("sh", "-c", '"$@"; exit $?', "sh")
    done = run_python(Path(__file__).with_name(f"{target}.py"), f"-atheris_runs={runs}", prefix=between, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert int(re.search(r"Done (\d+) (?:runs )?in", done.stdout + done.stderr)[1]) >= runs
