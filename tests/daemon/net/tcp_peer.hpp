#pragma once
// Plain TCP to a server on the loopback, for programs that send what no client would: nothing here fails a test,
// everything is told to the caller.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace replayd::net::testing {

enum class Arrived { bytes, end, nothing };

class TcpPeer {
public:
    /// Connects to 127.0.0.1; a failure shows as `end` on the first read.
    explicit TcpPeer(std::uint16_t port);
    ~TcpPeer();
    TcpPeer(const TcpPeer&) = delete;
    TcpPeer& operator=(const TcpPeer&) = delete;

    /// Sends all of it in writes of `chop` bytes (0: in one); false when the peer has closed.
    bool send(std::string_view bytes, std::size_t chop = 0);
    /// Says that nothing more comes, and goes on reading.
    void finish_sending();
    /// Appends what comes to `into`; `nothing` after `patience`. A reset connection is an end.
    Arrived read(std::string& into, std::chrono::milliseconds patience);
    /// Everything until the server closes; `closed` is false when `patience` ran out between two pieces.
    std::string read_to_end(std::chrono::milliseconds patience, bool& closed);

private:
    int fd_;
};

}  // namespace replayd::net::testing
