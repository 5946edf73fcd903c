#include <utility>

#include "daemon/replayctl/at_command.hpp"
#include "daemon/replayctl/bisect_command.hpp"
#include "daemon/replayctl/compare_command.hpp"
#include "daemon/replayctl/option_values.hpp"
#include "daemon/replayctl/plan_command.hpp"
#include "daemon/replayctl/query_command.hpp"
#include "daemon/replayctl/shared_options.hpp"

namespace replayd::ctl {

std::vector<Declared> declare_scenario(CLI::App& scenario) {
    struct Kind {
        const char* name;
        const char* what;
        Result<ExitStatus> (*run)(const ScenarioOptions&);
        bool takes_names;
    };
    constexpr std::array<Kind, 3> k_kinds = {
        {{"check", "say of each file whether it is a scenario, and what is wrong", check_scenarios, true},
         {"list", "list the built-in scenarios", list_scenarios, false},
         {"show", "print the TOML of scenarios", show_scenarios, true}}};
    std::vector<Declared> commands;
    for (const Kind& kind : k_kinds) {
        auto [command, options] = begin<ScenarioOptions>(scenario, kind.name, kind.what);
        if (kind.takes_names) {
            command.needed.push_back(command.app->add_option("SCENARIO", options->scenarios, "names or TOML files"));
        }
        add_catalogs(*command.app, options->catalogs);
        command.run = [options = options, run = kind.run](OutputMode mode) {
            options->mode = mode;
            return run(*options);
        };
        commands.push_back(std::move(command));
    }
    return commands;
}

Declared declare_plan(CLI::App& root) {
    auto [command, options] = begin<ScenarioOptions>(root, "plan", "print where the memory of a scenario's GPUs goes");
    command.needed.push_back(command.app->add_option("--scenario", options->scenarios, "names or TOML files"));
    add_what_if(*command.app, options->what_if);
    add_whole(*command.app, "--prompt", options->prompt, "say how many requests of N prompt tokens fit", 1);
    add_whole(*command.app, "--output", options->output, "and N output tokens", 1);
    add_catalogs(*command.app, options->catalogs);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return plan(*options);
    };
    return command;
}

Declared declare_runs(CLI::App& root) {
    auto [command, options] = begin<RunsOptions>(root, "runs", "list runs, newest first");
    add_source(*command.app, options->source);
    command.app->add_option("--stream", options->stream, "of this stream only")->type_name("NAME");
    add_whole(*command.app, "--limit", options->limit, "at most N (100)", 1);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return list_runs(*options);
    };
    return command;
}

namespace {

CLI::Option* add_run_id(CLI::App& app, const char* name, std::int64_t& target) {
    return app
        .add_option_function<std::string>(
            name, [name, &target](const std::string& value) { target = whole_number(name, value, 1); }, "id of a run")
        ->type_name("ID");
}

}  // namespace

Declared declare_compare(CLI::App& root) {
    auto [command, options] =
        begin<CompareOptions>(root, "compare", "compare two runs of one stream, request by request");
    CLI::App& app = *command.app;
    command.needed.push_back(add_run_id(app, "RUN_A", options->run_a));
    command.needed.push_back(add_run_id(app, "RUN_B", options->run_b));
    add_source(app, options->source);
    add_whole(app, "--limit", options->limit, "requests to list, those that differ most (10)", 0, 1000);
    add_real(app, "--quantile", options->quantile, "of a window: an objective is broken when it is beyond (0.99)");
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return compare_runs(*options);
    };
    return command;
}

Declared declare_bisect(CLI::App& root) {
    auto [command, options] =
        begin<BisectOptions>(root, "bisect", "find the first event in which two runs of one stream differ");
    CLI::App& app = *command.app;
    command.needed.push_back(add_run_id(app, "RUN_A", options->run_a));
    command.needed.push_back(add_run_id(app, "RUN_B", options->run_b));
    add_source(app, options->source);
    add_catalogs(app, options->source.catalogs);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return bisect_runs(*options);
    };
    return command;
}

Declared declare_at(CLI::App& root) {
    auto [command, options] = begin<AtOptions>(root, "at", "show queues, batches and KV of a run at a moment");
    CLI::App& app = *command.app;
    command.needed.push_back(add_run_id(app, "RUN", options->run));
    add_time(app, "TIME", [options = options](std::int64_t ns) { options->at_ns = ns; },
             "virtual time: 90s, 1.5m, 2h; left out: now, or the end of a run that is over");
    add_source(app, options->source);
    add_catalogs(app, options->source.catalogs);
    add_whole(app, "--listed", options->listed, "requests to list of each queue and batch (5)", 0, 100'000);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return show_moment(*options);
    };
    return command;
}

Declared declare_explain(CLI::App& root) {
    auto [command, options] = begin<ExplainOptions>(root, "explain", "show where the latency of a request comes from");
    command.needed.push_back(command.app->add_option("REQUEST", options->request, "its id"));
    add_source(*command.app, options->source);
    add_whole(*command.app, "--run", options->run, "in this run only", 1);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return explain(*options);
    };
    return command;
}

Declared declare_query(CLI::App& root) {
    auto [command, options] = begin<QueryOptions>(root, "query", "answer one SQL SELECT on the history");
    command.needed.push_back(command.app->add_option("SQL", options->sql, "the statement"));
    add_source(*command.app, options->source);
    const auto csv = std::make_shared<bool>(false);
    command.app->add_flag("--csv", *csv, "print comma-separated values");
    command.run = [options = options, csv](OutputMode mode) -> Result<ExitStatus> {
        if (*csv && mode == OutputMode::json) {
            return fail(Code::invalid_argument, "--csv and --json are both given: expected one of them");
        }
        options->mode = *csv ? OutputMode::csv : mode;
        return query(*options);
    };
    return command;
}

}  // namespace replayd::ctl
