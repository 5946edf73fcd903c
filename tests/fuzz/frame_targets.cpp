#include "daemon/protocol/codec.hpp"
#include "daemon/protocol/validate.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/targets.hpp"

namespace replayd::fuzz {
namespace {

/// A frame that is accepted satisfies the protocol's rules and means the same in both encodings.
void frame(std::string_view input, bool binary) {
    if (const auto message = protocol::decode_client_message(input, binary)) {
        std::visit([](const auto& value) { REPLAYD_ASSERT(!protocol::violation(value)); }, *message);
        for (const bool encoding : {false, true}) {
            const auto again =
                protocol::decode_client_message(protocol::encode_client_message(*message, encoding), encoding);
            REPLAYD_ASSERT(again && *again == *message);
        }
    } else {
        check_message(message.error());
    }
    if (const auto message = protocol::decode_server_message(input, binary)) {
        for (const bool encoding : {false, true}) {
            const auto again =
                protocol::decode_server_message(protocol::encode_server_message(*message, encoding), encoding);
            REPLAYD_ASSERT(again && *again == *message);
        }
    } else {
        check_message(message.error());
    }
}

}  // namespace

void json_frame(std::string_view input) {
    frame(input, false);
}

void protobuf_frame(std::string_view input) {
    frame(input, true);
    const auto batch = protocol::parse_log_batch(input);
    if (!batch) return check_message(batch.error());
    const auto again = protocol::parse_log_batch(protocol::serialize_log_batch(*batch));
    REPLAYD_ASSERT(again && *again == *batch);
}

}  // namespace replayd::fuzz
