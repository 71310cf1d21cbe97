"""What our objects show: representations in which one sees atoms move, or those that the user chose; and traces."""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from .host import hidden_name, kept_session, muted
from .reading import pieces
from .sources import copy_atoms
from .store import get_record, has_atoms, is_ours, spelling

#: More atoms than this are lines rather than sticks, which take longer to draw.
MANY_ATOMS = 20_000
_PER_ATOM = ("lines", "sticks", "spheres", "dots", "surface", "mesh", "nonbonded", "nb_spheres", "ellipsoids")
#: What draws atoms without a bond, which sticks and lines leave out.
_UNBONDED = {"sticks": "nb_spheres", "lines": "nonbonded"}
# Representations that hide how atoms move, and PyMOL's numbers for them.
_SMOOTH, _SMOOTH_NUMBERS = "cartoon ribbon", {5, 6}
_RADIUS = "stick_radius"
#: PyMOL's radius of sticks, and ours: noised bonds are long, and thinner ones hide less of each other.
_THICK, _THIN = 0.25, 0.15
_GREY = "grey70"
_TRACE_WIDTH = 1.5
# By this an atom is known in any order: a label can repeat, and so can a rank, but hardly all of them together.
_KEY = "hash((rank, segi, chain, resi, name, alt))"


def dress_steps(
    draft_name: str, name: str, source: str, n_atoms: int, rep: str, piece: int = 0, *, _self
) -> Generator[None, None, None]:
    """Choose what a hidden draft, which is to become the object ``name``, shows, ``piece`` atoms at a time.

    Parameters
    ----------
    draft_name, name : str
    source : str
        Object of which the draft is a copy.
    n_atoms : int
        Of the draft.
    rep : {"auto", "sticks", "lines", "cartoon"}
        "auto" shows what the former object of that name shows, where it has the same atoms; else
        what the source does, but sticks (lines for many atoms) where that is only a cartoon or ribbon,
        unless the source is ours: there a cartoon is somebody's choice.
    """
    if rep != "auto":
        _show_alone(draft_name, rep, _self)
        return
    yield
    former = spelling(name, _self=_self)
    again = get_record(former, _self=_self) is not None and has_atoms(former, n_atoms, _self=_self)
    if again and (yield from _show_as(draft_name, former, n_atoms, piece, _self)):
        return
    if not is_ours(source, _self=_self):
        _show_atoms(draft_name, n_atoms, _self)


def _show_as(draft_name: str, former: str, n_atoms: int, piece: int, _self) -> Generator[None, None, bool]:
    """Show what another object shows of the same atoms; tell whether they are the same, else nothing changes."""
    shown: dict[int, int] = {}
    for part in pieces(f"%{former}", n_atoms, piece, _self):
        _self.iterate(part, f"put({_KEY}, reps)", space={"put": shown.__setitem__, "hash": hash})
        yield
    if len(shown) != n_atoms:  # two atoms have the same key
        return False
    smooth = any(reps >> number & 1 for reps in set(shown.values()) for number in _SMOOTH_NUMBERS)
    radius, before = _self.get_setting_float(_RADIUS, former), array("q")
    take = f"put(reps); reps = pop({_KEY}, reps)"
    for part in pieces(f"%{draft_name}", n_atoms, piece, _self):
        _self.alter(part, take, space={"put": before.append, "pop": shown.pop, "hash": hash})
        yield
    if shown:
        _self.alter(f"%{draft_name}", "reps = next(before)", space={"before": iter(before)})
        return False
    seen = _self.get_vis().get(former)  # PyMOL does not tell of objects whose names begin with an underscore
    if seen and _SMOOTH_NUMBERS.isdisjoint(seen[2]):  # hidden in the object as such, whatever its atoms show
        with muted(_self):
            _self.hide(_SMOOTH, f"%{draft_name} and not (rep cartoon or rep ribbon)" if smooth else f"%{draft_name}")
    _set_radius(draft_name, radius, _self)
    return True


def _show_atoms(name: str, n_atoms: int, _self) -> None:
    """Show the atoms of polymers of which only a cartoon or ribbon is shown, which hides how they move."""
    rep = "sticks" if n_atoms <= MANY_ATOMS else "lines"
    shown = " or ".join(f"rep {other}" for other in _PER_ATOM)
    with muted(_self), hidden_name("_pomodoro_atoms", _self=_self) as chosen:
        smooth = f"%{name} and polymer and bonded and (rep cartoon or rep ribbon) and not ({shown})"
        # Other atoms of the session, at which PyMOL looks for each word otherwise, are left out.
        if _self.select(chosen, smooth, enable=0, quiet=1, domain=name):
            _self.show(rep, f"%{chosen}")
            _self.hide(_SMOOTH, f"%{chosen}")
            _thin(name, _self)


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
    """Set how thick an object's sticks are, where they are not so already."""
    if _self.get_setting_float(_RADIUS, name) != radius:
        _self.set(_RADIUS, radius, name, updates=0, quiet=1)


def show_spheres(name: str, *, _self) -> None:
    """Show the atoms as touching spheres, on which colours of neighbours are told apart best."""
    with muted(_self):
        _self.hide("everything", f"%{name}")
        _self.show("spheres", f"%{name}")


@contextmanager
def trace(draft_name: str, title: str, *, _self) -> Iterator[str]:
    """Yield a hidden copy of the first state of a draft, thin and grey; at the end it is deleted unless published.

    Polymers are ribbons, all else lines.
    """
    with hidden_name(_self=_self) as name:
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
