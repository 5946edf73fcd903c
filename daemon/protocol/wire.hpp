#pragma once
// What protobuf's own parser does not tell: how many arrivals a frame holds before memory is spent on them, and
// what exactly is wrong with bytes that it refuses. Encoding: protobuf.dev/programming-guides/encoding.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace google::protobuf {
class Descriptor;
}

namespace replayd::protocol::impl {

struct FrameShape {
    std::size_t messages = 0;  ///< top-level fields; a frame holds exactly one
    std::size_t arrivals = 0;  ///< over all batches
};

/// Counts by stepping over fields, without allocation; malformed bytes end the count. O(arrivals).
[[nodiscard]] FrameShape shape_of_client_frame(std::string_view frame);
/// Number of arrivals in the bytes of an ArrivalBatch.
[[nodiscard]] std::size_t arrivals_in_batch(std::string_view batch);

/// The first thing wrong with `bytes` as a message of `type`: cut off, unknown field, wrong wire type, not
/// UTF-8 ("batch.arrivals[0].id is cut off: 20 bytes announced, 3 left"); nothing when they are well formed.
/// `path` is the name of the message itself, empty for a whole frame.
[[nodiscard]] std::optional<std::string> wire_violation(std::string_view bytes,
                                                        const google::protobuf::Descriptor& type,
                                                        const std::string& path);

}  // namespace replayd::protocol::impl
