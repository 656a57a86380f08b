"""What every client of a model server can do, and which one a protocol needs."""

import itertools
import ssl
from typing import Protocol, Self

from load_generator.answer import Answer
from load_generator.config import OPENAI_PROTOCOLS, LoadTestConfig
from load_generator.errors import ConfigError
from load_generator.http_connection import HttpPool


class Client(Protocol):
    """Talks to a model server in one protocol; an asynchronous context manager."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def wait_until_ready(self) -> float:
        """Polls until the server takes requests, and returns the seconds that took.

        Raises:
            ServerNotReadyError: ``ready_seconds`` have passed.
        """

    async def prepare(self) -> None:
        """Makes what is to be sent, from the model's metadata where needed.

        Raises:
            PayloadError: nothing can be made.
        """

    async def send(self, index: int) -> Answer:
        """Sends the request of a number, which picks the payload, and reads the answer."""


def open_client(config: LoadTestConfig, process: int = 0) -> Client:
    """Makes the client of a protocol; to be called where the event loop runs.

    Args:
        config: What to talk to.
        process: Number of the process that sends, which keeps its prompts apart from others'.
    """
    # A load generator speaks one protocol: it need not wait for the import of the others.
    if config.protocol == "v2-grpc":
        from load_generator.grpc_client import GrpcClient

        return GrpcClient(
            url=config.url,
            model=config.model,
            timeout_seconds=config.timeout_seconds,
            ready_seconds=config.ready_seconds,
            payloads=config.payloads,
            batch=config.batch,
            seed=config.seed,
            headers=config.headers,
            ca_certificate=config.ca_certificate,
        )
    pool = HttpPool(config.url, config.headers, config.timeout_seconds, tls_of(config))
    if config.protocol in OPENAI_PROTOCOLS:
        return _openai_client(config, pool, process)
    from load_generator.rest_client import RestClient

    return RestClient(config, pool)


def tls_of(config: LoadTestConfig) -> ssl.SSLContext | None:
    """Whom to trust; None for the usual authorities.

    Raises:
        ConfigError: the certificate is no PEM.
    """
    if config.ca_certificate is None:
        return None
    try:
        return ssl.create_default_context(cadata=config.ca_certificate.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise ConfigError(f"--ca-certificate must be PEM, but: {error}.") from None


def _openai_client(config: LoadTestConfig, pool: HttpPool, process: int) -> Client:
    from load_generator.openai_client import OpenAIClient

    assert config.prompts is not None, "the configuration has them for these protocols"
    return OpenAIClient(
        http=pool,
        protocol=config.protocol,
        model=config.model,
        prompts=config.prompts,
        base_path=config.openai_base_path,
        ignore_eos=config.ignore_eos,
        ready_seconds=config.ready_seconds,
        numbers=itertools.count(process, config.processes),
    )
