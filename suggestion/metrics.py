"""Prometheus metrics of the suggestion service."""

from prometheus_client import CollectorRegistry, Counter, Histogram


class ServiceMetrics:
    """Counters of one service; the registry is its own, so that tests can start several."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "morphling_suggestion_requests",
            "Requests by method and status code",
            ["method", "code"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "morphling_suggestion_request_seconds",
            "Seconds to answer a request",
            ["method"],
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60),
            registry=self.registry,
        )
        self.trials = Counter(
            "morphling_suggestion_trials_seen",
            "Trials in requests: measured, infeasible, pending, unusable, foreign",
            ["state"],
            registry=self.registry,
        )
        self.unusable = Counter(
            "morphling_suggestion_unusable_trials",
            "Trials whose value cannot be used, each counted once",
            registry=self.registry,
        )
        self.suggestions = Counter(
            "morphling_suggestion_suggestions",
            "Suggestions by what chose them: initial, library, maml, gp, repeat",
            ["source"],
            registry=self.registry,
        )
        self.surrogates = Counter(
            "morphling_suggestion_surrogates",
            "Requests by the surrogate that was picked for the Experiment: library, maml, gp",
            ["surrogate"],
            registry=self.registry,
        )
