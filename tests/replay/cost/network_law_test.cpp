// Collectives beyond one node, and send/recv.

#include "replay/cost/laws/network_law.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "replay/base/random.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/cost/tables/measured_columns.hpp"
#include "tests/source_paths.hpp"

namespace replayd::cost {
namespace {

constexpr NcclOp k_ops[] = {NcclOp::all_reduce, NcclOp::all_gather, NcclOp::reduce_scatter, NcclOp::all_to_all,
                            NcclOp::send_recv};

GpuLinks links(const char* gpu) { return links_of(Catalog::built_in().gpu(gpu).value()); }

double us(const char* gpu, NcclOp op, double gpus, double bytes) {
    return network_price(links(gpu), {op, gpus, bytes}).us;
}

// As NCCL's tuner: LL saves latency, Simple bandwidth, trees steps.
TEST(NetworkLaw, protocol_and_algorithm_change_with_the_size) {
    const auto regime = [](NcclOp op, double gpus, double bytes) {
        return std::string(network_price(links("H100-SXM"), {op, gpus, bytes}).regime);
    };
    EXPECT_EQ(regime(NcclOp::all_gather, 16, 4e3), "ring LL");
    EXPECT_EQ(regime(NcclOp::all_gather, 16, 4e6), "ring LL128");
    EXPECT_EQ(regime(NcclOp::all_gather, 16, 1e9), "ring Simple");
    EXPECT_EQ(regime(NcclOp::all_reduce, 256, 4e3), "tree LL");
    EXPECT_EQ(regime(NcclOp::all_to_all, 32, 1e6), "pairs");
    EXPECT_EQ(regime(NcclOp::send_recv, 2, 1e6), "NVLink");
    EXPECT_EQ(regime(NcclOp::send_recv, 16, 1e6), "network");
}

// Steps of a ring by hand: 15 over two nodes, one of them over the network.
TEST(NetworkLaw, a_small_all_gather_takes_its_steps) {
    EXPECT_NEAR(us("H100-SXM", NcclOp::all_gather, 16, 16), 6.6 + 14 * 0.6 + 2.7, 0.01);
    EXPECT_NEAR(us("H100-SXM", NcclOp::send_recv, 16, 1), 8.4 + 14, 0.01);
}

// What no card can carry is not carried: a GPU's part for other nodes over its card, a ring over all cards of a node.
TEST(NetworkLaw, large_messages_keep_to_the_rates_of_the_cards) {
    const GpuLinks h100 = links("H100-SXM");
    constexpr double k_bytes = 4e9;
    for (const double gpus : {16.0, 64.0, 256.0}) {
        EXPECT_GT(us("H100-SXM", NcclOp::all_to_all, gpus, k_bytes), k_bytes * (gpus - 8) / gpus / h100.network);
        EXPECT_GT(us("H100-SXM", NcclOp::all_gather, gpus, k_bytes), k_bytes * (gpus - 1) / gpus / (8 * h100.network));
        EXPECT_GT(us("H100-SXM", NcclOp::all_reduce, gpus, k_bytes),
                  2 * k_bytes * (gpus - 1) / gpus / (8 * h100.network));
    }
}

// An all-to-all over more GPUs cuts the same buffer into smaller parts.
TEST(NetworkLaw, more_bytes_and_more_gpus_never_cost_less) {
    constexpr std::uint64_t k_seed = 23;
    Random random(k_seed);
    for (const char* gpu : {"H100-SXM", "A100-SXM-80GB", "RTX-PRO-6000"}) {
        for (int i = 0; i < 2'000; ++i) {
            const NcclOp op = k_ops[random.below(std::size(k_ops))];
            const double nodes = 2 + static_cast<double>(random.below(40));
            const double bytes = std::exp(random.uniform() * 22);
            const double before = us(gpu, op, 8 * nodes, bytes);
            ASSERT_GE(us(gpu, op, 8 * nodes, bytes * (1 + random.uniform())), before)
                << gpu << ", seed " << k_seed << ", draw " << i;
            if (op == NcclOp::all_to_all) continue;
            ASSERT_GE(us(gpu, op, 8 * nodes + 8, bytes), before) << gpu << ", seed " << k_seed << ", draw " << i;
        }
    }
}

// Between two H100, as our own profiler measured it.
TEST(NetworkLaw, send_recv_is_met_as_measured) {
    const std::string path = REPLAYD_SOURCE_DIR "/replay/cost/profile/measurements/h100_sxm/nccl.csv";
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto table = MeasuredColumns::read(path, text).value();
    const auto names = table.names("op_name").value();
    const auto bytes = table.numbers("bytes", 1).value();
    const auto ms = table.times("latency").value();
    std::vector<double> errors;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == "send_recv") {
            errors.push_back(std::abs(us("H100-SXM", NcclOp::send_recv, 2, bytes[i]) / (1e3 * ms[i]) - 1));
        }
    }
    ASSERT_EQ(errors.size(), 21U);
    std::sort(errors.begin(), errors.end());
    std::printf("send_recv between two H100: median error %.1f %%, largest %.1f %%\n", 100 * errors[10],
                100 * errors[20]);
    EXPECT_LT(errors[10], 0.08);
    EXPECT_LT(errors[20], 0.35);
}

}  // namespace
}  // namespace replayd::cost
