"""Make the researcher's table again, and show by numbers where a reading of it misleads.

python docs/note_table.py [figure.png]
"""

from __future__ import annotations

import sys
from math import sqrt
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from pomodoro_pymol import (
    AF3_LAW,
    CA_CA_DISTANCE,
    PRESETS,
    Hierarchy,
    LevelWeights,
    Scheme,
    TableRow,
    expected_levels,
    expected_neighbor_displacement,
    gauge_split,
    noise_table,
    read_structure,
    sigma_from_z,
    table_text,
    weights_for_ratio,
    write_figure,
    z_from_sigma,
)

DOCS = Path(__file__).parent
DRAWS = 1000
WRONG = sqrt(2 / 3)
LOW_RATIO = 0.5
# Okabe and Ito 2008, readable with colour-blindness: marker, edge and face per weights, then one colour per level.
MARKS = {
    "flat": ("o", "#000000", "#000000"),
    "ms": ("s", "#D55E00", "#D55E00"),
    "rb": ("D", "#009E73", "#009E73"),
    "3-8-1": ("^", "#CC79A7", "#CC79A7"),
    "2-6-2": ("v", "#CC79A7", "#FFFFFF"),
}
LEVELS = {
    "chain": ("chain: a translation of the whole", "#0072B2"),
    "residue": ("residue in chain", "#56B4E9"),
    "atom": ("atom in residue", "#E69F00"),
}
IN_SPACE = sqrt(3)


def main(picture: Path) -> None:
    """Print the tables and the five readings, and draw the figure."""
    structure = read_structure(DOCS / "data" / "1hpv_fragment.pdb")
    hierarchy = Hierarchy.from_structure(structure)
    print(f" {hierarchy.n_atoms} atoms, {hierarchy.n_residues} residues, {hierarchy.n_chains} chain")
    presets = {name: Scheme(name, weights) for name, weights in PRESETS.items()}

    heading("The note's table: one draw")
    note = [presets[name] for name in ("flat", "ms", "rb")]
    print(table_text(noise_table(hierarchy, note, range(-3, 4)), hierarchy.n_chains))

    heading(f"The same from {DRAWS} draws, with the range that holds the next draw 95 times of 100")
    half = Scheme("r/a 0.5", weights_for_ratio(hierarchy, LOW_RATIO, PRESETS["3-8-1"]))
    no_chain = Scheme("ms, no chain", LevelWeights(0, PRESETS["ms"].chain + PRESETS["ms"].residue, PRESETS["ms"].atom))
    schemes = [*presets.values(), half, no_chain]
    rows = {row.scheme.name: row for row in noise_table(hierarchy, schemes, [0], frames=DRAWS)}
    print(table_text([rows[name] for name in presets], hierarchy.n_chains))

    root_h = sqrt(float((1 / hierarchy.atoms_per_residue.double()).mean()))
    heading("1. The residue / atom ratio of flat noise is sqrt(h), not sqrt(2/3)")
    show(f"sqrt(h), h = mean of 1 / atoms per residue: {root_h:.3f}; sqrt(2/3): {WRONG:.3f}")
    show(ratio(rows["flat"]))

    heading("2. Neither proposal gives a low ratio: 3-8-1 raises it, 2-6-2 keeps it above 0.9")
    for name in ("ms", "3-8-1", "2-6-2", "rb"):
        show(f"{ratio(rows[name])}, atom share of the weights {PRESETS[name].shares[2]:.3f}")
    show(f"a ratio of {LOW_RATIO} needs an atom share of {half.weights.shares[2]:.3f}, however the rest is split:")
    show(ratio(rows[half.name]))

    heading("3. A high ratio is not 'shared with the chain': it contains the residue's own motion")
    for name in ("ms", no_chain.name, "rb"):
        row = rows[name]
        shared = [sqrt(levels.chain_share) for levels in (row.expected, row.measured)]
        show(f"{ratio(row)}; amplitude shared with the chain: expected {shared[0]:.3f}, measured {shared[1]:.3f}")

    heading("4. One chain's wc is a translation, which centring and alignment take away")
    gauges = {name: gauge_split(structure.coords, hierarchy, weights) for name, weights in PRESETS.items()}
    for name, gauge in gauges.items():
        show(
            f"{name:6} share of the variance: translation {gauge.translation:.3f}, rotation {gauge.rotation:.3f}; "
            f"at z = 0 what is left is noise as of z {gauge.z_shift(AF3_LAW):.2f}"
        )

    heading(f"5. The rms is per coordinate, {CA_CA_DISTANCE} A is a distance in space: sqrt(3) lies between them")
    for name in ("flat", "ms", "rb", "2-6-2", "3-8-1"):
        levels = rows[name].expected
        apart = expected_neighbor_displacement(hierarchy, PRESETS[name], rows[name].sigma)
        show(
            f"{name:6} residues relative to chain at z = 0: {levels.residue_relative:.2f} A per coordinate, "
            f"{IN_SPACE * levels.residue_relative:.1f} A in space;"
        )
        show(f"       neighbours relative to each other: {apart:.1f} A in space;")
        show(f"       {CA_CA_DISTANCE} A in space is reached at z = {reaches(levels.residue_relative):+.2f}")

    draw(picture, hierarchy, [rows[name] for name in presets], root_h, half.weights.shares[2])
    print(f"\n figure: {picture.name}")


