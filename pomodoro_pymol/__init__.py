"""Pomodoro: see and measure diffusion noise on a protein."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.2.0"

_PUBLIC = {
    "errors": ["PomodoroError"],
    "export": ["save_dcd", "write_dcd"],
    "curves": ["StepCurves", "StepRecord"],
    "denoise": ["IdealDenoiser", "NetworkDenoiser", "WienerDenoiser"],
    "files": ["read_ensemble", "read_structure"],
    "atomic": ["atomic_write"],
    "header": ["read_header"],
    "heads": ["Estimate", "broadcast_heads"],
    "hierarchy": ["Hierarchy"],
    "lab": ["NoiseResult", "run_noise"],
    "levels": [
        "LevelStatistics",
        "Levels",
        "ResidueLevels",
        "expected_levels",
        "expected_residues",
        "level_sigmas",
        "residue_sums",
    ],
    "mmcif": ["save_mmcif"],
    "nested": ["NestedCovariance"],
    "network": ["load_network"],
    "noise": ["add_noise"],
    "catalogue": ["ColorParameters", "NoiseParameters", "SampleParameters"],
    "precondition": ["data_variances", "edm_denoise", "edm_scalings", "level_scalings", "noise_variances"],
    "reverse": ["SampleResult", "run_sample"],
    "sample": ["Step", "edm_sample"],
    "samplers": ["SAMPLERS", "Sampler"],
    "quality": ["Quality", "QualityReference"],
    "pdb": ["save_pdb", "save_pdb_residue"],
    "schedule": ["sigma_from_z", "z_from_sigma"],
    "structure": ["Structure"],
    "superposition": ["Superposition", "superpose"],
    "weights": ["PRESETS", "LevelWeights"],
}
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = ["__version__", *sorted(_MODULE_OF)]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that importing us costs nothing."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
