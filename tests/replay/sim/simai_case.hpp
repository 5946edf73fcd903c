#pragma once
// End-to-end runs of SimAI's vidur fork as scenarios of ours. Every file e2e_closed_form*.json of the golden folder is
// read; nothing depends on the name of a case but the suffixes that mark a defect (README of the folder).

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/replay/sim/fixture.hpp"
#include "tests/replay/sim/simai_cost.hpp"
#include "tests/replay/simai_models.hpp"
#include "tests/source_paths.hpp"

namespace replayd::test {

/// Both sides keep times that are sums of step durations. SimAI adds doubles of seconds, we integer nanoseconds, each
/// step rounded to the nearest one; only steps with a prefill have a fraction (0.01 C² ns per layer, C² their chunks'
/// squares), so N of them drift apart by about 0.3 √N ns. 10 ns leave room for some hundred; the least step
/// of the tables is 10,000 times longer.
inline constexpr std::int64_t k_simai_tolerance_ns = 10;

struct SimaiCase {
    std::string name;
    boost::json::object input;
    boost::json::value expected;  ///< null where SimAI failed
    boost::json::array partial;   ///< requests at the time of the failure

    [[nodiscard]] std::string_view text(const char* key) const { return std::string_view(input.at(key).as_string()); }
    [[nodiscard]] std::int64_t integer(const char* key, std::int64_t otherwise) const {
        const boost::json::value* found = input.if_contains(key);
        return found == nullptr || found->is_null() ? otherwise : found->to_number<std::int64_t>();
    }
    [[nodiscard]] double real(const char* key, double otherwise) const {
        const boost::json::value* found = input.if_contains(key);
        return found == nullptr || found->is_null() ? otherwise : found->to_number<double>();
    }
    [[nodiscard]] bool split() const {
        return text("global_scheduler") == "split_wise" || text("replica_scheduler") == "split_wise";
    }
    /// A case that README calls a defect, or that SimAI did not survive.
    [[nodiscard]] bool defect() const {
        for (const char* suffix : {"_DEFECT", "_CRASH", "_DEADLOCK", "_ASSERT"}) {
            if (name.ends_with(suffix)) return true;
        }
        return split() || expected.is_null();
    }
};

/// GoogleTest prints a parameter with this; the default would dump the bytes of the case.
inline void PrintTo(const SimaiCase& c, std::ostream* out) {
    *out << c.name;
}

inline std::vector<SimaiCase> simai_cases(bool defects) {
    std::vector<std::filesystem::path> files;
    const std::filesystem::path folder = REPLAYD_SOURCE_DIR "/../shared/data/golden_simai";
    if (std::filesystem::exists(folder)) {
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            const std::string name = entry.path().filename();
            if (name.starts_with("e2e_closed_form") && name.ends_with(".json")) files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<SimaiCase> cases;
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        const boost::json::value all = boost::json::parse(text.str());
        for (const boost::json::value& value : all.as_array()) {
            const boost::json::object& row = value.as_object();
            SimaiCase c{std::string(row.at("input").at("name").as_string()),
                        row.at("input").as_object(),
                        row.at("expected"),
                        {}};
            if (const auto* partial = row.if_contains("partial_requests")) c.partial = partial->as_array();
            if (c.defect() == defects) cases.push_back(std::move(c));
        }
    }
    return cases;
}

/// The parameters of a suite: one called "absent" where there is no golden file, or no such case in it.
inline std::vector<SimaiCase> or_absent(std::vector<SimaiCase> cases) {
    if (cases.empty()) cases.push_back({"absent", {}, {}, {}});
    return cases;
}

/// A name that GoogleTest takes, unique by position.
inline std::string simai_test_name(const testing::TestParamInfo<SimaiCase>& info) {
    std::string name = info.param.name + "_" + std::to_string(info.index);
    for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    }
    return name;
}

inline std::int64_t simai_ns(const boost::json::value& seconds) {
    return std::llround(seconds.to_number<double>() * 1e9);
}

