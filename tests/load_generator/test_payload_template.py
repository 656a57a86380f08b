"""Templates: each kind of field, and what is none."""

import contextlib
import json
import random
import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load_generator.errors import PayloadError
from load_generator.payload_template import Template


def rendered(text: str, times: int = 1, seed: int = 0) -> list[str]:
    template, rng = Template(text), random.Random(seed)
    return [template.render(rng).decode() for _ in range(times)]


def test_text_without_fields_stands_as_it_is():
    assert rendered('{"a": {"b": {}}} é\n') == ['{"a": {"b": {}}} é\n']


def test_integers_take_both_ends():
    assert set(rendered("{{int:-1:1}}", 100)) == {"-1", "0", "1"}
    assert rendered("{{int:7:7}}") == ["7"]


def test_numbers_come_in_lists():
    (text,) = rendered('{"x": [{{float:-1:1:128}}], "ids": [{{int:0:9:50}}]}')
    request = json.loads(text)
    assert len(request["x"]) == len(set(request["x"])) == 128
    assert all(-1 <= value <= 1 for value in request["x"])
    assert min(request["x"]) < -0.9
    assert max(request["x"]) > 0.9
    assert set(request["ids"]) == set(range(10))
    assert len(request["ids"]) == 50


def test_a_field_may_stand_before_closing_braces():
    (text,) = rendered('{"a": {"b": {{int:5:5}}}}')
    assert json.loads(text) == {"a": {"b": 5}}


def test_choices():
    assert set(rendered("{{choice:red|green 1|}}", 60)) == {"red", "green 1", ""}
    assert rendered("{{choice:{{}}") == ["{{"]


def test_words_in_a_range():
    texts = rendered("{{words:2:4}}", 200)
    assert {len(text.split(" ")) for text in texts} == {2, 3, 4}
    assert all(re.fullmatch("[a-z ]+", text) for text in texts)
    assert rendered("{{words:0:0}}") == [""]


def test_identifiers_are_valid_and_differ():
    texts = rendered("{{uuid}}", 50)
    assert len(set(texts)) == 50
    assert {uuid.UUID(text).version for text in texts} == {4}


def test_seeds_decide():
    text = "{{int:0:1000000}} {{words:5:9}} {{uuid}} {{float:0:1:3}} {{choice:a|b}}"
    assert rendered(text, 5, seed=3) == rendered(text, 5, seed=3) != rendered(text, 5, seed=4)


@pytest.mark.parametrize(
    "field",
    [
        "{{}}",
        "{{name}}",
        "{{int}}",
        "{{int:1}}",
        "{{int:5:1}}",
        "{{int:0:x}}",
        "{{int:0:1.5}}",
        "{{int:0:1:0}}",
        "{{int:0:1:1000001}}",
        "{{int:0:1:2:3}}",
        "{{float:1:0}}",
        "{{float:0:inf}}",
        "{{float:nan:1}}",
        "{{choice}}",
        "{{choice:}}",
        "{{words:3}}",
        "{{words:-1:3}}",
        "{{words:4:3}}",
        "{{uuid:4}}",
        "{{uuid:}}",
        "{{ uuid }}",
        "{{int:0:1",
    ],
)
def test_what_is_no_field(field: str):
    with pytest.raises(PayloadError, match=r"A field of a template must be one of") as caught:
        Template(f'{{"x": {field}')
    assert str(caught.value).endswith(f"but got {field}")


PIECES = ["{{", "}}", ":", "|", "int", "float", "words", "choice", "uuid", "0", "-1", "9", "1e3"]


@settings(deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12))
def test_any_text_is_a_template_or_refused(pieces: list[str]):
    with contextlib.suppress(PayloadError):
        Template("".join(pieces)).render(random.Random(0))
