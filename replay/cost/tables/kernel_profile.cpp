// Kernel tables in the columns of `replayctl cost eval`, as a user's own measurements: the rows that are the pool's
// shapes take the place of the laws, all others are not needed.

#include <array>
#include <utility>

#include "replay/cost/eval/kernel_rows.hpp"
#include "replay/cost/tables/measured_columns.hpp"
#include "replay/cost/tables/read_profile.hpp"

namespace replayd::cost {
namespace {

/// A dense projection of one rank and the composed operator that it is.
struct Projection {
    std::string_view name;
    std::int64_t k = 0;
    std::int64_t n = 0;
    CurveField field = CurveField::rows;
};

std::vector<Projection> projections(const ModelSpec& model, const PoolSpec& pool) {
    const AttentionSpec& attention = model.attention;
    const std::int64_t tensor = pool.parallel.tensor;
    std::vector<Projection> all;
    if (attention.kind == AttentionKind::gqa) {
        const std::int64_t q = attention.q_heads / tensor * attention.head_dim;
        const std::int64_t kv = 2 * std::max<std::int64_t>(1, attention.kv_heads / tensor) * attention.head_dim;
        all.push_back({"attention.qkv", model.hidden, q * (attention.gated_query ? 2 : 1) + kv});
        all.push_back({"attention.o", q, model.hidden});
    }
    if (model.ffn > 0) {
        const std::int64_t width = (model.ffn + tensor - 1) / tensor;
        all.push_back({"ffn.up", model.hidden, model.gated_ffn ? 2 * width : width});
        all.push_back({"ffn.down", width, model.hidden});
    }
    all.push_back({"lm_head", model.hidden, (model.vocab + tensor - 1) / tensor, CurveField::sampled});
    return all;
}

std::string_view type_name(DataType type) {
    switch (type) {
        case DataType::bf16: return "bfloat16";
        case DataType::fp8: return "fp8";
        case DataType::int8: return "int8_wo";
        case DataType::int4: return "int4_wo";
        case DataType::fp32: return "float";
    }
    return "bfloat16";
}

class Reader {
public:
    Reader(const ProfileFiles& files, const ModelSpec& model, const PoolSpec& pool)
        : files_(files), model_(model), pool_(pool) {
        profile_.origin = files.origin;
        profile_.format = "kernel_times";
    }

    Result<StepProfile> read() {
        const std::array<std::pair<std::string_view, void (Reader::*)(const KernelRow&, double)>, 5> tables = {
            {{"gemm", &Reader::add_gemm},
             {"context_attention", &Reader::add_context},
             {"generation_attention", &Reader::add_generation},
             {"moe", &Reader::add_experts},
             {"custom_allreduce", &Reader::add_all_reduce}}};
        for (const auto& [name, add] : tables) {
            const auto text = files_.text.find(std::string(name) + ".csv");
            if (text == files_.text.end()) continue;
            if (auto done = read_table(*find_kernel_table(name), text->first, text->second, add); !done) {
                return tl::unexpected(done.error());
            }
        }
        for (const auto& [projection, points] : gemms_) {
            if (!points.empty()) profile_.curves.push_back(curve_of(projection, points));
        }
        if (!experts_.empty()) {
            profile_.curves.push_back({"moe", {"moe.experts", "moe.permute"}, CurveField::rows, experts_, true});
        }
        // One kind of call alone cannot price a step's attention; then both keep their laws.
        if (!has_chunks_ || !has_decodes_) profile_.attention.clear();
        if (profile_.curves.empty() && profile_.attention.empty()) {
            return fail(Code::invalid_argument, files_.origin + " holds no row in the shapes of " + model_.name +
                                                    " at tensor = " + std::to_string(pool_.parallel.tensor));
        }
        return std::move(profile_);
    }

private:
    Result<void> read_table(const KernelTable& table, const std::string& name, const std::string& text,
                            void (Reader::*add)(const KernelRow&, double)) {
        const std::string shown = files_.origin + "/" + name;
        const auto csv = parse_csv(shown, text);
        if (!csv) return tl::unexpected(csv.error());
        const auto rows = kernel_rows(shown, table, *csv);
        if (!rows) return tl::unexpected(rows.error());
        const auto us = measured_us(shown, table, *csv);
        if (!us) return tl::unexpected(us.error());
        for (std::size_t row = 0; row < rows->size(); ++row) {
            if ((*us)[row] <= 0) {
                return fail(Code::invalid_argument, shown + " row " + std::to_string(row + 1) + ": " +
                                                        std::string(table.results.front()) +
                                                        " is 0: expected a number above 0");
            }
            (this->*add)((*rows)[row], (*us)[row]);
        }
        return {};
    }

