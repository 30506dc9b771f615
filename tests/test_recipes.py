"""The recipes for toy densities hold what they promise; their time is not looked at."""

import pathlib

import pytest

from keras_gans import experiment, metrics
from keras_gans.config import Config

FLAGS = pathlib.Path(__file__).parents[1] / "scripts" / "flags"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "dataset", "modes", "high_quality"),
    [
        ("ring", "ring", 8, 0.96),
        ("grid", "grid", 25, 0.95),
        ("ring", "imbalanced_ring", 8, 0.0),  # the rarest mode has 2% of the samples
    ],
)
def test_a_recipe_finds_every_mode_and_stays_in_it(tmp_path, recipe, dataset, modes, high_quality):
    """The bars are those of the mean of five seeds; the best possible share is 0.989."""
    text = (FLAGS / f"{recipe}.flags").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("--dataset")]
    own = ["--name=run", f"--output_dir={tmp_path}", f"--dataset={dataset}"]
    config = Config.from_flags("\n".join([*lines, *own]))
    assert experiment.train(config) == 0
    data, gan = experiment.load_data(config), experiment.load_run(tmp_path / "run")
    found = metrics.mode_coverage(gan.generate(2500, seed=1234), data.modes, data.sigma)
    assert (found.modes, found.high_quality >= high_quality) == (modes, True), found
