"""Products with a kernel are those with its table, and err by no more than they say."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from rdcfunc import distortions
from rdcfunc.structure.exponential import Exponential
from rdcfunc.structure.kernel import Kernel
from rdcfunc.structure.smooth import Smooth
from rdcfunc.structure.toeplitz import Toeplitz, Transforms
from rdcfunc.structure.windows import Windows


def exactly(lags: np.ndarray, s: float, u: np.ndarray, power: int, row: int) -> Decimal:
    """One component of ``(K ∘ d^power) u`` to forty digits."""
    n = u.size
    costs = [Decimal(float(lags[n - 1 + row - j])) for j in range(n)]
    terms = (
        (-Decimal(s) * c).exp() * (c**power if power else 1) * Decimal(float(x)) for c, x in zip(costs, u, strict=True)
    )
    return sum(terms, Decimal(0))


@pytest.mark.parametrize("kind", [np.float64, np.longdouble])
@pytest.mark.parametrize(("n", "s"), [(40, 1.0), (97, 0.05), (97, 30.0), (97, 3000.0), (512, 0.05), (512, 30.0)])
def test_products_err_by_no_more_than_they_say(n: int, s: float, kind: type) -> None:
    rng = np.random.default_rng(n)
    lags = (np.linspace(-10, 10, 2 * n - 1) ** 2) * rng.uniform(0.5, 1.5, 2 * n - 1)
    lags[n - 1] = 0.0
    u = rng.random(n) ** 8
    kernel = Toeplitz(lags, s, kind)
    with localcontext() as context:
        context.prec = 40
        for power in (0, 1, 2):
            product, adjoint = kernel.times(u, power)[0], kernel.transposed(u, power)[0]
            for row in range(0, n, n // 5):
                for got, turned in ((product, lags), (adjoint, lags[::-1])):
                    error = abs(Decimal(float(got[row])) - exactly(turned, s, u, power, row))
                    assert error <= Decimal(kernel.error(u, power))


ROWS = np.flatnonzero(np.random.default_rng(1).random(150) < 0.8)
LINE = np.linspace(0, 150 * 0.05, 150)


@pytest.mark.parametrize(
    ("make", "power", "accuracy"),
    [
        (lambda d: Windows(d.lags, ROWS, np.arange(0, 150, 3), 3.0), 2, 1e-12),
        (lambda d: Transforms(d.lags, ROWS, np.arange(0, 150, 3), 3.0), 2, 1e-13),
        (lambda d: Exponential(d.unit, 150, ROWS, 3.0), 1, 1e-13),
        (lambda d: Smooth(d.unit, 150, ROWS, 3.0), 2, 1e-8),
    ],
    ids=["Windows", "Transforms", "Exponential", "Smooth"],
)
def test_kernels_are_their_tables(make: object, power: int, accuracy: float) -> None:
    d = (distortions.absolute_error, distortions.squared_error)[power - 1](LINE)
    kernel: Kernel = make(d)
    costs = d.lags[149 + ROWS[:, None] - kernel.letters]
    rng = np.random.default_rng(2)
    q, y, ratio = (
        rng.random(len(kernel.letters)),
        rng.random(len(ROWS)),
        10.0 ** rng.uniform(-6, 3, len(kernel.letters)),
    )
    for s in (3.0, 2.0, 14.0):
        kernel = kernel.at(s)
        table = np.exp(-s * costs)
        for k in (0, 1, 2):
            np.testing.assert_allclose(kernel.times(q, k)[0], (table * costs**k) @ q, rtol=accuracy)
            np.testing.assert_allclose(kernel.transposed(y, k)[0], (table * costs**k).T @ y, rtol=accuracy)
        if not isinstance(kernel, Transforms):
            x = kernel.factor(y, ratio)(q)
            np.testing.assert_allclose(table.T @ (y * (table @ x)) + ratio * x, q, atol=1e-4)
        if not isinstance(kernel, Smooth):
            fine = np.exp(-np.longdouble(s) * costs) * q
            for k, bound in enumerate(kernel.accuracy(q)):
                assert (np.abs(kernel.times(q, k)[0] - (fine * costs**k).sum(axis=1)) <= bound).all()
