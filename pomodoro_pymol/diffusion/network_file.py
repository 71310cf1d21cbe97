"""A trained network from a file: an archive of torch.export, or TorchScript; and one of ours into such an archive.

Pickles are refused before anything of them is read: a pickle runs whatever its author
wrote. Archives of torch.export can carry pickles too (sample inputs, weights, objects),
and so are looked through first, and refused where one would be unpickled. What remains
is not proof against a malicious file, because PyTorch evaluates the graph's text and
TorchScript may call any operator: load networks from people you trust.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.torch_version import TorchVersion

from ..errors import PomodoroError, first_line
from ..io.disk import atomic_write, file_bytes, user_path
from ..structure.hierarchy import Hierarchy
from .hierarchical import HierarchicalNetwork
from .network import LoadedNetwork, Takes
from .trained_file import TrainedNetwork

# Bytes of code, which is compressed, that a network may have beside its weights.
_CODE = 64 << 20
_WANTED = "save the network with torch.export.save (.pt2) or torch.jit.save"
_EXPORTS = "2.8"  # the PyTorch that first exports weights as plain bytes; those before pickle them


def load_network(path: str | Path, device: torch.device | str = "cpu") -> LoadedNetwork:
    """Read a network from a file.

    Parameters
    ----------
    path : str or Path
        Written by ``torch.export.save`` (which takes PyTorch 2.8 or later there and here) or ``torch.jit.save``.
    device

    Returns
    -------
    LoadedNetwork
        Called as ``network(coords, c_noise)``, with scaled coords, (n_samples, n_atoms, 3), and
        c_noise, (n_samples, 3) or (n_samples,), which are handed to it as float32; returns atoms, or
        a tuple of atoms, residues and chains. An archive of torch.export says what it takes.

    Raises
    ------
    PomodoroError
        If the file cannot be read, is of another format, holds a pickle, or needs a later PyTorch.
    """
    path = user_path(path)
    data = file_bytes(path)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception:  # of a damaged archive, zipfile raises much more than BadZipFile
        raise PomodoroError(f"{path.name} is no archive of torch: pickles are not loaded, {_WANTED}") from None
    # Weights are stored as they are: what grows beyond that was made to fill the memory.
    if sum(entry.file_size for entry in archive.infolist()) > 4 * len(data) + _CODE:
        raise PomodoroError(f"{path.name} is no archive of torch: it would unpack to many times its size")
    names = archive.namelist()
    if "serialized_exported_program.json" in names:
        raise PomodoroError(
            f"{path.name} was exported by PyTorch before 2.8, which pickles weights: "
            "export it with 2.8 or later, or use torch.jit.save"
        )
    # Every name stands once, in one folder.
    members = {name.partition("/")[2]: name for name in names}
    if len({name.partition("/")[0] for name in names}) != 1 or len(members) != len(names):
        raise PomodoroError(f"{path.name} is no archive of torch: {_WANTED}")
    if "models/model.json" in members:
        if TorchVersion(torch.__version__) < _EXPORTS:
            raise PomodoroError(
                f"{path.name} needs PyTorch 2.8 or later, here is {torch.__version__}: "
                "update it, or save the network with torch.jit.save"
            )
        _refuse_pickles(path.name, archive, members)
        load = _load_exported
    elif "constants.pkl" in members and any(name.startswith("code/") for name in members):
        load = _load_script
    else:
        raise PomodoroError(f"{path.name} holds pickled weights or objects, which are not loaded: {_WANTED}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load(io.BytesIO(data), device, path.name)
    except Exception as error:
        reason = first_line(error)[:200] or type(error).__name__
        raise PomodoroError(f"{path.name} cannot be loaded: {reason}") from None


def export_network(network: HierarchicalNetwork, hierarchy: Hierarchy, path: str | Path) -> None:
    """Write a network of pomtrain as an archive that `load_network` reads, for any number of samples.

    Parameters
    ----------
    network : HierarchicalNetwork
        With one model.
    hierarchy : Hierarchy
        Of the atoms that it takes.
    path : str or Path

    Raises
    ------
    PomodoroError
        If torch cannot export it, or the file cannot be written.
    """
    module = _Exported(network, hierarchy)
    sample = torch.zeros(2, hierarchy.n_atoms, 3), torch.zeros(2, 3)
    samples = torch.export.Dim("samples", min=1, max=1 << 16)
    try:
        program = torch.export.export(module, sample, dynamic_shapes=({0: samples}, {0: samples}))
    except Exception as error:
        raise PomodoroError(f"torch cannot export the network: {first_line(error)[:200]}") from None
    with atomic_write(user_path(path)) as file:
        torch.export.save(program, file)


class _Exported(torch.nn.Module):
    """A network of pomtrain as a module that takes atoms, which is what torch.export needs."""

    def __init__(self, network: HierarchicalNetwork, hierarchy: Hierarchy) -> None:
        super().__init__()
        self.network = network.cpu()
        self._call = TrainedNetwork(self.network, hierarchy.to("cpu"))
        self._call(torch.zeros(1, hierarchy.n_atoms, 3), torch.zeros(1, 3))  # caches what depends on the slots alone

    def forward(self, coords: Tensor, c_noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict as `TrainedNetwork` does."""
        return self._call.predict(coords, c_noise)


