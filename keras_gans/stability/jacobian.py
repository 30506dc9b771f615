"""The eigenvalues of a game: what gradient descent does near the present weights."""

import dataclasses
import warnings

import numpy as np
import tensorflow as tf
from scipy.sparse import linalg

from keras_gans.gradients import gradients
from keras_gans.models import Probe

DENSE = 2000  # parameters up to which the whole Jacobian is taken
# ARPACK's vectors for each eigenvalue asked for. The rightmost ones crowd near zero; in a narrow
# space, SciPy's has 2, each restart drops what it had begun to tell apart.
WIDTH = {"LM": 6, "LR": 10, "LI": 6}
RESTARTS = 2  # of ARPACK; an eigenvalue in a dense cluster may take more
ZERO = 1e-6  # of the largest absolute value: what is smaller is float32's noise


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of the Jacobian of a gradient field, by falling real part.

    Args:
        eigenvalues: complex128 [n].
        parameters: of both players together.
        complete: whether these are all eigenvalues; if not, they are the leading ones by real
            part, by imaginary part and by absolute value.

    Example:
        >>> spectrum = Spectrum(np.array([-1 + 2j, -1 - 2j, -3 + 0j]), 3, True)
        >>> round(spectrum.rotation_index, 2), round(spectrum.max_learning_rate, 2)
        (0.67, 0.4)
        >>> spectrum.stable
        True
    """

    eigenvalues: np.ndarray
    parameters: int
    complete: bool

    @property
    def _moving(self):
        """The eigenvalues that are not zero, as far as float32 can tell."""
        size = np.abs(self.eigenvalues)
        return self.eigenvalues[size > ZERO * size.max(initial=0.0)]

    @property
    def stable(self):
        """Whether all eigenvalues that are not zero have a negative real part."""
        moving = self._moving
        return bool(len(moving) and (moving.real < -ZERO * np.abs(moving).max()).all())

    @property
    def rotation_index(self):
        """Share of the eigenvalues that are not zero with |Im| > |Re|, in [0, 1]."""
        moving = self._moving
        return float(np.mean(np.abs(moving.imag) > np.abs(moving.real))) if len(moving) else 0.0

    @property
    def max_learning_rate(self):
        """The rate below which simultaneous gradient descent converges locally; 0 if none does.

            min over eigenvalues of -2 Re / |eigenvalue|²

        Of an incomplete spectrum it is an upper bound.

        Reference: Mescheder et al., arXiv:1705.10461, lemma 4.
        """
        if not self.stable:
            return 0.0
        moving = self._moving
        return float(np.min(-2.0 * moving.real / np.abs(moving) ** 2))


class Field:
    """v = (-∇_G L_G, -∇_D L_D) of a probe, as one flat vector of both players' weights."""

    def __init__(self, probe):
        self.probe = probe
        self.variables = [*probe.generator_variables, *probe.discriminator_variables]
        self.shapes = [tuple(variable.shape) for variable in self.variables]
        self.sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.size = sum(self.sizes)
        self._product = tf.function(self._transposed_product, autograph=False)

    def vector(self):
        """Return v, float32 [size]."""
        discriminator, generator = self.probe.gradients()
        return -_flat([*generator, *discriminator])

    def _transposed_product(self, u):
        with tf.GradientTape() as tape:
            along = tf.reduce_sum(self.vector() * u)
        return _flat(gradients(tape, along, self.variables))

    def transposed_product(self, u):
        """Return Jᵀ u for a vector [size], float64."""
        return self._product(tf.constant(np.ravel(u), tf.float32)).numpy().astype(np.float64)

    def jacobian(self):
        """Return the whole J, float64 [size, size]; its row i is Jᵀ e_i."""
        return np.stack([self.transposed_product(e) for e in np.eye(self.size)])


def _flat(tensors):
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)


def game_jacobian(gan, real, seed=0):
    """Return the Jacobian of the gradient field at the present weights.

        v = (-∇_G L_G, -∇_D L_D),   J = ∂v / ∂(G, D)

    Args:
        gan: a compiled `GAN` with few parameters: n in both networks together.
        real: samples [B, ...], float32, the fixed batch that the losses are taken on.
        seed: of the latents and the penalty's noise.

    Returns:
        float64 [n, n], the generator's weights first.

    Example:
        >>> generator, discriminator = kg.networks.mlp((2,), latent_dim=1, width=2)
        >>> gan = kg.GAN(generator, discriminator, latent_dim=1)
        >>> gan.compile()
        >>> game_jacobian(gan, np.zeros([4, 2], "float32")).shape
        (19, 19)

    Reference: Mescheder et al., arXiv:1705.10461, equation 3.
    """
    return Field(Probe(gan, real, seed=seed)).jacobian()


