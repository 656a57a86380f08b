"""Closes a listening socket of asyncio without losing what it has just accepted."""

import asyncio


async def close_listener(server: asyncio.Server) -> None:
    """Accepts no more, waits for what is being accepted, and closes.

    asyncio loses a connection that it has accepted when the server closes before the next turns of
    the event loop: nobody closes it, and nobody is told.
    """
    loop = asyncio.get_running_loop()
    for listener in server.sockets:
        loop.remove_reader(listener.fileno())
    for _ in range(10):
        await asyncio.sleep(0.001)
    server.close()
