// Profiles of microsoft/vidur: mlp.csv, attention.csv and all_reduce.csv of one device and model; times in
// milliseconds, medians. Columns: vidur/profiling (mlp/mlp_wrapper.py, attention/attention_wrapper.py,
// collectives/main.py) and vidur/execution_time_predictor/sklearn_execution_time_predictor.py, which reads them.

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "replay/cost/tables/measured_columns.hpp"
#include "replay/cost/tables/read_profile.hpp"

namespace replayd::cost {
namespace {

constexpr double k_us_per_ms = 1000;

/// An operator of mlp.csv or attention.csv and what it stands for.
struct VidurOperator {
    std::string_view name;
    std::vector<std::string> replaces;
    bool required = true;  ///< phi-2 has no norm before its feed-forward part, models without one no gate
};

std::string column_of(std::string_view name) { return "time_stats." + std::string(name) + ".median"; }

std::string shown(double value) {
    std::string text = std::to_string(value);
    return text.substr(0, text.find('.'));
}

/// The rows of a file whose `column` is `wanted`; error naming what there is where none is.
Result<std::vector<std::size_t>> rows_where(const MeasuredColumns& file, std::string_view column, double wanted) {
    const auto values = file.numbers(column, 0);
    if (!values) return tl::unexpected(values.error());
    std::vector<std::size_t> rows;
    std::set<double> there;
    for (std::size_t row = 0; row < values->size(); ++row) {
        if ((*values)[row] == wanted) rows.push_back(row);
        there.insert((*values)[row]);
    }
    if (!rows.empty()) return rows;
    std::string list;
    for (const double value : there) list += (list.empty() ? "" : ", ") + shown(value);
    return fail(Code::invalid_argument, file.name() + " has no rows with " + std::string(column) + " = " +
                                            shown(wanted) + ", which the pool needs: it has " + list);
}

Result<void> check_model(const MeasuredColumns& file, const ModelSpec& model) {
    const std::array<std::pair<std::string_view, std::int64_t>, 3> facts = {
        {{"n_embd", model.hidden}, {"n_head", model.attention.q_heads}, {"n_kv_head", model.attention.kv_heads}}};
    for (const auto& [column, wanted] : facts) {
        if (!file.has(column)) continue;
        const auto values = file.numbers(column, 0);
        if (!values) return tl::unexpected(values.error());
        if (values->front() == static_cast<double>(wanted)) continue;
        return fail(Code::invalid_argument, file.name() + ": " + std::string(column) + " is " + shown(values->front()) +
                                                ": expected " + std::to_string(wanted) + " of model " + model.name);
    }
    return {};
}

Result<void> add_token_operators(const MeasuredColumns& file, const PoolSpec& pool, StepProfile& profile) {
    const std::array<VidurOperator, 9> operators = {{{"emb", {"embedding"}, false},
                                                     {"input_layernorm", {"attention.norm"}},
                                                     {"attn_pre_proj", {"attention.qkv"}},
                                                     {"attn_rope", {"attention.rope"}},
                                                     {"attn_post_proj", {"attention.o"}},
                                                     {"post_attention_layernorm", {"ffn.norm"}, false},
                                                     {"mlp_up_proj", {"ffn.up"}},
                                                     {"mlp_act", {"ffn.activation"}},
                                                     {"mlp_down_proj", {"ffn.down"}}}};
    const auto rows = rows_where(file, "num_tensor_parallel_workers", static_cast<double>(pool.parallel.tensor));
    if (!rows) return tl::unexpected(rows.error());
    const auto tokens = file.numbers("num_tokens", 1);
    if (!tokens) return tl::unexpected(tokens.error());
    for (const VidurOperator& op : operators) {
        if (!op.required && !file.has(column_of(op.name))) continue;
        const auto ms = file.times(column_of(op.name));
        if (!ms) return tl::unexpected(ms.error());
        ProfiledCurve curve{std::string(op.name), op.replaces, CurveField::rows, {}, false};
        for (const std::size_t row : *rows) curve.points.push_back({(*tokens)[row], (*ms)[row] * k_us_per_ms});
        profile.curves.push_back(std::move(curve));
    }
    return {};
}

/// The cache write is measured with attention but depends on tokens: the median of the calls with as many.
void add_cache_write(const std::vector<double>& tokens, const std::vector<double>& ms, StepProfile& profile) {
    std::map<double, std::vector<double>> by_tokens;
    for (std::size_t row = 0; row < ms.size(); ++row) by_tokens[tokens[row]].push_back(ms[row]);
    ProfiledCurve curve{"attn_kv_cache_save", {"attention.rope"}, CurveField::rows, {}, false};
    for (auto& [count, times] : by_tokens) {
        std::sort(times.begin(), times.end());
        curve.points.push_back({count, times[times.size() / 2] * k_us_per_ms});
    }
    profile.curves.push_back(std::move(curve));
}

Result<void> add_attention(const MeasuredColumns& file, const PoolSpec& pool, StepProfile& profile) {
    const auto rows = rows_where(file, "num_tensor_parallel_workers", static_cast<double>(pool.parallel.tensor));
    if (!rows) return tl::unexpected(rows.error());
    constexpr std::array<std::string_view, 3> k_columns = {"batch_size", "prefill_chunk_size", "kv_cache_size"};
    std::array<std::vector<double>, 3> columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        auto values = file.numbers(k_columns[i], 0);
        if (!values) return tl::unexpected(values.error());
        columns[i] = std::move(*values);
    }
    // A row that only decodes leaves the columns of prompts empty, and the other way round.
    const auto prefill = file.numbers_or(column_of("attn_prefill"), 0, 0);
    if (!prefill) return tl::unexpected(prefill.error());
    const auto decode = file.numbers_or(column_of("attn_decode"), 0, 0);
    if (!decode) return tl::unexpected(decode.error());
    std::vector<double> tokens;
    for (const std::size_t row : *rows) {
        const double batch = columns[0][row];
        const double chunk = columns[1][row];
        const double past = columns[2][row];
        tokens.push_back(chunk > 0 ? batch * chunk : batch);
        const bool prompts = chunk > 0;
        if ((prompts ? *prefill : *decode)[row] <= 0) {
            return file.no_time(column_of(prompts ? "attn_prefill" : "attn_decode"), row);
        }
        if (chunk > 0 && batch == 1) profile.attention.push_back({chunk, past, 0, 0, (*prefill)[row] * k_us_per_ms});
        if (chunk == 0) profile.attention.push_back({0, 0, batch, std::max(1.0, past), (*decode)[row] * k_us_per_ms});
    }
    if (file.has(column_of("attn_kv_cache_save"))) {
        const auto save = file.times(column_of("attn_kv_cache_save"));
        if (!save) return tl::unexpected(save.error());
        std::vector<double> ms;
        for (const std::size_t row : *rows) ms.push_back((*save)[row]);
        add_cache_write(tokens, ms, profile);
    }
    const auto is_chunk = [](const AttentionPoint& point) { return point.chunk > 0; };
    const auto chunks = std::count_if(profile.attention.begin(), profile.attention.end(), is_chunk);
    if (chunks > 0 && chunks < static_cast<std::ptrdiff_t>(profile.attention.size())) return {};
    return fail(Code::invalid_argument,
                file.name() + " has no rows with " +
                    (chunks > 0 ? "prefill_chunk_size 0" : "batch_size 1 and prefill_chunk_size above 0"));
}

Result<void> add_all_reduce(const MeasuredColumns& file, const PoolSpec& pool, StepProfile& profile) {
    const auto rows = rows_where(file, "num_workers", static_cast<double>(pool.parallel.tensor));
    if (!rows) return tl::unexpected(rows.error());
    const auto bytes = file.numbers("size", 1);
    if (!bytes) return tl::unexpected(bytes.error());
    const auto ms = file.times(column_of("all_reduce"));
    if (!ms) return tl::unexpected(ms.error());
    for (const std::size_t row : *rows) profile.all_reduce.push_back({(*bytes)[row], (*ms)[row] * k_us_per_ms});
    return {};
}

}  // namespace

