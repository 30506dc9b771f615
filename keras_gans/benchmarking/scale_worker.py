"""One process of the measurement of scale: times steps, and the sum of a tensor over workers.

python -m keras_gans.benchmarking.scale_worker '{"core": 0, ...}'

It prints one line of JSON that begins with `MEASURED`. TF_CONFIG names the workers.
"""

import json
import os
import statistics
import sys
import time

MARK = "MEASURED "


def main(task):
    """Measure what the task asks for; return it as a dict."""
    if task.get("core") is not None:
        os.sched_setaffinity(0, {task["core"]})  # before TensorFlow counts the cores
    from keras_gans.models import strategy as strategies

    strategy = strategies.make("multi_worker" if "TF_CONFIG" in os.environ else "none")
    found = {
        "steps": {
            str(batch): _steps(strategy, task, batch, task["seconds"]) for batch in task["batches"]
        }
    }
    if task.get("sizes"):
        found["link"] = {str(size): _sum_seconds(strategy, size) for size in task["sizes"]}
    return found


def _steps(strategy, task, batch, seconds):
    """Return the times of executions in seconds a step, and facts of the game."""
    import keras
    import numpy as np
    import tensorflow as tf

    import keras_gans as kg

    keras.utils.set_random_seed(0)
    execution, k = task["steps_per_execution"], task["discriminator_steps"]
    with strategy.scope():
        networks = kg.networks.NAMES[task["network"]](
            tuple(task["shape"]), latent_dim=task["latent_dim"], width=task["width"]
        )
        gan = kg.GAN(*networks, latent_dim=task["latent_dim"], seed=0)
        gan.compile(
            loss="wasserstein",
            penalty="gradient_penalty",
            discriminator_steps=k,
            steps_per_execution=execution,
        )
    whole = batch * strategy.num_replicas_in_sync
    x = np.random.default_rng(0).uniform(-1, 1, [whole, *task["shape"]]).astype("float32")
    data = tf.data.Dataset.from_tensors(x).repeat()

    class Clock(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.times, self.last = [], None

        def on_train_batch_end(self, batch, logs=None):
            now = time.perf_counter()
            if self.last is not None:
                self.times.append((now - self.last) / execution)
            self.last = now

    def run(calls):
        clock = Clock()
        gan.fit(data, steps_per_epoch=calls * execution, callbacks=[clock], verbose=0)
        return clock.times

    # How many executions the time is enough for; at each, the workers wait for each other.
    guess = statistics.median(run(3)[1:]) * execution
    calls = int(min(max(seconds / guess, 5), 2000))
    calls = int(_agreed(strategy, calls))
    times = run(calls + 2)[1:]
    numbers = [network.trainable_variables for network in (gan.discriminator, gan.generator)]
    return {
        "seconds": statistics.median(times),
        "low": statistics.quantiles(times, n=20)[0],
        "high": statistics.quantiles(times, n=20)[-1],
        "times": len(times),
        "gradient_bytes": [4 * sum(int(np.prod(v.shape)) for v in v_) for v_ in numbers],
        "scalars": len(gan.metrics) / execution,
    }


def _agreed(strategy, number):
    """Return the chief's number: workers must make as many steps."""
    from keras_gans.models.sharing import from_chief

    return from_chief(strategy, [number])[0]


def _sum_seconds(strategy, size):
    """Return how long the strategy takes to sum a tensor of a size in bytes over the replicas."""
    import tensorflow as tf

    count = max(1, size // 4)
    in_a_row = 10  # in one call, so that the call itself does not count

    def replica():
        context = tf.distribute.get_replica_context()
        x = tf.ones([count])
        for _ in range(in_a_row):
            x = 0.5 * context.all_reduce("SUM", x)
        return x

    @tf.function(autograph=False)
    def several():
        made = strategy.run(replica)
        return strategy.experimental_local_results(made)[0][0]

    several()
    times = []
    for _ in range(12):
        started = time.perf_counter()
        several().numpy()
        times.append((time.perf_counter() - started) / in_a_row)
    return statistics.median(times)


if __name__ == "__main__":
    print(MARK + json.dumps(main(json.loads(sys.argv[1]))), flush=True)
