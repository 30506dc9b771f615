"""What is looked at once, before the first step: what would go wrong silently or obscurely."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_gans.noise import Noise
from keras_gans.packing import packed_shape


def check_networks(generator, discriminator, latent_dim, packing=1):
    """Refuse networks that do not fit together, where their shapes are known."""
    if int(packing) != packing or packing < 1:
        raise ValueError(f"packing must be a whole number >= 1, found {packing!r}")
    for role, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, keras.Model) or not network.built:
            raise ValueError(f"the {role} must be a built keras.Model, found {network!r}")
    inputs, outputs = (getattr(generator, name, None) for name in ("input_shape", "output_shape"))
    if isinstance(inputs, tuple) and inputs[1:] != (latent_dim,):
        raise ValueError(
            f"the generator {generator.name!r} takes latents of shape {inputs[1:]}, expected "
            f"({latent_dim},) as latent_dim={latent_dim}"
        )
    wanted = getattr(discriminator, "input_shape", None)
    if isinstance(wanted, tuple) and isinstance(outputs, tuple):
        shown = packed_shape(outputs[1:], packing)
        if wanted[1:] != shown:
            joined = f", which packing={packing} makes {shown}" if packing > 1 else ""
            raise ValueError(
                f"the generator makes samples of shape {outputs[1:]}{joined}, the discriminator "
                f"takes {wanted[1:]}; they must be equal"
            )
    last = discriminator.layers[-1] if discriminator.layers else None
    if getattr(last, "activation", None) is keras.activations.sigmoid:
        warnings.warn(
            f"the discriminator's last layer {last.name!r} is a sigmoid; losses expect logits, so "
            "leave the activation out",
            stacklevel=3,
        )


def check_packing(samples, steps, packing):
    """Refuse a batch that cannot be cut into updates of whole packs."""
    if samples // steps % packing:
        raise ValueError(
            f"a batch of {samples // steps} samples cannot be packed by packing={packing}; take a "
            "batch size that is a multiple of it"
        )


def check_samples(real, discriminator, packing=1):
    """Refuse samples of a wrong type or shape, or with NaN; warn of images out of [-1, 1]."""
    dtype = tf.as_dtype(real.dtype)
    if not dtype.is_floating:
        raise ValueError(
            f"samples must be floating (images float32 in [-1, 1]), found {dtype.name}; for uint8 "
            "images use x / 127.5 - 1"
        )
    expected = getattr(discriminator, "input_shape", None)
    shape = tuple(real.shape)
    if isinstance(expected, tuple) and not tf.TensorShape(expected[1:]).is_compatible_with(
        packed_shape(shape[1:], packing)
    ):
        raise ValueError(
            f"samples have shape {shape[1:]}, the discriminator {discriminator.name!r} takes "
            f"{expected[1:]}" + (f" with packing={packing}" if packing > 1 else "")
        )
    values = np.asarray(real)
    bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
    if len(bad):
        raise ValueError(
            f"the first batch has NaN or infinity in {len(bad)} of {len(values)} samples, the "
            f"first at index {bad[0]}"
        )
    low, high = float(values.min()), float(values.max())
    if values.ndim == 4 and (low < -1.01 or high > 1.01 or (low >= 0.0 and high > 0.0)):
        warnings.warn(
            f"images are expected in [-1, 1], the first batch lies in [{low:.3g}, {high:.3g}]",
            stacklevel=4,
        )


def check_reach(penalty, discriminate, real, fake, discriminator):
    """Refuse a discriminator that the penalty cannot train.

    Some operations, bilinear resizing among them, have a first gradient but no second one in
    TensorFlow. Training would go on without the penalty and say nothing. A kernel that gets no
    gradient from the penalty, although a change of it changes the penalty, is such a case.

    Raises:
        ValueError: if there is one; the message names the layers.
    """
    state = [variable.numpy() for variable in penalty.variables]
    try:
        found = _find_unreached(penalty, discriminate, real, fake, discriminator)
    except LookupError as error:  # how TensorFlow says that an operation has no gradient
        found = str(error)
    finally:
        for variable, kept in zip(penalty.variables, state, strict=True):
            variable.assign(kept)
    if found:
        raise _unreachable(penalty, discriminator, found)


def _find_unreached(penalty, discriminate, real, fake, discriminator):
    """Name the layers that the penalty depends on without a gradient; empty if there are none."""

    def value():
        for variable in penalty.variables:  # a lazy penalty must not be in a pause
            if tf.as_dtype(variable.dtype).is_integer:
                variable.assign(0)
        return penalty(discriminate, real, fake, Noise(seed=0))

    kernels = [v for v in discriminator.trainable_variables if len(v.shape) >= 2]
    with tf.GradientTape() as tape:
        before = value()
    unreached = []
    for kernel, gradient in zip(kernels, tape.gradient(before, kernels), strict=True):
        if gradient is None:
            kept = kernel.numpy()
            kernel.assign(kept * 1.5)
            if abs(float(value() - before)) > 1e-6 * abs(float(before)):
                unreached.append(kernel.path.rpartition("/")[0])
            kernel.assign(kept)
    names = ", ".join(unreached)
    return f"it depends on the kernels of layer {names} and gives them no gradient" if names else ""


def _unreachable(penalty, discriminator, found):
    resizing = [
        f"{layer.name} ({type(layer).__name__}, {layer.interpolation})"
        for layer in discriminator._flatten_layers()
        if hasattr(layer, "interpolation")
        and not (isinstance(layer, keras.layers.UpSampling2D) and layer.interpolation == "nearest")
    ]
    suspect = f"layer {', '.join(resizing)}" if resizing else "one of its operations"
    return ValueError(
        f"the penalty {penalty!r} cannot train this discriminator: {found}. Most likely {suspect} "
        "has no second gradient in TensorFlow. Use nearest UpSampling2D, average "
        "pooling or strides instead."
    )
