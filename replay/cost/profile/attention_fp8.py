"""Attention in fp8 beside the same kernels in bf16: prefill with everything in fp8, decode with the KV cache in fp8.
Triton kernels only: PyTorch exposes no fp8 attention. Caches of decode are cold."""

import torch

import attention
import kernels
from context_kernel import context_attention
from timing import Table, Timer, WeightPool

TYPES = {"bfloat16": torch.bfloat16, "fp8": torch.float8_e4m3fn}


def context_points():
    return [(*heads, batch, length) for heads in attention.HEADS_CONTEXT for length in attention.LENGTHS
            for batch in (1, 4, 16) if length % 128 == 0 and batch * length <= attention.TOKENS_MAX
            and batch * length * length <= attention.PAIRS_MAX]


def decode_points():
    return [(*heads, batch, context) for heads in attention.HEADS_DECODE for batch in attention.BATCHES
            for context in attention.CONTEXTS
            if batch * context * heads[1] * heads[2] * 4 <= attention.KV_BYTES_MAX]


def measure_context(timer, table, kind, heads, kv_heads, dim, batch, length):
    def random(*shape):
        return torch.randn(*shape, device="cuda", dtype=torch.bfloat16).to(TYPES[kind])

    q, k = random(batch, heads, length, dim), random(batch, kv_heads, length, dim)
    v = random(batch, kv_heads, dim, length)
    out = torch.empty(batch, length, heads, dim, device="cuda", dtype=torch.bfloat16)
    us, spread = timer.time(lambda i: context_attention(q, k, v, out))
    table.add("triton_flash", batch, length, heads, kv_heads, dim, kind, kind, 0, 0, us / 1000, spread)


def measure_decode(timer, table, pool, heads, kv_heads, dim, batch, context):
    q = torch.randn(batch, heads * dim, device="cuda", dtype=torch.bfloat16)
    out = torch.empty_like(q)
    shape = (2, batch, context, kv_heads, dim)
    multiprocessors = torch.cuda.get_device_properties(0).multi_processor_count
    split = kernels.DecodeAttention(batch, context, heads, kv_heads, dim, multiprocessors)

    def call(i):
        both = pool.view(i, *shape)
        split(q, both[0], both[1], out)

    us, spread = timer.time(call, pool.sets(*shape), 2 * batch * context * kv_heads * dim)
    table.add("triton_split", batch, 1, heads, kv_heads, dim, "bfloat16", "fp8", context - 1, 0, us / 1000, spread)


def run(folder, every, quick):
    timer = Timer()
    remarks = ["latency: ms; step: tokens cached before; window_size 0: none"]
    table = Table(folder, "context_attention.fp8", attention.COLUMNS, remarks)
    for point in (context_points()[::31] if quick else context_points()[::every]):
        for kind in TYPES:
            measure_context(timer, table, kind, *point)
    table.close()
    rows = table.rows
    pool = WeightPool(5 << 30, torch.float8_e4m3fn, 1.0)
    table = Table(folder, "generation_attention.fp8", attention.COLUMNS, remarks + ["caches cold"])
    for point in (decode_points()[::61] if quick else decode_points()[::every]):
        measure_decode(timer, table, pool, *point)
    table.close()
    return rows + table.rows
