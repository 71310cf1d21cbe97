"""What is done where the memory of a device does not suffice for a denoiser: fewer samples at a time, then the CPU."""

from __future__ import annotations

import gc

import torch
from torch import Tensor

from ..diffusion.estimate import Denoiser, Estimate
from ..utils.devices import device_name, is_full


class InPieces:
    """A denoiser that is asked for half as many samples, and again, where memory does not suffice for all.

    What it makes of a sample does not hang on the others, but for the rounding of products.

    Attributes
    ----------
    size : int
        Samples at a time, or 0 for all.
    """

    def __init__(self, denoise: Denoiser) -> None:
        self.denoise = denoise
        self.size = 0

    def __call__(self, x: Tensor, sigma: float) -> Estimate:
        """Estimate the truth of ``x``, shape=(n_samples, n_atoms, 3), noised by ``sigma`` angstrom.

        Raises
        ------
        RuntimeError
            Of torch, if memory does not suffice for one sample.
        """
        while True:
            size = min(self.size or len(x), len(x))
            try:
                return self._asked(x, sigma, size)
            except Exception as error:
                if size == 1 or not is_full(error):
                    raise
            # Only here is the error gone, which holds what was being computed.
            self.size = size // 2
            release_memory()

    def _asked(self, x: Tensor, sigma: float, size: int) -> Estimate:
        if size == len(x):
            return self.denoise(x, sigma)
        found = [self.denoise(some, sigma) for some in x.split(size)]
        atoms = torch.cat([one.atoms for one in found])
        others = [(one.residues, one.chains, one.members) for one in found]
        return Estimate(atoms, *(None if part[0] is None else torch.cat(part) for part in zip(*others)))

    def note(self, what: str, device: torch.device) -> str:
        """Return what is to be told of the size, else empty."""
        if not self.size:
            return ""
        lacks = f"the memory of {device_name(device)} does not suffice for all {what} at once"
        return f"{lacks}: denoised {self.size} at a time"


def release_memory() -> None:
    """Give back what torch holds of a device's memory and does not use; what had to do with an error included."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
