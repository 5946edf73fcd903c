#!/usr/bin/env python3
"""How far two folders of measure.py agree, row by row: median and 90th percentile of |b / a - 1| per table.

    python3 compare.py measurements/h100_sxm repeats/h100_sxm
"""

import csv
import pathlib
import statistics
import sys

RESULTS = ("latency", "latency_us", "gpu_us", "sustained_us", "both_us")
HOST = ("host", "wall")
NOT_KEYS = RESULTS + ("spread", "wall_us", "eager_us", "active_experts", "burst_us", "sm_mhz", "power_w",
                      "compute_us", "collectives_us", "added_us")


def read(path):
    """Row keys to times; without what runs on the host, whose times follow the load of its cores."""
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    times = {}
    for row in rows:
        if any(word in row.get("operation", "") for word in HOST):
            continue
        key = tuple(value for name, value in row.items() if name not in NOT_KEYS)
        times[key] = float(next(row[name] for name in RESULTS if name in row))
    return times


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    first, second = (pathlib.Path(argument) for argument in sys.argv[1:])
    everything = []
    print(f"{'table':24} {'rows':>5} {'median':>8} {'p90':>8} {'largest':>8}")
    for path in sorted(second.glob("*.csv")):
        if not (first / path.name).exists():
            continue
        a, b = read(first / path.name), read(path)
        errors = sorted(abs(b[key] / a[key] - 1) for key in b if key in a)
        if not errors:
            continue
        everything += errors
        print(f"{path.stem:24} {len(errors):5} {statistics.median(errors):8.2%} "
              f"{errors[len(errors) * 9 // 10]:8.2%} {errors[-1]:8.2%}")
    print(f"{'all':24} {len(everything):5} {statistics.median(everything):8.2%}")


if __name__ == "__main__":
    main()
