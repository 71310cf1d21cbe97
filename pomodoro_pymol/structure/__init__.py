"""Atoms and how they are grouped, laid over one another and compared."""