/// Refuses an argument that this file would not translate.
inline void check_arguments(const SimaiCase& c, const char* key, std::initializer_list<std::string_view> known) {
    const boost::json::value* found = c.input.if_contains(key);
    if (found == nullptr) return;
    for (const auto& argument : found->as_object()) {
        if (std::find(known.begin(), known.end(), argument.key()) == known.end()) {
            throw std::runtime_error(c.name + ": " + key +
                                     " has an argument without a counterpart: " + std::string(argument.key()));
        }
    }
}

inline const boost::json::value* simai_argument(const SimaiCase& c, const char* table, const char* key) {
    const boost::json::value* found = c.input.if_contains(table);
    const boost::json::value* value = found == nullptr ? nullptr : found->as_object().if_contains(key);
    return value == nullptr || value->is_null() ? nullptr : value;
}

inline std::int64_t scheduler_argument(const SimaiCase& c, const char* key, std::int64_t otherwise) {
    const boost::json::value* value = simai_argument(c, "sched_args", key);
    return value == nullptr ? otherwise : value->to_number<std::int64_t>();
}

/// Requests that SimAI's planner lets run at once: device memory less 10 % and two bytes per parameter of the layers,
/// over the KV cache of a full context (spec section 3.4).
inline std::int64_t simai_slots(const SimaiCase& c, const ModelSpec& model, std::int64_t context) {
    const std::string_view device = c.text("device");
    const double gigabytes = device == "a40" ? 45 : device == "h20" ? 141 : 80;
    const std::int64_t tensor = c.integer("tp", 1);
    const std::int64_t head = model.attention.head_dim;
    const std::int64_t q = model.attention.q_heads / tensor;
    const std::int64_t kv = (model.attention.kv_heads + tensor - 1) / tensor;
    const std::int64_t layer =
        model.hidden * head * 2 * (q + kv) + (model.gated_ffn ? 3 : 2) * model.hidden * model.ffn / tensor;
    const std::int64_t parameters = layer * (model.layers / c.integer("pp", 1));
    const double available = gigabytes * std::exp2(30) * 0.9 - 2.0 * static_cast<double>(parameters);
    return static_cast<std::int64_t>(available / static_cast<double>(4 * head * kv * context * model.layers));
}

inline SimaiCostSpec simai_cost_spec(const SimaiCase& c, const ModelSpec& model, const ParallelSpec& parallel) {
    check_arguments(c, "pred_args",
                    {"skip_cpu_overhead_modeling", "attention_decode_batching_overhead_fraction",
                     "attention_prefill_batching_overhead_fraction", "nccl_cpu_launch_overhead_ms"});
    SimaiCostSpec spec;
    spec.layers = model.layers;
    spec.tensor = parallel.tensor;
    spec.pipeline = parallel.pipeline;
    spec.grouped_queries = model.attention.q_heads > model.attention.kv_heads;
    spec.mlp_norm = simai_gated(model.name);
    const auto set = [&](const char* key, double& field) {
        if (const auto* value = simai_argument(c, "pred_args", key)) field = value->to_number<double>();
    };
    set("attention_decode_batching_overhead_fraction", spec.decode_overhead);
    set("attention_prefill_batching_overhead_fraction", spec.prefill_overhead);
    set("nccl_cpu_launch_overhead_ms", spec.collective_launch_ms);
    if (const auto* skip = simai_argument(c, "pred_args", "skip_cpu_overhead_modeling"))
        spec.cpu_overhead = !skip->as_bool();
    return spec;
}

inline BatchPolicyKind simai_policy(std::string_view name) {
    if (name == "vllm") return BatchPolicyKind::vllm;
    if (name == "sarathi") return BatchPolicyKind::sarathi;
    if (name == "orca") return BatchPolicyKind::orca;
    if (name == "faster_transformer") return BatchPolicyKind::faster_transformer;
    if (name == "lightllm") return BatchPolicyKind::lightllm;
    // split_wise: whole prompts first come first served; ours chunks what its budget of 4,096 tokens cuts (D7).
    if (name == "split_wise") return BatchPolicyKind::vllm_v1;
    throw std::runtime_error("no policy for replica scheduler " + std::string(name));
}

