#!/usr/bin/env python
"""Measure which methods converge, and how: methods x problems x seeds, on all cores.

python scripts/stability.py --flagfile=stability.flags
python scripts/stability.py --smoke
python scripts/stability.py --methods=r1,unrolled --problems=imbalanced_ring --seeds=3 --name=mine

It leaves in saved_models/<name>/: report.html, which needs no network, cells.csv, summary.csv, and
cells/ with one file a run. Started again, it goes on with the runs that are missing.
"""

import functools

import command_line

command_line.define_config_flags("Benchmark")


def main(config):
    """Run what is missing, write the report; return the exit status."""
    from keras_gans.stability import benchmark, report  # imports TensorFlow: not for --help

    config = config.reduced() if config.smoke else config
    folder = benchmark.folder(config)
    try:
        missing = benchmark.run(config)
        report.write(benchmark.load(config), config, folder)
    except (ValueError, OSError) as error:
        return command_line.fail(error)
    except KeyboardInterrupt:
        command_line.fail(f"interrupted; {folder} keeps what is done, the same command goes on")
        return 130
    print(f"the report is {folder / 'report.html'}, the tables cells.csv and summary.csv beside it")
    if missing:
        return command_line.fail(f"{len(missing)} runs are missing: {', '.join(missing)}")
    return 0


if __name__ == "__main__":
    command_line.run(main, functools.partial(command_line.parse_config, table="Benchmark"))
