"""The one error the library raises on purpose."""


class PomodoroError(ValueError):
    """Bad input, said in one line: what was wrong, and what would be right.

    The PyMOL commands turn it into ``pymol.CmdException``, the command line
    into exit status 2; Python callers may catch it as a ``ValueError``.
    """
