"""What everything else may need: memory, devices, interrupts, problems, progress, text, groups of atoms as typed."""
