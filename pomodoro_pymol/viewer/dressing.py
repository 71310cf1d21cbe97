"""How our objects are shown: so that it is seen that atoms move, or as the user left them; and the truth as a trace."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from .host import kept_session, muted
from .reading import count_atoms, pieces
from .sources import copy_atoms
from .store import get_record, is_ours, spelling

#: More atoms than this are lines rather than sticks, which take longer to draw.
MANY_ATOMS = 20_000
_PER_ATOM = ("lines", "sticks", "spheres", "dots", "surface", "mesh", "nonbonded", "nb_spheres", "ellipsoids")
#: What atoms without a bond, of which sticks and lines draw nothing, show beside them.
_UNBONDED = {"sticks": "nb_spheres", "lines": "nonbonded"}
_RADIUS = "stick_radius"
#: PyMOL's radius of sticks, and ours: noised bonds are long, and thinner ones hide less of each other.
_THICK, _THIN = 0.25, 0.15
_GREY = "grey70"
_TRACE_WIDTH = 1.5
# Which atom it is, whatever the order: a label can repeat, and so can a rank, but hardly all of them.
_KEY = "hash((rank, segi, chain, resi, name, alt))"


def dress_steps(
    draft_name: str, name: str, source: str, rep: str, piece: int = 0, *, _self
) -> Generator[None, None, None]:
    """Choose what a hidden draft, which is to become the object ``name``, shows; so many atoms at a time.

    Parameters
    ----------
    draft_name, name : str
    source : str
        Object of which the draft is a copy.
    rep : {"auto", "sticks", "lines", "cartoon"}
        "auto" shows what the former object of that name shows, where it has the same atoms; else
        what the source does, but sticks (lines for many atoms) where that is only a cartoon or ribbon,
        unless the source is ours: there a cartoon is somebody's choice.
    """
    if rep != "auto":
        _show_alone(draft_name, rep, _self)
        return
    if not is_ours(source, _self=_self):
        _show_atoms(draft_name, _self)
    yield
    n_atoms = count_atoms(f"%{draft_name}", _self=_self)
    former = spelling(name, _self=_self)
    if get_record(former, _self=_self) is None or count_atoms(f"%{former}", _self=_self) != n_atoms:
        return
    shown: dict[int, int] = {}
    for part in pieces(f"%{former}", n_atoms, piece, _self):
        _self.iterate(part, f"put({_KEY}, reps)", space={"put": shown.__setitem__, "hash": hash})
        yield
    if len(shown) == n_atoms:  # otherwise it does not tell them apart
        _set_radius(draft_name, _self.get_setting_float(_RADIUS, former), _self)
        for part in pieces(f"%{draft_name}", n_atoms, piece, _self):
            _self.alter(part, f"reps = get({_KEY}, reps)", space={"get": shown.get, "hash": hash})
            yield


def _show_atoms(name: str, _self) -> None:
    """Show the atoms of polymers of which only a cartoon or ribbon is shown, which hides how they move."""
    rep = "sticks" if count_atoms(f"%{name}", _self=_self) <= MANY_ATOMS else "lines"
    shown = " or ".join(f"rep {other}" for other in _PER_ATOM)
    chosen = _self.get_unused_name("_pomodoro_atoms")
    with muted(_self):
        smooth = f"%{name} and polymer and bonded and (rep cartoon or rep ribbon) and not ({shown})"
        if _self.select(chosen, smooth, enable=0, quiet=1):
            _self.show(rep, f"%{chosen}")
            _self.hide("cartoon", f"%{chosen}")
            _self.hide("ribbon", f"%{chosen}")
            _thin(name, _self)
        _self.delete(chosen)


def _show_alone(name: str, rep: str, _self) -> None:
    """Show an object as sticks, lines, or cartoon with sticks for what is no polymer, and nothing else."""
    per_atom = "sticks" if rep == "cartoon" else rep
    rest = f"%{name} and not polymer" if rep == "cartoon" else f"%{name}"
    with muted(_self):
        _self.hide("everything", f"%{name}")
        if rep == "cartoon":
            _self.show("cartoon", f"%{name} and polymer")
        _self.show(per_atom, rest)
        _self.show(_UNBONDED[per_atom], f"{rest} and not bonded")
    _thin(name, _self)


def _thin(name: str, _self) -> None:
    """Make sticks thin, unless somebody chose how thick they are."""
    if _self.get_setting_float(_RADIUS, name) == _THICK:
        _set_radius(name, _THIN, _self)


def _set_radius(name: str, radius: float, _self) -> None:
    if _self.get_setting_float(_RADIUS, name) != radius:
        _self.set(_RADIUS, radius, name, quiet=1)


def show_spheres(name: str, *, _self) -> None:
    """Show the atoms as touching spheres, on which colours of neighbours are told apart best."""
    with muted(_self):
        _self.hide("everything", f"%{name}")
        _self.show("spheres", f"%{name}")


@contextmanager
def trace(draft_name: str, title: str, *, _self) -> Iterator[str]:
    """Yield a hidden copy of the first state of a draft, thin and grey, which goes at the end unless it is published.

    Polymers are ribbons, all else lines.
    """
    name = _self.get_unused_name("_pomodoro")
    try:
        with muted(_self), kept_session(_self):
            copy_atoms(name, f"%{draft_name}", 1, 1, _self)
            _self.hide("everything", f"%{name}")
            _self.show("ribbon", f"%{name} and polymer")
            _self.show("lines", f"%{name} and not polymer")
            _self.show("nonbonded", f"%{name} and not polymer and not bonded")
            _self.color(_GREY, f"%{name}", quiet=1)
            for setting in ("ribbon_width", "line_width"):
                _self.set(setting, _TRACE_WIDTH, name, quiet=1)
        _self.set_title(name, 1, title)
        yield name
    finally:
        if name in _self.get_names("all"):
            _self.delete(name)
