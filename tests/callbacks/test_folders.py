"""A checkpoint's place is never empty, and what the disk was told lasts."""

import errno
import os
import pathlib
import shutil

import pytest
from test_checkpoint_faults import Rows, Stub

from keras_gans import files
from keras_gans.callbacks import checkpoint, folders, manifest


def rows(directory):
    """Return what the only checkpoint, a whole one, keeps."""
    (step,) = folders.steps(directory)
    path, about = folders.newest(directory)
    assert about["step"] == step and [p.name for p in directory.iterdir()] == [path.name]
    return (path / "callbacks.json").read_text()


@pytest.mark.parametrize("number", [1, 2], ids=["old", "new"])
def test_a_rename_that_fails_leaves_the_one_of_the_same_step(tmp_path, monkeypatch, number):
    checkpoint.save(Stub(5, 1), tmp_path)
    before, replace, done = rows(tmp_path), os.replace, []

    def fail(source, target):
        if pathlib.Path(source).is_dir():
            done.append(source)
            if len(done) == number:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="Input/output error"):
            checkpoint.save(Stub(5, 1), tmp_path, [Rows()])
    assert len(done) >= number and rows(tmp_path) == before
    checkpoint.save(Stub(5, 1), tmp_path, [Rows()])
    assert rows(tmp_path) != before


def test_a_kill_between_two_renames_loses_nothing(tmp_path):
    checkpoint.save(Stub(5, 1), tmp_path)
    before = rows(tmp_path)
    os.replace(tmp_path / "00000001", tmp_path / folders.OLD)
    shutil.copytree(tmp_path / folders.OLD, tmp_path / folders.PART)
    folders.mend(tmp_path)
    assert rows(tmp_path) == before


def test_what_was_being_removed_does_not_come_back(tmp_path, monkeypatch):
    for step in (1, 2):
        checkpoint.save(Stub(5, step), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *args, **kwargs: None)  # killed before it
        folders.discard(tmp_path, 2)
    assert folders.steps(tmp_path) == [1] and len(list(tmp_path.iterdir())) == 2
    folders.mend(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["00000001"]


def test_the_disk_has_every_file_before_its_name_and_every_folder_above(tmp_path, monkeypatch):
    told, sync, replace = [], files.sync, os.replace
    monkeypatch.setattr(files, "sync", lambda path: (told.append(path), sync(path)))
    monkeypatch.setattr(os, "replace", lambda a, b: (told.append((a, b)), replace(a, b)))
    directory = tmp_path / "runs" / "run" / "checkpoints"
    path = checkpoint.save(Stub(5, 1), directory, [Rows()])
    beside = directory / folders.PART
    renamed = told.index((beside, path))
    for made in (tmp_path / "runs", tmp_path / "runs" / "run", directory, beside):
        assert made.parent in told[:renamed], made
    for file in path.iterdir():
        written = {beside / file.name, beside / f".{file.name}.part"}  # renamed after its sync
        assert written & {t for t in told[:renamed] if not isinstance(t, tuple)}, file
    last = max(i for i, t in enumerate(told) if isinstance(t, tuple) and t[1].parent == beside)
    assert beside in told[last:renamed] and directory in told[renamed:]


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS])
def test_a_file_system_that_reserves_no_room_is_written_to(tmp_path, monkeypatch, number):
    def refuse(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    checkpoint.save(Stub(5, 1), tmp_path)
    assert manifest.read(tmp_path / "00000001")["step"] == 1


def test_a_system_without_reservation_asks_how_much_is_free(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    files.check_space(tmp_path, 1000)
    with pytest.raises(OSError, match="No space left on device") as error:
        files.check_space(tmp_path, 2**60)
    assert error.value.errno == errno.ENOSPC and error.value.filename == str(tmp_path)
    assert not list(tmp_path.iterdir())
