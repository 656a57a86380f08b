"""Drives an InferenceService from a Job: the trial shape that has a deadline."""
