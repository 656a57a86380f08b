"""The request that a peer sends over and over: the first of those that the load generator sends."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.load_generator.cases import Case
from benchmarks.load_generator.servers import Address
from load_generator.payload import binary_payloads, json_payloads

# What a peer that speaks HTTP can be used for.
HTTP_PROTOCOLS = ("http", "v2-rest", "v2-rest-binary")


@dataclass(frozen=True)
class HttpRequest:
    """A GET, or a POST of a body."""

    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"


def request_of(case: Case, address: Address) -> HttpRequest:
    """The request of a case, whose server runs."""
    if case.protocol == "http":
        return HttpRequest(f"{address.http_url}/")
    model_url = f"{address.http_url}/v2/models/{case.model}"
    with urllib.request.urlopen(model_url) as answer:
        metadata = json.load(answer)
    if case.protocol == "v2-rest":
        payloads = json_payloads(metadata, seed=0)
        headers = {"Content-Type": "application/json"}
    else:
        payloads = binary_payloads(metadata, seed=0)
        headers = dict(payloads.headers)
    return HttpRequest(f"{model_url}/infer", payloads.bodies[0], headers)
