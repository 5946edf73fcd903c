// Dense GEMM and the batched matrix products around latent attention.

#include "replay/cost/laws/feature_list.hpp"
#include "replay/cost/laws/tables.hpp"

namespace replayd::cost {
namespace {

constexpr std::array<Column, 5> k_gemm_columns = {{{"gemm_dtype", ColumnKind::type},
                                                   {"m"},
                                                   {"n"},
                                                   {"k"},
                                                   {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<std::string_view, 1> k_latency = {"latency"};
constexpr std::array<std::size_t, 2> k_gemm_shape = {2, 3};
constexpr std::array<std::size_t, 1> k_rows = {1};

struct Gemm {
    TypeTraits type;
    double m, n, k;
};

Gemm gemm(const KernelRow& row) { return {type_of(row.number[0]), row.number[1], row.number[2], row.number[3]}; }

KernelWork gemm_work(const Hardware& hardware, const KernelRow& row) {
    const Gemm g = gemm(row);
    return {2 * g.m * g.n * g.k / peak_flops_per_us(hardware, g.type),
            g.type.bytes * g.n * g.k + g.type.input_bytes * g.m * g.k + 2 * g.m * g.n, 0};
}

void gemm_features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    const Gemm g = gemm(row);
    const KernelWork work = gemm_work(hardware, row);
    FeatureList f(out);
    f.plain(row.number[0]);
    f.log(g.m);
    f.log(g.n);
    f.log(g.k);
    f.log(law_us);
    f.log(work.compute_us);
    f.log(work.hbm_bytes);
    f.log(work.compute_us * hardware.hbm_bytes_per_us / work.hbm_bytes);
    f.log(g.type.bytes * g.n * g.k);
    f.log(g.type.input_bytes * g.m * g.k + 2 * g.m * g.n);
    f.log(g.m * g.n);
    const auto tiles = [&](double rows, double columns) {
        f.waves(std::ceil(g.m / rows) * std::ceil(g.n / columns), hardware.sms);
    };
    tiles(64, 128);
    tiles(128, 128);
    tiles(128, 256);
    tiles(256, 128);
    f.fill(g.m, 16);
    f.fill(g.m, 64);
    f.fill(g.m, 128);
    f.fill(g.n, 128);
    f.plain(std::fmod(g.m, 8));
}

constexpr std::array<std::string_view, 2> k_bmm_names = {"mla_gen_pre", "mla_gen_post"};
constexpr std::array<Column, 5> k_bmm_columns = {{{"bmm_dtype", ColumnKind::type},
                                                  {"num_tokens"},
                                                  {"num_heads"},
                                                  {"op_name", ColumnKind::name, false, k_bmm_names},
                                                  {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<std::size_t, 1> k_bmm_shape = {2};
// The absorbed projections of DeepSeek-V3: 128 (no-rope) by 512 (latent) for every head.
constexpr double k_bmm_inner = 128;
constexpr double k_bmm_outer = 512;

KernelWork bmm_work(const Hardware& hardware, const KernelRow& row) {
    const TypeTraits& type = type_of(row.number[0]);
    const double tokens = row.number[1];
    const double heads = row.number[2];
    return {2 * tokens * heads * k_bmm_inner * k_bmm_outer / peak_flops_per_us(hardware, type),
            type.bytes * heads * (tokens * (k_bmm_inner + k_bmm_outer) + k_bmm_inner * k_bmm_outer), 0};
}

void bmm_features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    const KernelWork work = bmm_work(hardware, row);
    FeatureList f(out);
    f.plain(row.number[0]);
    f.log(row.number[1]);
    f.log(row.number[2]);
    f.log(law_us);
    f.log(work.compute_us * hardware.hbm_bytes_per_us / work.hbm_bytes);
    f.waves(row.number[2] * std::ceil(row.number[1] / 128) * 4, hardware.sms);
    f.fill(row.number[1], 128);
}

}  // namespace

KernelTable gemm_table() {
    return {"gemm", k_gemm_columns, k_latency, 1000, k_gemm_shape, k_rows, 0, &gemm_work, &gemm_features};
}

KernelTable mla_bmm_table() {
    return {"mla_bmm", k_bmm_columns, k_latency, 1000, k_bmm_shape, k_rows, 0, &bmm_work, &bmm_features};
}

}  // namespace replayd::cost
