"""The programs that send, against a real server."""

import json
import sys

import pytest

from benchmarks.load_generator.batch_queue import BatchQueue
from benchmarks.load_generator.commands import CommandError, run
from benchmarks.load_generator.peers.wrk import parsed
from benchmarks.load_generator.servers import SimulatedServer

WRK = """\
Running 2s test @ http://127.0.0.1:34051/
  1 threads and 4 connections
  Latency Distribution
     50%    2.16ms
     99%    5.41ms
  3546 requests in 2.00s, 609.47KB read
"""


@pytest.mark.parametrize(("slo_ms", "num_late"), [("60000", 0), ("0.001", 40)])
def test_a_window_counts_every_request_once(slo_ms: str, num_late: int) -> None:
    with SimulatedServer(BatchQueue(1, base_seconds=0.001)).running() as address:
        command = [sys.executable, "-m", "benchmarks.load_generator.fixed_rate", "--protocol=http"]
        command += [f"--url={address.http_url}", f"--slo-ms={slo_ms}", "--rate=200"]
        ran = run([*command, "--seconds=0.2", "--skip-seconds=0"])
    found = json.loads(ran.text)
    assert (found["num_requests"], found["num_violations"]) == (40, num_late)
    assert ran.cpu_seconds > 0


def test_what_a_failed_program_wrote_is_told() -> None:
    code = "import sys; print('a word'); sys.exit(3)"
    with pytest.raises(CommandError, match="ended with 3:\na word"):
        run([sys.executable, "-c", code])
    assert run([sys.executable, "-c", code], good_codes=(0, 3)).text == "a word\n"


def test_reads_what_wrk_prints() -> None:
    summary = parsed(WRK)
    assert (summary.num_requests, summary.seconds, summary.p99_seconds) == (3546, 2.0, 0.00541)
    assert not summary.has_failures
    assert parsed(WRK + "  Non-2xx or 3xx responses: 7\n").has_failures
    with pytest.raises(ValueError, match="wrk must print"):
        parsed("no")
