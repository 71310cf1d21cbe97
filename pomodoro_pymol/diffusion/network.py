"""A network as a denoiser: its scalings, and the shapes of what goes in and comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TypeAlias

import torch
from torch import Tensor

from ..errors import PomodoroError
from ..noise.draw import is_batched
from ..noise.sigma import SIGMA_DATA
from ..noise.weights import LevelWeights
from ..structure.hierarchy import Hierarchy, group_sum, join_levels, split_levels
from ..utils.problems import known_text
from .estimate import Estimate
from .precondition import PerLevel, Scalings, level_scalings

#: Takes scaled coordinates, (n_samples, n_atoms, 3), and c_noise, (n_samples, 3), and returns
#: atoms, (n_samples, n_atoms, 3), or a tuple of atoms, residues and chains.
Network: TypeAlias = Callable[[Tensor, Tensor], "Tensor | Sequence[Tensor]"]


# Part by which what a network makes of a sample may change in company: bfloat16 rounds by less, mixing makes more.
_MIXED = 0.01


@dataclass(frozen=True)
class Takes:
    """How a network is asked: what it says that it takes, or what trying found.

    Attributes
    ----------
    axes : {2, 1}
        Of c_noise: (n_samples, 3), one per level, or (n_samples,).
    least : int
        Samples that it takes at once at least; fewer are filled up with repeats of the last, which are cut off again.
    most : int, optional
        Samples that it takes at once at most, where it does not take any number.
    """

    axes: int = 2
    least: int = 1
    most: int | None = None

    def __str__(self) -> str:
        axes = "c_noise (n, 3)" if self.axes == 2 else "c_noise (n,)"
        if self.most is None:
            return axes
        batch = f"in batches of {self.most}" if self.least == self.most else f"at most {self.most} at once"
        return f"{axes}, asked {'one by one' if self.most == 1 else batch}"


class LoadedNetwork:
    """A network from a file.

    Parameters
    ----------
    module : callable
    name : str
        Of the file.
    n_atoms : int, optional
        That it was made for, where it says so.
    takes : Takes, optional
        What it says that it takes.
    """

    def __init__(self, module: Network, name: str, n_atoms: int | None = None, takes: Takes | None = None) -> None:
        self.module = module
        self.name = name
        self.n_atoms = n_atoms
        self.takes = takes

    def __call__(self, coords: Tensor, c_noise: Tensor) -> Tensor | Sequence[Tensor]:
        """Return what the network does, which is asked in float32.

        Raises
        ------
        PomodoroError
            If it raises.
        """
        return _asked(self.module, coords.float(), c_noise.float(), f"the network of {self.name}")


class NetworkDenoiser:
    """A network under preconditioning.

    How it takes c_noise is what its archive says. Any other network is tried, once, when it is
    first asked: two samples at once, else one by one, each with c_noise (n, 3), else (n,). The
    first that gives the right shapes stays. Networks that would mix up samples without an
    error must be asked one by one by a function around them.

    Parameters
    ----------
    network : callable
        As for `denoise_scaled`, or one that takes c_noise of shape (n_samples,). A module of
        torch is asked in evaluation mode, which it is put back from, on its own device and in
        its own dtype, those of its first parameter.
    hierarchy : Hierarchy
    weights : LevelWeights
        Of the noise.
    variant : {"levels", "global", "note"}
    data : tuple of float
        Data variance of each level, square angstrom.
    sigma_data : float
        Angstrom.
    convention : {"af3", "edm"}

    Attributes
    ----------
    takes : Takes or None
        How it is asked; None where that is not known before it is asked.

    Raises
    ------
    PomodoroError
        If the network is of another number of atoms; when called, if it takes neither shape of
        c_noise, or (n_samples,) where the levels have different ones.
    """

    def __init__(
        self,
        network: Network,
        hierarchy: Hierarchy,
        weights: LevelWeights,
        *,
        variant: str = "global",
        data: PerLevel = (SIGMA_DATA**2,) * 3,
        sigma_data: float = SIGMA_DATA,
        convention: str = "af3",
    ) -> None:
        self.takes: Takes | None = None
        if isinstance(network, LoadedNetwork):
            self.takes = network.takes
            if network.n_atoms not in (None, hierarchy.n_atoms):
                raise PomodoroError(
                    f"the network of {network.name} was exported for {network.n_atoms} atoms, "
                    f"and is asked for {hierarchy.n_atoms}"
                )
        self.network = network
        self.hierarchy = hierarchy
        self.weights = weights
        self._variant = variant
        self._scalings = partial(
            level_scalings, variant, hierarchy, weights, data=data, sigma_data=sigma_data, convention=convention
        )

    def __call__(self, x: Tensor, sigma: float) -> Estimate:
        """Estimate the truth of ``x``, shape=(n_samples, n_atoms, 3), noised by ``sigma`` angstrom."""
        scalings = self._scalings(sigma)
        ask = partial(self._ask, alike=len({level.c_noise for level in scalings}) == 1)
        with torch.no_grad(), _evaluated(self.network):
            # On a device samplers look themselves, once a run: each look waits for it.
            return denoise_scaled(ask, x, self.hierarchy, scalings, checked=not is_batched(x.device))

    def _ask(self, coords: Tensor, c_noise: Tensor, *, alike: bool) -> Tensor | Sequence[Tensor]:
        """Ask the network as it takes it, c_noise being (n_samples, 3), ``alike`` for all levels or not."""
        if self.takes is None:
            self.takes = self._tried(coords[:1], c_noise[:1])
        takes, count = self.takes, len(coords)
        if takes.axes == 1:
            if not alike:
                raise PomodoroError(
                    "the network takes one c_noise per sample, (n,), where "
                    f"preconditioning {self._variant} gives each level its own: take scaling=global"
                )
            c_noise = c_noise[:, 0]
        most = min(takes.most or count, count)
        if takes.least <= count == most:
            return self._once(coords, c_noise)
        parts = []
        for rows in torch.arange(count, device=coords.device).split(most):
            asked = torch.cat((rows, rows[-1:].expand(max(takes.least - len(rows), 0))))
            found = _check_shapes(self._once(coords[asked], c_noise[asked]), coords[asked], self.hierarchy)
            parts.append([part[: len(rows)] for part in found])
        return [torch.cat(level) for level in zip(*parts)]

    def _tried(self, coords: Tensor, c_noise: Tensor) -> Takes:
        """Find how the network is to be asked, from one sample.

        (n, 3) comes first, since what is made for it takes it. What is made for (n,) and takes
        (n, 3) too, by broadcasting over axes, makes the same of three equal c_noise. Two samples
        are told from one, which broadcasts, and from three, which is as many as levels and axes;
        the second has another size, place and orientation.
        """
        failed: dict[int, PomodoroError] = {}
        misshapen: PomodoroError | None = None
        x, levels = torch.cat((coords, 0.5 * coords.flip(-1) + 0.25)), c_noise.repeat(2, 1)
        for takes in (Takes(2), Takes(1), Takes(2, most=1), Takes(1, most=1)):
            told = levels if takes.axes == 2 else levels[:, 0]
            asked = (slice(1, 2),) if takes.most else (slice(2), slice(1, 2))
            try:
                outputs = [self._once(x[rows], told[rows]) for rows in asked]
            except PomodoroError as error:
                failed.setdefault(takes.axes, error)
                continue
            try:
                found = [_check_shapes(part, x[rows], self.hierarchy)[0] for part, rows in zip(outputs, asked)]
            except PomodoroError as error:
                misshapen = misshapen or error
                continue
            alone = found[-1]
            if not bool((found[0][-1:] - alone).square().mean() > _MIXED**2 * alone.square().mean()):
                return takes
        if misshapen:
            raise misshapen
        both, one = failed[2], failed[1]
        raise PomodoroError(f"{both}; nor c_noise (n,): {_reason(one.__cause__ or one)}") from both

    def _once(self, coords: Tensor, c_noise: Tensor) -> Tensor | Sequence[Tensor]:
        network = self.network
        if isinstance(network, LoadedNetwork):
            return network(coords, c_noise)
        if isinstance(network, torch.nn.Module):
            own = next((it for it in chain(network.parameters(), network.buffers()) if it.is_floating_point()), coords)
            coords, c_noise = coords.to(own), c_noise.to(own)
        return _asked(network, coords, c_noise, "the network")


def _asked(network: Network, coords: Tensor, c_noise: Tensor, name: str) -> Tensor | Sequence[Tensor]:
    try:
        return network(coords, c_noise)
    except Exception as error:
        if known_text(error):
            raise
        raise PomodoroError(
            f"{name} does not take coords {tuple(coords.shape)} and c_noise {tuple(c_noise.shape)}: {_reason(error)}"
        ) from error


def _reason(error: BaseException) -> str:
    """Return the last line of an error of torch, which says what is wrong."""
    return str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__


@contextmanager
def _evaluated(network: Network) -> Iterator[None]:
    """Put a module into evaluation mode, and each of its parts back into that which it was in."""
    parts = list(network.modules()) if isinstance(network, torch.nn.Module) else []
    modes = [part.training for part in parts]
    try:
        for part in parts:
            part.training = False
        yield
    finally:
        for part, mode in zip(parts, modes):
            part.training = mode


def edm_denoise(
    network: Network,
    x: Tensor,
    sigma: float,
    hierarchy: Hierarchy,
    weights: LevelWeights,
    *,
    variant: str = "global",
    data: PerLevel = (SIGMA_DATA**2,) * 3,
    sigma_data: float = SIGMA_DATA,
    convention: str = "af3",
) -> Estimate:
    """Denoise by a network under preconditioning for ``sigma``.

    Parameters
    ----------
    network, x, hierarchy
        As for `denoise_scaled`.
    sigma, weights, variant, data, sigma_data, convention
        As for `level_scalings`.
    """
    scalings = level_scalings(
        variant, hierarchy, weights, sigma, data=data, sigma_data=sigma_data, convention=convention
    )
    return denoise_scaled(network, x, hierarchy, scalings)


def denoise_scaled(
    network: Network,
    x: Tensor,
    hierarchy: Hierarchy,
    scalings: tuple[Scalings, Scalings, Scalings],
    *,
    checked: bool = True,
) -> Estimate:
    """Denoise by a network under given scalings.

    Parameters
    ----------
    network : callable
        ``network(coords, c_noise)`` with coords, shape=(n_samples, n_atoms, 3), each level
        scaled by its c_in, and c_noise, shape=(n_samples, 3), of chain, residue and atom
        level, alike under one sigma. Returns the atoms, shape=(n_samples, n_atoms, 3), or
        a tuple of atoms, residue means (n_samples, n_residues, 3) and chain means
        (n_samples, n_chains, 3), all before c_out.
    x : Tensor, shape=(n_samples, n_atoms, 3)
        Noised coordinates, angstrom.
    hierarchy : Hierarchy
    scalings : tuple of Scalings
        Of chain, residue and atom level: `level_scalings`.
    checked : bool
        False leaves out the look at whether numbers are finite, which waits for the device.

    Returns
    -------
    Estimate
        Without residues and chains where the network has no such heads.

    Raises
    ------
    PomodoroError
        If the network returns other shapes, or numbers that are not finite.
    """
    parts = split_levels(x, hierarchy)
    scaled = [level.c_in * part for level, part in zip(scalings, parts)]
    c_noise = torch.cat([x.new_full((len(x), 1), level.c_noise) for level in scalings], 1)
    outputs = _check_shapes(network(join_levels(scaled, hierarchy), c_noise), x, hierarchy)
    if checked and not all(bool(part.isfinite().all()) for part in outputs):
        raise PomodoroError("the network returned numbers that are not finite")
    skipped = [level.c_skip * part for level, part in zip(scalings, parts)]

    def estimate(*predicted: Tensor) -> list[Tensor]:
        """Return c_skip x + c_out F of the first levels, of as many as are predicted."""
        return [skip + level.c_out * part for skip, level, part in zip(skipped, scalings, predicted)]

    atoms = join_levels(estimate(*split_levels(outputs[0], hierarchy)), hierarchy)
    if len(outputs) == 1:
        return Estimate(atoms)
    chain_of = hierarchy.residue_to_chain
    size = hierarchy.atoms_per_residue.to(x)[:, None]
    weighted = group_sum((size * outputs[1]).mT, chain_of, hierarchy.n_chains).mT
    in_chain = weighted / hierarchy.atoms_per_chain.to(x)[:, None]
    chain, residue = estimate(in_chain, outputs[1] - in_chain.index_select(-2, chain_of))
    return Estimate(atoms, residue + chain.index_select(-2, chain_of), estimate(outputs[2])[0])


def _check_shapes(outputs: Tensor | Sequence[Tensor], x: Tensor, hierarchy: Hierarchy) -> list[Tensor]:
    """Return what a network gave as a list of one or three tensors like ``x``."""
    found = [outputs] if isinstance(outputs, Tensor) else list(outputs) if isinstance(outputs, (tuple, list)) else []
    counts = (hierarchy.n_atoms, hierarchy.n_residues, hierarchy.n_chains)
    wanted = [(*x.shape[:-2], count, 3) for count in counts]
    shapes = [tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__ for part in found]
    if shapes not in (wanted[:1], wanted):
        raise PomodoroError(
            f"the network must return atoms {wanted[0]}, or a tuple of atoms, residues {wanted[1]} and chains "
            f"{wanted[2]}, not {', '.join(map(str, shapes)) or type(outputs).__name__}"
        )
    return [part.to(x) for part in found]
