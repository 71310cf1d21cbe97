"""A trained network from a file: an archive of torch.export, or TorchScript.

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
from pathlib import Path

import torch
from torch import Tensor
from torch.torch_version import TorchVersion

from ..errors import PomodoroError
from ..io.disk import read_regular, user_path
from .network import Network

# Bytes of code, which is compressed, that a network may have beside its weights.
_CODE = 64 << 20
_WANTED = "save the network with torch.export.save (.pt2) or torch.jit.save"
_EXPORTS = "2.8"  # the PyTorch that first exports weights as plain bytes; those before pickle them


def load_network(path: str | Path, device: torch.device | str = "cpu") -> Network:
    """Read a network from a file.

    Parameters
    ----------
    path : str or Path
        Written by ``torch.export.save`` (which takes PyTorch 2.8 or later there and here) or ``torch.jit.save``.
    device

    Returns
    -------
    callable
        ``network(coords, c_noise)`` of the signature of `network.denoise_scaled`: scaled
        coords (n_samples, n_atoms, 3) and c_noise (n_samples, 3) in, both float32; atoms,
        or a tuple of atoms, residues and chains out. An exported one must have been
        exported with a free first axis, or for as many samples as will be asked for.

    Raises
    ------
    PomodoroError
        If the file cannot be read, is of another format, holds a pickle, or needs a later PyTorch.
    """
    path = user_path(path)
    try:
        data = read_regular(path)
    except OSError as error:
        raise PomodoroError(f"cannot read {path}: {error.strerror}") from None
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
            module = load(io.BytesIO(data), device)
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise PomodoroError(f"{path.name} cannot be loaded: {reason}") from None

    def network(coords: Tensor, c_noise: Tensor) -> Tensor:
        try:
            return module(coords.float(), c_noise.float())
        except Exception as error:
            reason = str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__
            raise PomodoroError(
                f"the network of {path.name} does not take coords {tuple(coords.shape)} and "
                f"c_noise {tuple(c_noise.shape)}: {reason}"
            ) from None

    return network


def _load_exported(file: io.BytesIO, device: torch.device | str) -> torch.nn.Module:
    return torch.export.load(file).module().to(device)


def _load_script(file: io.BytesIO, device: torch.device | str) -> torch.nn.Module:
    return torch.jit.load(file, map_location=device).eval()


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
