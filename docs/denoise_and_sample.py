"""What per-level preconditioning, multi-scale outputs, centring and hierarchical churn do, by numbers.

python docs/denoise_and_sample.py [figure.png]

Everything here is analytic: the data are the 24 models of an NMR ensemble, or a Gaussian, and
the denoisers are closed forms. No trained model is involved.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from pomodoro_pymol import (
    AF3_LAW,
    FLAT,
    PRESETS,
    VARIANTS,
    Estimate,
    Hierarchy,
    IdealDenoiser,
    LevelWeights,
    NestedCovariance,
    NetworkDenoiser,
    Sampler,
    StepCurves,
    WienerDenoiser,
    add_noise,
    broadcast_heads,
    data_variances,
    degrees_of_freedom,
    edm_sample,
    head_table,
    noise_variances,
    own_sigma_data,
    read_structure,
    residue_spreads,
    scaling_table,
    split_levels,
    superpose,
    total_errors,
    write_figure,
)

DOCS = Path(__file__).parent
NMR = DOCS.parent / "tests" / "data" / "2juy.pdb.gz"
WEIGHTS = PRESETS["3-8-1"]
PRIOR = (1.0, 4.0, 0.25)
SIGMA_DATA = 16.0
# Weights, and z of the note: sigma 4.82 and 21.6 A per coordinate.
CASES = (("ms", 0), ("ms", 1), ("rb", 0), ("3-8-1", 0), ("3-8-1", 1))
SIGMAS = (0.5, 1, 2, 3, 5, 7, 10, 15, 21.6, 40, 80)
SAMPLES = 150
BIAS = 0.25
# Okabe and Ito 2008, readable with colour-blindness.
BLUE, SKY, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#56B4E9", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
PLAIN = Sampler(
    grid="edm", steps=50, gamma=0.0, noise_scale=1.0, step_scale=1.0, solver="heun", center=False, augment=False
)


def main(picture: Path) -> None:
    """Print the four comparisons and draw them."""
    models = [read_structure(NMR, model=number) for number in range(1, 25)]
    hierarchy = Hierarchy.from_structure(models[0])
    states = torch.from_numpy(np.stack([model.coords for model in models]))
    states -= states.mean((0, 1))
    print(f" {len(states)} models, {hierarchy.n_atoms} atoms, {hierarchy.n_residues} residues; analytic denoisers")
    figure = Figure(figsize=(9.5, 9.2), layout="constrained")
    axes = figure.subplot_mosaic([["errors", "errors"], ["sampled", "outputs"], ["frames", "churn"]])
    preconditioning(states, hierarchy, axes["errors"], axes["sampled"])
    outputs(states, hierarchy, axes["outputs"])
    frames(states, hierarchy, axes["frames"])
    churn(hierarchy, axes["churn"])
    write_figure(picture, figure)
    print(f"\n figure: {picture.name}")


def preconditioning(states: Tensor, hierarchy: Hierarchy, error_axis, sampled_axis) -> None:
    """Compare scalings: error of c_skip x alone in seven columns, heads of residue means, and what is sampled."""
    heading("1. Preconditioning per level")
    data = data_variances(states, hierarchy)
    own = own_sigma_data(hierarchy, data)
    show(f"mean squared error of c_skip x alone, A^2 per coordinate; own: sigma_data {own:.3f} A, else {SIGMA_DATA:g};")
    show("centred: noise and data without the translation of the whole")
    tables = {(name, z): scaling_table(hierarchy, PRESETS[name], [AF3_LAW.sigma(z)], data) for name, z in CASES}
    errors = {
        case: {column: error for (_, column), error in total_errors(rows).items()} for case, rows in tables.items()
    }
    seven(errors)
    show("nearly all of the gain at high sigma is sigma_data, the object's own. Sigma per level adds to it at moderate")
    show("sigma: under ms most of that is the chain's translation, gone once x is centred, under rb little of it. The")
    show(
        "note's variant is better than one sigma under ms, with the own sigma_data; under rb and 3-8-1 it is worse, as"
    )
    show("everywhere with 16")
    show("variance of the residue target, 1 is ideal")
    seven({case: {row.variant: row.target for row in rows if row.level == "residue"} for case, rows in tables.items()})
    show("loss weight of each level, 1 / c_out^2, A^-2 per coordinate, chain:residue:atom, one sigma and each its own")
    for (name, z), rows in tables.items():
        one, each = ([row.scalings.loss_weight for row in rows if row.variant == v] for v in ("global", "levels"))
        show(f"{name:8}{AF3_LAW.sigma(z):>6.4g}   {one[0]:.4f}   {':'.join(f'{weight:.4f}' for weight in each)}")
    show("a head of residue means under ms at sigma 21.6, error in A^2 per coordinate, mean over residues")
    rows = head_table(hierarchy, PRESETS["ms"], (AF3_LAW.sigma(1),), residue_spreads(states, hierarchy), own)
    for head, what in (("relative", "about their chain's"), ("absolute", "as they are")):
        show(f"{what:20}" + ", ".join(f"{row.variant} {row.error:.2f}" for row in rows if row.level == head))
    prior = prior_variances(hierarchy)
    found = {}
    for variant in VARIANTS:
        denoise = NetworkDenoiser(
            lambda coords, c_noise: torch.zeros_like(coords), hierarchy, WEIGHTS,
            variant=variant, data=prior, sigma_data=math.sqrt(sum(PRIOR)),
        )  # fmt: skip
        found[variant] = ratios(denoise, hierarchy, PLAIN)
    for variant, values in found.items():
        show(f"sampled variance / prior's, Heun 50, {variant:6}: {per_level(values)} (1 is right)")
    show(f"({SAMPLES} samples: chain values are good to {100 * (2 / 3 / SAMPLES) ** 0.5:.0f} %, residues' to 1 %)")
    cases = list(errors.values())
    for place, (column, color) in enumerate(zip(cases[0], (BLUE, SKY, GREEN, RED, ORANGE, PURPLE, "0.6"))):
        at = [case + 0.12 * (place - 3) for case in range(len(cases))]
        drawn = error_axis.bar(at, [case[column] for case in cases], 0.115, color=color, label=column)
        error_axis.bar_label(drawn, fmt="%.3g", fontsize=6)
    error_axis.set(yscale="log", ylim=(3, 400), ylabel="error of c_skip·x (Å² per coordinate)")
    error_axis.set_xticks(range(len(CASES)), [f"{name}, {AF3_LAW.sigma(z):.3g}" for name, z in CASES])
    error_axis.set_xlabel("weights, sigma (Å per coordinate)")
    error_axis.set_title(
        f"1  Preconditioning, sigma_data {SIGMA_DATA:g} Å per coordinate or own, {own:.3f}", fontsize=9
    )
    error_axis.legend(fontsize=8, ncols=7)
    bars(sampled_axis, found, "1  What scalings sample, sigma_data that of the prior", (GREEN, SKY, ORANGE))


def outputs(states: Tensor, hierarchy: Hierarchy, axis) -> None:
    """Compare the error of one-shot estimates with residue and chain heads broadcast and without."""
    heading("2. Multi-scale outputs: rms error of the one-shot estimate, A per coordinate")
    exact = IdealDenoiser(states, hierarchy, WEIGHTS, heads=True)
    flat = IdealDenoiser(states, hierarchy, WEIGHTS, covariance="flat", heads=True)
    names = ("flat atom head", "with heads", "with heads, gated", "exact atom head", "exact with heads")
    curves: dict[str, list[float]] = {name: [] for name in names}
    show(f"{'sigma':>6}" + "".join(f"{name:>19}" for name in names))
    truth = states.repeat(10, 1, 1)
    for sigma in SIGMAS:
        noise = add_noise(torch.zeros(hierarchy.n_atoms, 3), hierarchy, sigma, WEIGHTS, n_frames=len(truth))
        one, other = flat(truth + noise, sigma), exact(truth + noise, sigma)
        estimates = (
            *(one.atoms, broadcast_heads(one, hierarchy), broadcast_heads(one, hierarchy, 0.99)),
            *(other.atoms, broadcast_heads(other, hierarchy)),
        )
        for name, estimate in zip(names, estimates):
            curves[name].append(float((estimate - truth).square().mean().sqrt()))
        show(f"{sigma:>6}" + "".join(f"{curves[name][-1]:>19.3f}" for name in names))
    show("heads help an atom head that takes atoms as independent where noise is high, and harm where it is low;")
    show("the gate keeps most of the gain and nearly all of the harm away. An exact atom head has no use for them.")
    for name, color, style in zip(
        names, (BLUE, RED, GREEN, "black", ORANGE), ("-", "--", "-.", ":", (0, (5, 1, 1, 1)))
    ):
        axis.plot(SIGMAS, curves[name], color=color, linestyle=style, label=name)
    axis.set(xscale="log", xlabel="sigma (Å per coordinate)", ylabel="rms error (Å per coordinate)")
    axis.set_title("2  Multi-scale outputs, one shot", fontsize=9)
    axis.legend(fontsize=8)


def frames(states: Tensor, hierarchy: Hierarchy, axis) -> None:
    """Compare the centroid and the drift of orientation with centring and augmentation and without."""
    heading("3. Centring and random rotation between steps")
    knows = IdealDenoiser(states, hierarchy, WEIGHTS, pose="exact")

    def follows(x: Tensor, sigma: float) -> Estimate:
        center = x.mean(-2, keepdim=True)
        found = knows(x - center, sigma)
        return replace(found, atoms=found.atoms + center)

    on = Sampler(steps=50)
    off = replace(on, center=False, augment=False)
    show("|centroid| before the last step, AF3 settings, 50 steps, of denoisers that")
    for name, denoise in (("know that structures lie about the origin", knows), ("take the place from x", follows)):
        far, home = (follow(denoise, hierarchy, sampler, 8)[-1].centroid for sampler in (off, on))
        show(f"  {name}: {far:.1f} A in space without centring, {home:.1f} with")
    truth = states[0] - states[0].mean(0)
    angle = math.radians(BIAS)
    turn = torch.eye(3)
    turn[:2, :2] = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

    def biased(x: Tensor, sigma: float) -> Estimate:
        posed = superpose(truth.expand_as(x), x).coords
        center = posed.mean(-2, keepdim=True)
        return Estimate((posed - center) @ turn.T + center)

    short = replace(PLAIN, sigma_max=1.0, sigma_min=0.005, solver="euler")
    for steps, style in ((50, "-"), (200, "--")):
        for name, moved, color in (("without", False, BLUE), ("with", True, RED)):
            sampler = replace(short, steps=steps, center=moved, augment=moved)
            records = follow(biased, hierarchy, sampler, 40)
            turned = [record.rotation for record in records]
            show(
                f"a denoiser that turns by {BIAS} degrees, {steps:>3} steps, {name:7}: turned {turned[-1]:.2f} degrees"
            )
            levels = [record.sigma_hat for record in records]
            axis.plot(levels, turned, color=color, linestyle=style, label=f"{name}, {steps} steps")
    show("centring keeps at home a sample whose denoiser does not. Augmentation turns the drift of a biased denoiser")
    show("into a random walk; without it the drift is of the logarithm of sigma, and more steps do not make it worse.")
    axis.set(xscale="log", xlabel="sigma (Å per coordinate)", ylabel="turned since the first step (degrees)")
    axis.invert_xaxis()
    axis.set_title(f"3  Drift of a denoiser biased by {BIAS}°", fontsize=9)
    axis.legend(fontsize=8, title="augmentation", title_fontsize=8)


def churn(hierarchy: Hierarchy, axis) -> None:
    """Compare the variance of samples under churn of the law of the start noise and under flat churn."""
    heading("4. Churn of the same law as the start noise, or flat")
    mean = torch.zeros(hierarchy.n_atoms, 3)
    denoise = WienerDenoiser(mean, NestedCovariance(hierarchy, *PRIOR), WEIGHTS)
    euler = replace(PLAIN, solver="euler", steps=200)
    noisy = replace(euler, gamma=0.8)
    found = {
        "no churn": ratios(denoise, hierarchy, euler),
        "same law": ratios(denoise, hierarchy, noisy),
        "flat churn": ratios(denoise, hierarchy, noisy, FLAT),
    }
    for name, values in found.items():
        show(f"sampled variance / prior's, Euler 200, {name:10}: {per_level(values)} (1 is right)")
    show("flat churn under hierarchical noise loses the chain's and the residues' spread and blows up the atoms';")
    show("of the same law it costs the bias of large Euler steps, alike for all levels.")
    bars(axis, found, "4  Churn")


def seven(found: dict[tuple[str, float], dict[str, float]]) -> None:
    """Print a table of preconditioning: a row for weights and sigma, a column for scalings."""
    columns = list(next(iter(found.values())))
    show(f"{'weights':8}{'sigma':>6}" + "".join(f"{column:>{len(column) + 3}}" for column in columns))
    for (name, z), row in found.items():
        cells = "".join(f"{row[column]:>{len(column) + 3}.2f}" for column in columns)
        show(f"{name:8}{AF3_LAW.sigma(z):>6.4g}{cells}")


def prior_variances(hierarchy: Hierarchy) -> tuple[float, float, float]:
    """Variance of each level of the Gaussian prior, per degree of freedom."""
    return noise_variances(hierarchy, LevelWeights(*PRIOR), math.sqrt(sum(PRIOR)))


def ratios(denoise, hierarchy: Hierarchy, sampler: Sampler, churn_weights: LevelWeights = WEIGHTS) -> list[float]:
    """Variance of samples over that of the prior, level by level."""
    x = edm_sample(denoise, hierarchy, WEIGHTS, sampler, samples=SAMPLES, churn_weights=churn_weights)
    chain, residue, atom = split_levels(x.double(), hierarchy)
    on_atoms = (hierarchy.broadcast(chain, "chain"), hierarchy.broadcast(residue), atom)
    shares = degrees_of_freedom(hierarchy)
    return [
        float(part.square().mean()) / share / variance
        for part, share, variance in zip(on_atoms, shares, prior_variances(hierarchy))
    ]


def follow(denoise, hierarchy: Hierarchy, sampler: Sampler, samples: int) -> list:
    curves = StepCurves(hierarchy)
    edm_sample(denoise, hierarchy, WEIGHTS, sampler, samples=samples, callback=curves)
    return curves.records


def bars(axis, found: dict[str, list[float]], title: str, colors: tuple[str, ...] = (BLUE, SKY, ORANGE)) -> None:
    """Draw variance ratios by level."""
    for place, (name, color) in enumerate(zip(found, colors)):
        at = [level + 0.27 * (place - 1) for level in range(3)]
        drawn = axis.bar(at, found[name], 0.25, bottom=0.005, color=color, label=name)
        axis.bar_label(drawn, [f"{value:.2f}" for value in found[name]], fontsize=7)
    axis.axhline(1, color="0.4", linewidth=1)
    axis.set(yscale="log", ylim=(0.005, 30), ylabel="variance of samples / of the prior")
    axis.set_xticks(range(3), ("chain", "residue", "atom"))
    axis.set_title(title, fontsize=9)
    axis.legend(fontsize=8)


def per_level(values: list[float]) -> str:
    return ", ".join(f"{level} {value:.2f}" for level, value in zip(("chain", "residue", "atom"), values))


def heading(text: str) -> None:
    print(f"\n{text}\n")


def show(text: str) -> None:
    print(f"   {text}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "pictures" / "denoise_and_sample.png")
