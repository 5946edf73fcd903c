"""How long GPU work takes, and the CSV files that hold the answers.

Method: the call is captured n times into one CUDA graph (n so that a replay takes about 300 us; each call gets
its own weights or KV cache, so none is read twice), and the graph is replayed. Before every replay 256 MiB are
read, which evicts the L2 and leaves nothing in it that must be written back (a flush by writing slows the next
100 us by up to a tenth); that also hides the host's launch, since the GPU is still busy with it. Activations are
shared by the calls of a graph, as they are fresh in L2 in a served model. The answer is the median over
replays of (replay time / n) between CUDA events. Eager warm-up calls run first, so compilation, library handles
and heuristics stay out.
"""

import csv
import datetime
import pathlib
import statistics
import subprocess

import torch

FLUSH_BYTES = 256 << 20
REPLAY_US = 300.0
CALLS_MAX = 24
REPLAYS_MIN, REPLAYS_MAX = 5, 20
BUDGET_US = 8000.0


class Timer:
    """Times calls on one GPU. `calls_max` bounds how many buffer sets a call may be asked for."""

    def __init__(self):
        self.flush = torch.zeros(FLUSH_BYTES // 4, device="cuda")
        self.flushed = torch.zeros((), device="cuda")

    def time(self, call, calls_max=CALLS_MAX, flush=True):
        """(median, spread) of `call(i)` in microseconds; i says which buffer set to use. Spread: interquartile
        range over the median."""
        calls_max = max(1, min(calls_max, CALLS_MAX))
        for i in range(min(2, calls_max)):
            call(i)
        torch.cuda.synchronize()
        begin, end = events()
        begin.record()
        call(calls_max - 1)
        end.record()
        end.synchronize()
        estimate = max(2.0, begin.elapsed_time(end) * 1000)
        # An eager call of a small kernel is bound by the host, so small estimates are too long.
        calls = calls_max if estimate < 40 else max(1, min(calls_max, round(REPLAY_US / estimate)))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for i in range(calls):
                call(i)
        result = self.time_graph(graph, calls, flush)
        del graph
        return result

    def time_graph(self, graph, calls=1, flush=True):
        """The same of a graph that holds `calls` calls."""
        times = [self.replay_us(graph, flush)]
        wanted = max(REPLAYS_MIN, min(REPLAYS_MAX, int(BUDGET_US / max(1.0, times[0]))))
        times = [self.replay_us(graph, flush) / calls for _ in range(wanted)]
        return median_and_spread(times)

    def replay_us(self, graph, flush):
        begin, end = events()
        if flush:
            torch.sum(self.flush, 0, out=self.flushed)
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) * 1000


def events():
    return torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)


def median_and_spread(times):
    times = sorted(times)
    median = statistics.median(times)
    quarter = len(times) // 4
    return median, (times[-1 - quarter] - times[quarter]) / median


class WeightPool:
    """One large buffer of random bf16 (or fp8) numbers; views of it serve as weights and caches, so that
    nothing is generated per point."""

    def __init__(self, size_bytes, dtype=torch.bfloat16, scale=0.02):
        count = size_bytes // torch.empty(0, dtype=dtype).element_size()
        self.buffer = torch.empty(count, dtype=dtype, device="cuda")
        chunk = min(count, 1 << 27)
        self.buffer[:chunk] = (torch.randn(chunk, device="cuda") * scale).to(dtype)
        for begin in range(chunk, count, chunk):
            part = self.buffer[begin:begin + chunk]
            part.copy_(self.buffer[:part.numel()])

    def sets(self, *shape):
        """How many disjoint tensors of this shape the buffer holds."""
        return self.buffer.numel() // _aligned(shape)

    def view(self, index, *shape):
        """The index-th disjoint tensor of this shape."""
        size = _aligned(shape)
        begin = (index % self.sets(*shape)) * size
        return self.buffer[begin:begin + _count(shape)].view(*shape)


def _count(shape):
    count = 1
    for extent in shape:
        count *= extent
    return count


def _aligned(shape):
    return (_count(shape) + 511) // 512 * 512


def _smi(query):
    try:
        text = subprocess.run(["nvidia-smi", "--query-gpu=" + query, "--format=csv,noheader"], check=True,
                              capture_output=True, text=True).stdout
        return " | ".join(text.strip().splitlines())
    except (OSError, subprocess.CalledProcessError):
        return "not read"


def header_lines(suite):
    """What a table was measured on and when."""
    import triton

    nccl = ".".join(str(part) for part in torch.cuda.nccl.version())
    return [
        f"suite: {suite}",
        f"date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
        f"gpu: {torch.cuda.get_device_name()} x{torch.cuda.device_count()}; {_smi('memory.total')}",
        f"driver: {_smi('driver_version')}; CUDA {torch.version.cuda}; cuDNN {torch.backends.cudnn.version()}; "
        f"NCCL {nccl}; torch {torch.__version__}; triton {triton.__version__}",
        f"clocks.sm, clocks.mem, power.draw, power.limit, temperature at the start: "
        f"{_smi('clocks.sm,clocks.mem,power.draw,power.limit,temperature.gpu')}",
    ]


class Table:
    """A CSV file whose first lines start with '#'. Rows are written as they come."""

    def __init__(self, folder, name, columns, remarks=()):
        self.path = pathlib.Path(folder) / f"{name}.csv"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self.path, "w", buffering=1, newline="", encoding="utf-8")
        for line in [*header_lines(name), *remarks]:
            self.file.write(f"# {line}\n")
        self.writer = csv.writer(self.file, lineterminator="\n")
        self.writer.writerow(columns)
        self.rows = 0

    def add(self, *values):
        self.writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in values])
        self.rows += 1

    def close(self):
        self.file.write("# clocks.sm, clocks.mem, power.draw, power.limit, temperature at the end: "
                        f"{_smi('clocks.sm,clocks.mem,power.draw,power.limit,temperature.gpu')}\n")
        self.file.close()
