"""Writes the trial templates and the example Experiments: ``python -m trial_templates``."""
