"""A configuration is checked once, and says what is wrong with it."""

import json
import math
import re
from dataclasses import replace

import pytest

from neural import Config, Data, recipes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimension": 0}, "dimension must be >= 1 (got 0); a codec without latents sends nothing"),
        ({"levels": 1}, "levels must be >= 2 (got 1); two centres are the smallest quantiser"),
        ({"levels": 2.5}, "levels must be an integer (got 2.5)"),
        ({"dimension": 32, "levels": 4}, "dimension * log2(levels) must be <= 62 bits (got 64.0)"),
        ({"base_dimension": 3}, "base_dimension must be in 0..dimension - 1 (got 3 of 3); a refinement adds at least"),
        ({"distortion_weight": -1.0}, "distortion_weight must be >= 0 (got -1.0)"),
        ({"classification_weight": math.nan}, "classification_weight must be >= 0 (got nan)"),
        ({"classification_weight": math.inf}, "classification_weight must be >= 0 (got inf)"),
        ({"distortion_weight": 0.0}, "distortion_weight or classification_weight must be > 0"),
        ({"epochs": 0}, "epochs must be >= 1 (got 0)"),
        ({"classifier_epochs": 0}, "classifier_epochs must be >= 1 (got 0)"),
        ({"batch_size": 1}, "batch_size must be >= 2 (got 1); batch normalisation needs two examples"),
        ({"learning_rate": 0.0}, "learning_rate must be > 0 and finite (got 0.0)"),
        ({"betas": (0.9, 1.0)}, "betas must be two numbers in [0, 1) (got (0.9, 1.0))"),
        ({"encoder_widths": (8, 0)}, "every entry of encoder_widths must be >= 1 (got 0)"),
        ({"seed": -1}, "seed must be >= 0 (got -1)"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_reason(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Config(**changes)


@pytest.mark.parametrize("config", [recipes.quick(seed=3), recipes.seed_paper(), Config(encoder_widths=())])
def test_json_keeps_everything(config):
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_an_unknown_data_set_is_refused():
    with pytest.raises(ValueError, match="'letters' is not a valid Data"):
        Config.from_dict({**Config().to_dict(), "data": "letters"})


@pytest.mark.parametrize(("dimension", "levels", "rate"), [(3, 3, 4.755), (3, 4, 6), (4, 4, 8), (5, 4, 10)])
def test_the_nominal_rate_is_that_of_the_literature(dimension, levels, rate):
    assert Config(dimension=dimension, levels=levels).rate == pytest.approx(rate, abs=5e-4)


def test_recipes_vary_in_what_was_asked_for_only():
    assert replace(recipes.quick(), classification_weight=0.02, seed=7) == recipes.quick(
        classification_weight=0.02, seed=7
    )
    paper = recipes.seed_paper(data_dir="elsewhere")
    assert (paper.data, paper.data_dir, paper.dimension, paper.levels) == (Data.MNIST, "elsewhere", 3, 3)
