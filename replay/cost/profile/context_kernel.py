"""Causal flash attention in Triton, in bf16 or with queries, keys, values and probabilities in fp8 (scales of one)."""

import triton
import triton.language as tl

BLOCK_M, BLOCK_N = 128, 128


@triton.jit
def _fold(query, keys, values, out, best, total, begin, end, rows, length, scale, dim: tl.constexpr,
          block_n: tl.constexpr, diagonal: tl.constexpr):
    columns = tl.arange(0, dim)
    for at in range(begin, end, block_n):
        positions = at + tl.arange(0, block_n)
        key = tl.load(keys + positions[None, :] * dim + columns[:, None])
        score = tl.dot(query, key) * scale
        if diagonal:
            score = tl.where(positions[None, :] <= rows[:, None], score, -1e30)
        top = tl.maximum(best, tl.max(score, 1))
        fade = tl.exp2(best - top)
        share = tl.exp2(score - top[:, None])
        value = tl.load(values + columns[None, :] * length + positions[:, None])
        out = tl.dot(share.to(value.dtype), value, out * fade[:, None])
        total = total * fade + tl.sum(share, 1)
        best = top
    return out, best, total


@triton.jit
def _context(q, k, v, o, length, scale, heads, group, dim: tl.constexpr, block_m: tl.constexpr, block_n: tl.constexpr):
    block = tl.num_programs(0) - 1 - tl.program_id(0)  # the longest first
    head = tl.program_id(1).to(tl.int64)
    kv_head = head // group
    rows = block * block_m + tl.arange(0, block_m)
    columns = tl.arange(0, dim)
    query = tl.load(q + (head * length + rows[:, None]) * dim + columns[None, :])
    keys = k + kv_head * length * dim
    values = v + kv_head * length * dim
    best = tl.full((block_m,), -1e30, tl.float32)
    total = tl.zeros((block_m,), tl.float32)
    out = tl.zeros((block_m, dim), tl.float32)
    whole = block * block_m
    out, best, total = _fold(query, keys, values, out, best, total, 0, whole, rows, length, scale, dim, block_n, False)
    out, best, total = _fold(query, keys, values, out, best, total, whole, whole + block_m, rows, length, scale, dim,
                             block_n, True)
    sequence = head // heads
    place = ((sequence * length + rows[:, None]) * heads + head % heads) * dim + columns[None, :]
    tl.store(o + place, (out / total[:, None]).to(tl.bfloat16))


def context_attention(q, k, v, out):
    """q [batch, heads, length, dim], k [batch, kv_heads, length, dim], v [batch, kv_heads, dim, length], all bf16 or
    all fp8 (whose matrix instructions want values with the length innermost); out [batch, length, heads, dim] bf16.
    Lengths in multiples of 128."""
    batch, heads, length, dim = q.shape
    scale = dim**-0.5 * 1.4426950408889634  # into powers of two
    _context[(length // BLOCK_M, batch * heads)](q, k, v, out, length, scale, heads, heads // k.shape[1], dim, BLOCK_M,
                                                 BLOCK_N, num_warps=8, num_stages=2 if q.element_size() == 2 else 3)
