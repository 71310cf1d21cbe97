"""Networks from files: what loads does what it did, and no pickle is ever run."""

import contextlib
import io
import json
import os
import pickle
import random
import zipfile

import pytest
import torch
from torch.torch_version import TorchVersion

from pomodoro_pymol.diffusion.network import NetworkDenoiser
from pomodoro_pymol.diffusion.network_file import load_network
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.weights import PRESETS


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = torch.nn.Linear(3, 3)

    def forward(self, coords: torch.Tensor, c_noise: torch.Tensor) -> torch.Tensor:
        return self.mix(coords) * c_noise[:, :1, None]


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture(scope="module")
def exported(net, tmp_path_factory):
    """A network exported with a free number of samples."""
    if TorchVersion(torch.__version__) < "2.8":
        pytest.skip("PyTorch before 2.8 exports pickles")
    path = tmp_path_factory.mktemp("net") / "net.pt2"
    free = {0: torch.export.Dim("samples")}
    program = torch.export.export(net, (torch.zeros(2, 41, 3), torch.zeros(2, 3)), dynamic_shapes=(free, free))
    torch.export.save(program, path)
    return path


@pytest.fixture
def scripted(net, tmp_path):
    path = tmp_path / "net.pt"
    torch.jit.script(net).save(str(path))
    return path


@pytest.fixture
def bomb(tmp_path):
    return Bomb(tmp_path / "exploded")


