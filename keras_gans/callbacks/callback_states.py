"""What callbacks know, in a checkpoint: JSON, and NumPy arrays without pickles."""

import json

import numpy as np

JSON, ARRAYS = "callbacks.json", "callbacks.npz"


def save(folder, callbacks):
    """Write the `state()` of the callbacks that have one."""
    states, arrays = {}, {}
    for name, callback in _named(callbacks):
        states[name] = {}
        for key, value in callback.state().items():
            if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
                arrays |= {f"{name}/{key}/{i}": array for i, array in enumerate(value)}
                states[name][key] = {"arrays": len(value)}
            else:
                states[name][key] = value
    (folder / JSON).write_text(json.dumps(states, indent=1) + "\n")
    if arrays:
        np.savez(folder / ARRAYS, **arrays)


def load(folder, gan, callbacks):
    """Give the callbacks what `save` wrote of them; what was not kept leaves them as they are."""
    states = json.loads((folder / JSON).read_text())
    for name, callback in _named(callbacks):
        if name not in states:
            continue
        state = states[name]
        for key, value in state.items():
            if isinstance(value, dict) and value.keys() == {"arrays"}:
                with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
                    state[key] = [arrays[f"{name}/{key}/{i}"] for i in range(value["arrays"])]
        callback.set_model(gan)
        callback.load_state(state)


def _named(callbacks):
    """Return (name, callback) of those with a state; the second of a class is `Name_1`."""
    named = {}
    for callback in callbacks:
        if hasattr(callback, "load_state"):
            kind = type(callback).__name__
            number = sum(name.partition("_")[0] == kind for name in named)
            named[f"{kind}_{number}" if number else kind] = callback
    return list(named.items())
