"""Edits of katib-config: what is added is there, and nothing else has moved."""

import difflib

import pytest
import yaml

from cluster.errors import ClusterError
from cluster.katib_config import (
    TRIAL_RESOURCE,
    has_trial_resource,
    suggestion_entry,
    suggestion_text,
    with_suggestion,
    with_suggestion_text,
    with_trial_resource,
    without_suggestion,
    without_trial_resource,
)
from tests.cluster.katib_config_texts import ALL, EDITED, SHIPPED, SPARSE

ENTRY = suggestion_entry("morphling", "morphling-suggestion:1")


def edited(text: str) -> str:
    return with_trial_resource(with_suggestion(text, ENTRY))


def algorithms(text: str) -> dict[str, object]:
    return {one["algorithmName"]: one for one in yaml.safe_load(text)["runtime"]["suggestions"]}


@pytest.mark.parametrize("name", ALL)
def test_what_is_added_is_there_and_the_rest_is_unchanged(name: str):
    before, after = ALL[name], edited(ALL[name])
    assert algorithms(after) == {**algorithms(before), "morphling": ENTRY}
    assert yaml.safe_load(after)["init"]["controller"]["trialResources"][-1] == TRIAL_RESOURCE
    changes = [line[0] for line in difflib.ndiff(before.splitlines(), after.splitlines())]
    assert "-" not in changes
    assert after.endswith("\n") == before.endswith("\n")


@pytest.mark.parametrize("name", ALL)
def test_adding_twice_changes_nothing_and_removing_restores(name: str):
    after = edited(ALL[name])
    assert edited(after) == after
    assert without_trial_resource(without_suggestion(after, "morphling")) == ALL[name]


@pytest.mark.parametrize("text", [SHIPPED, EDITED])
def test_an_entry_is_replaced_and_put_back(text: str):
    old = suggestion_text(text, "bayesianoptimization")
    assert old is not None
    ours = suggestion_entry("bayesianoptimization", "morphling-suggestion:1")
    replaced = with_suggestion(text, ours)
    assert algorithms(replaced)["bayesianoptimization"] == ours
    assert list(algorithms(replaced)) == list(algorithms(text))
    assert with_suggestion_text(replaced, "bayesianoptimization", old) == text


def test_another_image_is_brought_up_to_date():
    newer = suggestion_entry("morphling", "morphling-suggestion:2")
    after = with_suggestion(edited(SHIPPED), newer)
    assert algorithms(after)["morphling"] == newer
    assert after.count("morphling-suggestion") == 1


def test_comments_keep_their_places():
    lines = edited(EDITED).splitlines()
    assert lines.index("  # end of the algorithms") > lines.index("  - algorithmName: morphling")
    assert lines.index("    # nothing else") > lines.index(f"    - {TRIAL_RESOURCE}")


def test_nothing_to_remove_is_no_error():
    assert without_suggestion(SHIPPED, "morphling") == SHIPPED
    assert without_trial_resource(SPARSE) == SPARSE
    assert not has_trial_resource(SPARSE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "must hold YAML"),
        ("just text", "must hold a mapping"),
        ("runtime: {}\n", "must have a mapping runtime of a key a line"),
        ("runtime:\n  suggestions: [{algorithmName: a}]\n", "must be a list with an item a line"),
        ("runtime:\n  suggestions:\n", "must be a list with an item a line, but is empty"),
    ],
)
def test_what_cannot_be_edited_is_refused(text: str, message: str):
    with pytest.raises(ClusterError, match=message):
        with_suggestion(text, ENTRY)
