#pragma once
// Publishes batches in the order in which they come, on one thread. Those that wait go out together and their answers
// are awaited once, as commits share a transaction. While the servers cannot be reached everything waits and is sent
// again when they are back; nothing is refused for that, and the clients' unacknowledged batches bound what waits. A
// batch behind messages that the log has lost waits until they are restored.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/nats/stream_logs.hpp"
#include "daemon/stream/shared_log.hpp"

namespace replayd::nats {

class Publisher {
public:
    using Done = stream::SharedLog::Done;

    /// `payload_bytes_max`: of the servers; larger batches are refused with `too_large`.
    Publisher(std::unique_ptr<StreamLogs> logs, std::int64_t payload_bytes_max);
    /// As `stop`.
    ~Publisher();
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

    /// Any thread. `done` is called in order on the publisher's thread. Batch `seq`, or the end (null) with that
    /// number. `stored`: it came from the log and only takes its turn.
    void publish(const std::string& stream, std::uint64_t seq, std::shared_ptr<const storage::LoggedBatch> batch,
                 bool stored, Done done);
    /// Batches that wait or are on their way.
    [[nodiscard]] std::size_t depth() const;
    /// Whether, since the last call, a batch had to wait because what stands before it is no longer in its log.
    [[nodiscard]] bool met_lost_tail() { return met_lost_tail_.exchange(false); }
    /// Refuses what waits with `unavailable` and joins the thread.
    void stop();

private:
    struct Item {
        std::string stream;
        std::uint64_t seq = 0;
        std::shared_ptr<const storage::LoggedBatch> batch;
        bool stored = false;
        Done done;

        [[nodiscard]] std::string_view payload() const {
            return batch ? std::string_view(batch->payload) : std::string_view();
        }
    };
    void run();
    void publish_group(std::vector<Item>& group);
    [[nodiscard]] bool send_together(const std::vector<Item>& group);
    [[nodiscard]] bool fits(const Item& item) const;
    [[nodiscard]] Result<void> settle(const Item& item, bool arrived);
    [[nodiscard]] Result<void> publish_until_answered(const Item& item);
    [[nodiscard]] bool wait_to_try_again();

    const std::unique_ptr<StreamLogs> logs_;
    const std::int64_t payload_bytes_max_;
    /// Streams whose batch of this number was refused: those behind it are, too, until the stream goes on from there.
    std::map<std::string, std::uint64_t> refused_from_;
    std::atomic<bool> met_lost_tail_{false};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Item> waiting_;
    std::size_t under_way_ = 0;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace replayd::nats
