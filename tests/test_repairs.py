"""Repairs, one by one: what each makes of a channel is a channel with the property it is made for."""

from math import inf

import numpy as np
import pytest

from rdcfunc import certificate, perceptions, repairs
from rdcfunc.program import Axis, Linear, Output, Program

P = np.array([0.1, 0.2, 0.3, 0.4])
COST = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
LETTERS = np.arange(4)[:, None]
BLURRED = np.exp(-COST) / np.exp(-COST).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("share", [0.9, 0.25, 1e-3])
@pytest.mark.parametrize("clones", [1, 2])
def test_letters_are_moved_until_the_output_law_is_at_its_level(share: float, clones: int) -> None:
    """Total variation falls in proportion to what is moved, so that the level is met and nothing is given away."""
    channel = np.tile([0.7, 0.1, 0.1, 0.1], (4, 1))
    away = 0.5 * np.abs(channel[0] - P).sum()
    output = Output(0, perceptions.TotalVariation(), share * away, P)
    program = Program(P, np.repeat(LETTERS, clones, axis=0), 4, outputs=(output,))
    split = np.repeat(channel, clones, axis=1) * np.tile([1.0, 0.3, 0.7][1:] if clones > 1 else [1.0], 4)
    moved = repairs._move_outputs(program, split)
    np.testing.assert_allclose(moved.sum(axis=1), 1.0, atol=1e-15)
    assert output.level * (1 - 1e-6) < program.value(output, moved) <= output.level


@pytest.mark.parametrize("away", [0.0, 4e-15, 1e-6])
def test_the_law_of_the_source_is_known_up_to_rounding_and_no_further(away: float) -> None:
    channel = np.eye(4)
    channel[0, :2] = [1 - away, away]
    output = Output(0, perceptions.KL(), 0.0, P)
    assert repairs._told_apart_by_rounding(Program(P, LETTERS, 4, outputs=(output,)), output, channel) == (away < 1e-9)


def test_a_channel_that_meets_its_levels_is_all_but_kept_whatever_the_anchor() -> None:
    program = Program(P, LETTERS, 4, (Linear(Axis.D, 0, COST, 0.5),))
    found = repairs._mixture(program, np.eye(4), np.eye(4)[::-1], 0.0)
    assert found is not None
    np.testing.assert_allclose(found, np.eye(4), atol=1e-14)


def test_between_two_channels_that_miss_a_cost_there_is_none_that_meets_it() -> None:
    program = Program(P, LETTERS, 4, (Linear(Axis.D, 0, COST, 0.1),))
    assert repairs._mixture(program, np.eye(4)[::-1], np.eye(4)[[1, 0, 3, 2]], 0.0) is None


def test_rows_that_lose_all_are_spread_over_the_pairs_allowed() -> None:
    barred = np.array([[0, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]], dtype=bool)
    program = Program(P, LETTERS, 4, forbidden=barred)
    found = repairs.allowed(program, np.eye(4)[[1, 0, 2, 3]], np.arange(4))
    expected = [[0.5, 0, 0, 0.5], [0, 1 / 3, 1 / 3, 1 / 3], [0.25] * 4, [0, 0, 0, 1]]
    np.testing.assert_allclose(found, expected, atol=1e-15)


@pytest.mark.parametrize("spare", [1.05, 1.5, 4.0])
def test_room_is_found_in_the_rate_and_in_the_levels_priced(spare: float) -> None:
    """A cost that is minimised under a rate and a level of another, both of which a known channel meets with room."""
    other = COST[::-1].T + np.eye(4)
    law = P @ BLURRED
    known = repairs.rows(law * np.exp(-2.0 * other))
    program = Program(P, LETTERS, 4, (Linear(Axis.D, 0, COST, inf), Linear(Axis.C, 0, other, 1.0)))
    level, rate = spare * program.value(program.linear[1], known), spare * program.information(known)
    limits = (program.linear[0], Linear(Axis.C, 0, other, level))
    program = Program(P, LETTERS, 4, limits, rate=rate)
    found = repairs._with_room(program, BLURRED, certificate.Dual(np.array([1.0, 2.0])))
    assert found is not None
    assert program.information(found) < rate
    assert program.value(limits[1], found) < level
    least = float(P @ other.min(axis=1))
    tight = Program(P, LETTERS, 4, (limits[0], Linear(Axis.C, 0, other, 1.01 * least)), rate=1e-6)
    assert repairs._with_room(tight, BLURRED, certificate.Dual(np.array([1.0, 2.0]))) is None
