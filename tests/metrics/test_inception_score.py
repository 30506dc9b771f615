import numpy as np
import pytest
from goldens import GOLDENS
from goldens.cases import logits
from scipy.special import softmax

from keras_gans.metrics import inception_score


@pytest.mark.parametrize("splits", [1, 7, 10])
def test_it_agrees_with_torch_fidelity(splits):
    golden = GOLDENS["inception_score"][str(splits)]
    found = inception_score(softmax(logits(), axis=1), splits)
    if splits == 1:
        assert isinstance(found, float)
        assert found == pytest.approx(golden["inception_score_mean"], rel=1e-12)
    else:
        assert found.value == pytest.approx(golden["inception_score_mean"], rel=1e-12)
        assert found.std == pytest.approx(golden["inception_score_std"], rel=1e-9)


def test_the_ends_of_its_range():
    assert inception_score(np.full([50, 4], 0.25)) == pytest.approx(1.0, abs=1e-12)
    assert inception_score(np.eye(4)[np.arange(80) % 4]) == pytest.approx(4.0, rel=1e-12)
    assert inception_score(np.eye(4)[np.arange(80) % 2]) == pytest.approx(2.0, rel=1e-12)


def test_a_score_by_hand():
    # p(y) = (1/2, 1/2); KL of each row is 3/4 log 3/2 + 1/4 log 1/2
    found = inception_score([[0.75, 0.25], [0.25, 0.75]])
    assert found == pytest.approx(1.5**0.75 * 0.5**0.25, rel=1e-14)


def test_splits_are_parts_in_the_samples_order():
    p = np.eye(4)[[0, 0, 0, 0, 0, 1, 2, 3]]
    assert inception_score(p, splits=2) == pytest.approx((2.5, 1.5))  # scores 1 and 4


@pytest.mark.parametrize(
    ("probabilities", "splits", "words"),
    [
        ([[0.5, 0.5], [np.nan, 1.0]], 1, "probabilities must be finite.*1 of 2"),
        ([[0.5, 0.5]], 1, r"probabilities.*\(1, 2\)"),
        ([[2.0, -1.0], [0.5, 0.5]], 1, "found a least value of -1 .*softmax"),
        ([[3.0, 5.0], [0.5, 0.5]], 1, "sums off by up to 7.*logits"),
        (np.eye(3), 4, "splits.*1 to 3, found 4"),
        (np.eye(3), 0, "splits.*1 to 3, found 0"),
    ],
)
def test_what_cannot_be_is_named(probabilities, splits, words):
    with pytest.raises(ValueError, match=words):
        inception_score(probabilities, splits)
