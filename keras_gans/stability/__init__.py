"""Whether a GAN converges, and why: on the smallest one, on toy densities, and on any."""
