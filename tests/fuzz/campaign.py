"""Run a fuzz target on a corpus made of its seeds, in a temporary folder, which is HOME too."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "data")]


def check(error: Exception) -> None:
    """A refusal is one line."""
    (line,) = str(error).splitlines()
    assert line


def run(one: Callable[[bytes], None], seeds: Iterable[bytes]) -> None:
    """Fuzz with the options of the command line, which are libFuzzer's and ``-atheris_runs=``; ends the process."""
    corpus = tempfile.mkdtemp(prefix="fuzz-")
    atexit.register(shutil.rmtree, corpus)
    os.environ["HOME"] = corpus
    for number, seed in enumerate(dict.fromkeys(seeds)):
        (Path(corpus) / f"seed{number:04}").write_bytes(seed)
    atheris.Setup([*sys.argv, "-seed=1", "-max_len=1000", "-len_control=0", corpus], one)
    atheris.Fuzz()
