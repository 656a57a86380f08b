"""The page of the benchmark."""

import datetime
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.search_cost.report import Comparison, table
from benchmarks.search_cost.results import Record
from benchmarks.search_cost.summary import summarise
from benchmarks.wrong_prior.methods import AUTO, GP, LIBRARY

KNOWN, UNKNOWN = "known names", "unknown names"
_HEAD = """\
# Where the prior is wrong

{date}; numpy {numpy}, scipy {scipy}. The objective is no service's: each function is the
exponential of a draw from a Gaussian process (Matern 5/2, length scale 0.6 of the range of a knob)
over the levels of the Morphling paper's 720 configurations, without noise. All searches go through
the gRPC service.

*Samples* are counted until the best of the whole space has been measured (or a configuration at
least 99 %, 95 %, 90 % as good); median / 90th percentile / maximum over functions and seeds."""
_KNOWN = """\
## Under the names of the library's knobs

The library has a surface for every prior service, and none of them is like these functions.
`library` is made to use it; one component of its mixture is the sceptic, a plain Gaussian process.
`library without the sceptic` lacks that component; `gp` knows nothing but the trials. Seeds decide
where `gp` begins; without noise and ties, the library's searches are the same for every seed."""
_UNKNOWN = """\
## Under names that the library does not know

The same functions, the knobs named `alpha` to `delta`, and no surrogate asked for (`auto`)."""


def write_page(records: Sequence[Record], folder: Path) -> Path:
    """Writes ``README.md`` and returns its path.

    Args:
        records: Finished runs of both suites.
        folder: Where to write.
    """
    head = _HEAD.format(
        date=datetime.date.today().isoformat(), numpy=version("numpy"), scipy=version("scipy")
    )
    known, unknown = tables(records)
    parts = [head, _KNOWN, known, paired(records), _UNKNOWN, unknown, identical(records)]
    page = folder / "README.md"
    page.write_text("\n\n".join(parts) + "\n")
    return page


def tables(records: Sequence[Record]) -> tuple[str, str]:
    """Both suites as Markdown tables."""
    return _table(records, KNOWN), _table(records, UNKNOWN)


def paired(records: Sequence[Record]) -> str:
    """Says function by function how ``library`` compares with ``gp``."""
    ours, other = (_by_function(records, KNOWN, name) for name in (LIBRARY, GP))
    difference = np.array([ours[case] - other[case] for case in ours])
    rng = np.random.default_rng(0)
    drawn = rng.choice(difference, (10_000, len(difference))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return (
        "Function by function, means over the seeds, a run that did not end counted as the cap: "
        f"samples of `library` less those of `gp` are {difference.mean():+.1f} on average (95 % "
        f"interval over functions, by bootstrap: {low:+.1f} to {high:+.1f}). `library` needs fewer "
        f"on {(difference < 0).sum()} of {len(difference)} functions, more on "
        f"{(difference > 0).sum()}."
    )


def identical(records: Sequence[Record]) -> str:
    """Says how many runs of ``auto`` are those of ``gp``, sample by sample."""
    runs = {r.key: r.samples for r in records if r.key.suite == UNKNOWN}
    ours = [key for key in runs if key.method == AUTO]
    same = sum(runs[key] == runs[key._replace(method=GP)] for key in ours)
    return f"{same} of {len(ours)} runs of `auto` are those of `gp`, sample by sample."


def _by_function(records: Sequence[Record], suite: str, method: str) -> dict[str, float]:
    """Samples to the optimum by function, means over the seeds."""
    own = [r for r in records if (r.key.suite, r.key.method) == (suite, method)]
    found: dict[str, list[float]] = {}
    for record in own:
        cap = record.key.setup.cap
        found.setdefault(record.key.case, []).append(min(record.samples_to(1.0, cap), cap))
    return {case: float(np.mean(counts)) for case, counts in found.items()}


def _table(records: Sequence[Record], suite: str) -> str:
    own = [record for record in records if record.key.suite == suite]
    cap = own[0].key.setup.cap
    methods = dict.fromkeys(record.key.method for record in own)
    summaries = [summarise(m, [r for r in own if r.key.method == m], cap) for m in methods]
    num_cases = len({record.key.case for record in own})
    num_seeds = len({record.key.setup.seed for record in own})
    found = table(Comparison(num_cases, num_seeds, cap, tuple(summaries)))
    return found.replace("services", "functions", 1)
