#pragma once
// The live websocket's hub: gathers what runs tell, and hands each reader what it has not been sent yet, as fast as
// that reader takes it. What waits is bounded: neighbouring windows merge, of requests only the latest stay.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/net/http.hpp"
#include "daemon/net/websocket.hpp"
#include "daemon/stream/observer.hpp"
#include "replay/base/error.hpp"
#include "storage/query.hpp"

namespace replayd::api {

/// Windows of one run that wait for one reader at most; beyond it neighbours merge.
inline constexpr std::size_t k_live_windows_max = 1000;
/// Windows in one message at most.
inline constexpr std::size_t k_live_windows_per_message = 200;
/// Requests in one message at most.
inline constexpr std::size_t k_live_requests_max = 20;
/// A reader that takes nothing for so long is closed with 1013; until then windows merge and it misses nothing.
inline constexpr std::chrono::seconds k_live_slow_max{60};
inline constexpr std::string_view k_live_subprotocol = "replayd.live.v1";

/// Merges the windows pairwise in order: half as many, same sums.
[[nodiscard]] std::vector<std::shared_ptr<const WindowRecord>> merge_neighbours(
    const std::vector<std::shared_ptr<const WindowRecord>>& windows);

class LiveHub final : public stream::Observer {
public:
    using Clock = std::chrono::steady_clock;
    /// Makes the streams message for a filter (empty: all streams) off the io thread and hands it to `deliver` on
    /// the io thread; an error is not delivered.
    using StreamsSource =
        std::function<void(const std::string& only_stream, std::function<void(const std::string& message)> deliver)>;

    // Observer, any thread.
    void on_requests(const stream::RunIdentity& run, std::span<const RequestRecord> records) override;
    void on_window(const stream::RunIdentity& run, const std::shared_ptr<const WindowRecord>& window) override;
    void on_streams_changed() override;

    /// A session for an upgrade of `/live/v1`; `?stream=NAME` limits it to one stream. The hub outlives it.
    [[nodiscard]] std::unique_ptr<net::WebSocketSession> make_session(const net::HttpRequest& upgrade);
    /// Sends what is due; on the io thread, some ten times a second.
    void tick(Clock::time_point now, const StreamsSource& streams);

    /// Windows that wait, over all readers. Any thread.
    [[nodiscard]] std::size_t waiting() const;

private:
    friend class LiveSession;
    struct Run {
        std::string stream;
        std::string scenario;
        std::vector<storage::PoolInfo> pools;
        std::deque<RequestRecord> latest;  ///< at most k_live_requests_max
        std::uint64_t version = 0;         ///< counts changes of `latest`
    };
    struct Reader {
        std::shared_ptr<net::WebSocket> socket;
        std::string only_stream;
        bool wants_streams = true;
        std::map<std::int64_t, std::vector<std::shared_ptr<const WindowRecord>>> windows;  ///< by run
        std::map<std::int64_t, std::uint64_t> requests_sent;                               ///< version by run
        Clock::time_point requests_sent_at{};
        std::optional<Clock::time_point> slow_since;  ///< it has not taken what it was sent since then
    };

    std::uint64_t add(std::shared_ptr<net::WebSocket> socket, std::string only_stream);
    void remove(std::uint64_t token);
    Run& run_of(const stream::RunIdentity& identity);
    [[nodiscard]] std::vector<std::string> take_messages(Reader& reader, Clock::time_point now);
    [[nodiscard]] static bool is_slow(Reader& reader, Clock::time_point now);
    [[nodiscard]] std::vector<std::string> take_filters(Clock::time_point now);
    void deliver_streams(const std::string& only_stream, const std::string& message);

    mutable std::mutex mutex_;
    std::map<std::int64_t, Run> runs_;
    std::map<std::uint64_t, Reader> readers_;
    std::uint64_t next_token_ = 1;
    bool streams_changed_ = false;
    std::size_t streams_asked_ = 0;  ///< streams messages that are being made
    Clock::time_point streams_sent_at_{};
};

}  // namespace replayd::api
