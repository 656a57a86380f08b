"""Load generator: the peak request rate at which a model server still meets its latency SLO."""
