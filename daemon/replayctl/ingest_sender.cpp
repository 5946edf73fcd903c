#include "daemon/replayctl/ingest_sender.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "daemon/config/version.hpp"
#include "daemon/protocol/codec.hpp"
#include "daemon/protocol/codes.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/daemon_api.hpp"
#include "daemon/replayctl/human_text.hpp"

namespace replayd::ctl {
namespace {

/// Longer than the 30 s for which a daemon that shares the stream may read what others have sent before it answers.
constexpr std::chrono::seconds k_welcome_timeout{60};
constexpr std::chrono::milliseconds k_ack_wait{100};     // then the progress bar is drawn again
constexpr std::chrono::milliseconds k_first_pause{200};  // before a second attempt; doubled each time
constexpr std::chrono::milliseconds k_longest_pause{3000};

/// The daemon's refusal with the Code of the same name, where there is one.
Error error_of(const protocol::Failure& failure) {
    return Error{code_named(failure.code).value_or(Code::failed_state), failure.message};
}

/// The daemon goes down or cannot right now: it, or the next one, may take the stream up again.
bool passes(const protocol::Failure& failure) {
    return failure.code == protocol::k_draining.name || failure.code == protocol::facts(Code::unavailable).name;
}

}  // namespace

Result<void> IngestSender::run() {
    auto pause = k_first_pause;
    std::optional<Clock::time_point> lost_at;  // a daemon that was never there is not waited for
    for (;;) {
        welcomed_ = false;
        const auto outcome = serve_connection();
        if (outcome) return {};
        const Error& error = outcome.error();
        if (welcomed_) {
            lost_at = Clock::now();
            pause = k_first_pause;
        }
        const bool away = error.code == Code::unavailable || error.code == Code::io;
        if (refused_ || !away || !lost_at || Clock::now() - *lost_at >= options_.retry) return tl::unexpected(error);
        bar_.wipe();
        note(error.message + "; trying again");
        std::this_thread::sleep_for(pause);
        pause = std::min(2 * pause, k_longest_pause);
        ++reconnects_;
    }
}

Result<void> IngestSender::serve_connection() {
    auto client = net::WebSocketClient::connect(daemon_, "/ingest/v1", std::string(protocol::k_subprotocol));
    if (!client) return tl::unexpected(client.error());
    if (auto said = say_hello(**client); !said) return tl::unexpected(said.error());
    auto done = send_all(**client);
    if (done) (*client)->close(protocol::k_close_done);
    return done;
}

Result<void> IngestSender::say_hello(net::WebSocketClient& client) {
    protocol::Hello hello;
    hello.stream = options_.stream;
    hello.scenarios = options_.scenarios;
    hello.speed = options_.speed;
    hello.request_rows = options_.request_rows;
    hello.client = "replayctl/" + std::string(config::k_version);
    const bool binary = !options_.json_frames;
    if (auto sent = client.send(protocol::encode_client_message(hello, binary), binary); !sent) return sent;
    const auto answer = receive(client, k_welcome_timeout);
    if (!answer) return tl::unexpected(answer.error());
    if (!*answer) return fail(Code::io, "no welcome within 60 s: is something else listening there?");
    const auto* welcome = std::get_if<protocol::Welcome>(&**answer);
    if (welcome == nullptr) return take(**answer);
    if (auto resumed = batches_.resume(*welcome); !resumed) {
        refused_ = true;
        return resumed;
    }
    welcomed_ = true;
    ended_ = welcome->ended;
    end_sent_ = false;
    credit_ = static_cast<std::int64_t>(welcome->credit);
    durable_arrivals_ = welcome->arrivals;
    return {};
}

bool IngestSender::complete() const {
    if (!trace_done_ || batches_.in_flight() > 0) return false;
    return ended_ || !options_.end;
}

Result<void> IngestSender::send_all(net::WebSocketClient& client) {
    for (;;) {
        const auto sent = send_next(client);
        if (!sent) return tl::unexpected(sent.error());
        if (complete()) return {};
        // With something left to send only what is there already is read.
        const auto message = receive(client, *sent ? std::chrono::milliseconds(0) : k_ack_wait);
        if (!message) return tl::unexpected(message.error());
        if (*message) {
            if (auto taken = take(**message); !taken) return tl::unexpected(taken.error());
        }
        show();
    }
}

/// Sends the next frame if the credit allows; false when it does not, or when nothing is left.
Result<bool> IngestSender::send_next(net::WebSocketClient& client) {
    const bool binary = !options_.json_frames;
    const auto frame = batches_.peek();
    if (!frame) {
        refused_ = true;
        return tl::unexpected(frame.error());
    }
    if (*frame != nullptr) {
        if (batches_.in_flight() + (*frame)->arrivals > credit_) {
            // With nothing on the way no ack will bring more credit than the stream's limit allows.
            if (batches_.in_flight() > 0 || credit_ < 1) return false;
            if (auto fitted = batches_.cut(credit_); !fitted) return tl::unexpected(fitted.error());
            return batches_.peek().map([this](const Frame* next) { return next->arrivals <= credit_; });
        }
        if (auto sent = client.send((*frame)->bytes, binary); !sent) return tl::unexpected(sent.error());
        batches_.sent();
        return true;
    }
    trace_done_ = batches_.trace().ended();
    if (!trace_done_ || !options_.end || ended_ || end_sent_) return false;
    end_sent_ = true;
    const protocol::End end{batches_.end_seq()};
    return client.send(protocol::encode_client_message(end, binary), binary).map([] { return false; });
}

Result<std::optional<protocol::ServerMessage>> IngestSender::receive(net::WebSocketClient& client,
                                                                     std::chrono::milliseconds timeout) {
    auto message = client.receive(timeout);
    if (!message) return tl::unexpected(message.error());
    if (!*message) return std::nullopt;
    auto decoded = protocol::decode_server_message((*message)->data, (*message)->binary);
    if (!decoded) {
        refused_ = true;
        return tl::unexpected(decoded.error());
    }
    return std::optional<protocol::ServerMessage>(std::move(*decoded));
}

Result<void> IngestSender::take(const protocol::ServerMessage& message) {
    if (const auto* failure = std::get_if<protocol::Failure>(&message)) {
        if (passes(*failure)) return fail(Code::unavailable, failure->message);
        refused_ = true;
        return tl::unexpected(error_of(*failure));
    }
    const auto* ack = std::get_if<protocol::Ack>(&message);
    if (ack == nullptr) {
        refused_ = true;
        return fail(Code::io, "a second welcome: expected acks");
    }
    credit_ = static_cast<std::int64_t>(ack->credit);
    durable_arrivals_ = ack->arrivals;
    batches_.acknowledge(ack->seq);
    ended_ = ended_ || (end_sent_ && ack->seq >= batches_.end_seq());
    return {};
}

void IngestSender::show() {
    Progress progress = batches_.trace().progress();
    progress.items = durable_arrivals_;
    progress.unit = "acked";
    if (progress.known && progress.ratio > 0) {
        // Sent is not durable: the bar shows what was acknowledged.
        const double taken = static_cast<double>(std::max<std::int64_t>(1, batches_.trace().taken()));
        progress.ratio *= static_cast<double>(durable_arrivals_) / taken;
    }
    if (batches_.in_flight() > 0) progress.detail = count_text(batches_.in_flight()) + " in flight";
    bar_.update(progress);
}

}  // namespace replayd::ctl
