"""Widgets of the panel; they know neither PyMOL nor what is computed."""
