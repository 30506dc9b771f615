#!/usr/bin/env python
"""Measure how fast training is on this machine, against others and against the machine itself.

python scripts/benchmark.py
python scripts/benchmark.py --torch_python=/path/to/an/environment/with/torch/bin/python
python scripts/benchmark.py --workloads=mlp,ring --smoke

It leaves in saved_models/<name>/: benchmark.json, with the time of every turn, and benchmark.md.
Nothing else should compute beside it.
"""

import functools

import command_line

command_line.define_config_flags("SpeedBenchmark")


def main(config):
    """Measure, print and write; return the exit status."""
    from keras_gans.benchmarking import report, suite  # imports TensorFlow: not for --help
    from keras_gans.benchmarking.peer import PeerError

    config = config.reduced() if config.smoke else config
    try:
        results = suite.run(config)
        print(report.write(results, suite.folder(config)))
    except (ValueError, OSError, PeerError) as error:
        return command_line.fail(error)
    print(f"the figures are in {suite.folder(config)}")
    return 0


if __name__ == "__main__":
    command_line.run(main, functools.partial(command_line.parse_config, table="SpeedBenchmark"))
