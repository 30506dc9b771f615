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


def check_fit(x, y, batch_size, epochs, steps_per_epoch):
    """Refuse arguments of `fit` that Keras would take for something else, or explain obscurely."""
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("epochs", epochs, 0),
        ("steps_per_epoch", steps_per_epoch, 1),
    ):
        if value is not None and (int(value) != value or value < least):
            raise ValueError(f"{name} must be a whole number >= {least}, found {value!r}")
    expected = "expected a tf.data.Dataset of batches, or an array of samples"
    if x is None or isinstance(x, (str, bytes, dict, int, float)):
        raise ValueError(f"fit(x): found {x if x is None else type(x).__name__}, {expected}")
    if hasattr(x, "batches") and hasattr(x, "samples"):
        raise ValueError(f"fit(x): found a Data, {expected}: data.batches(batch_size)")
    if isinstance(x, (list, tuple)):
        raise ValueError(
            f"fit(x): found a {type(x).__name__}, {expected}: np.asarray(x, 'float32')"
        )
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise ValueError(
            f"fit(x): found an array with {np.ma.count_masked(x)} masked values, which would be "
            "trained on; fill them or leave the samples out"
        )
    for name, array in (("x", x), ("y", y)):
        if isinstance(array, (np.ndarray, np.generic)) and not array.ndim:
            raise ValueError(f"fit({name}): found the scalar {array!r}, expected an array")
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "fiub" and x.dtype.name != "bfloat16":
            raise ValueError(f"fit(x): found dtype {x.dtype}, expected floating, as float32")
        _finite(x, "x has")


def _finite(samples, where):
    """Refuse NaN and infinity; look at 1,024 samples at a time."""
    bad = [
        start + np.flatnonzero(~np.isfinite(part.reshape(len(part), -1)).all(axis=1))
        for start in range(0, len(samples), 1024)
        for part in (np.asarray(samples[start : start + 1024]),)
    ]
    bad = np.concatenate(bad) if bad else ()
    if len(bad):
        raise ValueError(
            f"{where} NaN or infinity in {len(bad)} of {len(samples)} samples, the first at index "
            f"{bad[0]}"
        )


def check_samples(real, discriminator, packing=1, generator=None):
    """Refuse samples of a wrong type, shape or range, or with NaN.

    Images out of [-1, 1] are refused where the generator ends in tanh or a sigmoid, and so can
    never make them; else, and where they are never negative, a warning tells.
    """
    if not hasattr(real, "dtype"):
        kind = f"a {type(real).__name__}"
        if isinstance(real, dict):
            kind = f"a dict of {', '.join(map(str, real))}"
        raise ValueError(
            f"a batch of samples must be a tensor, found {kind}; use dataset.map(...) to take it "
            "out, or override `unpack`"
        )
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
    _finite(values, "the first batch has")
    if values.ndim == 4:
        _range(float(values.min()), float(values.max()), generator)


def _range(low, high, generator):
    """Compare the first batch's values with those that the generator can make."""
    last = generator.layers[-1] if getattr(generator, "layers", None) else None
    ends = {keras.activations.tanh: (-1.0, "tanh"), keras.activations.sigmoid: (0.0, "sigmoid")}
    least, name = ends.get(getattr(last, "activation", None), (-1.0, None))
    span = f"[{low:.3g}, {high:.3g}]"
    if low < least - 0.01 or high > 1.01:
        hint = "; for 0..255 use x / 127.5 - 1" if 1.01 < high <= 255 and low >= 0 else ""
        if name:
            raise ValueError(
                f"images are expected in [{least:g}, 1], which the generator's last layer "
                f"{last.name!r} ({name}) makes; the first batch lies in {span}{hint}"
            )
    elif least == 0.0 or low < 0.0 or high <= 0.0:
        return
    else:
        hint = "; for 0..1 use x * 2 - 1"
    warnings.warn(
        f"images are expected in [-1, 1], the first batch lies in {span}{hint}", stacklevel=5
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
