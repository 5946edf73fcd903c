// Workload files of AICB (Alibaba's SimAI): one per batch and phase, tab separated, nanoseconds of each part of each
// layer. A name says what was measured: vidur-MODEL-world_sizeW-tpT-ppP-epE-bsB-seqS-PHASE.csv, with S tokens in each
// of B sequences. Where vidur-alibabacloud goes wrong with these files this reader does not: nanoseconds stay
// nanoseconds, a step is priced by its prompts and its decodes, lengths between files are interpolated and lengths
// beyond follow a fitted law, contexts are those of one sequence, and a file of another model or parallelism is never
// taken. Exchanges between GPUs keep the project's laws: the files hold bytes, not times.

#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "replay/cost/tables/measured_columns.hpp"
#include "replay/cost/tables/read_profile.hpp"

namespace replayd::cost {
namespace {

constexpr double k_us_per_ns = 1e-3;
/// Prompt lengths that a law in tokens and their squares can be fitted to.
constexpr std::size_t k_lengths_least = 2;

/// AICB's names of models and the catalog's.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> k_models = {
    {{"DeepSeek-671B", "DeepSeek-V3"},
     {"Qwen3-Moe-235B", "Qwen3-235B-A22B"},
     {"Qwen3-Next-80B", "Qwen3-Next-80B-A3B"}}};

struct AicbFile {
    std::string_view model;
    std::int64_t tensor = 0;
    std::int64_t expert = 0;
    std::int64_t sequences = 0;
    std::int64_t length = 0;
    bool prefill = false;
};

std::optional<std::int64_t> number_after(std::string_view name, std::string_view key) {
    const std::size_t at = name.rfind(key);
    if (at == std::string_view::npos) return std::nullopt;
    std::int64_t value = 0;
    const char* begin = name.data() + at + key.size();
    const auto [end, error] = std::from_chars(begin, name.data() + name.size(), value);
    if (error != std::errc() || value < 1) return std::nullopt;
    return value;
}

std::optional<AicbFile> parse_name(std::string_view name) {
    const std::size_t model_end = name.find("-world_size");
    const auto tensor = number_after(name, "-tp");
    const auto expert = number_after(name, "-ep");
    const auto sequences = number_after(name, "-bs");
    const auto length = number_after(name, "-seq");
    const bool prefill = name.ends_with("-prefill.csv");
    if (!name.starts_with("vidur-") || model_end == std::string_view::npos || !tensor || !expert || !sequences ||
        !length || (!prefill && !name.ends_with("-decode.csv"))) {
        return std::nullopt;
    }
    return AicbFile{name.substr(6, model_end - 6), *tensor, *expert, *sequences, *length, prefill};
}

/// Mean time of a part over the layers that have it, in microseconds.
struct LayerTimes {
    std::map<std::string_view, double> us;
};

Result<LayerTimes> read_layers(const std::string& name, const std::string& text) {
    // The CSV reader splits at commas; AICB writes tabs.
    std::string commas = text;
    for (char& character : commas) character = character == '\t' ? ',' : character;
    const auto file = MeasuredColumns::read(name, commas);
    if (!file) return tl::unexpected(file.error());
    const auto parts = file->names("layer_name");
    if (!parts) return tl::unexpected(parts.error());
    const auto ns = file->times("comp_time");
    if (!ns) return tl::unexpected(ns.error());
    constexpr std::array<std::string_view, 3> k_parts = {"attention", "mlp", "moe"};
    LayerTimes times;
    for (const std::string_view part : k_parts) {
        double sum = 0;
        double count = 0;
        for (std::size_t row = 0; row < ns->size(); ++row) {
            if ((*parts)[row] != part) continue;
            sum += (*ns)[row];
            ++count;
        }
        if (count > 0) times.us[part] = sum / count * k_us_per_ns;
    }
    for (std::size_t row = 0; row < parts->size(); ++row) {
        const std::string_view part = (*parts)[row];
        if (part == "attention" || part == "mlp" || part == "moe") continue;
        return fail(Code::invalid_argument, name + " row " + std::to_string(row + 1) + ": layer_name is \"" +
                                                std::string(part) + "\": expected attention, mlp or moe");
    }
    return times;
}

class Reader {
public:
    Reader(const ProfileFiles& files, const ModelSpec& model, const PoolSpec& pool)
        : files_(files), model_(model), pool_(pool) {
        profile_.origin = files.origin;
        profile_.format = "aicb";
        profile_.attention_replaces = {
            "attention.norm",   "attention.qkv",  "attention.qkv_a",   "attention.q_b",
            "attention.rope",   "attention.kv_b", "attention.prefill", "attention.kv_b_absorbed",
            "attention.decode", "attention.gate", "attention.o"};
    }

