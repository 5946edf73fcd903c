// Collectives inside a node and DeepEP's all-to-all.

#include <algorithm>
#include <cmath>

#include "replay/cost/laws/feature_list.hpp"
#include "replay/cost/laws/tables.hpp"

namespace replayd::cost {
namespace {

constexpr std::array<std::string_view, 1> k_latency = {"latency"};
/// Those of the tables, and the one that the network law adds.
constexpr std::array<std::string_view, 5> k_nccl_names = {"all_gather", "all_reduce", "alltoall", "reduce_scatter",
                                                          "send_recv"};
constexpr std::array<Column, 5> k_nccl_columns = {{{"nccl_dtype", ColumnKind::type},
                                                   {"num_gpus"},
                                                   {"message_size"},
                                                   {"op_name", ColumnKind::name, false, k_nccl_names},
                                                   {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<Column, 4> k_allreduce_columns = {{{"allreduce_dtype", ColumnKind::type},
                                                        {"num_gpus"},
                                                        {"message_size"},
                                                        {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<std::size_t, 1> k_gpus_shape = {1};
constexpr std::size_t k_gpus_number = 1;
constexpr std::size_t k_size_number = 2;
constexpr std::array<std::size_t, 1> k_growing = {k_size_number};  // message size or tokens

struct Collective {
    double gpus, bytes;
};

/// `message_size` counts elements of the whole buffer, as nccl-tests does.
Collective collective(const KernelRow& row) { return {row.number[1], row.number[2] * type_of(row.number[0]).bytes}; }

/// What a GPU sends of a buffer that goes round once.
double round_us(const Hardware& hardware, const Collective& c) {
    return c.bytes * (c.gpus - 1) / c.gpus / hardware.link_bytes_per_us;
}

/// Hand-overs that a ring waits for, as NCCL's tuner counts (NVIDIA/nccl, src/graph/tuning.cc). Beyond the eight GPUs
/// of the tables NVLink's switches add and spread (NVLS; its latency does not grow with the ring), which is priced as
/// a further hand-over for every doubling.
double hand_overs(double gpus) {
    constexpr double k_ring_most = 8;  // GPUs of the public tables' nodes
    return std::min(gpus, k_ring_most) - 1 + std::log2(std::max(1.0, gpus / k_ring_most));
}

/// An all-to-all speaks to all GPUs at once; what it takes longer over more of them grows by their doublings. Every GPU
/// also moves the buffer through its own memory: the largest calls of the public tables take time in proportion to
/// (gpus - 1) / gpus plus a constant half as long.
KernelWork nccl_work(const Hardware& hardware, const KernelRow& row) {
    const Collective c = collective(row);
    const double rounds = row.kernel.starts_with("all_reduce") ? 2 : 1;
    const double steps = row.kernel.starts_with("alltoall") ? std::log2(c.gpus) : rounds * hand_overs(c.gpus);
    return {0, c.bytes, rounds * round_us(hardware, c), steps};
}

/// Up to how many bytes the frameworks' own all-reduce takes one shot. Source: vllm-project/vllm,
/// csrc/custom_all_reduce.cuh, as in SGLang; TensorRT-LLM by its public table: four and eight GPUs take one shot's
/// time up to 512 KiB, NCCL's from 1 MiB on.
double one_shot_bytes(const KernelRow& row) {
    constexpr double k_kibi = 1'024;
    if (row.kernel == "TRTLLM") return 1'024 * k_kibi;
    return row.number[k_gpus_number] <= 4 ? 512 * k_kibi : 256 * k_kibi;
}

/// The frameworks' own all-reduce: small buffers are read whole by every GPU from every other (one shot), larger ones
/// part by part, and then the sums (two shots). The largest go to NCCL, over the same bytes. GPUs wait for each other
/// between the shots, longer by the doublings of their number; of what one shot waits for, its start hides the most.
KernelWork allreduce_work(const Hardware& hardware, const KernelRow& row) {
    constexpr double k_one_shot_wait = 0.2;  // of the wait between shots; chosen of 0.1 to 0.5 (cost_fit --holdout)
    const Collective c = collective(row);
    const double waits = std::log2(c.gpus);
    if (c.gpus > 2 && c.bytes >= one_shot_bytes(row)) return {0, c.bytes, 2 * round_us(hardware, c), waits};
    return {0, c.bytes, c.bytes * (c.gpus - 1) / hardware.link_bytes_per_us, k_one_shot_wait * waits};
}

/// Copies move bytes of whatever type; NCCL's reductions of bytes and of half precision differ (the switches of NVLink
/// add floats only).
KernelRow collective_curve(const KernelRow& row) {
    const bool reduces = row.kernel.starts_with("all_reduce") || row.kernel.starts_with("reduce_scatter");
    KernelRow named = row;
    named.number[k_size_number] = collective(row).bytes;
    named.number[0] = reduces && type_of(row.number[0]).bytes < 2 ? 1 : 0;
    return named;
}

/// Collectives have no learned correction (KernelTable::across_number).
void no_features(const Hardware&, const KernelRow&, double, std::vector<float>&) {}

KernelTable collective_table(std::string_view name, std::span<const Column> columns,
                             KernelWork (*work)(const Hardware&, const KernelRow&)) {
    KernelTable table{name,      columns, k_latency, 1000,         k_gpus_shape,
                      k_growing, 0,       work,      &no_features, k_size_number};
    table.across_number = k_gpus_number;
    table.curve_row = &collective_curve;
    return table;
}

constexpr std::array<Column, 7> k_normal_columns = {{{"node_num"},
                                                     {"hidden_size"},
                                                     {"num_token"},
                                                     {"num_topk"},
                                                     {"num_experts"},
                                                     {"dispatch_sms"},
                                                     {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<std::string_view, 4> k_normal_results = {"dispatch_transmit_us", "dispatch_notify_us",
                                                             "combine_transmit_us", "combine_notify_us"};
constexpr std::array<Column, 6> k_low_latency_columns = {{{"node_num"},
                                                          {"hidden_size"},
                                                          {"num_token"},
                                                          {"num_topk"},
                                                          {"num_experts"},
                                                          {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<std::string_view, 2> k_low_latency_results = {"dispatch_avg_t_us", "combine_avg_t_us"};
constexpr std::array<std::size_t, 3> k_deepep_shape = {1, 3, 4};
/// Expected distinct ranks that `top_k` of `experts` lie on. The sender's own is one of them: its SMs copy what stays
/// through the same buffers as what goes (deepseek-ai/DeepEP, csrc/kernels/intranode.cu).
double distinct_ranks(double node_gpus, double top_k, double experts) {
    double missed = 1;
    const double others = experts * (node_gpus - 1) / node_gpus;
    for (double i = 0; i < top_k && missed > 0; ++i) missed *= std::max(0.0, others - i) / (experts - i);
    return node_gpus * (1 - missed);
}

/// Dispatch in fp8 with a scale per 128 elements, combine in bf16 (DeepEP's test programs).
double bytes_per_copy(double hidden) { return hidden * (1 + 4.0 / 128) + 2 * hidden; }

KernelWork normal_work(const Hardware& hardware, const KernelRow& row) {
    const auto& n = row.number;
    return {0, 0,
            n[2] * distinct_ranks(hardware.node_gpus, n[3], n[4]) * bytes_per_copy(n[1]) / hardware.link_bytes_per_us};
}

KernelWork low_latency_work(const Hardware& hardware, const KernelRow& row) {
    const auto& n = row.number;
    return {0, 0, n[2] * n[3] * bytes_per_copy(n[1]) / hardware.link_bytes_per_us};
}

void deepep_features(const KernelRow& row, double law_us, double link_us, double sms, std::vector<float>& out) {
    const auto& n = row.number;
    FeatureList f(out);
    f.log(n[1]);
    f.log(n[2]);
    f.log(n[3]);
    f.log(n[4]);
    f.log(sms);
    f.log(law_us);
    f.log(link_us);
    f.log(link_us / sms);
}

void normal_features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    deepep_features(row, law_us, normal_work(hardware, row).link_us, row.number[5], out);
}

void low_latency_features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    deepep_features(row, law_us, low_latency_work(hardware, row).link_us, 1, out);
}

}  // namespace

KernelTable nccl_table() { return collective_table("nccl", k_nccl_columns, &nccl_work); }

KernelTable custom_allreduce_table() {
    return collective_table("custom_allreduce", k_allreduce_columns, &allreduce_work);
}

KernelTable deepep_normal_table() {
    return {"wideep_deepep_normal", k_normal_columns, k_normal_results, 1, k_deepep_shape, k_growing, 0, &normal_work,
            &normal_features};
}

KernelTable deepep_low_latency_table() {
    return {"wideep_deepep_ll", k_low_latency_columns, k_low_latency_results, 1, k_deepep_shape, k_growing, 0,
            &low_latency_work, &low_latency_features};
}

}  // namespace replayd::cost
