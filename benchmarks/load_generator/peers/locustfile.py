"""What locust's users do here: one request, at a constant pace. Read by locust itself."""

import os
import random
import time
from pathlib import Path

from locust import FastHttpUser, constant, constant_throughput, task  # type: ignore[import-not-found]

_BODY = os.environ["LOAD_BODY"]
_HEADERS = dict(line.split(": ", 1) for line in os.environ["LOAD_HEADERS"].splitlines())


class Caller(FastHttpUser):  # type: ignore[misc]
    """Sends the request; with a rate of 0 again at once."""

    rate = float(os.environ["LOAD_RATE_OF_USER"])
    wait_time = constant_throughput(rate) if rate else constant(0)
    body = Path(_BODY).read_bytes()

    def on_start(self) -> None:
        """Spreads the users over a period: they are born together and would stay in step."""
        if self.rate:
            time.sleep(random.random() / self.rate)  # gevent's: only this user sleeps
            # Or the pace would be counted from birth, and the sleep be made up for.
            self._cp_last_run = time.perf_counter()

    @task  # type: ignore[untyped-decorator]
    def call(self) -> None:
        """One request."""
        if self.body:
            self.client.post(os.environ["LOAD_PATH"], data=self.body, headers=_HEADERS)
        else:
            self.client.get(os.environ["LOAD_PATH"])
