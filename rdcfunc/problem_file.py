"""Problem files: a problem, its levels and its targets as TOML or JSON, read without running anything."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rdcfunc import classifications, distortions, perceptions, sources
from rdcfunc.checks import shown
from rdcfunc.distortions.differences import on_a_grid
from rdcfunc.information import Array
from rdcfunc.problem import Problem, Target
from rdcfunc.sections import ProblemFileError, Section, few

#: What a file may name; nothing else can be reached from one.
_DISTORTIONS = ("hamming", "squared_error", "absolute_error", "matrix")
_PERCEPTIONS = ("TotalVariation", "KL", "ReverseKL", "JensenShannon", "ChiSquared", "Hellinger", "Wasserstein")
_CLASSIFICATIONS = ("ConditionalEntropy", "CrossEntropy", "ErrorRate")
_SOURCES = ("pmf", "bernoulli", "uniform", "gaussian", "samples")
_KEYS: dict[str, tuple[str, ...]] = {
    "source": (*_SOURCES, "points"),
    "distortion": ("kind", "letters", "values"),
    "perception": ("kind", "cost", "power"),
    "classification": ("kind", "labels", "tagged", "classifier", "decision", "weights", "noise"),
    "levels": ("D", "P", "C", "R"),
    "targets": ("D", "P", "C"),
    "options": ("tol", "minimise"),
}

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Question:
    """What a problem file asks.

    Attributes
    ----------
    problem
        Source and measures.
    levels
        The levels that are given, by name, each a number or a row of numbers.
    targets
        What one encoder is to serve, for universal rates.
    tol
        The bracket asked for.
    minimise
        As for :func:`rdcfunc.trace`.
    """

    problem: Problem
    levels: Mapping[str, Array]
    targets: tuple[Target, ...] = ()
    tol: float = 1e-6
    minimise: str | None = None


def read(path: str | Path) -> Question:
    """Read a problem file.

    Parameters
    ----------
    path
        TOML, or JSON if its name ends so. Files that it names are CSV or npy, in its folder or below it.

    Raises
    ------
    ProblemFileError
        If it is not what a problem file can be; the message names the key, what it held and what is needed.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProblemFileError(f"not a text in UTF-8: {error.reason} at byte {error.start}") from None
    return ask(parse(text, path.suffix == ".json"), path.resolve().parent)


def parse(text: str, is_json: bool = False) -> dict[str, Any]:
    """Return the tables of a TOML or JSON text.

    Raises
    ------
    ProblemFileError
        If the text is neither, with the place.
    """
    try:
        content = json.loads(text) if is_json else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if is_json else "TOML"
        raise ProblemFileError(f"not {kind}: {error}; rdcfunc example shows a problem file") from None
    if not isinstance(content, dict):
        raise ProblemFileError(f"a problem file must hold tables such as source and distortion (got {shown(content)})")
    return content


def ask(content: Mapping[str, Any], folder: Path | None = None) -> Question:
    """Return the question that tables ask.

    Parameters
    ----------
    content
        Tables ``source``, ``distortion`` and, if wanted, ``perception``, ``classification``, ``levels``, ``targets``
        and ``options``.
    folder
        Where files that the tables name are; None refuses them.

    Raises
    ------
    ProblemFileError
        As :func:`read`.

    Examples
    --------
    >>> coin = {"source": {"bernoulli": 0.3}, "distortion": {"kind": "hamming"}, "levels": {"D": 0.1}}
    >>> question = ask(coin)
    >>> question.problem.shape, float(question.levels["D"])
    ((2, 2), 0.1)
    """
    Section(content, "the problem file", folder, tuple(_KEYS)).check()

    def built(name: str, build: Callable[[Section], T]) -> T:
        return _built(Section(content.get(name, {}), name, folder, _KEYS[name]), build)

    source, points = built("source", _source)
    distortion = built("distortion", lambda part: _distortion(part, source, points))
    perception = built("perception", lambda part: _perception(part, points)) if "perception" in content else None
    labels = built("classification", _classification) if "classification" in content else None
    levels = built("levels", lambda part: {name: part.array(name, "a level") for name in "DPCR" if name in part})
    tol, minimise = built("options", _options)
    targets = content.get("targets", [])
    if not isinstance(targets, list):
        raise ProblemFileError(f"targets must be a list of tables (got {shown(targets)}); write [[targets]] above each")
    theta = [_built(Section(t, f"targets[{k}]", folder, _KEYS["targets"]), _target) for k, t in enumerate(targets)]
    problem = _located("the problem", lambda: Problem(source, distortion, perception, labels))
    return Question(problem, levels, tuple(theta), tol, minimise)


