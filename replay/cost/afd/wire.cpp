#include "replay/cost/afd/wire.hpp"

#include <cmath>

#include "replay/cost/efficiency.hpp"

namespace replayd::afd {
namespace {

/// Of a card's rate, by RDMA that waits for nobody: DeepEP's low-latency kernels reach 46 of 50 GB/s (efficiency.hpp).
constexpr double k_rdma_share = cost::k_all_to_all_low_latency_nic;

std::int64_t scaled_ns(double bytes, double bytes_per_s) {
    return std::llround(bytes / (bytes_per_s * k_rdma_share) * 1e9 *
                        static_cast<double>(std::int64_t{1} << cost::k_fraction_bits));
}

}  // namespace

Wire::Wire(const PoolSpec& pool, double row_bytes) : latency_(pool.afd->latency) {
    const AfdSpec& afd = *pool.afd;
    const double servers = static_cast<double>(afd.ffn_servers);
    const double server_gpus = static_cast<double>(afd.ffn.gpus()) / servers;
    // Tensor ranks hold the same rows and send a share each, unless the FFN servers want them all on every GPU.
    const double senders = afd.ffn_input_replicated ? 1 : static_cast<double>(pool.parallel.tensor);
    const double copies = afd.ffn_input_replicated ? server_gpus : 1;
    attention_bytes_ = row_bytes * servers / senders;
    const double ffn_bytes = row_bytes * copies / server_gpus;
    const auto rate = [&](const GpuSpec& gpu) { return afd.bytes_per_s > 0 ? afd.bytes_per_s : gpu.nic_bytes_per_s; };
    attention_row_ = scaled_ns(attention_bytes_, rate(pool.gpu));
    ffn_row_ = scaled_ns(ffn_bytes, rate(afd.ffn.gpu));
}

}  // namespace replayd::afd
