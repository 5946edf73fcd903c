#include "daemon/replayctl/stream_command.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/files/file_handle.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/protocol/validate.hpp"
#include "daemon/replayctl/batch_source.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/daemon_api.hpp"
#include "daemon/replayctl/history_source.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/ingest_sender.hpp"
#include "daemon/replayctl/json_fields.hpp"
#include "daemon/replayctl/run_table.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds k_poll{100};

/// What sending came to.
struct Sent {
    std::int64_t arrivals = 0;  ///< by this command
    std::int64_t skipped = 0;   ///< that the daemon had before
    std::int64_t durable = 0;   ///< in the stream
    std::int64_t reconnects = 0;
    bool ended = false;
    std::chrono::nanoseconds wall{0};

    [[nodiscard]] double rate() const {
        return wall.count() > 0 ? static_cast<double>(arrivals) * 1e9 / static_cast<double>(wall.count()) : 0;
    }
};

std::int64_t over(const json::array& runs) {
    std::int64_t count = 0;
    for (const json::value& run : runs) {
        const std::string state = text(run.as_object(), "state");
        count += state == "finished" || state == "failed" || state == "stopped" ? 1 : 0;
    }
    return count;
}

Progress progress_of(const json::object& stream, const json::array& runs) {
    std::int64_t done = 0;
    for (const json::value& run : runs) {
        done += integer(run.as_object(), "finished") + integer(run.as_object(), "rejected");
    }
    const std::int64_t all = integer(stream, "arrivals") * static_cast<std::int64_t>(runs.size());
    Progress progress;
    progress.items = done;
    progress.unit = "requests replayed";
    progress.known = all > 0;
    if (progress.known) progress.ratio = static_cast<double>(done) / static_cast<double>(all);
    return progress;
}

/// Polls the stream until every run is over, here and where a shared stream's others are; the runs of this daemon. A
/// daemon that is away is waited for as while sending.
Result<json::array> wait_for_runs(const StreamOptions& options, const net::Endpoint& daemon) {
    ProgressBar bar;
    auto alive = Clock::now();
    for (;; std::this_thread::sleep_for(k_poll)) {
        const auto answer = api_get(daemon, "/api/v1/streams/" + url_encoded(options.stream));
        if (!answer) {
            const bool away = answer.error().code == Code::unavailable || answer.error().code == Code::io;
            if (!away || Clock::now() - alive >= options.retry) return tl::unexpected(answer.error());
            continue;
        }
        alive = Clock::now();
        const auto runs = array_member(*answer, "runs");
        if (!runs) return tl::unexpected(runs.error());
        const bool all_here = over(**runs) == static_cast<std::int64_t>((*runs)->size());
        if (all_here && text(answer->get_object(), "state") == "finished") return **runs;
        bar.update(progress_of(answer->get_object(), **runs));
    }
}

/// The failure of the first run that failed.
Result<void> check_runs(const json::array& runs) {
    for (const json::value& value : runs) {
        const json::object& run = value.as_object();
        if (text(run, "state") != "failed") continue;
        return fail(Code::failed_state, "run " + std::to_string(integer(run, "id")) + " (" + text(run, "scenario") +
                                            ") failed: " + text(run, "failure"));
    }
    return {};
}

std::string sent_line(const StreamOptions& options, const Sent& sent) {
    std::string line = options.stream + ": " + count_text(sent.arrivals) + " arrivals sent and acknowledged in " +
                       time_text(sent.wall.count()) + " (" + count_text(static_cast<std::int64_t>(sent.rate())) + "/s)";
    if (sent.skipped > 0) line += ", " + count_text(sent.skipped) + " were there before";
    if (sent.reconnects > 0) line += ", " + count_text(sent.reconnects) + " reconnects";
    line += "; the stream has " + count_text(sent.durable) + " arrivals and ";
    return line + (sent.ended ? "has ended\n" : "goes on\n");
}