def reaches(relative: float) -> float:
    """Return the z at which residues that move ``relative`` A per coordinate at z = 0 move 3.8 A in space."""
    return z_from_sigma(sigma_from_z(0) * CA_CA_DISTANCE / (IN_SPACE * relative))


def heading(text: str) -> None:
    print(f"\n{text}\n")


def show(text: str) -> None:
    print(f"   {text}")


def ratio(row: TableRow) -> str:
    """Return residue / atom of a scheme: closed form, measured, range of single draws."""
    return (
        f"{row.scheme.name:12} residue / atom: expected {row.expected.ratio:.3f}, measured {row.measured.ratio:.3f}, "
        f"next draw {row.draw_low.ratio:.3f} .. {row.draw_high.ratio:.3f}"
    )


def mark(row: TableRow) -> dict[str, Any]:
    """Return how a scheme's point is drawn."""
    marker, edge, face = MARKS[row.scheme.name]
    return {"marker": marker, "color": edge, "markerfacecolor": face, "markersize": 6, "label": row.scheme.name}


def draw(picture: Path, hierarchy: Hierarchy, rows: list[TableRow], root_h: float, needed: float) -> None:
    """Draw the ratio against the atom share, the variance shares, and the displacement in space over z."""
    figure = Figure(figsize=(9.6, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)

    shares = [step / 100 for step in range(101)]
    curve = [expected_levels(hierarchy, LevelWeights(0, 1 - share, share)).ratio for share in shares]
    left.plot(shares, curve, color="0.6", zorder=1)
    left.axhline(WRONG, color="0.4", linestyle=":")
    left.text(1.05, WRONG + 0.012, "√(2/3), wrong for flat", ha="right", fontsize=8)
    left.axhline(root_h, color="0.4", linestyle="--")
    left.text(-0.03, root_h + 0.012, "√h, right for flat", fontsize=8)
    left.plot([-0.05, needed, needed], [LOW_RATIO, LOW_RATIO, 0.3], color="0.4", linewidth=1)
    left.text(
        needed - 0.02, LOW_RATIO + 0.012, f"0.5 needs {100 * needed:.0f} % of atom weight", ha="right", fontsize=8
    )
    for row in rows:
        place, value = row.scheme.weights.shares[2], row.measured.ratio
        span = [[value - row.draw_low.ratio], [row.draw_high.ratio - value]]
        left.errorbar(place, value, span, capsize=2, **mark(row))
    left.text(0.0, 0.6, "bars hold the\nnext draw, 95 %", fontsize=8)
    left.set(xlim=(-0.05, 1.07), ylim=(0.3, 1.03), xlabel="atom weight / all weights", ylabel="residue rms / atom rms")
    left.set_title("1, 2  Atom weight sets the ratio", fontsize=9)

    for place, row in enumerate(rows):
        start = 0.0
        for level, (text, color) in LEVELS.items():
            share = getattr(row.measured, f"{level}_share")
            middle.barh(place, share, 0.6, left=start, color=color, label="" if place else text)
            start += share
        middle.text(1.02, place, f"{sqrt(row.measured.chain_share):.2f}", va="center", fontsize=8)
    names = [row.scheme.name for row in rows]
    middle.set(xlim=(0, 1), xlabel="share of the variance", yticks=range(len(rows)), yticklabels=names)
    middle.invert_yaxis()
    middle.text(1.02, -0.45, "√chain", fontsize=8)
    middle.set_title("3, 4  One chain only moves the whole", fontsize=9)
    middle.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=1, handlelength=1, columnspacing=1)
    z_values = [step / 20 for step in range(-30, 21)]
    for row in rows:
        unit = IN_SPACE * row.expected.residue_relative / row.sigma
        heights = [unit * sigma_from_z(z) for z in z_values]
        style = {**mark(row), "markevery": 20, "markersize": 5}
        right.plot(z_values, heights, linewidth=1, **style)
    right.axhline(CA_CA_DISTANCE, color="0.4", linestyle="--")
    right.text(-1.46, CA_CA_DISTANCE * 1.08, "3.8 Å in space", fontsize=8)
    right.axhline(IN_SPACE * CA_CA_DISTANCE, color="0.4", linestyle=":")
    right.text(-1.46, IN_SPACE * CA_CA_DISTANCE * 1.08, "3.8 Å per coordinate", fontsize=8)
    right.set(xlim=(-1.5, 1), ylim=(0.3, 60), yscale="log", xlabel="z")
    right.set_ylabel("residue relative to chain,\nrms (Å in space)")
    right.set_title("5  In space, not per coordinate", fontsize=9)
    right.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, handlelength=2, columnspacing=1)
    write_figure(picture, figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "pictures" / "five_readings.png")
