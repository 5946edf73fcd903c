// Collectives inside a node and DeepEP's all-to-all.

#include <algorithm>

#include "replay/cost/laws/feature_list.hpp"
#include "replay/cost/laws/tables.hpp"

namespace replayd::cost {
namespace {

constexpr std::array<std::string_view, 1> k_latency = {"latency"};
constexpr std::array<Column, 5> k_nccl_columns = {{{"nccl_dtype", ColumnKind::type},
                                                   {"num_gpus"},
                                                   {"message_size"},
                                                   {"op_name", ColumnKind::name},
                                                   {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<Column, 4> k_allreduce_columns = {{{"allreduce_dtype", ColumnKind::type},
                                                        {"num_gpus"},
                                                        {"message_size"},
                                                        {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<std::size_t, 1> k_gpus_shape = {1};
constexpr std::array<std::size_t, 1> k_growing = {2};  // message size or tokens

/// `message_size` counts elements of the whole buffer, as nccl-tests does.
KernelWork collective_work(const Hardware& hardware, const KernelRow& row) {
    const double bytes = row.number[2] * type_of(row.number[0]).bytes;
    const double gpus = row.number[1];
    // The table of one-shot all-reduces has no op_name, so its kernels are named otherwise.
    const bool passes_once = row.kernel.starts_with("all_gather") || row.kernel.starts_with("reduce_scatter") ||
                             row.kernel.starts_with("alltoall");
    const double passes = passes_once ? 1 : 2;
    return {0, 0, passes * bytes * (gpus - 1) / gpus / hardware.link_bytes_per_us};
}

void collective_features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    FeatureList f(out);
    f.plain(row.number[0]);
    f.log(row.number[1]);
    f.log(row.number[2] * type_of(row.number[0]).bytes);
    f.log(collective_work(hardware, row).link_us);
    f.log(law_us);
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
/// Expected distinct ranks, the sender's own left out, that `top_k` of `experts` lie on.
double distinct_peers(double node_gpus, double top_k, double experts) {
    double missed = 1;
    const double others = experts * (node_gpus - 1) / node_gpus;
    for (double i = 0; i < top_k && missed > 0; ++i) missed *= std::max(0.0, others - i) / (experts - i);
    return (node_gpus - 1) * (1 - missed);
}

/// Dispatch in fp8 with a scale per 128 elements, combine in bf16 (DeepEP's test programs).
double bytes_per_copy(double hidden) { return hidden * (1 + 4.0 / 128) + 2 * hidden; }

KernelWork normal_work(const Hardware& hardware, const KernelRow& row) {
    const auto& n = row.number;
    return {0, 0, n[2] * distinct_peers(hardware.node_gpus, n[3], n[4]) * bytes_per_copy(n[1]) / hardware.link_bytes_per_us};
}

KernelWork low_latency_work(const Hardware& hardware, const KernelRow& row) {
    const auto& n = row.number;
    return {0, 0, n[2] * n[3] * bytes_per_copy(n[1]) * (1 - 1 / hardware.node_gpus) / hardware.link_bytes_per_us};
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

KernelTable nccl_table() {
    return {"nccl", k_nccl_columns, k_latency, 1000, k_gpus_shape, k_growing, 0, &collective_work, &collective_features};
}

KernelTable custom_allreduce_table() {
    return {"custom_allreduce", k_allreduce_columns, k_latency, 1000, k_gpus_shape, k_growing, 0, &collective_work,
            &collective_features};
}

KernelTable deepep_normal_table() {
    return {"wideep_deepep_normal", k_normal_columns, k_normal_results, 1, k_deepep_shape, k_growing, 0, &normal_work,
            &normal_features};
}

KernelTable deepep_low_latency_table() {
    return {"wideep_deepep_ll", k_low_latency_columns, k_low_latency_results, 1, k_deepep_shape, k_growing, 0, &low_latency_work,
            &low_latency_features};
}

}  // namespace replayd::cost
