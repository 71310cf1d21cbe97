"""Denoisers, preconditioning and samplers."""
