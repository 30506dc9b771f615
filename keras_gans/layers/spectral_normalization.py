"""Spectral normalization as its paper has it: W / sigma(W), with the gradient through sigma."""

import keras
import tensorflow as tf

from keras_gans.precision import full


@keras.saving.register_keras_serializable("keras_gans")
class SpectralNormalization(keras.layers.Wrapper):
    """Run a layer with its kernel divided by the kernel's largest singular value.

        y = layer(x; W / sigma(W)),   sigma(W) = vᵀ W u,   v = W u / |W u|

    W is the kernel seen as a matrix [everything else, last axis], u an estimate of its leading
    right singular vector. One power iteration, `u <- Wᵀ W u / |Wᵀ W u|`, improves it at each
    training step. The stored kernel is left alone and the gradient flows through sigma; Keras's
    own layer of this name overwrites the kernel and takes no gradient through sigma.

    A `GAN` advances u once per update of the network that the layer is in, however often the
    network is called for it. Outside of a `GAN`, each call with `training=True` advances it.

    Args:
        layer: a layer with a `kernel` (dense, convolution) or `embeddings`.
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: if the layer has neither.

    Example:
        >>> layer = SpectralNormalization(keras.layers.Dense(2, use_bias=False))
        >>> layer.build((None, 2))
        >>> kernel = layer.layer.kernel.assign([[3.0, 0.0], [0.0, 1.0]])
        >>> for _ in range(20):
        ...     layer.advance()
        >>> layer(tf.constant([[3.0, 3.0]])).numpy().round(4).tolist()
        [[3.0, 1.0]]

    Reference: Miyato et al., arXiv:1802.05957, section 2.1 and algorithm 1.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.advance_on_call = True

    def build(self, input_shape):
        """Build the layer and start u close to the singular vector of its first kernel."""
        super().build(input_shape)
        self._u = self.add_weight(
            shape=(self._weight().shape[-1], 1),
            initializer=keras.initializers.RandomNormal(seed=0),
            dtype="float64" if self.variable_dtype == "float64" else "float32",
            trainable=False,
            autocast=False,  # float32 under mixed precision too
            name="u",
        )
        with tf.init_scope():
            for _ in range(10):
                self.advance()

    def _weight(self):
        for name in ("_kernel", "kernel", "_embeddings", "embeddings"):
            if isinstance(variable := getattr(self.layer, name, None), keras.Variable):
                return variable
        raise ValueError(
            f"SpectralNormalization needs a layer with a kernel or embeddings, found "
            f"{type(self.layer).__name__} {self.layer.name!r}, which has neither"
        )

    def _matrix(self):
        weight = full(self._weight().value)
        return tf.reshape(weight, [-1, weight.shape[-1]])

    def advance(self):
        """Make one power iteration, without a gradient."""
        matrix = tf.stop_gradient(self._matrix())
        u = tf.matmul(matrix, tf.matmul(matrix, self._u.value), transpose_a=True)
        self._u.assign(tf.math.l2_normalize(u, epsilon=1e-30))

    def sigma(self):
        """Return the estimate of the largest singular value, a float32 scalar."""
        matrix = self._matrix()
        u = tf.stop_gradient(self._u.value)
        product = tf.matmul(matrix, u)
        v = tf.stop_gradient(tf.math.l2_normalize(product, epsilon=1e-30))
        return tf.reduce_sum(v * product)

    def call(self, inputs, training=False):
        """Call the layer with W / sigma(W) in place of W."""
        if training and self.advance_on_call:
            self.advance()
        weight = self._weight()
        normalized = full(weight.value) / (self.sigma() + 1e-12)
        with keras.StatelessScope(state_mapping=[(weight, normalized)]):
            return self.layer(inputs)

    def compute_output_shape(self, input_shape):
        """Return the layer's own output shape."""
        return self.layer.compute_output_shape(input_shape)


def spectral_layers(model):
    """Return all `SpectralNormalization` layers in a model, nested ones included."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, SpectralNormalization)]
