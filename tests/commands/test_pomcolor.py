"""pomcolor: colours and b are the metric on the scale it returns, with one key; what is not ours is refused."""

import numpy as np
import pytest

METRICS = ("ratio", "relative", "displacement", "scramble", "neighbour", "excess", "lddt", "within", "between")
SPANS = {"neighbour": (0, 7.6), "excess": (0.9, 1.1)}
PALETTES = ("viridis", "cividis", "magma", "coolwarm")


@pytest.fixture
def made(hpv):
    """A PyMOL with an output of chain A and the ligand, and the result."""
    from pomodoro_pymol.commands import pomnoise

    return hpv, pomnoise("chain A or organic", frames=6, wc=1, wr=4, wa=4, _self=hpv)


def keys(cmd):
    """Return the names of the colour keys."""
    from pomodoro_pymol.viewer.store import is_key

    return [name for name in cmd.get_names("objects") if is_key(name, _self=cmd)]


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("metric", METRICS)
def test_colours_and_b_are_the_metric(made, snapshot, metric, palette):
    from pomodoro_pymol.commands import pomcolor

    cmd, result = made
    scale = pomcolor(metric=metric, palette=palette, _self=cmd)
    assert scale.palette == palette
    labels = []
    cmd.iterate(result.name, "put((segi, chain, resi))", space={"put": labels.append})
    rows = result.structure.residues[["segi", "chain", "resi"]].tolist()
    of_atom = [rows.index(label) for label in labels]
    values = result.metric(metric)
    seen = snapshot(cmd, result.name)
    assert seen["colors"] == tuple((0x40000000 | scale.rgb(values)[of_atom]).tolist())
    # b is a float32, and 0 where the metric is not defined.
    assert np.array_equal(np.float32(seen["b"]), np.nan_to_num(values).astype(np.float32)[of_atom])
    assert keys(cmd) == [f"{result.name}_key"]


@pytest.mark.parametrize("metric", METRICS)
def test_pomnoise_colours_as_pomcolor(hpv, snapshot, metric):
    from pomodoro_pymol.commands import pomcolor, pomnoise

    name = pomnoise(frames=3, metric=metric, palette="magma", _self=hpv).name
    seen = snapshot(hpv, name)
    pomcolor(metric="displacement", palette="cividis", _self=hpv)
    pomcolor(metric=metric, palette="magma", _self=hpv)
    assert snapshot(hpv, name) == seen


def test_only_colours_and_b_change(made, typed, snapshot, session, differences):
    cmd, result = made
    before, seen = session(cmd), snapshot(cmd, result.name)
    typed(cmd, "pomcolor metric=scramble")
    after = snapshot(cmd, result.name)
    for part in ("coords", "titles", "labels"):
        assert after[part] == seen[part]
    cmd.delete(result.name)
    cmd.delete(keys(cmd)[0])
    left = session(cmd)["names"]
    assert differences([entry for entry in before["names"] if not entry or "_noise" not in entry[0]], left) == []


@pytest.mark.parametrize("metric", METRICS)
def test_the_default_range_is_the_same_for_all_schemes(made, typed, metric):
    from pomodoro_pymol.commands import pomcolor

    cmd, result = made
    wanted = (0, result.parameters.noise_sigma) if metric == "displacement" else SPANS.get(metric, (0, 1))
    for line in ("pomnoise chain A or organic, preset=flat", "pomnoise chain A or organic, preset=ms"):
        typed(cmd, line)
        scale = pomcolor(metric=metric, _self=cmd)
        assert (scale.low, scale.high) == pytest.approx(wanted)


def test_an_automatic_range_says_how_much_is_signal(made, typed):
    cmd, result = made
    printed = typed(cmd, "pomcolor range=auto")
    values = result.metric("ratio")
    low, high = np.percentile(values, [2, 98])
    assert f"{low:.3g} .. {high:.3g}" in printed
    share = float(printed.split("signal: ")[1].split(" %")[0])
    assert 0 < share < 50
    assert "note: these colours show the chance of the draw: it takes" in printed
    printed = typed(cmd, "pomcolor metric=within, range=auto")
    assert "signal: 100 %" in printed
    assert "note:" not in printed
    assert "signal" not in typed(cmd, "pomcolor")


def test_the_report_says_which_schemes_look_alike(made, typed):
    cmd, _ = made
    typed(cmd, "pomnoise chain A or organic, preset=3-8-1")
    alike = "hard to tell from ms (0.94"
    assert alike in typed(cmd, "pomcolor")
    assert "2-6-2 (0.9" in typed(cmd, "pomcolor")
    assert "flat" not in typed(cmd, "pomcolor")
    assert "ms (0.4" in typed(cmd, "pomcolor metric=within")
    typed(cmd, "pomnoise chain A or organic, preset=flat")
    assert "hard to tell" not in typed(cmd, "pomcolor")


