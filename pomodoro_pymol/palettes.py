"""Colours from low to high, as RGB hex at equal distances; readable with colour-blindness.

The matplotlib maps of the same names, sampled.
"""

PALETTES: dict[str, tuple[str, ...]] = {
    "viridis": ("440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"),
    "cividis": ("00224e", "1a386f", "434e6c", "61656f", "7d7c78", "9b9476", "bcae6c", "dec958", "fee838"),
    "magma": ("000004", "1d1147", "51127c", "832681", "b73779", "e75263", "fc8961", "fec488", "fcfdbf"),
    "coolwarm": ("3b4cc0", "6282ea", "8db0fe", "b9d0f9", "dddcdc", "f5c4ac", "f4987a", "dd5f4b", "b40426"),
}
