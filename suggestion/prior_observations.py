"""Observations from before the Experiment, which the search knows from its first suggestion on.

CSV with a header: a column for each parameter, and one named as the objective metric; any other
columns are left alone, so that a table of the trials of a finished Experiment will do. The value is
a number, or ``failed`` where the service does not run; a row with an empty value is skipped.
"""

import csv
import io
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from suggestion.errors import InvalidExperimentError
from suggestion.search_space import SearchSpace
from suggestion.settings import Settings
from suggestion.trial import Objective, Trial, TrialState, observed_number

_MAX_BYTES = 4 * 1024 * 1024
_MAX_ROWS = 10_000
_FAILED = "failed"


def prior_trials(settings: Settings, space: SearchSpace, objective: Objective) -> list[Trial]:
    """The observations that the settings hold or name, as trials.

    Args:
        settings: With the text or the path; both may be given.
        space: Rows outside of it are left out, as another Experiment may have searched more.
        objective: Its metric names the column of the values.

    Raises:
        InvalidExperimentError: a file cannot be read, a text is no such table, or no row fits.
    """
    trials: list[Trial] = []
    if settings.prior_observations:
        trials += _trials("prior_observations", settings.prior_observations, space, objective)
    if settings.prior_observations_file:
        name = "prior_observations_file"
        trials += _trials(name, _read(name, settings.prior_observations_file), space, objective)
    return trials


def _read(name: str, path: str) -> str:
    rule = f"{name} must be a CSV file that can be read"
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            raise InvalidExperimentError(
                f"{name} must be a file of at most {_MAX_BYTES} bytes, but {path!r} is none."
            )
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidExperimentError(f"{rule}, but {path!r}: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidExperimentError(f"{rule}, but {path!r}: {error}.") from error


def _trials(name: str, text: str, space: SearchSpace, objective: Objective) -> list[Trial]:
    columns = [parameter.name for parameter in space.parameters]
    trials = []
    for number, row in enumerate(_rows(name, text, [*columns, objective.metric_name]), start=1):
        value = row[objective.metric_name].strip()
        if not value:
            continue
        trial = Trial(
            name=f"{name} row {number}",
            assignments={column: row[column].strip() for column in columns},
            state=TrialState.INFEASIBLE if value.lower() == _FAILED else TrialState.MEASURED,
            value=None if value.lower() == _FAILED else _number(name, number, value),
            is_prior=True,
        )
        if space.point_of(trial.assignments) is not None:
            trials.append(trial)
    if not trials:
        raise InvalidExperimentError(
            f"{name} must hold an observation inside the search space, but holds none."
        )
    return trials


def _rows(name: str, text: str, columns: Sequence[str]) -> Iterator[Mapping[str, str]]:
    reader = csv.DictReader(io.StringIO(text.strip()), skipinitialspace=True, strict=True)
    try:
        given = [column.strip() for column in reader.fieldnames or ()]
        reader.fieldnames = given
        for column in columns:
            if given.count(column) != 1:
                raise InvalidExperimentError(
                    f"{name} must have each of the columns {', '.join(columns)} once, but has "
                    f"{', '.join(given) or 'none'}."
                )
        for number, row in enumerate(reader, start=1):
            if None in row or None in row.values() or number > _MAX_ROWS:
                raise InvalidExperimentError(
                    f"{name} must have at most {_MAX_ROWS} rows of {len(given)} values, but row "
                    f"{number} is {row}."
                )
            yield row
    except csv.Error as error:
        raise InvalidExperimentError(f"{name} must be CSV, but {error}.") from error


def _number(name: str, row: int, text: str) -> float:
    value = observed_number(text)
    if value is None:
        raise InvalidExperimentError(
            f"{name}: values must be finite numbers or {_FAILED}, but row {row} has {text!r}."
        )
    return value
