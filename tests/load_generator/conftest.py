"""What several tests of the load generator use."""

import asyncio
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import trustme
import uvloop

from tests.load_generator.http_pools import Run


@dataclass(frozen=True)
class Certificate:
    """For a server at 127.0.0.1; all PEM.

    Attributes:
        chain: Its certificate.
        key: Its private key.
        authority: The certificate of whom to trust.
    """

    chain: bytes
    key: bytes
    authority: bytes


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    return Certificate(
        chain=b"".join(blob.bytes() for blob in issued.cert_chain_pems),
        key=issued.private_key_pem.bytes(),
        authority=authority.cert_pem.bytes(),
    )


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run[Any]]:
    """Runs a coroutine; whatever the loop or a destructor complains of fails the test."""
    complaints: list[object] = []
    with asyncio.Runner(loop_factory=request.param) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: complaints.append(context))
        yield runner.run
        gc.collect()
    assert complaints == []
