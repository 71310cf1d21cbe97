"""What can be told of each step of a sampler: curves that show how it goes, not where it ends.

The distance of a final sample to the nearest member tells nothing of a sampler: it is 0
for every ideal denoiser.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..structure.hierarchy import Hierarchy, group_sum, take_groups
from ..structure.superposition import best_rotation
from ..utils.text import csv_text
from .analytic import entropy
from .precondition import LEVELS, PerLevel
from .sampling import Step, check_sums

#: Rows that the printed table of a run has at most.
_ROWS = 12


@dataclass(frozen=True)
class StepRecord:
    """One step, over all samples.

    Attributes
    ----------
    step : int
        From 1.
    sigma, sigma_hat : float
        Sigma after the step, and that to which churn raised it before, at which was denoised; angstrom.
    error : tuple of float
        Rms of the denoised chain means, residue means and atoms to the truth, angstrom per
        coordinate; where the pose is unknown, turned onto the truth about its centroid, and not moved.
        nan without a truth.
    left : tuple of float
        Variance of what is still to be removed, x - D, per level: of chain means, residue
        means about them, atoms about those; weighted by atoms, so that they add up, square
        angstrom per coordinate.
    centroid : float
        Rms distance of the centroid from the origin before centring, angstrom in space.
    rotation : float
        Mean angle by which the denoised structures have turned since the first step, the
        augmentation aside, degrees.
    entropy : float
        Mean entropy over the members, nats; nan without an ensemble.
    """

    step: int
    sigma: float
    sigma_hat: float
    error: PerLevel
    left: PerLevel
    centroid: float
    rotation: float
    entropy: float


class StepCurves:
    """Turns each `Step` into a `StepRecord` and keeps the records.

    Parameters
    ----------
    hierarchy : Hierarchy
        On the device of the steps.
    truth : Tensor, shape=(n_atoms, 3), optional
        Angstrom, in the frame of the denoiser.
    any_pose : bool
        Take back what the augmentation did and turn each denoised structure onto the truth: where the pose
        is unknown. The truth is then about its own centroid, as a sampler that centres has it; a
        denoised structure that lies elsewhere is that far off.
    """

    def __init__(self, hierarchy: Hierarchy, truth: Tensor | None = None, *, any_pose: bool = False) -> None:
        self.hierarchy = hierarchy
        self.truth = truth - truth.mean(0) if any_pose and truth is not None else truth
        self.any_pose = any_pose
        self.records: list[StepRecord] = []
        self._targets: Tensor | None = None
        self._sizes: list[Tensor] = []

    def __call__(self, step: Step) -> StepRecord:
        """Measure a step; all its numbers come from the device at once.

        Raises
        ------
        PomodoroError
            If the denoiser returned numbers that are not finite.
        """
        denoised = step.taken_back(step.denoised)
        if self._targets is None:
            self._targets = self._turned_onto(denoised)
            sizes = self.hierarchy.atoms_per_residue, self.hierarchy.atoms_per_chain
            self._sizes = [size.to(denoised) for size in sizes]
        centred = denoised - denoised.mean(1, keepdim=True)  # else the targets' rounding counts where they are small
        moments = (centred.mT @ self._targets).unflatten(-1, (-1, 3)).transpose(1, 2)
        rotations = best_rotation(moments.flatten(0, 1).double(), self.hierarchy.n_atoms).view(moments.shape)
        parts = [step.noised - step.denoised]
        if self.truth is not None:
            laid = denoised @ rotations[:, 1].mT.to(denoised) if self.any_pose else step.denoised
            parts.append(laid - self.truth.to(laid))
        numbers = [step.centroid.square().sum(-1).mean(), _angles(rotations[:, 0]).mean(), *self._of_levels(parts)]
        if step.estimate.probabilities is not None:
            numbers.append(entropy(step.estimate.probabilities).mean())
        told = torch.cat([torch.stack([number.to(denoised) for number in numbers]), step.sums]).tolist()
        check_sums(step.evaluated, told[len(numbers) :])
        centroid, rotation, *squares = told[: len(numbers)]
        nothing = [math.nan] * 3
        record = StepRecord(
            step=step.number,
            sigma=step.sigma,
            sigma_hat=step.sigma_hat,
            error=_per_level(nothing if self.truth is None else [square**0.5 for square in squares[3:6]]),
            left=_per_level(squares[:3]),
            centroid=centroid**0.5,
            rotation=rotation,
            entropy=math.nan if step.estimate.probabilities is None else squares[-1],
        )
        self.records.append(record)
        return record

    def _turned_onto(self, first: Tensor) -> Tensor:
        """Return what denoised structures are turned onto, (n_samples, n_atoms, 3 or 6): the first, and the truth."""
        targets = [first - first.mean(1, keepdim=True)]
        if self.any_pose and self.truth is not None:
            targets.append(self.truth.to(first).expand_as(first))
        return torch.cat(targets, -1)

    def _of_levels(self, parts: list[Tensor]) -> list[Tensor]:
        """Return mean squares of chains, residues, atoms: of what is left, over atoms; of errors, over groups.

        Parameters
        ----------
        parts : list of Tensor, shape=(n_samples, n_atoms, 3)
            What is left, and errors.
        """
        hierarchy = self.hierarchy
        of_residue, of_chain = hierarchy.atom_to_residue, hierarchy.residue_to_chain
        rows = torch.stack([part.mT for part in parts])
        in_residue, in_chain = self._sizes
        sums = group_sum(rows, of_residue, hierarchy.n_residues)
        residues, chains = sums / in_residue, group_sum(sums, of_chain, hierarchy.n_chains) / in_chain
        found = [
            (chains[0].square() @ in_chain).mean() / hierarchy.n_atoms,
            ((residues[0] - take_groups(chains[0], of_chain)).square() @ in_residue).mean() / hierarchy.n_atoms,
            (rows[0] - take_groups(residues[0], of_residue)).square_().mean(),
        ]
        return found + [level[1].square().mean() for level in (chains, residues, rows) if len(parts) > 1]


def curves_text(records: Sequence[StepRecord]) -> str:
    """Return some of the steps as aligned ASCII text."""
    lines = [
        f" {'step':>5}{'sigma':>10}{'sigma_hat':>10}{'error, A per coordinate':>27}{'left, A^2 per coordinate':>27}"
        f"{'centroid':>10}{'turned':>9}{'entropy':>9}",
        f" {'':>25}" + f"{'chain':>9}{'residue':>9}{'atom':>9}" * 2 + f"{'A':>10}{'degrees':>9}{'nats':>9}",
    ]
    places = np.unique(np.linspace(0, len(records) - 1, min(_ROWS, len(records))).round().astype(int))
    for record in (records[place] for place in places):
        numbers = (*record.error, *record.left, record.centroid, record.rotation, record.entropy)
        cells = ["n/a" if math.isnan(number) else f"{number:.3g}" for number in numbers]
        widths = (*(9,) * 6, 10, 9, 9)
        lines.append(
            f" {record.step:>5}{record.sigma:>10.3g}{record.sigma_hat:>10.3g}"
            + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths))
        )
    lines.append(
        " sigma: of the sampler, after the step; sigma_hat: at which was denoised, raised by churn; A per coordinate\n"
        " error: denoised to truth; left: noise, x - denoised; centroid: its distance from the origin, A in space;\n"
        " turned: the denoised, since the first step"
    )
    return "\n".join(lines)


def curves_csv(records: Sequence[StepRecord]) -> str:
    """Return every step as CSV."""
    header = [
        *("step", "sigma_per_coordinate", "sigma_hat_per_coordinate"),
        *(f"error_{level}_per_coordinate" for level in LEVELS),
        *(f"variance_left_{level}_per_coordinate" for level in LEVELS),
        *("centroid_in_space", "rotation_degrees", "entropy_nats"),
    ]
    rows = []
    for record in records:
        numbers = [record.sigma, record.sigma_hat, *record.error, *record.left]
        numbers += [record.centroid, record.rotation, record.entropy]
        rows.append([record.step, *(f"{number:.6g}" for number in numbers)])
    return csv_text(header, rows)


def _per_level(numbers: Sequence[float]) -> PerLevel:
    chain, residue, atom = numbers
    return chain, residue, atom


def _angles(rotation: Tensor) -> Tensor:
    """Angles of rotations in degrees; by the sine of half of it, which is exact for small ones."""
    turned = rotation - torch.eye(3, dtype=rotation.dtype, device=rotation.device)
    sine = torch.linalg.vector_norm(turned, dim=(-1, -2)) / 8**0.5
    return torch.asin(sine.clamp(max=1)) * math.degrees(2)
