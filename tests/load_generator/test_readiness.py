"""Waiting for a server that answers one thing after another."""

import asyncio

import pytest

from load_generator.errors import ServerNotReadyError
from load_generator.readiness import wait_until_ready


class Server:
    """Gives its answers one by one, and then none any more; a question waits for ever."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)

    async def check(self) -> str:
        if not self._answers:
            await asyncio.Event().wait()
        return self._answers.pop(0)


def test_the_server_is_asked_until_it_is_ready():
    server = Server("loading", "loading", "")
    assert asyncio.run(wait_until_ready(server.check, 60, "it")) > 0.3
    assert server._answers == []


@pytest.mark.parametrize(
    ("answers", "last"),
    [
        ([], "nothing within 0.3 s"),
        (["status 503"], "status 503"),
        (["loading", "status 503"], "status 503"),
    ],
)
def test_what_it_last_answered_is_told(answers: list[str], last: str):
    with pytest.raises(ServerNotReadyError) as error:
        asyncio.run(wait_until_ready(Server(*answers).check, 0.3, "it"))
    assert str(error.value) == (
        f"The server must be ready within 0.3 s, but it last answered: {last}."
    )
