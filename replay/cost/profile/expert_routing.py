"""Expert layers with evenly dealt and with random rows: what blocks that random routing opens beyond the even ones
cost, and what experts that it leaves out save. Public tables have even rows or rows by a power law, served models
neither."""

import torch

from grouped_gemm import Layer, random_ids
from timing import Table, Timer, WeightPool

# name, hidden, ffn, top_k, experts (of one rank)
FAMILIES = [
    ("Qwen3-30B-A3B", 2048, 768, 8, 128),
    ("Qwen3-Next-80B-A3B", 2048, 512, 10, 512),
    ("Qwen3-235B-A22B tp4", 4096, 384, 8, 128),
    ("Mixtral-8x7B tp4", 4096, 3584, 2, 8),
    ("DeepSeek-V3 tp8", 7168, 256, 8, 256),
]
TOKENS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1536, 2048, 3072, 4096, 6144, 8192]
COLUMNS = ["routing", "family", "moe_dtype", "num_tokens", "hidden_size", "inter_size", "topk", "num_experts",
           "active_experts", "latency", "up", "down", "spread"]


def even_ids(tokens, top_k, experts):
    ids = (torch.arange(tokens * top_k, device="cuda", dtype=torch.int32) % experts).view(tokens, top_k)
    return ids[torch.randperm(tokens, device="cuda")].contiguous()


ROUTINGS = {"even": even_ids, "random": random_ids}


def measure(timer, weights, table, family, tokens):
    name, hidden, ffn, top_k, experts = family
    size = experts * 2 * ffn * hidden
    sets = max(1, weights.buffer.numel() // (size * 3 // 2))

    def both(i):
        flat = weights.view(i % sets, experts, 3 * ffn, hidden).view(-1)
        return flat[:size].view(experts, 2 * ffn, hidden), flat[size:].view(experts, hidden, ffn)

    for routing, ids_of in ROUTINGS.items():
        layer = Layer(tokens, hidden, ffn, top_k, experts)
        ids = ids_of(tokens, top_k, experts)
        active = ids.unique().numel()
        scores = torch.rand(tokens, top_k, device="cuda")
        x = torch.randn(tokens, hidden, device="cuda", dtype=torch.bfloat16)
        out = torch.empty_like(x)
        expert_bytes = 2 * active * ffn * hidden
        us, spread = timer.time(lambda i: layer.run(x, ids, scores, *both(i), out), sets, 3 * expert_bytes)
        layer.sort(ids)
        up, _ = timer.time(lambda i: layer.gemm(x, both(i)[0], layer.gate_up, top_k), sets, 2 * expert_bytes)
        down, _ = timer.time(lambda i: layer.gemm(layer.inner, both(i)[1], layer.rows, 1), sets, expert_bytes)
        table.add(routing, name, "bfloat16", tokens, hidden, ffn, top_k, experts, active, us / 1000, up / 1000,
                  down / 1000, spread)


def run(folder, every, quick):
    timer = Timer()
    weights = WeightPool(12 << 30)
    table = Table(folder, "expert_routing", COLUMNS, ["latency (the layer), up, down: ms; weights cold"])
    points = [(family, tokens) for family in FAMILIES for tokens in TOKENS]
    for family, tokens in (points[::19] if quick else points[::every]):
        measure(timer, weights, table, family, tokens)
    table.close()
    return table.rows
