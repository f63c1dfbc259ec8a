"""Answers on disk: JSON that holds every number exactly."""

from __future__ import annotations

import json
import os
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rdcfunc import solvers
from rdcfunc.channels import GaussianChannel
from rdcfunc.curve import Curve, Slopes
from rdcfunc.distortions import Difference, Hamming
from rdcfunc.passes.channel import PointChannel
from rdcfunc.passes.cloud import Cloud
from rdcfunc.problem import Target
from rdcfunc.solution import Prices, Solution, Status
from rdcfunc.structure.tilt import Tilted
from rdcfunc.universal import Penalty

#: The only types that a file can name: nothing in a file chooses what is run.
_ANSWERS = (Solution, Curve, Penalty)
_PARTS = (Slopes, Target, Prices, Tilted, GaussianChannel, PointChannel, Cloud, Hamming, Difference)
_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (*_ANSWERS, *_PARTS)} | {
    name: getattr(solvers, name) for name in solvers.__all__ if name != "Solver"
}
_KIND = "kind"


def dumps(answer: Solution | Curve | Penalty) -> str:
    """Return an answer as JSON text. What a solver may start from is left out."""
    return json.dumps(_encode(answer), allow_nan=False)


def load(path: str | os.PathLike[str]) -> Solution | Curve | Penalty:
    """Return the answer that :meth:`Solution.to_json` or :meth:`Curve.to_json` wrote.

    Every number is the one that was written. A file is a claim: :func:`rdcfunc.certify` with the problem, the channel
    and the prices checks it.

    Parameters
    ----------
    path
        A file. Nothing in it is run, whatever it holds.

    Raises
    ------
    ValueError
        If the file holds no such answer, or one whose bounds cross.

    Examples
    --------
    >>> import tempfile
    >>> import rdcfunc as rdc
    >>> coin = rdc.Problem(rdc.sources.bernoulli(0.3), rdc.distortions.hamming(2))
    >>> solution = rdc.rate(coin, D=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = solution.to_json(folder + "/coin.json")
    ...     back = rdc.load(folder + "/coin.json")
    >>> back.lower == solution.lower, back.solver
    (True, Auto(picked=ClosedForm(), reason='Hamming distortion alone'))
    """
    return loads(Path(path).read_text(encoding="utf-8"), str(path))


def loads(text: str, name: str) -> Solution | Curve | Penalty:
    """Return the answer that :func:`dumps` made a text of; errors call it by its name."""
    cure = "give what Solution.to_json or Curve.to_json wrote"
    try:
        answer = _decode(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{name} holds no answer of rdcfunc: {error}; {cure}") from error
    if not isinstance(answer, _ANSWERS):
        raise ValueError(f"{name} holds no answer of rdcfunc (got {type(answer).__name__}); {cure}")
    if not np.all(np.asarray(answer.lower) <= answer.upper):
        raise ValueError(f"{name} holds a lower bound above its upper one; it was changed since it was written")
    return answer


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        kind = "object" if value.dtype == object else "integer" if value.dtype.kind in "iu" else "float"
        return {_KIND: kind, "shape": list(value.shape), "values": [_encode(x) for x in value.ravel().tolist()]}
    if isinstance(value, Status):
        return {_KIND: "Status", "name": value.name}
    if is_dataclass(value):
        if type(value).__name__ not in _KINDS:
            raise TypeError(
                f"{type(value).__name__} cannot be kept as JSON; pickle keeps solvers and problems of your own"
            )
        kept = (f.name for f in fields(value) if f.init and f.name != "candidate")
        return {_KIND: type(value).__name__} | {name: _encode(getattr(value, name)) for name in kept}
    if isinstance(value, tuple):
        return {_KIND: "tuple", "values": [_encode(x) for x in value]}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return {_KIND: "number", "value": str(value)}  # JSON has no infinity
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(x) for x in value]
    if not isinstance(value, dict):
        return value
    kind = value.pop(_KIND, None)
    parts: dict[str, Any] = {name: _decode(part) for name, part in value.items()}
    if kind in _KINDS:
        return _KINDS[kind](**parts)
    if kind in ("float", "integer", "object"):
        array = np.empty(len(parts["values"]), {"float": np.float64, "integer": np.intp, "object": object}[kind])
        array[:] = parts["values"]
        array.flags.writeable = kind == "object"
        return array.reshape(parts["shape"])
    if kind == "Status":
        return Status[parts["name"]]
    if kind == "tuple":
        return tuple(parts["values"])
    if kind == "number":
        return float(parts["value"])
    raise ValueError(f"it names {kind!r}, which is none of its kinds")
