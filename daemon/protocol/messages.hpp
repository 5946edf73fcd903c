#pragma once
// The messages of ingest protocol replayd.v1 as plain values: what a frame holds once it is decoded, whether
// it came as protobuf or as JSON. Meaning of every field: proto/replayd.proto and proto/README.md.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::protocol {

/// Websocket subprotocol of the ingest path.
inline constexpr std::string_view k_subprotocol = "replayd.v1";

/// How the server that produced the trace was configured; empty where unknown.
struct TracedSystem {
    std::string engine;
    std::string engine_version;
    std::string model;
    std::string gpu;
    std::int64_t gpus = 0;  ///< 0 where unknown
    std::map<std::string, std::string> settings;

    bool operator==(const TracedSystem&) const = default;
};

/// First message of a client.
struct Hello {
    std::string stream;
    std::vector<std::string> scenarios;
    TracedSystem traced_system;
    std::string client;  ///< name and version, for the log
    double speed = 0;    ///< 0: as fast as possible; otherwise a factor of real time
    std::string request_rows;  ///< as storage::RequestPolicy; empty: all

    bool operator==(const Hello&) const = default;
};

struct ArrivalBatch {
    std::uint64_t seq = 0;                 ///< 1, 2, 3, … without gaps
    std::vector<Arrival> arrivals;         ///< times never decrease
    std::optional<VirtualTime> watermark;  ///< no later arrival is earlier; unset: the last arrival's time

    bool operator==(const ArrivalBatch&) const = default;
};

/// No arrival follows; `seq` continues the numbering of batches.
struct End {
    std::uint64_t seq = 0;

    bool operator==(const End&) const = default;
};

/// Answer to Hello.
struct Welcome {
    std::uint64_t next_seq = 1;
    std::uint64_t credit = 0;    ///< arrivals the client may send now
    std::int64_t arrivals = 0;   ///< already durable
    VirtualTime watermark;
    bool ended = false;
    std::vector<std::string> runs;  ///< run ids, in the order of the scenarios

    bool operator==(const Welcome&) const = default;
};

/// Batches up to `seq` are durable.
struct Ack {
    std::uint64_t seq = 0;
    std::uint64_t credit = 0;   ///< arrivals the client may send beyond `seq`
    std::int64_t arrivals = 0;  ///< durable in the stream

    bool operator==(const Ack&) const = default;
};

/// Why the daemon closes the connection; the last message before the close frame.
struct Failure {
    std::string code;     ///< see codes.hpp
    std::string message;
    std::uint64_t seq = 0;  ///< batch at fault; 0 if none

    bool operator==(const Failure&) const = default;
};

using ClientMessage = std::variant<Hello, ArrivalBatch, End>;
using ServerMessage = std::variant<Welcome, Ack, Failure>;

}  // namespace replayd::protocol
