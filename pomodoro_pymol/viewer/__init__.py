"""The bridge to PyMOL: the only package that imports it.

Everything is read from, and written to, a hidden copy made by ``cmd.create``, and the source
is never touched. The copy keeps the source's matrices, so its coordinates stay in the
object's own frame and the noised states lie on the source even where it was moved. The copy
becomes the output object in the end, or goes without a trace.

Three orders of the same atoms meet here, and none is taken for another: that of a `Structure`,
which is the file's where PyMOL knows it; that in which PyMOL shows atoms; and that of the rows
of its memory. `reading` learns the second as it reads, `states` the third by a probe.
"""
