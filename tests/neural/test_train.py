"""Training is reproducible, learns, and leaves alone what it must: global randomness and frozen encoders."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

import neural.classifiers
import neural.reuse
from neural import (
    Config,
    Weights,
    evaluate,
    load,
    models,
    recipes,
    train_end_to_end,
    train_refinements,
    train_universal,
)
from neural.classifiers import pretrained_classifier, pretrained_judge

TINY = Config(epochs=2, classifier_epochs=2, encoder_widths=(16,), decoder_widths=(16,))


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def forget_classifiers():
    neural.classifiers._classifier.cache_clear()
    neural.classifiers._judge.cache_clear()


def test_equal_configurations_train_equal_codecs_to_the_last_bit():
    config = replace(TINY, classification_weight=0.01)
    first = train_end_to_end(config)
    forget_classifiers()
    torch.rand(1)  # what the application draws in between does not matter
    again = train_end_to_end(config)
    assert first.classifier is not again.classifier
    assert same(state(first.classifier), state(again.classifier))
    assert same(state(first.codec), state(again.codec))
    assert first.history == again.history


def test_another_seed_trains_another_codec_and_classifier():
    first, other = (train_end_to_end(replace(TINY, seed=seed)) for seed in (0, 1))
    assert not same(state(first.codec), state(other.codec))
    assert not same(state(first.classifier), state(other.classifier))


def test_the_global_random_numbers_are_not_moved():
    forget_classifiers()
    before = torch.get_rng_state()
    evaluate(*train_universal(train_end_to_end(TINY), [0.01]), dithers=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_few_seconds_of_training_beat_a_codec_of_zero_rate():
    run = train_end_to_end(replace(recipes.quick(), epochs=20, classifier_epochs=4))
    train, test = run.data.train.images, run.data.test.images
    zero_rate = (test - train.mean(0)).square().mean().item()
    measured = evaluate(run, dithers=4)
    assert measured.target.D / zero_rate < 0.65
    assert run.history[-1] < 0.65 * run.history[0]


def test_the_classification_weight_buys_cross_entropy_with_distortion():
    free, weighted = (
        evaluate(train_end_to_end(replace(recipes.quick(classification_weight=weight), epochs=20)), dithers=4)
        for weight in (0.0, 0.02)
    )
    assert weighted.target.C < 0.7 * free.target.C
    assert weighted.judge_cross_entropy < 0.7 * free.judge_cross_entropy
    assert weighted.floor < 0.7 * free.floor
    assert weighted.target.D > free.target.D


def test_classifiers_read_clean_images_and_are_different_networks():
    config = recipes.quick()
    classifier, judge, test = pretrained_classifier(config), pretrained_judge(config), load(config).test
    for reader in (classifier, judge):
        assert (reader(test.images).argmax(1) == test.labels).float().mean() > 0.9
    assert [type(layer) for layer in classifier] != [type(layer) for layer in judge]


def test_training_never_sees_the_judge(monkeypatch):
    def refuse(_):
        raise AssertionError("training asked for the judge")

    monkeypatch.setattr(neural.classifiers, "_judge", refuse)
    run = train_end_to_end(replace(TINY, classification_weight=0.01))
    train_universal(run, [0.01])
    with pytest.raises(AssertionError, match="asked for the judge"):
        evaluate(run)


def test_training_changes_neither_the_classifier_nor_its_statistics():
    classifier = pretrained_classifier(TINY)
    before = state(classifier)
    train_universal(train_end_to_end(replace(TINY, classification_weight=0.01)), [0.01])
    assert same(state(classifier), before)


def encoder_is_left_alone(run):
    """Train decoders on the encoder of `run`; compare its every parameter and buffer, and its codes."""
    images, dither = run.data.test.images, run.codec.quantizer.dither(1, torch.Generator().manual_seed(0))
    parameters, codes = state(run.codec.encoder), deepcopy(run.codec).eval().encode(images, dither)
    for reused in train_universal(run, [0.0, 0.02]):
        if not torch.equal(reused.codec.eval().encode(images, dither), codes):
            return False
    return same(state(run.codec.encoder), parameters)


def test_universal_training_leaves_the_encoder_as_it_is_to_the_last_bit():
    run = train_end_to_end(TINY)
    assert encoder_is_left_alone(run)
    run.codec.train().requires_grad_(True)  # whatever state the run is handed over in
    assert encoder_is_left_alone(run)


def test_an_encoder_left_in_train_mode_would_be_noticed(monkeypatch):
    run = train_end_to_end(TINY)
    run.codec.encoder.train()
    monkeypatch.setattr(models, "freeze", lambda *_: None)
    assert not encoder_is_left_alone(run)


def test_universal_decoders_share_the_encoder_and_differ_by_their_weight():
    run = train_end_to_end(replace(TINY, classification_weight=0.005))
    plain, weighted, again = train_universal(run, [0.0, 0.02, 0.0])
    assert plain.codec.encoder is weighted.codec.encoder is run.codec.encoder
    assert same(state(plain.codec), state(again.codec))
    assert not same(state(plain.codec.decoder), state(weighted.codec.decoder))
    assert [reused.config.classification_weight for reused in (plain, weighted)] == [0.0, 0.02]
    assert all(reused.universal and reused.encoder == run.config for reused in (plain, weighted))
    (second,) = train_universal(weighted, [0.01])
    assert second.encoder == run.config


def test_a_reused_encoder_keeps_its_rate_and_floor():
    """Rate and floor belong to the messages; a decoder cannot change them."""
    run = train_end_to_end(TINY)
    measured = [evaluate(each, dithers=3) for each in (run, *train_universal(run, [0.0, 0.02]))]
    assert len({(each.rate, each.floor) for each in measured}) == 1
    assert len({each.target for each in measured}) == 3


def test_a_wrong_weight_is_refused_before_anything_is_trained(monkeypatch):
    run = train_end_to_end(TINY)
    monkeypatch.setattr(neural.reuse, "build_decoder", None)
    with pytest.raises(ValueError, match=r"classification_weight must be >= 0 \(got -1\)"):
        train_universal(run, [0.0, -1])


def test_a_refinement_leaves_the_first_message_as_it_is_and_lowers_the_distortion():
    run = train_end_to_end(replace(TINY, epochs=20))
    images, shared = run.data.test.images, torch.Generator().manual_seed(0)
    (refined,) = train_refinements([(run, Weights())], dimension=2)
    before = state(run.codec)
    (again,) = train_refinements([(run, Weights(classification=0.01))], dimension=2)
    assert same(state(run.codec), before)
    dither = run.codec.quantizer.dither(len(images), shared)
    for each in (refined, again):
        more = torch.cat([dither, each.codec.quantizer.dither(len(images), shared)[:, :2]], 1)
        assert torch.equal(each.codec.encode(images, more) // 9, run.codec.encode(images, dither))
    first, second = (evaluate(each, dithers=4) for each in (run, refined))
    assert second.target.D < 0.97 * first.target.D
    assert second.floor < first.floor


def test_a_refinement_is_not_refined_again():
    (refined,) = train_refinements([(train_end_to_end(TINY), Weights())], dimension=1)
    with pytest.raises(ValueError, match=r"dimension must be >= 1 \(got 0\); a refinement sends something"):
        train_refinements([(train_end_to_end(TINY), Weights())], dimension=0)
    with pytest.raises(ValueError, match="cannot be refined again"):
        train_refinements([(refined, Weights())], dimension=1)
    with pytest.raises(ValueError, match="needs an encoder to refine"):
        train_end_to_end(refined.config)


def test_codecs_of_all_seeds_have_one_judge():
    assert pretrained_judge(TINY) is pretrained_judge(replace(TINY, seed=3, levels=4, classifier_widths=(5,)))
    assert pretrained_judge(TINY) is not pretrained_judge(replace(TINY, classifier_epochs=1))
