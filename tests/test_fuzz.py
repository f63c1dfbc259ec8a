"""A few inputs of each target of the fuzzer, made the same way each time, and those that failed once."""

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import fuzzing
import numpy as np
import pytest

from rdcfunc import problem_file, sources
from rdcfunc.sections import MOST, ProblemFileError


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


#: Texts of problem files that once raised something else, warned, or made tables of gigabytes.
TEXTS: dict[str, tuple[str, str]] = {
    "no end": (
        "source.pmf = {from = 0, to = nan, count = 3}",
        r"source.pmf.to must lie within 1e\+300 of zero \(got nan",
    ),
    "too far": ("source.pmf = {from = -1e308, to = 1e308, count = 3}", r"source.pmf.from must lie within 1e\+300"),
    "too many": ("source.pmf = {from = 0, to = 1, count = 1000000000000000}", rf"may make {MOST}; use Python"),
    "too many letters": ("source.uniform = 536870912", r"source.uniform makes a table of 536870912 numbers"),
    "no such number": (
        f"source.bernoulli = 0x{'f' * 5000}",
        r"source: p must be a number of at most 1.8e308 \(got a int",
    ),
    "too long to show": (f"targets = 0x{'f' * 5000}", r"targets must be a list of tables \(got a int too long"),
    "wide": (
        "source.uniform = 20000\nsource.points = {from = 1, to = 1, count = 20000}\ndistortion.kind = 'squared_error'",
        r"distortion makes a table of 400000000 numbers",
    ),
    "far classes": (
        "classification = {kind = 'ConditionalEntropy', labels = [0, 100000000]}",
        r"classification.labels makes a table of 200000002 numbers",
    ),
    "a name with a zero": (
        "source.pmf.file = 'a\\u0000.csv'".replace("'", '"'),
        r"source.pmf.file is no name of a file",
    ),
    "a name too long": (f"source.pmf.file = '{'a' * 300}.csv'", r"source.pmf.file is no name of a file"),
    "no kind of table": ("source.pmf.file = 'pmf.txt'", r"source.pmf.file must end in .csv or .npy \(got 'pmf.txt'\)"),
    "no flag": (
        "classification = {kind = 'ConditionalEntropy', labels = [0, 1], tagged = 1}",
        r"classification.tagged must be true or false \(got 1\)",
    ),
    "a folder": ("source.pmf.file = 'folder.csv'", r"source.pmf.file must be a file \(got 'folder.csv'\)"),
    "a circle": ("source.pmf.file = 'circle.csv'", r"source.pmf.file"),
}


@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS)
def test_texts_that_failed_once_are_refused_by_name(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "circle.csv").symlink_to(tmp_path / "circle.csv")
    rest = [
        f"{key} = {value}" for key, value in (("source", "{bernoulli = 0.3}"), ("distortion", "{kind = 'hamming'}"))
    ]
    text = "\n".join([text, *(line for line in rest if line.split()[0] not in text)])
    (tmp_path / "problem.toml").write_text(text)
    with pytest.raises(ProblemFileError, match=message):
        problem_file.read(tmp_path / "problem.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "problem.toml").write_bytes(b"a\xff")
    with pytest.raises(ProblemFileError, match=r"not a text in UTF-8: .* at byte 1"):
        problem_file.read(tmp_path / "problem.toml")


def header(text: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("pmf.npy", b"0" * 1000)
    return file.getvalue()


TABLES: dict[str, tuple[str, bytes]] = {
    "empty": ("pmf.csv", b""),
    "past whole numbers": ("pmf.csv", b"1e300\n1e300\n"),
    "inf": ("pmf.csv", b"inf\n0\n"),
    "empty array": ("pmf.npy", b""),
    "open bracket": ("pmf.npy", header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,\n")),
    "a petabyte": ("pmf.npy", header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,), }\n")),
    "an archive": ("pmf.npy", archive()),
}


@pytest.mark.parametrize(("name", "content"), TABLES.values(), ids=TABLES)
def test_tables_that_failed_once_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ProblemFileError, match=r"^source(.pmf.file cannot be read|.pmf must be|: pmf must)"):
        problem_file.ask({"source": {"pmf": {"file": name}}, "distortion": {"kind": "hamming"}}, tmp_path)


#: Constructors that let warnings or errors of NumPy through.
LEAKS: dict[str, tuple[Callable[[], object], str]] = {
    "a sum beyond all numbers": (lambda: sources.Discrete([1e308, 1e308]), r"pmf must sum to 1 .* a sum of inf"),
    "long floats": (lambda: sources.Discrete(np.array(["1e4000"], np.longdouble)), r"pmf must be finite \(got inf"),
    "skew beyond all numbers": (
        lambda: sources.Gaussian([[0, 1e308], [-1e308, 0]]),
        r"covariance must hold numbers of at most 1e\+300",
    ),
    "rows of two lengths": (lambda: sources.Samples([[0.0], [1.0, 2.0]]), r"points must be an array with rows"),
    "no density": (
        lambda: sources.discretise(sources.Gaussian(np.eye(2)), [[1e200, 0], [0, 1e200]]),
        r"points must lie where the law has some density",
    ),
}


@pytest.mark.parametrize(("make", "message"), LEAKS.values(), ids=LEAKS)
def test_constructors_refuse_by_name_and_numpy_does_not_speak(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_points_beyond_all_tails_have_what_mass_there_is() -> None:
    """A law as narrow as numbers can be is a point; points as far as numbers go share its mass."""
    narrow = sources.discretise(sources.Gaussian(1e-300), [-1e200, 0.0, 1e200])
    np.testing.assert_array_equal(narrow.pmf, [0, 1, 0])
    np.testing.assert_array_equal(sources.discretise(sources.Gaussian(1.0), [-1.7e308, 1.7e308]).pmf, [0.5, 0.5])
    far = sources.discretise(sources.Gaussian(np.eye(2)), [[100.0, 0.0], [0.0, 100.0]])
    np.testing.assert_allclose(far.pmf, [0.5, 0.5])
