"""The bridge to PyMOL: the only package that imports it.

Everything is read from, and written to, a hidden copy made by ``cmd.create``: on that
copy file order and sorted order agree, and the source is never touched. The copy keeps
the source's matrices, so its coordinates stay in the object's own frame and the noised
states lie on the source even where it was moved. The copy becomes the output object in
the end, or goes without a trace.
"""

from .host import CmdException, cmd, headless, numpy_health
from .reading import finish, read_ensemble, read_frames, read_structure, read_values, structure_steps, titles
from .records import get_record, is_ours, our_objects, spelling
from .scenes import load_example, save, save_picture
from .sources import Source, check_output, draft, resolve_source, state_bytes
from .writing import StateWriter, paint, publish, set_titles, show_key

__all__ = [
    "CmdException",
    "Source",
    "StateWriter",
    "check_output",
    "cmd",
    "draft",
    "finish",
    "get_record",
    "headless",
    "is_ours",
    "load_example",
    "numpy_health",
    "our_objects",
    "paint",
    "publish",
    "read_ensemble",
    "read_frames",
    "read_structure",
    "read_values",
    "resolve_source",
    "save",
    "save_picture",
    "set_titles",
    "show_key",
    "spelling",
    "state_bytes",
    "structure_steps",
    "titles",
]
