#include "daemon/nats/publisher.hpp"

#include <chrono>
#include <utility>

#include "daemon/config/log.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::nats {
namespace {

/// Messages whose answers are awaited together.
constexpr std::size_t k_group_max = 256;
constexpr std::chrono::milliseconds k_pause{200};
/// Room that subject and headers take of a message, bytes.
constexpr std::int64_t k_header_bytes = 1024;

std::uint64_t sequence_of(std::uint64_t seq) {
    return seq + 1;  // behind the opening
}

}  // namespace

Publisher::Publisher(std::unique_ptr<StreamLogs> logs, std::int64_t payload_bytes_max)
    : logs_(std::move(logs)), payload_bytes_max_(payload_bytes_max), thread_([this] { run(); }) {}

Publisher::~Publisher() {
    stop();
}

void Publisher::publish(const std::string& stream, std::uint64_t seq, std::shared_ptr<const storage::LoggedBatch> batch,
                        bool stored, Done done) {
    {
        const std::lock_guard lock(mutex_);
        if (!stopping_) {
            waiting_.push_back({stream, seq, std::move(batch), stored, std::move(done)});
            changed_.notify_one();
            return;
        }
    }
    done(fail(Code::unavailable, "replayd is shutting down"));
}

std::size_t Publisher::depth() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size() + under_way_;
}

void Publisher::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Publisher::run() {
    for (;;) {
        std::vector<Item> group;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            while (!waiting_.empty() && group.size() < k_group_max) {
                group.push_back(std::move(waiting_.front()));
                waiting_.pop_front();
            }
            under_way_ = group.size();
        }
        publish_group(group);
        const std::lock_guard lock(mutex_);
        under_way_ = 0;
    }
}

void Publisher::publish_group(std::vector<Item>& group) {
    const bool arrived = send_together(group);
    for (Item& item : group) {
        item.done(settle(item, arrived));
        const std::lock_guard lock(mutex_);
        --under_way_;
    }
}

/// Whether every message of the group was stored; if not, any of them may have been.
bool Publisher::send_together(const std::vector<Item>& group) {
    std::vector<Outgoing> messages;
    for (const Item& item : group) {
        if (refused_from_.contains(item.stream) || !fits(item)) return false;
        if (!item.stored) messages.push_back({&item.stream, sequence_of(item.seq), item.payload()});
    }
    return messages.empty() || logs_->publish_together(messages);
}

bool Publisher::fits(const Item& item) const {
    return static_cast<std::int64_t>(item.payload().size()) + k_header_bytes <= payload_bytes_max_;
}

/// What the batch's owner is told.
Result<void> Publisher::settle(const Item& item, bool arrived) {
    const auto refused = refused_from_.find(item.stream);
    if (refused != refused_from_.end()) {
        if (item.seq > refused->second) {
            return fail(Code::unavailable, "the batch before it was not published");
        }
        refused_from_.erase(refused);
    }
    if (arrived || item.stored) return {};
    auto published = publish_until_answered(item);
    if (!published) {
        refused_from_[item.stream] = item.seq;
        config::log(config::LogLevel::warn, "not_published",
                    {{"stream", item.stream},
                     {"batch", static_cast<std::int64_t>(item.seq)},
                     {"error", published.error().message}});
    }
    return published;
}

Result<void> Publisher::publish_until_answered(const Item& item) {
    if (!fits(item)) {
        return fail(Code::too_large,
                    "batch " + std::to_string(item.seq) + " has " + std::to_string(item.payload().size()) +
                        " bytes, and the NATS servers take messages of " + std::to_string(payload_bytes_max_) +
                        ": send smaller batches, or raise max_payload of nats-server");
    }
    for (;;) {
        const auto published = logs_->publish(item.stream, sequence_of(item.seq), item.payload());
        if (published && *published == Published::stored) return {};
        if (published && *published == Published::refused) {
            return fail(Code::already_exists, "another client fed stream " + net::quoted(item.stream) +
                                                  " through another replayd: expected one at a time");
        }
        if (!published && published.error().code != Code::unavailable) return tl::unexpected(published.error());
        if (published) met_lost_tail_.store(true);
        if (!wait_to_try_again()) return fail(Code::unavailable, "replayd is shutting down");
    }
}

/// False when the publisher is to stop.
bool Publisher::wait_to_try_again() {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, k_pause, [this] { return stopping_; });
}

}  // namespace replayd::nats
