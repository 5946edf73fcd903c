"""What the host and the launch cost: eager launches, CUDA graphs of n small kernels, waits, small copies."""

import time

import torch

import kernels
from timing import Table, Timer, median_and_spread

NODES = [1, 10, 100, 300, 1000, 3000]


def wall_us(call, repeats=30):
    times = []
    for _ in range(repeats):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e6)
    torch.cuda.synchronize()
    return median_and_spread(times[3:])


def run(folder, every, quick):
    timer = Timer()
    table = Table(folder, "launch", ["operation", "count", "latency_us", "spread"],
                  ["latency_us: microseconds for all `count` of them; wall: on the host"])
    x = torch.zeros(1, device="cuda")
    rows, out = torch.ones(1, 2048, device="cuda", dtype=torch.bfloat16), None
    out = torch.empty(1, 1024, device="cuda", dtype=torch.bfloat16)
    square = torch.ones(64, 64, device="cuda", dtype=torch.bfloat16)
    for name, call in (("add", lambda: x.add_(1)), ("triton", lambda: kernels.silu_mul(rows, out)),
                       ("mm", lambda: torch.mm(square, square))):
        def many(call=call):
            for _ in range(500):
                call()

        many()
        table.add(f"eager_{name}_wall", 500, *wall_us(many, 10))
    for nodes in (NODES[:3] if quick else NODES):
        graph = torch.cuda.CUDAGraph()
        x.add_(1)
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            for _ in range(nodes):
                x.add_(1)
        table.add("graph_nodes_gpu", nodes, *timer.time_graph(graph))
        table.add("graph_launch_wall", nodes, *wall_us(graph.replay))

        def replay_and_wait(graph=graph):
            graph.replay()
            torch.cuda.synchronize()

        table.add("graph_launch_and_wait_wall", nodes, *wall_us(replay_and_wait))
        del graph
    host = torch.zeros(256, dtype=torch.int64, pin_memory=True)
    device = torch.zeros(256, dtype=torch.int64, device="cuda")

    def there():
        device.copy_(host, non_blocking=True)

    def back():
        host.copy_(device, non_blocking=True)
        torch.cuda.synchronize()

    table.add("synchronize_idle_wall", 1, *wall_us(torch.cuda.synchronize))
    table.add("tokens_to_gpu_wall", 256, *wall_us(there))
    table.add("tokens_to_host_and_wait_wall", 256, *wall_us(back))
    table.close()
    return table.rows
