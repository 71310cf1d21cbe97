"""What is shown after a run: not the source, the atoms of the frames, and the truth where it is asked for."""

import pytest

REPS = ("lines", "sticks", "spheres", "nonbonded", "nb_spheres", "cartoon", "ribbon", "surface")


@pytest.fixture
def pept(cmd):
    cmd.load(cmd.exp_path("$PYMOL_DATA/demo/pept.pdb"), "pept", quiet=1)
    return cmd


def shown(cmd, name):
    """Return how many atoms show each representation that any does."""
    counts = {rep: cmd.count_atoms(f"%{name} and rep {rep}") for rep in REPS}
    return {rep: count for rep, count in counts.items() if count}


def enabled(cmd):
    return cmd.get_names("objects", enabled_only=1)


def reps(cmd, name):
    """Return what each atom shows, by its labels."""
    found = {}
    cmd.iterate(f"%{name}", "put((segi, chain, resi, name, alt), reps)", space={"put": found.__setitem__})
    return found


# The source.


def test_every_command_hides_what_its_object_lies_over(cmd, load_source, typed):
    load_source("ensemble", cmd)
    chain = {
        "pomnoise frames=3": ("2juy", "2juy_noise"),
        "pomsweep z=-1:1": ("2juy", "2juy_sweep"),
        "pomsample sampler=edm, steps=3, samples=2": ("2juy", "2juy_sample_2"),
        "pomalign 2juy_noise": ("2juy_noise", "2juy_noise_aligned"),
        "pomdenoise 2juy_noise": ("2juy_noise", "2juy_noise_denoised"),
    }
    for line, (source, made) in chain.items():
        cmd.enable(source)
        printed = typed(cmd, line)
        assert printed.count("hidden: ") == 1, printed
        note = f" hidden: {source}, which lies over its frames; enable {source} shows it again"
        assert printed.splitlines()[-1] == note
        assert source not in enabled(cmd)
        assert made in enabled(cmd)
        assert "hidden: " not in typed(cmd, line), line
        assert source not in enabled(cmd)


def test_python_is_told_nothing(hpv, capfd):
    from pomodoro_pymol.commands import pomnoise

    pomnoise(frames=2, _self=hpv)
    assert capfd.readouterr().out == ""
    assert "1hpv" not in enabled(hpv)


@pytest.mark.parametrize("group", [1, 0])
def test_in_a_group(hpv, typed, group):
    hpv.group("all_of_it", "1hpv")
    (hpv.enable if group else hpv.disable)("all_of_it")
    assert " hidden: 1hpv," in typed(hpv, "pomnoise frames=2")
    assert ("1hpv" in enabled(hpv), "all_of_it" in enabled(hpv)) == (False, bool(group))
    assert "1hpv_noise" in enabled(hpv)
    typed(hpv, "enable 1hpv")
    assert ("1hpv" in enabled(hpv), "all_of_it" in enabled(hpv)) == (True, bool(group))


def test_the_other_instance_keeps_its_source(hpv, new_instance, load_source, typed):
    other = new_instance()
    load_source("waters", other)
    typed(hpv, "pomnoise frames=2, truth=1")
    assert "1hpv" not in enabled(hpv)
    assert enabled(other) == ["1hpv"]


@pytest.mark.parametrize("line", ["pomnoise frames=2", "pomsample steps=3", "pomsweep z=-1:1"])
@pytest.mark.parametrize("at", ["publish", "dress_steps"])
def test_it_stays_where_the_run_fails_last_of_all(hpv, typed, session, differences, monkeypatch, line, at):
    from pomodoro_pymol import PomodoroError
    from pomodoro_pymol.viewer import states

    def fail(*_, **__):
        raise PomodoroError("something is in the way")

    before = session(hpv)
    monkeypatch.setattr(states, at, fail)
    assert "something is in the way" in typed(hpv, line)
    assert differences(before, session(hpv)) == []


