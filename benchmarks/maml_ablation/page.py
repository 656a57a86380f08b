"""The page of the ablation."""

import datetime
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.maml_ablation.variants import LETTER, UNDONE, WHOLE, Variant
from benchmarks.search_cost.report import Comparison, table
from benchmarks.search_cost.results import Record
from benchmarks.search_cost.summary import summarise

_HEAD = """\
# What each choice of `maml` does

{date}; numpy {numpy}, tensorflow {tensorflow}. One search on each test service (32 open-source
models on the 720 configurations, objective 1, no noise) from the paper's corners, through the gRPC
service. Every network but the shipped one had {updates} meta-updates, a third of what ships, and
one training seed: two seeds of the same form stand below, and differences between variants that
are not larger than theirs mean nothing.

*Samples* count the corners too, until the best of the whole space has been measured (or a
configuration at least 99 %, 95 %, 90 % as good); median / 90th percentile / maximum. In all
variants the library tells where a service runs: the network does not know."""
_WHOLE = """\
## The shipped form

Three networks, each adapted by 3 gradient steps whose sizes are learned with second-order
meta-gradients; a Bayesian last layer with a learned deviation; targets are logarithms; tasks are
thousands of simulated services; the expected improvement of Eq. 6 decides, delta 0.2."""
_UNDONE = """\
## One choice undone

The form with fewer updates, without one thing each. What concerns the search alone (delta, Eq. 6,
the deviation's width, one network, the rounds) uses the networks of `fewer updates` as they are."""
_LETTER = """\
## The paper to the letter

One network, squared error, one gradient step of one given size a round, each round from the
weights of the round before; the largest value of Eq. 6 is measured next. The paper does not say
how rates are scaled: logarithms, or values divided by the best sample's."""


def write_page(records: Sequence[Record], num_updates: int, cap: int, folder: Path) -> Path:
    """Writes ``README.md`` and returns its path.

    Args:
        records: Finished runs; variants that have none are left out.
        num_updates: Meta-updates of the trainings.
        cap: Samples after which a search gave up.
        folder: Where to write.
    """
    head = _HEAD.format(
        date=datetime.date.today().isoformat(),
        updates=f"{num_updates:,}",
        numpy=version("numpy"),
        tensorflow=version("tensorflow"),
    )
    parts = [head]
    for text, variants in ((_WHOLE, WHOLE), (_UNDONE, UNDONE), (_LETTER, LETTER)):
        found = table_of(variants, records, cap)
        parts += [text, found] if found else []
    page = folder / "README.md"
    page.write_text("\n\n".join(parts) + "\n")
    return page


def table_of(variants: Sequence[Variant], records: Sequence[Record], cap: int) -> str:
    """The runs of some variants as a Markdown table; empty without any."""
    own = {v.name: [r for r in records if r.key.method == v.name] for v in variants}
    summaries = tuple(summarise(name, runs, cap) for name, runs in own.items() if runs)
    if not summaries:
        return ""
    num_services = len({record.key.case for runs in own.values() for record in runs})
    return table(Comparison(num_services, 1, cap, summaries))
