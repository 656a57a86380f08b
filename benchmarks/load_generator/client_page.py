"""The page's sections on the client itself: what it costs, and whether it sees a stall."""

from collections.abc import Sequence

import numpy as np

from benchmarks.load_generator.results import ClosedLoop, Stall

_COST = """\
## What does the client cost?

A closed loop over 32 connections for 10 s, or for 80,000 requests of perf_analyzer, against a
server that answers at once, client and server on a core each. *For a core* divides the requests by
the client's CPU time, its start included: what one core can send at most, whichever of the two was
the limit."""

_STALL = """\
## Does a stall of the server show?

A server of four workers and 2 ms stalls once, for 1 s, all four together. At a steady 200 requests
a second for 10 s, one in ten then waits, on average for half a second: the 99th percentile is about
0.9 s. A closed loop has only a few requests waiting meanwhile, and sends fewer for it: the stall
all but disappears (coordinated omission). wrk adds the requests that it guesses it has not sent;
its guess is good for one steady stall of all connections, such as this, and for nothing else."""


def cost_section(loops: Sequence[ClosedLoop]) -> str:
    """A table of clients; empty without any."""
    if not loops:
        return ""
    lines = ["| client | runs | requests a second | for a core |", "| --- | ---: | ---: | ---: |"]
    for client in dict.fromkeys(loop.client for loop in loops):
        own = [loop for loop in loops if loop.client == client]
        rate = np.mean([loop.num_requests / loop.seconds for loop in own])
        of_core = sum(loop.num_requests for loop in own) / sum(loop.cpu_seconds for loop in own)
        lines.append(f"| {client} | {len(own)} | {rate:,.0f} | {of_core:,.0f} |")
    return "\n".join([_COST, "", *lines])


def stall_section(stalls: Sequence[Stall]) -> str:
    """A table of clients; empty without any."""
    if not stalls:
        return ""
    lines = [
        "| client | runs | requests | p99, ms: mean | lowest | highest |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for client, text in dict.fromkeys((stall.client, stall.text) for stall in stalls):
        own = [stall for stall in stalls if (stall.client, stall.text) == (client, text)]
        p99 = [stall.p99_ms for stall in own]
        requests = np.mean([stall.num_requests for stall in own])
        cells = f"{requests:.0f} | {np.mean(p99):.0f} | {min(p99):.0f} | {max(p99):.0f}"
        lines.append(f"| {client}: {text} | {len(own)} | {cells} |")
    return "\n".join([_STALL, "", *lines])
