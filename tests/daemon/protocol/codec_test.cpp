#include "daemon/protocol/codec.hpp"

#include <gtest/gtest.h>

#include "daemon/protocol/limits.hpp"
#include "tests/daemon/protocol/samples.hpp"

namespace replayd::protocol {
namespace {

using testing::client_messages;
using testing::full_batch;
using testing::plain_batch;
using testing::server_messages;

/// The decoded message, or a failed test with the decoder's complaint.
ClientMessage decoded(std::string_view frame, bool binary) {
    auto message = decode_client_message(frame, binary);
    if (message) return std::move(*message);
    ADD_FAILURE() << message.error().message;
    return {};
}

// The same message through both encodings is the same value: nothing is lost, rounded or defaulted.
TEST(Codec, client_messages_survive_protobuf_and_json) {
    for (const ClientMessage& message : client_messages()) {
        for (const bool binary : {true, false}) {
            EXPECT_EQ(decoded(encode_client_message(message, binary), binary), message) << "binary " << binary;
        }
    }
}

// As above for what the daemon sends.
TEST(Codec, server_messages_survive_protobuf_and_json) {
    for (const ServerMessage& message : server_messages()) {
        for (const bool binary : {true, false}) {
            const auto again = decode_server_message(encode_server_message(message, binary), binary);
            ASSERT_TRUE(again) << again.error().message;
            EXPECT_EQ(*again, message) << "binary " << binary;
        }
    }
}

// Whatever frame a batch came in, the log holds the same bytes, and they read back as the same batch.
TEST(Codec, log_payload_does_not_depend_on_the_frame) {
    const std::string payload = serialize_log_batch(full_batch());
    for (const bool binary : {true, false}) {
        const ClientMessage message = decoded(encode_client_message(full_batch(), binary), binary);
        EXPECT_EQ(serialize_log_batch(std::get<ArrivalBatch>(message)), payload);
    }
    const auto batch = parse_log_batch(payload);
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_EQ(*batch, full_batch());
}

// A damaged log is an error of the system, not of a client, and says what to do.
TEST(Codec, damaged_log_payload_is_an_io_error) {
    const std::string payload = serialize_log_batch(plain_batch(1));
    const auto cut = parse_log_batch(std::string_view(payload).substr(0, payload.size() - 1));
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, Code::io);
    EXPECT_EQ(cut.error().message,
              "the logged batch of 18 bytes is damaged (batch.arrivals[0] is cut off: 15 bytes announced, 14 left): "
              "expected what replayd logged; restore the database");
    const auto empty = parse_log_batch("");
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().message,
              "the logged batch of 0 bytes is damaged (batch.seq is 0: expected 1 or more): expected what replayd "
              "logged; restore the database");
}

// The examples of proto/README.md, with integers as numbers and as decimal strings.
TEST(Codec, json_takes_numbers_and_decimal_strings) {
    const ClientMessage numbers = decoded(
        R"({"batch":{"seq":1,"arrivals":[{"id":"a","arrival_ns":5,"prompt_tokens":32,"output_tokens":7,)"
        R"("prefix_hashes":[18446744073709551615],"prefix_block_tokens":16}]}})",
        false);
    const ClientMessage strings = decoded(
        R"({"batch":{"arrivals":[{"output_tokens":"7","prompt_tokens":"32","arrival_ns":"5","id":"a",)"
        R"("prefix_hashes":["18446744073709551615"],"prefix_block_tokens":"16"}],"seq":"1"}})",
        false);
    EXPECT_EQ(numbers, strings);
    EXPECT_EQ(std::get<ArrivalBatch>(numbers).arrivals.at(0).prefix_hashes.at(0), 18446744073709551615u);
}

// Limits are inclusive: a batch of the largest size passes in both encodings.
TEST(Codec, largest_batch_is_accepted) {
    const ArrivalBatch batch = plain_batch(k_arrivals_per_batch_max);
    for (const bool binary : {true, false}) {
        EXPECT_EQ(decoded(encode_client_message(batch, binary), binary), ClientMessage(batch));
    }
}

// A reader of JSON may be off in the last bit of a number with many digits (found by fuzzing): the factor keeps 12.
TEST(Codec, a_speed_of_many_digits_means_the_same_in_both_encodings) {
    for (const std::string digits :
         {"1.99999999999999999999999999999", "0.30000000000000004", "123456789012345678901234567890",
          "1999999999999999999999999999999999999999999999999999999999999999999999999990", "0.1", "60", "1e-300"}) {
        const auto message = decode_client_message(R"({"hello":{"stream":"s","speed":)" + digits + "}}", false);
        ASSERT_TRUE(message) << digits << ": " << message.error().message;
        EXPECT_NEAR(std::get<Hello>(*message).speed / std::stod(digits), 1, 1e-11) << digits;
        for (const bool binary : {false, true}) {
            const auto again = decode_client_message(encode_client_message(*message, binary), binary);
            ASSERT_TRUE(again);
            EXPECT_EQ(std::get<Hello>(*again).speed, std::get<Hello>(*message).speed) << digits;
        }
    }
}

}  // namespace
}  // namespace replayd::protocol
