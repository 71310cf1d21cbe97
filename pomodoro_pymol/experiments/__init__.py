"""From parameters to results, without PyMOL."""
