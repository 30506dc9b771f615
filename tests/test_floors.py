"""The oldest versions that may be installed have no holes that are known."""

import pathlib
import re
import subprocess
import sys

import pytest

SETUP = pathlib.Path(__file__).parents[1] / "setup.cfg"
LEAST = {
    "keras": "3.14",  # CVE-2025-9905, -9906, -12058, -12060, CVE-2026-0897, -1669
    "tensorflow": "2.21",  # CVE-2023-25801 and those before it
    "pillow": "12.2",  # CVE-2023-4863, -50447, CVE-2024-28219, CVE-2026-25990, -40192
    "scikit-learn": "1.5",  # CVE-2024-5206
    "numpy": "1.22",  # CVE-2021-34141, -41495, -41496
    "scipy": "1.11",  # CVE-2023-25399, -29824
    "setuptools": "78.1.1",  # CVE-2024-6345, CVE-2025-47273; TensorFlow asks for any
    "cryptography": "46",  # CVE-2023-50782, CVE-2024-26130, -12797; of the tests
}


def floors():
    """Return {name: least version} of everything that setup.cfg asks for with one."""
    found = re.findall(r"^    ([a-z][\w-]+)\S*?>=([\d.]+)$", SETUP.read_text(), re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize("name", LEAST)
def test_a_floor_is_above_the_versions_with_known_holes(name):
    numbers = [tuple(map(int, version.split("."))) for version in (floors()[name], LEAST[name])]
    assert numbers[0] >= numbers[1]


def test_everything_that_is_asked_for_has_a_floor():
    section = SETUP.read_text().split("install_requires =\n")[1].split("\n\n")[0]
    names = {re.split(r"[\[>=<]", line.strip())[0] for line in section.splitlines()}
    assert names - set(floors()) == {"importlib_resources"}  # which TFDS forgets; any serves


@pytest.mark.slow
def test_pip_audit_finds_nothing(tmp_path):
    pytest.importorskip("pip_audit")
    lines = [f"{name}=={version}\n" for name, version in sorted(floors().items())]
    (tmp_path / "floors.txt").write_text("".join(lines))
    command = [sys.executable, "-m", "pip_audit", "--strict", "--no-deps", "--disable-pip"]
    options = ["--progress-spinner=off", "--timeout=20", "-r", "floors.txt"]
    result = subprocess.run(
        [*command, *options], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600
    )
    said = result.stdout + result.stderr
    if re.search("not found on PyPI|ConnectionError|Failed to resolve|timed out", said):
        pytest.skip("no advisories within reach")
    assert result.returncode == 0, said
