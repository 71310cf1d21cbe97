"""What networks learnt, as sentences, tables and CSV."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..diffusion.precondition import LEVELS
from ..diffusion.training_task import Recipe, by_name
from ..utils.text import aligned, counted, csv_text, formatted
from .ranking import rankings, scaling_effects
from .rating import RESIDUE_NOISE
from .trained_samples import HELD, SCORES, expected_reached

if TYPE_CHECKING:
    from .training import TrainResult

T = TypeVar("T")

_TRIPLE = "chain:residue:atom"
_WIDTH = 118


def headlines(result: TrainResult) -> list[str]:
    """Return the main findings: sentences, each a line."""
    rating, recipes = result.rating, result.training.recipes
    lines = [str(ranking) for ranking in rankings(rating, recipes) if ranking.level != "chain"]
    for level, effects in scaling_effects(rating, recipes).items():
        if level != "chain":
            lines.append(
                f"{level}s, scaling=levels against global, each on its own noise: {', '.join(map(str, effects))}"
            )
    if len({recipe.seed for recipe in recipes}) == 1:
        lines.append("one seed: the intervals are over structures alone, and another seed can turn the order")
    groups = by_name(recipes)
    if len(groups) > 1:
        shares = [f"{name} {_share(rating.start, of)} -> {_share(rating.gains, of)}" for name, of in groups.items()]
        lines.append(f"residues' share of the loss at the start -> of what was learnt: {', '.join(shares)}")
    return lines


def training_text(result: TrainResult) -> str:
    """Return notes, tables and the main findings as aligned ASCII text."""
    return "\n".join(
        [
            *(f" {note}" for note in result.notes),
            *_head_lines(result),
            *_loss_lines(result),
            *(line for data in result.rating.data for line in _own_lines(result, data)),
            *_z_lines(result),
            *_common_lines(result),
            *_sample_lines(result),
            *(fill(line, _WIDTH, initial_indent=" ", subsequent_indent="   ") for line in headlines(result)),
        ]
    )


def _head_lines(result: TrainResult) -> list[str]:
    """Return what was trained, on what, and for how long."""
    training = result.training
    data, recipes, settings = training.data, training.recipes, training.settings
    weights = sum(weight[0].numel() for weight in training.networks[0][1].parameters())
    pace = f"{result.seconds:.3g} s a step of all" if math.isfinite(result.seconds) else "none of them now"
    held = f", {len(data.tested)} held out" if len(data.tested) else ", none held out"
    spread = ":".join(f"{level**0.5:.3g}" for level in data.levels)
    origin = f" ({result.origin})" if result.origin else ""
    return [
        f" {counted(len(data.trained), 'structure')} to train on{held}; {data.pose} pose; {settings.law}",
        f" standard deviation of the data, {_TRIPLE}: {spread} A per coordinate{origin}",
        f" {counted(len(recipes), 'network')} of {weights} weights, {training.architecture}; "
        f"{counted(training.step, 'step')} of {settings.batch}, {pace}, on {result.device}",
    ]


def _loss_lines(result: TrainResult) -> list[str]:
    """Return a table of losses at the start and after training."""
    rating, groups = result.rating, by_name(result.training.recipes)
    _, _, tested = result.training.curve[-1]
    rows = [["", "start", "trained", "held out" if len(result.training.data.tested) else "at the end", "start c:r:a"]]
    rows[0] += ["learnt c:r:a", "+- of r"]
    for name, members in groups.items():
        start, end = rating.start[members].sum(1).mean(), rating.end[members].sum(1).mean()
        gains = rating.gains[members]
        shares = (rating.start / rating.start.sum(1, keepdims=True))[members].mean(0)
        scatter = f"{gains[:, 1].std(ddof=1):.3f}" if len(members) > 1 else "n/a"
        cells = [f"{start:.3f}", f"{end:.3f}", f"{np.mean([tested[member] for member in members]):.3f}"]
        rows.append([name, *cells, _triple(shares), _triple(gains.mean(0)), scatter])
    return [
        " loss, mean over the law of training: of a network that predicts zero, and trained; shares of the start",
        f" and of what was learnt, {_TRIPLE}; +-: standard deviation over seeds",
        *aligned(rows),
    ]


def _own_lines(result: TrainResult, data: str) -> list[str]:
    """Return a table of errors at equal residue noise, each network on its own noise."""
    recipes, groups = result.training.recipes, by_name(result.training.recipes)
    rows = [["", "sigma", "noise c:r:a", "network", "linear", "exact"]]
    for condition in result.rating.of(data):
        errors = condition.errors()
        for name, members in groups.items():
            if recipes[members[0]].scheme == condition.scheme:
                floors = [_triple(condition.floor(floor)) for floor in ("noise", "linear", "exact")]
                network = _triple(errors[members].mean(0))
                rows.append([name, f"{condition.sigma:.3g}", floors[0], network, *floors[1:]])
    return [
        f" rms error, {_TRIPLE}, A per coordinate, where residues move by {RESIDUE_NOISE:g} A in space within their "
        f"chain; {data}:",
        *aligned(rows),
    ]


def _z_lines(result: TrainResult) -> list[str]:
    """Return a table of errors at equal sigma, each network on its own noise."""
    rating, groups = result.rating, by_name(result.training.recipes)
    if not rating.own:
        return []
    data = rating.data[0] if rating.data else rating.own[0].data
    conditions = rating.of(data, "own")
    zs = list(dict.fromkeys((condition.z, condition.sigma) for condition in conditions))
    rows = [["", *(f"z={z:g}, sigma {sigma:.3g}" for z, sigma in zs)]]
    for name, members in groups.items():
        cells = [
            _triple(condition.errors()[[condition.recipes.index(member) for member in members]].mean(0))
            for condition in conditions
            if members[0] in condition.recipes
        ]
        rows.append([name, *cells])
    exact = [
        [f"exact, {scheme}", *(_triple(found.floor("exact")) for found in own)]
        for scheme, own in _grouped(conditions, lambda condition: condition.scheme.name).items()
    ]
    return [
        f" rms error, {_TRIPLE}, A per coordinate, each on its own noise at equal sigma, A per coordinate; {data}:",
        *aligned(rows + [row for row in exact if "n/a" not in row[1]]),
    ]


def _grouped(items: Iterable[T], name_of: Callable[[T], str]) -> dict[str, list[T]]:
    """Return the items of each name, in their order."""
    found: dict[str, list[T]] = {}
    for item in items:
        found.setdefault(name_of(item), []).append(item)
    return found


def _common_lines(result: TrainResult) -> list[str]:
    """Return the common-noise matrix: networks down, noises across."""
    rating, groups = result.rating, by_name(result.training.recipes)
    lines = []
    for data in rating.data[:1]:
        conditions = rating.of(data)
        rows = [["network \\ noise", *(condition.scheme.name for condition in conditions)]]
        for name, members in groups.items():
            rows.append([name, *(_pair(condition.errors()[members].mean(0)) for condition in conditions)])
        for floor in ("linear", "exact"):
            rows.append([floor, *(_pair(condition.floor(floor)) for condition in conditions)])
        lines += [
            " common-noise matrix: rms error residue:atom, A per coordinate, of each network on the noise of each "
            f"scheme; {data}:",
            *aligned(rows),
        ]
    return lines


def _sample_lines(result: TrainResult) -> list[str]:
    """Return a table of what the samples of each network are like."""
    if not result.samples:
        return []
    n_states, count = len(result.training.data.trained), len(result.samples[-1].nearest)
    of_ensemble = result.structure is not None
    rows = [["", *(["states"] if of_ensemble else []), "rms c:r:a", "Ca lDDT", "within", "bonds off", "Ca-Ca off"]]
    rows[0].append("chirality")
    for name, several in _grouped(result.samples, lambda quality: quality.name).items():
        reached = np.mean([quality.reached for quality in several])
        distance = np.mean([np.sqrt((quality.distance**2).mean(0)) for quality in several], 0)
        means = [_mean([_mean(getattr(quality, score)) for quality in several]) for score in SCORES]
        states = [f"{reached:.3g} of {min(len(several[0].nearest), n_states)}"] if of_ensemble else []
        rows.append([name, *states, _triple(distance), *(formatted(mean, ".2f") for mean in means)])
    expected = expected_reached(n_states, count)
    start = [
        f" {count} samples of each network by its own law, Heun, against the nearest of {n_states} states of training:",
        f" states that are reached (of {count} draws among equally likely ones {expected:.3g}),",
    ]
    if not of_ensemble:
        start = [f" a sample of each network for {count} fragments, by its own law, Heun, against the fragment:"]
    return [
        *start,
        f" rms distance {_TRIPLE} in A per coordinate, lDDT of Calpha and within residues, part of the bonds",
        " off by more than 0.1 A, how far Calpha neighbours are off in A in space, part of the Calpha with the right",
        " hand (0.50 is chance)",
        *aligned(rows),
    ]


def _mean(values: Sequence[float] | np.ndarray) -> float:
    """Return the mean of the finite numbers, nan where none is finite."""
    there = np.asarray(values)[np.isfinite(values)]
    return float(there.mean()) if len(there) else math.nan


def training_csv(result: TrainResult) -> str:
    """Return all numbers as CSV: one row per measure, network, level and noise."""
    rows: list[list[object]] = []
    header = (
        *("measure", "data", "scheme", "scaling", "seed", "noise", "z", "sigma_per_coordinate"),
        *("told_sigma_per_coordinate", "level", "value", "linear", "exact", "noised"),
    )
    recipes, rating = result.training.recipes, result.rating
    for measure, conditions in (
        ("rms_error_per_coordinate", rating.own),
        ("common_noise_rms_error_per_coordinate", rating.common),
    ):
        for condition in conditions:
            floors = [condition.floor(name) for name in ("linear", "exact", "noise")]
            at = [condition.scheme.name, "" if condition.z is None else f"{condition.z:g}", f"{condition.sigma:.6g}"]
            for number, told, errors in zip(condition.recipes, condition.told, condition.errors()):
                for level, name in enumerate(LEVELS):
                    values = [errors[level], *(floor[level] for floor in floors)]
                    labels = [measure, condition.data, *_labels(recipes[number]), *at, f"{told:.6g}", name]
                    rows.append([*labels, *(f"{value:.6g}" for value in values)])
    for measure, losses in (("loss_at_the_start", rating.start), ("loss_trained", rating.end)):
        for recipe, levels in zip(recipes, losses):
            for name, value in zip(LEVELS, levels):
                rows.append(
                    [measure, "training", *_labels(recipe), recipe.scheme.name, "", "", "", name, f"{value:.6g}"]
                )
    of_networks = [quality for quality in result.samples if quality.name != HELD]
    for recipe, quality in zip(recipes, of_networks):
        labels = ["training", *_labels(recipe), recipe.scheme.name, "", "", ""]
        for level, name in enumerate(LEVELS):
            value = math.sqrt(float((quality.distance[:, level] ** 2).mean()))
            rows.append(["sample_rms_to_nearest_per_coordinate", *labels, name, f"{value:.6g}"])
        for score in SCORES:
            measure = f"sample_{score}{'_in_space' if score == 'ca_deviation' else ''}"
            rows.append([measure, *labels, "", f"{_mean(getattr(quality, score)):.6g}"])
        rows.append(["sample_states_reached", *labels, "", quality.reached])
    return csv_text(header, rows)


def _labels(recipe: Recipe) -> list[str]:
    """Return the cells of the CSV that name a network."""
    return [recipe.scheme.name, recipe.scaling, str(recipe.seed)]


def _share(values: np.ndarray, members: Sequence[int]) -> str:
    """Return the share of the residue level, a mean over some networks."""
    shares = values / values.sum(1, keepdims=True)
    return f"{shares[members, 1].mean():.2f}"


def _triple(values: Sequence[float] | np.ndarray) -> str:
    """Return the numbers of chain, residue and atom level."""
    return ":".join(formatted(value, ".3f") for value in values) if np.isfinite(values).any() else "n/a"


def _pair(values: Sequence[float] | np.ndarray) -> str:
    """Return the numbers of residue and atom level, of those of all three."""
    return _triple(list(values)[1:])
