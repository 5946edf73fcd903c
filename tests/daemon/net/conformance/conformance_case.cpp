#include "tests/daemon/net/conformance/conformance_case.hpp"

#include <algorithm>
#include <utility>

namespace replayd::net::testing {
namespace {

constexpr std::chrono::seconds k_patience{120};   // for what must come; never reached by a server that works
constexpr std::chrono::milliseconds k_quiet{50};  // for what must not come

/// Plays one script and keeps what came back.
class Player {
public:
    Player(std::uint16_t port, const ConformanceCase& one) : socket_(port), case_(one) {}

    std::string play() {
        if (!socket_.open()) return "the handshake failed";
        for (const Step& step : case_.script) {
            if (std::string trouble = take(step); !trouble.empty()) return trouble;
        }
        if (case_.ending == Ending::by_client) {
            if (!read_until([this] { return events_.size() >= case_.events.size(); })) return missing();
            socket_.send({k_close, close_payload(1000)});
        }
        read_until([] { return false; });
        return verdict();
    }

private:
    std::string take(const Step& step) {
        switch (step.kind) {
            case Step::Kind::send:
                // A server that has failed the connection already reads no more: the end tells.
                static_cast<void>(socket_.send_bytes(step.bytes, step.chop));
                return "";
            case Step::Kind::await_events:
                return read_until([&] { return events_.size() >= step.count; }) ? "" : missing();
            case Step::Kind::stay_open:
                static_cast<void>(read_one(k_quiet));
                return closed_ || socket_.ended() ? "the server closed before it had a reason to" : "";
            case Step::Kind::await_end:
                read_until([this] { return closed_; });
                return closed_ || socket_.ended() ? "" : "the server did not fail the connection at once";
        }
        return "";
    }

    /// Reads until `done` or the end of the connection; whether it was `done`.
    template <class Done>
    bool read_until(Done done) {
        while (!done()) {
            if (!read_one(k_patience)) return done();
        }
        return true;
    }

    bool read_one(std::chrono::milliseconds patience) {
        auto frame = socket_.read(patience);
        if (!frame) return false;
        if (frame->reserved != 0) note("the server set reserved bits");
        if (closed_) note("the server sent a frame after its close frame");
        switch (frame->opcode) {
            case k_close:
                closed_ = true;
                close_payload_ = std::move(frame->payload);
                if (case_.ending == Ending::by_server) socket_.send({k_close, close_payload_});
                break;
            case k_text:
            case k_binary:
            case k_continuation:
                part_of_message(*frame);
                break;
            default:
                events_.push_back(std::move(*frame));
        }
        return true;
    }

    void part_of_message(const Frame& frame) {
        if ((frame.opcode == k_continuation) != message_.has_value()) note("the server's fragments are out of order");
        if (!message_) message_ = Frame{frame.opcode, "", true, 0};
        message_->payload += frame.payload;
        if (frame.fin) events_.push_back(*std::exchange(message_, std::nullopt));
    }

    void note(const char* trouble) {
        if (trouble_.empty()) trouble_ = trouble;
    }

    [[nodiscard]] std::string missing() const {
        return std::to_string(events_.size()) + " of " + std::to_string(case_.events.size()) +
               " events came; the connection is " + (socket_.ended() ? "closed" : "open");
    }

    [[nodiscard]] std::string verdict() const {
        if (!socket_.broken().empty()) return socket_.broken();
        if (!trouble_.empty()) return trouble_;
        if (!socket_.ended()) return "the server did not close the connection";
        if (case_.informational) return "";
        if (events_ != case_.events) return "other events than expected: " + missing();
        if (case_.clean && !closed_) return "no close frame came";
        if (!closed_ || close_payload_.empty()) return "";
        const unsigned code = static_cast<unsigned>(static_cast<unsigned char>(close_payload_[0])) << 8U |
                              static_cast<unsigned char>(close_payload_.at(1));
        const bool allowed = std::find(case_.codes.begin(), case_.codes.end(), code) != case_.codes.end();
        return allowed ? "" : "the server closed with " + std::to_string(code);
    }

    RawWebSocket socket_;
    const ConformanceCase& case_;
    std::vector<Frame> events_;
    std::optional<Frame> message_;
    std::string close_payload_;
    std::string trouble_;
    bool closed_ = false;
};

}  // namespace

std::string run_case(std::uint16_t port, const ConformanceCase& one) {
    return Player(port, one).play();
}

Step sending(const Frame& frame, std::size_t chop) {
    return {Step::Kind::send, bytes_of(frame), chop, 0};
}

Step sending_bytes(std::string bytes, std::size_t chop) {
    return {Step::Kind::send, std::move(bytes), chop, 0};
}

std::string in_fragments(unsigned opcode, std::string_view payload, std::size_t fragment) {
    std::string out;
    do {
        const std::string_view piece = payload.substr(0, fragment);
        payload.remove_prefix(piece.size());
        out += bytes_of({opcode, std::string(piece), payload.empty(), 0});
        opcode = k_continuation;
    } while (!payload.empty());
    return out;
}

ConformanceCase echo_case(std::string number, unsigned opcode, std::string payload, std::size_t chop) {
    ConformanceCase one;
    one.number = std::move(number);
    one.script = {sending({opcode, payload}, chop)};
    one.events = {{opcode, std::move(payload)}};
    return one;
}

ConformanceCase failing_case(std::string number, std::vector<Step> script, std::vector<Frame> events,
                             std::vector<unsigned> codes) {
    ConformanceCase one;
    one.number = std::move(number);
    one.script = std::move(script);
    one.events = std::move(events);
    one.ending = Ending::by_server;
    one.codes = std::move(codes);
    one.clean = false;
    return one;
}

}  // namespace replayd::net::testing
