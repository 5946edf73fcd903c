"""Element-wise and small kernels of a decoder step: norms, activation, rotary embedding with cache write,
quantisation, routing, sorting, embedding, sampling. Inputs are warm (just produced), caches and tables cold."""

import torch

import kernels
from timing import Table, Timer

TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384]
SEQUENCES = [1, 4, 16, 64, 256]


def bf16(*shape):
    return torch.randn(*shape, device="cuda", dtype=torch.bfloat16)


def add_rms_norm(tokens, width):
    x, residual, weight, out = bf16(tokens, width), bf16(tokens, width), bf16(width), bf16(tokens, width)
    return lambda i: kernels.add_rms_norm(x, residual, weight, out)


def silu_mul(tokens, width):
    x, out = bf16(tokens, 2 * width), bf16(tokens, width)
    return lambda i: kernels.silu_mul(x, out)


def rope_cache(tokens, heads, kv_heads, norm):
    dim = 128
    x = bf16(tokens, (heads + 2 * kv_heads) * dim)
    angles = torch.rand(tokens, dim // 2, device="cuda")
    keys, values = bf16(tokens, kv_heads, dim), bf16(tokens, kv_heads, dim)
    positions = torch.randperm(tokens, device="cuda")
    cosines, sines = angles.cos(), angles.sin()
    return lambda i: kernels.rope_cache(x, cosines, sines, keys, values, positions, heads, kv_heads, dim, norm)


def quantise(tokens, width, group):
    x = bf16(tokens, width)
    out = torch.empty(tokens, width, device="cuda", dtype=torch.float8_e4m3fn)
    scales = torch.empty(tokens, width // group, device="cuda")
    return lambda i: kernels.quantise_group(x, out, scales, group)


def route(tokens, experts, top_k):
    logits = bf16(tokens, experts)
    ids = torch.empty(tokens, top_k, device="cuda", dtype=torch.int32)
    weights = torch.empty(tokens, top_k, device="cuda")
    return lambda i: kernels.route(logits, ids, weights)


def sort_by_expert(tokens, experts, top_k):
    from grouped_gemm import Layer, random_ids

    layer = Layer(tokens, 128, 128, top_k, experts)
    ids = random_ids(tokens, top_k, experts)
    return lambda i: layer.sort(ids)


def combine(tokens, width, top_k):
    rows, out = bf16(tokens * top_k, width), bf16(tokens, width)
    weights = torch.rand(tokens, top_k, device="cuda")
    return lambda i: kernels.combine(rows, weights, out)


def embedding(tokens, width, vocab):
    table, out = bf16(vocab, width), bf16(tokens, width)
    ids = torch.randint(vocab, (tokens,), device="cuda")
    return lambda i: torch.index_select(table, 0, ids, out=out)


def greedy(sequences, vocab):
    logits = bf16(sequences, vocab)
    return lambda i: logits.argmax(-1)


def top_p(sequences, vocab):
    """Temperature, soft-max, sort, cumulative cut, draw: as frameworks do without a fused kernel."""
    logits = bf16(sequences, vocab)

    def call(_):
        probabilities, order = torch.softmax(logits.float() / 0.7, -1).sort(-1, descending=True)
        kept = probabilities * (probabilities.cumsum(-1) - probabilities <= 0.9)
        noise = torch.empty_like(probabilities).exponential_()
        order.gather(-1, (kept / noise).argmax(-1, keepdim=True))

    return call


def points():
    """(operator, maker, tokens, the maker's further arguments, HBM bytes per token)."""
    for tokens in TOKENS:
        for width in (2048, 4096, 8192):
            yield "add_rms_norm", add_rms_norm, tokens, (width,), 8 * width
        for width in (768, 3584, 14336):
            yield "silu_mul", silu_mul, tokens, (width,), 6 * width
        for heads, kv_heads, norm in ((32, 8, False), (32, 4, True), (8, 1, False)):
            yield "rope_cache", rope_cache, tokens, (heads, kv_heads, norm), 128 * (4 * heads + 8 * kv_heads)
        for width in (4096, 8192):
            yield "quantise_128", quantise, tokens, (width, 128), 3 * width
            yield "quantise_token", quantise, tokens, (width, width), 3 * width
        yield "route", route, tokens, (128, 8), 2 * 128 + 64
        yield "sort_by_expert", sort_by_expert, tokens, (128, 8), 3 * 8 * 4
        for width, top_k in ((2048, 8), (4096, 2)):
            yield "combine", combine, tokens, (width, top_k), 2 * width * (top_k + 1)
        yield "embedding", embedding, tokens, (4096, 128256), 4 * 4096
    for sequences in SEQUENCES:
        yield "argmax", greedy, sequences, (128256,), 2 * 128256
        yield "top_p", top_p, sequences, (128256,), 12 * 128256


def run(folder, every, quick):
    timer = Timer()
    table = Table(folder, "elementwise", ["operator", "arguments", "tokens", "bytes_per_token", "latency", "spread"],
                  ["latency: ms; bytes_per_token: read and written once"])
    chosen = list(points())
    for name, make, tokens, arguments, size in (chosen[::13] if quick else chosen[::every]):
        try:
            us, spread = timer.time(make(tokens, *arguments))
        except RuntimeError as error:
            print(f"elementwise {name} {tokens} {arguments}: {str(error).splitlines()[0]}", flush=True)
            continue
        table.add(name, " ".join(str(part) for part in arguments), tokens, size, us / 1000, spread)
    table.close()
    return table.rows
