"""Dense GEMM C[m,n] = A[m,k] B[k,n]: bf16, fp8 with one scale per tensor, fp8 with scales per 1x128 and 128x128.
Weights are cold (a new matrix each call); the fp8 rows do not contain the quantisation of A (see elementwise)."""

import torch

from timing import Table, Timer, WeightPool

# (n, k) of the projections of served models, and squares. The last part of a name says the split.
SHAPES = [
    (6144, 4096), (4096, 4096), (28672, 4096), (4096, 14336), (128256, 4096),  # Llama-3.1-8B
    (5120, 2048), (2048, 4096), (128, 2048), (151936, 2048),  # Qwen3-30B-A3B
    (10240, 8192), (8192, 8192), (57344, 8192), (8192, 28672),  # Llama-3-70B
    (1280, 8192), (8192, 1024), (7168, 8192), (8192, 3584),  # the same, tensor parallel 8
    (2112, 7168), (24576, 1536), (7168, 16384), (4096, 7168), (7168, 2048), (256, 7168),  # DeepSeek-V3
    (1024, 1024), (2048, 2048), (16384, 16384),
]
ROWS = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192,
        16384]
PRODUCT_MAX = 1.5e12  # multiply-adds; about 4 ms
DTYPES = ("bfloat16", "fp8", "fp8_block")


def points():
    return [(dtype, m, n, k) for dtype in DTYPES for n, k in SHAPES for m in ROWS
            if m * n * k <= PRODUCT_MAX and not (dtype != "bfloat16" and n in (128, 256, 128256, 151936))
            and not (dtype == "fp8_block" and m % 4 != 0)]  # cuBLASLt wants 16-byte rows of scales


def make_call(dtype, m, n, k, weights, weights_8):
    """A function of the buffer set's number, and the kernel's name."""
    x = torch.randn(m, k, device="cuda", dtype=torch.bfloat16)
    if dtype == "bfloat16":
        out = torch.empty(m, n, device="cuda", dtype=torch.bfloat16)
        return (lambda i: torch.mm(x, weights.view(i, n, k).t(), out=out)), "cublas_mm"
    x8 = x.to(torch.float8_e4m3fn)
    if dtype == "fp8":
        one = torch.ones((), device="cuda")
        return (lambda i: torch._scaled_mm(x8, weights_8.view(i, n, k).t(), one, one, out_dtype=torch.bfloat16,
                                           use_fast_accum=True)), "cublaslt_scaled_mm"
    scale_x = torch.ones(k // 128, m, device="cuda").t()  # 1x128, rows innermost
    scale_w = torch.ones(-(-n // 128), k // 128, device="cuda").t()  # 128x128
    return (lambda i: torch._scaled_mm(x8, weights_8.view(i, n, k).t(), scale_x, scale_w,
                                       out_dtype=torch.bfloat16)), "cublaslt_scaled_mm_block"


def run(folder, every, quick):
    timer = Timer()
    weights = WeightPool(8 << 30)
    weights_8 = WeightPool(4 << 30, torch.float8_e4m3fn, 1.0)
    table = Table(folder, "gemm", ["kernel_source", "gemm_dtype", "m", "n", "k", "latency", "spread"],
                  ["latency: ms; kernel_source of fp8 rows: without quantising A; weights cold, activations warm"])
    for dtype, m, n, k in (points()[::97] if quick else points()[::every]):
        pool = weights if dtype == "bfloat16" else weights_8
        try:
            call, kernel = make_call(dtype, m, n, k, weights, weights_8)
            us, spread = timer.time(call, pool.sets(n, k), n * k * (2 if dtype == "bfloat16" else 1))
        except RuntimeError as error:
            print(f"gemm {dtype} {m} {n} {k}: {str(error).splitlines()[0][:120]}", flush=True)
            continue
        table.add(kernel, dtype, m, n, k, us / 1000, spread)
    table.close()
    return table.rows
