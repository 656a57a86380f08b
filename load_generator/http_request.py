"""HTTP/1.1 requests as bytes."""

import functools
import re

from load_generator.http_response import HttpError

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"/[!-~]*")
_FRAMING = ("content-length", "transfer-encoding")
_HEADER_VALUE = re.compile(r"[\t -~\x80-\xff]*")


@functools.lru_cache(maxsize=1024)
def render_head(
    method: str, target: str, authority: str, headers: tuple[tuple[str, str], ...], length: int
) -> bytes:
    """The bytes of a request up to its body.

    Args:
        method: For instance POST.
        target: Path and query.
        authority: Host and port, unless the headers name another host: a gateway routes by it.
        headers: Names and values.
        length: Bytes of the body.

    Raises:
        HttpError: something in it would break the lines of the header.
    """
    if not (_TOKEN.fullmatch(method) and _TARGET.fullmatch(target)):
        raise HttpError(
            f"A request target must be a path of ASCII characters without blanks, but got "
            f"{method!r} {target!r}."
        )
    lines = [f"{method} {target} HTTP/1.1"]
    if not any(name.lower() == "host" for name, _ in headers):
        lines.append(f"Host: {authority}")
    for name, value in headers:
        if name.lower() in _FRAMING:
            raise HttpError(f"The client itself must say how long a body is, but got {name!r}.")
        if not (_TOKEN.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            raise HttpError(f"A header must be one line of NAME: VALUE, but got {name!r}: ...")
        lines.append(f"{name}: {value}")
    if length or method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
