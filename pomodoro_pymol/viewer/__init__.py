"""The bridge to PyMOL: the only package that imports it.

Everything is read from, and written to, a hidden copy made by ``cmd.create``, and the source
is never touched. The copy keeps the source's matrices, so its coordinates stay in the
object's own frame and the noised states lie on the source even where it was moved. The copy
becomes the output object in the end, or goes without a trace.

Three orders of the same atoms meet here, and none is taken for another: that of a `Structure`,
which is the file's where PyMOL knows it; that in which PyMOL shows atoms; and that of the rows
of its memory. `reading` learns the second as it reads, `states` the third by a probe.
"""

from .drawing import keep_drawn
from .host import CmdException, cmd, headless, interruptible, numpy_health
from .reading import (
    count_atoms,
    draft_steps,
    ensemble_steps,
    finish,
    read_ensemble,
    read_frames,
    read_source,
    read_structure,
    read_values,
    structure_steps,
    titles,
)
from .records import command_of, get_record, is_ours, our_objects, spelling
from .scenes import load_example, save, save_picture
from .sources import Source, check_output, draft, index_words, resolve_source
from .states import LiveStates, StateWriter, twin_writers
from .window import (
    keep_in_session,
    log,
    main_window,
    residue_words,
    select,
    selected_atoms,
    session_value,
    show_state,
    shown_state,
    source_objects,
)
from .writing import paint_steps, retitle, set_titles, show_key

__all__ = [
    "CmdException",
    "LiveStates",
    "Source",
    "StateWriter",
    "check_output",
    "cmd",
    "command_of",
    "count_atoms",
    "draft",
    "draft_steps",
    "ensemble_steps",
    "finish",
    "get_record",
    "headless",
    "index_words",
    "interruptible",
    "is_ours",
    "keep_drawn",
    "keep_in_session",
    "load_example",
    "log",
    "main_window",
    "numpy_health",
    "our_objects",
    "paint_steps",
    "read_ensemble",
    "read_frames",
    "read_source",
    "read_structure",
    "read_values",
    "residue_words",
    "resolve_source",
    "retitle",
    "save",
    "save_picture",
    "select",
    "selected_atoms",
    "session_value",
    "set_titles",
    "show_key",
    "show_state",
    "shown_state",
    "source_objects",
    "spelling",
    "structure_steps",
    "titles",
    "twin_writers",
]
