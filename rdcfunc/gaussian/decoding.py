r"""The best decoder of a fixed Gaussian encoder, with perception in W2².

With :math:`\tilde X = E[X | Z]` of covariance A no decoder does better than

.. math:: D(P) = E|X - \tilde X|^2 + [(W_2(p_{\tilde X}, p_X) - \sqrt P)_+]^2,

and a point on the way from :math:`\tilde X` to the reproduction of the source's law that is nearest to it does as well.
"""

from __future__ import annotations

from math import inf, sqrt

import numpy as np

from rdcfunc.channels import GaussianChannel
from rdcfunc.checks import level
from rdcfunc.gaussian.joint import fidelity, root
from rdcfunc.information import Array


def decode(encoder: GaussianChannel, P: float = inf) -> GaussianChannel:
    """Return the channel to the reproduction of least distortion that a decoder makes of what the encoder sends.

    Parameters
    ----------
    encoder
        A channel from the source to Z.
    P
        Level of W2² between the laws of source and reproduction, or inf.

    Returns
    -------
    GaussianChannel
        Its :attr:`~rdcfunc.channels.GaussianChannel.distortion` is D(P), at most twice that of ``P = inf``.

    Raises
    ------
    ValueError
        If P is negative or no number.

    References
    ----------
    Freirich, Michaeli and Meir, "A theory of the distortion-perception tradeoff in Wasserstein space", 2021,
    arXiv:2107.02555, theorem 3.

    Examples
    --------
    >>> encoder = GaussianChannel(np.eye(1), np.eye(1), np.eye(1), np.eye(1))
    >>> decode(encoder).distortion, round(decode(encoder, P=0.0).distortion, 6)
    (0.5, 0.585786)
    """
    P = level(P, "P")
    S, n = encoder.source, encoder.source.shape[0]
    estimate = S @ encoder.gain.T @ _inverse(encoder.output)
    A = estimate @ encoder.gain @ S
    A = (A + A.T) / 2
    apart = sqrt(max(0.0, float(np.trace(S + A)) - 2 * fidelity(S, A)))
    part = max(0.0, 1 - sqrt(P) / apart) if apart > 0 and P < inf else 0.0
    # The reproduction of law S nearest to the estimate, as what it tells of the estimate and a noise.
    half = root(S)
    back = _inverse(half)
    cross = half @ root(half @ A @ half) @ back
    told = cross @ _inverse(A)
    spread = S - told @ A @ told.T
    mix = (1 - part) * np.eye(n) + part * told
    noise = mix @ estimate @ encoder.noise @ estimate.T @ mix.T + part**2 * spread
    return GaussianChannel(mix @ estimate @ encoder.gain, (noise + noise.T) / 2, np.eye(n), S)


def _inverse(A: Array) -> Array:
    """Return the inverse of a positive semidefinite matrix on what is not rounding."""
    return np.asarray(np.linalg.pinv(A, rcond=1e-12, hermitian=True), dtype=np.float64)
