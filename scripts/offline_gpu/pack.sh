#!/usr/bin/env bash
# Pack TensorFlow for a machine with an NVIDIA card that reaches no registry: pieces of 60 MB in a
# folder. There, unpack.sh puts them together.
#
#     scripts/offline_gpu/pack.sh <folder> [compute capability, 90] [that machine's Python, 3.12]
set -euo pipefail
folder=$1 capability=${2:-90} python=${3:-3.12}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT

platforms=()
for glibc in 2_28 2_27 2_17; do platforms+=(--platform "manylinux_${glibc}_x86_64"); done
python3 -m pip install -q --no-deps --no-compile --only-binary=:all: --target "$site" \
    --python-version "$python" --implementation cp "${platforms[@]}" \
    --platform manylinux2014_x86_64 --platform manylinux1_x86_64 \
    tensorflow==2.21.0 keras==3.15.1 absl-py astunparse flatbuffers gast google_pasta h5py==3.14.0 \
    ml_dtypes namex numpy==2.4.6 opt_einsum optree protobuf==7.36.2 termcolor wrapt \
    nvidia-cuda-runtime-cu12 nvidia-cuda-cupti-cu12

mkdir "$site/cuda12"
cp "$site"/nvidia/cuda_runtime/lib/libcudart.so.12 "$site"/nvidia/cuda_cupti/lib/libcupti.so.12 \
    "$site/cuda12"
rm -rf "$site"/nvidia "$site"/nvidia_* "$site/bin"
find "$site" -type d \( -name tests -o -name include \) -prune -exec rm -rf {} +
for library in libtensorflow_cc.so.2 libtensorflow_framework.so.2; do
    python3 "$here/slim.py" "$capability" "$site/tensorflow/$library"
done
python3 "$here/slim.py" 0 "$site/tensorflow/python/profiler/internal/_pywrap_profiler_plugin.so"
find "$site/tensorflow" -name '*.so*' -type f -exec strip --strip-unneeded {} + 2>/dev/null || true
tar --sort=name -C "$site" -cf - . | xz -T0 -7 | split -b 60M - "$folder/part"
ls -l "$folder"
