#pragma once
// The client of the kill cycles: feeds one stream through all lives of the daemon, and notices what is missing.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/net/client.hpp"
#include "daemon/protocol/codec.hpp"
#include "replay/base/random.hpp"

namespace replayd::trust {

inline constexpr std::size_t k_kill_arrivals = 1'500;
inline constexpr std::size_t k_kill_batch_max = 4;
/// Batches that a client sends ahead of what it has heard of.
inline constexpr std::uint64_t k_kill_ahead_max = 40;

inline std::vector<Arrival> make_arrivals(std::uint64_t seed) {
    Random random(seed);
    std::vector<Arrival> arrivals(k_kill_arrivals);
    std::int64_t at = 0;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        at += static_cast<std::int64_t>(random.below(40)) * k_ns_per_ms;
        arrivals[i].id = "r" + std::to_string(i);
        arrivals[i].at = VirtualTime(at);
        arrivals[i].prompt = Tokens(static_cast<std::int64_t>(1 + random.below(400)));
        arrivals[i].output = Tokens(static_cast<std::int64_t>(1 + random.below(40)));
    }
    return arrivals;
}

/// Acks that the clients of one life of the daemon have heard.
class Acks {
public:
    void note() {
        const std::lock_guard lock(mutex_);
        ++count_;
        changed_.notify_all();
    }
    /// A client that sends no more.
    void note_end() {
        const std::lock_guard lock(mutex_);
        ++ends_;
        changed_.notify_all();
    }
    /// Until so many have come, or no client is left to hear one; false when neither happened for a long time.
    bool wait(std::uint64_t count, int clients) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return count_ >= count || ends_ == clients; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t count_ = 0;
    int ends_ = 0;
};

/// Feeds one stream through all lives of the daemon.
class Feeder {
public:
    Feeder(std::string stream, std::uint64_t seed) : stream_(std::move(stream)), arrivals_(make_arrivals(seed)) {
        Random random(seed + 1);
        for (std::size_t at = 0; at < arrivals_.size();) {
            cuts_.push_back(at);
            at = std::min(arrivals_.size(), at + 1 + random.below(k_kill_batch_max));
        }
        cuts_.push_back(arrivals_.size());
    }

    /// Sends until everything is acknowledged or the daemon is gone. What was broken, or nothing. `acks` is told of
    /// every ack.
    std::string feed(const net::Endpoint& daemon, Acks& acks) {
        acks_ = &acks;
        heard_now_ = false;
        auto socket = net::WebSocketClient::connect(daemon, "/ingest/v1", std::string(protocol::k_subprotocol));
        if (!socket) return {};
        protocol::Hello hello;
        hello.stream = stream_;
        hello.scenarios = {"killed"};
        if (!(*socket)->send(protocol::encode_client_message(hello, true), true)) return {};
        welcomed_ = false;
        while (!done()) {
            if (welcomed_ && !send_some(**socket)) return {};
            const auto message = (*socket)->receive(std::chrono::milliseconds(welcomed_ && can_send() ? 0 : 1'000));
            if (!message) return {};
            if (!*message) continue;
            if (auto wrong = take((*message)->data); !wrong.empty()) return stream_ + ": " + wrong;
        }
        return {};
    }

    [[nodiscard]] bool done() const { return acked_ > batches(); }
    /// In the life of the daemon that the last feed was for: whether it acknowledged anything, and whether it had been
    /// sent batches that it did not acknowledge before its end.
    [[nodiscard]] bool heard_acks() const { return heard_now_; }
    [[nodiscard]] bool had_unacknowledged() const { return welcomed_ && next_ > acked_ + 1; }
    [[nodiscard]] const std::string& stream() const { return stream_; }
    [[nodiscard]] const std::vector<Arrival>& arrivals() const { return arrivals_; }
    [[nodiscard]] std::uint64_t acked() const { return acked_; }

private:
    [[nodiscard]] std::uint64_t batches() const { return cuts_.size() - 1; }
    [[nodiscard]] bool can_send() const {
        return next_ <= batches() + 1 && next_ < heard_ + k_kill_ahead_max &&
               (next_ > batches() || static_cast<std::int64_t>(cuts_[next_]) <= allowed_);
    }

    bool send_some(net::WebSocketClient& socket) {
        for (int i = 0; i < 8 && can_send(); ++i, ++next_) {
            if (next_ > batches()) {
                if (!socket.send(protocol::encode_client_message(protocol::End{next_}, true), true)) return false;
                continue;
            }
            const auto begin = arrivals_.begin() + static_cast<std::ptrdiff_t>(cuts_[next_ - 1]);
            const auto end = arrivals_.begin() + static_cast<std::ptrdiff_t>(cuts_[next_]);
            const protocol::ArrivalBatch batch{next_, {begin, end}, std::nullopt};
            if (!socket.send(protocol::encode_client_message(batch, true), true)) return false;
        }
        return true;
    }

    std::string take(const std::string& frame) {
        const auto message = protocol::decode_server_message(frame, true);
        if (!message) return message.error().message;
        if (const auto* failure = std::get_if<protocol::Failure>(&*message)) return "refused: " + failure->message;
        if (const auto* welcome = std::get_if<protocol::Welcome>(&*message)) {
            const std::uint64_t durable = welcome->next_seq - 1 + (welcome->ended ? 1 : 0);
            if (durable < acked_) {
                return std::to_string(acked_) + " messages were acknowledged, " + std::to_string(durable) +
                       " are there";
            }
            acked_ = heard_ = durable;
            next_ = durable + 1;
            allowed_ = welcome->arrivals + static_cast<std::int64_t>(welcome->credit);
            welcomed_ = true;
            return {};
        }
        const auto& ack = std::get<protocol::Ack>(*message);
        acked_ = heard_ = std::max(acked_, ack.seq);
        allowed_ = ack.arrivals + static_cast<std::int64_t>(ack.credit);
        heard_now_ = true;
        acks_->note();
        return {};
    }

    const std::string stream_;
    const std::vector<Arrival> arrivals_;
    std::vector<std::size_t> cuts_;  ///< batch i has the arrivals [cuts_[i - 1], cuts_[i])
    bool welcomed_ = false;
    std::uint64_t next_ = 1;
    std::uint64_t heard_ = 0;
    std::uint64_t acked_ = 0;
    std::int64_t allowed_ = 0;
    Acks* acks_ = nullptr;
    bool heard_now_ = false;
};

}  // namespace replayd::trust
