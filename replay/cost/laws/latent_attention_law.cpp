// Multi-head latent attention of DeepSeek-V3: prefill with 192-wide keys and 128-wide values, decode on the
// absorbed 576-wide latent.

#include "replay/cost/laws/feature_list.hpp"
#include "replay/cost/laws/tables.hpp"

namespace replayd::cost {
namespace {

constexpr std::array<Column, 6> k_context_columns = {{{"mla_dtype", ColumnKind::type},
                                                      {"kv_cache_dtype", ColumnKind::type},
                                                      {"num_heads"},
                                                      {"batch_size"},
                                                      {"isl"},
                                                      {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<Column, 6> k_generation_columns = {{{"mla_dtype", ColumnKind::type},
                                                         {"kv_cache_dtype", ColumnKind::type},
                                                         {"num_heads"},
                                                         {"batch_size"},
                                                         {"step"},
                                                         {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<std::string_view, 1> k_latency = {"latency"};
constexpr std::array<std::size_t, 1> k_heads_shape = {2};
constexpr std::array<std::size_t, 2> k_growing = {3, 4};

// Widths of DeepSeek-V3 (its config.json): 128 + 64 of a key, 128 of a value, 512 + 64 of the latent.
constexpr double k_key_plus_value = 320;  // 192 + 128
constexpr double k_latent = 576;          // 512 + 64
constexpr double k_latent_work = 1088;    // 576 (scores) + 512 (values)

struct Latent {
    TypeTraits type, kv_type;
    double heads, batch, length;
};

Latent latent(const KernelRow& row) {
    const auto& n = row.number;
    return {type_of(n[0]), type_of(n[1]), n[2], n[3], n[4]};
}

KernelWork context_work(const Hardware& hardware, const KernelRow& row) {
    const Latent a = latent(row);
    const double flops = 2 * a.batch * a.heads * k_key_plus_value * a.length * (a.length + 1) / 2;
    return {flops / peak_flops_per_us(hardware, a.type),
            a.batch * a.heads * k_key_plus_value * a.length * (a.kv_type.bytes + 2), 0};
}

KernelWork generation_work(const Hardware& hardware, const KernelRow& row) {
    const Latent a = latent(row);
    const double flops = 2 * a.batch * a.heads * k_latent_work * a.length;
    return {flops / peak_flops_per_us(hardware, a.type),
            a.batch * (2 * k_latent_work * a.heads + k_latent * a.length * a.kv_type.bytes), 0};
}

void common_features(const Hardware& hardware, const KernelRow& row, const KernelWork& work, double law_us,
                     FeatureList& f) {
    const Latent a = latent(row);
    f.plain(row.number[0]);
    f.plain(row.number[1]);
    f.log(a.heads);
    f.log(a.batch);
    f.log(a.length);
    f.log(a.batch * a.length);
    f.log(law_us);
    f.log(work.compute_us * hardware.hbm_bytes_per_us / work.hbm_bytes);
}

void context_features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    const Latent a = latent(row);
    FeatureList f(out);
    common_features(hardware, row, context_work(hardware, row), law_us, f);
    f.waves(a.batch * a.heads * std::ceil(a.length / 128), hardware.sms);
    f.fill(a.length, 128);
}

void generation_features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    const Latent a = latent(row);
    FeatureList f(out);
    common_features(hardware, row, generation_work(hardware, row), law_us, f);
    f.waves(a.batch * std::ceil(a.heads / 64), hardware.sms);
    f.log(a.batch * std::ceil(a.heads / 64) * std::ceil(a.length / 64) / hardware.sms);
}

}  // namespace

KernelTable context_mla_table() {
    return {"context_mla", k_context_columns, k_latency, 1000, k_heads_shape, k_growing, 1,
            &context_work, &context_features};
}

KernelTable generation_mla_table() {
    return {"generation_mla", k_generation_columns, k_latency, 1000, k_heads_shape, k_growing, 1, &generation_work,
            &generation_features};
}

}  // namespace replayd::cost
