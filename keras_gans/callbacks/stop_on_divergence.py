"""Stop, warn or go back when a run goes wrong, and say by which sign."""

import dataclasses
import math

import keras
import tensorflow as tf

from keras_gans.callbacks.good_state import GoodState, cut_learning_rates, make_cuttable
from keras_gans.callbacks.stability_monitor import NAMES

ACTIONS = ("stop", "warn", "rollback")


@dataclasses.dataclass(frozen=True)
class Event:
    """A sign of divergence.

    Args:
        signal: "non-finite value", "exploding gradient", "saturated discriminator" or "collapsed
            diversity".
        name: the logged value that showed it.
        value: what it was.
        threshold: the limit that it crossed, as text; empty for a non-finite value.
        epoch, step: when: epoch counted from 1, generator updates.
        action: what was done: "stop", "warn" or "rollback".
        message: all of that in a sentence.
    """

    signal: str
    name: str
    value: float
    threshold: str
    epoch: int
    step: int
    action: str
    message: str


class StopOnDivergence(keras.callbacks.Callback):
    """Act as soon as training goes wrong, and say by which sign, value, epoch and step.

    | signal | when |
    |---|---|
    | non-finite value | any logged value is NaN or infinite; looked at each step. Any weight is, |
    | | looked at each epoch |
    | exploding gradient | `d_gradient` or `g_gradient` > `max_gradient` |
    | saturated discriminator | `d_saturation` >= `max_saturation`, `patience` times in a row |
    | collapsed diversity | `diversity` < `min_diversity`, or `duplicates` >= `max_duplicates` |
    | | after it was less, `patience` times in a row |

    All but the first need a `StabilityMonitor` before this callback in the list. Put `Checkpoint`
    after it, which then keeps the last good state. `keras.callbacks.TerminateOnNaN` reads
    `logs["loss"]` alone and never fires on a GAN.

    With `action="rollback"` everything that training changes goes back, bit for bit, to the end of
    the last epoch without a sign (or the start), and both learning rates are multiplied by `cut`:
    a schedule by a factor that stays, see `CutSchedule`. `fit` goes on with the data that come
    next. After `max_rollbacks` it stops.

    Args:
        action: "stop"; "warn", which says it once for as long as it lasts; or "rollback".
        max_gradient: largest norm of a player's gradient, > 0.
        max_saturation: share of saturated logits, in (0, 1]; None looks not at it.
        min_diversity: part of the real samples' mean distance, >= 0; 0 looks not at it.
        max_duplicates: share of generated samples, in (0, 1]; None looks not at it.
        patience: measurements in a row, >= 1.
        cut: what learning rates are multiplied by, in (0, 1].
        max_rollbacks: how often it goes back at most, >= 1.
        end_fit: whether `fit` ends after a rollback, so that the caller can go on with the data
            that belong to the step gone back to.

    Attributes:
        reason: None, or the sentence that says why it stopped.
        events: all signs so far, a list of `Event`.
        rolled_back: whether this `fit` went back.

    Raises:
        ValueError: if an argument cannot be; when training begins, if a learning rate cannot be
            cut.

    Example:
        >>> monitor, stop = kg.callbacks.StabilityMonitor(), StopOnDivergence(action="rollback")
        >>> gan.fit(dataset, callbacks=[monitor, stop])  # doctest: +SKIP
    """

    def __init__(
        self,
        action="stop",
        max_gradient=1e5,
        max_saturation=1.0,
        min_diversity=0.02,
        max_duplicates=1.0,
        patience=5,
        cut=0.5,
        max_rollbacks=3,
        end_fit=False,
    ):
        super().__init__()
        _check(action, max_gradient, max_saturation, min_diversity, max_duplicates)
        if int(patience) != patience or patience < 1:
            raise ValueError(f"patience must be a whole number >= 1, found {patience!r}")
        if not 0.0 < cut <= 1.0:
            raise ValueError(f"cut must lie in (0, 1], found {cut!r}")
        if int(max_rollbacks) != max_rollbacks or max_rollbacks < 1:
            raise ValueError(f"max_rollbacks must be a whole number >= 1, found {max_rollbacks!r}")
        self.action, self.max_gradient, self.max_saturation = action, max_gradient, max_saturation
        self.min_diversity, self.max_duplicates = min_diversity, max_duplicates
        self.patience, self.cut, self.max_rollbacks = patience, cut, max_rollbacks
        self.end_fit = end_fit
        self.reason, self.events, self.rolled_back = None, [], False
        self._epoch, self._rollbacks, self._been_diverse = 0, 0, False
        self._seen, self._counts = None, {}
        self._shown = {"logged": set(), "measured": set()}
        self._good = None

        self._kept = None

    def state(self):
        """Return what a checkpoint keeps, the state to roll back to included."""
        state = {
            "events": [dataclasses.asdict(event) for event in self.events],
            "rollbacks": self._rollbacks,
            "been_diverse": self._been_diverse,
            "epoch": self._epoch,
            "seen": self._seen,
            "counts": self._counts,
            "shown": {kind: sorted(signs) for kind, signs in self._shown.items()},
        }
        if self._good is not None and self._good.step != self.model.step:
            state |= {"good_step": self._good.step, "good": self._good.values}
        return state

    def load_state(self, state):
        """Take up what a checkpoint kept."""
        self.events = [Event(**event) for event in state["events"]]
        self._rollbacks, self._been_diverse = state["rollbacks"], state["been_diverse"]
        self._counts = state["counts"]
        self._shown = {k: {tuple(sign) for sign in signs} for k, signs in state["shown"].items()}
        self._kept = state

    def on_train_begin(self, logs=None):
        """Keep the state to begin with."""
        self.rolled_back = False
        if self.action != "rollback":
            return
        make_cuttable(self.model)
        if self._kept is not None and "good" in self._kept:
            self._good = GoodState.of(self.model, self._kept["good"], self._kept["good_step"])
        else:
            self._keep_state()

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch."""
        resumed = self._kept is not None and self._kept["epoch"] == epoch
        self._epoch, self._seen = epoch, self._kept["seen"] if resumed else None
        self._kept = None

    def on_train_batch_end(self, batch, logs=None):
        """Look at every value that the step logged."""
        self._look(logs or {})

    def on_epoch_end(self, epoch, logs=None):
        """Look at every value of the epoch; keep a good state."""
        if self._just_rolled_back():  # the means are of steps that were taken back
            if logs is not None:
                logs.update({name: math.nan for name in logs if name not in NAMES})
            return
        if self.model.interrupted:
            return
        self._look((logs or {}) | _broken_weights(self.model))
        if self.action == "rollback" and not self._just_rolled_back():
            self._keep_state()

    def _just_rolled_back(self):
        """Tell whether no step was made since the last rollback."""
        return self.rolled_back and self.model.step == self._good.step

    def _keep_state(self):
        if self._good is not None and (any(self._counts.values()) or self.reason):
            return
        state = GoodState(self.model)
        if state.finite:
            self._good = state

    def _look(self, logs):
        """Act on the signs that the logs show, on each once for as long as it lasts."""
        if self.reason:
            return
        values = {name: float(value) for name, value in logs.items()}
        signs = {
            "logged": [
                ("non-finite value", name, value, "")
                for name, value in values.items()
                if not math.isfinite(value)
            ]
        }
        found = {name: values[name] for name in NAMES if name in values}
        if found and found != self._seen:  # an epoch's logs may repeat what its steps measured
            self._seen = found
            signs["measured"] = self._measured_signs(found)
        new = []
        for kind, shown in signs.items():
            new += [sign for sign in shown if sign[:2] not in self._shown[kind]]
            self._shown[kind] = {sign[:2] for sign in shown}
        if new:
            self._act(new)

    def _measured_signs(self, found):
        gradient, diversity = "exploding gradient", "collapsed diversity"
        saturation = "saturated discriminator"
        rules = [
            (gradient, "d_gradient", ">", self.max_gradient, 1),
            (gradient, "g_gradient", ">", self.max_gradient, 1),
            (saturation, "d_saturation", ">=", self.max_saturation, self.patience),
            (diversity, "diversity", "<", self.min_diversity, self.patience),
            (diversity, "duplicates", ">=", self.max_duplicates, self.patience),
        ]
        signs = []
        for signal, name, relation, limit, patience in rules:
            if limit is None:
                continue
            value = found[name]
            if name == "duplicates":  # all samples of an untrained generator are alike
                self._been_diverse |= value < limit
                if not self._been_diverse:
                    continue
            beyond = {">": value > limit, ">=": value >= limit, "<": value < limit}[relation]
            self._counts[name] = self._counts.get(name, 0) + 1 if beyond else 0
            if self._counts[name] >= patience:
                times = f", {self._counts[name]} times in a row" if patience > 1 else ""
                signs.append((signal, name, value, f"{relation} {limit:g}{times}"))
        return signs

    def _act(self, signs):
        epoch, step = self._epoch + 1, self.model.step
        described = "; ".join(
            f"{signal}, {name} = {value:.6g}" + (f" {threshold}" if threshold else "")
            for signal, name, value, threshold in signs
        )
        message = f"training diverged in epoch {epoch} at step {step:,}: {described}"
        action = self.action
        if action == "rollback" and (self._rollbacks >= self.max_rollbacks or self._good is None):
            tried = f"after {self._rollbacks} rollbacks" if self._rollbacks else "no good state"
            action, message = "stop", f"{message} ({tried})"
        self.events += [Event(*sign, epoch, step, action, message) for sign in signs]
        if action == "rollback":
            self._roll_back(message)
        elif action == "stop":
            self.reason = message
            self.model.diverged = True
            self.model.stop_training = True
            print(f"\n{message}; stopped.")
        else:
            print(f"\n{message}; going on.")

    def _roll_back(self, message):
        self._good.restore()
        rates = cut_learning_rates(self.model, self.cut)
        self._good = GoodState(self.model)  # with the learning rates that were cut
        self.model.reset_metrics()  # what they add up may be no number any more
        self.model.abandoned_after = self._good.step
        self._rollbacks += 1
        self._counts, self.rolled_back = {}, True
        self._shown = {"logged": set(), "measured": set()}
        self.model.stop_training |= self.end_fit
        self.model.interrupted |= self.end_fit
        print(
            f"\n{message}; back to step {self._good.step:,}, learning rates now "
            f"{rates[0]:.3g} (generator) and {rates[1]:.3g} (discriminator)."
        )


def _broken_weights(game):
    """Return {path: NaN} of each weight with a value that is no number.

    A fused ReLU makes 0 of NaN, so that broken weights need not show in any loss.
    """
    weights = [*game.generator_variables, *game.discriminator_variables]
    whole = [tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(w))) for w in weights]
    return {w.path: math.nan for w, fine in zip(weights, whole, strict=True) if not fine}


def _check(action, max_gradient, max_saturation, min_diversity, max_duplicates):
    if action not in ACTIONS:
        raise ValueError(f"action must be one of {', '.join(ACTIONS)}, found {action!r}")
    if not max_gradient > 0:
        raise ValueError(f"max_gradient must be > 0, found {max_gradient!r}")
    for name, share in (("max_saturation", max_saturation), ("max_duplicates", max_duplicates)):
        if share is not None and not 0.0 < share <= 1.0:
            raise ValueError(f"{name} must be None or lie in (0, 1], found {share!r}")
    if not min_diversity >= 0:
        raise ValueError(f"min_diversity must be >= 0, found {min_diversity!r}")
