#!/usr/bin/env python3
"""Measures this machine's GPU and writes one CSV file per table. README.md says what and how.

    python3 measure.py --out measurements/my_gpu
"""

import argparse
import gc
import importlib
import sys
import time
import traceback

import torch

SUITES = ("launch", "copies", "elementwise", "steps", "steps_other_models", "gemm", "grouped_gemm", "expert_routing",
          "attention", "attention_fp8", "sustained", "links", "exchange")
# Needs a library built beforehand, hence only where it is asked for.
EXTRA_SUITES = ("attention_fa3",)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="folder for the CSV files")
    parser.add_argument("--suites", default=",".join(SUITES), help=f"some of {','.join(SUITES)}")
    parser.add_argument("--every", type=int, default=1, help="only every n-th point, to check repeatability")
    parser.add_argument("--quick", action="store_true", help="a handful of points of each suite")
    options = parser.parse_args()
    names = options.suites.split(",")
    unknown = [name for name in names if name not in SUITES + EXTRA_SUITES]
    if unknown:
        parser.error(f"--suites: '{unknown[0]}' is none of {','.join(SUITES + EXTRA_SUITES)}")
    if not torch.cuda.is_available():
        sys.exit("measure.py: no CUDA GPU is visible to PyTorch")
    failed = False
    for name in names:
        begin = time.time()
        try:
            rows = importlib.import_module(name).run(options.out, options.every, options.quick)
            print(f"{name}: {rows} rows in {time.time() - begin:.1f} s", flush=True)
        except Exception:  # one suite's failure must not cost the others their time on the GPU
            traceback.print_exc()
            failed = True
        gc.collect()
        torch.cuda.empty_cache()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
