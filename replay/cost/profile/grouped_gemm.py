"""Grouped GEMM of routed experts, and the whole fused expert layer.

Layouts: "contiguous" (rows sorted by expert; a Triton kernel of the form of the serving frameworks' fused MoE, and
PyTorch's CUTLASS grouped_mm) and "masked" ([expert, rows_max, k] with a count per expert; Triton). Routing is
uniform and random. A layer is: sort by expert, first GEMM, SiLU-and-multiply, second GEMM, weighted sum."""

import torch

import kernels
from timing import Table, Timer, WeightPool

# name, hidden, ffn, top_k, experts (of one rank)
FAMILIES = [
    ("Qwen3-30B-A3B", 2048, 768, 8, 128),
    ("Qwen3-30B-A3B tp4", 2048, 192, 8, 128),
    ("Qwen3-235B-A22B ep8", 4096, 1536, 1, 16),
    ("DeepSeek-V3 ep32", 7168, 2048, 1, 8),
    ("Mixtral-8x7B tp4", 4096, 3584, 2, 8),
]
TOKENS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192]
ROWS_MASKED = [4, 16, 64, 128, 512]


class Layer:
    """Buffers of one expert layer for `tokens` tokens. `ids` and `routing` come from the router."""

    def __init__(self, tokens, hidden, ffn, top_k, experts):
        entries = tokens * top_k
        bf16 = {"device": "cuda", "dtype": torch.bfloat16}
        int32 = {"device": "cuda", "dtype": torch.int32}
        self.entries, self.top_k = entries, top_k
        self.block_m = kernels.block_rows(entries, experts)
        self.counts = torch.zeros(experts, **int32)
        self.order = torch.zeros(entries + experts * self.block_m, **int32)
        self.block_experts = torch.zeros(entries + experts, **int32)
        self.padded_total = torch.zeros(1, **int32)
        self.gate_up = torch.empty(entries, 2 * ffn, **bf16)
        self.inner = torch.empty(entries, ffn, **bf16)
        self.rows = torch.empty(entries, hidden, **bf16)

    def sort(self, ids):
        kernels.sort_by_expert(ids, self.counts, self.order, self.block_experts, self.padded_total, self.block_m)

    def gemm(self, a, b, c, repeat):
        kernels.grouped_gemm(a, b, c, self.order, self.block_experts, self.padded_total, self.entries, repeat,
                             self.block_m)

    def run(self, x, ids, routing, up, down, out):
        self.sort(ids)
        self.gemm(x, up, self.gate_up, self.top_k)
        kernels.silu_mul(self.gate_up, self.inner)
        self.gemm(self.inner, down, self.rows, 1)
        kernels.combine(self.rows, routing, out)


def random_ids(tokens, top_k, experts):
    return torch.rand(tokens, experts, device="cuda").topk(top_k).indices.to(torch.int32).contiguous()


def measure_tokens(timer, weights, table, family, tokens):
    name, hidden, ffn, top_k, experts = family
    layer = Layer(tokens, hidden, ffn, top_k, experts)
    ids = random_ids(tokens, top_k, experts)
    active = ids.unique().numel()
    routing = torch.rand(tokens, top_k, device="cuda")
    x = torch.randn(tokens, hidden, device="cuda", dtype=torch.bfloat16)
    out = torch.empty_like(x)
    size = experts * 2 * ffn * hidden
    sets = max(1, weights.buffer.numel() // (size * 3 // 2))

    def up(i):
        return weights.view(i % sets, experts, 3 * ffn, hidden).view(-1)[:size].view(experts, 2 * ffn, hidden)

    def down(i):
        return weights.view(i % sets, experts, 3 * ffn, hidden).view(-1)[size:].view(experts, hidden, ffn)

    def add(layout, kernel, cold, call):
        us, spread = timer.time(call, sets, 2 * cold)
        table.add(layout, kernel, name, "bfloat16", tokens, hidden, ffn, top_k, experts, active, us / 1000, spread)

    add("contiguous layer", "triton", active * 3 * ffn * hidden,
        lambda i: layer.run(x, ids, routing, up(i), down(i), out))
    layer.sort(ids)
    add("contiguous up", "triton", active * 2 * ffn * hidden, lambda i: layer.gemm(x, up(i), layer.gate_up, top_k))
    add("contiguous down", "triton", active * ffn * hidden, lambda i: layer.gemm(layer.inner, down(i), layer.rows, 1))
    sorted_rows = torch.randn(tokens * top_k, hidden, device="cuda", dtype=torch.bfloat16)
    ends = torch.bincount(ids.flatten().long(), minlength=experts).cumsum(0).to(torch.int32)
    grouped = getattr(torch.nn.functional, "grouped_mm", None) or torch._grouped_mm
    add("contiguous up", "torch_grouped_mm", active * 2 * ffn * hidden,
        lambda i: grouped(sorted_rows, up(i).transpose(1, 2), offs=ends))


def measure_masked(timer, weights, table, family, rows):
    """`rows` per expert on average, drawn evenly from half to one and a half times that; room for twice as many."""
    name, hidden, ffn, top_k, experts = family
    counts = torch.randint(rows // 2, rows * 3 // 2 + 1, (experts,), device="cuda", dtype=torch.int32)
    x = torch.randn(experts, 2 * rows, hidden, device="cuda", dtype=torch.bfloat16)
    out = torch.empty(experts, 2 * rows, 2 * ffn, device="cuda", dtype=torch.bfloat16)
    sets = weights.sets(experts, 2 * ffn, hidden)
    call = lambda i: kernels.masked_gemm(x, weights.view(i, experts, 2 * ffn, hidden), out, counts, rows)
    us, spread = timer.time(call, sets, experts * 4 * ffn * hidden)
    table.add("masked up", "triton", name, "bfloat16", int(counts.sum()) // top_k, hidden, ffn, top_k, experts,
              experts, us / 1000, spread)


def run(folder, every, quick):
    timer = Timer()
    weights = WeightPool(12 << 30)
    table = Table(folder, "grouped_gemm", ["layout", "kernel_source", "family", "moe_dtype", "num_tokens",
                                           "hidden_size", "inter_size", "topk", "num_experts", "active_experts",
                                           "latency", "spread"],
                  ["latency: ms; weights cold; num_tokens: before top-k; router not contained"])
    points = [(measure_tokens, family, tokens) for family in FAMILIES for tokens in TOKENS]
    points += [(measure_masked, family, rows) for family in FAMILIES for rows in ROWS_MASKED]
    for measure, family, size in (points[::19] if quick else points[::every]):
        try:
            measure(timer, weights, table, family, size)
        except RuntimeError as error:
            print(f"grouped_gemm {family[0]} {size}: {str(error).splitlines()[0]}", flush=True)
    table.close()
    return table.rows