def test_what_an_older_version_did_not_measure_is_refused(made, typed, refused):
    cmd, result = made
    del cmd._pymol.session.pomodoro[result.name]["residues"]["neighbor"]
    refused(cmd, "pomcolor metric=neighbour", "run pomnoise again")
    assert "Error" not in typed(cmd, "pomcolor metric=scramble")


def test_range(made, typed):
    from pomodoro_pymol.commands import pomcolor

    cmd, _ = made
    scale = pomcolor(range="0.25:1.5", _self=cmd)
    assert (scale.low, scale.high) == (0.25, 1.5)
    assert "0.25 .. 1.5" in typed(cmd, "pomcolor range=0.25:1.5")
    assert "0.25 .. 1.5" in typed(cmd, "pomcolor 1hpv_noise, ratio, viridis, 0.25:1.5")


def test_values_beyond_the_range_take_the_end_colours(made, snapshot):
    from pomodoro_pymol.commands import pomcolor

    cmd, result = made
    pomcolor(range="5:6", _self=cmd)
    assert set(snapshot(cmd, result.name)["colors"]) == {0x40440154}
    pomcolor(range="-6:-5", _self=cmd)
    assert set(snapshot(cmd, result.name)["colors"]) == {0x40FDE725}


@pytest.mark.parametrize("span", ["1:0", "1:1", "1", "a:b", "0:inf", "nan:1", "0:1:2", ":1"])
def test_bad_range(made, typed, session, differences, span):
    cmd, _ = made
    before = session(cmd)
    printed = typed(cmd, f"pomcolor range={span}")
    assert len(printed.splitlines()) == 1
    assert printed.startswith(" Error: ")
    assert differences(before, session(cmd)) == []


@pytest.mark.filterwarnings("error")
def test_undefined_is_grey(cmd, read_pdb, snapshot):
    from pomodoro_pymol.commands import pomcolor, pomnoise

    read_pdb(cmd, "tiny")
    # A chain of one atom does not move relative to itself: 0 / 0.
    name = pomnoise("name CA and resi 1", frames=2, _self=cmd).name
    pomcolor(metric="relative", _self=cmd)
    seen = snapshot(cmd, name)
    assert set(seen["colors"]) == {0x40808080}
    assert set(seen["b"]) == {0.0}


@pytest.mark.parametrize(
    "edit",
    [
        "remove {} and resi 30",
        "remove {} and name CB",
        "alter {} and resi 30, chain='Z'",
        "alter {} and resi 30, resi='31'",
        "alter {} and resi 30, resi='500'",
    ],
)
def test_edited_object(made, refused, edit):
    cmd, result = made
    cmd.do(edit.format(result.name))
    cmd.sort()
    refused(cmd, "pomcolor", "edited")


def test_nothing_of_ours(hpv, refused):
    refused(hpv, "pomcolor", "run pomnoise first")
    refused(hpv, "pomcolor 1hpv", "was not made by pomnoise")
    refused(hpv, "pomcolor nosuch", "there is no object 'nosuch'")


def test_several_of_ours(made, typed, refused):
    cmd, _ = made
    typed(cmd, "pomnoise frames=1 name=second")
    refused(cmd, "pomcolor", "1hpv_noise, second")
    assert "Error" not in typed(cmd, "pomcolor second")


@pytest.mark.parametrize("words", ["metric=rato", "palette=jet", "colour=red", "1hpv_noise, ratio, magma, 0:1, 5"])
def test_bad_input(made, refused, words):
    refused(made[0], f"pomcolor {words}")


def test_one_key_however_often(made, typed):
    cmd, result = made
    for line in ("pomcolor metric=relative", "pomcolor palette=magma", "pomnoise chain A, frames=2", "pomcolor"):
        typed(cmd, line)
        assert keys(cmd) == [f"{result.name}_key"]


def test_key_is_drawn_again_when_deleted(made, typed):
    cmd, result = made
    cmd.delete(f"{result.name}_key")
    typed(cmd, "pomcolor")
    assert keys(cmd) == [f"{result.name}_key"]


def test_a_users_object_with_the_keys_name_is_kept(made, typed):
    cmd, result = made
    cmd.delete(f"{result.name}_key")
    cmd.pseudoatom(f"{result.name}_key", pos=[1, 2, 3])
    typed(cmd, "pomcolor")
    assert cmd.get_type(f"{result.name}_key") == "object:molecule"
    assert len(keys(cmd)) == 1


def test_a_renamed_output_is_still_not_a_candidate(made, typed):
    cmd, result = made
    cmd.set_name(result.name, "mine")
    assert "Error" not in typed(cmd, "pomnoise frames=1 name=again")
    assert cmd.count_states("mine") == 7
