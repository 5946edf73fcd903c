"""What the exchange of a MoE layer between data-parallel ranks adds to a step: all-gather of hidden vectors and router
scores before the experts, reduce-scatter behind them, as vLLM's default backend does. Timed alone back to back, and
between the products of a layer, where ranks arrive apart and each collective starts on an idle link."""

import os

import torch
import torch.distributed as dist

from links import NoTable, slowest
from timing import Table, Timer, WeightPool, median_and_spread

HIDDEN, EXPERTS, LAYERS = 2048, 128, 12
ATTENTION_WIDTH = 5120     # queries, keys and values of Qwen3-30B-A3B
EXPERT_WIDTH = 36864       # 151 MB of weights: half of what 64 experts of that model hold
ROWS = (1, 8, 32, 64, 128, 256, 512, 1024)
COLUMNS = ["rows", "ranks", "compute_us", "collectives_us", "both_us", "added_us", "spread"]


class Layer:
    """One rank's part of a layer; `i` picks weights that are not in L2."""

    def __init__(self, pool, ranks, rows):
        self.pool = pool
        self.hidden = torch.randn(rows, HIDDEN, device="cuda", dtype=torch.bfloat16)
        self.scores = torch.randn(rows, EXPERTS, device="cuda", dtype=torch.bfloat16)
        self.all_hidden = torch.empty(rows * ranks, HIDDEN, device="cuda", dtype=torch.bfloat16)
        self.all_scores = torch.empty(rows * ranks, EXPERTS, device="cuda", dtype=torch.bfloat16)

    def attention(self, i):
        torch.mm(self.hidden, self.pool.view(i, HIDDEN, ATTENTION_WIDTH))

    def gather(self):
        with dist._coalescing_manager(device=self.hidden.device):
            dist.all_gather_into_tensor(self.all_hidden, self.hidden)
            dist.all_gather_into_tensor(self.all_scores, self.scores)

    def experts(self, i):
        torch.mm(self.all_hidden, self.pool.view(i, HIDDEN, EXPERT_WIDTH))

    def scatter(self):
        dist.reduce_scatter_tensor(self.hidden, self.all_hidden)


def time_layers(timer, layer, compute, exchange):
    def run():
        for i in range(LAYERS):
            if compute:
                layer.attention(i)
            if exchange:
                layer.gather()
            if compute:
                layer.experts(i)
            if exchange:
                layer.scatter()

    run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        run()
    times = []
    for _ in range(16):
        dist.barrier()
        torch.cuda.synchronize()
        times.append(timer.replay_us(graph) / LAYERS)
    del graph
    return slowest(*median_and_spread(times[1:]))


def worker(rank, ranks, folder, every, quick):
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29512")
    torch.cuda.set_device(rank)
    dist.init_process_group("nccl", rank=rank, world_size=ranks, device_id=torch.device("cuda", rank))
    timer = Timer()
    remarks = ["us per layer, of the slower rank; added_us: both less compute, for both collectives together",
               f"NCCL_NVLS_ENABLE={os.environ.get('NCCL_NVLS_ENABLE', 'unset')}, "
               f"NCCL_P2P_DISABLE={os.environ.get('NCCL_P2P_DISABLE', 'unset')}"]
    table = Table(folder, "exchange", COLUMNS, remarks) if rank == 0 else NoTable()
    pool = WeightPool(2 << 30)
    for rows in ROWS[::4] if quick else ROWS[::every]:
        layer = Layer(pool, ranks, rows)
        compute, _ = time_layers(timer, layer, True, False)
        collectives, _ = time_layers(timer, layer, False, True)
        both, spread = time_layers(timer, layer, True, True)
        table.add(rows, ranks, compute, collectives, both, both - compute, spread)
    table.close()
    dist.destroy_process_group()


def run(folder, every, quick):
    ranks = torch.cuda.device_count()
    if ranks < 2:
        print("exchange: needs two GPUs or more, skipped", flush=True)
        return 0
    torch.multiprocessing.spawn(worker, (ranks, folder, every, quick), nprocs=ranks)
    return len(ROWS)
