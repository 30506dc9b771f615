"""Attributes that stand for something else for a while, in one thread alone.

Under `tf.distribute` each replica traces a step in a thread of its own, and one goes on where
another waits for it: what a replica puts in place of an attribute the others must not find.
"""

import contextlib
import threading


class Swappable:
    """An attribute that `swapped` can replace."""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        mine = vars(_swaps).get(id(instance), {})
        try:
            return mine[self.name] if self.name in mine else vars(instance)[self.name]
        except KeyError:
            raise AttributeError(self.name) from None

    def __set__(self, instance, value):
        vars(instance)[self.name] = value


@contextlib.contextmanager
def swapped(instance, **values):
    """Let this thread find other values of an instance's `Swappable` attributes.

    Example:
        >>> class Player:
        ...     name = Swappable()
        >>> player = Player()
        >>> player.name = "generator"
        >>> with swapped(player, name="average"):
        ...     player.name
        'average'
        >>> player.name
        'generator'
    """
    swaps, key = vars(_swaps), id(instance)
    before = swaps.get(key, {})
    swaps[key] = before | values
    try:
        yield
    finally:
        swaps[key] = before
        if not before:
            del swaps[key]


_swaps = threading.local()  # {id of an instance: {name: value}}
