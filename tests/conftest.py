import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))  # so that tests in subfolders find helpers
pytest.register_assert_rewrite("helpers")


def pytest_collection_modifyitems(config, items):
    """Leave slow tests out unless -m chooses."""
    if config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]
