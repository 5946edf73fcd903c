"""Whole steps of a dense and a mixture-of-experts decoder under CUDA graphs."""

import gc
import time

import torch

from decoder import LLAMA_8B, QWEN_MOE, Decoder, Shape, Step
from timing import Table, Timer, median_and_spread

PREFILL_KERNEL, DECODE_KERNEL = "cudnn", "triton_split"
CACHE_TOKENS_MAX = 300_000
REMARKS = [
    f"gpu_us: replay of the step's graph; wall_us: copy of token ids to the GPU, replay, copy of sampled ids back "
    f"and wait, on the host; eager_us: the same step without a graph (where measured)",
    f"attention: prefill {PREFILL_KERNEL} (merged after a cached prefix), decode {DECODE_KERNEL}; GEMM cuBLAS; "
    f"experts Triton; greedy sampling; active_experts: mean over layers",
]
COLUMNS = ["model", "tensor", "prefill_sequences", "prefill_tokens", "computed", "decode_sequences",
           "decode_context", "active_experts", "gpu_us", "spread", "wall_us", "eager_us"]


def shapes():
    for sequences in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        for context in (128, 512, 1024, 2048, 4096, 8192, 32768):
            if sequences * context <= CACHE_TOKENS_MAX:
                yield Shape(decode_sequences=sequences, decode_context=context)
    for tokens in (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192):
        yield Shape(1, tokens)
    for sequences, tokens in ((2, 512), (4, 256), (4, 1024), (8, 512), (16, 128), (2, 4096)):
        yield Shape(sequences, tokens)
    for tokens, computed in ((512, 2048), (2048, 4096), (512, 16384), (2048, 16384)):
        yield Shape(1, tokens, computed)
    for tokens, sequences, context in ((256, 32, 1024), (512, 64, 1024), (1984, 64, 2048), (960, 64, 512)):
        yield Shape(1, tokens, 0, sequences, context)


def wants_eager(shape):
    return shape.computed == 0 and (shape.decode_sequences, shape.decode_context, shape.prefill_tokens) in (
        (1, 1024, 0), (16, 1024, 0), (128, 1024, 0), (0, 0, 128), (0, 0, 2048))


def wall_us(call, repeats):
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e6)
    return median_and_spread(times)[0]


def measure(timer, table, decoder, shape):
    step = Step(decoder, shape, PREFILL_KERNEL, DECODE_KERNEL)
    host_in = torch.zeros(shape.tokens, dtype=torch.int64).pin_memory()
    host_out = torch.zeros(shape.prefill_sequences + shape.decode_sequences, dtype=torch.int64).pin_memory()
    host_in.copy_(step.ids)
    step.forward()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        sampled = step.forward()
    gpu_us, spread = timer.time_graph(graph)

    def turn(run):
        step.ids.copy_(host_in, non_blocking=True)
        host_out.copy_(run(), non_blocking=True)
        torch.cuda.synchronize()

    def replay():
        graph.replay()
        return sampled

    repeats = 5 if gpu_us < 50_000 else 3
    walls = wall_us(lambda: turn(replay), repeats)
    eager = wall_us(lambda: turn(step.forward), repeats) if wants_eager(shape) and not decoder.reduce else ""
    table.add(decoder.config.name, decoder.tensor, shape.prefill_sequences, shape.prefill_tokens, shape.computed,
              shape.decode_sequences, shape.decode_context, step.active_experts(), gpu_us, spread, walls, eager)


def measure_all(timer, table, decoder, chosen):
    for shape in chosen:
        try:
            measure(timer, table, decoder, shape)
        except RuntimeError as error:
            print(f"step {decoder.config.name} {shape}: {str(error).splitlines()[0]}", flush=True)


def measure_models(folder, name, models, chosen):
    """One table of steps of each of `models`, pairs of a configuration and the bytes of its KV cache."""
    timer = Timer()
    table = Table(folder, name, COLUMNS, REMARKS)
    for config, cache_bytes in models:
        decoder = Decoder(config, cache_bytes)
        fitting = [shape for shape in chosen if shape.slots * 4 * decoder.kv_heads * config.dim <= cache_bytes]
        measure_all(timer, table, decoder, fitting)
        del decoder
        gc.collect()
        torch.cuda.empty_cache()
    table.close()
    return table.rows


def run(folder, every, quick):
    chosen = list(shapes())
    return measure_models(folder, "steps", ((LLAMA_8B, 40 << 30), (QWEN_MOE, 8 << 30)),
                          chosen[::17] if quick else chosen[::every])
