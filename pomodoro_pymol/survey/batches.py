"""How many files a worker gets at a time: so many that giving them out costs little, so few that none waits long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

#: Files of a batch, and their bytes, at most.
FILES, BYTES = 64, 8_000_000
#: Batches that each thread gets in all, at least, where there are as many files.
_SHARES = 16


def batches(sizes: Sequence[int], threads: int) -> Iterator[slice]:
    """Yield the places of the files of each batch, one after the other.

    Parameters
    ----------
    sizes : sequence of int
        Bytes of the files, in the order in which they are to be read.
    threads : int
        That read at once.
    """
    most = max(1, min(FILES, len(sizes) // (_SHARES * max(threads, 1))))
    start = held = 0
    for place, size in enumerate(sizes):
        if place > start and (place - start == most or held + size > BYTES):
            yield slice(start, place)
            start, held = place, 0
        held += size
    if sizes:
        yield slice(start, len(sizes))
