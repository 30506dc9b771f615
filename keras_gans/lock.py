"""One process at a time in a folder."""

import contextlib
import os
import pathlib
import platform

NAME = ".lock"


class InUseError(OSError):
    """Another process has the folder."""


@contextlib.contextmanager
def hold(folder):
    """Hold a folder within a `with` block: any other process that tries to is refused.

    The operating system lets go of it when the process ends, in whatever way; a file that a killed
    process left behind holds nothing.

    Args:
        folder: one that exists.

    Raises:
        InUseError: if another process has it; it says which.

    Example:
        >>> with hold("saved_models/wgan"):  # doctest: +SKIP
        ...     train()
    """
    path = pathlib.Path(folder) / NAME
    file = _take(path)
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}\n")
        file.flush()
        yield
    finally:
        if _is_at(file, path):  # the folder may have been moved
            path.unlink()
        file.close()


def _take(path):
    import fcntl

    while True:
        file = open(path, "a+")  # noqa: SIM115, held for as long as the lock
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            with file:
                who = file.read().strip() or "another process"
            raise InUseError(
                f"{path.parent} is in use by {who}; wait until it ends, or take another --name"
            ) from None
        if _is_at(file, path):
            return file
        file.close()  # whoever had it removed it in the meantime


def _is_at(file, path):
    """Tell whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False
