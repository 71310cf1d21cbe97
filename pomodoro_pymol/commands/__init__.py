"""The PyMOL commands: text in, parameters, run, report.

Importing this package registers them in PyMOL's global instance; `register` does so for
an instance of ``pymol2``. Nothing heavy is imported before a command runs.
"""

from .check import pomcheck
from .declare import register
from .diffusion import pomdenoise, pomprecond
from .frames import pomalign, pomsave
from .laboratory import pomsweep, pomtable, pomweights
from .noise import pomcolor, pomnoise
from .sampling import pomsample

__all__ = [
    "pomalign",
    "pomcheck",
    "pomcolor",
    "pomdenoise",
    "pomnoise",
    "pomprecond",
    "pomsample",
    "pomsave",
    "pomsweep",
    "pomtable",
    "pomweights",
    "register",
]

register()
