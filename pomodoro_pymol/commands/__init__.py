"""The PyMOL commands: text in, parameters, run, report.

Importing this package registers them in PyMOL's global instance; `register` does so for
an instance of ``pymol2``. Nothing heavy is imported before a command runs.
"""

from .align import pomalign
from .check import pomcheck
from .color import pomcolor
from .compare import pomcompare
from .declare import register
from .denoise import pomdenoise
from .measure import pommeasure
from .movie import pommovie
from .noise import pomnoise
from .panel import pompanel
from .precond import pomprecond
from .sample import pomsample
from .save import pomsave
from .signal import pomsignal
from .survey import pomsurvey
from .sweep import pomsweep
from .table import pomtable
from .train import pomtrain
from .weights import pomweights

__all__ = [
    "pomalign",
    "pomcheck",
    "pomcolor",
    "pomcompare",
    "pomdenoise",
    "pommeasure",
    "pommovie",
    "pomnoise",
    "pompanel",
    "pomprecond",
    "pomsample",
    "pomsave",
    "pomsignal",
    "pomsurvey",
    "pomsweep",
    "pomtable",
    "pomtrain",
    "pomweights",
    "register",
]

register()
