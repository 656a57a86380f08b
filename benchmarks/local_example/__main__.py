"""Command line: ``python -m benchmarks.local_example``.

Every measurement is an Experiment of its own, derived from the example and run by the local runner,
so that it takes the same path as `make tune`: a space-filling sample of the space, and single
configurations again and again (a space of one configuration is measured as often as asked for).
"""

import argparse
import copy
import csv
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

Document = dict[str, Any]
Row = Mapping[str, str]


def sample_of(document: Document, num_points: int) -> Document:
    """The Experiment with a space-filling sample in place of the search."""
    changed = _renamed(document, "sample", num_points)
    changed["spec"]["algorithm"]["algorithmSettings"] = [
        {"name": "initial_points", "value": str(num_points)}
    ]
    return changed


def repeats_of(document: Document, row: Row, name: str, num_repeats: int) -> Document:
    """The Experiment on one configuration only."""
    changed = _renamed(document, name, num_repeats)
    for parameter in changed["spec"]["parameters"]:
        value = row[parameter["name"]]
        space = parameter["feasibleSpace"]
        parameter["feasibleSpace"] = (
            {"list": [value]} if "list" in space else {"min": value, "max": value}
        )
    return changed


def _renamed(document: Document, name: str, num_trials: int) -> Document:
    changed = copy.deepcopy(document)
    changed["metadata"]["name"] = name
    changed["spec"] |= {"maxTrialCount": num_trials, "maxFailedTrialCount": num_trials}
    return changed


def run(document: Document, example: Path, folder: Path) -> list[Row]:
    """Runs an Experiment, or continues it, and returns its trials."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(document))
    local = example.with_name("local.yaml")
    subprocess.run(
        [sys.executable, "-m", "local_runner", str(path), f"--output={folder}", f"--local={local}"],
        check=True,
    )
    return trials_of(folder)


def trials_of(folder: Path) -> list[Row]:
    """The trials of a finished run."""
    with (folder / "report" / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _objectives(rows: Sequence[Row], metric: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([float(row[metric] or 0) for row in rows])


def _best(rows: Sequence[Row], metric: str) -> Row:
    return rows[int(_objectives(rows, metric).argmax())]


def _repeated(
    document: Document, rows: Mapping[str, Row], arguments: argparse.Namespace
) -> dict[str, list[Row]]:
    """Measures each configuration again, in turn: a machine that slows down hits all alike."""
    found: dict[str, list[Row]] = {}
    for count in range(1, arguments.repeats + 1):
        for name, row in rows.items():
            # The same folder with one trial more: the runner goes on where it stopped.
            experiment = repeats_of(document, row, name, count)
            found[name] = run(experiment, arguments.example, arguments.output / name)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--example", type=Path, default=Path("examples/local/mlserver/experiment.yaml"))
    add("--tuned", type=Path, default=Path("runs/mlserver"), help="a finished `make tune`")
    add("--points", type=int, default=40)
    add("--repeats", type=int, default=3)
    add("--output", type=Path, default=Path("runs/local_example"))
    arguments = parser.parse_args()
    document = yaml.safe_load(arguments.example.read_text())
    metric = document["spec"]["objective"]["objectiveMetricName"]
    names = [parameter["name"] for parameter in document["spec"]["parameters"]]

    sample = run(
        sample_of(document, arguments.points), arguments.example, arguments.output / "sample"
    )
    sample = sorted(sample, key=lambda row: float(row[metric] or 0))
    tuned = trials_of(arguments.tuned)
    rows = {
        "recommended": _best(tuned, metric),
        "best-of-sample": sample[-1],
        "middle-of-sample": sample[len(sample) // 2],
    }
    repeated = _repeated(document, rows, arguments)
    print(f"\n| configuration | {' | '.join(names)} | {metric} | again | mean | spread |")
    print(f"| --- {'| --- ' * len(names)}| ---: | --- | ---: | ---: |")
    for name, row in rows.items():
        found = _objectives(repeated[name], metric)
        again = ", ".join(f"{value:.0f}" for value in found)
        print(
            f"| {name} | {' | '.join(row[n] for n in names)} | {float(row[metric]):.0f} | {again} "
            f"| {found.mean():.0f} | {found.std(ddof=1) / found.mean():.1%} |"
        )
    means = {name: _objectives(found, metric).mean() for name, found in repeated.items()}
    values = _objectives(sample, metric)
    value = means["recommended"]
    print(
        f"\n{len(tuned)} trials recommend a configuration that beats {(values < value).mean():.0%} "
        f"of {len(values)} sampled ones; mean against the best of them, both measured "
        f"{arguments.repeats} times more: {value / means['best-of-sample'] - 1:+.1%}."
    )
    print(f"Sample: worst {values[0]:.0f}, median {np.median(values):.0f}, best {values[-1]:.0f}.")


if __name__ == "__main__":
    main()
