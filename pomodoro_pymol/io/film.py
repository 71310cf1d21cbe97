"""Films from pictures: animated GIF by Pillow, MP4 by ffmpeg, or a folder of pictures; whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PomodoroError
from .disk import atomic_write, check_target, temporary_folder, user_path

if TYPE_CHECKING:
    from PIL import Image

#: What a film can be, by how its name ends.
GIF, MP4, FOLDER = ".gif", ".mp4", "folder"
# At most so many characters and lines of a caption are drawn.
_LONGEST, _LINES = 300, 3
# A letter's height as a part of the picture's width, and its least and greatest height in pixels.
_LETTER, _SMALL, _LARGE = 1 / 40, 11, 32


def film_kind(filename: str) -> str:
    """Return what film a name asks for, once it is sure that one can be written there: `GIF`, `MP4` or `FOLDER`.

    Raises
    ------
    PomodoroError
        If the ending is of none, if no such file or folder can be written, or if ffmpeg is missing.
    ImportError
        If Pillow is missing.
    """
    import PIL.Image  # noqa: F401

    path = user_path(filename)
    ending = path.suffix.lower()
    if not filename or not path.name or (ending not in (GIF, MP4, "") and not filename.endswith(("/", os.sep))):
        raise PomodoroError(
            f"filename must end in .gif or .mp4, or name a new folder for pictures, as in film/, not {filename!r}"
        )
    if filename.endswith(("/", os.sep)) or not ending:
        _check_folder(path)
        return FOLDER
    check_target(path)
    if ending == MP4 and not shutil.which("ffmpeg"):
        raise PomodoroError(
            f"{path.name} needs the program ffmpeg, which is not on PATH: install it, or write {path.stem}.gif"
        )
    return ending


def _check_folder(path: Path) -> None:
    """Refuse a path where no new folder can be made, and none that is empty can be filled."""
    reason = ""
    if path.is_dir():
        reason = "the folder is not empty" if any(path.iterdir()) else ""
    elif os.path.lexists(path):
        reason = "it is a file"
    elif not path.parent.is_dir():
        reason = "its folder does not exist"
    if reason:
        raise PomodoroError(f"cannot write {path}: {reason}")


def frame_rate(kind: str, fps: int) -> float:
    """Return the pictures a second that a film really has: GIF counts in hundredths of a second."""
    return 100 / round(100 / fps) if kind == GIF else fps


def forwards_and_back(count: int) -> list[int]:
    """Return the numbers 0 to ``count`` - 1 and back to 1, so that a film that starts anew shows no picture twice."""
    return [*range(count), *range(count - 2, 0, -1)]


class Captions:
    """Texts in a strip below pictures, which is as high for all of them.

    Parameters
    ----------
    texts : sequence of str
    width : int
        Of the pictures, in pixels.
    ground : (int, int, int)
        Colour of the strip, 0 to 255.

    Attributes
    ----------
    height : int
        Of the strip, in pixels.
    """

    def __init__(self, texts: Sequence[str], width: int, ground: tuple[int, int, int]) -> None:
        from PIL import ImageFont

        self._ground = ground
        self._letter = min(max(round(width * _LETTER), _SMALL), _LARGE)
        try:
            self._font = ImageFont.load_default(self._letter)
        except TypeError:  # before Pillow 10.1 there is one size
            self._font = ImageFont.load_default()
        self._margin = self._letter // 2
        self._lines = [self._broken(text, width - 2 * self._margin) for text in texts]
        self._step = round(1.25 * self._letter)
        self.height = max(map(len, self._lines)) * self._step + self._margin

    def below(self, picture: Any, number: int) -> Image.Image:
        """Return a picture, shape=(height, width, 3), 0 to 255, with the text of a number, counted from 0, below it."""
        from PIL import Image, ImageDraw

        height, width, _ = picture.shape
        whole = Image.new("RGB", (width, height + self.height), self._ground)
        whole.paste(Image.fromarray(picture), (0, 0))
        draw = ImageDraw.Draw(whole)
        ink = "black" if sum(self._ground) > 3 * 127 else "white"
        for row, line in enumerate(self._lines[number]):
            draw.text((self._margin, height + self._margin // 2 + row * self._step), line, fill=ink, font=self._font)
        return whole

    def _broken(self, text: str, room: int) -> list[str]:
        """Return the lines of a text, which are not wider than ``room`` pixels."""
        known = text[:_LONGEST].encode("latin-1", "replace").decode("latin-1")  # old Pillow's font has no other letters
        words = "".join(letter if letter.isprintable() else " " for letter in known).split()
        lines: list[str] = []
        for word in words:
            if lines and self._font.getlength(f"{lines[-1]} {word}") <= room:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        for number, line in enumerate(lines):
            while len(line) > 1 and self._font.getlength(line) > room:
                line = line[:-1]
            lines[number] = line
        return lines[:_LINES]


def write_film(
    path: Path, kind: str, pictures: Sequence[Path], fps: int, tell: Callable[[int, int], None] = lambda *_: None
) -> None:
    """Write pictures, PNG files of one size, as a film.

    Parameters
    ----------
    path : Path
    kind : str
        As `film_kind` says.
    pictures : sequence of Path
        In the order in which they are shown; one may come twice.
    fps : int
        Pictures a second.
    tell : callable
        Told how many are written, and of how many.

    Raises
    ------
    PomodoroError
        If it cannot be written, in which case ``path`` is as it was.
    """
    if kind == FOLDER:
        _write_folder(path, pictures, tell)
        return
    with atomic_write(path) as file:
        if kind == GIF:
            _write_gif(file, pictures, fps, tell)
        else:
            _write_mp4(path, file.name, pictures, fps, tell)


def _opened(pictures: Sequence[Path], tell: Callable[[int, int], None]) -> Iterator[Image.Image]:
    """Yield pictures one by one, each open until the next is asked for; tell how many came before it."""
    from PIL import Image

    for number, path in enumerate(pictures):
        tell(number, len(pictures))
        with Image.open(path) as picture:
            yield picture


def _write_gif(file: Any, pictures: Sequence[Path], fps: int, tell: Callable[[int, int], None]) -> None:
    """Write an animated GIF that starts anew at its end."""
    from PIL import Image

    # Each picture has 256 colours of its own, chosen so that no pixel's is far off, since colours stand for numbers.
    nearest, distinct = Image.Quantize.MAXCOVERAGE, list(dict.fromkeys(pictures))
    known = {path: picture.quantize(256, nearest) for path, picture in zip(distinct, _opened(distinct, tell))}
    first, *rest = (known[path] for path in pictures)
    duration = round(100 / fps) * 10
    first.save(file, format="GIF", save_all=True, append_images=rest, duration=duration, loop=0)


def _write_mp4(path: Path, name: str, pictures: Sequence[Path], fps: int, tell: Callable[[int, int], None]) -> None:
    """Let ffmpeg write the file ``name``, which becomes ``path``; players want even numbers of pixels."""
    from PIL import Image

    with Image.open(pictures[0]) as first:
        width, height = first.size
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    command = [shutil.which("ffmpeg") or "ffmpeg", "-y", "-loglevel", "error", *raw, *even, name]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said)
        assert process.stdin
        try:
            with suppress(BrokenPipeError), process.stdin as pipe:
                for picture in _opened(pictures, tell):
                    pipe.write(picture.tobytes())
            failed = process.wait()
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        lines = said.read().decode(errors="replace").split("\n")
    if failed or not os.path.getsize(name):
        reason = next((line.strip() for line in reversed(lines) if line.strip()), f"it ended with {failed}")
        raise PomodoroError(f"cannot write {path}: ffmpeg says: {reason}")


def _write_folder(path: Path, pictures: Sequence[Path], tell: Callable[[int, int], None]) -> None:
    """Make a folder with the pictures in it, numbered from 1 as those of PyMOL's mpng."""
    try:
        with temporary_folder(".part-", path.absolute().parent) as folder:
            whole = folder / "film"
            whole.mkdir()
            for number, picture in enumerate(pictures, 1):
                tell(number - 1, len(pictures))
                shutil.copyfile(picture, whole / f"{path.name}{number:04}.png")
            if path.is_dir():
                path.rmdir()
            os.rename(whole, path)
    except OSError as error:
        raise PomodoroError(f"cannot write {path}: {error.strerror or error}") from None
