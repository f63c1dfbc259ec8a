"""Messages as bits that are written: a range coder under a law that both ends know."""

from __future__ import annotations

from dataclasses import dataclass

import constriction
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Law"]


@dataclass(frozen=True, eq=False)
class Law:
    """Hold what both ends know of the messages under one dither: how often each came from the training images.

    A message that no training image has sent is announced by an escape, of the weight of one image, and then written
    as it is, in 64 bits.

    Parameters
    ----------
    symbols
        The messages that training images send, ascending, shape (K,).
    counts
        How many images send each, shape (K,).

    Examples
    --------
    >>> law = Law.of(torch.tensor([5, 5, 5, 9, 9, 2]))
    >>> content = law.write(torch.tensor([5, 9, 5, 7, 2]))  # 7 is new
    >>> law.read(content, 5)
    tensor([5, 9, 5, 7, 2])
    """

    symbols: Tensor
    counts: Tensor

    @classmethod
    def of(cls, messages: Tensor) -> Law:
        """Return the law of the training images' messages (m,)."""
        symbols, counts = torch.unique(messages, return_counts=True)
        return cls(symbols, counts)

    def places(self, messages: Tensor) -> Tensor:
        """Return where in `symbols` the messages (n,) stand, K for those that are not there."""
        places = torch.searchsorted(self.symbols, messages).clamp(max=len(self.symbols) - 1)
        return torch.where(self.symbols[places] == messages, places, len(self.symbols))

    def write(self, messages: Tensor) -> bytes:
        """Return the messages (n,) as bytes; `read` is the inverse."""
        places = self.places(messages)
        encoder = constriction.stream.queue.RangeEncoder()
        encoder.encode(places.cpu().numpy().astype(np.int32), self._model())
        new = messages[places == len(self.symbols)].cpu().numpy()
        return encoder.get_compressed().astype("<u4").tobytes() + new.astype("<i8").tobytes()

    def read(self, content: bytes, count: int) -> Tensor:
        """Return the `count` messages that were written, shape (n,)."""
        whole = content[: len(content) // 4 * 4]
        decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(whole, "<u4").astype(np.uint32))
        places = torch.from_numpy(decoder.decode(self._model(), count).astype(np.int64))
        new = places == len(self.symbols)
        messages = self.symbols.cpu()[places.clamp(max=len(self.symbols) - 1)]
        escaped = int(new.sum())
        if escaped:
            messages[new] = torch.from_numpy(np.frombuffer(content[-8 * escaped :], "<i8").astype(np.int64))
        return messages

    def _model(self) -> constriction.stream.model.Categorical:
        weights: NDArray[np.float64] = np.append(self.counts.cpu().numpy(), 1.0)
        return constriction.stream.model.Categorical((weights / weights.sum()).astype(np.float32), perfect=False)
