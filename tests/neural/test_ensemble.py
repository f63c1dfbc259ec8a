"""Codecs that are trained together are the codecs that are trained one by one."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import neural.classifiers
from neural import Config, Weights, convolutional, train_decoders, train_end_to_end, train_refinements, train_together
from neural.ensemble import Ensemble
from neural.group import Group
from neural.networks import build_classifier, build_decoder

TINY = Config(epochs=2, classifier_epochs=2, encoder_widths=(16,), decoder_widths=(16,), critic_widths=(16,))


def forget_classifiers():
    neural.classifiers._classifier.cache_clear()


@pytest.fixture(autouse=True)
def _double():
    """In single precision a feature within 1e-7 of a quantiser's threshold may fall on either side of it."""
    forget_classifiers()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
    forget_classifiers()


def numbers(run):
    return torch.cat([tensor.flatten().double() for tensor in run.codec.state_dict().values()])


def agree(together, alone):
    return all(
        torch.allclose(numbers(first), numbers(second), rtol=1e-9, atol=1e-9)
        and first.history == pytest.approx(second.history, rel=1e-9)
        and first.config == second.config
        for first, second in zip(together, alone, strict=True)
    )


def configs(**changes):
    return [
        replace(TINY, classification_weight=weight, seed=seed, **changes) for seed in (0, 1) for weight in (0.0, 0.02)
    ]


@pytest.mark.parametrize("changes", [{}, {"perception_weight": 0.01}, {"clipped": False, "drop_epoch": 1}])
def test_together_is_one_by_one(changes):
    each = configs(**changes)
    alone = [train_end_to_end(config) for config in each]
    assert agree(train_together(each), alone)
    assert not agree(alone, alone[::-1])


@pytest.mark.parametrize("perception", [0.0, 0.01])
def test_decoders_and_refinements_too(perception):
    runs = [train_end_to_end(config) for config in configs()[::2]]
    pairs = [(run, Weights(classification=weight, perception=perception)) for run in runs for weight in (0.0, 0.02)]
    assert agree(train_decoders(pairs), [train_decoders([pair])[0] for pair in pairs])
    assert agree(train_refinements(pairs, 1), [train_refinements([pair], 1)[0] for pair in pairs])


@pytest.mark.parametrize(
    ("build", "inputs"),
    [
        (lambda: convolutional.decoder(3, 784), (4, 3)),
        (lambda: convolutional.critic(784), (4, 784)),
        (lambda: convolutional.encoder(3072, 3), (4, 3072)),
        (lambda: convolutional.classifier(784, 10), (4, 784)),
    ],
)
def test_stacked_convolutions_are_the_convolutions(build, inputs):
    """Outputs, gradients and batch statistics, of three networks."""
    generator = torch.Generator().manual_seed(0)
    networks, x = [build() for _ in range(3)], torch.rand(3, *inputs, generator=generator)
    stacked = Ensemble(networks)
    together, alone = stacked(x), torch.stack([network(each) for network, each in zip(networks, x, strict=True)])
    assert torch.allclose(together, alone)
    for outputs in (together, alone):
        torch.autograd.backward(outputs.square().sum())
    for name, parameter in stacked.stacked.named_parameters():
        gradient = torch.stack([network.get_parameter(name).grad for network in networks])
        assert torch.allclose(parameter.grad, gradient, atol=1e-7)
    copies = [build() for _ in range(3)]
    stacked.copy_to(copies)
    for network, copy in zip(networks, copies, strict=True):
        for name, tensor in network.state_dict().items():
            assert torch.allclose(copy.state_dict()[name], tensor)


def test_convolutional_networks_are_for_images_of_known_shapes():
    config = Config(convolutional=True)
    latents, images = torch.rand(2, config.dimension), build_decoder(config, 784)(torch.rand(2, config.dimension))
    assert (images.shape, build_classifier(config, 784, 10)(images).shape) == ((2, 784), (2, 10))
    assert build_decoder(config, 3072)(latents).shape == (2, 3072)
    with pytest.raises(ValueError, match=r"images of 784 or 3072 pixels.*\(got 64\); use convolutional=False"):
        build_decoder(config, 64)


def test_an_ensemble_is_trained_and_frozen_as_one_network():
    stacked = Ensemble([nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)) for _ in range(3)])
    statistics = stacked.stacked[1].running_mean.clone()
    stacked.eval()(torch.rand(3, 5, 2))
    assert torch.equal(stacked.stacked[1].running_mean, statistics)
    stacked.train()(torch.rand(3, 5, 2))
    assert not torch.equal(stacked.stacked[1].running_mean, statistics)


def test_what_cannot_be_stacked_is_refused():
    with pytest.raises(ValueError, match="equal but for weights and seeds"):
        train_together([TINY, replace(TINY, levels=4)])
    with pytest.raises(ValueError, match="with a critic each or none"):
        train_together([TINY, replace(TINY, perception_weight=0.01)])
    with pytest.raises(ValueError, match="there is nothing to train"):
        Group([])


def test_bfloat16_trains_in_it_and_measures_in_single_precision():
    torch.set_default_dtype(torch.float32)
    together = train_together(configs(bf16=True, perception_weight=0.01))
    exact = train_together(configs(perception_weight=0.01))
    for first, second in zip(together, exact, strict=True):
        assert first.history != second.history
        assert first.history == pytest.approx(second.history, rel=0.1)
        assert {tensor.dtype for tensor in first.codec.state_dict().values()} == {torch.float32, torch.int64}
