#include "daemon/replayctl/generate_command.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/files/file_handle.hpp"
#include "daemon/files/output_file.hpp"
#include "daemon/files/trace_file.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/progress_bar.hpp"
#include "replay/trace/generator.hpp"
#include "replay/trace/trace_writer.hpp"

namespace replayd::ctl {
namespace {

/// Fields of the generator's options and the flags that set them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 23> k_flags = {
    {{"count and duration are", "--count and --duration are"},
     {"count is", "--count is"},
     {"duration_ns is", "--duration in nanoseconds is"},
     {"rate_per_s", "--rate"},
     {"gamma_cv", "--gamma-cv"},
     {"burst_factor", "--burst-factor"},
     {"burst_period_s", "--burst-period"},
     {"burst_length_s", "--burst-length"},
     {"diurnal_period_s", "--diurnal-period"},
     {"diurnal_amplitude", "--diurnal-amplitude"},
     {"prompt.median_tokens", "--prompt-median"},
     {"prompt.sigma", "--prompt-sigma"},
     {"prompt.min_tokens", "--prompt-min"},
     {"prompt.max_tokens", "--prompt-max"},
     {"output.median_tokens", "--output-median"},
     {"output.sigma", "--output-sigma"},
     {"output.min_tokens", "--output-min"},
     {"output.max_tokens", "--output-max"},
     {"mean_turns", "--turns"},
     {"think_mean_s", "--think"},
     {"system_prompts", "--system-prompts"},
     {"system_tokens", "--system-tokens"},
     {"context_tokens_max", "--context-max"}}};

/// The generator's words with the flags' names.
std::string in_flags(std::string text) {
    for (const auto& [field, flag] : k_flags) {
        for (std::size_t at = text.find(field); at != std::string::npos; at = text.find(field, at + flag.size())) {
            text.replace(at, field.size(), flag);
        }
    }
    return text;
}

struct Totals {
    std::int64_t arrivals = 0;
    std::int64_t prompt_tokens = 0;
    std::int64_t output_tokens = 0;
    VirtualTime last;
};

Result<void> draw_lengths(const std::string& path, GeneratorOptions& options) {
    const auto arrivals = files::read_trace(path, TraceOptions{});
    if (!arrivals) return tl::unexpected(arrivals.error());
    for (const Arrival& arrival : *arrivals) {
        options.prompt.samples.push_back(arrival.prompt.value);
        options.output.samples.push_back(arrival.output.value);
    }
    return {};
}

Progress progress_of(const Totals& totals, const GeneratorOptions& options) {
    Progress progress;
    progress.items = totals.arrivals;
    progress.unit = "requests";
    if (options.count) progress.ratio = static_cast<double>(totals.arrivals) / static_cast<double>(*options.count);
    if (options.duration) {
        progress.ratio = std::max(progress.ratio, to_seconds(totals.last) / to_seconds(*options.duration));
    }
    return progress;
}

Result<Totals> write_all(const GenerateOptions& options, TraceGenerator& generator, files::OutputFile& file) {
    constexpr std::int64_t k_requests_between_looks = 1024;
    TraceWriter writer(options.format);
    ProgressBar bar;
    Totals totals;
    std::string lines;
    while (const auto arrival = generator.next()) {
        lines.clear();
        if (auto written = writer.write(*arrival, lines); !written) return tl::unexpected(written.error());
        if (auto written = file.write(lines); !written) return tl::unexpected(written.error());
        ++totals.arrivals;
        totals.prompt_tokens += arrival->prompt.value;
        totals.output_tokens += arrival->output.value;
        totals.last = arrival->at;
        if (totals.arrivals % k_requests_between_looks == 0) bar.update(progress_of(totals, options.generator));
    }
    if (auto closed = file.close(); !closed) return tl::unexpected(closed.error());
    return totals;
}

std::string summary(const GenerateOptions& options, const Totals& totals) {
    const std::string_view format = traits(options.format).name;
    if (options.mode == OutputMode::json) {
        return boost::json::serialize(boost::json::object{{"out", options.out},
                                                          {"format", format},
                                                          {"arrivals", totals.arrivals},
                                                          {"last_arrival_ns", totals.last.ns},
                                                          {"prompt_tokens", totals.prompt_tokens},
                                                          {"output_tokens", totals.output_tokens}}) +
               '\n';
    }
    return options.out + ": " + count_text(totals.arrivals) + " requests (" + std::string(format) + ") over " +
           time_text(totals.last.ns) + ", " + count_text(totals.prompt_tokens) + " prompt and " +
           count_text(totals.output_tokens) + " output tokens\n";
}

}  // namespace

Result<ExitStatus> generate(GenerateOptions options) {
    if (auto writable = TraceWriter::check(options.format); !writable) return tl::unexpected(writable.error());
    if (!options.lengths_from.empty()) {
        if (auto drawn = draw_lengths(options.lengths_from, options.generator); !drawn) {
            return tl::unexpected(drawn.error());
        }
    }
    auto generator = TraceGenerator::make(options.generator);
    if (!generator) return fail(generator.error().code, in_flags(generator.error().message));
    auto file = files::OutputFile::open(options.out);
    if (!file) return tl::unexpected(file.error());
    const auto totals = write_all(options, *generator, *file);
    if (!totals) return tl::unexpected(totals.error());
    const std::string text = summary(options, *totals);
    if (files::is_standard_stream(options.out)) {
        std::fputs(text.c_str(), stderr);
        return ExitStatus::ok;
    }
    return print(text).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
