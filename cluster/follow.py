"""Follows an Experiment until it ends."""

import time
from collections.abc import Callable
from dataclasses import replace

from rich.console import Console
from rich.live import Live

from cluster.connection import UnavailableError
from cluster.experiments import Experiments
from cluster.progress_table import progress, summary, trial_line
from cluster.trial_records import ExperimentState, experiment_state

POLL_SECONDS = 3.0
# A control plane that restarts comes back within that.
_MAX_UNANSWERED_SECONDS = 120.0
_FRAME_LINES = 10


def read_state(experiments: Experiments, name: str) -> ExperimentState:
    """The Experiment as it is now.

    Raises:
        ClusterError: it does not exist, or the API server does not answer.
    """
    return experiment_state(
        experiments.get(name), experiments.trials(name), experiments.suggestion(name)
    )


def follow(experiments: Experiments, name: str, console: Console) -> ExperimentState:
    """Shows the Experiment until it ends, and returns its last state.

    On a terminal a table is redrawn; elsewhere each change of a trial gets a line.

    Raises:
        ClusterError: it does not exist, or the API server stays away.
        KeyboardInterrupt: the user has seen enough.
    """
    if not console.is_terminal:
        lines = _Lines(console)
        state = _poll(experiments, name, lines.show)
        lines.print(*summary(state))
        return state
    rows = max(5, console.height - _FRAME_LINES)
    with Live(console=console, auto_refresh=False) as live:
        return _poll(
            experiments,
            name,
            lambda state: live.update(progress(state, num_rows=rows), refresh=True),
        )


def _poll(
    experiments: Experiments,
    name: str,
    show: Callable[[ExperimentState], None],
) -> ExperimentState:
    state = read_state(experiments, name)
    answered = time.monotonic()
    while True:
        show(state)
        if state.record.is_finished:
            return state
        time.sleep(POLL_SECONDS)
        try:
            state = read_state(experiments, name)
            answered = time.monotonic()
        except UnavailableError:
            if time.monotonic() - answered > _MAX_UNANSWERED_SECONDS:
                raise
            state = replace(state, notes=("The API server does not answer; trying again.",))


class _Lines:
    """Prints what has changed since the last state."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[str, str] = {}
        self._notes: tuple[str, ...] = ()

    def show(self, state: ExperimentState) -> None:
        for number, trial in enumerate(state.record.trials, 1):
            if self._seen.get(trial.name) != trial.condition:
                self._seen[trial.name] = trial.condition
                self.print(trial_line(state, number, trial))
        if state.notes != self._notes:
            self._notes = state.notes
            # The summary at the end says the last ones again.
            if not state.record.is_finished:
                self.print(*state.notes)

    def print(self, *lines: str) -> None:
        for line in lines:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
