#include "daemon/api/live_hub.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "daemon/api/live_messages.hpp"
#include "daemon/api/run_view.hpp"
#include "daemon/protocol/codes.hpp"
#include "storage/merge_windows.hpp"

namespace replayd::api {
namespace {

/// Bytes on their way to a reader beyond which it counts as slow and gets nothing new.
constexpr std::size_t k_queued_bytes_max = 256u << 10;
/// Runs whose latest requests are kept.
constexpr std::size_t k_runs_max = 64;
constexpr std::uint16_t k_close_slow = 1013;  // RFC 6455's registry: try again later
constexpr std::chrono::milliseconds k_requests_period{500};
constexpr std::chrono::milliseconds k_streams_period{1000};
constexpr std::chrono::milliseconds k_streams_change_period{100};

}  // namespace

/// One reader's connection.
class LiveSession final : public net::WebSocketSession {
public:
    LiveSession(LiveHub& hub, std::string only_stream) : hub_(hub), only_stream_(std::move(only_stream)) {}

    void on_open(std::shared_ptr<net::WebSocket> socket) override {
        socket_ = socket;
        token_ = hub_.add(std::move(socket), only_stream_);
    }
    void on_message(std::string_view /*message*/, bool /*binary*/) override {
        socket_->close(protocol::k_close_invalid, "this websocket only sends: expected no message");
    }
    void on_close(std::string_view /*reason*/) override { hub_.remove(token_); }

private:
    LiveHub& hub_;
    const std::string only_stream_;
    std::shared_ptr<net::WebSocket> socket_;
    std::uint64_t token_ = 0;
};

std::vector<std::shared_ptr<const WindowRecord>> merge_neighbours(
    const std::vector<std::shared_ptr<const WindowRecord>>& windows) {
    std::vector<std::shared_ptr<const WindowRecord>> merged;
    for (std::size_t i = 0; i < windows.size(); i += 2) {
        if (i + 1 == windows.size()) {
            merged.push_back(windows[i]);
            continue;
        }
        auto pair = std::make_shared<WindowRecord>(*windows[i]);
        storage::append_window(*pair, *windows[i + 1]);
        merged.push_back(std::move(pair));
    }
    return merged;
}

std::unique_ptr<net::WebSocketSession> LiveHub::make_session(const net::HttpRequest& upgrade) {
    const auto stream = upgrade.query.find("stream");
    return std::make_unique<LiveSession>(*this, stream == upgrade.query.end() ? std::string() : stream->second);
}

std::uint64_t LiveHub::add(std::shared_ptr<net::WebSocket> socket, std::string only_stream) {
    const std::lock_guard lock(mutex_);
    Reader& reader = readers_[next_token_];
    reader.socket = std::move(socket);
    reader.only_stream = std::move(only_stream);
    return next_token_++;
}

void LiveHub::remove(std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    readers_.erase(token);
}

LiveHub::Run& LiveHub::run_of(const stream::RunIdentity& identity) {
    auto found = runs_.find(identity.id);
    if (found == runs_.end()) {
        if (runs_.size() >= k_runs_max) runs_.erase(runs_.begin());
        found = runs_.try_emplace(identity.id).first;
        found->second.stream = identity.stream;
        found->second.scenario = identity.scenario;
        found->second.pools = pools_of(identity.compiled->scenario);
    }
    return found->second;
}

void LiveHub::on_requests(const stream::RunIdentity& identity, std::span<const RequestRecord> records) {
    const std::lock_guard lock(mutex_);
    Run& run = run_of(identity);
    for (const RequestRecord& record : records.last(std::min(records.size(), k_live_requests_max))) {
        if (run.latest.size() == k_live_requests_max) run.latest.pop_front();
        run.latest.push_back(record);
    }
    ++run.version;
}

void LiveHub::on_window(const stream::RunIdentity& identity, const std::shared_ptr<const WindowRecord>& window) {
    const std::lock_guard lock(mutex_);
    (void)run_of(identity);
    for (auto& [token, reader] : readers_) {
        if (!reader.only_stream.empty() && reader.only_stream != identity.stream) continue;
        auto& waiting = reader.windows[identity.id];
        waiting.push_back(window);
        if (waiting.size() > k_live_windows_max) waiting = merge_neighbours(waiting);
    }
}

void LiveHub::on_streams_changed() {
    const std::lock_guard lock(mutex_);
    streams_changed_ = true;
}

std::size_t LiveHub::waiting() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& [token, reader] : readers_) {
        for (const auto& [run, windows] : reader.windows) count += windows.size();
    }
    return count;
}

