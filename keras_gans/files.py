"""Files that are there whole or not at all, whatever ends the process."""

import contextlib
import errno
import hashlib
import os
import pathlib
import shutil

# What file systems answer that cannot reserve room: no sign that there is none.
_NOTHING_TO_RESERVE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def write(path, content, durable=False):
    """Write text or bytes beside and rename into place; return the path.

    Args:
        path: the file.
        content: str or bytes.
        durable: whether to wait until the disk has it, so that it outlives the machine too.

    Raises:
        OSError: if it cannot be written; it names the file, and what stood there still does.

    Example:
        >>> write("notes.txt", "whole")  # doctest: +SKIP
    """
    path = pathlib.Path(path)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
        if durable:
            sync(beside)
        os.replace(beside, path)
        if durable:
            sync(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
    return path


def sync(path):
    """Wait until the disk has a file's contents, or a folder's list of names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path):
    """Make a folder and those above it that are missing; wait until the disk has their names."""
    path = pathlib.Path(path)
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync(made.parent)


def check_space(folder, size):
    """Raise the system's own OSError if a file of so many bytes has no room in a folder."""
    path = pathlib.Path(folder) / ".space"
    try:
        with open(path, "wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            elif shutil.disk_usage(folder).free < size:  # macOS
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        if error.errno in _NOTHING_TO_RESERVE:
            return
        raise OSError(error.errno, error.strerror, str(folder)) from None
    finally:
        path.unlink(missing_ok=True)


def digest(path):
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
