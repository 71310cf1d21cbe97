"""A film of the states of an object, or of one draw of noise at rising z."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import PomodoroError
from ..experiments.live import LiveDraw, live_bytes
from ..experiments.record import Record
from ..io import film
from ..io.disk import temporary_folder, user_path
from ..noise.sigma import law_note
from ..parameters.catalogue import MovieParameters, NoiseParameters
from ..utils import memory
from ..viewer import filming, grid, publishing, reading, store
from ..viewer.states import StateWriter
from .ours import check_frames, find_ours, read_ours
from .saving import MAKERS


@dataclass(frozen=True)
class Movie:
    """What was filmed.

    Attributes
    ----------
    object : str
    path : Path
    kind : str
        `film.GIF`, `film.MP4` or `film.FOLDER`.
    what : str
        What the pictures show, in words.
    n_pictures : int
    size : (int, int)
        Width and height, in pixels.
    rate : float
        Pictures a second.
    traced : bool
        Whether they were ray-traced.
    """

    object: str
    path: Path
    kind: str
    what: str
    n_pictures: int
    size: tuple[int, int]
    rate: float
    traced: bool

    def report(self) -> str:
        """Return what the command prints."""
        width, height = self.size
        rate = "" if self.kind == film.FOLDER else f", {self.rate:.3g} a second"
        traced = "ray-traced" if self.traced else "as the window shows them"
        return (
            f" pommovie: {self.object} -> {self.path.resolve()}: {self.n_pictures} pictures of {width} x {height} "
            f"pixels{rate}\n {self.what}, {traced}"
        )


def make_movie(parameters: MovieParameters, tell: Callable[[int, int], None], *, _self: Any) -> Movie:
    """Film an object; the session is afterwards as it was, and the film is written whole or not at all.

    Parameters
    ----------
    parameters : MovieParameters
    tell : callable
        Told how many pictures are drawn and written, and of how many.

    Raises
    ------
    PomodoroError
        If it is not clear which object is meant, the film cannot be written, or memory does not suffice.
    """
    kind = film.film_kind(parameters.filename)
    path = user_path(parameters.filename)
    name, record = _object(parameters, _self)
    n_states = len(parameters.z.values()) if parameters.z else _self.count_states(f"%{name}")
    if n_states < 2:
        raise PomodoroError("a film takes two states or noise levels at least: give z=, as in z=-3:1:0.25")
    order = film.forwards_and_back(n_states) if parameters.back else list(range(n_states))
    traced = bool(parameters.ray or parameters.width or parameters.height) or not filming.has_window(_self=_self)
    size = _size(parameters, _self)
    _check_memory(name, n_states if record else 0, len(order), size, _self)
    total = n_states + len(order)
    with temporary_folder("pomodoro-") as folder, ExitStack() as stack:
        shown = stack.enter_context(_noised(name, record, parameters, _self)) if record else name
        stack.enter_context(filming.on_screen(shown, name if record else "", _self=_self))
        titles = reading.titles(shown, _self=_self)[:n_states]
        titles = [title or f"state {number} of {n_states}" for number, title in enumerate(titles, 1)]
        ground = filming.background(_self=_self)
        captions = film.Captions(titles, size[0], ground)
        traced_size = (size[0], max(1, size[1] - captions.height)) if traced else None
        paths = []
        for number in range(n_states):
            tell(number, total)
            picture = filming.picture_of(shown, number + 1, folder, traced_size, _self=_self)
            if not number and picture.shape[1] != size[0]:  # a point of the window is not always a pixel
                captions = film.Captions(titles, picture.shape[1], ground)
            whole = captions.below(picture, number)
            paths.append(folder / f"{number}.png")
            whole.save(paths[-1], compress_level=1)
        stack.close()
        pictures = [paths[number] for number in order]
        film.write_film(path, kind, pictures, parameters.fps, lambda done, _: tell(n_states + done, total))
    what = f"{n_states} noise levels of one draw, z {parameters.z}" if record else f"states 1 to {n_states}"
    what += " forwards and back" if parameters.back else ""
    rate = film.frame_rate(kind, parameters.fps)
    return Movie(name, path, kind, what, len(order), whole.size, rate, traced)


def _object(parameters: MovieParameters, _self: Any) -> tuple[str, Record | None]:
    """Return the object that is meant; where noise levels are asked for, its record too."""
    if parameters.z:
        name, plain = find_ours(parameters.object, _self=_self)
        if plain.get("aligned"):
            raise PomodoroError(f"{name} was superposed by pomalign: name the object of pomnoise that it was made of")
        check_frames(name, plain, _self=_self)
        return name, Record.from_plain(plain)
    there = {name: _self.count_states(f"%{name}") for name in store.molecules(_self=_self)}
    if parameters.object:
        name = store.spelling(parameters.object, _self=_self)
        if name not in there:
            raise PomodoroError(f"there is no molecular object {parameters.object!r}: {_right(there)}")
        return name, None
    moving = [name for name, count in there.items() if count > 1]
    compared = grid.members(_self=_self)
    records = {name: store.get_record(name, _self=_self) or {} for name in moving}
    ours = [name for name, plain in records.items() if store.command_of(plain) in MAKERS]
    for group in ([name for name in ours if name not in compared], ours, moving):
        if len(group) == 1:
            return group[0], None
        if group:
            break
    raise PomodoroError(f"{len(moving) or 'no'} objects have several states: {_right(there)}")


def _right(there: dict[str, int]) -> str:
    moving = [name for name, count in there.items() if count > 1]
    return f"name one of: {', '.join(moving)}" if moving else f"run {NoiseParameters.command} first"


def _size(parameters: MovieParameters, _self: Any) -> tuple[int, int]:
    """Return width and height of the film; where one is given the other is in proportion to the viewport's."""
    across, up = filming.viewport(_self=_self)
    width, height = parameters.width, parameters.height
    if width is None and height is None:
        return across, up
    return width or max(1, round(across * (height or 0) / up)), height or max(1, round(up * (width or 0) / across))


