"""Inputs made to break things: whatever is given, the library makes something of it, or refuses by its own error.

``tests/fuzz.py`` runs these for hours, guided by the code that they reach; the tests run a few.
"""

import json
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import rdcfunc as rdc
from rdcfunc import classifications, distortions, perceptions, problem_file, sources
from rdcfunc.problem import Problem, Target
from rdcfunc.sections import ProblemFileError

LIBRARY = Path(rdc.__file__).parent


@contextmanager
def clean() -> Iterator[None]:
    """Make failures of warnings, but for the library's own about sums that are off."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".* sums to 1 only within .*; it was renormalised")
        yield


def readable(error: Exception) -> None:
    """Fail on a message that nobody reads to its end."""
    assert len(str(error)) < 2000, str(error)[:200]


def attempt(make: Callable[..., Any], *arguments: Any) -> Any:
    """Return what is made, or None if the library refuses; anything else that happens is a failure.

    A refusal is raised by a line of the library that says so: an error that NumPy raised inside is none.
    """
    with clean():
        try:
            return make(*arguments)
        except (ValueError, TypeError, MemoryError) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            if not (Path(where.filename).is_relative_to(LIBRARY) and (where.line or "").startswith("raise")):
                raise
            readable(error)
            return None


def refusals(make: Callable[..., Any], *arguments: Any) -> None:
    """Read a problem file, which refuses by one kind of error whatever is wrong with it."""
    with clean():
        try:
            make(*arguments)
        except ProblemFileError as error:
            readable(error)


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory()


def reader(data: bytes) -> None:
    """Read a file: JSON if it begins with a brace, else TOML."""
    path = Path(_folder().name) / ("problem.json" if data[:1] in b"{[" else "problem.toml")
    path.write_bytes(data)
    refusals(problem_file.read, path)


def tables(data: bytes) -> None:
    """Read a file of numbers that a problem file names."""
    folder = Path(_folder().name)
    name = "table.npy" if data[:1] == b"\x93" else "table.csv"
    (folder / name).write_bytes(data)
    for key in ("pmf", "samples", "gaussian"):
        refusals(problem_file.ask, {"source": {key: {"file": name}}, "distortion": {"kind": "hamming"}}, folder)


NUMBERS = (
    st.integers(-2, 9)
    | st.floats(0, 1)
    | st.floats()
    | st.sampled_from([1e-300, 5e-324, 1e150, 1.7e308, -1.7e308, 2**53, 2**63, 2**64, 10**15, 10**400, True])
)
LAWS = st.lists(st.integers(0, 5), min_size=1, max_size=4).filter(any).map(lambda w: [x / sum(w) for x in w])
SQUARES = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(st.floats(0, 9) | NUMBERS, min_size=n, max_size=n), min_size=n, max_size=n)
)
TABLES = st.lists(NUMBERS, max_size=4) | st.lists(LAWS, min_size=1, max_size=3) | SQUARES
ANYTHING = st.recursive(
    NUMBERS | st.none() | st.text(max_size=3) | TABLES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
RANGES = st.fixed_dictionaries({"from": NUMBERS, "to": NUMBERS, "count": NUMBERS})
VALUES = NUMBERS | LAWS | TABLES | RANGES | st.fixed_dictionaries({"file": st.text(max_size=5)}) | ANYTHING


def _section(name: str, kinds: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    keys = [key for key in problem_file._KEYS[name] if key != "kind"]
    rest = st.dictionaries(st.sampled_from(keys), VALUES, max_size=3)
    if not kinds:
        return rest
    return st.builds(lambda kind, more: {"kind": kind, **more}, st.sampled_from(kinds), rest)


DOCUMENTS = st.fixed_dictionaries(
    {
        "source": st.sampled_from([{"bernoulli": 0.3}, {"uniform": 3, "points": [0, 1, 2.5]}, {"gaussian": 1.0}])
        | _section("source"),
        "distortion": _section("distortion", problem_file._DISTORTIONS),
    },
    optional={
        "perception": _section("perception", problem_file._PERCEPTIONS),
        "classification": _section("classification", problem_file._CLASSIFICATIONS),
        "levels": _section("levels"),
        "targets": st.lists(_section("targets"), max_size=2) | ANYTHING,
        "options": _section("options"),
    },
)


@given(DOCUMENTS | ANYTHING)
def documents(content: Any) -> None:
    """Ask what tables ask, as they are and, where JSON can say them, as a text."""
    if isinstance(content, dict):
        refusals(problem_file.ask, content)
    try:
        text = json.dumps(content)
    except ValueError:  # JSON does not write whole numbers of so many digits
        return
    refusals(lambda: problem_file.ask(problem_file.parse(text, is_json=True)))


ARRAYS = hnp.arrays(
    hnp.boolean_dtypes() | hnp.integer_dtypes() | hnp.floating_dtypes() | hnp.complex_number_dtypes(),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
GIVEN = VALUES | ARRAYS | LAWS.map(np.array) | SQUARES.map(lambda rows: np.array(rows, dtype=object))
#: Constructors of each part of a problem, by how many arguments they need and take.
MAKERS: dict[str, list[tuple[Callable[..., Any], int, int]]] = {
    "source": [
        (sources.Discrete, 1, 1),
        (sources.bernoulli, 1, 1),
        (sources.Gaussian, 1, 1),
        (sources.from_samples, 1, 1),
        (sources.Samples, 1, 2),
        (lambda variance, points: sources.discretise(sources.Gaussian(variance), points), 2, 2),
        (lambda w, means, a, x: sources.mixture(w, means, [sources.Gaussian(a), sources.Gaussian(1.0)], x), 4, 4),
    ],
    "distortion": [
        (distortions.matrix, 1, 1),
        (distortions.hamming, 1, 1),
        (distortions.difference, 1, 1),
        (distortions.squared_error, 1, 2),
        (distortions.absolute_error, 1, 2),
    ],
    "perception": [(perceptions.Wasserstein, 1, 1)],
    "classification": [
        (classifications.ConditionalEntropy, 1, 2),
        (classifications.CrossEntropy, 2, 2),
        (classifications.ErrorRate, 2, 2),
        (lambda weights, noise: classifications.ConditionalEntropy(classifications.LinearLabel(weights, noise)), 2, 2),
    ],
}


@st.composite
def parts(draw: st.DrawFn, name: str) -> Any:
    """Draw a part of a problem, None if the constructor refuses what it is given."""
    make, least, most = draw(st.sampled_from(MAKERS[name]))
    return attempt(make, *(draw(GIVEN) for _ in range(draw(st.integers(least, most)))))


@given(st.data())
def constructors(data: st.DataObject) -> None:
    """Make every part of a problem of whatever is given, and a problem of the parts."""
    made = {name: data.draw(parts(name)) for name in MAKERS}
    source, table = made["source"], made["distortion"]
    source = source[0] if isinstance(source, tuple) else source
    if isinstance(source, sources.Discrete):
        attempt(lambda: source.entropy)
    if isinstance(source, sources.Gaussian):
        attempt(lambda: source.spectrum)
    if isinstance(table, distortions.Distortion):
        attempt(lambda: table.values)
    target = attempt(Target, *(data.draw(GIVEN) for _ in range(3)))
    whole = attempt(Problem, source, table, made["perception"], made["classification"])
    if whole is not None and target is not None:
        attempt(whole.check, target)


#: What a problem file may say.
WORDS = {
    *problem_file._KEYS,
    *(key for keys in problem_file._KEYS.values() for key in keys),
    *(kind for kinds in (problem_file._DISTORTIONS, problem_file._PERCEPTIONS) for kind in kinds),
    *problem_file._CLASSIFICATIONS,
}
_EXAMPLE = {
    "source": {"pmf": [0.5, 0.3, 0.2], "points": {"from": 0, "to": 1, "count": 3}},
    "distortion": {"kind": "squared_error", "letters": [0, 1]},
    "perception": {"kind": "Wasserstein", "power": 1},
    "classification": {"kind": "CrossEntropy", "labels": [0, 1, 1], "classifier": [[0.5, 0.5], [0.1, 0.9]]},
    "levels": {"D": [0.1, 0.2], "C": 0.5},
    "targets": [{"D": 0.1}, {"P": 0.2}],
    "options": {"tol": 1e-5, "minimise": "R"},
}


def _saved(table: object) -> bytes:
    file = BytesIO()
    np.save(file, np.asarray(table))
    return file.getvalue()


_NOISE = [np.random.default_rng(seed).bytes(100 * seed) for seed in range(1, 40)]
#: What a run begins with.
SEEDS: dict[str, list[bytes]] = {
    "reader": [(LIBRARY / "example.toml").read_bytes(), json.dumps(_EXAMPLE).encode(), b"[", b""],
    "tables": [b"0.5\n0.5\n", b"1,2\n2,4\n", b"", _saved([0.5, 0.5]), _saved(np.eye(2, dtype=">i4", order="F"))],
    "documents": _NOISE,
    "constructors": _NOISE,
}
TARGETS: dict[str, Callable[[bytes], object]] = {
    "reader": reader,
    "tables": tables,
    "documents": lambda data: documents.hypothesis.fuzz_one_input(data),
    "constructors": lambda data: constructors.hypothesis.fuzz_one_input(data),
}
