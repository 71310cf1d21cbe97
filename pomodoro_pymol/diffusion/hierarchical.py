"""A small network of residue tokens: atoms -> residues -> transformer -> atoms, several networks side by side.

The first axis of tensors is that of the networks, so that those of one architecture (of several
schemes and seeds) train together: each product is one batched product over the networks.

The atoms of a residue are read into channels, each a learnt combination of the slots of the
residue's kind. Channels, the place of the residue and the vectors to its neighbours along the
chain become a token. Tokens attend to each other, less the further they are apart along the
chain (ALiBi, Press et al. 2022); the noise level scales and shifts what each layer reads
(Peebles & Xie 2023). The output is written back through channels. Beside it a direct path, which
the noise level scales, leads from the channels read to those written, so that a linear filter
can be learnt without the tokens.

The heads of residues and chains read the tokens, and send no gradient back into them: what the
tokens learn comes from the loss of the atoms alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import PomodoroError
from ..utils.text import counted
from .slots import Slots

_NOISE_WAVES = (0.5, 1.0, 2.0, 4.0)  # frequencies at which c_noise is given to the network
_FARTHEST = 32  # steps along the chain, beyond which residues count as equally far apart


@dataclass(frozen=True)
class Architecture:
    """Sizes of a network.

    Attributes
    ----------
    n_kinds, n_slots : int
        Kinds of residues, and slots for the atoms of each; see `Slots`.
    width, layers, heads : int
        Of the transformer.
    channels : int
        Into which the atoms of a residue are read, and from which they are written.
    reach : int
        How many neighbours on either side a token has the vectors to.

    Raises
    ------
    PomodoroError
        If the width is no multiple of the heads.
    """

    n_kinds: int
    n_slots: int
    width: int = 64
    layers: int = 2
    heads: int = 4
    channels: int = 32
    reach: int = 4

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise PomodoroError(f"width must be a multiple of {self.heads}, not {self.width}")

    def __str__(self) -> str:
        return f"width {self.width}, {counted(self.layers, 'layer')}, {counted(self.heads, 'head')}"


class HierarchicalNetwork(nn.Module):
    """Networks of one architecture, side by side.

    Parameters
    ----------
    architecture : Architecture
    seeds : sequence of int
        Random seed of each network's start; networks of one seed start alike.

    Notes
    -----
    Before training they predict zero.
    """

    def __init__(self, architecture: Architecture, seeds: list[int]) -> None:
        super().__init__()
        self.architecture = architecture
        shapes = self.shapes(architecture)
        self.weights = nn.ParameterDict()
        starts = [_start(shapes, seed) for seed in seeds]
        for name in shapes if starts else ():
            self.weights[name] = nn.Parameter(torch.stack([start[name] for start in starts]))
        slopes = 2.0 ** (-8.0 * torch.arange(1, architecture.heads + 1) / architecture.heads)
        self.slopes: Tensor
        self.register_buffer("slopes", slopes, persistent=False)

    @staticmethod
    def shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the weights of one network, by name."""
        a = architecture
        inside = 3 * (a.channels + 2 * a.reach + 2)
        noise = 3 * (1 + 2 * len(_NOISE_WAVES))
        shapes: dict[str, tuple[int, ...]] = {
            "read": (a.n_kinds, a.n_slots, a.channels),
            "write": (a.n_kinds, a.channels, a.n_slots),
            "kind": (a.n_kinds, a.width),
            "token": (inside, a.width),
            "noise_in": (noise, a.width),
            "noise_out": (a.width, 4 * a.layers * a.width),
            "direct": (a.width, a.channels + 1),
            "out": (a.width, 3 * (a.channels + 1)),
            "head_residue": (a.width, 3),
            "head_chain": (a.width, 3),
            "head_direct": (a.width, 2),
        }
        for layer in range(a.layers):
            shapes[f"attend_{layer}"] = (a.width, 3 * a.width)
            shapes[f"mix_{layer}"] = (a.width, a.width)
            shapes[f"widen_{layer}"] = (a.width, 4 * a.width)
            shapes[f"narrow_{layer}"] = (4 * a.width, a.width)
        return shapes

    @property
    def n_models(self) -> int:
        """How many networks there are."""
        return len(self.weights["kind"])

    def picked(self, models: Any) -> HierarchicalNetwork:
        """Return copies of some of the networks, chosen by any index of an axis."""
        one = HierarchicalNetwork(self.architecture, [])
        for name, value in self.weights.items():
            one.weights[name] = nn.Parameter(value[models].detach().clone())
        return one

    def forward(self, coords: Tensor, c_noise: Tensor, slots: Slots) -> tuple[Tensor, Tensor, Tensor]:
        """Predict the target of `training_task.Task`, from scaled coordinates and the noise level.

        Parameters
        ----------
        coords : Tensor, shape=(n_models, n_items, n_residues, n_slots, 3)
            Scaled by c_in; 0 in empty slots.
        c_noise : Tensor, shape=(n_models, n_items, 3)
            Of chain, residue and atom level.
        slots : Slots

        Returns
        -------
        atoms, residues, chains : Tensor
            Shapes as of ``coords``, (n_models, n_items, n_residues, 3) and (n_models, n_items, n_chains, 3).
        """
        w, a = self.weights, self.architecture
        chain, residue, atom = slots.split(coords)
        noise = F.silu(_waves(c_noise) @ w["noise_in"])
        read = _through(atom.transpose(-1, -2), w["read"], slots)  # (..., n_residues, 3, n_channels)
        of_chain = chain.index_select(-2, slots.chain_of)
        place = residue + of_chain
        inside = torch.cat((read.flatten(-2), residue, of_chain, self._neighbours(residue, slots)), -1)
        token = _linear(inside, w["token"]) + _of_kind(w["kind"], slots)
        scales = (noise @ w["noise_out"]).unflatten(-1, (a.layers, 2, 2, a.width))
        bias = self._bias(slots).to(token.dtype)
        for layer in range(a.layers):
            token = token + self._attended(_modulated(token, scales[..., layer, 0, :, :]), layer, bias)
            hidden = _linear(_modulated(token, scales[..., layer, 1, :, :]), w[f"widen_{layer}"])
            token = token + _linear(F.silu(hidden), w[f"narrow_{layer}"])
        token = F.layer_norm(token, token.shape[-1:])
        direct = noise @ w["direct"]
        out = _linear(token, w["out"]).unflatten(-1, (3, a.channels + 1))
        written = out[..., :-1] + direct[..., None, None, :-1] * read
        moved = out[..., -1] + direct[..., None, -1:] * place
        atoms = _through(written, w["write"], slots).transpose(-1, -2) + moved[..., None, :]
        heads = self._heads(token.detach(), noise.detach(), chain, place, slots)
        return (atoms * slots.present[..., None], *heads)

    def _heads(self, token: Tensor, noise: Tensor, chain: Tensor, place: Tensor, slots: Slots) -> tuple[Tensor, Tensor]:
        """Return what the heads predict of residues and chains."""
        w = self.weights
        direct = noise @ w["head_direct"]
        residues = _linear(token, w["head_residue"]) + direct[..., None, :1] * place
        chains = _linear(slots.in_chain.to(token) @ token, w["head_chain"]) + direct[..., None, 1:] * chain
        return residues, chains

    def _neighbours(self, residue: Tensor, slots: Slots) -> Tensor:
        """Return the vectors to the neighbours along the chain, 0 where there is none: (..., n_residues, 6 reach)."""
        n, reach = slots.n_residues, self.architecture.reach
        rows = torch.arange(n, device=residue.device)
        steps = torch.cat((torch.arange(-reach, 0), torch.arange(1, reach + 1))).to(residue.device)
        other = rows[:, None] + steps
        inside = (other >= 0) & (other < n)
        other = other.clamp(0, n - 1)
        inside = inside & (slots.chain_of[other] == slots.chain_of[:, None])
        vectors = residue.index_select(-2, other.flatten()).unflatten(-2, other.shape) - residue[..., None, :]
        return (vectors * inside[..., None]).flatten(-2)

    def _bias(self, slots: Slots) -> Tensor:
        """Return what is added to attention by distance along the chain, shape=(n_heads, n_residues, n_residues)."""
        rows = torch.arange(slots.n_residues, device=slots.chain_of.device)
        apart = (rows[:, None] - rows).abs().clamp(max=_FARTHEST)
        same = slots.chain_of[:, None] == slots.chain_of
        return -self.slopes[:, None, None] * torch.where(same, apart, _FARTHEST)

    def _attended(self, token: Tensor, layer: int, bias: Tensor) -> Tensor:
        """Return what the tokens take from each other in one layer."""
        heads = self.architecture.heads
        q, k, v = _linear(token, self.weights[f"attend_{layer}"]).unflatten(-1, (3, heads, -1)).unbind(-3)
        q, k, v = (part.transpose(-2, -3).flatten(0, 1) for part in (q, k, v))  # (models items, heads, residues, -)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        mixed = mixed.transpose(-2, -3).flatten(-2).unflatten(0, token.shape[:2])
        return _linear(mixed, self.weights[f"mix_{layer}"])