def _check_memory(name: str, n_noised: int, n_pictures: int, size: tuple[int, int], _self: Any) -> None:
    n_atoms = reading.count_atoms(f"%{name}", _self=_self)
    needed = memory.film_bytes(n_pictures, size[0] * size[1])
    if n_noised:
        needed += memory.noise_bytes(n_atoms, n_noised) + live_bytes(n_atoms, 1)
    memory.require(needed, f"{n_pictures} pictures of {size[0]} x {size[1]} pixels and {n_atoms} atoms")


@contextmanager
def _noised(name: str, record: Record, parameters: MovieParameters, _self: Any) -> Iterator[str]:
    """Yield a hidden copy of an object of pomnoise whose states are its first frame at each z, titled."""
    assert parameters.z
    levels = [replace(record.parameters, z=z, sigma=None, frames=1) for z in parameters.z.values()]
    with filming.stand_in(name, _self=_self) as draft:
        structure = read_ours(draft, record, title=name, _self=_self)
        draw = LiveDraw(structure, levels[0], record.device)
        unit = draw.mix(record.parameters.weights)
        out = np.empty_like(structure.coords)
        with StateWriter(draft, structure.atom_at_place, after=0, _self=_self) as writer:
            for level in levels:
                draw.fill(unit, 0, level.noise_sigma, out)
                writer.write(torch.from_numpy(out)[None])
            writer.verify()
        publishing.set_titles(draft, [_title(level) for level in levels], _self=_self)
        yield draft


def _title(level: NoiseParameters) -> str:
    law = law_note(level.law_of_sigma)
    return f"z={level.z:.4g} sigma={level.noise_sigma:.4g} A per coordinate seed={level.seed}" + (
        f", {law}" * bool(law)
    )
