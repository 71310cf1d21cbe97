"""pomtrain: what a network learns on noise of each scheme, by training one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import TrainParameters
from ..viewer import reading
from .declare import command

if TYPE_CHECKING:
    from ..experiments.training import TrainResult


@command(TrainParameters)
def pomtrain(parameters: TrainParameters, quiet: bool, _self: Any) -> TrainResult:
    """
    DESCRIPTION

        "pomtrain" trains small networks on the states of an object, for each
        scheme of noise one per seed, with the same structures, sigmas and
        random numbers, and says which scheme teaches which level best: the
        error of every network on the noise of every scheme, beside those of
        the exact denoiser and of the best linear one; what of the loss was
        learnt at each level; and samples of each network. It takes minutes,
        writes the networks to a file, and returns the result.

        The networks know these states alone: nothing is predicted of other
        structures. The object is not changed. show=1 makes the samples of
        each scheme and scaling, first seed, an object, side by side.

    EXAMPLES

        pomtrain
        pomtrain 2juy, steps=2000, csv=train.csv, figure=train.png
        pomtrain 2juy, steps=2000, resume=1
        pomdenoise network=2juy_train.npz
        pomsample 2juy, sampler=edm, preset=ms, network=2juy_train.npz
        pomtrain 2juy, presets=ms, scaling=levels, network=ms.npz, export=ms.pt2
        pomtrain 2juy, presets=ms+rb, network=two.npz, show=1

    NOTES

        Every sixth state is held out of training, and what the networks make
        of those is told beside what they make of the others; hold=0 trains
        on all.

        Errors are told at equal sigma, at the z given, and at equal noise of
        the residues, where each scheme has the sigma at which residues are
        displaced by 4 A in space within their chain. Only there, and on one
        and the same noise, do networks of different schemes compare: the
        common-noise matrix asks each network on the noise of each scheme.

        scaling=levels gives each level its own sigma and sigma_data, and the
        loss weight that goes with them; global has one of each.

        A run that is interrupted keeps what is trained in its file, and
        resume=1 goes on with it, as if there had been no interruption; all
        else must be given as it was.

        pomdenoise and pomsample take the file as network=, and of its
        networks that of their own weights, the first seed.

    SEE ALSO

        pomsignal, pomprecond, pomdenoise, pomsample
    """
    from ..jobs.train import TrainRun

    show = _Progress(quiet)
    with TrainRun(parameters, _self=_self) as run:
        try:
            result = run.work(reading.take_all(run.prepare()), show)
        except KeyboardInterrupt:
            if show.done:
                print(f" pomtrain: what is trained is in {run.path}: resume=1 goes on with it", flush=True)
            raise
        reading.take_all(run.finish(result))
    if not quiet:
        print(run.report(result))
    return result


class _Progress:
    """Prints steps, the time left and the loss, every few seconds.

    Attributes
    ----------
    done : int
        Steps that were taken, as far as was told.
    """

    def __init__(self, quiet: bool) -> None:
        self.done = 0
        self._quiet, self._last = quiet, time.monotonic()

    def __call__(self, done: int, total: int, record: Any) -> None:
        self.done = done
        if self._quiet or record is None or time.monotonic() - self._last < 5:
            return
        self._last = time.monotonic()
        print(f" pomtrain: {record}", flush=True)
