#pragma once
// A patient client of the ingest protocol, which remembers what it was promised and checks that it is kept.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/protocol/messages.hpp"
#include "tests/trust/simulation/parts.hpp"

namespace replayd::trust {

class SimClient {
public:
    /// `arrivals` are cut into batches by the draw, the same ones for the client's whole life.
    SimClient(std::string stream, std::vector<std::string> scenarios, const std::vector<Arrival>& arrivals,
              double speed, Random& random, std::function<void(const std::string&)> violation);

    [[nodiscard]] const std::string& stream() const { return stream_; }
    [[nodiscard]] bool connected() const { return socket_ != nullptr; }
    /// Everything and the end are acknowledged.
    [[nodiscard]] bool done() const { return acked_seq_ > batches_.size(); }
    [[nodiscard]] std::uint64_t acked_seq() const { return acked_seq_; }

    /// Says hello on a fresh connection.
    void connect(std::shared_ptr<SimSocket> socket);
    /// The connection is gone as far as this client knows.
    void lose_connection() { socket_ = nullptr; }
    /// Sends what comes next, or now and then something that it sent before. False when it has to wait.
    bool act(Random& random);
    void receive(const SimSocket::Frame& frame);
    /// After a power loss under `durability = "normal"` the last acknowledgements may not hold.
    void forgive() { acked_seq_ = 0; }

private:
    void take(const protocol::Welcome& welcome);
    void take(const protocol::Ack& ack);
    void send(const protocol::ClientMessage& message);
    [[nodiscard]] std::int64_t arrivals_up_to(std::uint64_t seq) const;

    const std::string stream_;
    const std::vector<std::string> scenarios_;
    const double speed_;
    const bool binary_;
    std::vector<std::vector<Arrival>> batches_;
    const std::function<void(const std::string&)> violation_;
    std::shared_ptr<SimSocket> socket_;
    bool welcomed_ = false;
    std::uint64_t next_seq_ = 1;
    std::uint64_t sent_seq_ = 0;   ///< highest ever: the welcome does not tell of batches that are on their way to disk
    std::uint64_t heard_seq_ = 0;  ///< of the latest ack on this connection
    std::uint64_t acked_seq_ = 0;  ///< of the latest ack ever
    std::int64_t allowed_ = 0;     ///< arrivals that may have been sent in all
};

}  // namespace replayd::trust