std::string summary(const StreamOptions& options, const Sent& sent, json::array runs) {
    if (options.mode == OutputMode::json) {
        json::object out{{"stream", options.stream},
                         {"sent_arrivals", sent.arrivals},
                         {"skipped_arrivals", sent.skipped},
                         {"arrivals", sent.durable},
                         {"reconnects", sent.reconnects},
                         {"ended", sent.ended},
                         {"sent_wall_ms", static_cast<double>(sent.wall.count()) * 1e-6},
                         {"sent_arrivals_per_s", sent.rate()}};
        if (options.wait) out["runs"] = std::move(runs);
        return json::serialize(out) + '\n';
    }
    return sent_line(options, sent) + (options.wait ? "\n" + comparison_table(runs) : "");
}

Result<void> check(const StreamOptions& options) {
    if (auto wrong = protocol::stream_name_violation(options.stream)) {
        return fail(Code::invalid_argument, "--stream " + *wrong);
    }
    if (options.wait && !options.end) {
        return fail(Code::invalid_argument,
                    "--wait and --no-end are both given: runs finish only after the end of the stream");
    }
    return {};
}

/// A wrong trace must not leave an empty stream behind. What comes over a pipe, or grows, begins when it begins.
Result<void> check_beginning(const TraceInput& input) {
    if (input.follow || files::is_standard_stream(input.path)) return {};
    TraceInput beginning = input;
    beginning.shaping = {};
    auto trace = TraceSource::open(beginning);
    if (!trace) return tl::unexpected(trace.error());
    return trace->take(1).map([](const std::vector<Arrival>&) {});
}

/// Scenarios that were asked for and that a stream which was there before does not replay.
std::vector<std::string> not_replayed(const StreamOptions& options, const json::value& stream) {
    std::vector<std::string> missing = options.scenarios;
    for (const char* list : {"runs", "shared"}) {
        const auto items = array_member(stream, list);
        if (!items) continue;  // no stream that is shared
        for (const json::value& item : **items) std::erase(missing, text(item.as_object(), "scenario"));
    }
    return missing;
}

/// The scenarios of a stream are settled when it is created: that others were named now is said. A token may be for
/// sending only, so that it is no error when the daemon does not tell.
void tell_not_replayed(const StreamOptions& options, const net::Endpoint& daemon) {
    if (options.scenarios.empty()) return;
    const std::string target = "/api/v1/streams/" + url_encoded(options.stream);
    const auto answer = api_get(daemon, target);
    if (!answer) return;
    for (const std::string& scenario : not_replayed(options, *answer)) {
        note("stream " + options.stream + " was there before and has no run of " + net::quoted(scenario) +
             ": POST " + target + "/runs adds one, or send to a stream of another name");
    }
}

Result<Sent> send(const StreamOptions& options, const net::Endpoint& daemon) {
    if (auto fine = check_beginning(options.trace); !fine) return tl::unexpected(fine.error());
    auto trace = TraceSource::open(options.trace);
    if (!trace) return tl::unexpected(trace.error());
    BatchSource batches(std::move(*trace), options.batch, !options.json_frames);
    IngestSender sender(options, daemon, batches);
    const auto start = Clock::now();
    if (auto done = sender.run(); !done) return tl::unexpected(done.error());
    for (const std::string& remark : batches.trace().remarks()) note(remark);
    return Sent{batches.sent_arrivals(), batches.skipped(),   sender.durable_arrivals(),
                sender.reconnects(),     sender.ended(),      Clock::now() - start};
}

}  // namespace

Result<ExitStatus> stream_trace(const StreamOptions& options) {
    if (auto fine = check(options); !fine) return tl::unexpected(fine.error());
    const auto daemon = find_daemon(options.daemon, options.token_file);
    if (!daemon) return tl::unexpected(daemon.error());
    const auto sent = send(options, *daemon);
    if (!sent) return tl::unexpected(sent.error());
    // A stream without arrivals was most likely created by this hello: nothing is asked, which a token for sending only
    // may not, and which would count as a refused request.
    if (sent->skipped > 0) tell_not_replayed(options, *daemon);
    json::array runs;
    if (options.wait) {
        auto finished = wait_for_runs(options, *daemon);
        if (!finished) return tl::unexpected(finished.error());
        runs = std::move(*finished);
    }
    const Result<void> fine = check_runs(runs);
    if (auto printed = print(summary(options, *sent, std::move(runs))); !printed) {
        return tl::unexpected(printed.error());
    }
    if (!fine) return tl::unexpected(fine.error());
    return ExitStatus::ok;
}

}  // namespace replayd::ctl
