"""scikit-learn's handwritten digits: real images that need no download."""

import numpy as np

from keras_gans.datasets.data import Data


def load_digits():
    """Return the 1,797 digits, 8x8, their values 0..16 scaled to 0..255, with labels 0 to 9.

    Reference: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    """
    from sklearn import datasets

    digits = datasets.load_digits()
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)[..., None]
    return Data("digits", images, digits.target, classes=tuple("0123456789"))
