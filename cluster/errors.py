"""Errors of the cluster commands."""


class ClusterError(Exception):
    """A command cannot do its work; the message says why in plain words."""
