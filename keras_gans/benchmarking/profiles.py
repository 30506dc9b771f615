"""Where the time of a step of `fit` goes: TensorFlow's record of its operations, by their kind."""

import pathlib

from keras_gans.benchmarking.workloads import WORKLOADS

PART = {  # of an operation's type: the first that fits
    "products": ("MatMul", "Conv2D"),
    "optimizers": ("ResourceApply",),
    "random numbers": ("Random",),
    "sums and reorderings": ("AddN", "Concat", "Split", "Transpose", "Pad", "Tile", "ToTf"),
}
OTHER = "other operations"


def measure(start, names, report, steps=10, turns=3):
    """Return the milliseconds that operations of each kind take in a step of `fit`.

    Operations may run side by side, so that their sum may exceed the step, which recording makes
    longer. TensorFlow records none that take but a microsecond or two. Of several turns the one
    with the shortest step counts.

    Args:
        start: function of (kind, workload) to a contestant.
        names: of workloads; those without a step are left out.
        report: called with a line of text after each workload.
        steps: recorded in each turn.
        turns: of each workload.

    Returns:
        {name: {"step": milliseconds, "kinds": {kind: [milliseconds, operations] a step}}}.
    """
    found = {}
    for name in names:
        if WORKLOADS[name].generation:
            continue
        peer = start("profile", WORKLOADS[name])
        try:
            made = [peer.run(steps) for _ in range(turns)]
        finally:
            peer.close()
        best = min(made, key=lambda turn: turn["seconds"] / turn["steps"])
        count = best["steps"]
        kinds = {kind: [1e3 * s / count, n / count] for kind, (s, n) in best["kinds"].items()}
        found[name] = {"step": 1e3 * best["seconds"] / count, "kinds": kinds}
        report(f"profile: {name}")
    return found


def read(folder):
    """Return the `seconds` of a recording, and its `kinds`: {kind: [seconds, operations]}."""
    found, spans = {}, []
    for path in pathlib.Path(folder).rglob("*.xplane.pb"):
        for kind, begin, end, own in _operations(path.read_bytes()):
            total = found.setdefault(kind, [0.0, 0])
            total[0] += own / 1e12
            total[1] += 1
            spans.append((begin, end))
    begins, ends = zip(*spans, strict=True)
    return {"seconds": (max(ends) - min(begins)) / 1e12, "kinds": found}


def kind_of(operation):
    """Return the kind of an operation by its type.

    Example:
        >>> kind_of("_MklMatMul"), kind_of("LeakyReluGrad")
        ('products', 'other operations')
    """
    return next((k for k, some in PART.items() if any(s in operation for s in some)), OTHER)


def _operations(space):
    """Yield (kind, begin, end, time without what lies within) of operations, in picoseconds."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    for plane in xplane_pb2.XSpace.FromString(space).planes:
        kinds = {key: _type(made.name) for key, made in plane.event_metadata.items()}
        for line in plane.lines:  # a thread
            start = 1000 * line.timestamp_ns
            events = [event for event in line.events if kinds[event.metadata_id]]
            events.sort(key=lambda event: (event.offset_ps, -event.duration_ps))
            own, open_ = [event.duration_ps for event in events], []
            for i, event in enumerate(events):
                while open_ and _end(events[open_[-1]]) <= event.offset_ps:
                    open_.pop()
                if open_:
                    own[open_[-1]] -= event.duration_ps
                open_.append(i)
            for event, left in zip(events, own, strict=True):
                begin = start + event.offset_ps
                yield kind_of(kinds[event.metadata_id]), begin, begin + event.duration_ps, left


def _end(event):
    return event.offset_ps + event.duration_ps


def _type(name):
    """Return the type of an operation from its name in the record, "node:Type"; None of others."""
    node, separator, kind = name.rpartition(":")
    return kind if separator and not node.endswith(":") and kind.isidentifier() else None
