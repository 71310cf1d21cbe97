"""How networks are asked: shapes of c_noise, batches, modes and dtypes, against numpy; what runs take from presets."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.torch_version import TorchVersion

from pomodoro_pymol.diffusion.network import NetworkDenoiser, Takes
from pomodoro_pymol.diffusion.network_file import load_network
from pomodoro_pymol.diffusion.samplers import SAMPLERS
from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments.denoising import prepare_denoiser
from pomodoro_pymol.experiments.sampling import run_sample
from pomodoro_pymol.noise.weights import PRESETS
from pomodoro_pymol.parameters.catalogue import DenoiseParameters, SampleParameters
from pomodoro_pymol.structure.hierarchy import Hierarchy

ROOT = Path(__file__).parents[2]

# Each of these does the same to any sample, in a way of its own to take c_noise.


class Asked(torch.nn.Module):
    """Atoms, or atoms, residues and chains, from a layer of each atom and a waveform of c_noise."""

    def __init__(self, heads: Hierarchy | None = None) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layer, self.out = torch.nn.Linear(3, 7), torch.nn.Linear(7, 3)
        self.register_buffer("waves", torch.linspace(0.5, 3, 7))
        for level in ("residue", "chain") if heads else ():
            group = heads.atom_to_residue if level == "residue" else heads.residue_to_chain[heads.atom_to_residue]
            members = torch.nn.functional.one_hot(group).float().T.contiguous()
            self.register_buffer(level, members / members.sum(1, keepdim=True))

    def noise(self, c_noise, coords):
        """Return a waveform per sample, shape=(n, 1, 7)."""
        raise NotImplementedError

    def forward(self, coords, c_noise):
        atoms = self.out(torch.tanh(self.layer(coords) + self.noise(c_noise, coords)))
        return (atoms, self.residue @ atoms, self.chain @ atoms) if hasattr(self, "chain") else atoms


class ByView(Asked):
    def noise(self, c_noise, coords):
        return torch.cos(c_noise.view(-1, 1, 1) * self.waves)


class ByAxes(Asked):
    def noise(self, c_noise, coords):
        return torch.cos(c_noise[:, None, None] * self.waves)


class ByOuter(Asked):
    def noise(self, c_noise, coords):
        return torch.cos(torch.outer(c_noise, self.waves))[:, None]


class ByFlattened(Asked):
    def noise(self, c_noise, coords):
        return torch.cos(c_noise.flatten()[:, None] * self.waves)[:, None]


class ByEmbedding(Asked):
    def noise(self, c_noise, coords):
        return torch.cos(c_noise.unsqueeze(-1) * self.waves)[:, None]


class ByExpanding(Asked):
    def noise(self, c_noise, coords):
        return torch.cos(c_noise[:, None, None].expand(-1, 1, 7) * self.waves)


class OfLevels(Asked):
    def noise(self, c_noise, coords):
        return torch.cos(c_noise[:, :1, None] * self.waves)


class OfLevelsInALayer(Asked):
    def noise(self, c_noise, coords):
        mean = torch.nn.functional.linear(c_noise, c_noise.new_full((1, 3), 1 / 3))
        return torch.cos(mean[:, None] * self.waves)


class OfLevelsToNumbers(Asked):
    def noise(self, c_noise, coords):
        _, _, of_atoms = c_noise.unbind(1)
        return torch.cos(of_atoms[:, None, None] * self.waves)


class OneByItem(Asked):
    """For a batch of one, as an eager loop has it."""

    def noise(self, c_noise, coords):
        return torch.cos(c_noise.item() * self.waves)


class OneOfLevels(Asked):
    def noise(self, c_noise, coords):
        chain, residue, atom = c_noise.flatten()
        return torch.cos((chain + residue + atom) / 3 * self.waves)


class OneFlattened(Asked):
    """For a batch of one: all atoms that it is handed see each other. The oracle has no such part."""

    def noise(self, c_noise, coords):
        seen = coords.reshape(-1, 3)
        return torch.cos(c_noise.view(-1)[:1] * self.waves) + (seen.mean(0) - coords[:1].mean((0, 1))).sum()


class OneExpanded(Asked):
    """For a batch of one: of more, it makes what it makes of the first."""

    def forward(self, coords, c_noise):
        found = super().forward(coords[:1], c_noise)
        parts = [found] if isinstance(found, torch.Tensor) else found
        parts = [part.expand(len(coords), -1, -1) for part in parts]
        return parts if len(parts) > 1 else parts[0]

    def noise(self, c_noise, coords):
        return torch.cos(c_noise.view(-1)[:1] * self.waves)


VECTORS = (ByView, ByAxes, ByOuter, ByFlattened, ByEmbedding, ByExpanding)
LEVELS = (OfLevels, OfLevelsInALayer, OfLevelsToNumbers)
KINDS = {
    **dict.fromkeys(VECTORS, Takes(1)),
    **dict.fromkeys(LEVELS, Takes(2)),
    OneByItem: Takes(1, most=1),
    OneOfLevels: Takes(2, most=1),
    OneFlattened: Takes(2, most=1),
    OneExpanded: Takes(2, most=1),
}


def oracle(x, sigma, sigma_data=16.0, convention="af3"):
    """One sigma for all levels, sample by sample in numpy; the layers and waves are those of `Asked`."""
    net = {name: value.detach().double().numpy() for name, value in ByView().state_dict().items()}
    c_noise = math.log(sigma / sigma_data if convention == "af3" else sigma) / 4
    total = sigma**2 + sigma_data**2
    found = []
    for sample in x.double().numpy():
        hidden = sample / math.sqrt(total) @ net["layer.weight"].T + net["layer.bias"] + np.cos(c_noise * net["waves"])
        raw = np.tanh(hidden) @ net["out.weight"].T + net["out.bias"]
        found.append(sigma_data**2 / total * sample + sigma * sigma_data / math.sqrt(total) * raw)
    return torch.from_numpy(np.array(found)).float()


def drawn(n_samples, n_atoms, seed=0):
    return 10 * torch.randn(n_samples, n_atoms, 3, generator=torch.Generator().manual_seed(seed))


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=2e-4)


@pytest.mark.parametrize("chains", [[[1]], [[2]], [[3]], [[2, 1], [4]]], ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_shape_of_c_noise_is_found_for_any_number_of_samples_and_atoms(nest, kind, chains):
    """Also for 1, 2 and 3 of them, which broadcast against samples, levels and axes."""
    hierarchy = nest(chains)
    for n_samples in (1, 2, 3, 5):
        denoise = NetworkDenoiser(kind().eval(), hierarchy, PRESETS["ms"])
        for count in (n_samples, 3, 1, 2):
            x = drawn(count, hierarchy.n_atoms)
            close(denoise(x, 5.0).atoms, oracle(x, 5.0))
        assert denoise.takes == KINDS[kind]


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("kind", [*VECTORS, *LEVELS], ids=lambda kind: kind.__name__)
def test_what_was_traced_for_a_batch_of_one_is_asked_for_any(complex_, kind, tmp_path):
    c_noise = torch.zeros(1) if kind in VECTORS else torch.zeros(1, 3)
    torch.jit.trace(kind().eval(), (torch.zeros(1, 41, 3), c_noise)).save(str(tmp_path / "net.pt"))
    denoise = NetworkDenoiser(load_network(tmp_path / "net.pt"), complex_, PRESETS["ms"], convention="edm")
    for n_samples in (3, 1, 2):
        x = drawn(n_samples, 41)
        close(denoise(x, 5.0).atoms, oracle(x, 5.0, convention="edm"))
    assert denoise.takes.axes == KINDS[kind].axes


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("heads", [False, True], ids=["atoms", "heads"])
def test_it_is_tried_once(complex_, kind, heads):
    calls = []
    network = kind(complex_ if heads else None).eval()
    denoise = NetworkDenoiser(network, complex_, PRESETS["ms"])
    denoise(drawn(4, 41), 5.0)
    network.register_forward_pre_hook(lambda module, inputs: calls.append(inputs[1].shape))
    found = denoise(drawn(4, 41), 5.0)
    axes = (3,) if KINDS[kind].axes == 2 else ()
    assert calls == ([(1, *axes)] * 4 if KINDS[kind].most else [(4, *axes)])
    assert (found.residues is None) is not heads
    if heads:  # one sigma is linear, so that means of what the atoms are stay means
        close(found.residues, complex_.pool(found.atoms))
        close(found.chains, complex_.pool(found.atoms, "chain"))


@pytest.mark.parametrize("variant", ["levels", "note"])
@pytest.mark.parametrize("kind", [ByView, ByOuter, OneByItem], ids=lambda kind: kind.__name__)
def test_one_c_noise_does_not_tell_levels_apart(complex_, kind, variant):
    denoise = NetworkDenoiser(kind(), complex_, PRESETS["ms"], variant=variant)
    with pytest.raises(PomodoroError, match=rf"\(n,\), where preconditioning {variant} gives .* take scaling=global$"):
        denoise(drawn(3, 41), 5.0)


def fails(coords, c_noise):
    raise ValueError("first line\nwith (n, 3)" if c_noise.ndim == 2 else "another")


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (fails, r"the network does not take coords \(2, 41, 3\) and c_noise \(2, 3\): with .*; nor .*: another$"),
        (lambda coords, c_noise: coords[:, 1:], r"must return atoms \(2, 41, 3\), .*, not \(2, 40, 3\)$"),
        # What runs is told of, not what does not.
        (lambda coords, c_noise: coords[:, 1:] * c_noise.view(len(coords), 1, 1), r"not \(2, 40, 3\)$"),
        (lambda coords, c_noise: coords / 0, "not finite"),
        (torch.nn.Linear(3, 3), r"the network does not take coords \(2, 41, 3\) and c_noise"),
    ],
)
def test_networks_that_take_neither(complex_, network, message):
    with pytest.raises(PomodoroError, match=message) as error:
        NetworkDenoiser(network, complex_, PRESETS["ms"])(drawn(3, 41), 5.0)
    assert "\n" not in str(error.value)


def test_a_lack_of_memory_is_not_taken_for_a_shape(complex_):
    calls = []

    def network(coords, c_noise):
        calls.append(coords)
        raise MemoryError

    with pytest.raises(MemoryError):
        NetworkDenoiser(network, complex_, PRESETS["ms"])(drawn(3, 41), 5.0)
    assert len(calls) == 1


# Modules of torch.


class Mixed(torch.nn.Module):
    """Doubles what it drops out, and takes batches for the statistics, where it is not evaluated."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))
        self.drop, self.norm = torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(41, affine=False)
        self.norm.eval()  # frozen, as users do

    def forward(self, coords, c_noise):
        return self.scale * self.norm(self.drop(coords)) * c_noise[:, None, None]