Result<StepProfile> read_vidur_profile(const ProfileFiles& files, const ModelSpec& model, const PoolSpec& pool) {
    StepProfile profile;
    profile.origin = files.origin;
    profile.format = "vidur";
    const auto read = [&](const char* name, auto&& add) -> Result<void> {
        const auto text = files.text.find(name);
        if (text == files.text.end()) {
            return fail(Code::invalid_argument, files.origin + " lacks " + name + ": expected it beside mlp.csv");
        }
        const auto file = MeasuredColumns::read(files.origin + "/" + name, text->second);
        if (!file) return tl::unexpected(file.error());
        return add(*file);
    };
    if (auto done = read("mlp.csv", [&](const MeasuredColumns& file) {
            return check_model(file, model).and_then([&] { return add_token_operators(file, pool, profile); });
        }); !done) {
        return tl::unexpected(done.error());
    }
    if (auto done =
            read("attention.csv", [&](const MeasuredColumns& file) { return add_attention(file, pool, profile); });
        !done) {
        return tl::unexpected(done.error());
    }
    if (pool.parallel.tensor > 1) {
        const auto add = [&](const MeasuredColumns& file) { return add_all_reduce(file, pool, profile); };
        if (auto done = read("all_reduce.csv", add); !done) return tl::unexpected(done.error());
    }
    return profile;
}

}  // namespace replayd::cost