def _built(part: Section, build: Callable[[Section], T]) -> T:
    """Return what a whole section makes."""
    made = _located(part.name, lambda: build(part))
    part.close()
    return made


def _located(where: str, build: Callable[[], T]) -> T:
    """Name the section in the errors of the library's own checks."""
    try:
        return build()
    except ProblemFileError:
        raise
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise ProblemFileError(f"{where}: {error}") from error


def _source(part: Section) -> tuple[sources.Discrete | sources.Gaussian, Array | None]:
    """Return the source, and the points that its letters are, if they are any."""
    kind = next((name for name in _SOURCES if name in part), None)
    if kind is None:
        raise ProblemFileError(f"source is missing; give one of {', '.join(_SOURCES)}")
    if kind == "samples":
        return sources.from_samples(part.array(kind, "a table with one sample a row"))
    points = part.array("points", "the letters' values") if "points" in part else None
    if kind == "pmf":
        return sources.Discrete(part.array(kind, "the letters' probabilities")), points
    if kind == "bernoulli":
        return sources.bernoulli(part.number(kind, "a probability")), points
    if kind == "uniform":
        letters = part.whole(kind, "a whole number of letters")
        few(letters, "source.uniform")
        return sources.uniform(letters), points
    gaussian = sources.Gaussian(part.array(kind, "a variance or a covariance"))
    return (gaussian, None) if points is None else (sources.discretise(gaussian, points), points)


def _distortion(
    part: Section, source: sources.Discrete | sources.Gaussian, points: Array | None
) -> distortions.Distortion:
    kind = part.choice("kind", _DISTORTIONS)
    if kind == "matrix":
        return distortions.matrix(part.array("values", "a table of costs, one row a source letter"))
    letters = part.array("letters", "the values of reproduction letters") if "letters" in part else None
    if isinstance(source, sources.Gaussian):
        return distortions.squared_error() if kind == "squared_error" else _misfit(kind)
    if kind == "hamming":
        return distortions.hamming(source.n) if letters is None else _misfit("hamming with letters")
    if points is None:
        raise ProblemFileError(f"{kind} needs the letters' values; give points in [source]")
    if letters is not None or on_a_grid(points, points, 1) is None:
        few(len(points) * len(np.atleast_1d(points if letters is None else letters)), "distortion")
    return getattr(distortions, kind)(points, letters)


def _misfit(what: str) -> distortions.Distortion:
    raise ProblemFileError(f"{what} does not fit the source; use squared_error for a Gaussian one, matrix for a table")


def _perception(part: Section, points: Array | None) -> perceptions.Divergence:
    kind = part.choice("kind", _PERCEPTIONS)
    if kind != "Wasserstein":
        return getattr(perceptions, kind)()
    if "cost" in part or points is None:
        return perceptions.Wasserstein(part.array("cost", "a table of ground costs") if "cost" in part else None)
    power = part.whole("power", "1 or 2, of the distance of points") if "power" in part else 2
    if power not in (1, 2):
        raise ProblemFileError(f"perception.power must be 1 or 2, of the distance of points (got {shown(power)})")
    few(len(points) ** 2, "perception")
    cost = (distortions.absolute_error, distortions.squared_error)[power - 1](points)
    return perceptions.Wasserstein(cost.values)


def _classification(part: Section) -> classifications.Classification:
    kind = part.choice("kind", _CLASSIFICATIONS)
    if kind == "ConditionalEntropy":
        if "weights" in part:
            noise = part.number("noise", "the variance of the label's own noise")
            return classifications.ConditionalEntropy(
                classifications.LinearLabel(part.array("weights", "the label's weights"), noise)
            )
        labels = _labels(part)
        return classifications.ConditionalEntropy(labels, tagged=part.flag("tagged"))
    labels = _labels(part)
    if kind == "CrossEntropy":
        return classifications.CrossEntropy(labels, part.array("classifier", "a table of c(s|x̂), one row a letter"))
    return classifications.ErrorRate(labels, part.array("decision", "a class for each reproduction letter"))


def _labels(part: Section) -> Array:
    labels = part.array("labels", "a table of P(s|x), or a class for each letter")
    if labels.ndim == 1 and labels.dtype.kind in "iu":
        few(labels.size * (int(labels.max()) + 1), "classification.labels")
    return labels


def _target(part: Section) -> Target:
    return Target(**{name: part.number(name, "a level") if name in part else inf for name in "DPC"})


def _options(part: Section) -> tuple[float, str | None]:
    tol = part.number("tol", "a positive number") if "tol" in part else 1e-6
    return tol, part.choice("minimise", ("R", "D", "P", "C")) if "minimise" in part else None
