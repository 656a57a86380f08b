"""The subset of GJSON that our conditions use, for test objects.

``a.b`` walks into objects; ``[x]`` makes a list of what x gives, empty when it gives nothing;
``#(key==value)#`` keeps the elements of a list whose field, which may lie deeper, equals a quoted
text. What Katib makes of the result is job_util.go:59-120: an object or a list with elements holds.
"""

import re
from typing import Any

_PART = re.compile(r'#\((?P<path>[^=]+)=="(?P<value>[^"]*)"\)#|\[(?P<inner>\w+)\]|(?P<key>\w+)')
_NOTHING = object()


def holds(document: Any, condition: str) -> bool:
    """Whether Katib takes a condition to hold for an object."""
    found = _walk(document, condition)
    return isinstance(found, dict) or (isinstance(found, list) and bool(found))


def _walk(value: Any, path: str) -> Any:
    rest = path
    while rest:
        part = _PART.match(rest)
        assert part, f"{path!r} uses more of GJSON than this knows"
        value = _step(value, part)
        if value is _NOTHING:
            return _NOTHING
        rest = rest[part.end() :].removeprefix(".")
    return value


def _step(value: Any, part: "re.Match[str]") -> Any:
    if part["inner"]:
        found = value.get(part["inner"], _NOTHING) if isinstance(value, dict) else _NOTHING
        return [] if found is _NOTHING else [found]
    if part["key"]:
        return value.get(part["key"], _NOTHING) if isinstance(value, dict) else _NOTHING
    if not isinstance(value, list):
        return _NOTHING
    return [one for one in value if _walk(one, part["path"]) == part["value"]]
