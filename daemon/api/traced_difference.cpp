#include "daemon/api/traced_difference.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include <boost/json.hpp>

#include "daemon/net/quoted.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;

/// One setting: vLLM's name of it (vllm/engine/arg_utils.py), ours, and its value in a pool.
struct Setting {
    std::string_view name;
    std::string_view key;
    double (*value)(const PoolSpec&);
};

constexpr std::array<Setting, 9> k_settings = {{
    {"tensor_parallel_size", "parallel.tensor",
     [](const PoolSpec& pool) { return static_cast<double>(pool.parallel.tensor); }},
    {"pipeline_parallel_size", "parallel.pipeline",
     [](const PoolSpec& pool) { return static_cast<double>(pool.parallel.pipeline); }},
    {"data_parallel_size", "parallel.data",
     [](const PoolSpec& pool) { return static_cast<double>(pool.parallel.data); }},
    {"max_num_seqs", "batching.max_sequences",
     [](const PoolSpec& pool) { return static_cast<double>(pool.batching.max_sequences); }},
    {"max_num_batched_tokens", "batching.max_batched_tokens",
     [](const PoolSpec& pool) { return static_cast<double>(pool.batching.max_batched_tokens.value); }},
    {"enable_chunked_prefill", "batching.chunked_prefill",
     [](const PoolSpec& pool) { return pool.batching.chunked_prefill ? 1.0 : 0.0; }},
    {"enable_prefix_caching", "kv.prefix_caching",
     [](const PoolSpec& pool) { return pool.kv.prefix_caching ? 1.0 : 0.0; }},
    {"block_size", "kv.block", [](const PoolSpec& pool) { return static_cast<double>(pool.kv.block.value); }},
    {"gpu_memory_utilization", "kv.memory_fraction", [](const PoolSpec& pool) { return pool.kv.memory_fraction; }},
}};

/// Letters and digits in lower case: "NVIDIA H100 80GB" and "H100-SXM" are written in many ways.
std::string bare(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c >= 'A' && c <= 'Z') out += static_cast<char>(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
    }
    return out;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::optional<double> number_of(std::string_view text) {
    if (text == "true" || text == "True") return 1;
    if (text == "false" || text == "False") return 0;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string shown(double number) {
    std::array<char, 32> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

std::string text_member(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string sentence(std::string_view fact, const std::string& there, const std::string& here) {
    return std::string(fact) + " was " + there + " where the trace comes from, and is " + here + " here";
}

void compare_names(const json::object& system, const Scenario& scenario, std::vector<std::string>& out) {
    const std::string model = text_member(system, "model");
    const std::string ours = bare(scenario.model.name);
    if (!model.empty() && !contains(bare(model), ours) && !contains(ours, bare(model))) {
        out.push_back(sentence("model", net::quoted(model), net::quoted(scenario.model.name)));
    }
    const std::string gpu = text_member(system, "gpu");
    // "H100" of "H100-SXM": the form factor is rarely told.
    const bool same = std::any_of(scenario.pools.begin(), scenario.pools.end(), [&gpu](const PoolSpec& pool) {
        return contains(bare(gpu), bare(std::string_view(pool.gpu.name).substr(0, pool.gpu.name.find('-'))));
    });
    if (!gpu.empty() && !same) {
        out.push_back(sentence("gpu", net::quoted(gpu), net::quoted(scenario.pools.front().gpu.name)));
    }
}

void compare_gpus(const json::object& system, const Scenario& scenario, std::vector<std::string>& out) {
    const json::value* gpus = system.if_contains("gpus");
    if (gpus == nullptr || !gpus->is_int64()) return;
    std::int64_t ours = 0;
    for (const PoolSpec& pool : scenario.pools) ours += pool.replicas * pool.gpus_per_replica();
    if (gpus->get_int64() != ours) {
        out.push_back(sentence("gpus", std::to_string(gpus->get_int64()), std::to_string(ours)));
    }
}

void compare_setting(const std::string& name, std::string_view told, const Scenario& scenario,
                     std::vector<std::string>& out) {
    const auto known =
        std::find_if(k_settings.begin(), k_settings.end(), [&name](const Setting& each) { return each.name == name; });
    const auto there = number_of(told);
    if (known == k_settings.end() || !there) return;
    const bool same = std::any_of(scenario.pools.begin(), scenario.pools.end(), [&](const PoolSpec& pool) {
        return std::abs(known->value(pool) - *there) < 1e-9;
    });
    if (same) return;
    const PoolSpec& pool = scenario.pools.front();
    out.push_back(sentence(name, std::string(told), shown(known->value(pool))) + " (" + std::string(known->key) +
                  " of pool " + pool.name + ")");
}

}  // namespace

std::vector<std::string> traced_differences(const std::string& traced_system, const Scenario& scenario) {
    std::vector<std::string> out;
    boost::system::error_code error;
    const json::value parsed = json::parse(traced_system, error);
    if (error || !parsed.is_object() || scenario.pools.empty()) return out;
    const json::object& system = parsed.get_object();
    compare_names(system, scenario, out);
    compare_gpus(system, scenario, out);
    const json::value* settings = system.if_contains("settings");
    if (settings == nullptr || !settings->is_object()) return out;
    for (const auto& setting : settings->get_object()) {
        std::string name(setting.key());
        name.erase(0, name.find_first_not_of('-') == std::string::npos ? 0 : name.find_first_not_of('-'));
        std::replace(name.begin(), name.end(), '-', '_');
        if (setting.value().is_string()) {
            compare_setting(name, std::string_view(setting.value().get_string()), scenario, out);
        }
    }
    return out;
}

}  // namespace replayd::api
