"""The one error the library raises on purpose."""

#: Messages of more characters lose their middle.
_LONGEST = 600


class PomodoroError(ValueError):
    """Bad input, said in one line: what was wrong, and what would be right.

    The PyMOL commands turn it into ``pymol.CmdException``, the command line
    into exit status 2; Python callers may catch it as a ``ValueError``. What
    cannot be printed in a line, such as the end of one, is escaped.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, "" where it says nothing."""
    return (str(error).strip().splitlines() or [""])[0]


def one_line(text: str) -> str:
    """Return text as one line that is not too long: what cannot be printed is escaped."""
    line = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
