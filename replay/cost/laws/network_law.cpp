#include "replay/cost/laws/network_law.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "replay/cost/efficiency.hpp"

namespace replayd::cost {
namespace {

struct Protocol {
    std::string_view ring;
    std::string_view tree;
    double start_us = 0;       ///< baseLat
    double nvlink_ring = 0;    ///< hwLat of a step of the ring over NVLink
    double pcie_ring = 0;
    double network_ring = 0;
    double nvlink_tree = 0;
    double pcie_tree = 0;
    double network_tree = 0;
    double bandwidth = 1;      ///< share of the links that it fills
};
// Source: NVIDIA/nccl, src/graph/tuning.cc: baseLat, hwLat; LL carries 4 bytes of data in 8, LL128 120 in 128. The
// start of a tree with the Simple protocol is that of the ring.
constexpr std::array<Protocol, 3> k_protocols = {{
    {"ring LL", "tree LL", 6.6, 0.6, 1.0, 2.7, 0.6, 1.0, 5.0, 0.5},
    {"ring LL128", "tree LL128", 14.0, 1.9, 2.5, 4.0, 1.25, 1.9, 8.5, 0.92},
    {"ring Simple", "tree Simple", 8.4, 3.4, 5.7, 14.0, 4.0, 4.0, 14.0, 1.0},
}};
/// LL over several nodes is bound by the host: GB/s over two, and over more. Source: the same file, llMaxBws (Intel).
constexpr double k_ll_two_nodes = 39.0e3;
constexpr double k_ll_more_nodes = 20.4e3;
/// Of the bandwidth that a tree reaches of a ring's, and of LL in it. Source: the same file, ncclTopoTuneModel.
constexpr double k_tree_share = 0.9;
constexpr double k_tree_ll_share = 1 / 3.8;
/// Of NVLink or PCIe that rings and pairs of eight GPUs reach with the largest messages. Source: the public nccl tables
/// of ai-dynamo/aiconfigurator: all-gather 0.74 (H100), 0.68 (A100), 0.69 (B200), 0.36 (RTX PRO 6000); all-to-all 0.70,
/// 0.68, 0.63 and 0.28.
constexpr double k_nvlink_ring = 0.7;
constexpr double k_nvlink_pairs = 0.67;
constexpr double k_pcie_ring = 0.36;
constexpr double k_pcie_pairs = 0.28;
/// Network cards of the public systems, bytes per microsecond and GPU. Source: inter_node_bw of
/// ai-dynamo/aiconfigurator's systems/*.yaml: Ampere, Hopper, Blackwell; the GB200's beyond its rack is that of the
/// B200.
constexpr double k_cards_400_gigabit = 50e3;
constexpr double k_cards_200_gigabit = 25e3;
constexpr double k_cards_800_gigabit = 100e3;
/// The fastest PCIe of a GPU here: 16 lanes of the fifth generation, bytes per microsecond.
constexpr double k_pcie_most = 64e3;
constexpr double k_us_per_ns = 1e-3;
constexpr double k_per_us = 1e-6;

double us(Duration duration) { return static_cast<double>(duration.value) * k_us_per_ns; }

struct Cluster {
    double nodes = 1;
    double node_gpus = 1;
    bool nvlink = true;
    double bus = 0;  ///< bytes per microsecond that pass each GPU of a ring through all nodes
};

Cluster cluster_of(const GpuLinks& links, double gpus) {
    Cluster out;
    out.node_gpus = std::min(links.node_gpus, gpus);
    out.nodes = std::ceil(gpus / links.node_gpus);
    out.nvlink = links.nvlink;
    out.bus = std::min(links.inside * (links.nvlink ? k_nvlink_ring : k_pcie_ring),
                       out.node_gpus * links.network * k_nic_collective);
    return out;
}

/// Bandwidth of a protocol on a ring; LL is capped by the host.
double ring_bandwidth(const Cluster& cluster, const Protocol& protocol) {
    const double share = cluster.bus * protocol.bandwidth;
    if (&protocol != &k_protocols[0]) return share;
    return std::min(share, cluster.nodes > 2 ? k_ll_more_nodes : k_ll_two_nodes);
}

double ring_us(const Cluster& cluster, const Protocol& protocol, const NcclCall& call) {
    const double rounds = call.op == NcclOp::all_reduce ? 2 : 1;
    const double steps = rounds * (call.gpus - 1);
    const double between = rounds * (cluster.nodes - 1);
    const double inside = cluster.nvlink ? protocol.nvlink_ring : protocol.pcie_ring;
    return protocol.start_us + (steps - between) * inside + between * protocol.network_ring +
           call.bytes * steps / call.gpus / ring_bandwidth(cluster, protocol);
}

/// Hand-overs along the chain of a node's GPUs. The switches of a rack of NVLink (72 GPUs) add beyond the eight of a
/// node (NVLS), which is priced as one for every doubling, as in collective_law.cpp.
double chain(double node_gpus) {
    constexpr double k_chain_most = 8;  // GPUs of the public tables' nodes
    return std::min(node_gpus, k_chain_most) - 1 + std::log2(std::max(1.0, node_gpus / k_chain_most));
}

double tree_us(const Cluster& cluster, const Protocol& protocol, const NcclCall& call) {
    const double inside = cluster.nvlink ? protocol.nvlink_tree : protocol.pcie_tree;
    const double latency = 2 * (chain(cluster.node_gpus) * inside + std::log2(cluster.nodes) * protocol.network_tree);
    const bool is_ll = &protocol == &k_protocols[0];
    const double bus = cluster.bus * k_tree_share * (is_ll ? k_tree_ll_share : protocol.bandwidth);
    return protocol.start_us + latency + 2 * call.bytes / bus;
}

/// Each GPU has a part of its buffer for every other; NVLink and network carry theirs at once.
double pairs_us(const GpuLinks& links, const NcclCall& call) {
    const Protocol& simple = k_protocols.back();
    const double neighbours = std::min(links.node_gpus, call.gpus);
    const double inside =
        call.bytes * (neighbours - 1) / call.gpus / (links.inside * (links.nvlink ? k_nvlink_pairs : k_pcie_pairs));
    const double outside = call.bytes * (call.gpus - neighbours) / call.gpus / (links.network * k_nic_collective);
    return simple.start_us + simple.network_ring + std::max(inside, outside);
}

NetworkPrice send_price(const GpuLinks& links, const NcclCall& call) {
    if (call.gpus > links.node_gpus) {
        const Protocol& simple = k_protocols.back();
        return {simple.start_us + simple.network_ring + call.bytes / (links.network * k_nic_collective), "network"};
    }
    if (links.nvlink)
        return {us(k_send_fixed) + call.bytes / (links.inside * k_nvlink_send), "NVLink", "measured between two H100"};
    return {us(k_network_collective_fixed) + call.bytes / (links.inside * k_pcie_collective), "PCIe", "planning value"};
}

}  // namespace

std::optional<NcclOp> nccl_op(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, NcclOp>, 5> k_names = {{{"all_reduce", NcclOp::all_reduce},
                                                                            {"all_gather", NcclOp::all_gather},
                                                                            {"reduce_scatter", NcclOp::reduce_scatter},
                                                                            {"alltoall", NcclOp::all_to_all},
                                                                            {"send_recv", NcclOp::send_recv}}};
    for (const auto& [known, op] : k_names) {
        if (known == name) return op;
    }
    return std::nullopt;
}

GpuLinks links_of(const GpuSpec& gpu) {
    const bool nvlink = gpu.nvlink_bytes_per_s > 0;
    return {(nvlink ? gpu.nvlink_bytes_per_s : gpu.pcie_bytes_per_s) * k_per_us, nvlink, gpu.nic_bytes_per_s * k_per_us,
            static_cast<double>(gpu.gpus_per_node)};
}

GpuLinks links_of(const Hardware& hardware) {
    double network = k_cards_400_gigabit;
    if (hardware.architecture == 80) network = k_cards_200_gigabit;
    if (hardware.architecture == 100) network = k_cards_800_gigabit;
    return {hardware.link_bytes_per_us, hardware.link_bytes_per_us > k_pcie_most, network, hardware.nvlink_gpus};
}

bool is_network_call(const GpuLinks& links, const NcclCall& call) {
    return call.op == NcclOp::send_recv || call.gpus > links.node_gpus;
}

NetworkPrice network_price(const GpuLinks& links, const NcclCall& call) {
    if (call.op == NcclOp::send_recv) return send_price(links, call);
    if (call.op == NcclOp::all_to_all) return {pairs_us(links, call), "pairs"};
    const Cluster cluster = cluster_of(links, call.gpus);
    NetworkPrice best{ring_us(cluster, k_protocols[0], call), k_protocols[0].ring};
    const auto consider = [&](double candidate, std::string_view regime) {
        if (candidate < best.us) best = {candidate, regime};
    };
    for (const Protocol& protocol : k_protocols) {
        consider(ring_us(cluster, protocol, call), protocol.ring);
        if (call.op == NcclOp::all_reduce) consider(tree_us(cluster, protocol, call), protocol.tree);
    }
    return best;
}

}  // namespace replayd::cost
