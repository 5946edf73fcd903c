// How SimAI 1.6 splits a cluster into prefill and decode, and how [split] does: the same numbers where it is right, and
// the difference named where the specification calls it a defect (D1, D2, D3).

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "replay/catalog/scenario_toml.hpp"
#include "tests/source_paths.hpp"

namespace replayd {
namespace {

using boost::json::object;

/// Heads and layers of Llama-2-7B, SimAI's default model, are those of Llama-3.1-8B.
constexpr std::int64_t k_heads = 32;
constexpr std::int64_t k_layers = 32;

struct Split {
    std::int64_t replicas = 0;
    double ratio = 0;
    std::optional<std::int64_t> prefill_replicas, prefill_tensor, prefill_pipeline, decode_tensor, decode_pipeline,
        expert;
    std::int64_t tensor = 1, pipeline = 1;

    [[nodiscard]] bool mixed() const { return ratio == 1; }
};

std::optional<std::int64_t> integer(const object& in, const char* key) {
    const auto* value = in.if_contains(key);
    if (value == nullptr) return std::nullopt;
    return value->to_number<std::int64_t>();
}

Split split_of(const object& in) {
    for (const auto& key : in) {
        EXPECT_NE(std::string("num_replicas pd_node_ratio npre ptp ppp dtp dpp ep tp pp").find(key.key()),
                  std::string::npos)
            << "an input without a counterpart: " << key.key();
    }
    return {*integer(in, "num_replicas"), in.at("pd_node_ratio").to_number<double>(),
            integer(in, "npre"),          integer(in, "ptp"),
            integer(in, "ppp"),           integer(in, "dtp"),
            integer(in, "dpp"),           integer(in, "ep"),
            *integer(in, "tp"),           *integer(in, "pp")};
}

std::string parallel(std::int64_t tensor, std::int64_t pipeline, std::int64_t expert) {
    return "parallel = { tensor = " + std::to_string(tensor) + ", pipeline = " + std::to_string(pipeline) +
           ", expert = " + std::to_string(expert) + " }\n";
}

/// The case in the words of a scenario file. Expert parallelism needs a model with experts.
std::string scenario_text(const Split& s, const std::string& rounding) {
    std::ostringstream out;
    out.precision(17);
    out << "name = 's'\ngpu = 'H20'\nmodel = '" << (s.expert ? "Qwen3-235B-A22B" : "Llama-3.1-8B") << "'\n";
    const std::string common = parallel(s.tensor, s.pipeline, s.expert.value_or(1));
    if (s.mixed()) {
        out << "[[pool]]\nrole = 'mixed'\nreplicas = " << s.replicas << '\n' << common;
        return out.str();
    }
    out << "[transfer]\ngigabits_per_s = 800\nlatency_us = 0\n[split]\nreplicas = " << s.replicas << '\n';
    if (s.prefill_replicas) {
        out << "prefill_replicas = " << *s.prefill_replicas << '\n';
    } else {
        out << "prefill_ratio = " << std::showpoint << s.ratio << std::noshowpoint << "\nrounding = '" << rounding
            << "'\n";
    }
    const std::int64_t expert = s.expert.value_or(1);
    out << "prefill = { "
        << parallel(s.prefill_tensor.value_or(s.tensor), s.prefill_pipeline.value_or(s.pipeline), expert);
    out.seekp(-1, std::ios::end);
    out << " }\ndecode = { "
        << parallel(s.decode_tensor.value_or(s.tensor), s.decode_pipeline.value_or(s.pipeline), expert);
    out.seekp(-1, std::ios::end);
    out << " }\n[[pool]]\n";
    return out.str();
}

/// Why a case that SimAI accepts is refused, or one that it refuses is accepted; blank where we agree. Each holds
/// whatever the rounding.
std::string named_difference(const Split& s) {
    if (s.expert) {
        const bool divides = *s.expert >= 1 && s.tensor % *s.expert == 0;
        const bool simai = *s.expert == 1 || *s.expert == s.tensor * s.pipeline;
        return divides == simai
                   ? ""
                   : "D1, D12: EP is 1 or any divisor of the phase's own tensor x data, and stays in a stage";
    }
    if (s.pipeline > 1 && k_layers % s.pipeline != 0) return "an uneven split of the layers follows vLLM";
    if (s.mixed()) return "";
    for (const auto& tensor : {s.prefill_tensor, s.decode_tensor}) {
        if (tensor && *tensor == 0) return "a stated 0 is an error, not the shared width";
        if (tensor && k_heads % *tensor != 0) return "D3: the heads divide by each phase's tensor width";
    }
    return "";
}

std::optional<boost::json::array> golden() {
    std::ifstream in(REPLAYD_SOURCE_DIR "/../shared/data/golden_simai/pd_cluster_split.json", std::ios::binary);
    if (!in) return std::nullopt;
    std::ostringstream text;
    text << in.rdbuf();
    return boost::json::parse(text.str()).as_array();
}

/// N × ratio to the nearest whole number, halves up, in integers: a ratio is a multiple of 1e-9.
std::int64_t nearest(std::int64_t replicas, double ratio) {
    constexpr std::int64_t k_parts = 1'000'000'000;
    const std::int64_t twice = 2 * replicas * std::llround(ratio * static_cast<double>(k_parts)) + k_parts;
    return std::clamp<std::int64_t>(twice / (2 * k_parts), 1, replicas - 1);
}

void expect_world(const PoolSpec& pool, const object& expected, const std::string& phase) {
    EXPECT_EQ(pool.replicas, expected.at("num_" + phase).to_number<std::int64_t>());
    EXPECT_EQ(pool.parallel.tensor, expected.at(phase + "_tp").to_number<std::int64_t>());
    EXPECT_EQ(pool.parallel.pipeline, expected.at(phase + "_pp").to_number<std::int64_t>());
    EXPECT_EQ(pool.replicas * pool.parallel.gpus(), expected.at(phase + "_world_size").to_number<std::int64_t>());
}

// With SimAI's rounding: its counts, widths and world sizes, and its errors; what differs has a name.
TEST(SimaiSplit, truncated_is_simais_cluster) {
    const auto rows = golden();
    if (!rows) GTEST_SKIP() << "no golden_simai/pd_cluster_split.json";
    std::map<std::string, int> differences;
    for (const auto& row : *rows) {
        const Split split = split_of(row.at("input").as_object());
        SCOPED_TRACE(boost::json::serialize(row.at("input")));
        const auto parsed = parse_scenario(scenario_text(split, "truncate"), "s.toml");
        const std::string difference = named_difference(split);
        const bool simai_accepts = !row.at("expected").is_null();
        ASSERT_EQ(parsed.has_value() != simai_accepts, !difference.empty())
            << (parsed ? "accepted" : parsed.error().message) << " without a named reason";
        if (!difference.empty()) ++differences[difference];
        if (!parsed || !simai_accepts) continue;
        const object& expected = row.at("expected").as_object();
        // SimAI's mixed cluster counts every replica in both phases.
        expect_world(parsed->pools.front(), expected, "prefill");
        expect_world(parsed->pools.back(), expected, "decode");
        for (const PoolSpec& pool : parsed->pools) {
            EXPECT_EQ(pool.parallel.expert, split.expert.value_or(1))
                << "D1: stated per phase, never the phase's world size";
        }
    }
    for (const auto& [name, count] : differences) std::cout << count << " × " << name << '\n';
}

// D2: one number, rounded as stated and used by the pools that the engine runs; the scheduler's own labels in the file,
// which SimAI rounds up or takes from the ratio in spite of num_prefill_replicas, do not exist here.
TEST(SimaiSplit, rounded_half_up_has_one_number_for_everything) {
    const auto rows = golden();
    if (!rows) GTEST_SKIP() << "no golden_simai/pd_cluster_split.json";
    int mended = 0;
    int labels = 0;
    for (const auto& row : *rows) {
        const Split split = split_of(row.at("input").as_object());
        if (split.mixed() || !named_difference(split).empty()) continue;
        SCOPED_TRACE(boost::json::serialize(row.at("input")));
        const auto parsed = parse_scenario(scenario_text(split, "half_up"), "s.toml");
        const bool divides = k_heads % split.tensor == 0;
        const bool stated = split.prefill_replicas.has_value();
        const bool in_range = stated ? *split.prefill_replicas >= 1 && *split.prefill_replicas < split.replicas
                                     : split.replicas >= 2 && split.ratio > 0 && split.ratio < 1;
        ASSERT_EQ(parsed.has_value(), in_range && divides) << (parsed ? "accepted" : parsed.error().message);
        if (!parsed) continue;
        const std::int64_t prefill = stated ? *split.prefill_replicas : nearest(split.replicas, split.ratio);
        EXPECT_EQ(parsed->pools[0].replicas, prefill);
        EXPECT_EQ(parsed->pools[1].replicas, split.replicas - prefill);
        const auto& expected = row.at("expected");
        if (expected.is_null() || expected.at("num_prefill").to_number<std::int64_t>() != prefill) ++mended;
        const auto& scheduler = row.at("splitwise_scheduler_labels");
        if (!scheduler.is_null() && scheduler.at("disagrees_with_cluster") == boost::json::value(true)) ++labels;
    }
    EXPECT_GT(mended, 0) << "the file has ratios that truncation gets wrong";
    EXPECT_GT(labels, 0) << "and splits of which SimAI's scheduler has another count than its cluster";
}

}  // namespace
}  // namespace replayd
