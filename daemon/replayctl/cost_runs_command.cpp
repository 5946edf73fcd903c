// `replayctl cost validate --vllm-runs`.

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/api/json_objects.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/cost_command.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/run_errors.hpp"
#include "daemon/replayctl/shared_prefixes.hpp"
#include "daemon/replayctl/text_table.hpp"
#include "daemon/replayctl/vllm_run.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

constexpr const char* k_method =
    "Each figure is the mean of 24 replays whose requests reach the server up to 5 ms late.\n";

/// Which runs were replayed with the prefixes that their prompts share. The files hold counts of tokens only; on the
/// public runs the prefixes take 1 to 3 % off the TTFT.
std::string prefixes_text(const std::vector<VllmRun>& runs) {
    std::string text;
    for (const VllmRun& run : runs) {
        text += run.name + ": " +
                (run.shared_prefixes.empty()
                     ? "prompts share no prefix here, since the files do not hold them; a server that caches "
                       "prefixes is a little faster (--shared-prefixes)\n"
                     : "prompts share prefixes as in " + run.shared_prefixes + "\n");
    }
    return text;
}

/// Gives the runs that the file speaks of their shared prefixes.
Result<void> use_prefixes(const std::string& path, std::vector<VllmRun>& runs) {
    const auto shared = read_shared_prefixes(path);
    if (!shared) return tl::unexpected(shared.error());
    bool used = false;
    for (VllmRun& run : runs) {
        if (!run.shared_prefixes.empty() || !speaks_of(*shared, run.arrivals)) continue;
        share_prefixes(*shared, run.arrivals);
        run.shared_prefixes = path;
        used = true;
    }
    if (used) return {};
    return fail(Code::invalid_argument,
                path + " speaks of none of the runs: expected rows whose requests have the stated prompt_tokens");
}

/// Gives the runs whose prompts are a public set what is known of it.
void use_known_prompts(std::vector<VllmRun>& runs) {
    for (VllmRun& run : runs) {
        if (!run.shared_prefixes.empty()) continue;
        const auto known = known_prompts(run.arrivals);
        if (!known) continue;
        share_prefixes(known->shared, run.arrivals);
        run.shared_prefixes =
            "the public set " + known->name + ", known by the lengths of its prompts (--own-prompts: as if none did)";
    }
}

struct Priced {
    std::string run;
    std::string source;  ///< "profile" or "laws"
    RunErrors errors;
};

Result<Priced> price(const VllmRun& run, bool with_profile) {
    auto scenario = scenario_of(run, with_profile, Catalog::built_in());
    if (!scenario) return tl::unexpected(scenario.error());
    const auto compiled = compile(std::move(*scenario));
    if (!compiled) return fail(compiled.error().code, "run " + run.name + ": " + compiled.error().message);
    const auto errors = mean_replay_errors(*compiled, run.arrivals);
    if (!errors) return fail(errors.error().code, "run " + run.name + ": " + errors.error().message);
    return Priced{run.name, with_profile ? "profile" : "laws", *errors};
}

template <class Do>
void for_each_figure(const RunErrors& errors, Do&& act) {
    for (std::size_t i = 0; i < k_figures.size(); ++i) act("TTFT", k_figures[i], errors.ttft[i]);
    for (std::size_t i = 0; i < k_figures.size(); ++i) act("TPOT", k_figures[i], errors.tpot[i]);
    for (std::size_t i = 0; i < k_figures.size(); ++i) act("E2E", k_figures[i], errors.e2e[i]);
}

std::string milliseconds(double ns) { return decimal_text(ns * 1e-6, 1); }

std::string render(const std::vector<Priced>& all, const std::vector<VllmRun>& runs) {
    TextTable table({{"run"}, {"priced by"}, {"figure"}, {"vLLM ms", Align::right}, {"replay ms", Align::right},
                     {"error %", Align::right}});
    for (const Priced& priced : all) {
        for_each_figure(priced.errors, [&](const char* what, std::string_view figure, const Compared& compared) {
            table.add_row({priced.run, priced.source, std::string(what) + " " + std::string(figure),
                           milliseconds(compared.observed), milliseconds(compared.predicted),
                           decimal_text(100 * compared.error(), 2)});
        });
    }
    return table.render() + k_method + prefixes_text(runs);
}

json::array to_json(const std::vector<Priced>& all) {
    json::array items;
    for (const Priced& priced : all) {
        for_each_figure(priced.errors, [&](const char* what, std::string_view figure, const Compared& compared) {
            items.push_back(json::object{{"run", priced.run},
                                         {"priced_by", priced.source},
                                         {"metric", what},
                                         {"figure", figure},
                                         {"observed_ns", compared.observed},
                                         {"predicted_ns", compared.predicted},
                                         {"error", compared.error()}});
        });
    }
    return items;
}

}  // namespace

Result<ExitStatus> cost_validate_runs(const CostValidateOptions& options) {
    auto runs = read_vllm_runs(options.vllm_runs, Catalog::built_in());
    if (!runs) return tl::unexpected(runs.error());
    for (const std::string& path : options.shared_prefixes) {
        if (auto done = use_prefixes(path, *runs); !done) return tl::unexpected(done.error());
    }
    if (!options.own_prompts) use_known_prompts(*runs);
    std::vector<Priced> all;
    for (const VllmRun& run : *runs) {
        for (const bool with_profile : {true, false}) {
            if (with_profile && run.profile.empty()) continue;
            auto priced = price(run, with_profile);
            if (!priced) return tl::unexpected(priced.error());
            all.push_back(std::move(*priced));
        }
    }
    const std::string out =
        options.mode == OutputMode::json ? json::serialize(api::items_json(to_json(all))) + '\n' : render(all, *runs);
    return print(out).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
