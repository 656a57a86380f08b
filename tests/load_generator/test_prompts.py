"""Random prompts: lengths, seeds, and beginnings that no prefix cache knows."""

import numpy as np

from load_generator.prompts import RandomPrompts
from load_generator.token_lengths import parse_token_lengths


def prompts(inputs: str = "uniform:20:40", seed: int = 0, shared: int = 0) -> RandomPrompts:
    outputs = parse_token_lengths("normal:100:20")
    return RandomPrompts(parse_token_lengths(inputs), outputs, seed, shared)


def words(source: RandomPrompts, index: int, number: int) -> list[str]:
    return source.pick(index, number).text.split(" ")


def test_lengths_follow_the_distributions():
    source = prompts()
    picked = [source.pick(index, index) for index in range(2000)]
    lengths = [len(prompt.text.split(" ")) for prompt in picked]
    assert set(lengths) == set(range(20, 41))
    assert abs(np.mean([prompt.max_tokens for prompt in picked]) - 100) < 2


def test_a_seed_repeats_everything():
    again = prompts()
    assert all(prompts().pick(i, i + 5) == again.pick(i, i + 5) for i in range(3))
    assert prompts(seed=1).pick(0, 0) != again.pick(0, 0)


def test_only_the_beginning_changes_with_the_number():
    source = prompts()
    one, other = words(source, 3, 3), words(source, 3, 9)
    assert one[4:] == other[4:]
    assert one[0] != other[0]


def test_no_beginning_comes_twice():
    source = prompts("fixed:6")
    beginnings = {tuple(words(source, 0, number)[:4]) for number in range(3000)}
    assert len(beginnings) == 3000


def test_lengths_do_not_depend_on_the_shared_prefix():
    plain, shared = prompts(), prompts(shared=50)
    for index in range(5):
        assert words(shared, index, 7)[50:] == words(plain, index, 7)
        assert words(shared, index, 7)[:50] == words(shared, 0, 0)[:50]
        assert shared.pick(index, 7).max_tokens == plain.pick(index, 7).max_tokens


def test_very_short_and_very_long_prompts():
    assert len(words(prompts("fixed:1"), 0, 0)) == 1
    assert len(words(prompts("fixed:200000"), 0, 0)) == 200_000
