"""Whatever ends a write, each file is the one of before or the new one, and never half of it."""

import multiprocessing
import os
import resource
import signal

import numpy as np
import pytest

from keras_gans import files, gallery, model_card, provenance
from keras_gans.callbacks import History
from keras_gans.callbacks.table import write_rows
from keras_gans.metrics import protocol

MARK = provenance.Mark("ab" * 32, seed=7)


def noise(seed, *shape):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def pictures(folder, seed):
    gallery.write(folder, noise(seed, 2, 32, 32, 3), MARK, frames=noise(seed, 3, 32, 32, 3))


def points(folder, seed):
    gallery.write(folder, noise(seed, 200, 2), MARK, array=True)


def card(folder, seed):
    data = {"name": "x", "samples": seed, "shape": [2], "classes": 0, "skipped": 0, "digest": "a"}
    known = {"step": seed, "diverged": False, "averaged": False, "checkpoint": "b", "data": data}
    known |= {"generator_parameters": 1, "discriminator_parameters": 1}
    known |= {"versions": {"keras_gans": "1"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_card, "facts", lambda gan, data: known)
        model_card.write(folder, "a gan", "data")


def history(folder, seed):
    kept = History(folder)
    kept.rows = [{"epoch": i, "step": i, "d_loss": float(x)} for i, x in enumerate(noise(seed, 9))]
    write_rows(kept.csv, kept.rows)
    kept.on_train_end()


def scores(folder, seed):
    protocol.save_scores(folder / "scores.json", [], found=noise(seed, 50).tolist())


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != "."}


def cut_short(write, folder, limit, killed):
    """Write where a file cannot become longer; exit with 3 if an error says which file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL if killed else signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        write(folder, seed=2)
    except OSError as error:
        os._exit(3 if f"File too large: '{folder}" in str(error) else 4)
    os._exit(0)


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "failing"])
@pytest.mark.parametrize("write", [pictures, points, card, history, scores])
def test_a_write_that_is_cut_short_leaves_whole_files(tmp_path, write, killed):
    before, after = tmp_path / "before" / "run", tmp_path / "after" / "run"
    for seed, folder in ((1, before), (2, after)):
        folder.mkdir(parents=True)
        write(folder, seed)
    old, new = contents(before), contents(after)
    assert old.keys() == new.keys() and old != new
    for limit in sorted({int(len(new[name]) * share) for name in new for share in (0.5, 0.99)}):
        process = multiprocessing.get_context("fork").Process(
            target=cut_short, args=(write, before, limit, killed)
        )
        process.start()
        process.join(60)
        assert process.exitcode == (-signal.SIGXFSZ if killed else 3), limit
        found = contents(before)
        assert found.keys() == old.keys()
        halves = [name for name in found if found[name] not in (old[name], new[name])]
        assert halves == []
        if not killed:
            assert not [path for path in before.iterdir() if path.name not in old]
    write(before, seed=2)
    assert contents(before) == new
    assert not [path for path in before.iterdir() if path.name not in old]


def test_write_replaces_and_returns_the_path(tmp_path):
    for content in ("a", b"b"):
        assert files.write(tmp_path / "x", content) == tmp_path / "x"
    assert contents(tmp_path) == {"x": b"b"}
