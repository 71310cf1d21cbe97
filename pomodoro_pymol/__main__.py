"""``python -m pomodoro_pymol``."""

import sys

from .cli import main

sys.exit(main())
