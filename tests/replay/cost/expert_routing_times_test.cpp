// Expert layers with random rows against evenly dealt ones, measured by replay/cost/profile, against what the model
// makes of an even row of a table.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "replay/cost/eval/csv_table.hpp"
#include "replay/cost/expert_load.hpp"
#include "replay/cost/laws/law_choice.hpp"
#include "replay/cost/laws/tables.hpp"
#include "tests/source_paths.hpp"

namespace replayd::cost {
namespace {

/// One layer, measured with both routings.
struct Layer {
    double tokens = 0, hidden = 0, inner = 0, top_k = 0, experts = 0;
    double even_ms = 0, random_ms = 0;
};

std::vector<Layer> measured_layers(const std::string& gpu) {
    const std::string path =
        std::string(REPLAYD_SOURCE_DIR) + "/replay/cost/profile/measurements/" + gpu + "/expert_routing.csv";
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    const std::string content = text.str();
    const auto table = parse_csv(path, content);
    if (!table) {
        ADD_FAILURE() << table.error().message;
        return {};
    }
    std::map<std::pair<std::string, double>, Layer> layers;
    for (const auto& row : table->rows) {
        const auto cell = [&](std::string_view name) { return std::string(row[table->column(name).value()]); };
        Layer& layer = layers[{cell("family"), std::stod(cell("num_tokens"))}];
        layer.tokens = std::stod(cell("num_tokens"));
        layer.hidden = std::stod(cell("hidden_size"));
        layer.inner = std::stod(cell("inter_size"));
        layer.top_k = std::stod(cell("topk"));
        layer.experts = std::stod(cell("num_experts"));
        (cell("routing") == "even" ? layer.even_ms : layer.random_ms) = std::stod(cell("latency"));
    }
    std::vector<Layer> all;
    for (const auto& [_, layer] : layers) all.push_back(layer);
    return all;
}

double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

class ExpertRoutingTimes : public ::testing::TestWithParam<const char*> {};

// The absolute times are another framework's kernels; what random routing adds or saves is the routing's.
TEST_P(ExpertRoutingTimes, random_rows_cost_against_even_ones_what_was_measured) {
    const std::vector<Layer> layers = measured_layers(GetParam());
    ASSERT_GE(layers.size(), 80u);
    const auto experts = choose_law(*find_kernel_table("moe"), *find_hardware(GetParam()), "vllm");
    ASSERT_TRUE(experts);
    std::vector<double> errors;
    std::vector<double> as_if_even;
    for (const Layer& layer : layers) {
        KernelRow row;
        row.number = {static_cast<double>(find_type("bfloat16")), layer.tokens, layer.hidden, layer.inner, layer.top_k,
                      layer.experts, 1, 1, 0};
        const ExpertLoad load(1, std::lround(layer.top_k), std::lround(layer.experts), 1);
        const KernelWork work = expert_work(experts->target, row, load.spread_over_experts(std::lround(layer.tokens)));
        const double measured = layer.random_ms / layer.even_ms;
        errors.push_back(std::abs(experts->sustained(row, work) / experts->sustained(row) / measured - 1));
        as_if_even.push_back(std::abs(1 / measured - 1));
    }
    std::printf(
        "%s: random over even, %zu layers: median %.1f %%, 90th percentile %.1f %%; as if even: %.1f, %.1f %%\n",
        GetParam(), errors.size(), 100 * quantile(errors, 0.5), 100 * quantile(errors, 0.9),
        100 * quantile(as_if_even, 0.5), 100 * quantile(as_if_even, 0.9));
    EXPECT_LE(quantile(errors, 0.5), 0.03);
    EXPECT_LE(quantile(errors, 0.9), 0.09);
}

INSTANTIATE_TEST_SUITE_P(Measured, ExpertRoutingTimes, ::testing::Values("h100_sxm", "h200_sxm"),
                         [](const auto& gpu) { return std::string(gpu.param); });

}  // namespace
}  // namespace replayd::cost
