#!/usr/bin/env python3
"""Builds the kernels of FlashAttention-3 that attention_fa3.py times: 3 minutes on 16 cores.

    git clone https://github.com/Dao-AILab/flash-attention && git -C flash-attention checkout 0251105a
    git -C flash-attention submodule update --init csrc/cutlass
    python3 build_fa3.py --sources flash-attention --out fa3_build     # prints the library's path
"""

import argparse
import itertools
import pathlib
import sys

from torch.utils import cpp_extension

HEAD_DIMENSIONS, TYPES = (64, 128, 256), ("bf16", "e4m3")
VARIANTS = ("", "_paged", "_split", "_paged_split", "_packgqa")
LEFT_OUT = ("BACKWARD", "APPENDKV", "LOCAL", "SOFTCAP", "FP16", "VARLEN", "HDIM96", "HDIM192", "HDIMDIFF64",
            "HDIMDIFF192", "SM8x")
# As upstream's hopper/setup.py has them.
CUDA_FLAGS = ["-O3", "-std=c++17", "--use_fast_math", "-DCUTE_SM90_EXTENDED_MMA_SHAPES_ENABLED",
              "-DCUTLASS_ENABLE_GDC_FOR_SM90", "-DNDEBUG", "-gencode", "arch=compute_90a,code=sm_90a"]


def sources(hopper):
    yield from (hopper / name
                for name in ("flash_api_stable.cpp", "flash_fwd_combine.cu", "flash_prepare_scheduler.cu"))
    for dim, kind, variant in itertools.product(HEAD_DIMENSIONS, TYPES, VARIANTS):
        yield hopper / "instantiations" / f"flash_fwd_hdim{dim}_{kind}{variant}_sm90.cu"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", required=True, type=pathlib.Path,
                        help="a checkout of flash-attention with CUTLASS")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for the library")
    options = parser.parse_args()
    hopper = options.sources / "hopper"
    missing = [str(path) for path in sources(hopper) if not path.exists()]
    if missing:
        sys.exit(f"build_fa3.py: {missing[0]}: no such file; --sources takes a checkout of Dao-AILab/flash-attention")
    options.out.mkdir(parents=True, exist_ok=True)
    features = [f"-DFLASHATTENTION_DISABLE_{name}" for name in LEFT_OUT]
    stable = ["-DTORCH_TARGET_VERSION=0x0209000000000000", "-DUSE_CUDA"]
    cpp_extension.load(
        name="fa3", sources=[str(path) for path in sources(hopper)], build_directory=str(options.out),
        extra_cflags=["-O3", "-std=c++17"] + stable + features, extra_cuda_cflags=CUDA_FLAGS + features,
        extra_include_paths=[str(hopper), str(options.sources / "csrc" / "cutlass" / "include")],
        is_python_module=False)
    print(options.out / "fa3.so")


if __name__ == "__main__":
    main()
