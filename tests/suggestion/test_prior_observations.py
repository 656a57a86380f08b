"""Tables of earlier observations: what they say, and what is refused."""

from pathlib import Path

import pytest

from suggestion.errors import InvalidExperimentError
from suggestion.prior_observations import prior_trials
from suggestion.settings import parse_settings
from suggestion.trial import Direction, Objective, Trial, TrialState
from tests.suggestion.experiments import parameter
from tests.suggestion.libraries import space

SPACE = space(
    parameter("cpu", "INT", low="1", high="8"),
    parameter("gpu", "CATEGORICAL", values=["T4", "V100"]),
)
RATE = Objective("rps", Direction.MAXIMIZE)
# As Katib's web page exports it, with a metric and a parameter more.
TABLE = """trialName,Status,rps,latency,cpu,gpu
a-1,Succeeded,12.5,3,4,T4
a-2,Failed,failed,,8,V100
a-3,Running,,,2,T4
a-4,Succeeded,99,1,16,T4
"""


def trials(**settings: str) -> list[Trial]:
    return prior_trials(parse_settings("morphling", settings), SPACE, RATE)


def test_a_table_of_trials_is_read():
    measured, failed = trials(prior_observations=TABLE)
    assert (measured.state, measured.value) == (TrialState.MEASURED, 12.5)
    assert measured.assignments == {"cpu": "4", "gpu": "T4"}
    assert measured.is_prior
    assert failed.state is TrialState.INFEASIBLE
    assert failed.assignments == {"cpu": "8", "gpu": "V100"}


def test_no_setting_is_no_observation():
    assert trials() == []


def test_a_file_and_a_text_add_up(tmp_path: Path):
    path = tmp_path / "before.csv"
    path.write_text(TABLE, encoding="utf-8-sig")
    both = trials(prior_observations="cpu, gpu, rps\n1, T4, 2\n", prior_observations_file=str(path))
    assert [trial.value for trial in both] == [2.0, 12.5, None]
    assert len({trial.name for trial in both}) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" ", "prior_observations must not be empty, but is."),
        ("cpu,gpu\n1,T4", "must have each of the columns cpu, gpu, rps once, but has cpu, gpu."),
        ("cpu,gpu,rps,rps\n1,T4,2,3", "once, but has cpu, gpu, rps, rps."),
        ("cpu,gpu,rps\n1,T4,fast", "finite numbers or failed, but row 1 has 'fast'."),
        ("cpu,gpu,rps\n1,T4,2\n1,T4,nan", "but row 2 has 'nan'."),
        ("cpu,gpu,rps\n1,T4", "rows of 3 values, but row 1 is"),
        ("cpu,gpu,rps\n1,T4,2,3", "rows of 3 values, but row 1 is"),
        ("cpu,gpu,rps\n99,T4,2", "must hold an observation inside the search space"),
        ("cpu,gpu,rps", "must hold an observation inside the search space"),
        ('cpu,gpu,rps\n"1,T4,2', "must be CSV, but"),
        ("cpu,gpu,rps\n" + "1,T4,2\n" * 10_001, "at most 10000 rows"),
    ],
)
def test_bad_tables_are_refused(text: str, message: str):
    with pytest.raises(InvalidExperimentError) as caught:
        trials(prior_observations=text)
    assert message in str(caught.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path):
    large, binary = tmp_path / "large.csv", tmp_path / "binary.csv"
    large.write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    binary.write_bytes(b"\xff\xfe\x00")
    expected = {
        tmp_path / "none.csv": "No such file or directory",
        tmp_path: "must be a file of at most 4194304 bytes",
        large: "must be a file of at most 4194304 bytes",
        binary: "can't decode",
        Path("/dev/zero"): "must be a file of at most",
    }
    for path, message in expected.items():
        with pytest.raises(InvalidExperimentError) as caught:
            trials(prior_observations_file=str(path))
        assert message in str(caught.value)
        assert str(path) in str(caught.value)
