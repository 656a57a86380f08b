"""Distributions of token lengths: their moments, their limits, and what is refused."""

import numpy as np
import pytest

from load_generator.errors import PayloadError
from load_generator.token_lengths import MAX_TOKENS, parse_token_lengths


def draw(text: str, count: int = 20_000) -> np.ndarray:
    return parse_token_lengths(text).draw(np.random.default_rng(1), count)


def test_fixed():
    assert draw("fixed:128", 3).tolist() == [128, 128, 128]


def test_uniform_holds_both_ends():
    drawn = draw("uniform:3:6")
    assert np.unique(drawn).tolist() == [3, 4, 5, 6]
    assert drawn.mean() == pytest.approx(4.5, abs=0.05)


def test_normal():
    drawn = draw("normal:200:30")
    assert drawn.mean() == pytest.approx(200, abs=1)
    assert drawn.std() == pytest.approx(30, rel=0.03)


def test_lognormal():
    drawn = draw("lognormal:200:0.5")
    assert np.median(drawn) == pytest.approx(200, rel=0.02)
    assert np.log(drawn).std() == pytest.approx(0.5, rel=0.03)


def test_lengths_stay_within_limits():
    assert draw("normal:1:50").min() == 1
    assert draw("lognormal:1000:4").min() == 1
    assert draw("lognormal:900000:4").max() == MAX_TOKENS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("128", "must be fixed:N, uniform:A:B, normal:MEAN:SD or lognormal:MEDIAN:SIGMA, but got"),
        ("fixed:1:2", "must be fixed:N"),
        ("fixed:x", "must be fixed:N"),
        ("zipf:1", "must be fixed:N"),
        ("fixed:0", "must be from 1 to 1000000, but got 'fixed:0'"),
        ("fixed:nan", "must be from 1 to"),
        ("uniform:5:1e7", "must be from 1 to"),
        ("fixed:1.5", "fixed token lengths must be whole numbers, but got 'fixed:1.5'"),
        ("uniform:5:4", "A <= B must hold in uniform:A:B, but got 'uniform:5:4'"),
        ("normal:5:-1", "The spread must be from 0 to 1e+06, but got 'normal:5:-1'"),
        ("lognormal:5:5", "The spread must be from 0 to 4, but got 'lognormal:5:5'"),
    ],
)
def test_what_is_refused(text: str, message: str):
    with pytest.raises(PayloadError) as caught:
        parse_token_lengths(text)
    assert message in str(caught.value)