@pytest.mark.parametrize("fail", [False, True])
def test_a_module_is_evaluated_and_left_in_its_mode(complex_, fail):
    network = Mixed()
    modes = [part.training for part in network.modules()]
    assert modes == [True, True, False]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    denoise = NetworkDenoiser(network, complex_, PRESETS["ms"])
    x = drawn(4, 41)
    if fail:
        network.drop.register_forward_pre_hook(lambda module, inputs: 1 / 0)
        with pytest.raises(PomodoroError, match="division by zero"):
            denoise(x, 5.0)
    else:
        found = denoise(x, 5.0).atoms
        total = 25 + 256
        scale = math.log(5 / 16) / 4 / math.sqrt(1 + network.norm.eps)
        torch.testing.assert_close(found, x * 256 / total + 80 / total * x * scale, rtol=1e-5, atol=1e-4)
        assert not found.requires_grad
    assert [part.training for part in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.bfloat16, 0.05)])
def test_a_module_is_asked_in_its_own_dtype(complex_, dtype, tolerance):
    x = drawn(3, 41)
    found = NetworkDenoiser(ByView().to(dtype), complex_, PRESETS["ms"])(x, 5.0).atoms
    assert found.dtype == torch.float32
    # bfloat16 has 8 bits, of outputs of about 1 that c_out makes about 5 A.
    torch.testing.assert_close(found, oracle(x, 5.0), rtol=0, atol=5 * tolerance)


