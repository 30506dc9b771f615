"""Arrays that the golden values belong to, made again from their seeds wherever they are needed."""

import numpy as np

# (samples of real, of fake, width); those of fewer samples than features have no full rank
SIZES = {
    "small": (40, 40, 8),
    "unequal": (300, 180, 24),
    "wide": (500, 500, 64),
    "inception_like": (600, 500, 128),
}


def features(name):
    """Return (real, fake), float64: correlated, of different means and spreads."""
    n, m, d = SIZES[name]
    # Of NumPy's generators this one alone promises the same numbers for ever.
    random = np.random.RandomState(1000 + d)
    mix = random.standard_normal([d, d]) / np.sqrt(d) + np.eye(d)
    real = random.standard_normal([n, d]) @ mix + 1.0
    fake = 1.2 * (random.standard_normal([m, d]) @ mix.T) + random.standard_normal(d) * 0.3 + 0.9
    if name == "inception_like":  # rectified and skewed, a few large ones
        real, fake = np.maximum(real, 0.0) ** 2, np.maximum(fake, 0.0) ** 2
    return real, fake


def lattice():
    """Return (real, fake) of whole numbers, where many distances are the same to the last bit."""
    random = np.random.RandomState(7)
    return tuple(random.randint(0, 4, size=[n, 3]).astype(np.float64) for n in (200, 150))


def logits():
    """Return a classifier's logits [1000, 10], float64."""
    return 2.0 * np.random.RandomState(3).standard_normal([1000, 10])


def subsets(name, count, size, seed):
    """Yield (real, fake) of the subsets that torch-fidelity draws from this seed."""
    real, fake = features(name)
    random = np.random.RandomState(seed)
    for _ in range(count):
        x = real[random.choice(len(real), size, replace=False)]
        yield x, fake[random.choice(len(fake), size, replace=False)]
