"""How long GPU work takes, and the CSV files that hold the answers.

Method: the call is captured n times into one CUDA graph and the graph is replayed back to back, as a server replays
its steps. Each call of a graph gets its own weights or KV cache, and n is so large that they are several times the
L2 (COLD_BYTES), so whatever a served model reads for the first time in a step is cold here too, without a flush.
Activations are shared by the calls, as they are fresh in L2 in a served model. The answer is the median over
replays of (time between the CUDA events around a replay / n). Eager warm-up calls and one replay run first, so
compilation, library handles and heuristics stay out.
"""

import csv
import datetime
import pathlib
import statistics
import subprocess

import torch

COLD_BYTES = 256 << 20
REPLAY_US = 300.0
CALLS = 96
CALLS_COLD_MAX = 512
REPLAYS_MIN, REPLAYS_MAX = 5, 20
BUDGET_US = 8000.0
ESTIMATES = 3  # the host's hiccups fall on single calls, and a graph of too few calls times its own launch


class Timer:
    """Times calls on one GPU."""

    def __init__(self):
        self.delay = torch.zeros(COLD_BYTES // 4, device="cuda")
        self.delayed = torch.zeros((), device="cuda")

    def time(self, call, sets=CALLS, cold_bytes=0):
        """(median, spread) of `call(i)` in microseconds; i < `sets` says which buffer set to use, and `cold_bytes`
        how much of it must not be in L2. Spread: interquartile range over the median."""
        for i in range(min(2, sets)):
            call(i)
        torch.cuda.synchronize()
        estimate = max(2.0, min(self._eager_us(call, sets - 1) for _ in range(ESTIMATES)))
        # An eager call of a small kernel is bound by the host, so small estimates are too long.
        calls = CALLS if estimate < 40 else max(1, round(REPLAY_US / estimate))
        if cold_bytes > 0:
            calls = max(calls, min(CALLS_COLD_MAX, -(-COLD_BYTES // cold_bytes)))
        calls = max(1, min(calls, sets))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for i in range(calls):
                call(i)
        result = self.time_graph(graph, calls)
        del graph
        return result

    def _eager_us(self, call, index):
        begin, end = events()
        begin.record()
        call(index)
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) * 1000

    def time_graph(self, graph, calls=1):
        """The same of a graph that holds `calls` calls."""
        first = self.replay_us(graph)
        replays = max(REPLAYS_MIN, min(REPLAYS_MAX, int(BUDGET_US / max(1.0, first)))) + 1
        marks = [events()[0] for _ in range(replays + 1)]
        marks[0].record()
        for mark in marks[1:]:
            graph.replay()
            mark.record()
        marks[-1].synchronize()
        times = [a.elapsed_time(b) * 1000 / calls for a, b in zip(marks, marks[1:])]
        return median_and_spread(times[1:])

    def replay_us(self, graph):
        """One replay, launched while the GPU still reads 256 MiB, so that the host's part is hidden."""
        begin, end = events()
        torch.sum(self.delay, 0, out=self.delayed)
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