/// A pool as the case configures its replicas; the cluster's split is the caller's.
inline PoolSpec simai_pool(const SimaiCase& c, const ModelSpec& model, PoolRole role, std::int64_t replicas) {
    check_arguments(c, "sched_args",
                    {"chunk_size", "block_size", "num_blocks", "batch_size_cap", "max_tokens_in_batch",
                     "watermark_blocks_fraction"});
    PoolSpec spec = pool(role == PoolRole::mixed     ? "mixed"
                         : role == PoolRole::prefill ? "prefill"
                                                     : "decode",
                         role, replicas, 0);
    spec.parallel.tensor = c.integer("tp", 1);
    spec.parallel.pipeline = c.integer("pp", 1);
    const std::string_view scheduler = c.text("replica_scheduler");
    spec.batching.policy = simai_policy(scheduler);
    spec.max_context = Tokens(c.integer("max_tokens", 4096));
    spec.kv.block = Tokens(scheduler_argument(c, "block_size", 16));
    const std::int64_t cap = scheduler_argument(c, "batch_size_cap", 128);
    std::int64_t planned = simai_slots(c, model, spec.max_context.value) * spec.parallel.pipeline;
    spec.kv.num_blocks = scheduler_argument(c, "num_blocks", planned * (spec.max_context.value / spec.kv.block.value));
    if (!c.expected.is_null()) {
        const boost::json::object& summary = c.expected.at("summary").as_object();
        planned = summary.at("max_batch_size").to_number<std::int64_t>();
        spec.kv.num_blocks = summary.at("num_blocks").to_number<std::int64_t>();
    }
    const bool whole_batches = scheduler == "orca" || scheduler == "faster_transformer";
    spec.batching.max_sequences = whole_batches ? std::min(cap, planned) : cap;
    spec.batching.max_batched_tokens =
        Tokens(scheduler == "sarathi" ? scheduler_argument(c, "chunk_size", 512)
                                      : scheduler_argument(c, "max_tokens_in_batch", 4096));
    if (const auto* watermark = simai_argument(c, "sched_args", "watermark_blocks_fraction")) {
        spec.batching.watermark = watermark->to_number<double>();
    }
    spec.router = c.text("global_scheduler") == "lor" ? RouterKind::lor : RouterKind::round_robin;
    return spec;
}

inline ModelSpec simai_model(const SimaiCase& c) {
    if (auto model = simai_dense_model(c.text("model"))) return *model;
    throw std::runtime_error(c.name + ": no dense model " + std::string(c.text("model")));
}

inline std::vector<Arrival> simai_arrivals(const SimaiCase& c) {
    std::vector<Arrival> arrivals;
    for (const boost::json::value& row : c.input.at("requests").as_array()) {
        arrivals.push_back(arrival(static_cast<std::int64_t>(arrivals.size()), simai_ns(row.at(0)),
                                   row.at(1).to_number<std::int64_t>(), row.at(2).to_number<std::int64_t>()));
    }
    return arrivals;
}

/// Runs a scenario under the tables instead of a cost law of ours.
inline Outcomes replay_simai(const SimaiCase& c, const Scenario& scenario, const std::vector<Arrival>& arrivals,
                             bool batches) {
    auto priced = std::make_shared<CompiledScenario>(*compiled(scenario));
    for (std::size_t i = 0; i < priced->costs.size(); ++i) {
        priced->costs[i] = std::make_shared<SimaiCost>(simai_cost_spec(c, scenario.model, scenario.pools[i].parallel));
    }
    Outcomes out{{}, {}, KeepingSink(batches)};
    replayd::Run run(priced, out.sink);
    for (const Arrival& next : arrivals) run.offer(next);
    run.finish();
    out.hash = run.hash();
    out.snapshot = run.snapshot();
    return out;
}

}  // namespace replayd::test
