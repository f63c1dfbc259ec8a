"""What floating point may be off by, generously."""

from __future__ import annotations

import numpy as np

EPS = float(np.finfo(np.float64).eps)
#: How far inside of a level a channel is brought where it can be, so that a user's own sum meets it too.
INSIDE = 16 * EPS
#: Relative rounding of a sum of products of a few thousand terms.
ROUNDING = 64 * EPS