def _load_exported(file: io.BytesIO, device: torch.device | str, name: str) -> LoadedNetwork:
    program = torch.export.load(file)
    return LoadedNetwork(program.module().to(device), name, *_declared(program))


def _load_script(file: io.BytesIO, device: torch.device | str, name: str) -> LoadedNetwork:
    return LoadedNetwork(torch.jit.load(file, map_location=device).eval(), name)


def _declared(program: torch.export.ExportedProgram) -> tuple[int | None, Takes | None]:
    """Return for how many atoms, where that is fixed, and for what samples and c_noise a network was exported."""
    inputs = [node.meta["val"] for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
    shapes: list[Sequence[Any]] = [getattr(value, "shape", ()) for value in inputs]
    if [len(shape) for shape in shapes] not in ([3, 1], [3, 2]):
        return None, None
    samples, atoms, _ = shapes[0]
    least, most = 1, None
    if isinstance(samples, int):
        least = most = samples
    elif samples.node.expr in program.range_constraints:
        span = program.range_constraints[samples.node.expr]
        least = max(int(span.lower), 1)
        most = int(span.upper) if span.upper.is_Integer else None
    return (atoms if isinstance(atoms, int) else None), Takes(len(shapes[1]), least, most)


def _refuse_pickles(name: str, archive: zipfile.ZipFile, members: dict[str, str]) -> None:
    """Refuse an exported archive of which PyTorch would unpickle, or run natively, any part."""
    known = ("models/model.json", "archive_format", "archive_version", "byteorder", ".data/", "data/", "extra/")
    odd = [member for member in members if not member.startswith(known)]
    odd += [member for member in members if member.startswith("data/aotinductor") or member.endswith((".so", ".pkl"))]
    odd += [f"data/{kind}/model.pt" for kind in ("weights", "constants") if f"data/{kind}/model.pt" in members]
    for kind in ("weights", "constants"):
        listing = members.get(f"data/{kind}/model_{kind}_config.json")
        if listing is None:
            raise PomodoroError(f"{name} lacks its list of {kind}: write it with PyTorch 2.8 or later")
        try:
            entries = json.loads(archive.read(listing))["config"].values()
            odd += [entry["path_name"] for entry in entries if entry["use_pickle"] or "obj" in entry["path_name"]]
        except Exception:
            raise PomodoroError(f"{name} is damaged: its list of {kind} cannot be read") from None
    inputs = members.get("data/sample_inputs/model.pt")
    if inputs is not None:
        try:  # tensors and plain containers alone; PyTorch would unpickle the rest in full
            torch.load(io.BytesIO(archive.read(inputs)), weights_only=True)
        except Exception:
            odd.append("data/sample_inputs/model.pt")
    if odd:
        raise PomodoroError(f"{name} holds a pickle or native code in {odd[0]}, which is not loaded: {_WANTED}")
