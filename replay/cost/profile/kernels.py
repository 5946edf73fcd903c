"""Triton kernels of a decoder step that PyTorch has no fused form of: as serving frameworks fuse them."""

import torch
import triton
import triton.language as tl


@triton.jit
def _add_rms_norm(x, residual, weight, out, width: tl.constexpr, block: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, block)
    mask = columns < width
    total = tl.load(x + row * width + columns, mask, 0.0).to(tl.float32)
    total += tl.load(residual + row * width + columns, mask, 0.0).to(tl.float32)
    tl.store(residual + row * width + columns, total.to(tl.bfloat16), mask)
    scale = tl.rsqrt(tl.sum(total * total, 0) / width + 1e-6)
    tl.store(out + row * width + columns, (total * scale * tl.load(weight + columns, mask, 0.0)).to(tl.bfloat16), mask)


def add_rms_norm(x, residual, weight, out):
    """residual += x; out = rms_norm(residual) * weight."""
    width = x.shape[1]
    block = triton.next_power_of_2(width)
    _add_rms_norm[(x.shape[0],)](x, residual, weight, out, width, block, num_warps=min(16, max(1, block // 512)))


@triton.jit
def _silu_mul(gate_up, out, width, block: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * block + tl.arange(0, block)
    mask = columns < width
    gate = tl.load(gate_up + row * 2 * width + columns, mask, 0.0).to(tl.float32)
    up = tl.load(gate_up + row * 2 * width + width + columns, mask, 0.0).to(tl.float32)
    tl.store(out + row * width + columns, (gate * tl.sigmoid(gate) * up).to(tl.bfloat16), mask)


def silu_mul(gate_up, out):
    """out = silu(first half of gate_up) * second half."""
    rows, width = out.shape
    _silu_mul[(rows, triton.cdiv(width, 1024))](gate_up, out, width, 1024, num_warps=4)


@triton.jit
def _rope_cache(qkv, cosines, sines, keys, values, positions, slot_stride, heads: tl.constexpr,
                kv_heads: tl.constexpr, dim: tl.constexpr, norm: tl.constexpr, block: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1) * block + tl.arange(0, block)
    half: tl.constexpr = dim // 2
    lanes = tl.arange(0, half)
    inside = (head < heads + 2 * kv_heads)[:, None]
    source = qkv + (token * (heads + 2 * kv_heads) + head)[:, None] * dim + lanes[None, :]
    low = tl.load(source, inside, 0.0).to(tl.float32)
    high = tl.load(source + half, inside, 0.0).to(tl.float32)
    is_value = (head >= heads + kv_heads)[:, None]
    is_query = (head < heads)[:, None]
    cosine = tl.load(cosines + token * half + lanes)[None, :]
    sine = tl.load(sines + token * half + lanes)[None, :]
    scale = tl.full((block, 1), 1.0, tl.float32)
    if norm:
        scale = tl.rsqrt((tl.sum(low * low, 1) + tl.sum(high * high, 1)) / dim + 1e-6)[:, None]
    turned_low = tl.where(is_value, low, (low * cosine - high * sine) * scale).to(tl.bfloat16)
    turned_high = tl.where(is_value, high, (high * cosine + low * sine) * scale).to(tl.bfloat16)
    tl.store(source, turned_low, is_query)
    tl.store(source + half, turned_high, is_query)
    slot = tl.load(positions + token) * slot_stride
    key = keys + slot + (head - heads)[:, None] * dim + lanes[None, :]
    is_key = (head >= heads)[:, None] & (head < heads + kv_heads)[:, None]
    tl.store(key, turned_low, is_key)
    tl.store(key + half, turned_high, is_key)
    value = values + slot + (head - heads - kv_heads)[:, None] * dim + lanes[None, :]
    tl.store(value, turned_low, is_value & inside)
    tl.store(value + half, turned_high, is_value & inside)


def rope_cache(qkv, cosines, sines, keys, values, positions, heads, kv_heads, dim, norm):
    """Turns queries in place; turns keys and copies values into cache rows `positions`. `norm`: first the RMS
    norm of queries and keys that Qwen3 has."""
    total = heads + 2 * kv_heads
    block = min(16, triton.next_power_of_2(total))
    _rope_cache[(qkv.shape[0], triton.cdiv(total, block))](qkv, cosines, sines, keys, values, positions,
                                                          kv_heads * dim, heads, kv_heads, dim, norm, block,
                                                          num_warps=4)


@triton.jit
def _quantise_group(x, out, scales, width, group: tl.constexpr, groups: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    part = tl.program_id(1) * groups + tl.arange(0, groups)
    lanes = part[:, None] * group + tl.arange(0, group)[None, :]
    mask = lanes < width
    value = tl.load(x + row * width + lanes, mask, 0.0).to(tl.float32)
    scale = tl.maximum(tl.max(tl.abs(value), 1), 1e-6) / 448.0
    tl.store(out + row * width + lanes, (value / scale[:, None]).to(tl.float8e4nv), mask)
    tl.store(scales + row * (width // group) + part, scale, part < width // group)


def quantise_group(x, out, scales, group=128):
    """fp8 with one scale per `group` elements of a row; group == row: per token."""
    rows, width = x.shape
    groups = max(1, min(16, 4096 // group))
    _quantise_group[(rows, triton.cdiv(width // group, groups))](x, out, scales, width, group, groups,
                                                                num_warps=4 if group <= 128 else 8)


@triton.jit
def _merge(a, a_lse, b, b_lse, out, length, heads: tl.constexpr, dim: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    sequence = row // length
    token = row % length
    head = tl.arange(0, heads)
    lse_at = (sequence * heads + head) * length + token
    first = tl.load(a_lse + lse_at)
    second = tl.load(b_lse + lse_at)
    top = tl.maximum(first, second)
    first = tl.exp(first - top)
    second = tl.exp(second - top)
    share = (first / (first + second))[:, None]
    at = row * heads * dim + head[:, None] * dim + tl.arange(0, dim)[None, :]
    both = tl.load(a + at).to(tl.float32) * share + tl.load(b + at).to(tl.float32) * (1 - share)
    tl.store(out + at, both.to(tl.bfloat16))


def merge_attention(a, a_lse, b, b_lse, out):
    """Attention over two disjoint sets of keys into one: a, b, out [batch, length, heads, dim] contiguous;
    log-sum-exps [batch, heads, length]. Heads and dim are powers of two."""
    batch, length, heads, dim = out.shape
    _merge[(batch * length,)](a, a_lse, b, b_lse, out, length, heads, dim, num_warps=8)


@triton.jit
def _route(logits, ids, weights, experts: tl.constexpr, top_k: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    lanes = tl.arange(0, experts)
    scores = tl.load(logits + row * experts + lanes).to(tl.float32)
    scores = tl.exp(scores - tl.max(scores, 0))
    scores = scores / tl.sum(scores, 0)
    for i in tl.static_range(top_k):
        best = tl.argmax(scores, 0)
        tl.store(ids + row * top_k + i, best)
        tl.store(weights + row * top_k + i, tl.max(scores, 0))
        scores = tl.where(lanes == best, -1.0, scores)


def route(logits, ids, weights):
    """Soft-max and the top k of every row: ids int32, weights fp32."""
    _route[(logits.shape[0],)](logits, ids, weights, logits.shape[1], ids.shape[1], num_warps=1)


@triton.jit
def _count_experts(ids, counts, total, chunk: tl.constexpr):
    expert = tl.program_id(0)
    found = tl.zeros((chunk,), tl.int32)
    for begin in range(0, total, chunk):
        lanes = begin + tl.arange(0, chunk)
        found += (tl.load(ids + lanes, lanes < total, -1) == expert).to(tl.int32)
    tl.store(counts + expert, tl.sum(found, 0))


@triton.jit
def _sort_by_expert(ids, counts, order, block_experts, padded_total, total, experts: tl.constexpr,
                    block_m: tl.constexpr, chunk: tl.constexpr):
    expert = tl.program_id(0)
    lanes = tl.arange(0, experts)
    padded = (tl.load(counts + lanes) + block_m - 1) // block_m * block_m
    start = tl.sum(tl.where(lanes < expert, padded, 0), 0)
    own = tl.sum(tl.where(lanes == expert, padded, 0), 0)
    if expert == experts - 1:
        tl.store(padded_total, start + own)
    position = start
    for begin in range(0, total, chunk):
        entries = begin + tl.arange(0, chunk)
        hit = tl.load(ids + entries, entries < total, -1) == expert
        rank = tl.cumsum(hit.to(tl.int32), 0) - 1
        tl.store(order + position + rank, entries, hit)
        position += tl.sum(hit.to(tl.int32), 0)
    pad = position + tl.arange(0, block_m)
    tl.store(order + pad, total, pad < start + own)
    for block in range(start // block_m, (start + own) // block_m):
        tl.store(block_experts + block, expert)


def sort_by_expert(ids, counts, order, block_experts, padded_total, block_m):
    """Groups the entries of `ids` by expert, each group padded to whole blocks with the entry number len(ids)."""
    total = ids.numel()
    chunk = min(4096, max(256, triton.next_power_of_2(total)))
    _count_experts[(counts.numel(),)](ids, counts, total, chunk, num_warps=8 if chunk > 1024 else 4)
    _sort_by_expert[(counts.numel(),)](ids, counts, order, block_experts, padded_total, total, counts.numel(),
                                      block_m, chunk, num_warps=8 if chunk > 1024 else 4)


@triton.jit
def _grouped_gemm(a, b, c, order, block_experts, padded_total, total, n, k, repeat: tl.constexpr,
                  block_m: tl.constexpr, block_n: tl.constexpr, block_k: tl.constexpr, group_m: tl.constexpr):
    blocks_m = tl.load(padded_total) // block_m
    blocks_n = tl.cdiv(n, block_n)
    program = tl.program_id(0)
    if program >= blocks_m * blocks_n:
        return
    per_group = group_m * blocks_n
    first = program // per_group * group_m
    height = tl.minimum(blocks_m - first, group_m)
    block_row = first + (program % per_group) % height
    block_column = (program % per_group) // height
    expert = tl.load(block_experts + block_row).to(tl.int64)
    entries = tl.load(order + block_row * block_m + tl.arange(0, block_m))
    valid = entries < total
    columns = (block_column * block_n + tl.arange(0, block_n)) % n
    inner = tl.arange(0, block_k)
    a_at = a + (entries // repeat)[:, None].to(tl.int64) * k + inner[None, :]
    b_at = b + expert * n * k + columns[None, :] * k + inner[:, None]
    sums = tl.zeros((block_m, block_n), tl.float32)
    for _ in range(0, k, block_k):
        sums = tl.dot(tl.load(a_at, valid[:, None], 0.0), tl.load(b_at), sums)
        a_at += block_k
        b_at += block_k
    c_at = c + entries[:, None].to(tl.int64) * n + columns[None, :]
    tl.store(c_at, sums.to(tl.bfloat16), valid[:, None])


def block_rows(entries, experts):
    """Rows of a block, as fused MoE kernels choose them: by the mean number of rows per expert."""
    mean = entries / experts
    for rows in (16, 32, 64):
        if mean <= rows:
            return rows
    return 128


def grouped_gemm(a, b, c, order, block_experts, padded_total, entries, repeat, block_m):
    """Contiguous layout: row e of `c` = row e // repeat of `a` times the expert's matrix of `b` [experts, n, k]."""
    experts, n, k = b.shape
    block_n, block_k, warps, stages = (128, 64, 8, 4) if block_m == 128 else (128, 128, 4, 3) if block_m == 16 else (
        128, 64, 4, 4)
    blocks = min(entries, experts) + entries // block_m
    _grouped_gemm[(blocks * triton.cdiv(n, block_n),)](a, b, c, order, block_experts, padded_total, entries, n, k,
                                                      repeat, block_m, block_n, block_k, 8, num_warps=warps,
                                                      num_stages=stages)


@triton.jit
def _masked_gemm(a, b, c, counts, rows_max, n, k, block_m: tl.constexpr, block_n: tl.constexpr,
                 block_k: tl.constexpr):
    expert = tl.program_id(2).to(tl.int64)
    count = tl.load(counts + expert)
    row = tl.program_id(1) * block_m
    if row >= count:
        return
    rows = row + tl.arange(0, block_m)
    columns = (tl.program_id(0) * block_n + tl.arange(0, block_n)) % n
    inner = tl.arange(0, block_k)
    a_at = a + (expert * rows_max + rows)[:, None] * k + inner[None, :]
    b_at = b + expert * n * k + columns[None, :] * k + inner[:, None]
    sums = tl.zeros((block_m, block_n), tl.float32)
    valid = (rows < count)[:, None]
    for _ in range(0, k, block_k):
        sums = tl.dot(tl.load(a_at, valid, 0.0), tl.load(b_at), sums)
        a_at += block_k
        b_at += block_k
    tl.store(c + (expert * rows_max + rows)[:, None] * n + columns[None, :], sums.to(tl.bfloat16), valid)


def masked_gemm(a, b, c, counts, expected_rows):
    """Masked layout: a [experts, rows_max, k]; of expert e only the first counts[e] rows are computed.
    `expected_rows` per expert picks the block."""
    experts, rows_max, k = a.shape
    n = b.shape[1]
    block_m = block_rows(expected_rows, 1)
    block_n, block_k, warps, stages = (128, 64, 8, 4) if block_m == 128 else (128, 128, 4, 3) if block_m == 16 else (
        128, 64, 4, 4)
    _masked_gemm[(triton.cdiv(n, block_n), triton.cdiv(rows_max, block_m), experts)](
        a, b, c, counts, rows_max, n, k, block_m, block_n, block_k, num_warps=warps, num_stages=stages)


@triton.jit
def _combine(rows, weights, out, width, top_k: tl.constexpr, block: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * block + tl.arange(0, block)
    mask = columns < width
    total = tl.zeros((block,), tl.float32)
    for i in tl.static_range(top_k):
        row = token * top_k + i
        total += tl.load(rows + row * width + columns, mask, 0.0).to(tl.float32) * tl.load(weights + row)
    tl.store(out + token * width + columns, total.to(tl.bfloat16), mask)


def combine(rows, weights, out):
    """Weighted sum of each token's top-k expert outputs."""
    tokens, width = out.shape
    _combine[(tokens, triton.cdiv(width, 1024))](rows, weights, out, width, weights.shape[1], 1024, num_warps=4)


@triton.jit
def _decode_split(q, q_stride, keys, values, partial, maxima, sums, length, splits, scale,
                  heads: tl.constexpr, kv_heads: tl.constexpr, dim: tl.constexpr, block: tl.constexpr,
                  lanes_q: tl.constexpr):
    sequence = tl.program_id(0).to(tl.int64)
    kv_head = tl.program_id(1)
    split = tl.program_id(2)
    group: tl.constexpr = heads // kv_heads
    per_split = tl.cdiv(tl.cdiv(length, splits), block) * block
    begin = split * per_split
    end = tl.minimum(begin + per_split, length)
    lanes = tl.arange(0, lanes_q)
    columns = tl.arange(0, dim)
    query = tl.load(q + sequence * q_stride + (kv_head * group + lanes)[:, None] * dim + columns[None, :],
                    (lanes < group)[:, None], 0.0)
    best = tl.full((lanes_q,), -1e30, tl.float32)
    total = tl.zeros((lanes_q,), tl.float32)
    out = tl.zeros((lanes_q, dim), tl.float32)
    base = (sequence * length * kv_heads + kv_head) * dim
    for at in range(begin, end, block):
        rows = at + tl.arange(0, block)
        mask = rows < end
        offset = rows.to(tl.int64) * kv_heads * dim
        key = tl.load(keys + base + offset[None, :] + columns[:, None], mask[None, :], 0.0)
        score = tl.where(mask[None, :], tl.dot(query, key.to(tl.bfloat16)) * scale, -1e30)
        top = tl.maximum(best, tl.max(score, 1))
        fade = tl.exp(best - top)
        share = tl.exp(score - top[:, None])
        value = tl.load(values + base + offset[:, None] + columns[None, :], mask[:, None], 0.0)
        out = out * fade[:, None] + tl.dot(share.to(tl.bfloat16), value.to(tl.bfloat16))
        total = total * fade + tl.sum(share, 1)
        best = top
    place = ((sequence * heads + kv_head * group + lanes) * splits + split)
    tl.store(partial + place[:, None] * dim + columns[None, :], out, (lanes < group)[:, None])
    tl.store(maxima + place, best, lanes < group)
    tl.store(sums + place, total, lanes < group)


@triton.jit
def _decode_merge(partial, maxima, sums, out, splits, dim: tl.constexpr, splits_max: tl.constexpr):
    head = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, dim)
    lanes = tl.arange(0, splits_max)
    best = tl.max(tl.load(maxima + head * splits + lanes, lanes < splits, -1e30), 0)
    total = 0.0
    result = tl.zeros((dim,), tl.float32)
    for split in range(splits):
        fade = tl.exp(tl.load(maxima + head * splits + split) - best)
        total += tl.load(sums + head * splits + split) * fade
        result += tl.load(partial + (head * splits + split) * dim + columns) * fade
    tl.store(out + head * dim + columns, (result / total).to(tl.bfloat16))


class DecodeAttention:
    """Split-KV decode attention over caches [batch, length, kv_heads, dim] in bf16 or fp8 (turned into bf16 as they are
    read); splits fill the GPU twice."""

    def __init__(self, batch, length, heads, kv_heads, dim, multiprocessors):
        wanted = max(1, 4 * multiprocessors // (batch * kv_heads))
        self.splits = min(wanted, max(1, length // 128), 64)
        self.shape = (batch, length, heads, kv_heads, dim)
        self.partial = torch.empty(batch * heads * self.splits * dim, dtype=torch.float32, device="cuda")
        self.maxima = torch.empty(batch * heads * self.splits, dtype=torch.float32, device="cuda")
        self.sums = torch.empty_like(self.maxima)

    def __call__(self, q, keys, values, out):
        """q: rows of at least heads * dim elements, the queries first."""
        batch, length, heads, kv_heads, dim = self.shape
        _decode_split[(batch, kv_heads, self.splits)](q, q.stride(0), keys, values, self.partial, self.maxima,
                                                     self.sums, length, self.splits, dim**-0.5, heads, kv_heads, dim,
                                                     64, max(16, heads // kv_heads), num_warps=4, num_stages=3)
        _decode_merge[(batch * heads,)](self.partial, self.maxima, self.sums, out, self.splits, dim,
                                       64, num_warps=2)
