#!/usr/bin/env bash
# Put together what pack.sh made, and give TensorFlow the CUDA libraries that PyTorch brought.
#
#     scripts/offline_gpu/unpack.sh <folder of the pieces> <where to>
#     source <where to>/environment
set -euo pipefail
from=$1 to=$2
mkdir -p "$to/site" "$to/lib"
cat "$from"/part* | xz -dc -T0 | tar -xf - -C "$to/site"
cp "$to"/site/cuda12/* "$to/lib"

packages=$(python3 -c 'import nvidia; print(list(nvidia.__path__)[0])')
folders=$to/lib
link() { # the name that TensorFlow looks for, and what there is in its place
    found=$(find "$packages" -name "$2" | head -1)
    [ -n "$found" ] || { echo "$2 is not in $packages" >&2; exit 1; }
    [ "$1" = "$2" ] || ln -sf "$found" "$to/lib/$1"
    folders=$folders:$(dirname "$found")
}
link libcublas.so.12 libcublas.so.13
link libcublasLt.so.12 libcublasLt.so.13
link libcudnn.so.9 libcudnn.so.9
link libcufft.so.11 libcufft.so.12
link libcusolver.so.11 libcusolver.so.12
link libcusparse.so.12 libcusparse.so.12
link libnvrtc.so.13 libnvrtc.so.13
link libnvJitLink.so.13 libnvJitLink.so.13

cuda=$(dirname "$(dirname "$(readlink -f "$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)")")")
cat > "$to/environment" <<END
export PYTHONPATH=$to/site:\${PYTHONPATH:-}
export LD_LIBRARY_PATH=$folders:\${LD_LIBRARY_PATH:-}
export XLA_FLAGS=--xla_gpu_cuda_data_dir=$cuda
export TF_FORCE_GPU_ALLOW_GROWTH=true
END
cat "$to/environment"
