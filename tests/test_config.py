import dataclasses

import pytest

from keras_gans import config, losses, networks, penalties
from keras_gans.config import Config
from keras_gans.datasets import augmentation, toy
from keras_gans.networks import common


def test_choices_are_what_the_library_has():
    assert set(config.LOSSES) == set(losses.NAMES)
    assert {*config.PENALTIES} == {"none", "r1+r2", *penalties.NAMES}
    assert {*config.NETWORKS} == {"auto", *networks.NAMES}
    assert config.NORMALIZATIONS == common.NORMALIZATIONS
    assert config.AUGMENTATIONS == augmentation.NAMES
    assert tuple(toy.DENSITIES) == config.TOYS


def test_flags_round_trip():
    made = Config(
        name="x", steps=7, penalty="r1", penalty_weight=0.5, jit_compile=True, dataset="npz:a=b.npz"
    )
    assert Config.from_flags(made.to_flags()) == made
    assert Config.from_flags(Config().to_flags()) == Config()


@pytest.mark.parametrize("source", ["digits", "tfds:mnist:test", "idx:a/b", "folder:a", "npz:b"])
@pytest.mark.parametrize("prefix", ["", "stacked:"])
def test_sources_may_be_stacked(prefix, source):
    assert Config(dataset=prefix + source).dataset == prefix + source


def test_it_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().seed = 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"batch_size": 0}, ["--batch_size=0", "at least 1"]),
        ({"generator_lr": -1.0}, ["--generator_lr=-1.0", "at least 0"]),
        ({"generator_lr": float("nan")}, ["--generator_lr=nan", "at least 0"]),
        ({"beta_1": 1.0}, ["--beta_1=1.0", "below 1"]),
        ({"ema_decay": 1.0}, ["--ema_decay=1.0", "below 1"]),
        ({"loss": "foo"}, ["--loss=foo", "wasserstein", "hinge"]),
        ({"dataset": "mnist"}, ["--dataset=mnist", "digits", "tfds:NAME"]),
        ({"dataset": "tfds:"}, ["--dataset=tfds:", "tfds:NAME"]),
        ({"dataset": "stacked:"}, ["--dataset=stacked:", "stacked:SOURCE"]),
        ({"dataset": "stacked:mnist"}, ["--dataset=stacked:mnist", "stacked:SOURCE"]),
        ({"dataset": "stacked:ring"}, ["--dataset=stacked:ring", "stacked:SOURCE"]),
        ({"dataset": "stacked:stacked:digits"}, ["--dataset=stacked:stacked:digits"]),
        ({"dataset": "digits:x"}, ["--dataset=digits:x"]),
        ({"dataset": "ring", "network": "dcgan"}, ["--network=dcgan", "--network=mlp"]),
        ({"dataset": "ring", "augment": "flip"}, ["--augment", "points"]),
        ({"augment": "flip,foo"}, ["--augment", "foo", "crop"]),
        ({"epochs": 1, "steps": 1}, ["--epochs=1", "--steps=1", "exclude"]),
        ({"replicas": 2}, ["--replicas=2", "--strategy=mirrored"]),
        ({"strategy": "tpu"}, ["--strategy=tpu", "multi_worker"]),
        ({"strategy": "mirrored", "jit_compile": True}, ["--jit_compile=true", "mirrored"]),
        ({"steps": 7, "steps_per_execution": 2}, ["--steps=7", "multiple"]),
        ({"steps_per_execution": "many"}, ["--steps_per_execution=many", "number or auto"]),
        ({"steps_per_execution": 0}, ["--steps_per_execution=0", "at least 1"]),
        ({"penalty_weight": 1.0}, ["--penalty_weight=1.0", "--penalty"]),
        ({"jit_compile": "yes"}, ["--jit_compile=yes", "auto"]),
        ({"generator_lr": float("inf")}, ["--generator_lr=inf", "finite"]),
        ({"image_size": 10**6}, ["--image_size=1000000", "below 8193"]),
        ({"dataset": "npz:a\nb.npz"}, ["--dataset='npz:a\\nb.npz'", "one line"]),
        ({"evaluate_metrics": "fid"}, ["--evaluate_metrics=fid", "fd, kd"]),
        ({"evaluate_metrics": "modes"}, ["--evaluate_metrics=modes", "fd, kd"]),
        ({"dataset": "ring", "evaluate_metrics": "fd"}, ["--evaluate_metrics=fd", "modes"]),
        ({"evaluate_metrics": "fd", "best_metric": "kd"}, ["--best_metric=kd", "fd"]),
        ({"evaluate_samples": 3}, ["--evaluate_samples=3", "at least 20"]),
        ({"name": "a/b"}, ["--name=a/b", "folder"]),
    ],
)
def test_what_cannot_be_is_refused(values, words):
    with pytest.raises(ValueError) as error:
        Config(**values)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("--foo=1\n", ["unknown flag --foo"]),
        ("--batch_size=many\n", ["--batch_size=many", "not a number"]),
        ("--batch_size=-1\n", ["--batch_size=-1", "at least 1"]),
    ],
)
def test_a_damaged_flags_file_is_told_by_its_flag(text, words):
    with pytest.raises(ValueError) as error:
        Config.from_flags(text)
    assert all(word in str(error.value) for word in words), error.value
