"""The theorems that every measurement obeys, and the slow twin that it equals."""

import json
import math
from collections import Counter
from statistics import fmean, stdev

import pytest
import torch
from torch import nn

from neural import Config, evaluate, train_end_to_end, train_universal
from neural.classifiers import pretrained_judge
from neural.coder import Law
from neural.evaluate import _entropies, _means, _read
from neural.streams import Stream

TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def runs(run):
    return run, *train_universal(run, [0.0, 0.05])


@pytest.fixture(scope="module")
def measured(runs):
    return [evaluate(each, dithers=8) for each in runs]


def entropy(values):
    counts = Counter(values).values()
    return -sum(count / sum(counts) * math.log2(count / sum(counts)) for count in counts)


def test_no_reader_of_the_reconstruction_beats_the_floor(measured):
    for each in measured:
        assert each.floor <= each.target.C + TOLERANCE
        assert each.floor <= each.judge_cross_entropy + TOLERANCE
        assert each.floor <= each.refitted + TOLERANCE


def test_no_coder_writes_less_than_the_entropy(measured):
    for each in measured:
        assert each.rate - TOLERANCE <= each.written <= 1.05 * each.rate + 8 * 16 / 596


def test_bounded_features_are_never_clipped(measured):
    assert {each.overload for each in measured} == {0}


def test_without_clipping_the_rate_is_what_is_written():
    measured = evaluate(train_end_to_end(Config(epochs=4, classifier_epochs=1, clipped=False, levels=2)), dithers=4)
    assert measured.overload == 0
    assert math.isinf(measured.nominal_rate)
    assert measured.to_dict()["nominal_rate"] is None
    assert 2 < measured.rate <= measured.written


@pytest.mark.parametrize("scale", [0.0, 1.0, 10.0])
def test_nor_does_a_random_reader(run, scale):
    class Random(nn.Module):
        def forward(self, images):
            generator = torch.Generator().manual_seed(0)
            return scale * images @ torch.randn(64, 10, generator=generator)

    each = evaluate(run, dithers=2, judge=Random())
    assert each.floor <= each.judge_cross_entropy + TOLERANCE


def test_the_rate_is_at_most_the_nominal_rate(measured):
    for each in measured:
        assert 0 < each.rate <= each.nominal_rate + TOLERANCE
        assert each.nominal_rate == pytest.approx(3 * math.log2(3))


def test_data_processing_messages_tell_of_the_label_at_most_what_they_tell_of_the_image(runs, measured):
    for each, measurement in zip(runs, measured, strict=True):
        of_labels = entropy(each.data.test.labels.tolist())
        assert 0 <= of_labels - measurement.floor <= measurement.rate + TOLERANCE


def test_the_posterior_of_the_messages_attains_the_floor():
    generator = torch.Generator().manual_seed(0)
    which, labels = (torch.randint(high, (400,), generator=generator) for high in (7, 10))
    rate, floor = _entropies(which, labels)
    joint = torch.zeros(7, 10, dtype=torch.float64).index_put_((which, labels), torch.ones(()).double(), True)
    best, best_accuracy = _read(joint.log(), which, labels)
    assert best == pytest.approx(floor)
    assert rate == pytest.approx(entropy(which.tolist()))
    assert rate + floor == pytest.approx(entropy(zip(which.tolist(), labels.tolist(), strict=True)))
    for _ in range(20):
        other, accuracy = _read(torch.randn(7, 10, generator=generator), which, labels)
        assert other > floor
        assert accuracy <= best_accuracy


def test_no_decoder_of_the_messages_is_nearer_than_their_means():
    generator = torch.Generator().manual_seed(0)
    images, messages = torch.rand(300, 5, generator=generator), torch.randint(9, (300,), generator=generator) ** 2
    law = Law.of(messages)
    means, places = _means(law, messages, images), law.places(messages)
    for message in messages.unique():
        here = images[messages == message].mean(0)
        torch.testing.assert_close(means[law.places(message[None])[0]], here)
    best = (images - means[places]).square().mean()
    for _ in range(20):
        other = means + 0.01 * torch.randn(means.shape, generator=generator)
        assert (images - other[places]).square().mean() > best
    unseen = law.places(torch.tensor([50]))
    torch.testing.assert_close(means[unseen[0]], images.mean(0))