def game_spectrum(gan, real, k=None, seed=0, tolerance=1e-3):
    """Return the eigenvalues of the game at the present weights, the penalty included.

    The field is that of simultaneous gradient descent on a fixed batch and fixed latents. Real
    parts above zero drive the players away from the present point, imaginary ones around it. Up to
    2,000 parameters all eigenvalues are computed; above, ARPACK finds the leading ones from
    products with the Jacobian, which is never formed.

    Args:
        gan: a compiled `GAN`.
        real: samples [B, ...], float32.
        k: how many eigenvalues to ask for by each of real part, imaginary part and absolute value,
            >= 1; None takes all of a small game, and 20 of a large one.
        seed: of the latents, the penalty's noise and ARPACK's start.
        tolerance: relative accuracy of the leading ones; of those by real part, which crowd near
            zero in a large game, a hundredth of it as a share of the largest absolute value.

    Returns:
        `Spectrum`.

    ARPACK may miss imaginary parts below a hundredth or so of the largest absolute value, finds an
    eigenvalue that occurs many times (zero) only once or twice, and warns where others lie too
    close to be told apart in time. It holds 10 k float64 vectors of all weights, 1.6 GB for a
    million of them and k = 20.

    Raises:
        ValueError: if k does not lie below the number of parameters less one.

    Example:
        >>> generator, discriminator = kg.networks.mlp((2,), latent_dim=1, width=2)
        >>> gan = kg.GAN(generator, discriminator, latent_dim=1)
        >>> gan.compile(penalty="r1")
        >>> spectrum = game_spectrum(gan, np.zeros([4, 2], "float32"))
        >>> len(spectrum.eigenvalues), spectrum.complete
        (19, True)

    Reference: Mescheder et al., arXiv:1705.10461, section 3; Nagarajan and Kolter,
    arXiv:1706.04156, section 3.
    """
    field = Field(Probe(gan, real, seed=seed))
    if k is None and field.size <= DENSE:
        return Spectrum(_sorted(np.linalg.eigvals(field.jacobian())), field.size, True)
    k = 20 if k is None else k
    if not 1 <= k < field.size - 1:
        raise ValueError(f"k must lie in [1, {field.size - 2}] for this game, found {k!r}")
    start = np.random.default_rng(seed).normal(size=field.size)
    found = _leading(field, k, "LM", start, tolerance)
    scale = np.abs(found).max(initial=0.0)
    # ARPACK's accuracy is relative to each eigenvalue, too much to ask of those near zero. The
    # rightmost of J + scale I are far from it, and the Krylov space is the same.
    rightmost = _leading(field, k, "LR", start, tolerance / 100, shift=scale)
    found = _union(found, rightmost, 10 * tolerance)
    found = _union(found, _leading(field, k, "LI", start, tolerance), 10 * tolerance)
    return Spectrum(_sorted(found), field.size, False)


def _leading(field, k, which, start, tolerance, shift=0.0):
    """Return up to k eigenvalues, found as those of J + shift I, less the shift.

    Warns where ARPACK found fewer in time.
    """

    # J and its transpose have the same eigenvalues; the transpose takes one gradient less.
    def product(u):
        return field.transposed_product(u) + shift * np.ravel(u)

    try:
        found = linalg.eigs(
            linalg.LinearOperator((field.size, field.size), matvec=product, dtype=np.float64),
            k,
            which=which,
            v0=start,
            ncv=min(max(WIDTH[which] * k, 40), field.size),
            maxiter=RESTARTS,
            tol=tolerance,
            return_eigenvectors=False,
        )
    except linalg.ArpackNoConvergence as error:
        found = error.eigenvalues
        warnings.warn(
            f"game_spectrum: {len(found)} of {k} eigenvalues ({which}) converged in "
            f"{RESTARTS} restarts; the others are left out",
            stacklevel=3,
        )
    return found - shift


def _union(known, new, tolerance):
    """Add to `known` the eigenvalues that it lacks; one that occurs twice in either is kept so."""
    left = list(known)
    added = []
    for value in new:
        distance = [abs(value - other) for other in left]
        if distance and min(distance) <= tolerance * abs(value):
            left.pop(int(np.argmin(distance)))
        else:
            added.append(value)
    return np.concatenate([known, np.array(added, complex)])


def _sorted(eigenvalues):
    return eigenvalues[np.lexsort((eigenvalues.imag, -eigenvalues.real))]
