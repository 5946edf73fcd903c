"""Collectives of NCCL and peer copies, over every GPU of the machine, and tensor-parallel whole steps."""

import gc
import os

import torch
import torch.distributed as dist

import steps
from decoder import LLAMA_8B, MIXTRAL, OLMOE, QWEN_32B, QWEN_MOE, Decoder, Shape
from timing import Table, Timer, median_and_spread

SIZES = [1 << shift for shift in range(10, 31)]
STEP_TABLES = (("steps_tensor_parallel", (LLAMA_8B, QWEN_MOE)),
               ("steps_tensor_parallel_other_models", (QWEN_32B, OLMOE, MIXTRAL)))
SPREAD_SHAPES = ((1, 1024), (8, 1024), (64, 1024), (256, 1024))


def collectives(ranks, rank, count):
    """Name, call and how many elements the message has in the convention of nccl-tests."""
    send = torch.ones(count, device="cuda", dtype=torch.bfloat16)
    receive = torch.empty_like(send)
    part = count // ranks
    yield "all_reduce", lambda i: dist.all_reduce(send)
    yield "all_gather", lambda i: dist.all_gather_into_tensor(receive, send[:part])
    yield "reduce_scatter", lambda i: dist.reduce_scatter_tensor(receive[:part], send)
    yield "alltoall", lambda i: dist.all_to_all_single(receive, send)
    if ranks == 2:
        def one_way(i):
            if rank == 0:
                dist.send(send, 1)
            else:
                dist.recv(receive, 0)

        def both_ways(i):
            operations = [dist.P2POp(dist.isend, send, 1 - rank), dist.P2POp(dist.irecv, receive, 1 - rank)]
            for work in dist.batch_isend_irecv(operations):
                work.wait()

        yield "send_recv", one_way
        yield "send_recv_both", both_ways


def slowest(us, spread):
    """The slower rank's answer on every rank."""
    both = torch.tensor([us, spread], device="cuda")
    dist.all_reduce(both, dist.ReduceOp.MAX)
    return both.tolist()


def time_collective(timer, call, size):
    calls = 20 if size <= (1 << 20) else 5 if size <= (1 << 26) else 2
    call(0)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        for i in range(calls):
            call(i)
    times = []
    for _ in range(12 if size <= (1 << 26) else 6):
        dist.barrier()
        torch.cuda.synchronize()
        times.append(timer.replay_us(graph) / calls)
    del graph
    return slowest(*median_and_spread(times[1:]))


def measure_peer_copies(table, sizes):
    """cudaMemcpyPeer from GPU 0 to 1, alone and with the opposite direction at the same time."""
    streams = [torch.cuda.Stream(device) for device in (0, 1)]
    for size in sizes:
        a = [torch.empty(size, dtype=torch.uint8, device=f"cuda:{device}") for device in (0, 1)]
        b = [torch.empty(size, dtype=torch.uint8, device=f"cuda:{device}") for device in (0, 1)]
        for name, directions in (("peer_copy", (0,)), ("peer_copy_both", (0, 1))):
            times = []
            repeats = 20 if size <= (1 << 20) else 5
            for _ in range(9):
                for device in (0, 1):
                    torch.cuda.synchronize(device)
                begin = [torch.cuda.Event(enable_timing=True) for _ in directions]
                end = [torch.cuda.Event(enable_timing=True) for _ in directions]
                for source in directions:
                    with torch.cuda.device(source), torch.cuda.stream(streams[source]):
                        torch.cuda._sleep(200_000)
                        begin[source].record()
                        for _ in range(repeats):
                            b[1 - source].copy_(a[source], non_blocking=True)
                        end[source].record()
                for device in (0, 1):
                    torch.cuda.synchronize(device)
                times.append(max(x.elapsed_time(y) for x, y in zip(begin, end)) * 1000 / repeats)
            us, spread = median_and_spread(times[2:])
            table.add(name, "cudaMemcpyPeer", "int8", 2, size, size, us / 1000, spread)


def tensor_parallel_steps(folder, name, models, timer, rank, ranks, every):
    if rank == 0:
        table = Table(folder, name, steps.COLUMNS,
                      steps.REMARKS + ["all-reduce: NCCL; gpu_us: rank 0; the LM head's all-gather is left out"])
    else:
        table = NoTable()
    chosen = [Shape(decode_sequences=b, decode_context=c) for b, c in SPREAD_SHAPES]
    chosen += [Shape(1, 128), Shape(1, 1024), Shape(1, 4096)]
    for config in models:
        decoder = Decoder(config, 12 << 30, ranks, dist.all_reduce)
        steps.measure_all(timer, table, decoder, chosen[::every])
        del decoder
        gc.collect()
        torch.cuda.empty_cache()
    table.close()


class NoTable:
    """What the other ranks write to."""

    def add(self, *values):
        pass

    def close(self):
        pass


def worker(rank, ranks, folder, every, quick):
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29511")
    torch.cuda.set_device(rank)
    dist.init_process_group("nccl", rank=rank, world_size=ranks, device_id=torch.device("cuda", rank))
    timer = Timer()
    remarks = ["latency: ms, of the slower rank; message_size: elements, as nccl-tests count; 20 to 2 calls a graph",
               f"NCCL_NVLS_ENABLE={os.environ.get('NCCL_NVLS_ENABLE', 'unset')}; send_recv_both: both ways at once"]
    columns = ["op_name", "kernel_source", "nccl_dtype", "num_gpus", "message_size", "bytes", "latency", "spread"]
    table = Table(folder, "nccl", columns, remarks) if rank == 0 else NoTable()
    for size in (SIZES[::6] if quick else SIZES[::every]):
        for name, call in collectives(ranks, rank, size // 2):
            us, spread = time_collective(timer, call, size)
            table.add(name, "NCCL", "half", ranks, size // 2, size, us / 1000, spread)
    table.close()
    dist.barrier()
    for name, models in STEP_TABLES:
        tensor_parallel_steps(folder, name, models, timer, rank, ranks, 5 if quick else every)
    dist.destroy_process_group()


def run(folder, every, quick):
    ranks = torch.cuda.device_count()
    if ranks < 2:
        print("links: needs two GPUs or more, skipped", flush=True)
        return 0
    torch.multiprocessing.spawn(worker, (ranks, folder, every, quick), nprocs=ranks)
    table = Table(folder, "peer_copies", ["op_name", "kernel_source", "nccl_dtype", "num_gpus", "message_size",
                                          "bytes", "latency", "spread"], ["latency: ms"])
    measure_peer_copies(table, SIZES[::6] if quick else SIZES[::every])
    table.close()
    return table.rows
