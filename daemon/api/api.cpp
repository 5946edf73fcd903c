#include "daemon/api/api.hpp"

#include <utility>

#include <boost/json.hpp>

#include "daemon/access/policy.hpp"
#include "daemon/api/answer.hpp"
#include "daemon/api/json_objects.hpp"
#include "daemon/api/routes.hpp"
#include "daemon/api/static_files.hpp"
#include "daemon/config/version.hpp"
#include "daemon/net/problem.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/protocol/messages.hpp"
#include "storage/schema.hpp"

namespace replayd::api {
namespace {

constexpr std::string_view k_prefix = "/api/v1/";
/// Prometheus text format.
constexpr const char* k_exposition_type = "text/plain; version=0.0.4; charset=utf-8";

net::HttpResponse plain_text(unsigned status, std::string body, std::string type = "text/plain; charset=utf-8") {
    net::HttpResponse response;
    response.status = status;
    response.content_type = std::move(type);
    response.body = std::move(body);
    response.headers.emplace_back("cache-control", "no-store");
    return response;
}

std::vector<std::string> segments(std::string_view path) {
    std::vector<std::string> list;
    while (true) {
        const std::size_t slash = path.find('/');
        list.emplace_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return list;
        path.remove_prefix(slash + 1);
    }
}

}  // namespace

/// A reader of the pool of readers, given back at the end of the scope.
class Api::ReaderLease {
public:
    static Result<ReaderLease> take(Api& api) {
        std::unique_ptr<storage::Reader> reader = api.idle_reader();
        if (!reader) {
            auto opened = storage::Reader::open(api.context_.history_path);
            if (!opened) return tl::unexpected(opened.error());
            reader = std::move(*opened);
        }
        return ReaderLease(api, std::move(reader));
    }
    ReaderLease(ReaderLease&&) = default;
    ReaderLease& operator=(ReaderLease&&) = delete;
    ~ReaderLease() {
        if (!reader_) return;
        const std::lock_guard lock(api_->readers_mutex_);
        std::erase(api_->busy_readers_, reader_.get());
        api_->idle_readers_.push_back(std::move(reader_));
    }
    storage::Reader& operator*() const { return *reader_; }

private:
    ReaderLease(Api& api, std::unique_ptr<storage::Reader> reader) : api_(&api), reader_(std::move(reader)) {
        const std::lock_guard lock(api.readers_mutex_);
        api.busy_readers_.push_back(reader_.get());
        if (api.cancelled_.load()) reader_->cancel();
    }
    Api* api_;
    std::unique_ptr<storage::Reader> reader_;
};

Api::Api(ApiContext context) : context_(std::move(context)), views_(context_.registry) {}
Api::~Api() = default;

std::unique_ptr<storage::Reader> Api::idle_reader() {
    const std::lock_guard lock(readers_mutex_);
    if (idle_readers_.empty()) return nullptr;
    auto reader = std::move(idle_readers_.back());
    idle_readers_.pop_back();
    return reader;
}

void Api::cancel_queries() {
    const std::lock_guard lock(readers_mutex_);
    cancelled_.store(true);
    for (storage::Reader* reader : busy_readers_) reader->cancel();
}

net::HttpResponse Api::readiness() const {
    if (!ready_.load()) return plain_text(503, "not ready: starting or draining\n");
    if (const auto trouble = context_.history.trouble())
        return plain_text(503, "not ready: " + trouble->message + "\n");
    if (const auto trouble = context_.registry.shared_trouble())
        return plain_text(503, "not ready: " + trouble->message + "\n");
    return plain_text(200, "ok\n");
}

void Api::handle(net::HttpRequest&& request, std::function<void(net::HttpResponse&&)> respond) {
    // Health is answered here, on the io thread: that it turns is what it says.
    if (request.path == "/healthz") return respond(plain_text(200, "ok\n"));
    if (request.path == "/readyz") return respond(readiness());
    auto shared = std::make_shared<net::HttpRequest>(std::move(request));
    const bool taken = context_.tasks.try_submit([this, shared, respond] { respond(answer(*shared)); });
    if (taken) return;
    auto busy = problem(Error{Code::unavailable, "too many requests wait for an answer: try again in a moment"});
    busy.headers.emplace_back("retry-after", "1");
    respond(std::move(busy));
}

net::HttpResponse Api::answer(const net::HttpRequest& request) {
    const std::string& path = request.path;
    if (path.rfind(k_prefix, 0) == 0) {
        auto reader = ReaderLease::take(*this);
        if (!reader) return problem(reader.error());
        return dispatch({request, segments(std::string_view(path).substr(k_prefix.size())), context_.registry, views_,
                         **reader, context_.end_stream, context_.searches, context_.shared_runs});
    }
    if (path == access::k_spans_path) return context_.take_spans(request);
    if (request.method != "GET") {
        return net::problem(405, "method_not_allowed", request.method + " " + path + ": expected GET");
    }
    if (path == "/metrics") return plain_text(200, context_.metrics(), k_exposition_type);
    if (path == "/metrics/vllm") return vllm_metrics(request);
    if (path == "/version") {
        return json_answer({{"version", config::k_version},
                            {"engine_version", context_.engine_version},
                            {"schema_version", storage::k_schema_version},
                            {"protocol", protocol::k_subprotocol}});
    }
    return static_file(context_.dashboard_dir, path);
}

net::HttpResponse Api::vllm_metrics(const net::HttpRequest& request) const {
    std::map<std::string, std::string> filter = {{"stream", ""}, {"scenario", ""}};
    for (const auto& [name, value] : request.query) {
        if (filter.count(name) == 0) {
            return problem(Error{Code::invalid_argument, "parameter " + net::quoted(name) +
                                                             " is unknown: expected \"stream\" or \"scenario\""});
        }
        filter[name] = value;
    }
    return plain_text(200, context_.vllm_metrics(filter["stream"], filter["scenario"]), k_exposition_type);
}

Result<std::string> Api::streams_message(const std::string& only_stream) {
    auto reader = ReaderLease::take(*this);
    if (!reader) return tl::unexpected(reader.error());
    boost::json::array items;
    for (const auto& stream : context_.registry.all()) {
        if (!only_stream.empty() && stream->name() != only_stream) continue;
        const stream::StreamStatus status = stream->status();
        const bool alive = !stream->runs().empty() || !status.log.durable.ended;
        if (only_stream.empty() && !alive) continue;
        auto runs = views_.of_stream(**reader, *stream);
        if (!runs) return tl::unexpected(runs.error());
        items.push_back(stream_json(status, *runs, context_.shared_runs(stream->name())));
    }
    return boost::json::serialize(boost::json::object{{"type", "streams"}, {"items", std::move(items)}});
}

}  // namespace replayd::api
