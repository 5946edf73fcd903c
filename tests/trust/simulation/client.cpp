#include "tests/trust/simulation/client.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "daemon/protocol/codec.hpp"

namespace replayd::trust {

SimClient::SimClient(std::string stream, std::vector<std::string> scenarios, const std::vector<Arrival>& arrivals,
                     double speed, Random& random, std::function<void(const std::string&)> violation)
    : stream_(std::move(stream)),
      scenarios_(std::move(scenarios)),
      speed_(speed),
      binary_(random.below(2) == 0),
      violation_(std::move(violation)) {
    for (std::size_t at = 0; at < arrivals.size();) {
        const std::size_t end = std::min(arrivals.size(), at + 1 + random.below(8));
        batches_.emplace_back(arrivals.begin() + static_cast<std::ptrdiff_t>(at),
                              arrivals.begin() + static_cast<std::ptrdiff_t>(end));
        at = end;
    }
}

void SimClient::send(const protocol::ClientMessage& message) {
    socket_->to_server.push_back({protocol::encode_client_message(message, binary_), binary_});
}

void SimClient::connect(std::shared_ptr<SimSocket> socket) {
    socket_ = std::move(socket);
    welcomed_ = false;
    heard_seq_ = 0;
    protocol::Hello hello;
    hello.stream = stream_;
    hello.scenarios = scenarios_;
    hello.client = "simulation";
    hello.speed = speed_;
    send(hello);
}

std::int64_t SimClient::arrivals_up_to(std::uint64_t seq) const {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(seq, batches_.size()); ++i) {
        count += static_cast<std::int64_t>(batches_[i].size());
    }
    return count;
}

bool SimClient::act(Random& random) {
    if (!welcomed_ || socket_->closed()) return false;
    if (next_seq_ > 1 && random.below(20) == 0) {
        const std::uint64_t again = 1 + random.below(std::min<std::uint64_t>(next_seq_ - 1, batches_.size()));
        send(protocol::ArrivalBatch{again, batches_[again - 1], std::nullopt});
        return true;
    }
    if (next_seq_ > batches_.size() + 1) return false;
    if (next_seq_ <= batches_.size() && arrivals_up_to(next_seq_) > allowed_) return false;
    sent_seq_ = std::max(sent_seq_, next_seq_);
    if (next_seq_ == batches_.size() + 1) {
        send(protocol::End{next_seq_++});
        return true;
    }
    send(protocol::ArrivalBatch{next_seq_, batches_[next_seq_ - 1], std::nullopt});
    ++next_seq_;
    return true;
}

void SimClient::receive(const SimSocket::Frame& frame) {
    const auto message = protocol::decode_server_message(frame.bytes, frame.binary);
    if (!message) return violation_("the daemon's message cannot be read: " + message.error().message);
    if (const auto* welcome = std::get_if<protocol::Welcome>(&*message)) take(*welcome);
    if (const auto* ack = std::get_if<protocol::Ack>(&*message)) take(*ack);
    if (std::holds_alternative<protocol::Failure>(*message)) welcomed_ = false;
}

void SimClient::take(const protocol::Welcome& welcome) {
    const std::uint64_t durable = welcome.next_seq - 1 + (welcome.ended ? 1 : 0);
    if (durable < acked_seq_) {
        violation_("stream " + stream_ + ": message " + std::to_string(acked_seq_) + " was acknowledged, but only " +
                   std::to_string(durable) + " are durable");
    }
    if (welcome.arrivals != arrivals_up_to(welcome.next_seq - 1)) {
        violation_("stream " + stream_ + ": the welcome counts " + std::to_string(welcome.arrivals) +
                   " arrivals up to batch " + std::to_string(welcome.next_seq - 1));
    }
    welcomed_ = true;
    next_seq_ = durable + 1;
    heard_seq_ = durable;
    acked_seq_ = std::max(acked_seq_, durable);
    allowed_ = welcome.arrivals + static_cast<std::int64_t>(welcome.credit);
}

void SimClient::take(const protocol::Ack& ack) {
    if (ack.seq < heard_seq_) violation_("stream " + stream_ + ": acks go back to " + std::to_string(ack.seq));
    if (ack.seq > sent_seq_) violation_("stream " + stream_ + ": ack of " + std::to_string(ack.seq) + ", never sent");
    if (ack.arrivals != arrivals_up_to(ack.seq)) {
        violation_("stream " + stream_ + ": the ack of " + std::to_string(ack.seq) + " counts " +
                   std::to_string(ack.arrivals) + " arrivals");
    }
    heard_seq_ = ack.seq;
    acked_seq_ = std::max(acked_seq_, ack.seq);
    allowed_ = std::max(allowed_, ack.arrivals + static_cast<std::int64_t>(ack.credit));
}

}  // namespace replayd::trust
