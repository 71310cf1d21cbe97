"""pommovie: states as a film."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..parameters.catalogue import MovieParameters
from .declare import command, progress

if TYPE_CHECKING:
    from ..jobs.movie import Movie


@command(MovieParameters)
def pommovie(parameters: MovieParameters, quiet: bool, _self: Any) -> Movie:
    """
    DESCRIPTION

        "pommovie" writes a film of the states of an object, one of ours or
        any other that has several, forwards and back: an animated GIF, an MP4
        where the program ffmpeg is on PATH, or pictures in a new folder. With
        z=LOW:HIGH:STEP it films noise that rises instead: the first frame of
        an object of pomnoise, the same draw under the same weights, at each z.

        The film shows what is shown, from where it is seen, the colour key
        too if it is, and below it the title of each state. The session is
        afterwards as it was; the film is written whole or not at all. It
        returns what was filmed.

    EXAMPLES

        pommovie film.gif
        pommovie film.gif, 1hpv_noise, z=-3:1:0.25
        pommovie small.gif, width=320, height=240, fps=25
        pommovie film/, back=0

    NOTES

        Without a window, and where ray=1, width= or height= is given, pictures
        are ray-traced, which takes some time for each. Otherwise they are
        what the window shows, as large as it is, the strip with the title
        added. Going back, each end is shown once, so that a film that starts
        anew does not stop there.

        GIF counts in hundredths of a second, so the pictures a second that
        are printed may differ from fps. Pictures in a folder are numbered as
        those of PyMOL's mpng: film/film0001.png.

    SEE ALSO

        pomnoise, pomsweep, pomcompare, pomsave
    """
    from ..jobs.movie import make_movie

    movie = make_movie(parameters, progress("pommovie", quiet, "steps"), _self=_self)
    if not quiet:
        print(movie.report())
    return movie
