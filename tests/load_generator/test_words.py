from load_generator.words import WORDS


def test_a_byte_names_a_word():
    assert len(set(WORDS)) == len(WORDS) == 256
    assert all(word.isalpha() and word.islower() for word in WORDS)
