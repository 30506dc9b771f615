#!/usr/bin/env python
"""Measure how fast training is on this machine, against others and against the machine itself.

python scripts/benchmark.py
python scripts/benchmark.py --torch_python=/path/to/an/environment/with/torch/bin/python
python scripts/benchmark.py --workloads=mlp,ring --smoke
python scripts/benchmark.py --scale

It leaves in saved_models/<name>/: benchmark.json, with the time of every turn, benchmark.md and
benchmark.html. Nothing else should compute beside it.
"""

import functools

import command_line

command_line.define_config_flags("SpeedBenchmark")


def main(config):
    """Measure, print and write; return the exit status."""
    # These import TensorFlow: not for --help.
    from keras_gans.benchmarking import report, scale, suite

    config = config.reduced() if config.smoke else config
    folder = suite.folder(config)
    try:
        if config.scale:
            print(scale.report(folder))
            return 0
        results = suite.run(config, keep=lambda results: report.write(results, folder))
        print(report.write(results, folder))
    except (ValueError, OSError, RuntimeError) as error:
        return command_line.fail(error)
    except KeyboardInterrupt:
        command_line.fail(f"interrupted; {folder} keeps the workloads that were done")
        return 130
    print(f"{folder} has benchmark.html, the same as benchmark.md, and all times in benchmark.json")
    return 0


if __name__ == "__main__":
    command_line.run(main, functools.partial(command_line.parse_config, table="SpeedBenchmark"))