def test_a_log_that_hides_it_again_makes_the_same(
    hpv, new_instance, load_source, typed, tmp_path, session, differences
):
    """The panel logs both lines."""
    log = tmp_path / "log.pml"
    log.write_text("pomnoise frames=2, truth=1\ndisable 1hpv\n")
    other = new_instance()
    load_source("waters", other)
    typed(hpv, "pomnoise frames=2, truth=1")
    other.do(f"@{log}")
    assert enabled(hpv) == enabled(other) == ["1hpv_noise", "1hpv_noise_truth", "1hpv_noise_key"]
    one, two = session(hpv), session(other)
    runs = [whole["session"].pop("pomodoro")["1hpv_noise"].pop("run") for whole in (one, two)]
    assert runs[0] != runs[1]
    for entries in (one["names"], two["names"]):  # PyMOL saves a byte of a ramp that it never set
        del next(entry for entry in entries if entry and entry[0] == "1hpv_noise_key")[5]
    assert differences(one["names"], two["names"]) == []


# The frames.


def test_a_cartoon_becomes_sticks_and_the_rest_stays(hpv, typed):
    assert shown(hpv, "1hpv and not solvent") == {"sticks": 35, "nb_spheres": 35, "cartoon": 1516}
    hpv.show("spheres", "1hpv and chain A and resi 25")
    typed(hpv, "pomnoise frames=2")
    n_spheres = hpv.count_atoms("1hpv and chain A and resi 25")
    assert shown(hpv, "1hpv_noise") == {
        "spheres": n_spheres,
        "sticks": 1551 - n_spheres,
        "nb_spheres": 35,
        "cartoon": n_spheres,
    }
    assert hpv.get_setting_float("stick_radius", "1hpv_noise") == pytest.approx(0.15)


@pytest.mark.parametrize("rep", ["lines", "surface", "everything"])
def test_what_the_user_shows_is_shown(hpv, typed, rep):
    hpv.hide("everything", "1hpv")
    if rep != "everything":
        hpv.show(rep, "1hpv")
    typed(hpv, "pomnoise frames=2")
    assert shown(hpv, "1hpv_noise") == ({} if rep == "everything" else {rep: 1551})


def test_a_radius_of_ones_own_is_kept(hpv, typed):
    hpv.set("stick_radius", 0.4)
    typed(hpv, "pomnoise frames=2")
    assert hpv.get_setting_float("stick_radius", "1hpv_noise") == pytest.approx(0.4)
    hpv.set("stick_radius", 0.05, "1hpv_noise")
    typed(hpv, "pomnoise frames=2")
    assert hpv.get_setting_float("stick_radius", "1hpv_noise") == pytest.approx(0.05)
    assert hpv.get_setting_float("stick_radius") == pytest.approx(0.4)


def test_many_atoms_are_lines(hpv, typed, monkeypatch):
    from pomodoro_pymol.viewer import dressing

    assert dressing.MANY_ATOMS == 20_000
    monkeypatch.setattr(dressing, "MANY_ATOMS", 1550)
    typed(hpv, "pomnoise frames=2")
    assert shown(hpv, "1hpv_noise") == {"lines": 1516, "sticks": 35, "nb_spheres": 35}


def test_a_trace_without_bonds_stays_a_cartoon(hpv, typed):
    """Sticks would show nothing of it."""
    hpv.create("trace", "1hpv and name CA")
    hpv.delete("1hpv")
    hpv.show_as("cartoon", "trace")
    assert hpv.count_atoms("trace and bonded") == 0
    typed(hpv, "pomnoise frames=2")
    assert shown(hpv, "trace_noise") == {"cartoon": hpv.count_atoms("trace")}


@pytest.mark.parametrize(
    ("rep", "wanted"),
    {
        "sticks": {"sticks": 1552, "nb_spheres": 1},
        "lines": {"lines": 1552, "nonbonded": 1},
        "cartoon": {"cartoon": 1516, "sticks": 36, "nb_spheres": 1},
    }.items(),
)
def test_a_choice_holds_also_over_what_was_left(hpv, typed, rep, wanted):
    water = "index " + str(min(index for _, index in hpv.index("1hpv and solvent")))
    typed(hpv, f"pomnoise 1hpv and (not solvent or {water}), frames=2")
    hpv.show_as("spheres", "1hpv_noise")
    typed(hpv, f"pomnoise 1hpv and (not solvent or {water}), frames=2, rep={rep}")
    assert shown(hpv, "1hpv_noise") == wanted


