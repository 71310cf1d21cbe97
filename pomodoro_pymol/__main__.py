"""``python -m pomodoro_pymol``."""

import io
import sys

from .cli import main

for stream in (sys.stdout, sys.stderr):
    if isinstance(stream, io.TextIOWrapper):  # what a pipe's encoding lacks, as on Windows, is written as its number
        stream.reconfigure(errors="backslashreplace")
sys.exit(main())
