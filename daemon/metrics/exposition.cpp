#include "daemon/metrics/exposition.hpp"

#include <algorithm>

#include "daemon/config/version.hpp"
#include "daemon/metrics/families.hpp"
#include "daemon/metrics/process.hpp"
#include "daemon/stream/clock.hpp"

namespace replayd::metrics {
namespace {

constexpr std::int64_t k_finished_shown_ms = 15 * 60 * 1000;
constexpr std::size_t k_newest_shown = 16;

void add_stream(Families& families, const stream::StreamStatus& status) {
    const Labels labels = {{"stream", status.name}};
    const stream::LogStatus& log = status.log;
    families.counter("replayd_stream_arrivals_total", "Durable arrivals of the stream", labels,
                     static_cast<double>(log.durable.arrivals));
    families.counter("replayd_stream_acked_batches_total", "Batches made durable since the start", labels,
                     static_cast<double>(log.acked_batches));
    const auto counter = [&](const char* name, const char* help, std::int64_t value) {
        families.counter(name, help, labels, static_cast<double>(value));
    };
    const stream::ArrivalCounts& counts = log.counts;
    counter("replayd_stream_received_total", "Arrivals that reached the log since the start", counts.received);
    counter("replayd_stream_stored_total", "Of those received, made durable", counts.stored);
    counter("replayd_stream_rejected_total", "Of those received, refused or not stored, and the client told",
            counts.rejected);
    counter("replayd_stream_repeated_total", "Of those received, sent again and stored before", counts.repeated);
    families.gauge("replayd_stream_inflight_arrivals", "Of those received, on their way to disk", labels,
                   static_cast<double>(counts.inflight));
    families.gauge("replayd_stream_credit_arrivals", "Arrivals that the client may send", labels,
                   static_cast<double>(status.credit()));
    families.gauge("replayd_stream_inflight_batches", "Batches that are on their way to disk", labels,
                   static_cast<double>(log.inflight_batches));
    families.gauge("replayd_stream_watermark_seconds", "No later arrival is earlier", labels,
                   to_seconds(log.durable.watermark));
}

void add_runs(Families& families, const Sources& sources) {
    std::vector<std::shared_ptr<stream::RunWorker>> runs;
    std::map<std::string, std::int64_t> durable;
    for (const auto& stream : sources.registry.all()) {
        durable[stream->name()] = stream->status().log.durable.arrivals;
        const auto of_stream = stream->runs();
        runs.insert(runs.end(), of_stream.begin(), of_stream.end());
    }
    for (const auto& run : exposed_runs(std::move(runs), stream::wall_ms())) {
        add_run(families, *run, durable[run->identity().stream]);
    }
}

void add_queues(Families& families, const Sources& sources) {
    const ConnectionCounts counts = sources.connections();
    const auto depth = [&families](const char* queue, double value) {
        families.gauge("replayd_queue_depth", "Entries that wait in a bounded queue", {{"queue", queue}}, value);
    };
    depth("storage", static_cast<double>(sources.history.counters().queued_rows));
    depth("engine", static_cast<double>(sources.engine.depth()));
    depth("appends", static_cast<double>(sources.history.counters().queued_appends));
    depth("tasks", static_cast<double>(sources.tasks.depth()));
    depth("live", static_cast<double>(counts.live_queue));
    const auto connections = [&families](const char* kind, std::size_t value) {
        families.gauge("replayd_connections", "Open connections", {{"kind", kind}}, static_cast<double>(value));
    };
    connections("ingest", counts.ingest);
    connections("live", counts.live);
    connections("http", counts.http);
    for (const auto& [reason, count] : counts.refused) {
        families.counter("replayd_refused_requests_total", "Requests that were not let in", {{"reason", reason}},
                         static_cast<double>(count));
    }
}

void add_storage(Families& families, const Sources& sources) {
    const storage::HistoryCounters counters = sources.history.counters();
    const auto rows = [&families](const char* table, std::int64_t value) {
        families.counter("replayd_storage_rows_total", "Rows committed since the start", {{"table", table}},
                         static_cast<double>(value));
    };
    rows("request", counters.committed_request_rows);
    rows("window", counters.committed_window_rows);
    rows("residual_window", counters.committed_residual_rows);
    rows("arrival_batch", counters.committed_batches);
    families.counter("replayd_storage_failed_commits_total", "Commits that were rolled back: disk full, I/O error", {},
                     static_cast<double>(counters.failed_commits));
    families.counter("replayd_retention_streams_total", "Streams that [retention] took out of the history", {},
                     static_cast<double>(sources.retention_streams));
    families.counter("replayd_retention_rows_total", "Rows of streams that [retention] took out", {},
                     static_cast<double>(sources.retention_rows));
    families.gauge("replayd_storage_trouble", "1 while nothing can be stored; /readyz says why", {},
                   sources.history.trouble() ? 1 : 0);
    if (sources.nats_waiting) {
        families.gauge("replayd_nats_connected", "1 while NATS can be reached; /readyz says why not", {},
                       sources.registry.shared_trouble() ? 0 : 1);
        families.gauge("replayd_nats_waiting_batches", "Batches that wait for NATS or are on their way there", {},
                       static_cast<double>(*sources.nats_waiting));
    }
    families.histogram("replayd_storage_commit_seconds", "Wall time of a commit", {}, sources.commits.snapshot());
}

void add_spans(Families& families, const Sources& sources) {
    for (const auto& [outcome, count] : sources.spans) {
        families.counter("replayd_otlp_spans_total", "OpenTelemetry spans, by what became of them",
                         {{"outcome", outcome}}, static_cast<double>(count));
    }
    families.gauge("replayd_otlp_waiting_spans", "Spans that wait until no earlier one can come", {},
                   static_cast<double>(sources.spans_waiting));
}

void add_process(Families& families) {
    const auto facts = read_process_facts();
    if (!facts) return;
    families.counter("process_cpu_seconds_total", "User and system CPU time", {}, facts->cpu_seconds);
    families.gauge("process_resident_memory_bytes", "Resident memory", {}, facts->resident_bytes);
    families.gauge("process_virtual_memory_bytes", "Virtual memory", {}, facts->virtual_bytes);
    families.gauge("process_open_fds", "Open file descriptors", {}, facts->open_fds);
    families.gauge("process_max_fds", "Limit of open file descriptors", {}, facts->max_fds);
    families.gauge("process_start_time_seconds", "Start of the process since the Unix epoch", {},
                   facts->start_time_seconds);
}

}  // namespace

std::vector<std::shared_ptr<stream::RunWorker>> exposed_runs(std::vector<std::shared_ptr<stream::RunWorker>> runs,
                                                             std::int64_t now_ms) {
    std::sort(runs.begin(), runs.end(),
              [](const auto& a, const auto& b) { return a->identity().id < b->identity().id; });
    const std::size_t older = runs.size() > k_newest_shown ? runs.size() - k_newest_shown : 0;
    const auto newest = runs.begin() + static_cast<std::ptrdiff_t>(older);
    const auto kept = std::remove_if(runs.begin(), newest, [now_ms](const auto& run) {
        return !run->active() && run->progress().finished_ms() + k_finished_shown_ms < now_ms;
    });
    runs.erase(kept, newest);
    return runs;
}

std::string render(const Sources& sources) {
    Families families;
    families.gauge("replayd_build_info", "The version of replayd", {{"version", std::string(config::k_version)}}, 1);
    for (const auto& stream : sources.registry.all()) add_stream(families, stream->status());
    add_runs(families, sources);
    add_queues(families, sources);
    add_storage(families, sources);
    add_spans(families, sources);
    add_process(families);
    return families.text();
}

}  // namespace replayd::metrics
