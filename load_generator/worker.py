"""A process that sends requests on command."""

import asyncio
import contextlib
import os
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from load_generator.client import Client, open_client
from load_generator.closed_loop import ClosedLoop
from load_generator.config import LoadTestConfig
from load_generator.errors import PayloadError, ServerNotReadyError
from load_generator.event_loop import new_event_loop
from load_generator.open_loop import OpenLoop
from load_generator.sample import Sample
from load_generator.server_meter import limits_of

_COUNTS_SECONDS = 0.25


@dataclass(frozen=True)
class Open:
    """Send at ``start + offsets`` the requests of these numbers; arrays of shape ``[n]``."""

    start: float
    offsets: NDArray[np.float64]
    indices: NDArray[np.int64]


@dataclass(frozen=True)
class Closed:
    """Keep requests in flight for some seconds, then wait for the last answers.

    The requests are those from a number on.
    """

    concurrency: int
    seconds: float
    patience_seconds: float
    first_index: int


@dataclass(frozen=True)
class Stop:
    """Give up the stretch that runs; another process has found a reason."""

    reason: str


@dataclass(frozen=True)
class Ready:
    """The server was ready after so many seconds."""

    waited: float


@dataclass(frozen=True)
class Failed:
    """Nothing can be sent."""

    error: ServerNotReadyError | PayloadError


def listen(connection: Connection) -> asyncio.Queue[Any]:
    """Gives what arrives from now on, and None when the other end is gone."""
    messages: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def receive() -> None:
        try:
            while connection.poll():
                messages.put_nowait(connection.recv())
        except (EOFError, OSError):
            loop.remove_reader(connection.fileno())
            messages.put_nowait(None)

    loop.add_reader(connection.fileno(), receive)
    # uvloop has made it non-blocking: half a message would then look like the end.
    os.set_blocking(connection.fileno(), True)
    return messages


def run_worker(connection: Connection, config: LoadTestConfig, number: int) -> None:
    """Does what the other end of the connection says, until that is closed.

    That also happens when the other end is killed: no process is left behind.

    Args:
        connection: Brings ``Open``, ``Closed`` and ``Stop``; takes ``Ready`` or ``Failed``, then
            for each command ``Counts`` as it goes on and its ``Sample``.
        config: What to talk to.
        number: Of this process among all.
    """
    with (
        contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError),
        asyncio.Runner(loop_factory=new_event_loop) as runner,
    ):
        runner.run(_serve(connection, config, number))


async def _serve(connection: Connection, config: LoadTestConfig, number: int) -> None:
    commands = listen(connection)
    async with open_client(config, number) as client:
        try:
            waited = await _or_end(_get_ready(client), commands)
        except (ServerNotReadyError, PayloadError) as error:
            connection.send(Failed(error))
        else:
            connection.send(Ready(waited))
        while (command := await commands.get()) is not None:
            if not isinstance(command, Stop):  # a late one, of a stretch that is over
                connection.send(await _run(client, config, command, commands, connection))


async def _get_ready(client: Client) -> float:
    waited = await client.wait_until_ready()
    await client.prepare()
    return waited


async def _or_end(work: Any, commands: asyncio.Queue[Any]) -> Any:
    """Waits for the work, unless the other end goes away first.

    Raises:
        EOFError: it did.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(commands.get())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise EOFError
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _run(
    client: Client,
    config: LoadTestConfig,
    command: Open | Closed,
    commands: asyncio.Queue[Any],
    connection: Connection,
) -> Sample:
    loop: OpenLoop | ClosedLoop
    limits = limits_of(config)
    if isinstance(command, Open):
        loop = OpenLoop(client.send, limits, command.offsets, command.start, command.indices)
    else:
        loop = ClosedLoop(
            client.send,
            limits,
            command.first_index,
            concurrency=command.concurrency,
            seconds=command.seconds,
            patience_seconds=command.patience_seconds,
        )
    task = asyncio.create_task(loop.run())
    hearing = asyncio.ensure_future(commands.get())
    try:
        while not task.done():
            await asyncio.wait(
                {task, hearing}, timeout=_COUNTS_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if hearing.done():
                stop = hearing.result()
                if stop is None:
                    raise EOFError
                if isinstance(loop, OpenLoop):
                    loop.stop(stop.reason)
                hearing = asyncio.ensure_future(commands.get())
            elif not task.done():
                connection.send(loop.counts())
        return task.result()
    finally:
        hearing.cancel()
        task.cancel()
