"""Subtractive dither makes the error uniform and independent of the input (Schuchman)."""

import math

import pytest
import torch

from neural.quantizer import Quantizer

LEVELS = [2, 3, 4, 5, 8]
COUNT = 40_000


def features_and_dither(quantizer, count=COUNT):
    generator = torch.Generator().manual_seed(1)
    # Squared, so that the features are far from uniform themselves.
    features = torch.rand(count, quantizer.dimension, generator=generator).square() * 2 - 1
    return features, quantizer.dither(count, generator)


def is_uniform_and_independent(errors, features, step):
    """Compare the law of the errors, in each of 16 slices of the features, with U(-step/2, step/2).

    Kolmogorov's distance of n uniform errors exceeds 2.4/sqrt(n) with probability 2e-5.
    """
    for errors_of_latent, features_of_latent in zip(errors.T, features.T, strict=True):
        for slice_ in errors_of_latent[features_of_latent.argsort()].chunk(16):
            uniform = (slice_ / step + 0.5).sort().values
            steps = torch.arange(len(uniform) + 1) / len(uniform)
            distance = torch.maximum((uniform - steps[:-1]).abs(), (uniform - steps[1:]).abs()).max()
            if distance > 2.4 / math.sqrt(len(uniform)):
                return False
    return True


@pytest.mark.parametrize("levels", LEVELS)
def test_the_error_is_uniform_and_independent_of_the_input(levels):
    quantizer = Quantizer(2, levels)
    features, dither = features_and_dither(quantizer)
    assert is_uniform_and_independent(quantizer(features, dither) - features, features, quantizer.step)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(lambda q, f, u: q(f, u) + q.step / 2, id="half a step off"),
        pytest.param(lambda q, f, u: q(f, u) + q.step / 10, id="a tenth of a step off"),
        pytest.param(lambda q, f, u: q(f, u) + u, id="dither not subtracted"),
        pytest.param(lambda q, f, u: q(f, torch.zeros_like(u)), id="no dither"),
        pytest.param(lambda q, f, u: q(f, 0.9 * u), id="dither too narrow"),
    ],
)
def test_the_check_sees_a_wrong_quantiser(levels, plant):
    quantizer = Quantizer(2, levels)
    features, dither = features_and_dither(quantizer)
    assert not is_uniform_and_independent(plant(quantizer, features, dither) - features, features, quantizer.step)


@pytest.mark.parametrize("levels", [2, 3, 5, 9])
def test_the_error_is_at_most_half_a_step_exactly(levels):
    """Multiples of 1/64 are exact in floating point, as are these steps, and they reach every corner."""
    quantizer = Quantizer(1, levels)
    sixty_fourths = torch.arange(-64, 65) / 64
    dithers = sixty_fourths[sixty_fourths.abs() <= quantizer.step / 2]
    features, dither = (grid.reshape(-1, 1) for grid in torch.meshgrid(sixty_fourths, dithers, indexing="ij"))
    errors = (quantizer(features, dither) - features).abs()
    assert errors.max() == quantizer.step / 2


@pytest.mark.parametrize("levels", range(2, 10))
def test_no_sum_of_feature_and_dither_overloads(levels):
    quantizer = Quantizer(1, levels)
    extreme = torch.tensor([[-1.0], [1.0]]).repeat_interleave(2, 0)
    dither = torch.tensor([[-1.0], [1.0]]).repeat(2, 1) * quantizer.step / 2
    codes = quantizer.codes(extreme, dither)
    assert codes.min() >= 0
    assert codes.max() < levels
    assert (quantizer(extreme, dither) - extreme).abs().max() <= quantizer.step / 2 + 1e-6


@pytest.mark.parametrize("levels", LEVELS)
def test_dithers_fill_one_step(levels):
    quantizer = Quantizer(2, levels)
    dither = quantizer.dither(COUNT, torch.Generator().manual_seed(0))
    assert dither.shape == (COUNT, 2)
    assert dither.abs().max() <= quantizer.step / 2
    assert is_uniform_and_independent(dither, dither.flip(1), quantizer.step)


def test_the_gradient_is_the_identity():
    quantizer = Quantizer(3, 4)
    features, dither = features_and_dither(quantizer, 100)
    features.requires_grad_()
    weights = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad((weights * quantizer(features, dither)).sum(), features)
    assert torch.equal(gradient, weights)


@pytest.mark.parametrize(("dimension", "levels"), [(1, 2), (3, 3), (2, 5), (20, 8)])
def test_the_message_and_the_dither_are_all_that_the_receiver_needs(dimension, levels):
    quantizer = Quantizer(dimension, levels)
    features, dither = features_and_dither(quantizer, 500)
    codes = quantizer.codes(features, dither)
    assert torch.equal(quantizer.receive(codes, dither), quantizer(features, dither))


@pytest.mark.parametrize(("dimension", "levels"), [(1, 2), (3, 3), (2, 5)])
def test_messages_number_the_centres_one_to_one(dimension, levels):
    quantizer = Quantizer(dimension, levels)
    messages = torch.arange(quantizer.messages)
    centres = quantizer.receive(messages, torch.zeros(1, dimension))
    assert len(centres.unique(dim=0)) == quantizer.messages == levels**dimension
    assert torch.equal(quantizer.codes(centres, torch.zeros(1, dimension)), messages)
    assert torch.equal(centres[0], -torch.ones(dimension))
    assert torch.equal(centres[-1], torch.ones(dimension))


@pytest.mark.parametrize("levels", LEVELS)
def test_without_clipping_the_error_is_uniform_for_features_of_any_size(levels):
    quantizer = Quantizer(2, levels, clipped=False)
    features, dither = features_and_dither(quantizer)
    features = 5 * features
    assert is_uniform_and_independent(quantizer(features, dither) - features, features, quantizer.step)
    assert not quantizer.overload(features, dither).any()
    codes = quantizer.codes(features, dither)
    assert torch.equal(quantizer.receive(codes, dither), quantizer(features, dither))
    clipped = Quantizer(2, levels)
    assert not is_uniform_and_independent(clipped(features, dither) - features, features, quantizer.step)


@pytest.mark.parametrize("levels", LEVELS)
def test_overload_is_what_the_centres_do_not_reach(levels):
    quantizer = Quantizer(2, levels)
    features, dither = features_and_dither(quantizer)
    assert not quantizer.overload(features, dither).any()
    beyond = (2 * features + dither).abs() - 1 - quantizer.step / 2
    clear = beyond.abs() > 1e-4
    assert torch.equal(quantizer.overload(2 * features, dither)[clear], beyond[clear] > 0)


def test_the_two_quantisers_agree_where_there_is_nothing_to_clip():
    quantizer, other = Quantizer(2, 3, clipped=False), Quantizer(2, 3)
    features, dither = features_and_dither(quantizer)
    assert torch.equal(quantizer(features, dither), other(features, dither))
