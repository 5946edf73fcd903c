#include "daemon/replayctl/search_command.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include "daemon/config/config.hpp"
#include "daemon/config/version.hpp"
#include "daemon/files/output_file.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/search_executor.hpp"
#include "daemon/replayctl/search_front.hpp"
#include "daemon/replayctl/search_report.hpp"
#include "daemon/replayctl/search_slurm.hpp"
#include "replay/sim/state_hash.hpp"

namespace replayd::ctl {
namespace {

using search::Outcomes;
using search::Trial;

/// The base scenario's file as the search's own folder names it, where it is there.
std::string beside(const std::string& search, const std::string& base) {
    const std::filesystem::path path = std::filesystem::path(search).parent_path() / base;
    std::error_code none;
    return std::filesystem::is_regular_file(path, none) ? path.string() : base;
}

Result<std::vector<Arrival>> read_trace(const TraceInput& input) {
    auto trace = TraceSource::open(input);
    if (!trace) return tl::unexpected(trace.error());
    auto arrivals = trace->take(SIZE_MAX);
    if (!arrivals) return arrivals;
    if (arrivals->empty()) return fail(Code::invalid_argument, input.path + ": expected at least one request");
    for (const std::string& remark : trace->remarks()) note(remark);
    return arrivals;
}

void mix(StateHash& hash, std::string_view text) {
    hash.mix(static_cast<std::int64_t>(text.size()));
    for (const char c : text) hash.mix(std::uint64_t{static_cast<unsigned char>(c)});
}

/// Names everything that decides about outcomes: version, texts and trace.
std::string identity_of(const std::string& base, const std::string& text, const std::vector<Arrival>& arrivals) {
    StateHash hash;
    for (const std::string& part : {std::string(config::k_version), text, base}) mix(hash, part);
    for (const Arrival& arrival : arrivals) {
        mix(hash, arrival.id);
        for (const std::int64_t word : {arrival.at.ns, arrival.prompt.value, arrival.output.value}) hash.mix(word);
        for (const std::uint64_t word : arrival.prefix_hashes) hash.mix(word);
    }
    return hash.to_string();
}

Result<void> write_file(const std::string& path, const std::string& text) {
    auto file = files::OutputFile::open(path);
    if (!file) return tl::unexpected(file.error());
    return file->write(text).and_then([&] { return file->close(); });
}

Result<void> write_files(const SearchOptions& options, const SearchResult& result) {
    if (!options.csv.empty()) {
        if (auto written = write_file(options.csv, search_csv(result)); !written) return written;
    }
    for (const std::string& path : options.fronts) {
        if (auto written = write_file(path, path.ends_with(".svg") ? front_svg(result) : front_csv(result)); !written)
            return written;
    }
    return {};
}

Result<void> check_front_names(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
        if (!path.ends_with(".svg") && !path.ends_with(".csv")) {
            return fail(Code::invalid_argument,
                        "--front " + net::quoted(path) + ": expected a name that ends in .svg or .csv");
        }
    }
    return {};
}

/// Where nothing could run the search itself is wrong: a misspelt key, most likely.
Result<void> check_any_possible(const Outcomes& outcomes, const std::string& path) {
    const auto possible = [](const auto& outcome) { return outcome.second.possible; };
    if (std::any_of(outcomes.begin(), outcomes.end(), possible)) return {};
    return fail(Code::invalid_argument,
                path + ": no candidate is possible; the first one: " + outcomes.begin()->second.reason);
}

/// Before the work begins, which may take hours.
Result<void> check_outputs(const SearchOptions& options) {
    const std::vector<std::string> inputs = {options.spec, options.trace.path, options.db, options.journal};
    std::vector<std::string> outputs = options.fronts;
    outputs.push_back(options.csv);
    for (const std::string& path : outputs) {
        if (auto apart = files::OutputFile::check(path, inputs); !apart) return apart;
    }
    return {};
}

Result<void> check_options(const SearchOptions& options) {
    if (auto names = check_front_names(options.fronts); !names) return names;
    if (auto apart = check_outputs(options); !apart) return apart;
    if (options.executor == SearchExecutorKind::slurm) {
        if (options.db.empty())
            return fail(Code::invalid_argument,
                        "--executor slurm: expected --db FILE with it, where the tasks' outcomes are merged");
        if (options.trace.path == "-")
            return fail(Code::invalid_argument,
                        "--executor slurm: expected a trace file that every node sees, not standard input");
    }
    if (!options.trials.empty() && options.db.empty()) {
        return fail(Code::invalid_argument, "--trials: expected --db FILE with it, where the outcomes go");
    }
    return {};
}

/// A task of another search: runs the trials that it is given.
Result<ExitStatus> run_trials(const SearchOptions& options, const SearchInput& input, SearchExecutor& executor) {
    auto trials = read_trials(options.trials);
    if (!trials) return tl::unexpected(trials.error());
    for (const Trial& trial : *trials) {
        if (trial.candidate < input.space.size() && trial.arrivals <= static_cast<std::int64_t>(input.arrivals.size()))
            continue;
        return fail(Code::invalid_argument, options.trials + ": candidate " + std::to_string(trial.candidate) + " on " +
                                                std::to_string(trial.arrivals) +
                                                " arrivals: expected trials of this search");
    }
    if (auto done = executor.run_all(*trials); !done) return tl::unexpected(done.error());
    const std::string ran = std::to_string(executor.ran());
    const std::string text = options.mode == OutputMode::json ? "{\"ran\":" + ran + "}\n" : ran + " trials ran\n";
    return print(text).map([] { return ExitStatus::ok; });
}

/// The shortest text that reads back as the number.
std::string exact_text(double value) {
    std::array<char, 32> digits{};
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

/// The command line of one task, but for its trials and its file.
SlurmOptions slurm_of(const SearchOptions& options) {
    SlurmOptions out{options.work.empty() ? options.db + ".tasks" : options.work, options.tasks, options.sbatch, {}};
    out.command = {std::filesystem::read_symlink("/proc/self/exe").string(),
                   "search",
                   options.spec,
                   options.trace.path,
                   "--workers",
                   "1"};
    const TraceOptions& trace = options.trace.options;
    const auto add = [&](const char* flag, const std::string& value) {
        out.command.emplace_back(flag);
        if (!value.empty()) out.command.push_back(value);
    };
    if (trace.format) add("--format", std::string(traits(*trace.format).name));
    if (options.trace.limit) add("--limit", std::to_string(*options.trace.limit));
    if (trace.skip_failed_rows) add("--skip-failed", "");
    if (trace.start_at_zero) add("--start-at-zero", "");
    if (trace.spread_bins) add("--spread-bins", "");
    if (trace.spread_width) add("--spread", std::to_string(trace.spread_width->value) + "ns");
    add("--prefix-block", std::to_string(trace.prefix_block.value));
    const ShapingOptions& shaping = options.trace.shaping;
    add("--time-scale", exact_text(shaping.time_scale));
    add("--prompt-scale", exact_text(shaping.prompt_scale));
    add("--output-scale", exact_text(shaping.output_scale));
    add("--sample", exact_text(shaping.sample));
    add("--sample-seed", std::to_string(shaping.seed));
    if (shaping.idle_max) add("--idle-max", exact_text(to_seconds(*shaping.idle_max)) + "s");
    for (const std::string& catalog : options.catalogs) add("--catalog", catalog);
    return out;
}

Result<void> run_search(const SearchOptions& options, const search::Method& method, SearchExecutor& executor) {
    if (options.executor == SearchExecutorKind::local) return executor.run_to_end(method);
    const SlurmOptions slurm = slurm_of(options);
    return executor.have_run_to_end(
        method, [&](std::span<const Trial> trials) { return run_on_slurm(slurm, trials, options.db); });
}

Result<OutcomeKeepers> open_keepers(const SearchOptions& options, const storage::SearchFacts& facts) {
    OutcomeKeepers out;
    if (!options.journal.empty()) {
        auto opened = SearchJournal::open(options.journal, facts.identity);
        if (!opened) return tl::unexpected(opened.error());
        out.journal = std::move(*opened);
    }
    if (!options.db.empty()) {
        auto opened = storage::SearchStore::open(options.db, facts);
        if (!opened) return tl::unexpected(opened.error());
        out.store = std::move(*opened);
    }
    return out;
}

}  // namespace

Result<ExitStatus> search_clusters(const SearchOptions& options) {
    if (auto checked = check_options(options); !checked) return tl::unexpected(checked.error());
    auto text = config::read_text_file(options.spec);
    if (!text) return tl::unexpected(text.error());
    auto spec = search::parse_search(*text, options.spec);
    if (!spec) return tl::unexpected(spec.error());
    spec->base = beside(options.spec, spec->base);
    auto scenarios = ScenarioSource::create(options.catalogs);
    if (!scenarios) return tl::unexpected(scenarios.error());
    auto base = scenarios->text_of(spec->base);
    if (!base) return tl::unexpected(base.error());
    auto arrivals = read_trace(options.trace);
    if (!arrivals) return tl::unexpected(arrivals.error());
    for (Arrival& arrival : *arrivals) arrival = under_load(arrival, spec->load_permille);
    const auto count = static_cast<std::int64_t>(arrivals->size());
    auto keepers = open_keepers(options, {identity_of(*base, *text, *arrivals), std::string(config::k_version), *text,
                                          *base, options.trace.path, count});
    if (!keepers) return tl::unexpected(keepers.error());
    const search::Space space(spec->axes);
    PricedScenarios priced;
    const SearchInput input{*scenarios, *spec, space, *arrivals, priced};
    const auto workers = static_cast<std::size_t>(options.workers);
    auto executor = SearchExecutor::create(input, std::move(*keepers), workers);
    if (!executor) return tl::unexpected(executor.error());
    if (!options.trials.empty()) return run_trials(options, input, *executor);
    std::vector<double> prices;
    if (spec->method.kind == search::MethodKind::cheapest) prices = prices_of(input, workers);
    const auto method = search::make_method(spec->method, space, spec->objective, count, std::move(prices));
    if (auto done = run_search(options, *method, *executor); !done) return tl::unexpected(done.error());
    if (auto any = check_any_possible(executor->outcomes(), options.spec); !any) return tl::unexpected(any.error());
    const SearchResult result{
        *spec, space, executor->outcomes(),
        search::ranked(method->results(executor->outcomes()), executor->outcomes(), spec->objective), executor->ran()};
    if (auto written = write_files(options, result); !written) return tl::unexpected(written.error());
    const std::string out = options.mode == OutputMode::json ? search_json(result) : search_text(result);
    return print(out).map([] { return ExitStatus::ok; });
}

Result<ExitStatus> merge_search_files(const MergeOptions& options) {
    storage::Merged all;
    for (const std::string& from : options.from) {
        auto merged = storage::merge_searches(options.into, from);
        if (!merged) return tl::unexpected(merged.error());
        all.searches += merged->searches;
        all.trials += merged->trials;
    }
    const std::string text =
        options.mode == OutputMode::json
            ? "{\"searches\":" + std::to_string(all.searches) + ",\"trials\":" + std::to_string(all.trials) + "}\n"
            : options.into + ": " + std::to_string(all.trials) + " trials added, of " + std::to_string(all.searches) +
                  " new searches\n";
    return print(text).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
