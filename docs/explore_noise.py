import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Pomodoro: explore noise")

with app.setup:
    from math import sqrt
    from pathlib import Path

    import marimo as mo
    from matplotlib.figure import Figure

    from pomodoro_pymol import (
        CA_CA_DISTANCE,
        PRESETS,
        Hierarchy,
        LevelWeights,
        NoiseParameters,
        PomodoroError,
        Scheme,
        expected_levels,
        gauge_split,
        noise_table,
        read_structure,
        run_noise,
        run_sweep,
        save_pdb,
        sigma_from_z,
        signal_figure,
        signal_text,
        sweep_figure,
        sweep_text,
        table_figure,
        table_text,
        training_signal,
        weights_for_ratio,
    )

    FRAGMENT = Path(__file__).parent / "data" / "1hpv_fragment.pdb"


@app.cell(hide_code=True)
def _():
    _structure = read_structure(FRAGMENT)
    _fragment = Hierarchy.from_structure(_structure)
    _gauge = {name: gauge_split(_structure.coords, _fragment, weights) for name, weights in PRESETS.items()}
    _at = {name: expected_levels(_fragment, weights, sigma_from_z(0)) for name, weights in PRESETS.items()}
    _needed = weights_for_ratio(_fragment, 0.5, PRESETS["3-8-1"]).shares[2]

    def _shared(name):
        return f"{sqrt(_at[name].chain_share):.3f}"

    def _moved(name):
        return f"{sqrt(3) * _at[name].residue_relative:.1f}"

    mo.md(f"""
    # How much noise lands on atoms, residues and chains

    Training noise of a structure-diffusion model is shared between levels: a part moves each chain as a whole, a part
    each residue, a part each atom. Choose a structure, the noise level z and the weights (they are variances; only
    their shares matter), and see what each level gets, **measured** on random draws beside the **closed form**.
    An rms *per coordinate* compares with sigma; a distance *in space*, √3 times as large, compares with the
    {CA_CA_DISTANCE} Å between consecutive Cα.

    Five readings mislead. The numbers are for residues 1 to 32 of 1HPV at z = 0:

    1. **Flat noise has a residue / atom ratio of √h = {_at["flat"].ratio:.3f}**, h the mean of 1 / atoms per residue;
       not √(2/3) = {sqrt(2 / 3):.3f}.
    2. **Neither proposal gives a low ratio**: {_at["3-8-1"].ratio:.3f} for 3-8-1 and {_at["2-6-2"].ratio:.3f} for
       2-6-2, beside {_at["ms"].ratio:.3f} for ms and {_at["rb"].ratio:.3f} for rb. A ratio of 0.5 needs
       {100 * _needed:.0f} % of the weight on atoms, however the rest is split.
    3. **A ratio of {_at["ms"].ratio:.3f} is not "shared with the chain"**: it contains the residue's own motion. What
       the chain shares is √(chain share): {_shared("ms")} for ms, {_shared("rb")} for rb.
    4. **One chain's weight is a pure translation**, which centring and alignment take away:
       {100 * _gauge["ms"].translation:.0f} % of the variance under ms, whose noise is then that of
       z {_gauge["ms"].z_shift():+.2f}; {100 * _gauge["3-8-1"].translation:.0f} % and
       z {_gauge["3-8-1"].z_shift():+.2f} under 3-8-1.
    5. **The displacement relative to the chain is per coordinate, {CA_CA_DISTANCE} Å is a distance in space.** In space
       residues move {_moved("ms")} Å (ms), {_moved("rb")} (rb), {_moved("2-6-2")} (2-6-2) and {_moved("3-8-1")} (3-8-1)
       relative to their chain.

    So look at the ratio, the displacement relative to the chain and the shares together, never at one alone.
    """)
    return


@app.cell(hide_code=True)
def _():
    path = mo.ui.text(label="PDB or mmCIF file", placeholder="empty: 1HPV, chain A, residues 1 to 32", full_width=True)
    preset = mo.ui.dropdown(list(PRESETS), value="3-8-1", label="weights of")
    z = mo.ui.slider(-3, 3, 0.25, value=0, label="z", show_value=True)
    mo.vstack([path, mo.hstack([z, preset], justify="start", gap=2)])
    return path, preset, z


@app.cell(hide_code=True)
def _(preset):
    _start = PRESETS[preset.value]
    chain, residue, atom = (
        mo.ui.slider(0, 20, 0.1, value=getattr(_start, level), label=level, show_value=True)
        for level in ("chain", "residue", "atom")
    )
    mo.hstack([chain, residue, atom], justify="start", gap=2)
    return atom, chain, residue


