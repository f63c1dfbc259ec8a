"""The critic estimates a distance between laws, on batches of its own, and moves the reconstructions' law."""

from dataclasses import replace

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

from neural import Config, Run, train_end_to_end
from neural.codec import Codec
from neural.fit import Opponent, fit
from neural.losses import Loss, penalised, wasserstein
from neural.perception import _distance, perceive, transport
from neural.streams import Stream


def generators(*seeds):
    return tuple(torch.Generator().manual_seed(seed) for seed in seeds)


def test_a_trained_critic_finds_the_distance_between_two_laws():
    """Two normal laws that differ by a shift of length 3 are 3 apart; the best slope g maximises 3g - 10(g - 1)²."""
    (noise,) = generators(0)
    shift = torch.tensor([1.0, 2.0, 2.0])
    first, second = (torch.randn(4000, 3, generator=noise) + move for move in (0 * shift, shift))
    critic = nn.Sequential(nn.Linear(3, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))

    def loss(index):
        places = torch.rand(len(index), 1, generator=noise)
        return penalised(critic, second[index], first[index.flip(0)], places, 10.0)

    fit(critic, loss, 4000, epochs=10, batch_size=100, learning_rate=5e-3, betas=(0.5, 0.9), order=noise)
    assert wasserstein(critic, second, first).item() == pytest.approx(3 * (1 + 3 / 20), rel=0.03)


def test_players_alternate_one_to_one_on_batches_of_their_own():
    first, second, calls = nn.Linear(1, 1), nn.Linear(1, 1), []

    def playing(name, module):
        def loss(index):
            calls.append((name, tuple(index.flatten().tolist())))
            return module(torch.ones(1, 1)).sum()

        return loss

    order, other = generators(0, 1)
    rival = Opponent(second, playing("critic", second), 1e-3, (other,))
    settings = {"epochs": 2, "batch_size": 8, "learning_rate": 0.1, "betas": (0.9, 0.999)}
    fit(first, playing("codec", first), 32, order=order, opponent=rival, **settings)
    assert [name for name, _ in calls] == ["critic", "codec"] * 8
    assert all(critic[1] != codec[1] for critic, codec in zip(calls[::2], calls[1::2], strict=True))
    for player in (calls[0:8:2], calls[1:8:2]):
        assert sorted(i for _, batch in player for i in batch) == list(range(32))


def test_the_opponents_step_is_of_constant_size_and_changes_the_opponent_alone():
    """Under a constant gradient a step of Adam is the learning rate."""
    first, second = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    starts = [module.weight.item() for module in (first, second)]
    order, other = generators(0, 1)
    rival = Opponent(second, lambda _: second.weight.sum() + 0 * first.weight.sum(), 1e-2, (other,))
    settings = {"epochs": 1, "batch_size": 8, "learning_rate": 0.1, "betas": (0.9, 0.999)}
    fit(first, lambda _: first.weight.sum() + 5 * second.weight.sum(), 32, order=order, opponent=rival, **settings)
    assert starts[0] - first.weight.item() == pytest.approx(0.1 * (4 + 1) / 2, rel=1e-4)
    assert starts[1] - second.weight.item() == pytest.approx(4 * 1e-2, rel=1e-4)


def test_the_learning_rate_drops_to_a_fifth():
    line = nn.Linear(1, 1, bias=False)
    start = line.weight.item()
    settings = {"epochs": 5, "batch_size": 8, "learning_rate": 0.1, "betas": (0.9, 0.999), "drop_epoch": 3}
    fit(line, lambda _: line.weight.sum(), 16, order=generators(0)[0], **settings)
    assert start - line.weight.item() == pytest.approx(0.1 * (6 + 4 / 5), rel=1e-4)


def test_a_weight_on_perception_needs_a_critic_and_asks_it():
    with pytest.raises(ValueError, match=r"perception_weight is 0.1, but no critic"):
        Loss(1.0, 0.0, nn.Identity(), 0.1)
    critic = nn.Linear(4, 1, bias=False)
    images, other = torch.rand(2, 3, 4)
    loss = Loss(1.0, 0.0, nn.Identity(), 0.1, critic)(images, other, torch.zeros(3))
    assert torch.allclose(loss, (images - other).square().mean() - 0.1 * critic(other).mean())


def test_perception_brings_the_variance_of_the_reconstructions_near_that_of_the_images():
    """Least squares averages and so shrinks the variance; a law that is the images' own has all of it."""
    base = Config(epochs=30, classifier_epochs=1, critic_learning_rate=2e-3)
    variance = []
    for weight in (0.0, 0.05):
        run = train_end_to_end(replace(base, perception_weight=weight))
        images = run.data.test.images
        dither = run.codec.quantizer.dither(len(images), Stream.MEASURE.generator(0))
        variance.append((run.codec(images, dither).var(0).sum() / images.var(0).sum()).item())
    assert variance[0] < 0.55 < 0.65 < variance[1]


def test_transport_between_samples_is_the_best_matching():
    """Against the linear assignment problem, and for a shift, which is the length of the shift."""
    generator = generators(0)[0]
    first, second = torch.rand(2, 40, 5, generator=generator)
    costs = torch.cdist(first.double(), second.double()).numpy()
    assert transport(first, second) == pytest.approx(costs[linear_sum_assignment(costs)].mean())
    assert transport(first, first + torch.tensor([3.0, 0, 4, 0, 0])) == pytest.approx(5, rel=1e-6)
    assert transport(first, first.flip(0)) == pytest.approx(0, abs=1e-6)


def test_a_judges_distance_does_not_depend_on_the_size_of_its_scores():
    images, other = torch.rand(2, 50, 4)
    critic = nn.Linear(4, 1, bias=False)
    found = []
    for size in (1.0, 7.0):
        critic.weight.data = size * torch.tensor([[0.6, 0.8, 0.0, 0.0]])
        found.append(_distance(critic, images, other))
    shift = (images - other).mean(0)
    assert found == pytest.approx([(0.6 * shift[0] + 0.8 * shift[1]).item()] * 2, abs=1e-5)


def test_perception_lies_between_the_judge_below_and_the_transport_above(run):
    found = perceive(run, draws=3, steps=200)
    assert 0 < found.critic < found.transport
    assert found == perceive(run, draws=3, steps=200)
    with pytest.raises(ValueError, match=r"draws must be >= 2 \(got 1\)"):
        perceive(run, draws=1)


def test_a_codec_that_hands_over_its_images_is_at_the_floor(run):
    """Then reconstructions are images, and only the finite sample keeps the laws apart."""

    class Everything:
        def dither(self, count, _):
            return torch.zeros(count, 1)

        def __call__(self, features, _):
            return features

    identity = Codec(nn.Identity(), Everything(), nn.Identity())
    found = perceive(Run(run.config, identity, run.classifier, (), 0.0), draws=4, steps=50)
    assert found.critic == pytest.approx(0, abs=1e-6)
    assert found.transport == pytest.approx(found.transport_floor, rel=0.02)