    Result<StepProfile> read() {
        for (const auto& [name, text] : files_.text) {
            if (!name.starts_with("vidur-")) continue;
            const auto file = parse_name(name);
            if (!file) {
                return fail(Code::invalid_argument,
                            files_.origin + "/" + name + ": expected a name as "
                                "vidur-MODEL-world_size8-tp8-pp1-ep8-bs1-seq100-prefill.csv, or -decode.csv");
            }
            if (auto done = check_model(name, *file); !done) return tl::unexpected(done.error());
            // Attention is the same in every expert-parallel group.
            if (file->tensor != pool_.parallel.tensor) continue;
            auto times = read_layers(files_.origin + "/" + name, text);
            if (!times) return tl::unexpected(times.error());
            add(*file, *times);
        }
        if (auto done = check_phases(); !done) return tl::unexpected(done.error());
        add_curve("mlp", {"ffn.norm", "ffn.up", "ffn.activation", "ffn.down"}, mlp_);
        add_curve(
            "moe",
            {"moe.router", "moe.experts", "moe.permute", "moe.shared.up", "moe.shared.activation", "moe.shared.down"},
            moe_);
        return std::move(profile_);
    }

private:
    Result<void> check_model(const std::string& name, const AicbFile& file) const {
        for (const auto& [theirs, ours] : k_models) {
            if (theirs == file.model && ours == model_.name) return {};
        }
        return fail(Code::invalid_argument, files_.origin + "/" + name + " was measured with " +
                                                std::string(file.model) + ": expected files of the scenario's model, " +
                                                model_.name);
    }

    void add(const AicbFile& file, const LayerTimes& times) {
        const auto sequences = static_cast<double>(file.sequences);
        const auto length = static_cast<double>(file.length);
        const double rows = file.prefill ? sequences * length : sequences;
        if (const auto attention = times.us.find("attention"); attention != times.us.end()) {
            if (!file.prefill) profile_.attention.push_back({0, 0, sequences, length, attention->second});
            if (file.prefill && file.sequences == 1) {
                profile_.attention.push_back({length, 0, 0, 0, attention->second});
                lengths_.insert(file.length);
            }
        }
        if (const auto mlp = times.us.find("mlp"); mlp != times.us.end()) mlp_.push_back({rows, mlp->second});
        if (file.expert != pool_.parallel.expert) return;
        if (const auto moe = times.us.find("moe"); moe != times.us.end()) moe_.push_back({rows, moe->second});
    }

    [[nodiscard]] Result<void> check_phases() const {
        const std::string shape = "tp" + std::to_string(pool_.parallel.tensor);
        const bool has_decodes = profile_.attention.size() > 0 && profile_.attention.size() > chunks();
        if (!has_decodes) {
            return fail(Code::invalid_argument, files_.origin + " holds no -decode.csv measured with " + shape +
                                                    ", the pool's tensor parallelism: add one");
        }
        if (lengths_.size() < k_lengths_least) {
            return fail(Code::invalid_argument, files_.origin + " holds -prefill.csv of bs1 with " + shape + " of " +
                                                    std::to_string(lengths_.size()) + " prompt lengths: expected " +
                                                    std::to_string(k_lengths_least) +
                                                    " or more, since a law for other lengths is fitted to them");
        }
        if (moe_.empty() && model_.moe) {
            return fail(Code::invalid_argument, files_.origin + " holds no files of " + shape + " and ep" +
                                                    std::to_string(pool_.parallel.expert) + ", the pool's parallelism");
        }
        return {};
    }

    [[nodiscard]] std::size_t chunks() const {
        std::size_t count = 0;
        for (const AttentionPoint& point : profile_.attention) count += point.chunk > 0 ? 1 : 0;
        return count;
    }

    void add_curve(std::string name, std::vector<std::string> replaces, const std::vector<TimePoint>& points) {
        if (!points.empty()) {
            profile_.curves.push_back({std::move(name), std::move(replaces), CurveField::rows, points, true});
        }
    }

    const ProfileFiles& files_;
    const ModelSpec& model_;
    const PoolSpec& pool_;
    StepProfile profile_;
    std::vector<TimePoint> mlp_;
    std::vector<TimePoint> moe_;
    std::set<std::int64_t> lengths_;  ///< of prompts that were measured alone
};

}  // namespace

Result<StepProfile> read_aicb_profile(const ProfileFiles& files, const ModelSpec& model, const PoolSpec& pool) {
    return Reader(files, model, pool).read();
}

}  // namespace replayd::cost
