#include "daemon/protocol/limits.hpp"
#include "daemon/replayctl/follow_command.hpp"
#include "daemon/replayctl/generate_command.hpp"
#include "daemon/replayctl/option_values.hpp"
#include "daemon/replayctl/recalibrate_command.hpp"
#include "daemon/replayctl/replay_command.hpp"
#include "daemon/replayctl/search_command.hpp"
#include "daemon/replayctl/shared_options.hpp"
#include "daemon/replayctl/stream_command.hpp"

namespace replayd::ctl {
namespace {

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
    app.add_option("--what-if", options->what_if,
                   "replay each scenario once more with a key changed, as NAME-what-if: pool.kv.dtype=fp8; may be "
                   "repeated, all at once")
        ->type_name("KEY=VALUE");
    add_catalogs(app, options->catalogs);
    app.add_option("--db", options->db, "write stream, runs, requests and windows into this history file");
    app.add_option("--stream", options->stream, "name of the stream in --db (the trace's file name)");
    app.add_option("--requests-csv", options->requests_csv, "write a row per request, times in ns");
    app.add_option("--windows-csv", options->windows_csv, "write a row per window");
    app.add_option("--batches-csv", options->batches_csv, "write a row per batch, in vidur's columns; one scenario");
    app.add_option("--tokens-csv", options->tokens_csv, "write a row per output token with its time; one scenario");
    add_choice<bool>(app, "--engine", options->stepper, {{"macro", false}, {"stepper", true}},
                     "macro (default): many decode steps at once; stepper: one by one, the same result");
    command.run = [options = options](OutputMode mode) {
        options->mode = mode;
        return replay(*options);
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
    app.add_option(
           "--request-rows", options.request_rows,
           "requests whose rows a stream that is created keeps: all, none, objective_breaks or sampled:SHARE (all)")
        ->type_name("POLICY");
    add_time(app, "--retry", [&options](std::int64_t ns) { options.retry = std::chrono::nanoseconds(ns); },
             "how long a lost daemon is waited for (60s)");
    return stream;
}

}  // namespace

Declared declare_follow(CLI::App& root) {
    auto [command, options] =
        begin<StreamOptions>(root, "follow", "send growing files, and folders that get more files, to a daemon");
    CLI::App& app = *command.app;
    options->end = false;
    options->trace.options.reorder = Duration(60 * k_ns_per_s);
    files::FollowOptions& files = options->trace.follow.emplace();
    command.needed.push_back(app.add_option(
        "PATH", files.paths, "files and folders, oldest first: the rotated log, then the one that grows"));
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
    add_format(app, trace_format_names(true) + " (replayd)",
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

}  // namespace replayd::ctl
