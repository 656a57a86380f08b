"""General black-box functions: what an Experiment meets that moves over by its algorithm name."""
