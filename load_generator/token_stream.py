"""A streamed answer of a language model: when its tokens came, how many, and if it is whole."""

import json
import math
from collections.abc import Callable
from typing import Any

from load_generator.answer import Answer
from load_generator.event_stream import Event, EventStream, EventStreamError

# Text of a chat: DeepSeek's name for what a model thinks, and the one that vLLM has for it now.
_CHAT_FIELDS = ("content", "reasoning_content", "reasoning")
_BROKEN_REASONS = ("abort", "error")
_MAX_TEXT = 200


class TokenStreamError(Exception):
    """The stream is no answer; the message says what is wrong with it."""


class TokenStream:
    """Reads the chunks of one streamed completion or chat completion of the OpenAI API.

    Args:
        time_now: Clock, in seconds.
    """

    def __init__(self, time_now: Callable[[], float]) -> None:
        self._time_now, self._start = time_now, time_now()
        self._now = self._first = self._last = math.nan
        self._events = EventStream(self._take)
        self._num_chunks = 0
        self._usage: dict[str, Any] = {}
        self._finish_reason = ""
        self._has_event = self._is_done = False

    @property
    def prompt_tokens(self) -> int:
        """Length of the prompt as the server counts it; 0 when it does not say."""
        return _count(self._usage.get("prompt_tokens"))

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes.

        Raises:
            TokenStreamError: the server reports an error, or sends what is no chunk of an answer.
        """
        self._now = self._time_now()
        try:
            self._events.feed(chunk)
        except EventStreamError as error:
            raise TokenStreamError(str(error)) from None

    def answer(self, asked_tokens: int, *, is_exact: bool) -> Answer:
        """What became of the request, after the last byte.

        The last token is the last text or the chunk with the finish reason, whichever is later:
        a token may have no text of its own. So may all of them (parts of characters, calls of
        tools); the finish is then when the first is known to be there. The tokens are those that
        the server counts, or else the chunks with text, each of which may hold several.

        Args:
            asked_tokens: Length that was asked for.
            is_exact: Whether a shorter answer is an error.
        """
        tokens = _count(self._usage.get("completion_tokens")) or self._num_chunks
        error = self._error(tokens, asked_tokens, is_exact)
        if error:
            return Answer(error)
        has_tpot = tokens > 1 and self._num_chunks
        tpot = (self._last - self._first) / (tokens - 1) if has_tpot else math.nan
        first = self._first if self._num_chunks else self._last
        return Answer(ttft_seconds=first - self._start, tpot_seconds=tpot, output_tokens=tokens)

    def _error(self, tokens: int, asked_tokens: int, is_exact: bool) -> str:
        if not self._has_event:
            return "the answer must be a stream of events, but it has none"
        if self._finish_reason in _BROKEN_REASONS:
            return f"the server gave the answer up with finish_reason {self._finish_reason}"
        if not (self._is_done or self._finish_reason):
            return (
                "the stream must end with a finish_reason or [DONE], "
                f"but it broke off after {tokens} tokens"
            )
        if not tokens or math.isnan(self._last):
            return "the answer must have at least one token, but no text came"
        if not is_exact:
            return ""
        if _count(self._usage.get("completion_tokens")):
            is_short, found = tokens < asked_tokens, f"{tokens}"
        else:
            is_short = self._finish_reason not in ("", "length")
            found = f"finish_reason {self._finish_reason}"
        if not is_short:
            return ""
        return (
            f"the answer must have the {asked_tokens} tokens that ignore_eos asks for, "
            f"but got {found}; --no-ignore-eos takes answers as they come"
        )

    def _take(self, event: Event) -> None:
        if self._is_done:
            return
        self._has_event = True
        if event.data.strip() == "[DONE]":
            self._is_done = True
            return
        if event.type == "error":
            raise TokenStreamError(f"the server broke the stream off: {event.data[:_MAX_TEXT]}")
        try:
            chunk: Any = json.loads(event.data)
        except (ValueError, RecursionError):
            chunk = None
        if not isinstance(chunk, dict):
            raise TokenStreamError(
                f"an event of the stream must be a JSON object, but got {event.data[:60]!r}"
            )
        if chunk.get("error") or chunk.get("object") == "error":
            raise TokenStreamError(f"the server broke the stream off: {_error_text(chunk)}")
        if isinstance(chunk.get("usage"), dict):
            self._usage = chunk["usage"]
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._take_choice(choice)

    def _take_choice(self, choice: dict[str, Any]) -> None:
        has_text, reason = _has_text(choice), choice.get("finish_reason")
        if has_text:
            self._num_chunks += 1
            if self._num_chunks == 1:
                self._first = self._now
        if reason:
            self._finish_reason = str(reason)
        if has_text or reason:
            self._last = self._now


def _has_text(choice: dict[str, Any]) -> bool:
    delta = choice.get("delta")
    texts = [delta.get(name) for name in _CHAT_FIELDS] if isinstance(delta, dict) else []
    return any(isinstance(text, str) and text for text in (*texts, choice.get("text")))


def _error_text(chunk: dict[str, Any]) -> str:
    """The message of an error, of which servers have several forms."""
    error = chunk.get("error") or chunk
    message = error.get("message") if isinstance(error, dict) else error
    return str(message if message else json.dumps(chunk))[:_MAX_TEXT]


def _count(value: object) -> int:
    """A number of tokens; 0 when it is none, or one that no server can mean."""
    return value if type(value) is int and 0 < value < 2**31 else 0
