"""What everything else may need: memory, devices, problems, text."""
