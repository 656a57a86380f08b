"""Errors of the suggestion service.

::

    SuggestionError
    ├── InvalidExperimentError   the user must change the Experiment: INVALID_ARGUMENT
    ├── BusyError                too many calls at once, come again: RESOURCE_EXHAUSTED
    └── ArtifactError            a file of the library or of meta-weights is unusable: exit code 1

Everything else that is raised is a defect of ours. It becomes INTERNAL, never UNKNOWN: Katib ends
an Experiment for good on UNKNOWN, and tries again on INTERNAL.
"""


class SuggestionError(Exception):
    """Base of the errors that this service raises on purpose."""


class InvalidExperimentError(SuggestionError):
    """The Experiment breaks a rule; the message states the rule, then the value."""


class BusyError(SuggestionError):
    """The service has as many calls in progress as it takes; Katib tries again by itself."""


class ArtifactError(SuggestionError):
    """A shipped or given file of meta-weights or of a library cannot be used."""
