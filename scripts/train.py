#!/usr/bin/env python
"""Train a GAN; what it leaves is in saved_models/<name>/.

python scripts/train.py --flagfile=wgan.flags --epochs=50
"""

import command_line

command_line.define_config_flags()


def main(config):
    """Train as the flags say; return the exit status."""
    from keras_gans import experiment  # imports TensorFlow: after the flags are known to be right

    try:
        return experiment.train(config)
    except experiment.USER_ERRORS as error:
        return command_line.fail(error)


if __name__ == "__main__":
    command_line.run(main, command_line.parse_config)
