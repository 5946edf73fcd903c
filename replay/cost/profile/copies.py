"""Bandwidths: HBM read, write and copy, gathers of KV blocks, and copies between host and GPU."""

import time

import torch

from timing import Table, Timer, WeightPool, median_and_spread

SIZES = [1 << shift for shift in range(14, 33, 2)]
HOST_SIZES = [1 << shift for shift in range(3, 29, 3)] + [1 << 30]
KV_BLOCK_BYTES = [32 << 10, 64 << 10]  # 16 tokens of one layer's keys and values: 4 and 8 KV heads of 128, bf16
KV_BLOCKS = [1, 8, 64, 512, 4096]


def device_calls(pool, size):
    floats = size // 4
    out = torch.empty(floats, device="cuda")
    total = torch.empty((), device="cuda")

    def source(i):
        return pool.view(i, size // 2).view(torch.float32)

    yield "read", lambda i: torch.sum(source(i), 0, out=total), size
    yield "write", lambda i: source(i).zero_(), size
    yield "copy", lambda i: out.copy_(source(i)), 2 * size


def measure_host(table, size, pinned):
    """Median wall time of one copy that the host waits for."""
    host = torch.empty(size, dtype=torch.uint8, pin_memory=pinned)
    device = torch.empty(size, dtype=torch.uint8, device="cuda")
    for name, source, target in (("host_to_gpu", host, device), ("gpu_to_host", device, host)):
        times = []
        for _ in range(41 if size < (1 << 24) else 15 if size < (1 << 28) else 5):
            torch.cuda.synchronize()
            begin = time.perf_counter()
            target.copy_(source, non_blocking=pinned)
            torch.cuda.synchronize()
            times.append((time.perf_counter() - begin) * 1e6)
        us, spread = median_and_spread(times[1:])
        table.add(name + ("_pinned" if pinned else "_pageable"), size, size, us / 1000, spread)


def measure_blocks(timer, table, pool, block, count):
    """Copies `count` scattered KV blocks into one contiguous buffer."""
    rows = min(1 << 17, pool.buffer.numel() * 2 // block)
    source = pool.buffer[:rows * (block // 2)].view(rows, block // 2)
    picks = torch.randperm(rows, device="cuda")
    out = torch.empty(count, block // 2, device="cuda", dtype=torch.bfloat16)
    sets = max(1, rows // count)
    us, spread = timer.time(lambda i: torch.index_select(source, 0, picks[(i % sets) * count:][:count], out=out), sets,
                            count * block)
    table.add(f"gather_blocks_{block >> 10}k", count * block, 2 * count * block, us / 1000, spread)


def run(folder, every, quick):
    timer = Timer()
    pool = WeightPool(12 << 30)
    table = Table(folder, "copies", ["operation", "size", "bytes_moved", "latency", "spread"],
                  ["latency: ms; size: bytes; host copies: wall time of one copy and the wait for it"])
    for size in (SIZES[::4] if quick else SIZES[::every]):
        for name, call, moved in device_calls(pool, size):
            us, spread = timer.time(call, pool.sets(size // 2), size)
            table.add(name, size, moved, us / 1000, spread)
    for block in KV_BLOCK_BYTES:
        for count in (KV_BLOCKS[::3] if quick else KV_BLOCKS):
            measure_blocks(timer, table, pool, block, count)
    for size in (HOST_SIZES[::4] if quick else HOST_SIZES):
        for pinned in (True, False):
            measure_host(table, size, pinned)
    table.close()
    return table.rows
