// The options of `replayctl cost`.

#include "daemon/replayctl/afd_ratio_command.hpp"
#include "daemon/replayctl/cost_command.hpp"
#include "daemon/replayctl/option_values.hpp"
#include "daemon/replayctl/shared_options.hpp"

namespace replayd::ctl {
namespace {

constexpr std::int64_t k_servers_max = 1024;

Declared declare_eval(CLI::App& cost) {
    auto [command, options] = begin<CostEvalOptions>(cost, "eval", "price the rows of a kernel table");
    CLI::App& app = *command.app;
    command.needed = {
        app.add_option("--gpu", options->gpu, "system of the tables, e.g. h100_sxm")->type_name("GPU"),
        app.add_option("--backend", options->backend, "sglang, vllm, trtllm, nccl or replayd")->type_name("BACKEND"),
        app.add_option("--op", options->op, "table, e.g. gemm or moe")->type_name("OP"),
        app.add_option("--in", options->in, "CSV in the columns of that table, also .gz or .zst; - is standard input")
            ->type_name("FILE"),
        app.add_option("--out", options->out,
                       "file for the rows with predicted_us and provenance; - is standard output")
            ->type_name("FILE")};
    command.run = [options = options](OutputMode) { return cost_eval(*options); };
    return command;
}

Declared declare_step(CLI::App& cost) {
    auto [command, options] = begin<CostStepOptions>(cost, "step", "take one step of a scenario apart");
    CLI::App& app = *command.app;
    command.needed = {app.add_option("--scenario", options->scenario, "name or TOML file")->type_name("SCENARIO")};
    app.add_option("--pool", options->pool, "pool of the scenario, where it has several")->type_name("NAME");
    app.add_option("--prefill", options->prefill,
                   "sequences of a rank x new tokens [+ computed ones], e.g. 2x512 or 1x2048+4096")
        ->type_name("NxTOKENS");
    app.add_option("--decode", options->decode, "sequences of a rank x context, e.g. 64x1024")->type_name("NxCONTEXT");
    add_what_if(app, options->what_if);
    add_catalogs(app, options->catalogs);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return cost_step(*options);
    };
    return command;
}

Declared declare_validate(CLI::App& cost) {
    auto [command, options] = begin<CostValidateOptions>(cost, "validate", "compare the laws with measured tables");
    CLI::App& app = *command.app;
    CLI::Option* runs = app.add_option("--vllm-runs", options->vllm_runs,
                                       "in place of FOLDER: folder of real vLLM runs and kernel_profiles, to replay")
                            ->type_name("FOLDER");
    app.add_option(
           "--shared-prefixes", options->shared_prefixes,
           "with --vllm-runs: CSV file that says which prompts begin like earlier ones; may be repeated, one for each "
           "set of prompts")
        ->type_name("FILE")
        ->needs(runs);
    app.add_flag("--own-prompts", options->own_prompts,
                 "with --vllm-runs: take no run's prompts for a public set whose shared prefixes are known")
        ->needs(runs);
    app.add_option("FOLDER", options->folder, "folder of <system>/<backend>/<table>.csv[.gz]")->excludes(runs);
    app.add_option("--plots", options->plots, "also draw predicted against measured, one SVG file per operator")
        ->type_name("DIR")
        ->excludes(runs);
    command.run = [options = options](OutputMode mode) -> Result<ExitStatus> {
        options->mode = mode;
        if (!options->vllm_runs.empty()) return cost_validate_runs(*options);
        if (!options->folder.empty()) return cost_validate(*options);
        return fail(Code::invalid_argument,
                    "FOLDER is missing: expected folder of <system>/<backend>/<table>.csv[.gz], or "
                    "--vllm-runs FOLDER; see replayctl cost validate --help");
    };
    return command;
}

}  // namespace

Declared declare_afd_ratio(CLI::App& root) {
    auto [command, options] =
        begin<AfdRatioOptions>(root, "afd-ratio", "find how many attention and FFN servers balance a load");
    CLI::App& app = *command.app;
    command.needed = {
        app.add_option("--scenario", options->scenario, "name or TOML file with [pool.afd]")->type_name("SCENARIO"),
        app.add_option("--decode", options->decode, "sequences of one replica x context, e.g. 6144x4096")};
    app.add_option("--pool", options->pool, "pool of the scenario, where several have [pool.afd]")->type_name("NAME");
    app.add_option_function<std::string>(
           "--tpot-ms",
           [options = options](const std::string& value) {
               options->tpot_ms = real_number("--tpot-ms", value);
               if (options->tpot_ms <= 0) refuse_value("--tpot-ms", value, "a number above 0");
           },
           "longest step; default: the scenario's objective")
        ->type_name("X");
    add_whole(app, "--attention-servers", options->attention_servers_max, "most to try (12)", 1, k_servers_max);
    add_whole(app, "--ffn-servers", options->ffn_servers_max, "most to try (4)", 1, k_servers_max);
    add_catalogs(app, options->catalogs);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return afd_ratio(*options);
    };
    return command;
}

std::vector<Declared> declare_cost(CLI::App& cost) {
    std::vector<Declared> commands;
    commands.push_back(declare_eval(cost));
    commands.push_back(declare_step(cost));
    commands.push_back(declare_validate(cost));
    return commands;
}

}  // namespace replayd::ctl
