#include "daemon/replayctl/commands.hpp"

#include <array>
#include <map>
#include <utility>

#include "daemon/protocol/limits.hpp"
#include "daemon/replayctl/at_command.hpp"
#include "daemon/replayctl/bisect_command.hpp"
#include "daemon/replayctl/compare_command.hpp"
#include "daemon/replayctl/export_command.hpp"
#include "daemon/replayctl/follow_command.hpp"
#include "daemon/replayctl/generate_command.hpp"
#include "daemon/replayctl/option_values.hpp"
#include "daemon/replayctl/plan_command.hpp"
#include "daemon/replayctl/query_command.hpp"
#include "daemon/replayctl/recalibrate_command.hpp"
#include "daemon/replayctl/replay_command.hpp"
#include "daemon/replayctl/search_command.hpp"
#include "daemon/replayctl/stream_command.hpp"
#include "daemon/replayctl/upkeep_commands.hpp"

namespace replayd::ctl {
namespace {

/// The subcommand with --json, and the options of type `Options` that its callbacks fill.
template <class Options>
std::pair<Declared, std::shared_ptr<Options>> begin(CLI::App& root, const std::string& name, const std::string& what) {
    Declared command;
    command.app = root.add_subcommand(name, what);
    command.json = std::make_shared<bool>(false);
    command.app->add_flag("--json", *command.json, "print the result, and errors, as JSON");
    return {std::move(command), std::make_shared<Options>()};
}

void add_format(CLI::App& app, const std::string& help, const std::function<void(TraceFormat)>& take) {
    app.add_option_function<std::string>(
           "--format",
           [take](const std::string& name) {
               const auto format = parse_trace_format(name);
               if (!format) throw CLI::ParseError("--" + format.error().message, 2);
               take(*format);
           },
           help)
        ->type_name("FORMAT");
}

constexpr const char* k_formats = "azure, mooncake, burstgpt, vidur, vllm, aiperf or replayd";

/// How a trace is read and what is made of it.
void add_reading(CLI::App& app, TraceInput& trace) {
    add_format(app, std::string(k_formats) + "; found from the first line when left out",
               [&trace](TraceFormat format) { trace.options.format = format; });
    add_whole(app, "--limit", trace.limit, "take the first N arrivals only", 1);
    app.add_flag("--skip-failed", trace.options.skip_failed_rows, "leave out requests with 0 output tokens");
    app.add_flag("--start-at-zero", trace.options.start_at_zero, "shift times so that the first arrival is at 0");
    app.add_flag("--spread-bins", trace.options.spread_bins,
                 "spread arrivals of equal time over the gap to the next time");
    add_time(app, "--spread", [&trace](std::int64_t ns) { trace.options.spread_width = Duration(ns); },
             "likewise, over so much of the gap at most: the length of the log's bins");
    add_real(app, "--time-scale", trace.shaping.time_scale, "multiply times from the first arrival on: 0.5 is twice the load (1)");
    add_time(app, "--idle-max", [&trace](std::int64_t ns) { trace.shaping.idle_max = Duration(ns); },
             "cut longer pauses between arrivals to this, after scaling");
    add_real(app, "--sample", trace.shaping.sample, "keep this share of the conversations, each whole (1)");
    add_whole(app, "--sample-seed", trace.shaping.seed, "which of them (1)", 0);
    app.add_option_function<std::string>(
           "--prefix-block",
           [&trace](const std::string& value) {
               trace.options.prefix_block = Tokens(whole_number("--prefix-block", value, 1));
           },
           "tokens per block of hash_ids (512)")
        ->type_name("N");
}

/// The trace and how it is read.
CLI::Option* add_trace(CLI::App& app, TraceInput& trace) {
    CLI::Option* path = app.add_option("TRACE", trace.path, "trace file, also .gz or .zst; - is standard input");
    add_reading(app, trace);
    return path;
}

void add_catalogs(CLI::App& app, std::vector<std::string>& catalogs) {
    app.add_option("--catalog", catalogs, "TOML file of models and GPUs laid over the built-in ones; may be repeated")
        ->type_name("FILE");
}

void add_daemon(CLI::App& app, std::string& daemon, std::string& token_file) {
    app.add_option("--daemon", daemon, "this daemon (default: $REPLAYD_DAEMON, else http://127.0.0.1:8080)")
        ->type_name("URL");
    app.add_option("--token-file", token_file,
                   "file with the token to show (default: $REPLAYD_TOKEN_FILE, else $REPLAYD_TOKEN itself)")
        ->type_name("FILE");
}

void add_source(CLI::App& app, SourceChoice& source) {
    app.add_option("--db", source.db, "read this history file (default: $REPLAYD_DB)")->type_name("FILE");
    add_daemon(app, source.daemon, source.token_file);
}

void add_length_law(CLI::App& app, const std::string& what, LengthLaw& law) {
    add_real(app, "--" + what + "-median", law.median_tokens, "median " + what + " tokens of the log-normal law");
    add_real(app, "--" + what + "-sigma", law.sigma, "sigma of its logarithm");
    add_whole(app, "--" + what + "-min", law.min_tokens, "shortest", 0);
    add_whole(app, "--" + what + "-max", law.max_tokens, "longest", 0);
}

void add_arrival_law(CLI::App& app, ArrivalOptions& arrivals) {
    app.add_option_function<std::string>(
           "--process",
           [&arrivals](const std::string& name) {
               const auto law = parse_arrival_law(name);
               if (!law) throw CLI::ParseError("--process: " + law.error().message, 2);
               arrivals.law = *law;
           },
           "poisson (default), gamma, burst or diurnal")
        ->type_name("LAW");
    add_real(app, "--rate", arrivals.rate_per_s, "mean requests a second (1)");
    add_real(app, "--gamma-cv", arrivals.gamma_cv, "coefficient of variation of the gaps (2)");
    add_real(app, "--burst-factor", arrivals.burst_factor, "rate inside a burst over the rate outside (5)");
    add_seconds(app, "--burst-period", arrivals.burst_period_s, "from one burst to the next (60s)");
    add_seconds(app, "--burst-length", arrivals.burst_length_s, "length of a burst (10s)");
    add_seconds(app, "--diurnal-period", arrivals.diurnal_period_s, "length of a day (24h)");
    add_real(app, "--diurnal-amplitude", arrivals.diurnal_amplitude, "swing over the mean, 0 to 1 (0.8)");
}

void add_conversations(CLI::App& app, ConversationOptions& conversations) {
    add_real(app, "--turns", conversations.mean_turns, "mean turns of a conversation (1)");
    add_seconds(app, "--think", conversations.think_mean_s, "mean time from one turn to the next (30s)");
    add_whole(app, "--system-prompts", conversations.system_prompts, "number of different system prompts (1)", 0);
    add_whole(app, "--system-tokens", conversations.system_tokens, "tokens of each, in front of every prompt (0)", 0);
    add_whole(app, "--context-max", conversations.context_tokens_max, "longest prompt and output together", 0);
}

}  // namespace

Declared declare_replay(CLI::App& root) {
    auto [command, options] = begin<ReplayOptions>(root, "replay", "replay a trace in this process, without a daemon");
    CLI::App& app = *command.app;
    command.needed.push_back(add_trace(app, options->trace));
    command.needed.push_back(
        app.add_option("--scenario", options->scenarios, "names or TOML files of the clusters to replay on"));
    add_catalogs(app, options->catalogs);
    app.add_option("--db", options->db, "write stream, runs, requests and windows into this history file");
    app.add_option("--stream", options->stream, "name of the stream in --db (the trace's file name)");
    app.add_option("--requests-csv", options->requests_csv, "write a row per request, times in ns");
    app.add_option("--windows-csv", options->windows_csv, "write a row per window");
    app.add_option("--batches-csv", options->batches_csv, "write a row per batch, in vidur's columns; one scenario");
    app.add_option("--tokens-csv", options->tokens_csv, "write a row per output token with its time; one scenario");
    app.add_option("--engine", options->stepper, "macro: many decode steps at once; stepper: one by one, the same result")
        ->type_name("macro|stepper")
        ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"macro", false}, {"stepper", true}}));
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return replay(*options);
    };
    return command;
}

