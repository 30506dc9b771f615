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
flags.DEFINE_bool("array", False, "write the samples as samples.npz as well")
flags.DEFINE_string("watermark", "", "a key: mark the images' pixels with it; none if empty")
flags.DEFINE_bool("c2pa", False, "sign each PNG with Content Credentials (C2PA)")
flags.DEFINE_string("c2pa_certificates", "", "PEM file of the chain, the signer's first")
flags.DEFINE_string("c2pa_key", "", "PEM file of the signer's private key")
flags.DEFINE_string("c2pa_algorithm", "es256", "es256, ps256, ed25519, ... as the key is")


def parse(argv):
    """Return the flags, or raise what is wrong with them."""
    values = command_line.parse_flags(argv)
    if bool(values.run) == bool(values.saved_model):
        raise flags.Error("give either --run or --saved_model")
    if values.c2pa and not (values.c2pa_certificates and values.c2pa_key):
        raise flags.Error("--c2pa needs --c2pa_certificates and --c2pa_key")
    return values


def main(values):
    """Draw what the flags ask for; return the exit status."""
    from keras_gans import experiment, export, gallery, provenance, watermark
    from keras_gans.noise import latents, walk

    try:
        if values.run:
            gan = experiment.load_run(values.run)
            sample, generate, latent_dim = gan.generate, lambda z: gan(z).numpy(), gan.latent_dim
            mark = provenance.mark(gan, values.seed)
        else:
            exported = export.load_exported(values.saved_model)
            sample, generate = exported.sample, exported.from_latents
            latent_dim = exported.latent_dim
            mark = provenance.Mark(exported.checkpoint, values.seed)
        output = pathlib.Path(values.output or f"{values.run or '.'}/generated")
        samples, frames = sample(values.n, seed=values.seed), None
        if values.interpolate > 1 and samples.ndim == 4:
            stops = latents(values.interpolate, latent_dim, values.seed)
            frames = generate(walk(stops, values.frames))
        if values.watermark:
            samples = watermark.embed(samples, values.watermark)
            frames = None if frames is None else watermark.embed(frames, values.watermark)
        columns = values.columns or None
        for file in gallery.write(output, samples, mark, columns, frames, values.array):
            if values.c2pa:
                chain, key = values.c2pa_certificates, values.c2pa_key
                provenance.sign(file, chain, key, values.c2pa_algorithm, mark.texts())
    except (*experiment.USER_ERRORS, ImportError) as error:
        return command_line.fail(error)
    print(f"{values.n} samples are in {output}")
    return 0


if __name__ == "__main__":
    command_line.run(main, parse)
