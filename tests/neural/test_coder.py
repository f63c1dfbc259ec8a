"""What is written can be read, and is as long as the entropy says."""

import math
from collections import Counter

import pytest
import torch

from neural.coder import Law
from neural.quantizer import Quantizer


def entropy(values):
    counts = Counter(values).values()
    return -sum(count / sum(counts) * math.log2(count / sum(counts)) for count in counts)


def messages(quantizer, seed, count=60_000):
    """Messages of features that are far from uniform, under one dither."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(count, quantizer.dimension, generator=generator) * torch.tensor([0.7, 0.3, 0.5])
    features = features.clamp(-1, 1) if quantizer.clipped else 2 * features
    return quantizer.codes(features, quantizer.dither(1, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("quantizer", [Quantizer(3, 3), Quantizer(3, 5), Quantizer(3, 3, clipped=False)])
def test_bits_written_are_the_entropy_of_the_messages_given_the_dither(quantizer):
    known, sent = messages(quantizer, 1), messages(quantizer, 2, 20_000)
    law = Law.of(known)
    content = law.write(sent)
    assert torch.equal(law.read(content, len(sent)), sent)
    bits = entropy(sent.tolist()) * len(sent)
    assert bits <= 8 * len(content) <= 1.01 * bits + 8 * 16


def test_a_wrong_law_costs_what_the_divergence_says():
    quantizer = Quantizer(3, 3)
    sent = messages(quantizer, 2, 20_000)
    uniform = Law(torch.arange(27), torch.full((27,), 10**6))
    content = uniform.write(sent)
    assert torch.equal(uniform.read(content, len(sent)), sent)
    assert 8 * len(content) / len(sent) == pytest.approx(math.log2(27), rel=1e-3)
    assert 8 * len(content) > 1.1 * entropy(sent.tolist()) * len(sent)


def test_messages_never_seen_before_are_written_too():
    law = Law.of(torch.tensor([1, 1, 2]))
    sent = torch.tensor([2**62, 1, 0, 1, 2, 77])
    assert torch.equal(law.read(law.write(sent), 6), sent)
    assert torch.equal(law.places(sent), torch.tensor([2, 0, 2, 0, 1, 2]))
    assert len(law.read(law.write(sent[:0]), 0)) == 0
