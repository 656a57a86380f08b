"""Says once of each trial that its value cannot be used; every request brings it again."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable

from prometheus_client import Counter

from suggestion.trial import Trial, TrialState

_log = logging.getLogger(__name__)
_NUM_REMEMBERED = 10_000


class UnusableTrials:
    """Remembers which trials were reported; the latest of them, so that memory is bounded.

    Args:
        counter: Incremented for each trial once.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._reported: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def report(self, experiment_name: str, trials: Iterable[Trial]) -> None:
        """Logs and counts the trials that are unusable and new."""
        for trial in trials:
            key = (experiment_name, trial.name)
            if trial.state is not TrialState.UNUSABLE or not self._is_new(key):
                continue
            self._counter.inc()
            _log.warning("%s: trial %s is left out: %s", experiment_name, trial.name, trial.problem)

    def _is_new(self, key: tuple[str, str]) -> bool:
        with self._lock:
            if key in self._reported:
                return False
            self._reported[key] = None
            if len(self._reported) > _NUM_REMEMBERED:
                self._reported.popitem(last=False)
            return True
