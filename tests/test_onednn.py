"""oneDNN computes the convolutions, unless the user's environment says otherwise."""

import os
import subprocess
import sys

import pytest

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
ANNOUNCED = "oneDNN custom operations are on"  # TensorFlow's own line on standard error


@pytest.mark.parametrize(
    ("before", "imports", "on"),
    [
        (None, "keras_gans", True),
        ("0", "keras_gans", False),
        ("1", "tensorflow, keras_gans", True),
    ],
)
def test_importing_the_package_turns_onednn_on(before, imports, on):
    kept = {name: value for name, value in os.environ.items() if name != VARIABLE}
    kept |= {"TF_CPP_MIN_LOG_LEVEL": "0"} | ({} if before is None else {VARIABLE: before})
    code = f"import {imports}, os; print(os.environ['{VARIABLE}'])"
    result = subprocess.run(
        [sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ("1" if on else "0")
    assert (ANNOUNCED in result.stderr) is on
