#pragma once
// NCCL's calls between nodes, and send/recv inside one: what no public kernel table holds. Collectives take the fastest
// of NCCL's own algorithms and protocols by the model that its tuner chooses with: a start, a latency for each step of
// the ring or tree, by link, and the bytes at the protocol's bandwidth. Source: NVIDIA/nccl, src/graph/tuning.cc
// (latencies and bandwidths of 2.19 and later; the steps' formula). All-to-all is a send to and a receive from every
// other GPU.

#include <optional>
#include <string_view>

#include "replay/catalog/gpu_spec.hpp"
#include "replay/cost/laws/hardware.hpp"

namespace replayd::cost {

enum class NcclOp { all_reduce, all_gather, reduce_scatter, all_to_all, send_recv };

/// The operation of a name of the public tables ("all_reduce", "all_gather", "reduce_scatter", "alltoall"), or
/// "send_recv".
[[nodiscard]] std::optional<NcclOp> nccl_op(std::string_view name);

/// A call over `gpus` GPUs, which fill nodes; `bytes` of the whole buffer, as nccl-tests counts (send_recv: of the
/// message).
struct NcclCall {
    NcclOp op = NcclOp::all_reduce;
    double gpus = 2;
    double bytes = 0;
};

/// Rates of one GPU's links, one direction, in bytes per microsecond.
struct GpuLinks {
    double inside = 0;   ///< to the other GPUs of its node
    bool nvlink = true;  ///< that is NVLink, else PCIe
    double network = 0;  ///< its share of the node's network cards
    double node_gpus = 8;
};
[[nodiscard]] GpuLinks links_of(const GpuSpec& gpu);
/// Of a system of the public tables.
[[nodiscard]] GpuLinks links_of(const Hardware& hardware);

/// Whether no public table holds such a call: more GPUs than a node has, or send_recv.
[[nodiscard]] bool is_network_call(const GpuLinks& links, const NcclCall& call);

struct NetworkPrice {
    double us = 0;
    std::string_view regime;  ///< algorithm and protocol: "ring LL", "tree Simple", "pairs", …; of send_recv the link
    std::string_view source = "NCCL's tuning model";
};

/// Grows with bytes, and with GPUs but for an all-to-all, which cuts the same buffer into more parts.
[[nodiscard]] NetworkPrice network_price(const GpuLinks& links, const NcclCall& call);

}  // namespace replayd::cost
