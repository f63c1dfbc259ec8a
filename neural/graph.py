"""One training step recorded as a CUDA graph: hundreds of small launches become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["Recorded"]

_WARMING = 5


class Recorded:
    """Call a function of tensors of constant shape by replaying it.

    The first calls run as they are, on a stream of their own, so that libraries and optimiser have what they allocate
    once; the next is recorded. The function must not look at the numbers it computes.

    Parameters
    ----------
    function
        The step; what it returns is overwritten by the next call.
    noise
        Generators that it draws from.
    """

    def __init__(self, function: Callable[..., Tensor], noise: Sequence[torch.Generator]) -> None:
        self._function, self._noise = function, tuple(noise)
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()
        self._output = torch.empty(0)
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Return what the function returns."""
        self._calls += 1
        if self._calls <= _WARMING:
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                output = self._function(*inputs)
            torch.cuda.current_stream().wait_stream(self._stream)
            return output
        if self._graph is None:
            self._record(inputs)
        for kept, given in zip(self._inputs, inputs, strict=True):
            kept.copy_(given)
        assert self._graph is not None
        self._graph.replay()
        return self._output

    def _record(self, inputs: tuple[Tensor, ...]) -> None:
        graph = torch.cuda.CUDAGraph()
        for generator in self._noise:
            graph.register_generator_state(generator)
        self._inputs = tuple(tensor.clone() for tensor in inputs)
        with torch.cuda.graph(graph):
            self._output = self._function(*self._inputs)
        self._graph = graph
