#include "daemon/replayctl/shared_options.hpp"

#include "daemon/replayctl/option_values.hpp"

namespace replayd::ctl {

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

void add_reading(CLI::App& app, TraceInput& trace) {
    add_format(app, trace_format_names() + "; found from the first line when left out",
               [&trace](TraceFormat format) { trace.options.format = format; });
    add_whole(app, "--limit", trace.limit, "take the first N arrivals only", 1);
    app.add_flag("--skip-failed", trace.options.skip_failed_rows, "leave out requests with 0 output tokens");
    app.add_flag("--start-at-zero", trace.options.start_at_zero, "shift times so that the first arrival is at 0");
    app.add_flag("--spread-bins", trace.options.spread_bins,
                 "spread arrivals of equal time over the gap to the next time");
    add_time(app, "--spread", [&trace](std::int64_t ns) { trace.options.spread_width = Duration(ns); },
             "likewise, over so much of the gap at most: the length of the log's bins");
    add_real(app, "--time-scale", trace.shaping.time_scale,
             "multiply times from the first arrival on: 0.5 is twice the load (1)");
    add_time(app, "--idle-max", [&trace](std::int64_t ns) { trace.shaping.idle_max = Duration(ns); },
             "cut longer pauses between arrivals to this, after scaling");
    add_real(app, "--prompt-scale", trace.shaping.prompt_scale,
             "multiply prompt tokens: 1.3 is 30 % longer prompts (1)");
    add_real(app, "--output-scale", trace.shaping.output_scale, "likewise output tokens (1)");
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

CLI::Option* add_trace(CLI::App& app, TraceInput& trace) {
    CLI::Option* path = app.add_option("TRACE", trace.path, "trace file, also .gz or .zst; - is standard input");
    add_reading(app, trace);
    return path;
}

void add_what_if(CLI::App& app, std::vector<std::string>& settings) {
    app.add_option("--what-if", settings,
                   "change a key first: decode.parallel.tensor=4, pool.weights=fp8; may be repeated")
        ->type_name("KEY=VALUE");
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

}  // namespace replayd::ctl