def test_the_means_are_those_of_training_images_on_others(run):
    measured, draws = evaluate(run, dithers=2, seed=3), []
    train, test, codec = run.data.train.images, run.data.test.images, run.codec
    dithers = codec.quantizer.dither(2, Stream.MEASURE.generator(3))
    for dither in [*dithers[:, None], torch.zeros(1, 3)]:
        earlier, sent = codec.encode(train, dither), codec.encode(test, dither)
        means = [train[earlier == m].mean(0) if m in earlier else train.mean(0) for m in sent]
        draws.append((test - torch.stack(means)).square().mean().item())
    assert measured.refitted_distortion == pytest.approx(fmean(draws[:2]), rel=1e-5)
    assert measured.undithered_distortion == pytest.approx(draws[2], rel=1e-5)
    (reused,) = train_universal(run, [0.05])
    assert (
        evaluate(reused, dithers=2, seed=3).refitted_distortion == measured.refitted_distortion
    )  # it belongs to the encoder


def test_it_equals_the_slow_twin_that_decodes_every_image(run):
    """One image at a time through encode and decode, with entropies from counts."""
    codec, judge, test = run.codec, pretrained_judge(run.config), run.data.test
    images, labels = test.images, test.labels.tolist()
    draws = []
    for dither in codec.quantizer.dither(3, Stream.MEASURE.generator(5)):
        shared = dither.expand(len(images), -1)
        messages = codec.encode(images, shared).tolist()
        reconstructions = codec(images, shared)
        draw = [entropy(messages), (images - reconstructions).square().mean().item()]
        draw.append(entropy(zip(messages, labels, strict=True)) - entropy(messages))
        for reader in (run.classifier, judge):
            posterior = reader(reconstructions).double().softmax(1)
            draw.append(-posterior[range(len(labels)), labels].log2().mean().item())
            draw.append((posterior.argmax(1) == test.labels).double().mean().item())
        draws.append(draw)
    each = evaluate(run, dithers=3, seed=5)
    fast = [each.rate, each.target.D, each.floor, each.target.C, each.accuracy]
    fast += [each.judge_cross_entropy, each.judge_accuracy]
    error = each.standard_error
    fast_error = [error.rate, error.D, error.floor, error.C, error.accuracy]
    fast_error += [error.judge_cross_entropy, error.judge_accuracy]
    columns = list(zip(*draws, strict=True))
    assert fast == pytest.approx([fmean(column) for column in columns], rel=1e-5)
    assert fast_error == pytest.approx([stdev(column) / math.sqrt(3) for column in columns], rel=1e-2)


def test_a_measurement_is_a_function_of_the_run_and_the_seed(run):
    first = evaluate(run, dithers=2)
    run.codec.train()
    run.classifier.train()
    assert evaluate(run, dithers=2) == first
    assert evaluate(run, dithers=2, seed=1) != first


def test_measurements_of_different_seeds_agree_within_their_standard_errors(run):
    first, other = (evaluate(run, dithers=16, seed=seed) for seed in (0, 1))
    spread = math.hypot(first.standard_error.D, other.standard_error.D)
    assert 0 < abs(first.target.D - other.target.D) < 4 * spread < 0.1 * first.target.D


def test_perception_is_left_open(measured):
    assert all(math.isinf(each.target.P) for each in measured)


def test_json_has_no_infinity(measured):
    text = json.dumps(measured[0].to_dict(), allow_nan=False)
    assert json.loads(text)["target"] == {"D": measured[0].target.D, "P": None, "C": measured[0].target.C}


def test_one_draw_has_no_standard_error(run):
    with pytest.raises(ValueError, match=r"dithers must be >= 2 \(got 1\)"):
        evaluate(run, dithers=1)
