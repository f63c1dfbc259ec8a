"""What floating point may be off by, generously."""

from __future__ import annotations

import numpy as np

EPS = float(np.finfo(np.float64).eps)
#: How far inside of a level a channel is brought where it can be, so that a user's own sum meets it too.
INSIDE = 16 * EPS
#: Relative rounding of a sum of products of a few thousand terms.
ROUNDING = 64 * EPS
#: Bounds that cross by more than this, relative to their size, cannot be rounding.
_CROSSING = 1e-12


def refuse_crossing(lower: float, upper: float) -> None:
    """Refuse bounds that cross by more than rounding."""
    if lower > upper + _CROSSING * (1.0 + abs(upper)):
        raise ArithmeticError(
            f"the certified bounds cross ({lower!r} > {upper!r}); this is a defect of rdcfunc, please report it"
        )
