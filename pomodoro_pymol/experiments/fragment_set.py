"""A set of fragments as data to train on: what is measured of them, and how well a linear estimate does on them.

What is measured of a set is measured of the fragments to train on alone, not of those held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..diffusion.precondition import SHIFT, PerLevel, per_freedom
from ..diffusion.slots import Slots
from ..errors import PomodoroError
from ..noise.weights import LevelWeights
from ..utils.text import counted

# Fragments that are measured at once.
_BLOCK = 512
# Added to the diagonal of a matrix before it is inverted, square angstrom.
_RIDGE = 1e-9


@dataclass(frozen=True, eq=False)
class FragmentSet:
    """Fragments of equally many residues, one chain each, in an order that is random and always the same.

    Attributes
    ----------
    coords : Tensor, shape=(n_fragments, n_residues, n_slots, 3), dtype=float32
        Angstrom, each about the mean of its atoms; 0 where a slot is empty.
    slots : Slots
        The kind of a residue is the place of its type in `amino_acids.HEAVY_ATOMS`.
    source : Tensor, shape=(n_fragments,), dtype=int64
        File of each, a place in ``files``.
    group : Tensor, shape=(n_fragments,), dtype=int64
        Group of files of each: 0, 1, 2 ... by first appearance.
    held : Tensor, shape=(n_fragments,), dtype=bool
        Held out of training.
    sequences : list of str
        One letter for each residue.
    files : list of str
        Names of all files that were given.
    notes : list of str
        What was left out, and how often.
    """

    coords: Tensor
    slots: Slots
    source: Tensor
    group: Tensor
    held: Tensor
    sequences: list[str]
    files: list[str]
    notes: list[str]

    def __len__(self) -> int:
        return len(self.coords)

    def __str__(self) -> str:
        """Say how many fragments of how many files and groups there are."""
        sizes = (
            f"{counted(len(self), 'fragment')} of {self.slots.n_residues} residues",
            f"of {counted(len(self.source.unique()), 'file')}",
            f"in {counted(int(self.group.max()) + 1, 'group')} of similar ones",
        )
        return f"{' '.join(sizes)}, {int(self.held.sum())} held out"

    @cached_property
    def training(self) -> Tensor:
        """Numbers of the fragments to train on, shape=(n_training,), dtype=int64."""
        return torch.nonzero(~self.held)[:, 0]

    @cached_property
    def freedom(self) -> PerLevel:
        """The mean over fragments of `precondition.degrees_of_freedom`."""
        n_residues = self.slots.n_residues
        atoms = self.slots.n_atoms[self.training].double()
        return 1.0, (n_residues - 1) / n_residues, float(1 - n_residues * (1 / atoms).mean())

    def data_levels(self, shift: float = SHIFT) -> PerLevel:
        """Return the data variance of chain, residue and atom level per coordinate, square angstrom.

        Per degree of freedom, as `precondition.data_variances` of one ensemble: mean squares over
        fragments, each counting once, over the mean ``freedom``. Since fragments are centred, that
        of the chain is the variance of the random shift, whose standard deviation is ``shift``, angstrom.
        """
        squares = torch.zeros(3, dtype=torch.float64)
        for items in self.training.split(_BLOCK):
            squares += self.slots.take(items).level_squares(self.coords[items].double()).sum(0)
        _, residue, atom = (squares / len(self.training)).tolist()
        return per_freedom((shift**2, residue, atom), self.freedom)

    def noise_variances(self, weights: LevelWeights) -> Tensor:
        """Return each fragment's `precondition.noise_variances` at unit sigma, shape=(n_fragments, 3), float64."""
        c, r, a = weights.shares
        sizes, atoms, n_residues = self.slots.sizes.double(), self.slots.n_atoms.double(), self.slots.n_residues
        together = sizes.square().sum(-1) / atoms.square()
        residue = (r * (1 - together) + a * (n_residues - 1) / atoms) * n_residues / (n_residues - 1)
        return torch.stack([c + r * together + a / atoms, residue, torch.full_like(atoms, a)], -1)

    def mean_noise(self, weights: LevelWeights) -> PerLevel:
        """Return the mean over fragments of their `noise_variances`, per coordinate at unit sigma."""
        chain, residue, atom = self.noise_variances(weights)[self.training].mean(0).tolist()
        return chain, residue, atom

    def residue_covariance(self) -> Tensor:
        """Return the covariance of residue means about the fragment's mean, shape=(n_residues, n_residues), float64.

        Per coordinate, square angstrom, averaged over axes and fragments. Since poses are random, all
        axes are alike and the mean is zero.
        """
        along = self._means[self.training].transpose(0, 1).flatten(1)
        return along @ along.mT / along.shape[1]

    def linear_residue_error(
        self, sigma: float, weights: LevelWeights, *, held: bool = False, shift: float = SHIFT
    ) -> float:
        """Return the mean square error of the best linear estimate of residue means about the chain's mean.

        Per coordinate, square angstrom, each residue counting by its atoms, as in the residue part of
        a mean over atoms. What is known are the noised residue means of a fragment that was shifted at
        random. The estimate takes `residue_covariance` for the covariance of the data; that of the noise
        is ``sigma**2 / W (w_r + w_a / n_r)`` on the diagonal, n_r being the atoms of each residue, and
        ``sigma**2 / W w_c + shift**2`` added everywhere. The mean is over the fragments, one by one, and
        over noise and shift in closed form. The project's own derivation; the tests hold it against draws.

        Parameters
        ----------
        sigma : float
            Angstrom.
        weights : LevelWeights
        held : bool
            Whether the error is that on the fragments held out; the covariance is that of the others.
        shift : float
            Angstrom per coordinate.

        Raises
        ------
        PomodoroError
            If errors on the fragments held out are asked for, and none is.
        """
        if held and not self.held.any():
            raise PomodoroError("no fragment is held out")
        c, r, a = (sigma**2 * share for share in weights.shares)
        covariance, eye = self.residue_covariance(), torch.eye(self.slots.n_residues, dtype=torch.float64)
        total = 0.0
        chosen = torch.nonzero(self.held == held)[:, 0]
        for items in chosen.split(_BLOCK):
            sizes = self.slots.sizes[items].double()
            part = sizes / sizes.sum(-1, keepdim=True)
            about = eye - part[:, None, :]  # takes the chain's mean from residue means
            data = about @ covariance @ about.mT
            noise = torch.diag_embed(r + a / sizes) + c + shift**2
            gain = torch.linalg.solve(data + noise + _RIDGE * eye, data).mT
            truth = self._means[items]
            missed = (truth - gain @ truth).square().mean(-1)
            added = (gain @ noise * gain).sum(-1)
            total += float((part * (missed + added)).sum())
        return total / len(chosen)

    @cached_property
    def _means(self) -> Tensor:
        """Residue means about the chain's, shape=(n_fragments, n_residues, 3), float64."""
        blocks = torch.arange(len(self)).split(_BLOCK)
        return torch.cat([self.slots.take(items).split(self.coords[items].double())[1] for items in blocks])