def rebuild(path, target, change):
    """Copy an archive with what ``change(name, data)`` returns for each member, by its short name."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name.partition("/")[2], old.read(name)))
    return target


def pickled(thing):
    file = io.BytesIO()
    torch.save(thing, file)
    return file.getvalue()


def refused(path, bomb, message="pickle"):
    with pytest.raises(PomodoroError, match=message) as error:
        load_network(path)
    assert not bomb.path.exists()
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("kind", ["exported", "scripted"])
def test_networks_do_what_they_did(net, kind, request):
    path = request.getfixturevalue(kind)
    coords, c_noise = torch.randn(5, 41, 3), torch.randn(5, 3)
    with torch.no_grad():
        torch.testing.assert_close(load_network(path)(coords, c_noise), net(coords, c_noise))


def test_what_older_versions_export_or_load_is_told(exported, bomb, tmp_path, monkeypatch):
    old = tmp_path / "old.pt2"
    with zipfile.ZipFile(old, "w") as archive:  # the members of PyTorch 2.6
        archive.writestr("serialized_exported_program.json", "{}")
        archive.writestr("serialized_state_dict.pt", pickled(bomb))
    refused(old, bomb, "exported by PyTorch before 2.8, which pickles weights")
    monkeypatch.setattr(torch, "__version__", "2.6.0+debian")
    refused(exported, bomb, "net.pt2 needs PyTorch 2.8 or later, here is 2.6.0")


@pytest.mark.skipif(TorchVersion(torch.__version__) >= "2.8", reason="PyTorch from 2.8 on exports plain bytes")
def test_what_this_version_exports_is_told(net, bomb, tmp_path):
    program = torch.export.export(net, (torch.zeros(2, 41, 3), torch.zeros(2, 3)))
    torch.export.save(program, tmp_path / "net.pt2")
    refused(tmp_path / "net.pt2", bomb, "exported by PyTorch before 2.8, which pickles weights")


def test_a_renamed_file_loads(exported, tmp_path):
    path = tmp_path / "other.bin"
    path.write_bytes(exported.read_bytes())
    assert load_network(path)(torch.zeros(1, 41, 3), torch.zeros(1, 3)).shape == (1, 41, 3)


def test_raw_and_zipped_pickles_are_refused_unread(bomb, tmp_path, net):
    raw = tmp_path / "raw.pt"
    raw.write_bytes(pickle.dumps(bomb))
    refused(raw, bomb)
    for name, thing in (("state.pt", net.state_dict()), ("whole.pt", net), ("bomb.pt2", bomb)):
        (tmp_path / name).write_bytes(pickled(thing))
        refused(tmp_path / name, bomb)


def test_pickles_inside_an_exported_archive_are_refused_unread(bomb, exported, tmp_path):
    def inputs(name, data):
        return pickled(bomb) if name == "data/sample_inputs/model.pt" else data

    def weights(name, data):
        if name == "data/weights/weight_0":
            return pickled(bomb)
        if name == "data/weights/model_weights_config.json":
            listing = json.loads(data)
            for entry in listing["config"].values():
                entry["use_pickle"] = True
            return json.dumps(listing)
        return data

    for number, change in enumerate((inputs, weights)):
        refused(rebuild(exported, tmp_path / f"{number}.pt2", change), bomb, "not loaded")
    for member in ("data/weights/model.pt", "data/constants/model.pt", "data/aotinductor/model/x.so", "code/x.py"):
        path = rebuild(exported, tmp_path / "more.pt2", lambda name, data: data)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(f"net/{member}", pickled(bomb))
        refused(path, bomb, "not loaded")


def test_what_the_refusal_guards_against(bomb, exported, tmp_path):
    """PyTorch itself would run the pickle, else the test above shows nothing."""
    path = rebuild(
        exported,
        tmp_path / "net.pt2",
        lambda name, data: pickled(bomb) if name == "data/sample_inputs/model.pt" else data,
    )
    with pytest.raises(Exception, match=r".*"):
        torch.export.load(path)
    assert bomb.path.exists()


@pytest.mark.parametrize("data", [b"", b"not a network", b"PK\x03\x04", b"\x80\x04N."])
def test_other_files(data, tmp_path):
    path = tmp_path / "net.pt2"
    path.write_bytes(data)
    with pytest.raises(PomodoroError, match="no archive of torch"):
        load_network(path)


def test_damaged_and_absent_files(exported, tmp_path):
    with pytest.raises(PomodoroError, match="cannot read"):
        load_network(tmp_path / "absent.pt2")
    with pytest.raises(PomodoroError, match="cannot read"):
        load_network(tmp_path)
    damaged = rebuild(exported, tmp_path / "d.pt2", lambda name, data: b"{}" if name.endswith("model.json") else data)
    with pytest.raises(PomodoroError, match="cannot be loaded"):
        load_network(damaged)
    listing = rebuild(exported, tmp_path / "l.pt2", lambda name, data: b"{}" if "config" in name else data)
    with pytest.raises(PomodoroError, match="is damaged"):
        load_network(listing)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX only")
def test_what_would_never_end_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt2")
    (tmp_path / "zero.pt2").symlink_to("/dev/zero")
    (tmp_path / "loop.pt2").symlink_to(tmp_path / "loop.pt2")
    for name in ("pipe", "zero", "loop"):
        with pytest.raises(PomodoroError, match=f"^cannot read .*{name}.pt2: "):
            load_network(tmp_path / f"{name}.pt2")


def test_an_archive_that_unpacks_to_far_more_is_refused_packed(exported, tmp_path):
    """150 MB of nothing in the place of the list of weights, which are 150 kB when packed."""
    path = tmp_path / "bomb.pt2"
    with zipfile.ZipFile(exported) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            if name.endswith("model_weights_config.json"):
                new.writestr(name, bytes(150 << 20), zipfile.ZIP_DEFLATED)
            else:
                new.writestr(name, old.read(name))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(PomodoroError, match="many times its size"):
        load_network(path)


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_any_byte_may_be_wrong(exported, scripted, tmp_path, bomb):
    """Damaged archives are one line or load; none is run, none passes another error."""
    dice = random.Random(0)
    for source in (exported, scripted):
        data = source.read_bytes()
        # The names, sizes and methods of the members stand at the end.
        places = [dice.randrange(len(data)) for _ in range(10)] + [
            dice.randrange(len(data) * 9 // 10, len(data)) for _ in range(30)
        ]
        for place in places:
            wrong = data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]
            path = tmp_path / "wrong.pt2"
            path.write_bytes(wrong)
            with contextlib.suppress(PomodoroError):
                load_network(path)
        for length in (1, 100, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:length])
            with pytest.raises(PomodoroError):
                load_network(path)


def test_networks_of_another_protein_are_one_line(exported, complex_, nest):
    denoise = NetworkDenoiser(load_network(exported), complex_, PRESETS["ms"])
    assert denoise(torch.zeros(3, 41, 3), 4.0).atoms.shape == (3, 41, 3)
    with pytest.raises(PomodoroError, match=r"network of net.pt2 was exported for 41 atoms, and is asked for 8$"):
        NetworkDenoiser(load_network(exported), nest([[4, 4]]), PRESETS["ms"])
    with pytest.raises(PomodoroError, match=r"network of net.pt2 does not take coords \(3, 8, 3\)"):
        load_network(exported)(torch.zeros(3, 8, 3), torch.zeros(3, 3))
