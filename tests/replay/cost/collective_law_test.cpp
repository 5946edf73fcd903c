// Collectives inside a node: measured calls are met, other sizes and numbers of GPUs lie between their neighbours.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "replay/cost/laws/law_choice.hpp"
#include "replay/cost/laws/network_law.hpp"

namespace replayd::cost {
namespace {

double nccl_us(std::string_view gpu, const char* op, double gpus, double elements, const char* type = "half") {
    const auto law = choose_law(*find_kernel_table("nccl"), *find_hardware(gpu), "nccl");
    KernelRow row;
    row.kernel = std::string(op) + "/NCCL";
    row.number = {static_cast<double>(find_type(type)), gpus, elements};
    return law->price(row).us;
}

// Rows of the public table of the B200: 16.1, 25.2 and 1,334.6 us. The copies of two data types are one curve, so that
// two rows of one place are met in their mean.
TEST(CollectiveLaw, measured_calls_are_met) {
    EXPECT_NEAR(nccl_us("b200_sxm", "all_gather", 8, 256), 16.1, 0.2);
    EXPECT_NEAR(nccl_us("b200_sxm", "all_reduce", 8, 512), 25.2, 0.2);
    EXPECT_NEAR(nccl_us("b200_sxm", "all_reduce", 8, 268'435'456) / 1'334.6, 1, 0.01);
}

// No table has three or six GPUs. A ring of 6 hands over more often than one of 4 and more seldom than one of 8.
TEST(CollectiveLaw, other_numbers_of_gpus_lie_between_those_measured) {
    for (const char* gpu : {"a100_sxm", "h100_sxm", "b200_sxm", "rtx_pro_6000_server"}) {
        for (const char* op : {"all_gather", "reduce_scatter", "all_reduce"}) {
            for (const double elements : {1'024.0, 262'144.0, 67'108'864.0}) {
                const double four = nccl_us(gpu, op, 4, elements);
                const double six = nccl_us(gpu, op, 6, elements);
                const double eight = nccl_us(gpu, op, 8, elements);
                EXPECT_GT(six, 0.97 * std::min(four, eight)) << gpu << " " << op << " " << elements;
                EXPECT_LT(six, 1.03 * std::max(four, eight)) << gpu << " " << op << " " << elements;
            }
        }
    }
}

// Copies move bytes, of whatever type; halves are half as many elements of the same bytes.
TEST(CollectiveLaw, copies_cost_by_their_bytes) {
    const double halves = nccl_us("h100_sxm", "all_gather", 4, 1 << 20, "half");
    EXPECT_EQ(halves, nccl_us("h100_sxm", "all_gather", 4, 1 << 21, "int8"));
}

// The law says the same after its bytes: steps and the numbers of GPUs are stored.
TEST(CollectiveLaw, survives_its_bytes) {
    const auto law = choose_law(*find_kernel_table("nccl"), *find_hardware("b200_sxm"), "nccl")->law;
    const auto again = KernelLaw::from_bytes(law.to_bytes());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->parts().across, (std::vector<double>{2, 4, 8}));
    KernelRow row{{static_cast<double>(find_type("half")), 6, 3'000'000}, "all_reduce/NCCL"};
    EXPECT_EQ(again->price(*find_hardware("b200_sxm"), row).us, law.price(*find_hardware("b200_sxm"), row).us);
    EXPECT_GT(again->parts().kernels[0].shares.step_us, 0.5);
}

// 72 GPUs of a rack of GB200 or GB300 speak over NVLink, as 8 of a B200's node do; one more needs the network.
TEST(CollectiveLaw, a_rack_of_nvlink_needs_no_network) {
    for (const char* gpu : {"gb200", "gb300"}) {
        const GpuLinks links = links_of(*find_hardware(gpu));
        EXPECT_FALSE(is_network_call(links, {NcclOp::all_reduce, 72, 1e6}));
        EXPECT_TRUE(is_network_call(links, {NcclOp::all_reduce, 73, 1e6}));
        EXPECT_NEAR(nccl_us(gpu, "all_reduce", 8, 1 << 26) / nccl_us("b200_sxm", "all_reduce", 8, 1 << 26), 1, 0.02);
        EXPECT_GT(nccl_us(gpu, "all_gather", 72, 1'024), nccl_us(gpu, "all_gather", 8, 1'024));
    }
    EXPECT_TRUE(is_network_call(links_of(*find_hardware("b200_sxm")), {NcclOp::all_reduce, 16, 1e6}));
    EXPECT_FALSE(links_of(*find_hardware("h100_pcie")).nvlink);
}

// NVLink's switches add, so that a rack's 72 GPUs do not hand over 71 times: on a ring they took 183 us for 2 KiB, more
// than as many GPUs of nine nodes take over their network cards.
TEST(CollectiveLaw, a_rack_of_nvlink_waits_for_its_doublings) {
    const double eight = nccl_us("gb200", "all_reduce", 8, 1'024);
    const double rack = nccl_us("gb200", "all_reduce", 72, 1'024);
    EXPECT_GT(rack, 1.1 * eight);
    EXPECT_LT(rack, 2 * eight);
    const GpuLinks nodes = links_of(*find_hardware("b200_sxm"));
    EXPECT_LT(rack, network_price(nodes, {NcclOp::all_reduce, 72, 2'048}).us);
}

// Every GPU reads the whole buffer of all others, or above 512 KiB (four GPUs) and 256 KiB (eight) its part of them and
// then the sums; two GPUs read the same either way.
TEST(CollectiveLaw, small_buffers_are_reduced_in_one_shot) {
    const Hardware& h100 = *find_hardware("h100_sxm");
    const auto rounds = [&](double gpus, double bytes) {
        const KernelRow row{{static_cast<double>(find_type("bfloat16")), gpus, bytes / 2}, "vLLM_custom_graph"};
        const KernelWork work = find_kernel_table("custom_allreduce")->work(h100, row);
        return work.link_us * h100.link_bytes_per_us / bytes;
    };
    EXPECT_DOUBLE_EQ(rounds(2, 1 << 12), 1);
    EXPECT_DOUBLE_EQ(rounds(2, 1 << 24), 1);
    EXPECT_DOUBLE_EQ(rounds(4, (1 << 19) - 2), 3);
    EXPECT_DOUBLE_EQ(rounds(4, 1 << 19), 1.5);
    EXPECT_DOUBLE_EQ(rounds(8, (1 << 18) - 2), 7);
    EXPECT_DOUBLE_EQ(rounds(8, 1 << 18), 1.75);
}

// Eight choices of 256 experts lie on 5.3 of eight ranks and on 3.6 of four, the sender's own among them, so that
// DeepEP moves so much less over the four GPUs of a GB200's tray.
TEST(CollectiveLaw, a_dispatch_goes_to_fewer_ranks_of_a_smaller_node) {
    const KernelTable& table = *find_kernel_table("wideep_deepep_normal");
    const KernelRow row{{1, 7'168, 4'096, 8, 256, 20}, "deepep"};
    const double eight = table.work(*find_hardware("b200_sxm"), row).link_us;
    const double four = table.work(*find_hardware("gb200"), row).link_us;
    EXPECT_NEAR(four / eight, 3.6 / 5.3, 0.01);
}

// A law of the B200 takes the GB200's facts: 1.077 times the tensor rate, 1.039 times HBM, and short calls a little
// faster.
TEST(CollectiveLaw, gb200_differs_from_b200_by_what_its_sheet_says) {
    const auto us = [](const char* gpu, double m, double n, double k) {
        const auto law = choose_law(*find_kernel_table("gemm"), *find_hardware(gpu), "sglang");
        return law->price({{static_cast<double>(find_type("bfloat16")), m, n, k}, ""}).us;
    };
    EXPECT_NEAR(us("b200_sxm", 16'384, 8'192, 8'192) / us("gb200", 16'384, 8'192, 8'192), 1.077, 0.01);
    EXPECT_NEAR(us("b200_sxm", 1, 65'536, 16'384) / us("gb200", 1, 65'536, 16'384), 1.039, 0.01);
    EXPECT_NEAR(us("gb200", 1, 32, 32) / us("b200_sxm", 1, 32, 32), 0.975, 0.005);
}

}  // namespace
}  // namespace replayd::cost
