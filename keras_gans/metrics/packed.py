"""A network's weights as text, since Keras's configs hold none."""

import base64
import io

import numpy as np


def pack(network):
    """Return the weights of a Keras model or layer as text.

    Example:
        >>> network = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
        >>> unpack(pack(network), network).get_weights()[0].shape
        (2, 1)
    """
    file = io.BytesIO()
    np.savez_compressed(file, *network.get_weights())
    return base64.b64encode(file.getvalue()).decode("ascii")


def unpack(text, network):
    """Give a network the weights of `pack`; return it."""
    with np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False) as arrays:
        network.set_weights([arrays[name] for name in arrays.files])
    return network