@app.cell(hide_code=True)
def _(atom, chain, path, residue):
    try:
        structure = read_structure(Path(path.value).expanduser() if path.value else FRAGMENT)
        weights = LevelWeights(chain.value, residue.value, atom.value)
    except PomodoroError as _error:
        mo.stop(True, mo.callout(str(_error), "danger"))
    hierarchy = Hierarchy.from_structure(structure)
    _presets = [Scheme(name, known) for name, known in PRESETS.items()]
    _own = Scheme(f"{weights.chain:g}:{weights.residue:g}:{weights.atom:g}", weights)
    schemes = _presets if weights in PRESETS.values() else [*_presets, _own]
    _chain, _residue, _atom = weights.shares
    mo.md(
        f"**{structure.name}**: {hierarchy.n_atoms} atoms, {hierarchy.n_residues} residues, "
        f"{hierarchy.n_chains} chain{'s' * (hierarchy.n_chains > 1)}. "
        f"Weights as shares: chain {_chain:.3f}, residue {_residue:.3f}, atom {_atom:.3f}."
    )
    return hierarchy, schemes, structure, weights


@app.cell(hide_code=True)
def _(structure, weights, z):
    parameters = NoiseParameters(z=z.value, wc=weights.chain, wr=weights.residue, wa=weights.atom, device="cpu")
    result = run_noise(structure, parameters, lambda block: None)
    mo.vstack([mo.md("## These weights at this z, 20 draws"), mo.plain_text(result.report())])
    return (result,)


@app.cell(hide_code=True)
def _(result):
    _measured, _expected = result.residues()
    _figure = Figure(figsize=(8, 3), layout="constrained")
    _axis = _figure.subplots()
    _axis.plot(sqrt(3) * _measured.residue_relative, color="#0072B2", label="measured")
    _axis.plot(sqrt(3) * _expected.residue_relative, color="#E69F00", linestyle="--", label="expected")
    _axis.axhline(CA_CA_DISTANCE, color="0.4", linewidth=1, label=f"{CA_CA_DISTANCE} Å, consecutive Cα")
    _axis.set(xlabel="residue, in file order", ylabel="rms relative to chain (Å in space)")
    _axis.set_ylim(bottom=0)
    _figure.legend(fontsize=8, loc="outside upper right", ncols=3)
    mo.as_html(_figure)
    return


@app.cell(hide_code=True)
def _(hierarchy, schemes, z):
    rows = noise_table(hierarchy, schemes, sorted({*range(-3, 4), z.value}), frames=100)
    mo.vstack(
        [
            mo.md("## All weights over z, 100 draws"),
            mo.as_html(table_figure(rows)),
            mo.plain_text(table_text(rows, hierarchy.n_chains)).style(overflow_x="auto"),
        ]
    )
    return (rows,)


@app.cell(hide_code=True)
def _(hierarchy, schemes, structure):
    sweep = run_sweep(structure, hierarchy, schemes, [step / 4 for step in range(-12, 13)])
    mo.vstack(
        [
            mo.md("## Where each loses the structure, one draw scaled over z"),
            mo.as_html(sweep_figure(sweep)),
            mo.plain_text(sweep_text(sweep)),
        ]
    )
    return (sweep,)


@app.cell(hide_code=True)
def _(hierarchy, schemes, structure):
    signal = training_signal(structure, structure.coords[None], hierarchy, schemes)
    mo.vstack(
        [
            mo.md(
                "## What it teaches\n\nWhere the loss at the start of training lies, level by level, and how often "
                "training meets each ratio of data to noise. What a model learns of it only training can tell."
            ),
            mo.as_html(signal_figure(signal)),
            mo.plain_text(signal_text(signal)).style(overflow_x="auto"),
        ]
    )
    return (signal,)


@app.cell(hide_code=True)
def _():
    target = mo.ui.text("noise.pdb", label="file")
    save = mo.ui.run_button(label="Save the 20 frames")
    mo.vstack([mo.md("## Multi-model PDB"), mo.hstack([target, save], justify="start", gap=2)])
    return save, target


@app.cell(hide_code=True)
def _(result, save, target):
    mo.stop(not save.value)
    try:
        save_pdb(target.value, result.structure, result.frames(), header=result.header())
        saved = (
            f"Wrote {target.value}: MODEL 0 is the true structure, MODEL 1 to {result.parameters.frames} are noised."
        )
    except PomodoroError as _error:
        saved = str(_error)
    mo.callout(saved)
    return (saved,)


@app.cell(hide_code=True)
def _(hierarchy, result, rows, signal, sweep):
    if mo.app_meta().mode == "script":
        texts = (table_text(rows, hierarchy.n_chains), sweep_text(sweep), signal_text(signal))
        print(result.report(), *texts, sep="\n\n")
    return


if __name__ == "__main__":
    app.run()