Declared declare_search(CLI::App& root) {
    auto [command, options] = begin<SearchOptions>(root, "search", "find the cheapest cluster that serves a trace within objectives");
    CLI::App& app = *command.app;
    command.needed.push_back(app.add_option("SEARCH", options->spec, "TOML file: base scenario, axes, objectives, prices, method"));
    command.needed.push_back(add_trace(app, options->trace));
    add_catalogs(app, options->catalogs);
    app.add_option("--journal", options->journal, "keep outcomes in this file; the same search goes on from it")->type_name("FILE");
    app.add_option("--db", options->db, "keep a row per trial in this SQLite file; the same search goes on from it")->type_name("FILE");
    app.add_option("--executor", options->executor, "local (default): trials run here; slurm: in array jobs, merged into --db")
        ->type_name("local|slurm")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, SearchExecutorKind>{{"local", SearchExecutorKind::local}, {"slurm", SearchExecutorKind::slurm}}));
    add_whole(app, "--tasks", options->tasks, "slurm: tasks of an array job (8)", 1);
    app.add_option("--work", options->work, "slurm: folder of the tasks' files (FILE.tasks)")->type_name("FOLDER");
    app.add_option("--sbatch", options->sbatch, "slurm: a further option of sbatch, as --sbatch=--partition=NAME; may be repeated")
        ->type_name("OPTION");
    app.add_option("--trials", options->trials, "run the trials of this file only: a task of --executor slurm")->type_name("FILE");
    app.add_option("--csv", options->csv, "write a row per trial")->type_name("FILE");
    app.add_option("--front", options->fronts, "write the Pareto fronts of price against latency, as FILE.svg or FILE.csv")
        ->type_name("FILE");
    add_whole(app, "--workers", options->workers, "trials at once (one per core); the result does not depend on it", 1);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return search_clusters(*options);
    };
    return command;
}

