<<<<<<< HEAD
"""The docked panel: needs PyMOL's window; imports neither torch nor a Qt binding of its own choice."""
=======
"""The docked Qt panel."""
>>>>>>> widgets
