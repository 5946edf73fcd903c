// LLMServingSim's profiler of vLLM: one folder per GPU, model, precision and tensor-parallel degree.
// Columns: casys-kaist/LLMServingSim, profiler/core/categories.py.

#include <algorithm>
#include <array>
#include <utility>

#include "replay/cost/tables/measured_columns.hpp"
#include "replay/cost/tables/read_profile.hpp"

namespace replayd::cost {
namespace {

struct Layer {
    std::string_view name;
    std::vector<std::string> replaces;
};

const std::array<Layer, 12>& layers() {
    static const std::array<Layer, 12> known = {{{"embedding", {"embedding"}},
                                                 {"layernorm", {"attention.norm", "ffn.norm"}},
                                                 {"qkv_proj", {"attention.qkv"}},
                                                 {"qk_norm", {"attention.rope"}},
                                                 {"rotary_emb", {"attention.rope"}},
                                                 {"o_proj", {"attention.o"}},
                                                 {"gate_up_proj", {"ffn.up"}},
                                                 {"act_fn", {"ffn.activation"}},
                                                 {"down_proj", {"ffn.down"}},
                                                 {"final_layernorm", {"final_norm"}},
                                                 {"lm_head", {"lm_head"}},
                                                 {"sampler", {"sampler"}}}};
    return known;
}

std::string layer_names() {
    std::string names;
    for (const Layer& layer : layers()) names += (names.empty() ? "" : ", ") + std::string(layer.name);
    return names;
}

const Layer* find_layer(std::string_view name) {
    for (const Layer& layer : layers()) {
        if (layer.name == name) return &layer;
    }
    return nullptr;
}

tl::unexpected<Error> wrong_layer(const MeasuredColumns& file, std::size_t row, std::string_view name,
                                  const std::string& expected) {
    return fail(Code::invalid_argument, file.name() + " row " + std::to_string(row + 1) + ": layer is \"" +
                                            std::string(name) + "\": " + expected);
}

/// Rows of one file by layer, over `argument`, in any order. `curves` holds those of the files before.
Result<void> add_curves(const MeasuredColumns& file, std::string_view argument, CurveField field,
                        std::vector<ProfiledCurve>& curves) {
    const auto names = file.names("layer");
    if (!names) return tl::unexpected(names.error());
    const auto x = file.numbers(argument, 1);
    if (!x) return tl::unexpected(x.error());
    const auto us = file.times("time_us");
    if (!us) return tl::unexpected(us.error());
    const std::size_t before = curves.size();
    for (std::size_t row = 0; row < names->size(); ++row) {
        const std::string_view name = (*names)[row];
        const auto known =
            std::find_if(curves.begin(), curves.end(), [&](const ProfiledCurve& curve) { return curve.name == name; });
        const auto index = static_cast<std::size_t>(known - curves.begin());
        if (index < before) return wrong_layer(file, row, name, "expected it in dense.csv or here, not in both");
        if (index == curves.size()) {
            const Layer* layer = find_layer(name);
            if (layer == nullptr) return wrong_layer(file, row, name, "expected one of " + layer_names());
            curves.push_back({std::string(name), layer->replaces, field, {}, false});
        }
        curves[index].points.push_back({(*x)[row], (*us)[row]});
    }
    return {};
}

Result<void> read_attention(const MeasuredColumns& file, StepProfile& profile) {
    constexpr std::array<std::string_view, 5> k_columns = {"prefill_chunk", "kv_prefill", "n_decode", "kv_decode",
                                                           "time_us"};
    std::array<std::vector<double>, 5> columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        auto values = k_columns[i] == "time_us" ? file.times(k_columns[i]) : file.numbers(k_columns[i], 0);
        if (!values) return tl::unexpected(values.error());
        columns[i] = std::move(*values);
    }
    bool has_chunks = false;
    bool has_decodes = false;
    for (std::size_t row = 0; row < file.rows(); ++row) {
        const AttentionPoint point{columns[0][row], columns[1][row], columns[2][row], columns[3][row], columns[4][row]};
        has_chunks |= point.chunk > 0 && point.decodes == 0;
        has_decodes |= point.chunk == 0 && point.decodes > 0;
        profile.attention.push_back(point);
    }
    if (has_chunks && has_decodes) return {};
    return fail(Code::invalid_argument, file.name() + " has no rows with " +
                                            (has_chunks ? "prefill_chunk 0 and n_decode above 0"
                                                        : "n_decode 0 and prefill_chunk above 0"));
}

Result<void> read_experts(const MeasuredColumns& file, StepProfile& profile) {
    const auto tokens = file.numbers("tokens", 1);
    if (!tokens) return tl::unexpected(tokens.error());
    const auto active = file.numbers("activated_experts", 1);
    if (!active) return tl::unexpected(active.error());
    const auto us = file.times("time_us");
    if (!us) return tl::unexpected(us.error());
    for (std::size_t row = 0; row < us->size(); ++row) {
        profile.experts.push_back({(*tokens)[row], (*active)[row], (*us)[row]});
    }
    return {};
}

}  // namespace

Result<StepProfile> read_vllm_profile(const ProfileFiles& files) {
    StepProfile profile;
    profile.origin = files.origin;
    profile.format = "vllm";
    for (const auto& [name, text] : files.text) {
        const bool dense = name == "dense.csv";
        const bool sequences = name == "per_sequence.csv";
        const bool attention = name == "attention.csv";
        const bool experts = name == "moe.csv";
        // skew.csv and skew_fit.csv hold uneven batches, which no field of a step describes.
        if (!dense && !sequences && !attention && !experts) continue;
        const auto file = MeasuredColumns::read(files.origin + "/" + name, text);
        if (!file) return tl::unexpected(file.error());
        Result<void> done;
        if (dense) done = add_curves(*file, "tokens", CurveField::rows, profile.curves);
        if (sequences) done = add_curves(*file, "sequences", CurveField::sampled, profile.curves);
        if (attention) done = read_attention(*file, profile);
        if (experts) done = read_experts(*file, profile);
        if (!done) return tl::unexpected(done.error());
    }
    return profile;
}

}  // namespace replayd::cost