Declared declare_recalibrate(CLI::App& root) {
    auto [command, options] = begin<RecalibrateOptions>(
        root, "recalibrate", "propose corrections of step times from what production observed; changes nothing");
    CLI::App& app = *command.app;
    command.needed.push_back(add_trace(app, options->trace));
    command.needed.push_back(app.add_option("--scenario", options->scenario, "name or TOML file"));
    add_real(app, "--held-out", options->held_out, "share of the requests, the last ones, that it is judged by (0.5)");
    add_catalogs(app, options->catalogs);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return recalibrate(*options);
    };
    return command;
}

Declared declare_merge(CLI::App& root) {
    auto [command, options] = begin<MergeOptions>(root, "merge", "merge files that searches wrote with --db");
    command.needed.push_back(command.app->add_option("INTO", options->into, "the file that gets what it lacks; made where absent"));
    command.needed.push_back(command.app->add_option("FROM", options->from, "files to take it from"));
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return merge_search_files(*options);
    };
    return command;
}

namespace {

/// Where and how arrivals are sent.
CLI::Option* add_sending(CLI::App& app, StreamOptions& options) {
    CLI::Option* stream = app.add_option("--stream", options.stream, "name of the stream")->type_name("NAME");
    app.add_option("--scenario", options.scenarios, "scenarios of the daemon to create the stream with");
    add_daemon(app, options.daemon, options.token_file);
    add_whole(app, "--batch", options.batch, "arrivals per frame (1000)", 1,
              static_cast<std::int64_t>(protocol::k_arrivals_per_batch_max));
    app.add_flag("--json-frames", options.json_frames, "send JSON text frames instead of protobuf");
    app.add_flag("--wait", options.wait, "wait until every run has finished, and print them");
    add_real(app, "--speed", options.speed, "factor of real time for a stream that is created (0: no limit)");
    add_time(app, "--retry", [&options](std::int64_t ns) { options.retry = std::chrono::nanoseconds(ns); },
             "how long a lost daemon is waited for (60s)");
    return stream;
}

}  // namespace

Declared declare_follow(CLI::App& root) {
    auto [command, options] = begin<StreamOptions>(root, "follow", "send growing files, and folders that get more files, to a daemon");
    CLI::App& app = *command.app;
    options->end = false;
    options->trace.options.reorder = Duration(60 * k_ns_per_s);
    files::FollowOptions& files = options->trace.follow.emplace();
    command.needed.push_back(
        app.add_option("PATH", files.paths, "files and folders, oldest first: the rotated log, then the one that grows"));
    add_reading(app, options->trace);
    add_time(app, "--reorder",
             [options = options](std::int64_t ns) {
                 options->trace.options.reorder = Duration(ns);
                 options->trace.options.sort = true;
             },
             "hold rows until none so much earlier can come (60s where a format is out of order, as vllm's)");
    app.add_flag("--once", files.once, "stop at the end instead of waiting for more");
    app.add_flag("--end", options->end, "with --once: tell that no arrival follows");
    command.needed.push_back(add_sending(app, *options));
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return follow_files(*options);
    };
    return command;
}

Declared declare_stream(CLI::App& root) {
    auto [command, options] = begin<StreamOptions>(root, "stream", "send a trace to a daemon");
    CLI::App& app = *command.app;
    command.needed.push_back(add_trace(app, options->trace));
    command.needed.push_back(add_sending(app, *options));
    app.add_flag_callback("--no-end", [options = options] { options->end = false; },
                          "leave the stream open for more arrivals");
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return stream_trace(*options);
    };
    return command;
}

