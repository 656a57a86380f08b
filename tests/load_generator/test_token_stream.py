"""Streams of tokens under a clock of our own: exact times, every fault, and any JSON."""

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load_generator.answer import Answer
from load_generator.token_stream import TokenStream, TokenStreamError

DONE = "[DONE]"


def text(words: str, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"text": words, "finish_reason": reason}], "usage": None}


def delta(field: str, words: str | None) -> dict[str, Any]:
    return {"choices": [{"delta": {field: words}}]}


def usage(tokens: object) -> dict[str, Any]:
    return {"choices": [], "usage": {"completion_tokens": tokens, "prompt_tokens": 7}}


def read(events: Sequence[tuple[float, object]], asked: int = 3, is_exact: bool = True) -> Answer:
    """Reads events that arrive at the given seconds after the request was sent at second 100."""
    now = 100.0
    stream = TokenStream(lambda: now)
    for seconds, data in events:
        now = 100.0 + seconds
        line = data if isinstance(data, str) else json.dumps(data)
        stream.feed(f"data: {line}\n\n".encode())
    return stream.answer(asked, is_exact=is_exact)


def test_times_of_a_completion():
    answer = read(
        [(0.1, text("")), (0.5, text("a")), (0.7, text("b")), (0.8, text("c", "length"))]
        + [(9.0, usage(3)), (9.0, DONE)]
    )
    assert answer.error == ""
    assert answer.output_tokens == 3
    assert answer.ttft_seconds == pytest.approx(0.5)
    assert answer.tpot_seconds == pytest.approx(0.15)


@pytest.mark.parametrize("field", ["content", "reasoning_content", "reasoning"])
def test_times_of_a_chat(field: str):
    answer = read(
        [(0.1, delta("role", "assistant")), (0.2, delta(field, "")), (0.3, delta(field, None))]
        + [(0.5, delta(field, "a")), (0.9, delta(field, "b")), (1.0, DONE)],
        asked=2,
    )
    assert answer.ttft_seconds == pytest.approx(0.5)
    assert answer.tpot_seconds == pytest.approx(0.4)
    assert answer.output_tokens == 2


def test_chunks_of_several_tokens_are_counted_by_the_server():
    answer = read([(1.0, text("a b")), (3.0, text("c d e", "length")), (3.0, usage(5))], asked=5)
    assert (answer.output_tokens, answer.tpot_seconds) == (5, pytest.approx(0.5))


def test_a_last_token_without_text_counts():
    answer = read([(1.0, text("a")), (2.0, text("", "length")), (2.0, usage(2))], asked=2)
    assert answer.tpot_seconds == pytest.approx(1.0)


def test_a_whole_answer_without_text_came_with_its_finish():
    answer = read([(1.0, text("")), (2.0, text("", "length")), (2.5, usage(3)), (2.5, DONE)])
    assert (answer.error, answer.output_tokens) == ("", 3)
    assert answer.ttft_seconds == pytest.approx(2.0)
    assert math.isnan(answer.tpot_seconds)


@pytest.mark.parametrize("tokens", [0, None, -3, 1.5, True, "9", 2**40])
def test_a_count_that_is_none_is_not_believed(tokens: object):
    answer = read([(1.0, text("a b c", "length")), (1.0, usage(tokens))], asked=3)
    assert (answer.error, answer.output_tokens) == ("", 1)


def test_one_token_has_no_time_per_token():
    answer = read([(1.0, text("a", "length")), (1.0, DONE)], asked=1)
    assert answer.error == ""
    assert math.isnan(answer.tpot_seconds)


def test_either_end_of_a_stream_will_do():
    assert read([(1.0, text("a")), (1.0, DONE)]).error == ""
    assert read([(1.0, text("a", "length"))]).error == ""


def test_nothing_counts_after_the_end():
    assert read([(1.0, text("a")), (1.0, DONE), (5.0, text("b"))], asked=1).output_tokens == 1


@pytest.mark.parametrize(
    ("events", "error"),
    [
        ([], "must be a stream of events, but it has none"),
        ([text("a"), text("b")], "but it broke off after 2 tokens"),
        ([DONE], "must have at least one token, but no text came"),
        ([text("", "length"), DONE], "must have at least one token"),
        ([text(""), usage(3), DONE], "must have at least one token"),
        ([text("a"), text("", "abort"), DONE], "gave the answer up with finish_reason abort"),
        ([text("a", "stop"), usage(1), DONE], "3 tokens that ignore_eos asks for, but got 1;"),
        ([text("a", "stop"), DONE], "but got finish_reason stop; --no-ignore-eos"),
    ],
)
def test_incomplete_answers(events: list[object], error: str):
    answer = read([(1.0, event) for event in events])
    assert error in answer.error
    assert math.isnan(answer.ttft_seconds)


def test_short_answers_are_good_when_the_length_is_a_limit():
    assert read([(1.0, text("a", "stop")), (1.0, usage(1))], is_exact=False).error == ""


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"error": {"message": "out of blocks"}}, "broke the stream off: out of blocks"),
        ({"error": "out of blocks"}, "broke the stream off: out of blocks"),
        ({"object": "error", "message": "too long"}, "broke the stream off: too long"),
        ({"error": {"code": 7}}, 'broke the stream off: {"error": {"code": 7}}'),
        ("<html>", "must be a JSON object, but got '<html>'"),
        ("[" * 100_000, "must be a JSON object, but got '[[["),
        ("x" * 2_000_000, "must have at most 1048576 bytes"),
    ],
)
def test_what_breaks_a_stream_off(data: object, error: str):
    with pytest.raises(TokenStreamError) as caught:
        read([(1.0, data)])
    assert error in str(caught.value)


def test_an_error_event():
    stream = TokenStream(lambda: 0.0)
    with pytest.raises(TokenStreamError, match="broke the stream off: out of blocks"):
        stream.feed(b"event: error\ndata: out of blocks\n\n")


_NAMES = st.sampled_from(
    ["choices", "usage", "delta", "text", "content", "finish_reason", "completion_tokens", "error"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.lists(_JSON, max_size=5), st.booleans())
def test_any_json_gives_an_answer_or_its_one_error(chunks: list[object], is_exact: bool):
    try:
        answer = read([(1.0, chunk) for chunk in chunks] + [(2.0, DONE)], is_exact=is_exact)
    except TokenStreamError:
        return
    assert answer.error or answer.ttft_seconds >= 0
