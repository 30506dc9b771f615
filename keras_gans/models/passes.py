"""Real and generated samples through the discriminator, with no pass that can be saved.

Where no layer lets one sample depend on another, real and generated samples go through the
discriminator in one pass, the samples of all its updates come from one pass of the generator, and a
penalty on the gradient at samples that were judged already takes it from there. The mathematics
stays; rounding differs in the last bits.
"""

import keras
import tensorflow as tf

from keras_gans.layers import SpectralNormalization

layers = keras.layers

# Layers whose output for one sample depends on that sample alone, and on no chance.
_APART = {
    *(layers.InputLayer, layers.Dense, layers.Embedding, layers.Activation, layers.ReLU),
    *(layers.LeakyReLU, layers.ELU, layers.PReLU, layers.Softmax, layers.Identity),
    *(layers.Conv1D, layers.Conv2D, layers.Conv1DTranspose, layers.Conv2DTranspose),
    *(layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Flatten, layers.Reshape),
    *(layers.Permute, layers.Rescaling, layers.ZeroPadding2D, layers.Cropping2D),
    *(layers.UpSampling1D, layers.UpSampling2D, layers.AveragePooling1D),
    *(layers.AveragePooling2D, layers.MaxPooling1D, layers.MaxPooling2D),
    *(layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D),
    *(layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Concatenate),
    *(layers.LayerNormalization, layers.GroupNormalization, SpectralNormalization),
}


def apart(network):
    """Return whether each sample passes through a network on its own, not swayed by the others.

    It is known of Keras's usual layers in a functional or sequential model. A layer of your own
    tells it by an attribute `mixes_samples = False`; any other counts as mixing.

    Example:
        >>> generator, discriminator = kg.networks.dcgan((8, 8, 1), latent_dim=4, width=4)
        >>> apart(generator), apart(discriminator)  # the generator has batch normalization
        (False, True)
    """
    if not type(network).__module__.startswith("keras."):  # a subclass's `call` may do anything
        return False
    parts = getattr(network, "operations", network.layers)
    return all(_apart(part) for part in parts)


def _apart(layer):
    if isinstance(layer, keras.Model):
        return apart(layer)
    if not getattr(layer, "mixes_samples", True):
        return True
    axes = getattr(layer, "axis", -1)
    if 0 in (axes if isinstance(axes, (list, tuple)) else [axes]):  # the batch
        return False
    own = getattr(getattr(layer, "activation", None), "__module__", "keras").split(".")[0]
    inner = _apart(layer.layer) if isinstance(layer, SpectralNormalization) else True
    return type(layer) in _APART and own == "keras" and inner


class Judged:
    """The logits of real and of generated samples; in a penalty's place for the discriminator.

    It is called as `discriminate(x)`. `input_gradient(x)` is known where x is one of the two
    batches and `penalty` takes its gradient there.

    Args:
        game: a compiled `GAN`.
        real: samples [B, ...].
        fake: generated samples [B, ...].
        condition: what the dataset gives beside them, or None.
        penalty: what will be taken of the gradient, or None.

    Attributes:
        real_logits, fake_logits: [B, ...] each.
    """

    def __init__(self, game, real, fake, condition=None, penalty=None):
        self._discriminate = lambda x: game.discriminate(x, condition)
        shared = () if penalty is None or not game.judges_apart else penalty.shares
        self._watched = {"real": [real], "fake": [fake]}
        self._watched = [x for name in shared for x in self._watched[name]]
        self._gradients = None
        with tf.GradientTape(watch_accessed_variables=False) as self._tape:
            self._tape.watch(self._watched)
            # A gradient at one of the two alone must not pass through both.
            if game.judges_apart and len(self._watched) != 1 and real.dtype == fake.dtype:
                both = game.discriminate(tf.concat([real, fake], 0), _twice(condition))
                self.real_logits, self.fake_logits = tf.split(both, 2)
                self._logits = [both]
            else:
                self._logits = [self._discriminate(x) for x in (real, fake)]
                self.real_logits, self.fake_logits = self._logits

    def __call__(self, x):
        """Return the logits of any samples."""
        return self._discriminate(x)

    def input_gradient(self, x):
        """Return d(sum of logits)/dx of a batch that was judged, or None if it is not known."""
        known = [watched is x for watched in self._watched]
        if not any(known):
            return None
        if self._gradients is None:
            self._gradients = self._tape.gradient(self._logits, self._watched)
        return self._gradients[known.index(True)]


def _twice(condition):
    return tf.nest.map_structure(lambda x: None if x is None else tf.concat([x, x], 0), condition)
