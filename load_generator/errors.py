"""Errors that several modules of the load generator raise."""


class ConfigError(ValueError):
    """A setting of the load test breaks a rule; the message states the rule, then the value."""


class PayloadError(ValueError):
    """No request body can be made; the message states the rule, then what was found."""


class ServerNotReadyError(RuntimeError):
    """The server did not become ready in time; the message says what it answered last."""
