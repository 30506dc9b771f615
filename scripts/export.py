#!/usr/bin/env python
"""Write a run's generator as a SavedModel, the next version for TF Serving.

python scripts/export.py --run=saved_models/wgan
"""

import command_line
from absl import flags

flags.DEFINE_string("run", "", "the run's folder: its newest checkpoint is exported")
flags.DEFINE_string("path", "", "the folder of the versions; <run>/export if empty")
flags.DEFINE_string("watermark", "", "a key: mark the images' pixels with it; none if empty")


def parse(argv):
    """Return the flags, or raise what is wrong with them."""
    values = command_line.parse_flags(argv)
    if not values.run:
        raise flags.Error("--run is missing: a run's folder, such as saved_models/wgan")
    return values


def main(values):
    """Export; return the exit status."""
    from keras_gans import experiment, export

    try:
        gan = experiment.load_run(values.run)
        path = values.path or f"{values.run}/export"
        version = export.export_generator(gan, path, watermark_key=values.watermark)
    except experiment.USER_ERRORS as error:
        return command_line.fail(error)
    print(f"step {gan.step:,} is exported to {version}")
    return 0


if __name__ == "__main__":
    command_line.run(main, parse)
