"""The truth in a picture: a thin grey trace, the same in every state, that leaves the frames to be seen; no source."""

import numpy as np
import pytest
from qtpy import QtGui

SIZE = (400, 300)
NOISE, TRUTH = "1hpv_noise", "1hpv_noise_truth"


@pytest.fixture
def traced(hpv, typed):
    typed(hpv, "pomnoise z=-1, frames=3, truth=1")
    for setting, value in {"ray_shadows": 0, "antialias": 0, "depth_cue": 0, "ray_opaque_background": 1}.items():
        hpv.set(setting, value)
    hpv.bg_color("black")
    hpv.disable("1hpv_noise_key")
    hpv.zoom(NOISE, state=0, complete=1)
    return hpv


@pytest.fixture
def picture(traced, tmp_path):
    """A function that ray-traces a state as it is shown, shape=(height, width, 3), 0 to 255."""

    def take(state, name=""):
        path = str(tmp_path / "seen.png")
        enabled = traced.get_names("objects", enabled_only=1)
        if name:
            traced.disable("all")
            traced.enable(name)
        traced.frame(state)
        traced.png(path, *SIZE, ray=1, quiet=1)
        for each in enabled:
            traced.enable(each)
        image = QtGui.QImage(path).convertToFormat(QtGui.QImage.Format.Format_RGB32)
        data = image.constBits()
        if hasattr(data, "setsize"):
            data.setsize(image.sizeInBytes())
        return np.frombuffer(bytes(data), np.uint8).reshape(SIZE[1], SIZE[0], 4)[..., 2::-1].astype(int)

    return take


def same(one, other):
    """Return where two pictures agree, but for what rays that graze an edge do."""
    return abs(one - other).max(2) < 10


def lit(pixels):
    return pixels.max(2) > 30


def test_it_is_thin_and_grey_and_leaves_the_frames_to_be_seen(picture):
    for state in (1, 2, 4):
        truth, frames, both = picture(state, TRUTH), picture(state, NOISE), picture(state)
        seen = lit(truth)
        assert (np.ptp(truth[seen], axis=1) <= 2).all()
        assert 500 < seen.sum() < 0.35 * lit(frames).sum()
        assert (np.ptp(frames, axis=2) > 40)[lit(frames)].mean() > 0.9
        assert same(both, frames)[~seen].mean() > 0.999
        kept = same(both, frames)[lit(frames)].mean()
        assert kept > (0.85 if state > 1 else 0.7), (state, kept)
        added = seen & ~lit(frames)
        assert same(both, truth)[added].mean() > 0.9
        assert state == 1 or added.sum() > 150, added.sum()


def test_it_is_the_same_in_every_state(picture):
    first = picture(1, TRUTH)
    for state in (2, 3, 4):
        assert (picture(state, TRUTH) == first).all()


def test_the_source_is_not_seen(traced, picture):
    seen = [picture(state) for state in (1, 2)]
    traced.enable("1hpv")
    covered = [(picture(state) != former).any(2).sum() for state, former in zip((1, 2), seen)]
    assert min(covered) > 3000
    traced.delete("1hpv")
    assert all((picture(state) == former).all() for state, former in zip((1, 2), seen))