void LiveHub::tick(Clock::time_point now, const StreamsSource& streams) {
    std::vector<std::string> filters;
    std::vector<std::pair<std::shared_ptr<net::WebSocket>, std::vector<std::string>>> outgoing;
    {
        const std::lock_guard lock(mutex_);
        filters = take_filters(now);
        for (auto& [token, reader] : readers_) {
            if (is_slow(reader, now)) continue;
            outgoing.emplace_back(reader.socket, take_messages(reader, now));
        }
    }
    for (auto& [socket, messages] : outgoing) {
        for (std::string& message : messages) socket->send(std::move(message), false);
    }
    for (const std::string& filter : filters) {
        streams(filter, [this, filter](const std::string& message) { deliver_streams(filter, message); });
    }
}

/// Whether the reader is to be sent nothing; one that was slow for too long is closed.
bool LiveHub::is_slow(Reader& reader, Clock::time_point now) {
    const std::size_t queued = reader.socket->queued_bytes();
    if (queued <= k_queued_bytes_max) {
        reader.slow_since.reset();
        return false;
    }
    if (!reader.slow_since) reader.slow_since = now;
    if (now - *reader.slow_since >= k_live_slow_max) {
        reader.socket->close(k_close_slow, "too slow a reader: " + std::to_string(queued) + " bytes have waited for " +
                                               std::to_string(k_live_slow_max.count()) + " s");
    }
    return true;
}

/// The filters for which a streams message is due. While some are being made, no more are asked for.
std::vector<std::string> LiveHub::take_filters(Clock::time_point now) {
    std::set<std::string> filters;
    const auto since = now - streams_sent_at_;
    const bool due = since >= (streams_changed_ ? k_streams_change_period : k_streams_period);
    for (auto& [token, reader] : readers_) {
        if (streams_asked_ > 0 || !(due || reader.wants_streams)) continue;
        reader.wants_streams = false;
        filters.insert(reader.only_stream);
    }
    if (filters.empty()) return {};
    streams_changed_ = false;
    streams_sent_at_ = now;
    streams_asked_ = filters.size();
    return {filters.begin(), filters.end()};
}

void LiveHub::deliver_streams(const std::string& only_stream, const std::string& message) {
    std::vector<std::shared_ptr<net::WebSocket>> sockets;
    {
        const std::lock_guard lock(mutex_);
        --streams_asked_;
        for (const auto& [token, reader] : readers_) {
            // One that came after the message was asked for gets its own: this one may tell what was before it came.
            const bool later = reader.wants_streams;
            const bool slow = reader.socket->queued_bytes() > k_queued_bytes_max;
            if (reader.only_stream == only_stream && !later && !slow) sockets.push_back(reader.socket);
        }
    }
    if (message.empty()) return;
    for (const auto& socket : sockets) socket->send(message, false);
}

std::vector<std::string> LiveHub::take_messages(Reader& reader, Clock::time_point now) {
    std::vector<std::string> messages;
    for (auto at = reader.windows.begin(); at != reader.windows.end();) {
        auto& [run, windows] = *at;
        const std::size_t count = std::min(windows.size(), k_live_windows_per_message);
        const auto known = runs_.find(run);
        if (known != runs_.end()) {
            messages.push_back(windows_message(run, std::span(windows).first(count), known->second.pools));
        }
        windows.erase(windows.begin(), windows.begin() + static_cast<std::ptrdiff_t>(count));
        at = windows.empty() ? reader.windows.erase(at) : std::next(at);
    }
    if (now - reader.requests_sent_at < k_requests_period) return messages;
    reader.requests_sent_at = now;
    for (const auto& [id, run] : runs_) {
        if (!reader.only_stream.empty() && reader.only_stream != run.stream) continue;
        if (run.version == 0 || reader.requests_sent[id] == run.version) continue;
        reader.requests_sent[id] = run.version;
        messages.push_back(requests_message(id, run.scenario, run.latest));
    }
    return messages;
}

}  // namespace replayd::api