def test_run_again_it_shows_what_the_user_left(hpv, typed):
    typed(hpv, "pomnoise frames=2")
    hpv.hide("sticks", "1hpv_noise and chain B")
    hpv.show("lines", "1hpv_noise and chain B and name CA+C+N")
    hpv.show("cartoon", "1hpv_noise and chain A")
    left = reps(hpv, "1hpv_noise")
    assert len(set(left.values())) > 3
    assert len(left) == hpv.count_atoms("1hpv_noise")
    typed(hpv, "pomnoise z=-1, frames=4")
    assert hpv.count_states("1hpv_noise") == 5
    assert reps(hpv, "1hpv_noise") == left


def test_run_again_in_another_order(hpv, typed):
    """The atoms of the copy stand in another order than before."""
    typed(hpv, "pomnoise frames=2")
    hpv.show("spheres", "1hpv_noise and chain A and name CB")
    left = reps(hpv, "1hpv_noise")
    hpv.alter("1hpv_noise", "segi = 'Z' if chain == 'A' else 'Y'")  # sorted, B would come first
    hpv.sort("1hpv_noise")
    hpv.alter("1hpv_noise", "segi = '1HPV'")
    one, two = [], []
    hpv.iterate("1hpv_noise", "put(rank)", space={"put": one.append})
    hpv.iterate("1hpv and not solvent", "put(rank)", space={"put": two.append})
    assert one != two
    typed(hpv, "pomnoise frames=2")
    assert reps(hpv, "1hpv_noise") == left


def test_run_again_of_other_atoms_it_is_as_new(hpv, typed):
    typed(hpv, "pomnoise frames=2")
    hpv.show_as("spheres", "1hpv_noise")
    typed(hpv, "pomnoise 1hpv and chain A and polymer, frames=2")
    assert shown(hpv, "1hpv_noise") == {"sticks": 758}


@pytest.mark.parametrize("name", ["_hidden", "1HPV_noise", "a.b-c+d"])
def test_run_again_under_any_name_it_shows_what_the_user_left(hpv, typed, name):
    line = f"pomnoise 1hpv and polymer, name={name}"
    typed(hpv, f"{line}, frames=2")
    assert shown(hpv, name) == {"sticks": 1516}
    hpv.show_as("spheres", f"%{name}")
    typed(hpv, f"{line}, frames=3")
    assert (hpv.count_states(f"%{name}"), shown(hpv, name)) == (4, {"spheres": 1516})


@pytest.mark.parametrize("others", ["chain B", "(chain A and not resi 1 or chain B and resi 1)"])
def test_run_again_of_as_many_other_atoms_it_is_as_new(hpv, typed, others):
    """Also where some are the same."""
    typed(hpv, "pomnoise 1hpv and chain A and polymer, frames=2")
    hpv.show_as("spheres", "1hpv_noise")
    typed(hpv, f"pomnoise 1hpv and {others} and polymer, frames=2")
    assert shown(hpv, "1hpv_noise") == {"sticks": 758}


def test_commands_on_frames_show_what_these_show(hpv, typed):
    typed(hpv, "pomnoise frames=2, rep=cartoon")
    typed(hpv, "pomdenoise 1hpv_noise")
    typed(hpv, "pomalign 1hpv_noise")
    typed(hpv, "pomsweep 1hpv, z=-1:1")
    typed(hpv, "pomsample 1hpv, steps=3")
    cartoon = {"cartoon": 1516, "sticks": 35}
    assert shown(hpv, "1hpv_noise_denoised") == shown(hpv, "1hpv_noise_aligned") == cartoon
    assert shown(hpv, "1hpv_sweep") == shown(hpv, "1hpv_sample")
    assert shown(hpv, "1hpv_sweep")["sticks"] == hpv.count_atoms("1hpv_sweep and not solvent")


# The truth.


