"""Whatever is in a file: an answer in time, with its name, and nothing dropped in silence."""

import collections
import io
import logging

import numpy as np
import pytest
from helpers_hostile import FORMATS, IMAGES, damage, whole, within
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from keras_gans.config import Config
from keras_gans.datasets import load

SECONDS = 20
NAMES = {"npz": "a.npz", "idx": "train-images-idx3-ubyte", "idx.gz": "train-images-idx3-ubyte.gz"}
QUICK = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def place(folder, kind, content):
    """Write a file into a folder, an image beside a good one; return (path, source)."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind in IMAGES:
        Image.new("L", (9, 9), 100).save(folder / "good.png")
    path = folder / NAMES.get(kind, f"a.{kind}")
    path.write_bytes(content)
    source = f"npz:{path}" if kind == "npz" else f"{'idx' if kind in NAMES else 'folder'}:{folder}"
    return path, source


def outcome(path, source):
    """Load; hold what each outcome must be; return "loaded" or "refused"."""
    try:
        size = 8 if source.startswith("folder") else None
        data = within(SECONDS, load, source, image_size=size)
    except (ValueError, OSError) as error:
        assert path.name in str(error), error
        return "refused"
    assert data.skipped == 0 and (len(data) == 2 if size else len(data) > 0)
    assert data.samples.dtype == np.uint8 and data.channels in (1, 3)
    return "loaded"


def fuzz(folder, count):
    """Load each of `count` damaged files alone, then all images together; return the outcomes."""
    rng = np.random.default_rng(0)
    outcomes, together = collections.Counter(), folder / "together"
    together.mkdir()
    images = 0
    for number in range(count):
        kind = FORMATS[number % len(FORMATS)]
        content = damage(whole(kind, rng), rng)
        outcomes[kind, outcome(*place(folder / str(number), kind, content))] += 1
        if kind in IMAGES:
            (together / f"{number}.{kind}").write_bytes(content)
            images += 1
    data = within(10 * SECONDS, load, f"folder:{together}", image_size=8, on_corrupt="skip")
    refused = sum(outcomes[kind, "refused"] for kind in IMAGES)
    assert (len(data), data.skipped) == (images - refused, refused)
    assert len(data.broken) == refused
    return outcomes


def test_damaged_files(tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    outcomes = fuzz(tmp_path, 200)
    for kind in FORMATS:  # 25 files of each
        assert outcomes[kind, "refused"] >= 10, outcomes
    assert sum(outcomes[kind, "loaded"] for kind in FORMATS) >= 10, outcomes


@pytest.mark.slow
def test_many_damaged_files(tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    outcomes = fuzz(tmp_path, 2000)
    print(sorted(outcomes.items()))
    assert sum(outcomes.values()) == 2000


@pytest.mark.parametrize("kind", FORMATS)
def test_undamaged_files_are_loaded(tmp_path, kind):
    for seed in range(8):
        content = whole(kind, np.random.default_rng(seed))
        assert outcome(*place(tmp_path / str(seed), kind, content)) == "loaded"


@pytest.mark.parametrize("kind", FORMATS)
@QUICK
@given(content=st.binary(max_size=300), keep=st.integers(0, 40))
def test_any_bytes_behind_any_beginning(tmp_path, kind, content, keep):
    beginning = whole(kind, np.random.default_rng(1))[:keep]
    outcome(*place(tmp_path, kind, beginning + content))


DTYPES = st.one_of(
    arrays.floating_dtypes(sizes=(16, 32, 64)),
    arrays.integer_dtypes(),
    arrays.unsigned_integer_dtypes(),
    arrays.boolean_dtypes(),
    arrays.complex_number_dtypes(),
    arrays.byte_string_dtypes(),
    arrays.datetime64_dtypes(),
)


@settings(QUICK, max_examples=200)
@given(
    array=arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4))
)
def test_any_array_is_refused_by_name_or_right(tmp_path, array):
    file = io.BytesIO()
    np.savez(file, images=array)
    path, source = place(tmp_path, "npz", file.getvalue())
    try:
        data = within(SECONDS, load, source)
    except ValueError as error:
        assert path.name in str(error) and "expected" in str(error), error
        return
    assert array.dtype in (np.uint8, np.float32, np.float64) and len(data) == len(array) > 0
    values = data.samples
    if data.is_image:
        assert data.channels in (1, 3)
        low, high = (0, 255) if values.dtype == np.uint8 else (-1, 1)
        assert low <= values.min() <= values.max() <= high
        if low == -1:
            assert values.min() < 0
    assert np.isfinite(values).all()
    with np.errstate(under="ignore"):
        np.testing.assert_array_equal(values.ravel(), array.astype(values.dtype).ravel())


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = {
    "name": TEXT,
    "output_dir": TEXT,
    "data_dir": TEXT,
    "dataset": st.one_of(st.sampled_from(["digits", "ring"]), TEXT.map("npz:{}".format)),
    "image_size": st.integers(),
    "batch_size": st.integers(),
    "steps": st.one_of(st.none(), st.integers()),
    "seed": st.integers(),
    "packing": st.integers(-1, 5),
    "generator_lr": st.floats(),
    "beta_1": st.floats(),
    "penalty": st.sampled_from(["none", "r1", "dragan"]),
    "penalty_weight": st.one_of(st.none(), st.floats(), st.just("auto"), TEXT),
    "jit_compile": st.one_of(st.booleans(), st.just("auto"), TEXT),
    "ema_decay": st.floats(-0.5, 1.5),
}


@settings(QUICK, max_examples=300)
@given(values=st.fixed_dictionaries({}, optional=VALUES))
def test_any_flags_are_refused_by_name_or_come_back_from_their_file(values):
    try:
        config = Config(**values)
    except ValueError as error:
        assert str(error).startswith("--") and any(f"--{name}" in str(error) for name in values)
        return
    assert Config.from_flags(config.to_flags()) == config
