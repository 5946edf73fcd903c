#include "replay/catalog/hugging_face_config.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/cost/eval/cost_eval.hpp"
#include "replay/cost/tables/profile_cost.hpp"
#include "replay/cost/tables/read_profile.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/targets.hpp"

namespace replayd::fuzz {
namespace {

/// The pool that profiles are read for.
const Scenario& pool_of_profiles() {
    static const Scenario scenario = *parse_scenario(built_in_scenarios().at("qwen3-30b-a3b-h100-mixed"), "built in");
    return scenario;
}

constexpr std::string_view k_profile_files[] = {"dense.csv",
                                                "per_sequence.csv",
                                                "attention.csv",
                                                "moe.csv",
                                                "mlp.csv",
                                                "all_reduce.csv",
                                                "gemm.csv",
                                                "context_attention.csv",
                                                "custom_allreduce.csv",
                                                "generation_attention.csv",
                                                "vidur-Qwen3-30B-A3B-world_size2-tp2-pp1-ep1-bs8-seq1024-decode.csv"};

}  // namespace

void scenario_toml(std::string_view input) {
    const auto scenario = parse_scenario(input, "fuzz.toml");
    if (!scenario) return check_message(scenario.error());
    REPLAYD_ASSERT(!scenario->pools.empty() && !scenario->name.empty());
}

void catalog_toml(std::string_view input) {
    Catalog catalog = Catalog::built_in();
    const auto models = catalog.model_names();
    const auto added = catalog.add(input, "fuzz.toml");
    if (added) return;
    check_message(added.error());
    REPLAYD_ASSERT(catalog.model_names() == models);
}

void hugging_face_config(std::string_view input) {
    const auto model = parse_hugging_face_config(input, "fuzz");
    if (!model) return check_message(model.error());
    REPLAYD_ASSERT(model->layers > 0);
}

void profile_csv(std::string_view input) {
    cost::ProfileFiles files;
    files.origin = "fuzz";
    while (!input.empty()) {
        const std::string_view name = k_profile_files[take_byte(input) % std::size(k_profile_files)];
        const std::string_view text = input.substr(0, input.find('\f'));
        input.remove_prefix(std::min(input.size(), text.size() + 1));
        files.text[std::string(name)] = text;
    }
    const Scenario& scenario = pool_of_profiles();
    const auto profile = cost::read_profile(files, scenario.model, scenario.pools.front());
    if (!profile) check_message(profile.error());
}

void cost_eval_csv(std::string_view input) {
    cost::CostEvalRequest request;
    request.gpu = take_line(input);
    request.backend = take_line(input);
    request.table = take_line(input);
    request.name = "fuzz.csv";
    request.csv = input;
    const auto priced = cost::cost_eval(request);
    if (!priced) return check_message(priced.error());
    REPLAYD_ASSERT(priced->find("predicted_us") != std::string::npos);
}

}  // namespace replayd::fuzz
