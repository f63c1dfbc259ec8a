"""Planted bugs: each check of the bracket must turn red when the library is wrong in the way it watches for."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from brackets import assert_honest, solved, truth
from measure import assert_meets
from problems import ROWS, Row, named

import rdcfunc as rdc
from rdcfunc import certificate, distortions, perceptions, repairs, sources
from rdcfunc import conclusion as concluding
from rdcfunc import program as core
from rdcfunc.structure.toeplitz import Toeplitz

RD = named("binary R(D), p=0.3, D=0.1")
RDP = named("binary R(D, P), p=0.3, D=0.1, P=0.02")
KL = next(row for row in ROWS if row.name.startswith("random 2, KL"))
BOUND = named("binary R(D, C), b=0.5, e=0.05, D=0.4, C=0.5, tagged")
FIXED = named("fixed alphabet, C=0.40205")
TAGGED = named("binary R(D, C), b=0.4, e=0.1, D=0.1, C=0.9, tagged")


def check(row: Row) -> None:
    """Make the claims that every row is held to, of a fresh answer and of channels too sharp and too blurred."""
    target = row.target
    levels = {"D": target.D, "P": target.P, "C": target.C}
    good = solved(row)  # from before the bug was planted
    assert isinstance(good.prices, rdc.Prices)
    sharp, blurred = (0.9 * good.channel + 0.1 * other for other in (np.eye(*row.problem.shape), good.output))
    for answer in (
        rdc.rate(row.problem, **levels, tol=row.tol),
        rdc.certify(row.problem, sharp, good.prices, **levels),
        rdc.certify(row.problem, blurred, **levels),
    ):
        assert_honest(answer, truth(row), row.accuracy)
        assert_meets(row.problem, answer, target)


def flip_the_sign_of_a_level(patch: pytest.MonkeyPatch) -> None:
    right = certificate.lower_bound

    def wrong(program: Any, candidate: Any) -> float:
        flipped = tuple(replace(c, level=-c.level) for c in program.linear)
        return right(replace(program, linear=flipped), candidate)

    patch.setattr(certificate, "lower_bound", wrong)


def drop_the_support(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(perceptions.TotalVariation, "support", lambda self, g, p, t: 0.0)


def forget_the_repair(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(repairs, "repaired", lambda program, channel, dual: [channel])


def report_nats(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(concluding, "NATS_PER_BIT", 1.0)


def forget_the_best_column(patch: pytest.MonkeyPatch) -> None:
    right = certificate._most_earned
    patch.setattr(certificate, "_most_earned", lambda exponent: (right(exponent)[0] - 0.05, 0.0))


def forget_what_tags_earn(patch: pytest.MonkeyPatch) -> None:
    right = certificate.tagged.log_earnings
    patch.setattr(certificate.tagged, "log_earnings", lambda *args, **options: right(*args, **options) - 0.05)


def pay_too_little_for_a_place_in_a_cell(patch: pytest.MonkeyPatch) -> None:
    right = certificate.regions.paid
    patch.setattr(certificate.regions, "paid", lambda labels, walls, cells: right(labels, walls, cells) - 0.1)


def answer_with_another_channel(patch: pytest.MonkeyPatch) -> None:
    right = certificate.bracket

    def wrong(program: Any, candidate: Any, enough: float) -> Any:
        found = right(program, candidate, enough)
        return replace(found, channel=found.channel[::-1])

    patch.setattr(concluding, "bracket", wrong)


def pay_instead_of_charging(patch: pytest.MonkeyPatch) -> None:
    right = certificate._level_terms
    patch.setattr(certificate, "_level_terms", lambda *args: [-term for term in right(*args)])


def drop_every_constraint(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(repairs, "excess", lambda *args: 0.0)


def count_half_of_the_information(patch: pytest.MonkeyPatch) -> None:
    right = core.mutual_information
    patch.setattr(core, "mutual_information", lambda *args: right(*args) / 2)


def count_information_to_another_base(patch: pytest.MonkeyPatch) -> None:
    right = core.mutual_information
    patch.setattr(core, "mutual_information", lambda *args: right(*args) / np.log(2))


def believe_a_classifier_that_is_too_sure(patch: pytest.MonkeyPatch) -> None:
    right = core.conditional_entropy
    patch.setattr(core, "conditional_entropy", lambda joint: 0.5 * right(joint))


def take_levels_of_divergence_in_nats(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(perceptions.KL, "unit", 1.0)


def exchange_the_laws(patch: pytest.MonkeyPatch) -> None:
    right = perceptions.KL.value
    patch.setattr(perceptions.KL, "value", lambda self, p, q: right(self, q, p))


def forget_all_regions_but_one(patch: pytest.MonkeyPatch) -> None:
    right = certificate.regions.leaves
    patch.setattr(certificate.regions, "leaves", lambda *args: [*right(*args)][-1:])


CONTROLS: list[tuple[Callable[[pytest.MonkeyPatch], None], Row, str]] = [
    (flip_the_sign_of_a_level, RD, r"lower .* > truth|bounds cross"),
    (drop_the_support, RDP, r"lower .* > truth|bounds cross"),
    (forget_the_repair, RD, r"upper .* < truth|D = .* exceeds"),
    (forget_the_repair, RDP, r"upper .* < truth|[DP] = .* exceeds"),
    (report_nats, RD, r"upper .* < truth|lower .* > truth|bounds cross"),
    (report_nats, TAGGED, r"upper .* < truth|lower .* > truth|bounds cross"),
    (forget_the_best_column, RD, r"lower .* > truth|bounds cross"),
    (forget_what_tags_earn, TAGGED, r"lower .* > truth|bounds cross"),
    (pay_too_little_for_a_place_in_a_cell, FIXED, r"lower .* > truth|bounds cross"),
    (answer_with_another_channel, RD, r"D = .* exceeds"),
    (pay_instead_of_charging, RD, r"lower .* > truth|bounds cross"),
    (pay_instead_of_charging, RDP, r"lower .* > truth|bounds cross"),
    (drop_every_constraint, RDP, r"upper .* < truth|[DP] = .* exceeds"),
    (count_half_of_the_information, RD, r"upper .* < truth|bounds cross"),
    (count_information_to_another_base, RD, r"^$|bounds cross"),
    (believe_a_classifier_that_is_too_sure, BOUND, r"C = .* exceeds|bounds cross|upper .* < truth"),
    (take_levels_of_divergence_in_nats, KL, r"P = .* exceeds|upper .* < truth"),
    (exchange_the_laws, KL, r"P = .* exceeds|P: stated|upper .* < truth"),
    (forget_all_regions_but_one, FIXED, r"lower .* > truth|bounds cross"),
]


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.mark.filterwarnings("ignore::rdcfunc.WideBracketWarning")
@pytest.mark.parametrize(
    ("plant", "row", "message"), CONTROLS, ids=[f"{plant.__name__}: {row.name}" for plant, row, _ in CONTROLS]
)
def test_planted_bug_turns_the_check_red(
    plant: Callable[[pytest.MonkeyPatch], None], row: Row, message: str, patch: pytest.MonkeyPatch
) -> None:
    check(row)
    plant(patch)
    with pytest.raises((AssertionError, ArithmeticError), match=message):
        check(row)


def test_a_transform_that_forgets_its_own_error_is_caught(patch: pytest.MonkeyPatch) -> None:
    """The products of the fast Fourier transform err, most where the kernel has a long tail."""
    from test_kernels import test_products_err_by_no_more_than_they_say as watch

    watch(97, 30.0, np.float64)
    patch.setattr(Toeplitz, "error", lambda self, u, power=0: 1e-18)
    with pytest.raises(AssertionError):
        watch(97, 30.0, np.float64)


def test_a_repair_through_forbidden_pairs_is_caught(patch: pytest.MonkeyPatch) -> None:
    """Moving letters until the output law fits may lead onto pairs that cost infinity."""
    x = np.arange(6.0)
    d = (x[:, None] - x) ** 2
    d[[0, 1, 2, 2, 3, 3], [2, 0, 4, 5, 1, 2]] = np.inf
    p = np.array([0.16, 0.18, 0.13, 0.18, 0.11, 0.24])
    problem = rdc.Problem(sources.Discrete(p), distortions.matrix(d), perceptions.TotalVariation())
    blurred = np.where(np.isinf(d), 0.0, np.exp(-0.2 * np.where(np.isinf(d), 0.0, d)))
    blurred /= blurred.sum(axis=1, keepdims=True)

    def uses_forbidden() -> bool:
        answer = rdc.certify(problem, blurred, D=1.9, P=0.02, tol=10.0)
        return bool(answer.channel[np.isinf(d)].any())

    assert not uses_forbidden()
    patch.setattr(repairs, "_uses_forbidden", lambda program, channel: False)
    assert uses_forbidden()