Declared declare_generate(CLI::App& root) {
    auto [command, options] = begin<GenerateOptions>(root, "generate", "write a synthetic trace");
    CLI::App& app = *command.app;
    GeneratorOptions& generator = options->generator;
    app.add_option("OUT", options->out, "file, compressed where it ends in .gz or .zst; - is standard output");
    add_format(app, std::string(k_formats) + " (replayd)",
               [options = options](TraceFormat format) { options->format = format; });
    add_whole(app, "--count", generator.count, "requests", 1);
    add_time(app, "--duration", [&generator](std::int64_t ns) { generator.duration = Duration(ns); },
             "virtual time covered");
    add_whole(app, "--seed", generator.seed, "same seed and options, same trace (1)", 0);
    add_arrival_law(app, generator.arrivals);
    add_length_law(app, "prompt", generator.prompt);
    add_length_law(app, "output", generator.output);
    app.add_option("--lengths-from", options->lengths_from, "draw prompt and output tokens from this trace")
        ->type_name("TRACE");
    add_conversations(app, generator.conversations);
    app.add_option("--model", generator.model, "model of every request");
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return generate(*options);
    };
    return command;
}

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
    command.app->add_option("--what-if", options->what_if, "change a key first: decode.parallel.tensor=4, pool.weights=fp8")
        ->type_name("KEY=VALUE");
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
    return app.add_option_function<std::string>(
                  name, [name, &target](const std::string& value) { target = whole_number(name, value, 1); }, "id of a run")
        ->type_name("ID");
}

}  // namespace

Declared declare_compare(CLI::App& root) {
    auto [command, options] = begin<CompareOptions>(root, "compare", "compare two runs of one stream, request by request");
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
    auto [command, options] = begin<BisectOptions>(root, "bisect", "find the first event in which two runs of one stream differ");
    CLI::App& app = *command.app;
    command.needed.push_back(add_run_id(app, "RUN_A", options->run_a));
    command.needed.push_back(add_run_id(app, "RUN_B", options->run_b));
    add_daemon(app, options->daemon, options->token_file);
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
    add_daemon(app, options->daemon, options->token_file);
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

namespace {

CLI::Option* add_history_file(CLI::App& app, std::string& db) {
    return app.add_option("--db", db, "the history file; a daemon may be writing to it")->type_name("FILE");
}

}  // namespace

Declared declare_export(CLI::App& root) {
    auto [command, options] = begin<ExportOptions>(root, "export", "write rows of a history file for other tools");
    CLI::App& app = *command.app;
    command.needed.push_back(
        app.add_option("WHAT", options->kind, "requests or windows, as CSV; openmetrics, for promtool")
            ->type_name("requests|windows|openmetrics")
            ->transform(CLI::CheckedTransformer(std::map<std::string, ExportKind>{{"requests", ExportKind::requests},
                                                                                  {"windows", ExportKind::windows},
                                                                                  {"openmetrics", ExportKind::openmetrics}})));
    command.needed.push_back(add_history_file(app, options->db));
    app.add_option("--out", options->out, "file, compressed where it ends in .gz or .zst (standard output)")->type_name("FILE");
    add_whole(app, "--run", options->run, "of this run only", 1);
    app.add_option("--stream", options->stream, "of this stream only")->type_name("NAME");
    add_whole(app, "--start", options->start_unix_s, "openmetrics: Unix seconds of virtual time 0 (when the stream was created)", 0);
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return export_rows(*options);
    };
    return command;
}

Declared declare_check(CLI::App& root) {
    auto [command, options] =
        begin<CheckOptions>(root, "check", "check a history file: its pages, and what its rows owe each other");
    command.needed.push_back(add_history_file(*command.app, options->db));
    command.app->add_flag("--full", options->full, "compare every index with its table too");
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return check_history(*options);
    };
    return command;
}

Declared declare_backup(CLI::App& root) {
    auto [command, options] =
        begin<BackupOptions>(root, "backup", "copy a history file, also while a daemon writes to it");
    command.needed.push_back(command.app->add_option("TO", options->to, "the new file"));
    command.needed.push_back(add_history_file(*command.app, options->db));
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return back_up(*options);
    };
    return command;
}

Declared declare_prune(CLI::App& root) {
    auto [command, options] =
        begin<PruneOptions>(root, "prune", "take streams that are over out of a history file, oldest first");
    command.needed.push_back(add_history_file(*command.app, options->db));
    add_whole(*command.app, "--keep-days", options->keep_days, "streams created earlier go", 1);
    add_whole(*command.app, "--keep-bytes", options->keep_bytes, "oldest streams go until the rest fits", 1);
    command.app->add_option("--stream", options->stream, "the stream of this name goes")->type_name("NAME");
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return prune(*options);
    };
    return command;
}

}  // namespace replayd::ctl