    static ProfiledCurve curve_of(const Projection& projection, const std::vector<TimePoint>& points) {
        const std::string name(projection.name);
        return {name, {name}, projection.field, points, false};
    }

    void add_gemm(const KernelRow& row, double us) {
        if (gemms_.empty()) {
            for (const Projection& projection : projections(model_, pool_)) gemms_.push_back({projection, {}});
        }
        for (auto& [projection, points] : gemms_) {
            const DataType type = projection.name == "lm_head" ? DataType::bf16 : pool_.weights;
            if (row.number[0] != number(type) || row.number[2] != real(projection.n) ||
                row.number[3] != real(projection.k)) {
                continue;
            }
            points.push_back({row.number[1], us});
        }
    }

    [[nodiscard]] bool has_heads(const KernelRow& row) const {
        const AttentionSpec& attention = model_.attention;
        const std::int64_t tensor = pool_.parallel.tensor;
        const bool heads = row.number[2] == real(attention.q_heads / tensor) &&
                           row.number[3] == real(std::max<std::int64_t>(1, attention.kv_heads / tensor)) &&
                           row.number[4] == real(attention.head_dim);
        return attention.kind == AttentionKind::gqa && heads && row.number[6] == number(pool_.kv.dtype) &&
               row.number[7] == 0;
    }

    void add_context(const KernelRow& row, double us) {
        if (!has_heads(row) || row.number[0] != 1) return;
        constexpr std::size_t k_step = 8;  // tokens computed before; 0 where the table has no such column
        profile_.attention.push_back({row.number[1], row.number[k_step], 0, 0, us});
        has_chunks_ = true;
    }

    void add_generation(const KernelRow& row, double us) {
        if (!has_heads(row) || row.number[1] < 1) return;
        profile_.attention.push_back({0, 0, row.number[0], row.number[1], us});
        has_decodes_ = true;
    }

    /// Rows of one scheduler rank: a table's tokens are those of its expert-parallel group.
    void add_experts(const KernelRow& row, double us) {
        if (!model_.moe) return;
        const ParallelSpec& parallel = pool_.parallel;
        const std::array<std::int64_t, 6> wanted = {model_.hidden,
                                                    model_.moe->ffn,
                                                    model_.moe->top_k,
                                                    model_.moe->experts,
                                                    parallel.tensor * parallel.data / parallel.expert,
                                                    parallel.expert};
        if (row.number[0] != number(pool_.weights) || row.number[8] != 0) return;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (row.number[i + 2] != real(wanted[i])) return;
        }
        experts_.push_back({row.number[1] / real(parallel.data), us});
    }

    void add_all_reduce(const KernelRow& row, double us) {
        constexpr double k_bf16_bytes = 2;
        // vLLM's own kernel inside a captured graph where a table holds several.
        if (row.number[1] != real(pool_.parallel.tensor) || row.kernel.ends_with("_eager")) return;
        profile_.all_reduce.push_back({row.number[2] * k_bf16_bytes, us});
    }

    static double real(std::int64_t value) { return static_cast<double>(value); }
    static double number(DataType type) { return static_cast<double>(find_type(type_name(type))); }

    const ProfileFiles& files_;
    const ModelSpec& model_;
    const PoolSpec& pool_;
    StepProfile profile_;
    std::vector<std::pair<Projection, std::vector<TimePoint>>> gemms_;
    std::vector<TimePoint> experts_;
    bool has_chunks_ = false;
    bool has_decodes_ = false;
};

}  // namespace

Result<StepProfile> read_kernel_profile(const ProfileFiles& files, const ModelSpec& model, const PoolSpec& pool) {
    return Reader(files, model, pool).read();
}

}  // namespace replayd::cost
