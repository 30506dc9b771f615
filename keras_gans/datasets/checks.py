"""Checks on arrays that come from outside: each error says what was found and what is expected."""

import numpy as np

MAX_CLASSES = 65_536
MAX_BYTES = 8 * 2**30  # of an array in memory; what claims more is refused before it is read


def samples(array, where):
    """Return uint8 or float32 images [n, h, w, c], or float32 points [n, d], or raise.

    Args:
        array: uint8 [n, h, w] or [n, h, w, 1 or 3]; floats in [-1, 1] of these shapes; floats
            [n, d] of any range.
        where: the file and array, for the message.

    Raises:
        ValueError: another dtype, rank, channel count or range; NaN; nothing in it.

    Example:
    >>> samples(np.zeros((2, 4, 4), "uint8"), "x.npz").shape
    (2, 4, 4, 1)
    """
    if array.dtype not in (np.uint8, np.float32, np.float64):
        raise ValueError(
            f"{where}: found dtype {array.dtype}, expected uint8 (0..255), or float32 or float64 "
            f"in [-1, 1]"
        )
    points = array.ndim == 2 and array.dtype != np.uint8
    if not points and array.ndim not in (3, 4):
        raise ValueError(
            f"{where}: found shape {array.shape} of {array.dtype}, expected images [n, h, w] or "
            f"[n, h, w, channels], or float points [n, d]"
        )
    if not array.size:
        raise ValueError(f"{where}: found shape {array.shape}, expected at least one sample")
    if array.ndim == 3:
        array = array[..., None]
    if not points and array.shape[-1] not in (1, 3):
        hint = ""
        if array.shape[1] in (1, 3):
            hint = "; channels come last: np.moveaxis(images, 1, -1)"
        raise ValueError(
            f"{where}: found {array.shape[-1]} channels (shape {array.shape}), "
            f"expected 1 or 3{hint}"
        )
    if array.dtype == np.uint8:
        return array
    finite(array, where)
    if not points:
        _range(array, where)
    with np.errstate(over="ignore"):  # Data refuses what float32 cannot hold
        return array.astype(np.float32)


def finite(array, where):
    """Refuse NaN and infinity.

    Raises:
        ValueError: with their number and the index of the first.
    """
    if not array.size or np.isfinite([array.min(), array.max()]).all():
        return
    bad = ~np.isfinite(array)
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    raise ValueError(
        f"{where}: found {int(bad.sum())} NaN or infinite value(s), the first at index "
        f"{first}, expected finite ones"
    )


def _range(array, where):
    low, high = float(array.min()), float(array.max())
    if low < -1 or high > 1:
        fix = "rescale them"
        if low >= 0 and high <= 255:
            fix = "it looks like 0..255: images.astype('uint8'), or images / 127.5 - 1"
    elif low >= 0:
        fix = "it looks like 0..1: images * 2 - 1"
        if low == high:
            fix = f"every value is {low:g}: are these the images?"
    else:
        return
    raise ValueError(f"{where}: found floats in [{low:g}, {high:g}], expected [-1, 1]; {fix}")


def memory(count, where):
    """Refuse an array of more than `MAX_BYTES`, by what its header says.

    Raises:
        ValueError: with both numbers.
    """
    if count > MAX_BYTES:
        raise ValueError(f"{where}: found {count:,} bytes, expected at most {MAX_BYTES:,}")


def brightness(images, where):
    """Refuse uint8 images that use 0 and 1 only: taken as 0..255 they would be all black.

    Raises:
        ValueError: no value above 1.
    """
    if images.dtype == np.uint8 and images.max() <= 1:
        raise ValueError(
            f"{where}: found uint8 values in 0..{images.max()}, expected 0..255 (black to white); "
            f"0 and 1 need images * 255"
        )


def labels(array, count, where):
    """Return int32 labels [count], or raise.

    Args:
        array: integers >= 0, [count] or [count, 1].
        count: the number of samples.
        where: the file and array, for the message.

    Raises:
        ValueError: another shape or dtype, a negative label.
    """
    array = np.asarray(array)
    if array.shape == (count, 1):
        array = array[:, 0]
    if array.shape != (count,):
        raise ValueError(
            f"{where}: found labels of shape {array.shape} for {count} samples, expected ({count},)"
        )
    if array.dtype.kind not in "iu":
        raise ValueError(f"{where}: found labels of dtype {array.dtype}, expected integers")
    if array.min() < 0 or array.max() >= MAX_CLASSES:
        raise ValueError(
            f"{where}: found labels {array.min()} to {array.max()}, expected 0 to "
            f"{MAX_CLASSES - 1} at most"
        )
    return array.astype(np.int32)


def numbered(array):
    """Return the class names "0", "1", ... up to the largest label."""
    return tuple(str(k) for k in range(int(array.max()) + 1))
