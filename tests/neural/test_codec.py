"""A codec is its encoder, a message and its decoder; the networks have the stated ranges."""

import pytest
import torch
from torch import nn

from neural import Config, models
from neural.codec import build_codec
from neural.losses import Loss, cross_entropy, distortion
from neural.streams import Stream


@pytest.fixture
def images():
    return torch.rand(300, 64, generator=torch.Generator().manual_seed(0))


def test_forward_is_decode_after_encode_to_the_last_bit(run, images):
    dither = run.codec.quantizer.dither(len(images), torch.Generator().manual_seed(0))
    message = run.codec.encode(images, dither)
    assert message.dtype == torch.int64
    assert torch.equal(run.codec.decode(message, dither), run.codec(images, dither))


def test_under_a_shared_dither_there_are_no_more_reconstructions_than_messages(run, images):
    dither = run.codec.quantizer.dither(1, torch.Generator().manual_seed(0))
    messages, reconstructions = run.codec.encode(images, dither), run.codec(images, dither)
    assert 1 < len(reconstructions.unique(dim=0)) == len(messages.unique()) <= run.codec.quantizer.messages


def test_weights_depend_on_the_seed_alone():
    before = torch.get_rng_state()
    first, again, other = (build_codec(Config(seed=seed), pixels=64) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    weights = [nn.utils.parameters_to_vector(codec.parameters()) for codec in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_streams_differ_by_name_and_by_seed():
    seeds = {stream.of(seed) for stream in Stream for seed in range(100)}
    assert len(seeds) == 100 * len(Stream)


def test_features_stay_in_the_range_of_the_quantiser(images):
    features = models.encoder(64, (16,), 3)(1e6 * images)
    assert features.abs().max() <= 1
    assert features.std() > 0.3  # normalised, they use that range


def test_reconstructions_are_images():
    reconstructions = models.decoder(3, (16,), 64)(100 * torch.randn(50, 3))
    assert reconstructions.shape == (50, 64)
    assert reconstructions.min() >= 0
    assert reconstructions.max() <= 1


def test_a_network_without_hidden_layers_is_one_linear_map():
    assert [type(layer) for layer in models.encoder(64, (), 3)] == [nn.Linear, nn.BatchNorm1d, nn.Tanh]
    assert [type(layer) for layer in models.decoder(3, (), 64)] == [nn.Linear, nn.Sigmoid]
    assert [type(layer) for layer in models.classifier(64, (), 10)] == [nn.Linear]


def test_a_frozen_network_is_a_fixed_function(images):
    encoder = models.encoder(64, (16,), 3)
    encoder(images)
    models.freeze(encoder)
    first = encoder(images)
    encoder(images[:7])
    assert torch.equal(encoder(images), first)
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_the_loss_weighs_squared_error_a_pixel_and_nats(images):
    classifier, labels, other = nn.Linear(64, 10), torch.arange(300) % 10, images.flip(0)
    mse = ((images - other) ** 2).sum() / (300 * 64)
    nats = -classifier(other).softmax(1)[range(300), labels].log().mean()
    assert torch.allclose(distortion(images, other), mse)
    assert torch.allclose(cross_entropy(classifier(other), labels), nats)
    assert torch.allclose(Loss(2.0, 0.5, classifier)(images, other, labels), 2 * mse + 0.5 * nats)


def test_without_a_weight_the_classifier_is_not_asked(images):
    class Refusing(nn.Module):
        def forward(self, _):
            raise AssertionError

    assert Loss(1.0, 0.0, Refusing())(images, images, torch.zeros(300)) == 0
    with pytest.raises(AssertionError):
        Loss(1.0, 0.1, Refusing())(images, images, torch.zeros(300))
