import numpy as np
import pytest
import tensorflow_datasets as tfds

from keras_gans.datasets import load


@pytest.fixture
def mocked(tmp_path):
    """TFDS with random examples under each data set's real features, without files."""
    with tfds.testing.mock_data(num_examples=5):
        yield lambda name, **kwargs: load(f"tfds:{name}", data_dir=str(tmp_path), **kwargs)


def test_images_labels_and_classes(mocked):
    data = mocked("fashion_mnist")
    assert (data.samples.shape, data.samples.dtype) == ((5, 28, 28, 1), np.uint8)
    assert data.labels.dtype == np.int32 and data.classes[0] == "T-shirt/top"
    assert data.num_classes == 10


@pytest.mark.parametrize("name", ["mnist:test", "mnist:3.0.1", "mnist:3.0.1:train[:10]"])
def test_versions_and_splits(mocked, name):
    assert mocked(name).shape == (28, 28, 1)


def test_mixed_sizes_need_image_size(mocked):
    with pytest.raises(ValueError, match=r"oxford_flowers102.*number 0.*one size: give --image_si"):
        mocked("oxford_flowers102")
    assert mocked("oxford_flowers102", image_size=16).samples.shape == (5, 16, 16, 3)


def test_data_without_images_or_of_no_known_name(mocked):
    with pytest.raises(ValueError, match=r"iris.*expected an image"):
        mocked("iris")
    with pytest.raises(ValueError, match=r"--dataset=tfds:nonesuch: .*not found"):
        mocked("nonesuch")


class Squares(tfds.core.GeneratorBasedBuilder):
    """Three gray 4x4 images, written to disk and read back."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        label = tfds.features.ClassLabel(names=["dark", "light"])
        features = {"image": tfds.features.Image(shape=(4, 4, 1)), "label": label}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, manager):
        return {"train": self._examples([0, 1, 1]), "rest": self._examples([-1, -1])}

    def _generate_examples(self):
        raise NotImplementedError

    def _examples(self, labels):
        for k, label in enumerate(labels):
            yield k, {"image": np.full((4, 4, 1), 50 * k, np.uint8), "label": label}


def test_a_prepared_data_set_is_read_from_data_dir(tmp_path):
    Squares(data_dir=tmp_path).download_and_prepare()
    data = load("tfds:squares", data_dir=str(tmp_path))
    assert sorted(data.samples[:, 0, 0, 0].tolist()) == [0, 50, 100]
    np.testing.assert_array_equal(data.labels, data.samples[:, 0, 0, 0] > 0)
    assert data.classes == ("dark", "light")
    assert len(load("tfds:squares:train[:2]", data_dir=str(tmp_path))) == 2
    assert load("tfds:squares:rest", data_dir=str(tmp_path)).labels is None
    with pytest.raises(ValueError, match=r"squares:bogus: .*bogus"):
        load("tfds:squares:bogus", data_dir=str(tmp_path))