def test_a_module_is_asked_on_its_own_device(complex_):
    class Elsewhere(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("place", torch.zeros((), device="meta"))

        def forward(self, coords, c_noise):
            seen.append((coords.device, c_noise.device))
            return torch.zeros(coords.shape)

    seen = []
    assert NetworkDenoiser(Elsewhere(), complex_, PRESETS["ms"])(drawn(3, 41), 5.0).atoms.device.type == "cpu"
    assert {device.type for pair in seen for device in pair} == {"meta"}


# Archives.

exports = pytest.mark.skipif(TorchVersion(torch.__version__) < "2.8", reason="PyTorch before 2.8 exports pickles")


def archive(path, network, samples, axes, free=None):
    """Export a network with a batch of ``samples`` that is fixed, or as ``free`` says."""
    dynamic = None if free is None else ({0: free}, {0: free})
    example = torch.zeros(samples, 41, 3), torch.zeros(samples, 3) if axes == 2 else torch.zeros(samples)
    torch.export.save(torch.export.export(network.eval(), example, dynamic_shapes=dynamic), path)
    return load_network(path)


@exports
@pytest.mark.parametrize("heads", [False, True], ids=["atoms", "heads"])
@pytest.mark.parametrize(
    ("samples", "span", "least", "most", "told"),
    [
        (1, None, 1, 1, ", asked one by one"),
        (4, None, 4, 4, ", asked in batches of 4"),
        (3, (2, 5), 2, 5, ", asked at most 5 at once"),
        (3, (2, None), 2, None, ""),
    ],
)
def test_an_archive_says_what_it_takes_and_is_asked_so(complex_, tmp_path, heads, samples, span, least, most, told):
    free = span and torch.export.Dim("samples", min=span[0], max=span[1])
    for kind, axes in ((ByOuter, 1), (OfLevels, 2)):
        network = archive(tmp_path / f"{axes}.pt2", kind(complex_ if heads else None), samples, axes, free)
        assert (network.n_atoms, network.takes) == (41, Takes(axes, least, most))
        assert str(network.takes) == f"c_noise {'(n, 3)' if axes == 2 else '(n,)'}{told}"
        denoise = NetworkDenoiser(network, complex_, PRESETS["ms"])
        for count in (1, 2, 3, 4, 5, 9, 11):
            x = drawn(count, 41)
            found = denoise(x, 5.0)
            close(found.atoms, oracle(x, 5.0))
            if heads:
                close(found.residues, complex_.pool(oracle(x, 5.0)))
                close(found.chains, complex_.pool(oracle(x, 5.0), "chain"))


@exports
def test_an_archive_for_any_number_of_atoms(complex_, nest, tmp_path):
    free = torch.export.Dim("samples"), torch.export.Dim("atoms")
    example = torch.zeros(2, 41, 3), torch.zeros(2)
    program = torch.export.export(ByView().eval(), example, dynamic_shapes=(dict(enumerate(free)), {0: free[0]}))
    torch.export.save(program, tmp_path / "net.pt2")
    network = load_network(tmp_path / "net.pt2")
    assert (network.n_atoms, network.takes) == (None, Takes(1))
    for hierarchy in (complex_, nest([[4, 4]])):
        x = drawn(3, hierarchy.n_atoms)
        close(NetworkDenoiser(network, hierarchy, PRESETS["ms"])(x, 5.0).atoms, oracle(x, 5.0))


@exports
def test_an_archive_that_takes_other_things_is_one_line(complex_, tmp_path):
    class Sum(torch.nn.Module):
        def forward(self, coords):
            return coords

    class Column(torch.nn.Module):
        def forward(self, coords, c_noise):
            return coords * c_noise[:, :, None]

    for number, (network, example) in enumerate(
        [(Sum(), (torch.zeros(1, 41, 3),)), (Column(), (torch.zeros(1, 41, 3), torch.zeros(1, 1)))]
    ):
        torch.export.save(torch.export.export(network, example), tmp_path / f"{number}.pt2")
        denoise = NetworkDenoiser(load_network(tmp_path / f"{number}.pt2"), complex_, PRESETS["ms"])
        with pytest.raises(PomodoroError, match=rf"the network of {number}.pt2 does not take coords") as error:
            denoise(drawn(2, 41), 5.0)
        assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_a_network_of_another_dtype_is_one_line(complex_, tmp_path):
    example = torch.zeros(1, 41, 3).double(), torch.zeros(1).double()
    torch.jit.trace(ByView().double().eval(), example).save(str(tmp_path / "net.pt"))
    with pytest.raises(PomodoroError, match=r"the network of net\.pt does not take coords .*: .*dtype") as error:
        NetworkDenoiser(load_network(tmp_path / "net.pt"), complex_, PRESETS["ms"])(drawn(2, 41), 5.0)
    assert "\n" not in str(error.value)


# What runs take.


class Told(torch.nn.Module):
    """Returns c_noise for every number."""

    def forward(self, coords, c_noise):
        return torch.zeros_like(coords) + c_noise[:, None, None]


@pytest.mark.parametrize(
    ("parameters", "sigma_data", "convention", "note"),
    [
        (SampleParameters(), 16, "af3", ""),
        (SampleParameters(sampler="boltz2", sigma_data=16), 16, "af3", ""),
        (SampleParameters(sampler="edm"), 0.5, "edm", ""),
        (SampleParameters(sampler="edm", sigma_data=6.6), 6.6, "edm", "is 6.6 A .* of sampler=edm 0.5$"),
        (SampleParameters(convention="edm", sigma_data=6.6), 6.6, "edm", "is 6.6 A .* of sampler=af3 16$"),
        (SampleParameters(sampler="edm", convention="af3"), 0.5, "af3", ""),
        (DenoiseParameters(), 5, "af3", ""),
        (DenoiseParameters(convention="edm"), 5, "edm", ""),
        (DenoiseParameters(sigma_data=16), 16, "af3", "is 16 A .* of the law of the frames' sigma 5$"),
    ],
)
def test_sigma_data_and_convention_are_those_of_sampler_or_frames(fragment, parameters, sigma_data, convention, note):
    hierarchy = Hierarchy.from_structure(fragment)
    states = fragment.coords[None]
    prepared = prepare_denoiser(states, hierarchy, PRESETS["ms"], parameters, network=Told(), noise_sigma_data=5)
    x, sigma = drawn(2, len(fragment)), 3.0
    c_noise = math.log(sigma / sigma_data if convention == "af3" else sigma) / 4
    total = sigma**2 + sigma_data**2
    expected = x * sigma_data**2 / total + sigma * sigma_data / math.sqrt(total) * c_noise
    torch.testing.assert_close(prepared.denoise(x, sigma).atoms, expected, rtol=1e-5, atol=1e-4)
    told = f"network Told, preconditioning global, sigma_data {sigma_data} A per coordinate, convention {convention}"
    assert prepared.label == f"{told}, c_noise (n,)"
    assert len(prepared.notes) == bool(note)
    assert all(re.search(note, line) for line in prepared.notes)


def test_samplers_are_for_networks_as_published():
    """SCIENCE.md, section 6."""
    assert {name: (sampler.sigma_data, sampler.convention) for name, sampler in SAMPLERS.items()} == {
        **dict.fromkeys(("af3", "protenix", "boltz1", "boltz2"), (16, "af3")),
        "edm": (0.5, "edm"),
    }


def test_where_levels_have_their_own_variance_sigma_data_is_not_spoken_of(fragment):
    class OfThree(torch.nn.Module):
        def forward(self, coords, c_noise):
            return coords * c_noise[:, :1, None]

    hierarchy = Hierarchy.from_structure(fragment)
    parameters = SampleParameters(scaling="levels", sigma_data=3)
    prepared = prepare_denoiser(fragment.coords[None], hierarchy, PRESETS["ms"], parameters, network=OfThree())
    assert prepared.label == "network OfThree, preconditioning levels, convention af3, c_noise (n, 3)"
    assert prepared.notes == ()


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_a_module_samples_as_its_file_does(fragment, tmp_path):
    torch.jit.script(Told()).save(str(tmp_path / "net.pt"))
    asked = {"preset": "ms", "steps": 5, "samples": 2, "state": 1, "device": "cpu"}
    states = fragment.coords[None]
    by_file = run_sample(fragment, states, SampleParameters(**asked, network=str(tmp_path / "net.pt")))
    by_module = run_sample(fragment, states, SampleParameters(**asked, sigma_data=16), network=Told())
    torch.testing.assert_close(by_module.frames, by_file.frames, rtol=0, atol=1e-4)
    assert "c_noise (n,)" in by_file.report()
    assert " note: " not in by_module.report()
    other = run_sample(fragment, states, SampleParameters(**asked, sigma_data=7), network=Told())
    (line,) = [line for line in other.report().splitlines() if line.startswith(" note: ")]
    assert line == " note: sigma_data of the network is 7 A per coordinate, and that of sampler=af3 16"


@pytest.mark.parametrize("given", ["network", "denoiser"])
def test_one_denoiser_at_a_time(fragment, given):
    parameters = SampleParameters(**{given: "wiener"})
    with pytest.raises(PomodoroError, match=f"give {given} or a network itself, not both"):
        run_sample(fragment, fragment.coords[None], parameters, network=Told())


def test_without_a_network_its_parameters_do_nothing(fragment):
    asked = {"sampler": "edm", "steps": 5, "state": 1, "device": "cpu"}
    plain, given = (
        run_sample(fragment, fragment.coords[None], SampleParameters(**asked, **more))
        for more in ({}, {"sigma_data": 3, "convention": "af3", "scaling": "levels"})
    )
    assert torch.equal(plain.frames, given.frames)
    assert plain.model == given.model
    assert " note: " not in given.report()


def test_the_page_on_sampling_runs(monkeypatch, capsys):
    (block,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "sampling.md").read_text("utf-8"), re.M | re.S)
    monkeypatch.chdir(ROOT)
    exec(block, {})
    printed = capsys.readouterr().out
    assert printed.startswith("torch.Size([3, 245, 3]) c_noise (n,)\n")
    assert "denoiser: network Network, preconditioning global, sigma_data 16 A per coordinate" in printed
