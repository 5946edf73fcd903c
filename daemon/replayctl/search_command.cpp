#include "daemon/replayctl/search_command.hpp"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <optional>
#include <utility>

#include "daemon/config/config.hpp"
#include "daemon/config/version.hpp"
#include "daemon/files/output_file.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/replayctl/parallel.hpp"
#include "daemon/replayctl/search_front.hpp"
#include "daemon/replayctl/search_journal.hpp"
#include "daemon/replayctl/search_report.hpp"
#include "daemon/replayctl/search_trial.hpp"
#include "replay/sim/state_hash.hpp"

namespace replayd::ctl {
namespace {

using search::Measured;
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
Result<std::string> identity_of(const ScenarioSource& scenarios, const search::SearchSpec& spec, const std::string& text,
                                const std::vector<Arrival>& arrivals) {
    auto base = scenarios.text_of(spec.base);
    if (!base) return base;
    StateHash hash;
    for (const std::string& part : {std::string(config::k_version), text, *base}) mix(hash, part);
    for (const Arrival& arrival : arrivals) {
        mix(hash, arrival.id);
        for (const std::int64_t word : {arrival.at.ns, arrival.prompt.value, arrival.output.value}) hash.mix(word);
        for (const std::uint64_t word : arrival.prefix_hashes) hash.mix(word);
    }
    return hash.to_string();
}

/// Runs rounds until the method wants no more. What was found is in `outcomes`, also after an error.
class Executor {
public:
    Executor(const SearchInput& input, const search::Method& method, std::optional<SearchJournal> journal, std::size_t workers)
        : input_(input), method_(method), journal_(std::move(journal)), workers_(workers) {
        if (journal_) outcomes_ = journal_->outcomes();
    }

    [[nodiscard]] Result<void> run_to_end() {
        for (auto trials = method_.next(outcomes_); !trials.empty(); trials = method_.next(outcomes_)) {
            for_each_in_parallel(trials.size(), [&](std::size_t i) { run_one(trials[i], trials.size()); }, workers_);
            if (trouble_) return tl::unexpected(*trouble_);
        }
        return {};
    }

    [[nodiscard]] const Outcomes& outcomes() const { return outcomes_; }
    [[nodiscard]] std::int64_t ran() const { return ran_; }

private:
    void run_one(const Trial& trial, std::size_t round) {
        Measured measured = run_trial(input_, trial);
        const std::lock_guard lock(mutex_);
        if (journal_ && !trouble_) {
            if (auto added = journal_->add(trial, measured); !added) trouble_ = added.error();
        }
        best_gpus(measured);
        outcomes_.emplace(trial, std::move(measured));
        ++ran_;
        progress_.items = ran_;
        progress_.unit = "trials";
        progress_.known = false;
        progress_.detail = "round of " + std::to_string(round) +
                           (best_ ? ", cheapest so far " + std::to_string(*best_) + " GPUs" : ", none holds yet");
        bar_.update(progress_);
    }

    void best_gpus(const Measured& measured) {
        if (!search::holds(measured, input_.spec.objective)) return;
        best_ = best_ ? std::min(*best_, measured.gpus) : measured.gpus;
    }

    const SearchInput& input_;
    const search::Method& method_;
    std::mutex mutex_;
    std::optional<SearchJournal> journal_;
    const std::size_t workers_;
    Outcomes outcomes_;
    std::int64_t ran_ = 0;
    std::optional<std::int64_t> best_;
    std::optional<Error> trouble_;
    Progress progress_;
    ProgressBar bar_;
};

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
        if (auto written = write_file(path, path.ends_with(".svg") ? front_svg(result) : front_csv(result)); !written) return written;
    }
    return {};
}

Result<void> check_front_names(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
        if (!path.ends_with(".svg") && !path.ends_with(".csv")) {
            return fail(Code::invalid_argument, "--front " + net::quoted(path) + ": expected a name that ends in .svg or .csv");
        }
    }
    return {};
}

/// Where nothing could run the search itself is wrong: a misspelt key, most likely.
Result<void> check_any_possible(const Outcomes& outcomes, const std::string& path) {
    const auto possible = [](const auto& outcome) { return outcome.second.possible; };
    if (std::any_of(outcomes.begin(), outcomes.end(), possible)) return {};
    return fail(Code::invalid_argument, path + ": no candidate is possible; the first one: " + outcomes.begin()->second.reason);
}

}  // namespace

Result<ExitStatus> search_clusters(const SearchOptions& options) {
    if (auto names = check_front_names(options.fronts); !names) return tl::unexpected(names.error());
    auto text = config::read_text_file(options.spec);
    if (!text) return tl::unexpected(text.error());
    auto spec = search::parse_search(*text, options.spec);
    if (!spec) return tl::unexpected(spec.error());
    spec->base = beside(options.spec, spec->base);
    auto scenarios = ScenarioSource::create(options.catalogs);
    if (!scenarios) return tl::unexpected(scenarios.error());
    auto arrivals = read_trace(options.trace);
    if (!arrivals) return tl::unexpected(arrivals.error());
    for (Arrival& arrival : *arrivals) arrival = under_load(arrival, spec->load_permille);
    auto identity = identity_of(*scenarios, *spec, *text, *arrivals);
    if (!identity) return tl::unexpected(identity.error());
    std::optional<SearchJournal> journal;
    if (!options.journal.empty()) {
        auto opened = SearchJournal::open(options.journal, *identity);
        if (!opened) return tl::unexpected(opened.error());
        journal = std::move(*opened);
    }
    const search::Space space(spec->axes);
    PricedScenarios priced;
    const SearchInput input{*scenarios, *spec, space, *arrivals, priced};
    const auto workers = static_cast<std::size_t>(options.workers);
    std::vector<double> prices;
    if (spec->method.kind == search::MethodKind::cheapest) prices = prices_of(input, workers);
    const auto method = search::make_method(spec->method, space, spec->objective, static_cast<std::int64_t>(arrivals->size()),
                                            std::move(prices));
    Executor executor(input, *method, std::move(journal), workers);
    if (auto done = executor.run_to_end(); !done) return tl::unexpected(done.error());
    if (auto any = check_any_possible(executor.outcomes(), options.spec); !any) return tl::unexpected(any.error());
    const SearchResult result{*spec, space, executor.outcomes(),
                              search::ranked(method->results(executor.outcomes()), executor.outcomes(), spec->objective),
                              executor.ran()};
    if (auto written = write_files(options, result); !written) return tl::unexpected(written.error());
    const std::string out = options.mode == OutputMode::json ? search_json(result) : search_text(result);
    return print(out).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
