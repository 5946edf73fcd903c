"""FlashAttention-3: prefill in bf16, decode in bf16 and fp8 over pages of 16 tokens, the caches cold and ("_warm") one
cache again and again, as public tables read it.

build_fa3.py builds the kernels, which no package carries; FA3_LIBRARY names the library that comes out."""

import os

import torch

from attention import COLUMNS
from timing import Table, Timer, WeightPool

HEADS = [(32, 8, 128), (32, 32, 128), (8, 1, 128), (16, 2, 64), (16, 16, 64), (32, 4, 256)]
BATCHES_DECODE = [1, 4, 16, 32, 64, 256]
CONTEXTS = [128, 512, 1024, 2048, 4096, 8192, 16384, 65536]
BATCHES_CONTEXT = [1, 2, 8, 32]
LENGTHS = [16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384]
TYPES = {"bfloat16": torch.bfloat16, "fp8": torch.float8_e4m3fn}
PAGE = 16
KV_BYTES_MAX, KV_BYTES_WARM_MAX = 3e9, 3e8
TOKENS_MAX, PAIRS_MAX = 65536, 8e12


def attend(q, k, v, pages=None):
    return torch.ops.flash_attn_3.fwd(q, k, v, page_table=pages, is_causal=True, softmax_scale=q.shape[-1] ** -0.5)[0]


def decode_points():
    return [(kind, *heads, batch, context) for kind in TYPES for heads in HEADS for batch in BATCHES_DECODE
            for context in CONTEXTS
            if 2 * batch * context * heads[1] * heads[2] * TYPES[kind].itemsize <= KV_BYTES_MAX]


def measure_decode(timer, table, pool, kind, heads, kv_heads, dim, batch, context):
    q = torch.randn(batch, 1, heads, dim, device="cuda", dtype=torch.bfloat16).to(TYPES[kind])
    count = batch * context // PAGE
    pages = torch.randperm(count, device="cuda").to(torch.int32).view(batch, context // PAGE)
    shape = (2, batch, context, kv_heads, dim)
    size = 2 * batch * context * kv_heads * dim * TYPES[kind].itemsize
    for name, warm in (("fa3_paged", False), ("fa3_paged_warm", True)):
        if warm and size > KV_BYTES_WARM_MAX:
            continue

        def call(i):
            both = pool.view(0 if warm else i, *shape)
            return attend(q, *(part.view(-1, PAGE, kv_heads, dim) for part in both), pages)

        us, spread = timer.time(call, pool.sets(*shape), 0 if warm else size)
        table.add(name, batch, 1, heads, kv_heads, dim, kind, kind, context - 1, 0, us / 1000, spread)


def context_points():
    return [(*heads, batch, length) for heads in HEADS for batch in BATCHES_CONTEXT for length in LENGTHS
            if batch * length <= TOKENS_MAX and batch * length * length * heads[0] * heads[2] <= PAIRS_MAX]


def measure_context(timer, table, heads, kv_heads, dim, batch, length):
    q, k, v = (torch.randn(batch, length, count, dim, device="cuda", dtype=torch.bfloat16)
               for count in (heads, kv_heads, kv_heads))
    us, spread = timer.time(lambda i: attend(q, k, v))
    table.add("fa3", batch, length, heads, kv_heads, dim, "bfloat16", "bfloat16", 0, 0, us / 1000, spread)


def run(folder, every, quick):
    if "FA3_LIBRARY" not in os.environ:
        raise RuntimeError("FA3_LIBRARY is not set: expected the library that attention_fa3.py tells to build")
    torch.ops.load_library(os.environ["FA3_LIBRARY"])
    timer = Timer()
    remarks = ["latency: ms; step: tokens cached before; window_size 0: none"]
    table = Table(folder, "generation_attention.fa3", COLUMNS, remarks)
    points = decode_points()
    for kind, dtype in TYPES.items():
        pool = WeightPool(8 << 30, dtype, 1.0)
        for point in (points[::61] if quick else points[::every]):
            if point[0] == kind:
                measure_decode(timer, table, pool, *point)
        del pool
    table.close()
    rows = table.rows
    table = Table(folder, "context_attention.fa3", COLUMNS, remarks)
    for point in (context_points()[::31] if quick else context_points()[::every]):
        measure_context(timer, table, *point)
    table.close()
    return rows + table.rows
