"""Colours from low to high, as RGB hex at equal distances; readable with colour-blindness.

The matplotlib maps of the same names, sampled.
"""

from __future__ import annotations

PALETTES: dict[str, tuple[str, ...]] = {
    "viridis": ("440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"),
    "cividis": ("00224e", "1a386f", "434e6c", "61656f", "7d7c78", "9b9476", "bcae6c", "dec958", "fee838"),
    "magma": ("000004", "1d1147", "51127c", "832681", "b73779", "e75263", "fc8961", "fec488", "fcfdbf"),
    "coolwarm": ("3b4cc0", "6282ea", "8db0fe", "b9d0f9", "dddcdc", "f5c4ac", "f4987a", "dd5f4b", "b40426"),
}

DIRECTION_TITLE = "direction in which an atom moves"
#: Colours (0 to 1) of the directions of the axes: each channel tells a coordinate, from one end to the other.
DIRECTIONS: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("+x", (1.0, 0.5, 0.5)),
    ("-x", (0.0, 0.5, 0.5)),
    ("+y", (0.5, 1.0, 0.5)),
    ("-y", (0.5, 0.0, 0.5)),
    ("+z", (0.5, 0.5, 1.0)),
    ("-z", (0.5, 0.5, 0.0)),
)

#: Curves: Okabe and Ito 2008, readable with colour-blindness. The first is the colour of text.
OKABE_ITO = ("000000", "E69F00", "56B4E9", "009E73", "0072B2", "D55E00", "CC79A7")
#: Dashes that tell curves apart in grey: ink and gap in line widths, nothing for a whole line.
DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (3.7, 1.6),
    (6.4, 1.6, 1, 1.6),
    (1, 1.65),
    (5, 1, 1, 1, 1, 1),
    (1, 1),
    (8, 2),
)
LEVEL_COLORS = {"chain": OKABE_ITO[4], "residue": OKABE_ITO[2], "atom": OKABE_ITO[1]}
