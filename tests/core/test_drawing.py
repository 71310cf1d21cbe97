"""Frames where memory fails: one by one, then on the CPU; for all that draw units. For `run_noise` see test_lab."""

import pytest
import torch

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.experiments import drawing
from pomodoro_pymol.experiments.noise import measure
from pomodoro_pymol.experiments.sweep import run_sweep
from pomodoro_pymol.experiments.table import noise_table
from pomodoro_pymol.noise.weights import PRESETS, Scheme
from pomodoro_pymol.structure.hierarchy import Hierarchy

SCHEMES = [Scheme(name, PRESETS[name]) for name in ("ms", "flat")]
SHORT = "the GPU's memory was short: drawn frame by frame"
NONE = "the GPU's memory did not suffice: drawn on the CPU"
FULL = (
    lambda: torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    lambda: RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)."),
)


@pytest.fixture
def full(monkeypatch, dimer):
    """Let a card that is not there fail where ``fails(stream, block, block_bytes)`` says; return what was streamed."""
    calls = []
    real = drawing.stream_frames
    # The meta device has no numbers: the card draws on the CPU.
    monkeypatch.setattr(Hierarchy, "to", lambda hierarchy, device: hierarchy)
    card = torch.device("meta")
    monkeypatch.setattr(drawing, "resolve_device", lambda name, n_atoms: torch.device("cpu") if name == "cpu" else card)

    def let(fails, error=FULL[0]):
        def stream(make, n_frames, n_atoms, device, *, start=0, block_bytes=None, fetch=True):
            calls.append((str(device), start, block_bytes))
            number = len(calls) - 1
            size = 12 * n_atoms * 2 if block_bytes is None else block_bytes
            monkeypatch.setattr(drawing, "Normals", lambda *args: Normals(*args[:3], "cpu"))
            blocks = real(make, n_frames, n_atoms, "cpu", start=start, block_bytes=size, fetch=fetch)
            for place, block in enumerate(blocks):
                if str(device) != "cpu" and fails(number, place, block_bytes):
                    raise error()
                yield block

        Normals = drawing.Normals
        monkeypatch.setattr(drawing, "stream_frames", stream)
        return calls

    return let


@pytest.fixture
def hierarchy(dimer):
    return Hierarchy.from_structure(dimer)


def levels(rows):
    return [vars(row.measured) for row in rows]


@pytest.mark.parametrize("error", FULL, ids=["cuda", "mps"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_card_that_is_short_of_memory_draws_frame_by_frame(full, hierarchy, dimer, error, place):
    wanted = noise_table(hierarchy, SCHEMES, [0.0], frames=5, seed=3)
    calls = full(lambda stream, at, block_bytes: block_bytes is None and at == place, error)
    found = noise_table(hierarchy, SCHEMES, [0.0], frames=5, seed=3, device="cuda")
    assert calls == [("meta", 0, None), ("meta", 2 * place, 0)] * 2
    assert {row.note for row in found} == {SHORT}
    assert [pytest.approx(one, rel=1e-9) for one in levels(wanted)] == levels(found)
    assert run_sweep(dimer, hierarchy, SCHEMES, [0.0], frames=5, seed=3, device="cuda").note == SHORT


def test_a_card_without_memory_leaves_it_to_the_cpu(full, hierarchy, dimer):
    wanted = noise_table(hierarchy, SCHEMES, [0.0], frames=5, seed=3)
    swept = run_sweep(dimer, hierarchy, SCHEMES, [0.0], frames=5, seed=3)
    calls = full(lambda *_: True)
    found = noise_table(hierarchy, SCHEMES, [0.0], frames=5, seed=3, device="cuda")
    # The second scheme is drawn where the first was.
    assert calls == [("meta", 0, None), ("meta", 0, 0), ("cpu", 0, None), ("cpu", 0, None)]
    assert {(row.device, row.note) for row in found} == {("cpu", NONE)}
    assert [pytest.approx(one, rel=1e-9) for one in levels(wanted)] == levels(found)
    again = run_sweep(dimer, hierarchy, SCHEMES, [0.0], frames=5, seed=3, device="cuda")
    assert (again.device, again.note) == ("cpu", NONE)
    assert [pytest.approx(one, rel=1e-9) for one in levels(swept.points)] == levels(again.points)


def test_a_card_that_fails_after_the_first_frames_is_an_error(full, hierarchy):
    full(lambda stream, at, block_bytes: at == 1)
    with pytest.raises(PomodoroError, match=r"^the GPU ran out of memory after 3 frames: use device=cpu$"):
        noise_table(hierarchy, SCHEMES, [0.0], frames=5, device="cuda")


def test_schemes_are_never_of_two_devices(full, hierarchy, dimer):
    full(lambda stream, at, block_bytes: stream > 0)
    with pytest.raises(PomodoroError, match=r"^the GPU ran out of memory after 1 scheme: use device=cpu$"):
        noise_table(hierarchy, SCHEMES, [0.0], frames=5, device="cuda")
    full(lambda stream, at, block_bytes: stream > 4)
    with pytest.raises(PomodoroError, match=r"^the GPU ran out of memory after 1 scheme: use device=cpu$"):
        run_sweep(dimer, hierarchy, SCHEMES, [0.0], frames=5, device="cuda")


def test_other_errors_pass(full, hierarchy):
    full(lambda *_: True, lambda: RuntimeError("something else"))
    with pytest.raises(RuntimeError, match=r"^something else$"):
        noise_table(hierarchy, SCHEMES, [0.0], frames=5, device="cuda")


def test_a_run_that_went_as_asked_has_no_note(hierarchy, dimer):
    assert {(row.device, row.note) for row in noise_table(hierarchy, SCHEMES, [0.0])} == {("cpu", "")}
    assert run_sweep(dimer, hierarchy, SCHEMES[:1], [0.0]).note == ""
    assert measure(hierarchy, SCHEMES[0].weights, 3, device="cpu").n_frames == 3
