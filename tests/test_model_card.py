"""The model card says what the run was, with the numbers of the run."""

import hashlib
import json

import numpy as np
import pytest
from helpers import make_gan, samples

from keras_gans import model_card, provenance
from keras_gans.datasets import Data

FLAGS = "--loss=hinge\n--dataset=folder:a|b\n"
MANIFEST = {"extractor": "classifier:digits", "split_hash": "ab12", "n_real": 1000, "n_fake": 900}
SCORES = {
    "format": 1,
    "scores": [
        {"metric": "fd", "value": 3.14159, "low": 3.0, "high": 3.3, "step": 12}
        | {"manifest": MANIFEST},
        {"metric": "precision", "value": 0.5, "manifest": MANIFEST},
    ],
    "memorisation": {"share": 0.523, "copies": 0.011},
}


@pytest.fixture
def run(tmp_path):
    run = tmp_path / "mine"
    run.mkdir()
    (run / "flags.txt").write_text(FLAGS)
    return run


def data():
    pixels = np.arange(2 * 64, dtype=np.uint8).reshape(2, 8, 8, 1)
    return Data("folder:a|b", pixels, [0, 1], skipped=3)


def section(card, title):
    return card.split(f"## {title}\n")[1].split("\n## ")[0]


def test_all_that_the_training_knows(run):
    gan = make_gan(ema_decay=0.9)
    gan.fit(samples(8), batch_size=4, verbose=0)
    card = model_card.write(run, gan, data()).read_text()
    assert card.startswith("# Model card: mine\n") and "images (8 x 8 x 1)" in card
    assert "weights averaged" in card and "diverged" not in card
    found = section(card, "Data")
    # the digest of dtype, shape and content of samples, then of labels
    expected = hashlib.sha256(b"|u1(2, 8, 8, 1)" + bytes(range(128)))
    expected.update(b"<i4(2,)" + np.array([0, 1], "<i4").tobytes())
    assert expected.hexdigest() in found and r"`folder:a\|b`" in found
    assert "2 of 8 x 8 x 1, 2 classes" in found and "3 corrupt files" in found
    assert FLAGS in section(card, "Training") and "2 generator updates" in card
    assert "None was measured" in section(card, "Metrics")
    assert "None was made" in section(card, "Memorisation check")
    assert provenance.digest(gan.ema_generator) in section(card, "Provenance")
    assert all(name in section(card, "Versions") for name in ("keras_gans", *model_card.LIBRARIES))
    assert len(section(card, "Intended use")) > 100


def test_scores_are_shown_with_how_they_were_made(run):
    model_card.write(run, make_gan(shape=(2,)), data())
    (run / "evaluation").mkdir()
    (run / "evaluation" / "scores.json").write_text(json.dumps(SCORES))
    card = model_card.write(run).read_text()
    found = section(card, "Metrics")
    assert "| fd | 3.142 | 3 to 3.3 | 12 |" in found and "| precision | 0.5 |  |  |" in found
    assert "evaluation/scores.json" in found and "n_real `1000`" in found
    assert "extractor `classifier:digits`" in found and "split_hash `ab12`" in found
    found = section(card, "Memorisation check")
    assert "52.3%" in found and "1.1% are as near" in found


def test_a_diverged_run_says_so(run):
    gan = make_gan(shape=(2,))
    gan.diverged = True
    assert "The training diverged" in model_card.write(run, gan, data()).read_text()


def test_what_cannot_be_read_is_named(run):
    with pytest.raises(FileNotFoundError, match=r"mine has no model_card\.json"):
        model_card.write(run)
    model_card.write(run, make_gan(shape=(2,)), data())
    (run / "scores.json").write_text("[1")
    with pytest.raises(ValueError, match=r"scores\.json cannot be read"):
        model_card.write(run)
