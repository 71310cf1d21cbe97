"""The docked Qt panel."""
