"""A few inputs of each target of the fuzzer, made the same way each time, and those that failed once."""

import random

import fuzzing
import pytest


def changed(seed: bytes, rng: random.Random) -> bytes:
    """Return an input with a few places cut out, copied, or overwritten by a word or a byte."""
    words = [word.encode() for word in sorted(fuzzing.WORDS)] + [b"nan", b"1e308", b"-1", b"[[", b"{", b"\xff", b"\0"]
    for _ in range(rng.randint(1, 4)):
        first, last = sorted(rng.randrange(len(seed) + 1) for _ in range(2))
        seed = seed[:first] + rng.choice([b"", seed[first:last] * 2, rng.choice(words)]) + seed[last:]
    return seed


@pytest.mark.parametrize("name", ["reader", "tables"])
def test_files_are_read_or_refused(name: str) -> None:
    rng = random.Random(0)
    for seed in fuzzing.SEEDS[name]:
        fuzzing.TARGETS[name](seed)
        for _ in range(60):
            fuzzing.TARGETS[name](changed(seed, rng))


def test_what_a_problem_file_says_is_taken_or_refused() -> None:
    fuzzing.documents()


def test_constructors_take_or_refuse_what_they_are_given() -> None:
    fuzzing.constructors()
