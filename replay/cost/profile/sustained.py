"""What a kernel loses when it runs for long: the GPU lowers its clock where its power limit binds. After a pause,
each call is replayed for a second; burst is the time per call over the first 3 ms, sustained over the last third."""

import time

import torch

from attention import context_call
from timing import Table, Timer, WeightPool, events, median_and_spread

GEMMS = [(m, n, k) for n, k in ((28672, 4096), (4096, 14336), (6144, 4096), (5120, 2048))
         for m in (16, 128, 512, 2048, 8192)]
ATTENTIONS = [(1, 2048), (1, 8192), (8, 512)]
SECONDS = 0.8
PAUSE_SECONDS = 0.2


class Clock:
    """SM clock in MHz and power in W as the driver reads them; -1 without the NVML package."""

    def __init__(self):
        try:
            import pynvml

            pynvml.nvmlInit()
            self.nvml, self.device = pynvml, pynvml.nvmlDeviceGetHandleByIndex(torch.cuda.current_device())
        except Exception:  # the package or the library is missing: the clock is only a remark
            self.nvml = None

    def read(self):
        if self.nvml is None:
            return -1, -1.0
        return (self.nvml.nvmlDeviceGetClockInfo(self.device, self.nvml.NVML_CLOCK_SM),
                self.nvml.nvmlDeviceGetPowerUsage(self.device) / 1000)


def calls(weights):
    for m, n, k in GEMMS:
        x = torch.randn(m, k, device="cuda", dtype=torch.bfloat16)
        out = torch.empty(m, n, device="cuda", dtype=torch.bfloat16)
        yield "gemm", f"{m} {n} {k}", 2 * m * n * k, lambda i: torch.mm(x, weights.view(i, n, k).t(), out=out)
    for batch, length in ATTENTIONS:
        q = torch.randn(batch, length, 32, 128, device="cuda", dtype=torch.bfloat16).transpose(1, 2)
        k, v = (torch.randn(batch, length, 8, 128, device="cuda", dtype=torch.bfloat16).transpose(1, 2)
                for _ in range(2))
        yield ("context_attention", f"{batch} {length} 32 8 128", 2 * batch * length * length * 32 * 128,
               context_call("cudnn", q, k, v, 0))
    size = 1 << 30
    yield "read", f"{size}", 0, lambda i: torch.sum(weights.view(i, size // 2).view(torch.float32))


def measure(timer, clock, call):
    estimate = timer.time(call)[0]
    per_graph = max(1, int(1000 / estimate))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for i in range(per_graph):
            call(i)
    torch.cuda.synchronize()
    time.sleep(PAUSE_SECONDS)
    replays = max(12, int(SECONDS * 1e6 / (estimate * per_graph)))
    marks = [events()[0] for _ in range(replays + 1)]
    marks[0].record()
    for index in range(replays):
        graph.replay()
        marks[index + 1].record()
        if index == replays * 3 // 4:
            marks[index - 20 if index > 20 else 0].synchronize()
            mhz, watts = clock.read()
    marks[-1].synchronize()
    times = [a.elapsed_time(b) * 1000 / per_graph for a, b in zip(marks, marks[1:])]
    burst = median_and_spread(times[:max(2, int(3000 / (estimate * per_graph)))])[0]
    return burst, *median_and_spread(times[replays * 2 // 3:]), mhz, watts


def run(folder, every, quick):
    timer, clock = Timer(), Clock()
    weights = WeightPool(8 << 30)
    table = Table(folder, "sustained", ["operator", "shape", "flops", "burst_us", "sustained_us", "spread", "sm_mhz",
                                        "power_w"], ["shape: m n k, or batch length heads kv_heads head_dim"])
    for index, (name, shape, flops, call) in enumerate(calls(weights)):
        if index % (9 if quick else every):
            continue
        table.add(name, shape, flops, *measure(timer, clock, call))
    table.close()
    return table.rows
