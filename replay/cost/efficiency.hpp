#pragma once
// The constants of the analytic model: what share of a data-sheet rate a kernel reaches, and what it costs
// before its first byte. Shares are of GpuSpec's peak rates. "Fitted" means: read off the public kernel
// tables of ai-dynamo/aiconfigurator (H100 SXM; vLLM 0.24, SGLang 0.5.14; CUDA graphs, warm L2) by the median
// over their grid, so single shapes stray by tens of per cent. "Planning value" means: to be fitted
// against measured tables.

#include "replay/base/units.hpp"

namespace replayd::cost {

/// Dense GEMM. Fitted on 13,777 bf16 shapes of 512 ≤ n, k ≤ 32768: predicted / measured is 0.79 … 1.20 from
/// the 10th to the 90th percentile at every m from 1 to 16384. A100 small-m GEMMs come out 20 % too fast.
inline constexpr Duration k_gemm_fixed{4'000};
inline constexpr double k_gemm_compute_bf16 = 0.75;
/// fp8 and int8: DeepGEMM's published 1.30e15 FLOP/s fit over 1.98e15 peak, block scales included.
inline constexpr double k_gemm_compute_8bit = 0.65;
inline constexpr double k_gemm_memory = 0.88;

/// Prefill attention (FlashAttention 3, head size 128, causal). Fitted: 0.64 of the bf16 peak, where each
/// query token pays for 512 further pairs (masked halves of diagonal tiles, ramp-up). That law follows the
/// table within 10 % from 512 to 16384 tokens per sequence.
inline constexpr Duration k_prefill_attention_fixed{12'000};
inline constexpr double k_prefill_attention_compute = 0.64;
inline constexpr double k_prefill_attention_extra_pairs = 512;

/// Decode attention. Fitted: 10 – 12 µs floor, 0.85 – 0.94 of the bandwidth above 300 MB.
inline constexpr Duration k_decode_attention_fixed{11'000};
inline constexpr double k_decode_attention_memory = 0.9;
/// Decode attention of Step-3 (MFA), from table 9 of its report (arXiv 2507.19427), which times one attention layer for
/// 64 sequences a GPU in bf16: between 8K and 32K it grows by 510 µs on H800 (1.61 GB read, 0.94 of the bandwidth) and
/// by 1,014 µs on H20 (103 GFLOP, 0.69 of the bf16 peak).
inline constexpr double k_factorized_decode_memory = 0.94;
inline constexpr double k_factorized_decode_compute = 0.69;
/// MLA decode with absorbed projections. Fitted: 17 µs floor; 128 heads reach 0.54 … 0.59 of the bf16 peak.
inline constexpr Duration k_mla_decode_fixed{17'000};
/// Multiply-adds of decode attention over the bf16 peak; see above for MLA, which alone is bound by it.
inline constexpr double k_decode_attention_compute = 0.57;

/// Gated delta net. Fitted: the recurrent decode kernel moves its fp32 state at 0.88 of the bandwidth; the
/// chunked prefill kernel reaches 0.09 (one sequence) to 0.28 (eight) of the bf16 peak. Floors: convolution
/// and recurrence 6 µs, convolution and chunk rule 14 µs.
inline constexpr Duration k_delta_net_decode_fixed{6'000};
inline constexpr Duration k_delta_net_prefill_fixed{14'000};
inline constexpr double k_delta_net_memory = 0.88;
inline constexpr double k_delta_net_compute = 0.15;
inline constexpr double k_delta_net_chunk = 64;  ///< tokens per chunk of the chunked kernel

/// Element-wise kernels, measured on H100 and H200 (profile/measurements/*/elementwise.csv: norm, activation, rotary
/// embedding, quantisation): 1.3 … 3.2 µs for a few rows; 0.85 … 0.89 of the bandwidth above 60 MB; up to 35 MB,
/// of 50 MB of L2, what the kernel before wrote is still there.
inline constexpr Duration k_elementwise_fixed{2'000};
inline constexpr double k_elementwise_memory = 0.87;
inline constexpr double k_elementwise_l2_whole = 0.7;  ///< largest part of L2 that is served by it alone
inline constexpr double k_elementwise_l2_none = 1.2;   ///< from here on nothing is

/// Grouped GEMM of the routed experts. Fitted on Qwen3-30B-A3B's shape: 0.8 … 1.2 of the measured time from 1
/// to 4096 tokens; 25 µs cover sorting, two GEMMs and the activation's launch.
inline constexpr Duration k_experts_fixed{25'000};
inline constexpr double k_experts_compute_bf16 = 0.5;
inline constexpr double k_experts_compute_8bit = 0.4;
inline constexpr double k_experts_memory = 0.75;
/// Gate GEMM and top-k. Measured on H100: 5.3 … 5.9 µs (128 experts, hidden 2048) and 2.9 µs.
inline constexpr Duration k_router_fixed{8'000};

/// All-reduce inside a node. Fitted on vLLM's custom all-reduce: 4.3 – 5.3 µs for small messages; 0.5 (2
/// GPUs) to 0.74 (8) of the link for large ones. NCCL between two H100, measured: 0.59 (all-gather) to 0.74
/// (all-reduce).
inline constexpr Duration k_collective_fixed{5'000};
inline constexpr double k_nvlink_collective = 0.6;
/// Pipeline hand-over over NVLink, measured between two H100 (profile/measurements/h100_sxm/nccl.csv, send_recv):
/// 11 … 12 µs up to 64 KiB; 0.74 of the link at 64 MiB, 0.82 at 1 GiB. aiconfigurator's p2p_latency is 10 µs.
inline constexpr Duration k_send_fixed{11'500};
inline constexpr double k_nvlink_send = 0.78;
/// Collectives over PCIe or the network: planning values.
inline constexpr Duration k_network_collective_fixed{30'000};
inline constexpr double k_pcie_collective = 0.6;
inline constexpr double k_nic_collective = 0.85;

/// What a collective inside a MoE layer takes beyond NCCL's own back-to-back time: the ranks do not arrive together,
/// and each collective starts on an idle link. Over NVLink measured between two H100
/// (profile/measurements/h100_sxm/exchange.csv, all-gather and reduce-scatter between the products of a layer): 6 to 8
/// us each up to 256 rows.
inline constexpr Duration k_exchange_entry{7'000};
/// The same where GPUs speak over PCIe. The one constant that is fitted on a run: a vLLM 0.19 server with two RTX PRO
/// 6000. With it the rate of steps without prompts is right on average over six windows of that run, from 1 to 95
/// sequences per rank (single windows stray by -6 to +9 %, since its routing is not uniform). Between two H100 that
/// speak through host memory (exchange_host_memory.csv) 9 to 22 us up to 128 rows and 34 to 54 beyond were measured, so
/// that a part of it must be what the ranks agree on before each step, and weights that a profile finds in L2.
inline constexpr Duration k_pcie_exchange_entry{33'000};

/// DeepEP low-latency all-to-all: one copy per chosen expert. DeepEP's published table (docs/legacy.md; 128 tokens,
/// hidden 7168, 8 to 256 ranks of H800) is met within 7 % by 22 µs and these shares of NVLink and network card.
inline constexpr Duration k_all_to_all_low_latency_fixed{22'000};
inline constexpr double k_all_to_all_low_latency_nvlink = 0.65;
inline constexpr double k_all_to_all_low_latency_nic = 0.85;
/// DeepEP normal all-to-all: one copy per distinct rank, over the network one per distinct node. Shares from the same
/// document: 153 … 158 of 200 GB/s NVLink (rows received, own ones included); 0.87 … 0.89 of the card once the copies
/// for the own node, which the published bandwidths count in, are left out. Kernel and, on dispatch, the host's wait
/// for the received counts: planning values.
inline constexpr Duration k_all_to_all_normal_dispatch_fixed{50'000};
inline constexpr Duration k_all_to_all_normal_combine_fixed{30'000};
inline constexpr double k_all_to_all_normal_nvlink = 0.77;
inline constexpr double k_all_to_all_normal_nic = 0.87;

/// Sampling: conversion to float and arg-max. Measured on H100: 27 … 30 µs up to 64 sequences of 128k (PyTorch's
/// arg-max), 48 µs for 256. Unfused soft-max, sort and draw would take 0.15 ms (one) to 3.9 ms (256).
inline constexpr Duration k_sampler_fixed{30'000};
inline constexpr double k_sampler_passes = 3;
/// What the host adds to a step under CUDA graphs. Measured on H100 and H200 (profile/measurements/*/steps.csv, wall
/// less GPU time of 153 steps): ids copied in, graph launched, sampled ids copied out and waited for, median 65 µs,
/// 29 … 139 µs from the 10th to the 90th percentile. Scheduling is hidden behind the step before.
inline constexpr Duration k_host_step{65'000};

}  // namespace replayd::cost
