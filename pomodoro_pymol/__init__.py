"""Pomodoro: see and measure diffusion noise on a protein."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.2.0"

_PUBLIC = {
    "diffusion.analytic": ["IdealDenoiser", "WienerDenoiser"],
    "diffusion.budget": [
        "LevelVariances",
        "information",
        "level_law",
        "lost_by_one_skip",
        "share_in_window",
        "start_losses",
        "weights_for_loss_share",
        "z_at_snr",
    ],
    "diffusion.choices": ["VARIANTS"],
    "diffusion.curves": ["StepCurves", "StepRecord"],
    "diffusion.estimate": ["Estimate", "broadcast_heads"],
    "diffusion.floor": ["Floor", "StateGram"],
    "diffusion.hierarchical": ["Architecture", "HierarchicalNetwork"],
    "diffusion.linear": ["LinearDenoiser"],
    "diffusion.network": ["NetworkDenoiser", "edm_denoise"],
    "diffusion.network_file": ["load_network"],
    "diffusion.precondition": [
        "centred_data",
        "data_variances",
        "degrees_of_freedom",
        "edm_scalings",
        "level_scalings",
        "noise_variances",
        "own_sigma_data",
        "residue_spreads",
    ],
    "diffusion.samplers": ["SAMPLERS", "Sampler"],
    "diffusion.sampling": ["Step", "edm_sample"],
    "diffusion.trained_file": ["TrainedFile", "TrainedNetwork", "load_training"],
    "errors": ["PomodoroError"],
    "experiments.ensemble_training": ["run_train"],
    "experiments.figures": ["signal_figure", "sweep_figure", "table_figure", "training_figure"],
    "experiments.measure": ["FrameMeasurement", "measure_frames"],
    "experiments.measure_table": ["measure_csv", "measure_text"],
    "experiments.noise": ["NoiseResult", "run_noise"],
    "experiments.outputs": ["write_figure"],
    "experiments.sampling": ["SampleResult", "run_sample"],
    "experiments.scaling_report": ["scaling_text"],
    "experiments.scalings": ["head_table", "scaling_table", "total_errors"],
    "experiments.signal_report": ["SignalResult", "run_signal", "signal_csv", "signal_text"],
    "experiments.survey_figure": ["survey_figure"],
    "experiments.survey_files": ["SurveyResult", "survey_files"],
    "experiments.survey_place": ["SurveyPlace", "survey_places"],
    "experiments.survey_report": ["survey_json", "survey_text"],
    "experiments.sweep": ["Sweep", "run_sweep"],
    "experiments.sweep_table": ["sweep_text"],
    "experiments.teaching": ["TrainingSignal", "training_signal"],
    "experiments.table": ["TableRow", "noise_table", "table_text"],
    "experiments.training": ["TrainResult"],
    "io.dcd": ["save_dcd", "write_dcd"],
    "io.disk": ["atomic_write"],
    "io.header": ["read_header", "read_titles"],
    "io.mmcif": ["save_mmcif"],
    "io.npz": ["FrameSet", "load_frames", "save_npz"],
    "io.pdb": ["save_pdb", "save_pdb_residue"],
    "io.read": ["read_ensemble", "read_structure"],
    "noise.covariance": ["NestedCovariance"],
    "noise.draw": ["add_noise"],
    "noise.expected": ["expected_levels", "expected_residues"],
    "noise.gauge": ["Gauge", "gauge_split", "level_gauge"],
    "noise.inverse": ["weights_for_ratio", "weights_for_relative", "weights_for_shares"],
    "noise.levels": ["Levels", "ResidueLevels"],
    "noise.metrics": ["CA_CA_DISTANCE", "METRICS"],
    "noise.neighbors": ["expected_neighbor_displacement", "order_kept", "own_place_nearest"],
    "noise.scores": ["LocalScores", "expected_score", "expected_scores", "z_at_score"],
    "noise.sigma": ["AF3_LAW", "LAWS", "LawOfSigma", "sigma_from_z", "z_from_sigma"],
    "noise.statistics": ["LevelStatistics", "level_sigmas", "residue_sums"],
    "noise.weights": ["FLAT", "LevelWeights", "PRESETS", "Scheme"],
    "parameters.catalogue": [
        "ColorParameters",
        "MeasureParameters",
        "NoiseParameters",
        "SampleParameters",
        "SignalParameters",
        "SurveyFilesParameters",
        "TrainParameters",
    ],
    "structure.atoms": ["Structure"],
    "structure.distances": ["LocalDistances"],
    "structure.geometry": ["Geometry", "GeometryReference"],
    "structure.hierarchy": ["Hierarchy", "join_levels", "split_levels"],
    "structure.matching": ["Matching", "match_atoms"],
    "structure.quality": ["Quality", "QualityReference"],
    "structure.superposition": ["Superposition", "superpose"],
    "survey.rows": ["Row", "file_rows", "structure_rows"],
    "survey.settings": ["SurveySettings"],
    "survey.summary": ["Summary", "summarise"],
    "survey.survey_file": ["Survey", "read_survey", "write_survey"],
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
