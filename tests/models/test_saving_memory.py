"""Saving again and again takes no memory that is never given back."""

import pathlib

import h5py
import keras
import pytest
from helpers import make_gan

from keras_gans.callbacks import checkpoint
from keras_gans.models import saving

STATUS = pathlib.Path("/proc/self/status")


def resident():
    """Return this process's resident memory in KiB."""
    return int(STATUS.read_text().split("VmRSS:")[1].split()[0])


def names(path):
    found = []
    with h5py.File(path / checkpoint.STATE) as file:
        file.visit(found.append)
    return sorted(found)


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux's /proc")
def test_checkpoints_leave_no_memory_behind(tmp_path):
    gan = make_gan("mlp", ema_decay=0.9)
    for _ in range(5):
        checkpoint.save(gan, tmp_path)
    before = resident()
    for _ in range(40):
        checkpoint.save(gan, tmp_path)
    assert resident() - before < 40 * 35  # half of what Keras 3.15 alone leaves of one optimizer


def test_what_keras_saves_is_the_same_when_it_remembers(tmp_path, monkeypatch):
    gan = make_gan("mlp", ema_decay=0.9)
    with monkeypatch.context() as patch:
        patch.setattr(saving, "_keep_skipsets", lambda: None)
        keras.backend.clear_session()
        alone = names(checkpoint.save(gan, tmp_path))
    assert names(checkpoint.save(gan, tmp_path)) == alone and len(alone) > 20
