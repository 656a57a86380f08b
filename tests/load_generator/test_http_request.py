"""Requests as bytes."""

import pytest

from load_generator.http_request import render_head
from load_generator.http_response import HttpError


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/a b", ()),
        ("GET", "/a\r\nX: 1", ()),
        ("GET", "/é", ()),
        ("G T", "/", ()),
        ("GET", "/", (("X", "1\r\nY: 2"),)),
        ("GET", "/", (("X:", "1"),)),
        ("GET", "/", (("content-Length", "1"),)),
        ("GET", "/", (("X", "\u2713"),)),
    ],
)
def test_what_would_break_a_request_is_refused(
    method: str, target: str, headers: tuple[tuple[str, str], ...]
):
    with pytest.raises(HttpError, match="must"):
        render_head(method, target, "host", headers, 0)


def test_a_gateway_may_be_asked_for_another_host():
    head = render_head("GET", "/", "10.0.0.1:80", (("host", "model.example.com"),), 0)
    assert head == b"GET / HTTP/1.1\r\nhost: model.example.com\r\n\r\n"
