"""Runs in PyMOL, in steps: they join the viewer and the experiments."""