@pytest.mark.parametrize("name", ["ttt", "both matrices", "ensemble", "altlocs", "hetero", "shuffled", "scene"])
def test_the_truth_lies_on_the_first_state(cmd, load_source, typed, snapshot, session, differences, name):
    source = load_source(name, cmd)
    before = session(cmd)["settings"]
    typed(cmd, source.line("frames=2, truth=1"))
    noise, truth = f"{source.object}_noise", f"{source.object}_noise_truth"
    assert cmd.count_states(truth) == 1
    assert truth in enabled(cmd)
    places = {}
    for each in (noise, truth):
        cmd.iterate_state(1, f"%{each}", "put((x, y, z))", space={"put": places.setdefault(each, []).append})
        places[each].append(cmd.get_object_matrix(each))
    assert places[noise] == places[truth]
    assert set(snapshot(cmd, truth)["colors"]) == {cmd.get_color_index("grey70")}
    assert set(shown(cmd, truth)) <= {"ribbon", "lines", "nonbonded"}
    assert sum(shown(cmd, truth).values()) >= cmd.count_atoms(truth)
    assert differences(before, session(cmd)["settings"]) == []


def test_the_truth_is_ours_and_no_frames(hpv, typed, snapshot):
    from pomodoro_pymol.viewer import sources, store

    typed(hpv, "pomnoise frames=2, truth=1")
    assert store.our_objects(_self=hpv) == ["1hpv_noise", "1hpv_noise_truth"]
    first = snapshot(hpv, "1hpv_noise_truth")
    typed(hpv, "pomnoise 1hpv and chain A, frames=2, truth=1")
    assert len(snapshot(hpv, "1hpv_noise_truth")["b"]) < len(first["b"])
    assert sources.resolve_source("", -1, _self=hpv).object == "1hpv"
    assert " pomcolor: 1hpv_noise\n" in typed(hpv, "pomcolor metric=displacement")
    typed(hpv, "pomnoise frames=2")
    assert hpv.get_names("objects") == ["1hpv", "1hpv_noise", "1hpv_noise_key"]
    assert set(hpv._pymol.session.pomodoro) == {"1hpv_noise"}


def test_the_truth_outlives_a_session(hpv, new_instance, typed, tmp_path):
    typed(hpv, "pomnoise frames=2, truth=1")
    hpv.save(str(tmp_path / "one.pse"))
    other = new_instance()
    other.load(str(tmp_path / "one.pse"))
    assert "Error" not in typed(other, "pomnoise frames=2, truth=0")
    assert "1hpv_noise_truth" not in other.get_names("objects")


def test_the_name_of_the_truth_can_be_taken(hpv, pept, typed, session, differences):
    hpv.set_name("pept", "1hpv_NOISE_truth")
    before = session(hpv)
    printed = typed(hpv, "pomnoise 1hpv, frames=2, truth=1")
    assert printed == (
        " Error: 1hpv_NOISE_truth exists and shows no truth: choose another name for the frames than 1hpv_noise"
    )
    assert differences(before, session(hpv)) == []
    assert "Error" not in typed(hpv, "pomnoise 1hpv, frames=2")
    assert "1hpv_NOISE_truth" in hpv.get_names("objects")


def test_frames_are_no_truth_to_replace(hpv, typed):
    typed(hpv, "pomnoise frames=2, name=a_truth")
    assert "a_truth exists and shows no truth" in typed(hpv, "pomnoise frames=2, name=a, truth=1")
    typed(hpv, "pomnoise frames=2, name=a")
    assert hpv.count_states("a_truth") == 3


@pytest.mark.parametrize("truth", [0, 1])
def test_a_truth_that_is_noised_is_not_taken_away(hpv, typed, truth):
    typed(hpv, "pomnoise frames=2, name=a, truth=1")
    printed = typed(hpv, f"pomnoise %a_truth, name=a, frames=2, truth={truth}")
    assert "a_truth is the source itself" in printed
    assert hpv.count_states("a_truth") == 1
    assert hpv.count_states("a") == 3


def test_a_run_that_fails_keeps_the_former_truth(hpv, typed, session, differences, monkeypatch):
    from pomodoro_pymol import PomodoroError
    from pomodoro_pymol.viewer import states

    def fail(*_, **__):
        raise PomodoroError("something is in the way")

    typed(hpv, "pomnoise frames=2, truth=1")
    before = session(hpv)
    monkeypatch.setattr(states, "publish", fail)
    for truth in (0, 1):
        assert "something is in the way" in typed(hpv, f"pomnoise frames=2, truth={truth}")
        assert differences(before, session(hpv)) == []
