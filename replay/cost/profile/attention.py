"""Attention kernels: context (causal, also with a cached prefix) and decode (grouped queries).

Kernels: PyTorch's FlashAttention-2 ("flash2"), cuDNN's ("cudnn"; with a prefix two calls and a Triton kernel that
merges them, "cudnn_merged") and, for decode, a split-KV Triton kernel ("triton_split"). KV caches of decode are cold;
context reads queries, keys and values that were just produced."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

import kernels
from timing import Table, Timer, WeightPool

HEADS_CONTEXT = [(32, 8, 128), (32, 4, 128), (64, 8, 128), (8, 1, 128), (16, 16, 64)]
HEADS_DECODE = [(32, 8, 128), (32, 4, 128), (64, 8, 128), (8, 1, 128), (8, 8, 128), (16, 16, 64)]
LENGTHS = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768]
PREFIXES = [1024, 8192, 32768]
BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
CONTEXTS = [128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 131072]
TOKENS_MAX = 32768
PAIRS_MAX = 6e8
KV_BYTES_MAX = 4e9
BACKENDS = {"flash2": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION}


def context_points():
    points = []
    for heads in HEADS_CONTEXT:
        for length in LENGTHS:
            for batch in (1, 4, 16):
                if batch * length > TOKENS_MAX or batch * length * length > PAIRS_MAX:
                    continue
                points.append(("flash2", *heads, batch, length, 0))
                if batch in (1, 4):
                    points.append(("cudnn", *heads, batch, length, 0))
        for prefix in PREFIXES:
            points += [(kernel, *heads, 1, length, prefix) for length in (128, 512, 2048, 8192)
                       if length * (length + prefix) <= PAIRS_MAX for kernel in ("flash2", "cudnn_merged")]
    return points


def decode_points():
    return [(kernel, *heads, batch, context) for heads in HEADS_DECODE for batch in BATCHES for context in CONTEXTS
            if batch * context * heads[1] * heads[2] * 4 <= KV_BYTES_MAX
            for kernel in ("flash2", "triton_split")]


def context_call(kernel, q, k, v, prefix):
    """Attention of new tokens [batch, heads, length, dim] over keys that end with theirs; returns the same shape."""
    if prefix > 0 and kernel == "flash2":
        # The operator aligns the causal mask to the last query and the last key.
        return lambda i: torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, True, False)[0]
    if prefix > 0:
        return merged_call(q, k, v, prefix)
    backend = BACKENDS[kernel]

    def call(_):
        with sdpa_kernel(backend):
            return scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=q.shape[1] != k.shape[1])

    return call


def merged_call(q, k, v, prefix):
    """cuDNN cannot align the causal mask to the last key, so: all of the prefix, then the new tokens among
    themselves, then both merged by their log-sum-exps."""
    batch, heads, length, dim = q.shape
    out = torch.empty(batch, length, heads, dim, device="cuda", dtype=torch.bfloat16)
    attend = torch.ops.aten._scaled_dot_product_cudnn_attention

    def call(_):
        past = attend(q, k[:, :, :prefix], v[:, :, :prefix], None, True, 0.0, False, False)
        new = attend(q, k[:, :, prefix:], v[:, :, prefix:], None, True, 0.0, True, False)
        rows = [part[0].transpose(1, 2).contiguous() for part in (past, new)]
        kernels.merge_attention(rows[0], past[1].contiguous(), rows[1], new[1].contiguous(), out)
        return out.transpose(1, 2)

    return call


def measure_context(timer, table, kernel, heads, kv_heads, dim, batch, length, prefix):
    bf16 = {"device": "cuda", "dtype": torch.bfloat16}
    q = torch.randn(batch, length, heads, dim, **bf16).transpose(1, 2)
    k = torch.randn(batch, length + prefix, kv_heads, dim, **bf16).transpose(1, 2)
    v = torch.randn(batch, length + prefix, kv_heads, dim, **bf16).transpose(1, 2)
    us, spread = timer.time(context_call(kernel, q, k, v, prefix))
    table.add(kernel, batch, length, heads, kv_heads, dim, "bfloat16", "bfloat16", prefix, 0, us / 1000, spread)


def decode_call(kernel, q, out, caches, batch, context, heads, kv_heads, dim, multiprocessors):
    """Decode attention; q: rows [batch, at least heads * dim], caches(i): keys and values [batch, context,
    kv_heads, dim]. The call returns [batch, heads, 1, dim], or None where it wrote to `out`."""
    if kernel == "triton_split":
        attention = kernels.DecodeAttention(batch, context, heads, kv_heads, dim, multiprocessors)
        return lambda i: attention(q, *caches(i), out)
    query = q[:, :heads * dim].view(batch, heads, 1, dim)

    def call(i):
        keys, values = caches(i)
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            return scaled_dot_product_attention(query, keys.transpose(1, 2), values.transpose(1, 2),
                                                enable_gqa=heads != kv_heads)

    return call


def measure_decode(timer, table, pool, kernel, heads, kv_heads, dim, batch, context):
    q = torch.randn(batch, heads * dim, device="cuda", dtype=torch.bfloat16)
    out = torch.empty_like(q)
    shape = (2, batch, context, kv_heads, dim)

    def caches(i):
        both = pool.view(i, *shape)
        return both[0], both[1]

    multiprocessors = torch.cuda.get_device_properties(0).multi_processor_count
    call = decode_call(kernel, q, out, caches, batch, context, heads, kv_heads, dim, multiprocessors)
    us, spread = timer.time(call, pool.sets(*shape), 4 * batch * context * kv_heads * dim)
    table.add(kernel, batch, 1, heads, kv_heads, dim, "bfloat16", "bfloat16", context - 1, 0, us / 1000, spread)


COLUMNS = ["kernel_source", "batch_size", "isl", "num_heads", "num_key_value_heads", "head_dim", "attn_dtype",
           "kv_cache_dtype", "step", "window_size", "latency", "spread"]


def run(folder, every, quick):
    timer = Timer()
    remarks = ["latency: ms; step: tokens cached before; window_size 0: none"]
    table = Table(folder, "context_attention", COLUMNS, remarks)
    for point in (context_points()[::31] if quick else context_points()[::every]):
        try:
            measure_context(timer, table, *point)
        except RuntimeError as error:
            print(f"context {point}: {str(error).splitlines()[0]}", flush=True)
    table.close()
    rows = table.rows
    pool = WeightPool(10 << 30, scale=1.0)
    table = Table(folder, "generation_attention", COLUMNS, remarks + ["caches cold"])
    for point in (decode_points()[::61] if quick else decode_points()[::every]):
        try:
            measure_decode(timer, table, pool, *point)
        except RuntimeError as error:
            print(f"decode {point}: {str(error).splitlines()[0]}", flush=True)
    table.close()
    return rows + table.rows
