"""Report of a finished or running Experiment: one self-contained page and a table of trials."""
