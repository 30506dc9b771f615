import io
import json
import sys
import textwrap

import pytest

from keras_gans.benchmarking import serve
from keras_gans.benchmarking.peer import Peer, PeerError
from keras_gans.benchmarking.workloads import WORKLOADS

STUB = textwrap.dedent(
    """
    import runpy, sys
    module = runpy.run_path(sys.argv[1])

    class Stub:
        parameters, note = [3, 4], "a stub"

        def __init__(self, workload, device):
            assert workload["name"] == "ring" and device == "cpu"
            if sys.argv[2] == "refuses":
                raise ValueError("no such thing")

        def first(self):
            self.run(1)

        def run(self, steps):
            if steps == 13:
                raise ArithmeticError("unlucky")
            if steps == 666:
                sys.exit(3)
            return {"seconds": 0.5 * steps, "steps": steps}

    module["serve"](Stub, sys.stdin, sys.stdout)
    """
)


def stub(mode="works"):
    return Peer(
        "torch", WORKLOADS["ring"], command=[sys.executable, "-c", STUB, serve.__file__, mode]
    )


def test_a_peer_is_started_asked_and_ended():
    peer = stub()
    assert peer.started["parameters"] == [3, 4] and peer.started["note"] == "a stub"
    assert peer.started["first_step"] >= 0.0 and peer.started["build"] >= 0.0
    assert peer.run(10) == {"seconds": 5.0, "steps": 10}
    with pytest.raises(PeerError, match="torch: ArithmeticError: unlucky"):
        peer.run(13)
    assert peer.run(2)["seconds"] == 1.0
    assert 1e6 < peer.close() < 1e8  # its own, not that of the process that started it
    assert peer._process.returncode == 0


def test_a_peer_that_cannot_start_or_dies_is_an_error():
    with pytest.raises(PeerError, match="torch: ValueError: no such thing"):
        stub("refuses")
    peer = stub()
    with pytest.raises(PeerError, match="torch: its process ended with 3"):
        peer.run(666)
    with pytest.raises(PeerError, match="nowhere"):
        Peer("torch", WORKLOADS["ring"], python="nowhere/python")


def test_the_answers_are_a_line_of_json_each():
    class Contestant:
        parameters, first_step = [1, 2], 0.25

        def first(self):
            pass

        def run(self, steps):
            return {"seconds": 1.0, "steps": steps}

        def memory(self):
            return 7

    asked = [{"do": "start", "workload": {}, "device": "cpu"}, {"do": "run", "steps": 5}]
    source = io.StringIO("".join(json.dumps(ask) + "\n" for ask in [*asked, {"do": "memory"}]))
    sink = io.StringIO()
    serve.serve(lambda workload, device: Contestant(), source, sink)
    start, ran, memory = map(json.loads, sink.getvalue().splitlines())
    assert start["parameters"] == [1, 2] and start["first_step"] == 0.25
    assert ran == {"seconds": 1.0, "steps": 5} and memory == {"memory": 7}
