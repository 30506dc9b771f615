#!/usr/bin/env python
"""Take out of a shared library what one kind of NVIDIA card does not need.

python scripts/offline_gpu/slim.py 90 tensorflow/libtensorflow_cc.so.2

The machine code of other cards, and the code that a driver would compile, become zeros, in place:
the file keeps its size, and packs well. 90 is compute capability 9.0, 0 keeps none.
"""

import mmap
import re
import struct
import subprocess
import sys

MAGIC = 0xBA55ED50  # of a container of machine code: magic, version, header's size, size
MACHINE_CODE = 2  # what kind of entry it is; 1 is PTX


def main(capability, path):
    """Zero all entries but those of a capability; print how many bytes were kept of how many."""
    table = subprocess.run(["readelf", "-SW", path], capture_output=True, text=True, check=True)
    section = re.search(r"\.nv_fatbin\s+PROGBITS\s+\w+\s+(\w+)\s+(\w+)", table.stdout)
    if section is None:
        sys.exit(f"{path}: holds no code of NVIDIA cards")
    at, size = (int(number, 16) for number in section.groups())
    end, kept = at + size, 0
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        while (at := data.find(struct.pack("<I", MAGIC), at, end)) >= 0:
            header, length = struct.unpack_from("<HQ", data, at + 6)
            entry, at = at + header, at + header + length
            while entry < at:
                kind, _, header, length = struct.unpack_from("<HHIQ", data, entry)
                (card,) = struct.unpack_from("<I", data, entry + 28)
                if (kind, card) == (MACHINE_CODE, capability):
                    kept += length
                else:
                    data[entry + header : entry + header + length] = bytes(length)
                entry += header + length
    print(f"{path}: kept {kept:,} of {size:,} bytes of code for cards")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
