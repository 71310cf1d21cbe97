"""The docked panel. Its modules follow PyMOL's choice of Qt binding, so none is imported at its start."""
