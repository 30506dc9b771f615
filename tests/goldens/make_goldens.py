"""Ask the reference tools for the numbers in goldens.json; the tests only read them.

    python3.11 -m venv goldens && . goldens/bin/activate
    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    pip install numpy==1.26.4 scipy==1.11.4 scikit-learn==1.5.2 pillow tqdm requests
    pip install --no-deps pytorch-fid==0.3.0 torch-fidelity==0.4.0 clean-fid==0.1.35 prdc==0.2
    python tests/goldens/make_goldens.py

SciPy is held at 1.11 because pytorch-fid and clean-fid call `sqrtm(..., disp=False)`, which later
ones lack. The tools import torchvision, which none of the functions called here uses; it is left
out. torch-fidelity is asked without shuffling, with the seed 2020 for its subsets.
"""

import contextlib
import importlib.metadata
import io
import json
import pathlib
import sys
from unittest import mock

import numpy as np
import torch

for module in ("", ".transforms", ".transforms.functional", ".models", ".datasets"):
    sys.modules["torchvision" + module] = mock.MagicMock()

from cases import SIZES, features, lattice, logits, subsets  # noqa: E402
from cleanfid import fid as clean_fid  # noqa: E402
from prdc import compute_prdc  # noqa: E402
from pytorch_fid.fid_score import calculate_frechet_distance  # noqa: E402
from torch_fidelity.metric_fid import (  # noqa: E402
    fid_features_to_statistics,
    fid_statistics_to_metric,
)
from torch_fidelity.metric_isc import isc_features_to_metric  # noqa: E402
from torch_fidelity.metric_kid import kid_features_to_metric  # noqa: E402

TOOLS = ("pytorch-fid", "torch-fidelity", "clean-fid", "prdc", "torch", "numpy", "scipy")
SUBSETS, SUBSET_SIZE, SEED = 7, 30, 2020


def frechet(real, fake):
    """Return the distance by three tools."""
    statistics = [(x.mean(axis=0), np.cov(x, rowvar=False)) for x in (real, fake)]
    of_torch_fidelity = [fid_features_to_statistics(torch.from_numpy(x)) for x in (real, fake)]
    return {
        "pytorch-fid": calculate_frechet_distance(*statistics[0], *statistics[1]),
        "clean-fid": clean_fid.frechet_distance(*statistics[0], *statistics[1]),
        "torch-fidelity": fid_statistics_to_metric(*of_torch_fidelity, verbose=False)[
            "frechet_inception_distance"
        ],
    }


def kernel_of_all(real, fake):
    """Return the distance of the first samples of equal number, which are one subset then."""
    n = min(len(real), len(fake))
    real, fake = real[:n], fake[:n]
    return {
        "clean-fid": clean_fid.kernel_distance(real, fake, num_subsets=1, max_subset_size=n),
        "torch-fidelity": kernel_of_subsets(real, fake, 1, n)["kernel_inception_distance_mean"],
    }


def kernel_of_subsets(real, fake, count, size):
    """Return torch-fidelity's mean and standard deviation over subsets."""
    return kid_features_to_metric(
        torch.from_numpy(real),
        torch.from_numpy(fake),
        kid_subsets=count,
        kid_subset_size=size,
        rng_seed=SEED,
        verbose=False,
    )


def neighbours(real, fake):
    """Return prdc's four numbers for some k."""
    with contextlib.redirect_stdout(io.StringIO()):
        found = {k: compute_prdc(real, fake, nearest_k=k) for k in (1, 3, 5)}
    return {k: {name: float(value) for name, value in each.items()} for k, each in found.items()}


def of_features(name):
    """Return what all tools say of one pair of arrays."""
    real, fake = features(name)
    subset = [
        clean_fid.kernel_distance(x, y, num_subsets=1, max_subset_size=len(x))
        for x, y in subsets(name, SUBSETS, SUBSET_SIZE, SEED)
    ]
    return {
        "checksum": [float(real.sum()), float(fake.sum())],
        "frechet": frechet(real, fake),
        "kernel": kernel_of_all(real, fake),
        "kernel_subsets": {
            "clean-fid": {"mean": float(np.mean(subset))},
            "torch-fidelity": kernel_of_subsets(real, fake, SUBSETS, SUBSET_SIZE),
        },
        "prdc": neighbours(real, fake),
    }


def main():
    """Write goldens.json beside this file."""
    values = {
        "versions": {tool: importlib.metadata.version(tool) for tool in TOOLS},
        "subsets": {"count": SUBSETS, "size": SUBSET_SIZE, "seed": SEED},
        "features": {name: of_features(name) for name in SIZES},
        "lattice": {"prdc": neighbours(*lattice())},
        "inception_score": {
            splits: isc_features_to_metric(torch.from_numpy(logits()), splits, shuffle=False)
            for splits in (1, 10, 7)
        },
    }
    path = pathlib.Path(__file__).with_name("goldens.json")
    path.write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
