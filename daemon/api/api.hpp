#pragma once
// The HTTP side of the daemon: routes of daemon/api.md, metrics, health, and the page's files. Requests come on the
// io thread and are answered from the task pool where they read the history or wait for a commit.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/api/run_view.hpp"
#include "daemon/api/search_folders.hpp"
#include "daemon/net/http.hpp"
#include "daemon/stream/shared_run.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "daemon/stream/task_pool.hpp"
#include "storage/query.hpp"

namespace replayd::api {

/// Who computes the runs of a stream; empty for one that no other process takes part in.
using SharedRuns = std::function<std::vector<stream::SharedRun>(const std::string& stream)>;

struct ApiContext {
    stream::StreamRegistry& registry;
    stream::TaskPool& tasks;
    const storage::History& history;
    std::string history_path;
    std::string dashboard_dir;  ///< empty: no page
    std::string engine_version;
    std::function<std::string()> metrics;  ///< the exposition text
    /// What the runs of a stream and a scenario (empty: all) predict, under vLLM's names.
    std::function<std::string(const std::string& stream, const std::string& scenario)> vllm_metrics;
    /// Answers what comes to /v1/traces, on a thread of the task pool.
    std::function<net::HttpResponse(const net::HttpRequest&)> take_spans;
    /// Ends a stream after what still waits for it.
    std::function<Result<void>(stream::Stream&)> end_stream;
    SearchFolders searches;
    SharedRuns shared_runs;
};

class Api {
public:
    explicit Api(ApiContext context);
    ~Api();

    /// As net::HttpHandler.
    void handle(net::HttpRequest&& request, std::function<void(net::HttpResponse&&)> respond);

    /// Until set, and after it is cleared, /readyz answers 503.
    void set_ready(bool ready) { ready_.store(ready); }
    /// Stops SQL statements that run now, so that a shutdown need not wait for them.
    void cancel_queries();

    /// Streams that are alive (they have runs of this process, or have not ended) as a live message. Blocks on the
    /// history: for the task pool.
    [[nodiscard]] Result<std::string> streams_message(const std::string& only_stream);

private:
    class ReaderLease;
    [[nodiscard]] net::HttpResponse answer(const net::HttpRequest& request);
    [[nodiscard]] net::HttpResponse readiness() const;
    [[nodiscard]] net::HttpResponse vllm_metrics(const net::HttpRequest& request) const;
    [[nodiscard]] std::unique_ptr<storage::Reader> idle_reader();

    const ApiContext context_;
    RunViews views_;
    std::atomic<bool> ready_{false};
    std::atomic<bool> cancelled_{false};
    std::mutex readers_mutex_;
    std::vector<std::unique_ptr<storage::Reader>> idle_readers_;
    std::vector<storage::Reader*> busy_readers_;
};

}  // namespace replayd::api
