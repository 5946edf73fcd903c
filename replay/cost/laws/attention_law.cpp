// Prefill and decode attention over a uniform batch.

#include <algorithm>

#include "replay/cost/laws/carried_attention.hpp"
#include "replay/cost/laws/feature_list.hpp"
#include "replay/cost/laws/tables.hpp"

namespace replayd::cost {
namespace {

// `step`: tokens of a sequence that were computed before. The public tables have none, so the correction knows
// nothing of it; the physical form does.
constexpr std::array<Column, 10> k_context_columns = {{{"batch_size"},
                                                      {"isl"},
                                                      {"num_heads"},
                                                      {"num_key_value_heads"},
                                                      {"head_dim"},
                                                      {"attn_dtype", ColumnKind::type},
                                                      {"kv_cache_dtype", ColumnKind::type},
                                                      {"window_size", ColumnKind::number, true},
                                                      {"step", ColumnKind::number, true},
                                                      {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<Column, 9> k_generation_columns = {{{"batch_size"},
                                                         {"step"},
                                                         {"num_heads"},
                                                         {"num_key_value_heads"},
                                                         {"head_dim"},
                                                         {"attn_dtype", ColumnKind::type},
                                                         {"kv_cache_dtype", ColumnKind::type},
                                                         {"window_size", ColumnKind::number, true},
                                                         {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<std::string_view, 1> k_latency = {"latency"};
constexpr std::array<std::size_t, 4> k_heads_shape = {2, 3, 4, 7};
constexpr std::array<std::size_t, 2> k_growing = {0, 1};
constexpr std::size_t k_head_dim_number = 4;
constexpr std::size_t k_prefix_number = 8;
constexpr std::size_t k_context_number = 1;

struct Attention {
    double batch, length, heads, kv_heads, dim;
    TypeTraits type, kv_type;
    double window;
};

Attention attention(const KernelRow& row) {
    const auto& n = row.number;
    // A table without the column of key/value heads or with 0 in it means as many as query heads.
    return {n[0], n[1], n[2], n[3] > 0 ? n[3] : n[2], n[4], type_of(n[5]), type_of(n[6]), n[7]};
}

/// Query-key pairs of one causal sequence, with a window where one is set.
double causal_pairs(double length, double window) {
    if (window <= 0 || window >= length) return length * (length + 1) / 2;
    return length * window - window * (window - 1) / 2;
}

KernelWork context_work(const Hardware& hardware, const KernelRow& row) {
    const Attention a = attention(row);
    const double prefix = row.number[k_prefix_number];
    const double pairs = causal_pairs(prefix + a.length, a.window) - causal_pairs(prefix, a.window);
    const double flops = 4 * a.batch * a.heads * a.dim * pairs;
    const double context = a.length + (a.window > 0 ? std::min(prefix, a.window) : prefix);
    const double bytes = a.batch * a.dim * (4 * a.length * a.heads + 2 * context * a.kv_heads * a.kv_type.bytes);
    return {flops / peak_flops_per_us(hardware, a.type), bytes, 0};
}

void head_features(const Attention& a, const KernelRow& row, FeatureList& f) {
    f.log(a.batch);
    f.log(a.length);
    f.log(a.heads);
    f.log(a.kv_heads);
    f.plain(a.dim);
    f.log(a.heads / a.kv_heads);
    f.plain(row.number[5]);
    f.plain(row.number[6]);
    f.log(a.window);
}

void context_features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    const Attention a = attention(row);
    const KernelWork work = context_work(hardware, row);
    FeatureList f(out);
    head_features(a, row, f);
    f.log(law_us);
    f.log(work.compute_us);
    f.log(work.hbm_bytes);
    f.log(work.compute_us * hardware.hbm_bytes_per_us / work.hbm_bytes);
    f.log(a.batch * a.length);
    f.waves(a.batch * a.heads * std::ceil(a.length / 128), hardware.sms);
    f.waves(a.batch * a.kv_heads * std::ceil(a.length * a.heads / a.kv_heads / 128), hardware.sms);
    f.fill(a.length, 128);
    f.log(a.window > 0 ? std::min(a.window, a.length) : a.length);
}

KernelWork generation_work(const Hardware& hardware, const KernelRow& row) {
    const Attention a = attention(row);
    const double context = a.window > 0 ? std::min(a.length + 1, a.window) : a.length + 1;
    const double flops = 4 * a.batch * a.heads * a.dim * context;
    const double bytes = a.batch * a.dim * (4 * a.heads + 2 * a.kv_heads * context * a.kv_type.bytes);
    return {flops / peak_flops_per_us(hardware, a.type), bytes, 0};
}

void generation_features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    const Attention a = attention(row);
    const KernelWork work = generation_work(hardware, row);
    const double context = a.window > 0 ? std::min(a.length + 1, a.window) : a.length + 1;
    FeatureList f(out);
    head_features(a, row, f);
    f.log(law_us);
    f.log(work.compute_us);
    f.log(work.hbm_bytes);
    f.log(context);
    f.log(a.batch * context);
    f.waves(a.batch * a.kv_heads, hardware.sms);
    f.waves(a.batch * a.heads, hardware.sms);
    f.log(a.batch * a.kv_heads * std::ceil(context / 128) / hardware.sms);
    f.fill(a.heads / a.kv_heads, 64);
}

double carried_context(const CarriedCall& call) {
    return carried_context_us(call, context_work(call.own, call.row).hbm_bytes);
}

double carried_generation(const CarriedCall& call) {
    const Attention a = attention(call.row);
    const double context = a.window > 0 ? std::min(a.length + 1, a.window) : a.length + 1;
    return carried_decode_us(call, {generation_work(call.own, call.row).hbm_bytes, a.heads / a.kv_heads,
                                    a.batch * a.kv_heads, context, a.dim, a.kv_type.bytes < 2});
}

/// Some 1 GB of cache, with splits where the row's kernel splits.
KernelRow longest_generation(const Hardware& hardware, const KernelRow& row) {
    constexpr double k_cache_bytes = 1e9;  // chosen: 20 times the L2, and inside the fitted range
    const Attention a = attention(row);
    KernelRow longest = row;
    double& batch = longest.number[k_growing[0]];
    const double split_max = std::floor(k_splits_below * hardware.sms / a.kv_heads);
    if (batch < split_max) batch = split_max;
    const double bytes_per_token = 2 * a.kv_heads * a.dim * a.kv_type.bytes;
    const double longest_context = std::max(a.length, std::floor(k_cache_bytes / (batch * bytes_per_token)));
    longest.number[k_growing[1]] = longest_context;
    if (a.window > 0 && a.window < longest_context && batch > split_max) {
        batch = std::max(batch, std::floor(k_cache_bytes / (a.window * bytes_per_token)));
    }
    return longest;
}

KernelRow generation_in_l2(const Hardware& hardware, const KernelRow& row) {
    const Attention a = attention(row);
    const double bytes_per_token = 2 * a.batch * a.kv_heads * a.dim * a.kv_type.bytes;
    KernelRow kept = row;
    kept.number[k_growing[1]] = std::clamp(std::floor(bytes_kept_by_l2(hardware) / bytes_per_token) - 1, 0.0, a.length);
    return kept;
}

}  // namespace

KernelTable context_attention_table() {
    return {"context_attention", k_context_columns, k_latency, 1000, k_heads_shape, k_growing, k_head_dim_number,
            &context_work, &context_features, {}, &carried_context};
}

KernelTable generation_attention_table() {
    return {"generation_attention", k_generation_columns, k_latency, 1000, k_heads_shape, k_growing, k_head_dim_number,
            &generation_work, &generation_features, k_context_number, &carried_generation, &longest_generation,
            &generation_in_l2};
}

}  // namespace replayd::cost
