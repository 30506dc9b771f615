#!/usr/bin/env python
"""Draw from a trained generator: a grid, single PNGs, and a walk between latents as a GIF.

python scripts/sample.py --run=saved_models/wgan --n=100 --seed=7
python scripts/sample.py --saved_model=saved_models/wgan/export --output=pictures
"""

import pathlib

import command_line
from absl import flags

flags.DEFINE_string("run", "", "a run's folder: its newest checkpoint is drawn from")
flags.DEFINE_string("saved_model", "", "an exported generator's folder, in place of a run")
flags.DEFINE_string("output", "", "where the pictures go; <run>/generated if empty")
flags.DEFINE_integer("n", 64, "how many samples", lower_bound=1)
flags.DEFINE_integer("seed", 0, "the same seed gives the same samples", 0, 2**31 - 1)
flags.DEFINE_integer("columns", 0, "images in a row of the grid; 0 makes it square", 0)
flags.DEFINE_integer("interpolate", 6, "latents that the GIF walks through; 0 makes none", 0)
flags.DEFINE_integer("frames", 12, "frames from one latent to the next", 1)


def parse(argv):
    """Return the flags, or raise what is wrong with them."""
    values = command_line.parse_flags(argv)
    if bool(values.run) == bool(values.saved_model):
        raise flags.Error("give either --run or --saved_model")
    return values


def main(values):
    """Draw what the flags ask for; return the exit status."""
    import numpy as np

    from keras_gans import experiment, export, images
    from keras_gans.noise import latents, walk

    try:
        if values.run:
            gan = experiment.load_run(values.run)
            sample, generate, latent_dim = gan.generate, lambda z: gan(z).numpy(), gan.latent_dim
        else:
            exported = export.load_exported(values.saved_model)
            sample, generate = exported.sample, exported.from_latents
            latent_dim = exported.latent_dim
        output = pathlib.Path(values.output or f"{values.run or '.'}/generated")
        samples = sample(values.n, seed=values.seed)
        images.draw(samples, output / "grid.png", values.columns or None)
        if not images.is_image(samples):
            np.savetxt(output / "samples.csv", samples.reshape(len(samples), -1), delimiter=",")
        else:
            images.save_each(samples, output)
            if values.interpolate > 1:
                stops = latents(values.interpolate, latent_dim, values.seed)
                frames = generate(walk(stops, values.frames))
                images.save_gif(frames, output / "interpolation.gif")
    except experiment.USER_ERRORS as error:
        return command_line.fail(error)
    print(f"{values.n} samples are in {output}")
    return 0


if __name__ == "__main__":
    command_line.run(main, parse)
