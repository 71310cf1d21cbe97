"""The bars of motion and loss: two per scheme, in their own order, with the names before them."""

import math

from pomodoro_pymol.panel.widgets.loss_bars import LossBars

MOTIONS = {"own": (0.3, 0.4, 0.3), "flat": (0.0, 0.1, 0.9), "ms": (0.7, 0.2, 0.1)}
SHARES = {"own": (0.2, 0.5, 0.3), "flat": (0.005, 0.170, 0.825), "ms": (0.706, 0.196, 0.098)}


def test_each_scheme_has_its_bar_and_its_name(show, app):
    bars = show(LossBars(), 400, 200)
    bars.show_shares(SHARES, MOTIONS, bold="ms")
    app.processEvents()
    tops = [bars.names[name].mapTo(bars, bars.names[name].rect().center()).y() for name in SHARES]
    assert tops == sorted(tops)
    assert [name for name, label in bars.names.items() if label.font().bold()] == ["ms"]
    for name, (chain, residue, atom) in SHARES.items():
        bar, label = bars.bars[name], bars.names[name]
        assert label.text() == name
        assert abs(bar.mapTo(bars, bar.rect().center()).y() - label.mapTo(bars, label.rect().center()).y()) <= 1
        assert f"Shares of the loss: chain {chain:.3f}, residue {residue:.3f}, atom {atom:.3f}" == bar.toolTip()
        widths = [segment.rect.width() / bar.width() for segment in bar.segments()]
        assert max(abs(width - share) for width, share in zip(widths, SHARES[name])) < 1.5 / bar.width()
        motion = bars.motions[name]
        assert motion.toolTip().startswith(f"Shares of the motion: chain {MOTIONS[name][0]:.3f}, ")
        assert motion.geometry().right() < bar.geometry().left()


def test_new_shares_move_the_same_bars(show, app):
    bars = show(LossBars(), 400, 200)
    bars.show_shares(SHARES, MOTIONS)
    former = dict(bars.bars)
    bars.show_shares(dict.fromkeys(SHARES, (1.0, 0.0, 0.0)), MOTIONS, bold="own")
    assert bars.bars == former
    assert [bar.segments()[0].rect.width() for bar in former.values()] == [bar.width() for bar in former.values()]
    bars.show_shares({"ms": (0.5, 0.25, 0.25)}, MOTIONS)
    app.processEvents()
    assert list(bars.bars) == list(bars.names) == ["ms"]


def test_what_is_not_known_is_empty(show):
    bars = show(LossBars(), 400, 200)
    bars.show_shares({"1:1:0": (math.nan,) * 3}, {"1:1:0": (0.5, 0.5, 0.0)})
    assert bars.bars["1:1:0"].segments() == []
    bars.clear()
    assert bars.bars == {}


def test_many_schemes_scroll_rather_than_grow(show, app):
    bars = show(LossBars(), 300, 120)
    shares = {f"preset {number}": (0.3, 0.3, 0.4) for number in range(20)}
    bars.show_shares(shares, shares)
    app.processEvents()
    assert bars.height() == 120
    assert bars.verticalScrollBar().maximum() > 0