def _start(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, Tensor]:
    """Return the weights of a network before training: normals over the root of their number of inputs, or zeros."""
    generator = torch.Generator().manual_seed(seed)
    zeros = ("out", "direct", "noise_out", "head_residue", "head_chain", "head_direct")
    start = {}
    for name, size in shapes.items():
        scale = 1.0 if name == "kind" else size[-2] ** -0.5
        value = scale * torch.randn(size, generator=generator)
        start[name] = torch.zeros(size) if name in zeros else value
    return start


def _linear(x: Tensor, weight: Tensor) -> Tensor:
    """Multiply (n_models, n_items, ..., n_in) by (n_models, n_in, n_out), model by model."""
    return torch.bmm(x.flatten(1, -2), weight).unflatten(1, x.shape[1:-1])


def _through(x: Tensor, weight: Tensor, slots: Slots) -> Tensor:
    """Multiply (n_models, n_items, n_residues, 3, n_in) by the matrix of each residue's kind."""
    if slots.is_shared:
        of_residue = weight.flatten(0, 1)
        rows = x.transpose(1, 2).flatten(0, 1).flatten(1, 2)  # (models residues, items 3, n_in)
        return torch.bmm(rows, of_residue).unflatten(1, (-1, 3)).unflatten(0, x.shape[::2][:2]).transpose(1, 2)
    return torch.bmm(x.flatten(0, 2), _of_kind(weight, slots).flatten(0, 2)).unflatten(0, x.shape[:3])


def _of_kind(table: Tensor, slots: Slots) -> Tensor:
    """Return the rows of a table for each residue's kind, shape=(n_models, 1 or n_items, n_residues, ...)."""
    if slots.is_shared:
        return table[:, None]
    n_models, n_kinds = table.shape[:2]
    first = n_kinds * torch.arange(n_models, device=table.device)
    rows = slots.kinds + first[:, None, None]
    return table.flatten(0, 1).index_select(0, rows.flatten()).unflatten(0, rows.shape)


def _waves(c_noise: Tensor) -> Tensor:
    """Return c_noise beside its sines and cosines, shape=(n_models, n_items, n)."""
    angles = 2 * torch.pi * c_noise[..., None] * c_noise.new_tensor(_NOISE_WAVES)
    return torch.cat((c_noise[..., None], angles.sin(), angles.cos()), -1).flatten(-2)


def _modulated(token: Tensor, scale: Tensor) -> Tensor:
    """Normalise tokens, then scale and shift them by ``scale``, shape=(n_models, n_items, 2, n)."""
    plain = F.layer_norm(token, token.shape[-1:])
    return torch.addcmul(scale[..., 1, None, :], plain, 1 + scale[..., 0, None, :])
