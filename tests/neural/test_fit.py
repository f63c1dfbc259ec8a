"""The training loop: what it minimises, in which order, and what it leaves alone."""

import math

import pytest
import torch
from torch import nn

from neural.fit import fit


def run_fit(module, loss, count, **changes):
    settings = {"epochs": 30, "batch_size": 16, "learning_rate": 0.1, "betas": (0.9, 0.999)}
    return fit(module, loss, count, order=torch.Generator().manual_seed(0), **{**settings, **changes})


def test_it_finds_the_least_squares_solution():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 3, generator=generator)
    y = x @ torch.tensor([1.0, -2.0, 3.0]) + 0.1 * torch.randn(64, generator=generator)
    line = nn.Linear(3, 1, bias=False)
    history = run_fit(line, lambda i: (line(x[i])[:, 0] - y[i]).square().mean(), 64, epochs=200)
    solution = torch.linalg.lstsq(x, y).solution
    assert torch.allclose(line.weight[0], solution, atol=1e-2)
    assert history[-1] == pytest.approx((x @ solution - y).square().mean().item(), rel=1e-2)


def test_an_epoch_is_a_permutation_cut_into_equal_batches():
    weight, batches = nn.Linear(1, 1), []

    def loss(index):
        batches.append(index.tolist())
        return weight.bias.square().sum()

    run_fit(weight, loss, 50, epochs=3)
    assert [len(batch) for batch in batches] == [16] * 9
    epochs = [[i for batch in batches[k : k + 3] for i in batch] for k in (0, 3, 6)]
    assert all(len(set(epoch)) == 48 and set(epoch) <= set(range(50)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_fewer_examples_than_a_batch_are_one_batch():
    weight, batches = nn.Linear(1, 1), []

    def loss(index):
        batches.append(sorted(index.tolist()))
        return weight.bias.square().sum()

    run_fit(weight, loss, 5, epochs=2)
    assert batches == [[0, 1, 2, 3, 4]] * 2


def test_the_history_is_the_mean_loss_of_each_epoch():
    weight = nn.Linear(1, 1, bias=False)
    values = torch.arange(32.0)
    history = run_fit(weight, lambda i: values[i].mean() + 0 * weight.weight.sum(), 32, epochs=4)
    assert history == pytest.approx([15.5] * 4)


def test_the_learning_rate_falls_to_zero_along_a_cosine():
    """Under a constant gradient a step of Adam is the learning rate; n of them sum to (n + 1)/2 times it."""
    line = nn.Linear(1, 1, bias=False)
    start = line.weight.item()
    run_fit(line, lambda _: line.weight.sum(), 32, epochs=10)
    assert start - line.weight.item() == pytest.approx(0.1 * (20 + 1) / 2, rel=1e-4)


def test_a_module_is_trained_in_train_mode_and_then_frozen():
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).eval()
    modes = set()

    def loss(index):
        modes.add(module[1].training)
        return module(torch.ones(len(index), 2)).sum()

    run_fit(module, loss, 32, epochs=1)
    assert modes == {True}
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_training_and_says_when(value):
    weight = nn.Linear(1, 1)
    calls = []

    def loss(index):
        calls.append(index)
        return weight.bias.sum() * (value if len(calls) > 4 else 1.0)

    with pytest.raises(FloatingPointError, match=r"in epoch 3; lower learning_rate \(now 0.1\)"):
        run_fit(weight, loss, 32)
