"""A run in steps, given up at any of them, leaves PyMOL as it was."""

import pytest

PIECE = 400
LINE = "pomnoise z=1, frames=4, metric=displacement, palette=magma"


@pytest.fixture(params=["first", "again"])
def loaded(request, hpv, typed):
    """1hpv, without and with an object that a run will replace."""
    if request.param == "again":
        typed(hpv, "pomnoise frames=2")
    hpv.select("site", "1hpv and resi 25")
    return hpv


def steps_of(cmd):
    """Yield after every step of a run; what is not asked for any more is closed."""
    from pomodoro_pymol.experiments.noise import run_noise
    from pomodoro_pymol.jobs.noise import NoiseRun
    from pomodoro_pymol.parameters.catalogue import NoiseParameters

    with NoiseRun(NoiseParameters.from_text(LINE), _self=cmd) as run:
        structure = yield from run.prepare(PIECE)
        yield
        blocks = []
        result = run_noise(structure, run.parameters, lambda block: blocks.append(block.clone()))
        for block in blocks:
            for frame in block.split(1):
                run.write(frame)
                yield
        yield from run.finish(result, PIECE)


def count_steps(cmd):
    return sum(1 for _ in steps_of(cmd))


def test_a_run_stopped_at_any_step_leaves_the_session(loaded, new_instance, session, differences):
    other = new_instance()
    other.load(other.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    total = count_steps(other)
    assert total > 10
    before = session(loaded)
    for last in range(1, total + 1):
        steps = steps_of(loaded)
        for _ in range(last):
            next(steps)
        steps.close()
        assert differences(before, session(loaded)) == [], last


def test_a_run_in_steps_makes_what_the_command_makes(hpv, new_instance, typed, snapshot, differences):
    assert count_steps(hpv) > 10
    other = new_instance()
    other.load(other.exp_path("$PYMOL_DATA/tut/1hpv.pdb"), "1hpv", quiet=1)
    typed(other, LINE)
    assert differences(snapshot(other, "1hpv_noise"), snapshot(hpv, "1hpv_noise")) == []
    mine, theirs = hpv._pymol.session.pomodoro["1hpv_noise"], other._pymol.session.pomodoro["1hpv_noise"]
    assert mine["run"] != theirs["run"]
    assert differences({**theirs, "run": ""}, {**mine, "run": ""}) == []
