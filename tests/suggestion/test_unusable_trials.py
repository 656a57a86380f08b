"""Trials whose value cannot be used are counted and logged once, whatever repeats them."""

import logging

import pytest
from prometheus_client import CollectorRegistry, Counter

from suggestion.trial import Trial, TrialState
from suggestion.unusable_trials import UnusableTrials


def unusable(name: str) -> Trial:
    return Trial(name, {"x": "1"}, TrialState.UNUSABLE, problem="rps is 'NaN'")


def test_each_trial_is_reported_once(caplog: pytest.LogCaptureFixture):
    registry = CollectorRegistry()
    reporter = UnusableTrials(Counter("unusable", "", registry=registry))
    good = Trial("g", {"x": "1"}, TrialState.MEASURED, 1.0)
    with caplog.at_level(logging.WARNING):
        reporter.report("e", [unusable("a"), good])
        reporter.report("e", [unusable("a"), unusable("b"), good])
        reporter.report("other", [unusable("a")])
    assert registry.get_sample_value("unusable_total") == 3
    assert [record.getMessage() for record in caplog.records] == [
        "e: trial a is left out: rps is 'NaN'",
        "e: trial b is left out: rps is 'NaN'",
        "other: trial a is left out: rps is 'NaN'",
    ]
