"""One-shot codes: the best words for samples, as a reference for codecs of as many messages.

A codec that sends one of m messages, even under a dither that both ends share, is a mixture of codes of m words: in
``D + λ_c H(S|J)`` none is below the best of them. Rate-distortion theory is lower still, but needs long blocks.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from rdcfunc import checks, lloyd
from rdcfunc.codebooks import VectorQuantiser, checked_labels, checked_law, checked_points, figures
from rdcfunc.information import Indices

#: How much of an entropy that was allowed may be left unused, in bits, and halvings of the price's bracket.
_SPARE, _HALVINGS = 1e-3, 20
#: Entropy in bits that is none: laws sum to one within rounding.
_ROUNDING = 1e-12


def vector_quantiser(
    samples: ArrayLike,
    letters: int,
    *,
    weights: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    rate_weight: float = 0.0,
    classification_weight: float = 0.0,
    R: float = math.inf,
    restarts: int = 8,
    seed: int = 0,
    steps: int = 200,
    tol: float = 1e-6,
) -> VectorQuantiser:
    r"""Find words for samples that are sent one at a time: least ``E|X - y_J|² + λ_r H(J) + λ_c H(S|J)``.

    Lloyd's alternation from several random starts; the best end is kept. It is a local optimum, which nothing
    certifies: its figures on the samples are achieved, by an encoder that is told the label where λ_c > 0.

    Parameters
    ----------
    samples
        Shape (n, k), or (n,) for numbers. Single precision is kept, for half the memory and time.
    letters
        Number m of words.
    weights
        The law of the samples, shape (n,), uniform by default.
    labels
        n integers, or ``P(S = s | X = x)``, shape (n, K).
    rate_weight
        λ_r, squared error per bit of entropy: words that do not pay for their rate are left out.
    classification_weight
        λ_c, squared error per bit of equivocation.
    R
        Bound on the entropy in bits, met by a search over λ_r, or by ``floor(2^R)`` words if that is better.
    restarts
        Number of starts.
    seed
        Of the starts; equal arguments give equal words.
    steps, tol
        A descent ends after so many steps, or after one that lowers the objective by no more than its part `tol`.

    Returns
    -------
    VectorQuantiser
        The words; fewer than asked for where an entropy counts.

    Raises
    ------
    ValueError
        If there are fewer distinct samples than letters, a weight is negative, λ_c is given without labels, or both
        λ_r and R are.

    References
    ----------
    Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28, 1982; Chou, Lookabaugh and Gray,
    "Entropy-constrained vector quantization", IEEE Trans. ASSP 37, 1989, for λ_r.

    Examples
    --------
    >>> quantiser = vector_quantiser([0.0, 0.2, 1.0, 1.2, 5.0], 3)
    >>> np.sort(quantiser.words).round(12), round(quantiser.training.distortion, 12)
    (array([0.1, 1.1, 5. ]), 0.008)

    Five points in three words take 1.52 bits. With no more than one bit there are two words, used unequally:

    >>> cheaper = vector_quantiser([0.0, 0.2, 1.0, 1.2, 5.0], 3, R=1.0)
    >>> np.sort(cheaper.words).round(12), round(cheaper.training.entropy, 4)
    (array([0.6, 5. ]), 0.7219)

    The label is not to be seen in the samples' places; words that tell it cost distortion:

    >>> samples, labels = [0.0, 0.1, 1.0, 1.1], [0, 1, 0, 1]
    >>> for weight in (0.0, 1.0):
    ...     made = vector_quantiser(samples, 2, labels=labels, classification_weight=weight).training
    ...     print(round(made.distortion, 4), made.equivocation)
    0.0025 1.0
    0.25 0.0
    """
    points = checked_points(samples)
    n = len(points)
    for name, count in (("letters", letters), ("restarts", restarts), ("steps", steps)):
        if not isinstance(count, int | np.integer) or count < 1:
            raise ValueError(f"{name} must be a whole number >= 1 (got {count!r})")
    for name, weight in (("rate_weight", rate_weight), ("classification_weight", classification_weight)):
        if checks.level(weight, name) == math.inf:
            raise ValueError(f"{name} must be finite (got inf); a large number does as well")
    price = lloyd.Price(float(rate_weight), float(classification_weight), steps, checks.level(tol, "tol"))
    bits = checks.level(R, "R")
    if price.classification and labels is None:
        raise ValueError("classification_weight needs labels (got none); give the label of each sample")
    if price.rate and bits < math.inf:
        raise ValueError("rate_weight and R both bound the entropy (got both); leave one of them out")
    law = checked_law(weights, n)
    classes = np.empty((n, 0)) if labels is None else checked_labels(labels, n, "labels")
    centre = law @ points
    data = lloyd.Data(points - centre.astype(points.dtype), law, classes)
    rng = np.random.default_rng(seed)
    few = letters if bits == math.inf else min(letters, math.floor(2.0 ** min(bits, 62.0) + 1e-9))
    ends: list[tuple[lloyd.Price, lloyd.Codebook]] = []
    for restart in range(restarts):
        gently = restart % 2 == 0
        ends.append(_within(data, lloyd.descend(data, letters, price, rng, gently), price, bits))
        if few < letters:
            ends.append((price, lloyd.descend(data, few, price, rng, gently)))
    paid, best = min(ends, key=lambda end: end[1].objective(price))
    order = np.lexsort((best.words[:, 0], -best.law.round(12)))[: np.count_nonzero(best.law)]
    assignment: Indices = np.argsort(order)[best.assignment]
    assignment.flags.writeable = False
    rows, posteriors = best.words[order] + centre, None
    if labels is not None:
        counts = n * best.joint[order] + 0.5
        posteriors = checks.frozen(counts / counts.sum(axis=1, keepdims=True))
    training = figures(points, rows, posteriors, assignment, law, classes)
    words = checks.frozen(rows if np.ndim(samples) == 2 else rows[:, 0])
    return VectorQuantiser(words, checks.frozen(best.law[order]), posteriors, paid.rate, price.classification, training)


def _within(
    data: lloyd.Data, free: lloyd.Codebook, price: lloyd.Price, bits: float
) -> tuple[lloyd.Price, lloyd.Codebook]:
    """Return a codebook of at most so many bits with the price it pays for them, from one that is free."""
    most = bits + _ROUNDING
    if free.entropy <= most:
        return price, free
    low, above = 0.0, free
    # What a bit saves is at most about the spread of the words, or what it tells of the label.
    high = 2.0**-12 * (float(free.law @ np.einsum("jk,jk->j", free.words, free.words)) + price.classification)
    while (below := lloyd.settle(data, above, replace(price, rate=high))).entropy > most:
        low, above, high = high, below, 2.0 * high
    best = (replace(price, rate=high), below)
    for _ in range(_HALVINGS):
        if below.entropy > bits - _SPARE:
            break
        middle = math.sqrt(low * high) if low else 0.5 * high
        book = lloyd.settle(data, above, replace(price, rate=middle))
        if book.entropy > most:
            low, above = middle, book
            continue
        high, below = middle, book
        if book.objective(price) < best[1].objective(price):
            best = (replace(price, rate=middle), book)
    return best
