import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))  # so that tests in subfolders find helpers
pytest.register_assert_rewrite("helpers", "helpers_runs")
