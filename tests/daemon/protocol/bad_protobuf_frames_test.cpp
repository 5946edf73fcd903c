// Binary frames that must be refused, each with the exact message that its sender reads; and random bytes.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/protocol/codec.hpp"
#include "daemon/protocol/limits.hpp"
#include "replay/base/random.hpp"
#include "tests/daemon/protocol/samples.hpp"

namespace replayd::protocol {
namespace {

using Bytes = std::string;

/// Hand-made wire bytes: a length-delimited field, a varint field of one byte.
Bytes delimited(int field, const Bytes& payload) {
    return Bytes{static_cast<char>(field << 3 | 2), static_cast<char>(payload.size())} + payload;
}
Bytes varint(int field, int value) { return {static_cast<char>(field << 3), static_cast<char>(value)}; }

Bytes batch(const Bytes& arrivals) { return delimited(2, varint(1, 1) + arrivals); }
Bytes arrival(const Bytes& fields) { return delimited(2, fields); }

const Bytes k_tokens = varint(3, 1) + varint(4, 1);

struct Case {
    Bytes frame;
    std::string message;
    Code code = Code::invalid_argument;
};

// One table of all that can be wrong with the bytes themselves.
TEST(BadProtobufFrames, are_refused_with_the_place) {
    const std::string known = ": expected the fields of replayd.v1.";
    const std::vector<Case> cases = {
        {"", "the frame has 0 messages: expected exactly one of hello, batch, end"},
        {delimited(3, varint(1, 1)) + delimited(3, varint(1, 2)),
         "the frame has 2 messages: expected exactly one of hello, batch, end"},
        {"\x12", "batch is cut off in the middle of its length"},
        {"\x12\x05\x08", "batch is cut off: 5 bytes announced, 1 left"},
        {"\x92", "the frame ends in the middle of a field's tag (1 bytes left)"},
        {batch("\x08"), "batch.seq is cut off in the middle of its varint"},
        {batch("\x08" + Bytes(11, '\xff')), "batch.seq is a varint of more than 10 bytes: expected at most 10"},
        {batch(arrival("\x0a\x14xyz")), "batch.arrivals[0].id is cut off: 20 bytes announced, 3 left"},
        {batch(arrival(delimited(1, "a") + k_tokens) + arrival(delimited(1, "\xc3\x28"))),
         "batch.arrivals[1].id is \"\\xc3(\": expected UTF-8"},
        {batch(arrival(delimited(1, "a") + delimited(3, "5"))),
         "batch.arrivals[0].prompt_tokens has wire type 2 (length-delimited): expected 0 (varint)"},
        {batch(arrival(varint(1, 5))), "batch.arrivals[0].id has wire type 0 (varint): expected 2 (length-delimited)"},
        {varint(2, 5), "batch has wire type 0 (varint): expected 2 (length-delimited)"},
        {delimited(1, delimited(5, "fast")), "hello.speed has wire type 2 (length-delimited): expected 1 (64-bit)"},
        {delimited(1, "\x29zz"), "hello.speed is cut off: expected 8 bytes, 2 left"},
        {batch(arrival("\x0b")), "batch.arrivals[0].id has wire type 3 (group start): expected 2 (length-delimited)"},
        {batch(arrival(delimited(6, "\xff"))),
         "batch.arrivals[0].prefix_hashes[0] holds a broken varint: expected packed varints"},
        {batch(arrival(delimited(1, "a") + k_tokens + varint(15, 1))),
         "batch.arrivals[0] has the unknown field 15" + known + "Arrival in proto/replayd.proto"},
        {delimited(9, ""), "the frame has the unknown field 9" + known + "ClientMessage in proto/replayd.proto"},
        {Bytes("\x00", 1), "the frame has the unknown field 0" + known + "ClientMessage in proto/replayd.proto"},
        {delimited(1, delimited(3, varint(7, 1))),
         "hello.traced_system has the unknown field 7" + known + "TracedSystem in proto/replayd.proto"},
        {delimited(3, varint(2, 1)), "end has the unknown field 2" + known + "End in proto/replayd.proto"},
    };
    for (const Case& c : cases) {
        const auto decoded = decode_client_message(c.frame, true);
        ASSERT_FALSE(decoded) << c.message;
        EXPECT_EQ(decoded.error().message, c.message);
        EXPECT_EQ(decoded.error().code, c.code) << c.message;
    }
}

// Sound bytes with bad values get the same text as JSON gets.
TEST(BadProtobufFrames, bad_values_read_as_in_json) {
    ArrivalBatch negative = testing::plain_batch(4);
    negative.arrivals[3].prompt = Tokens(-4);
    ArrivalBatch unordered = testing::plain_batch(2);
    unordered.arrivals[1].at = VirtualTime(0);
    unordered.arrivals[0].at = VirtualTime(9);
    ArrivalBatch no_seq = testing::plain_batch(1);
    no_seq.seq = 0;
    const std::pair<ClientMessage, std::string> cases[] = {
        {negative, "batch.arrivals[3].prompt_tokens is -4: expected 1 to 2147483647"},
        {unordered,
         "batch.arrivals[1].arrival_ns is 0, before the 9 of batch.arrivals[0]: expected times that never decrease "
         "inside a batch"},
        {no_seq, "batch.seq is 0: expected 1 or more"},
        {Hello{}, "hello.stream is empty: expected 1 to 128 characters of A-Z a-z 0-9 . _ -"},
        {End{}, "end.seq is 0: expected 1 or more"},
        {testing::plain_batch(k_arrivals_per_batch_max + 1),
         "batch.arrivals has 10001 entries: expected at most 10000"},
    };
    for (const auto& [message, text] : cases) {
        for (const bool binary : {true, false}) {
            const auto decoded = decode_client_message(encode_client_message(message, binary), binary);
            ASSERT_FALSE(decoded) << text;
            EXPECT_EQ(decoded.error().message, text) << "binary " << binary;
        }
    }
}

// A frame of empty arrivals would make a hundred times its size of messages: it is refused by counting, unparsed.
TEST(BadProtobufFrames, millions_of_empty_arrivals_are_refused_by_count) {
    Bytes arrivals;
    for (int i = 0; i < 1'000'000; ++i) arrivals += Bytes("\x12\x00", 2);
    const Bytes length = "\x80\x89\x7a";  // 2,000,000 as a varint
    const auto decoded = decode_client_message("\x12" + length + arrivals, true);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().message, "batch.arrivals has 1000000 entries: expected at most 10000");
    EXPECT_EQ(decoded.error().code, Code::too_large);
}

// Every prefix of a good frame is refused with a message that names a place, never accepted as something else.
TEST(BadProtobufFrames, every_truncation_is_refused) {
    for (const ClientMessage& message : testing::client_messages()) {
        const std::string frame = encode_client_message(message, true);
        for (std::size_t size = 0; size < frame.size(); ++size) {
            const auto decoded = decode_client_message(std::string_view(frame).substr(0, size), true);
            ASSERT_FALSE(decoded) << size;
            EXPECT_NE(decoded.error().message.find(size == 0 ? "0 messages" : "cut off"), std::string::npos)
                << decoded.error().message;
        }
    }
}

// Flipped bytes and noise, as both kinds of frame: a value or one message, never a crash (the sanitizer builds
// watch); what is accepted can be encoded and decoded again.
TEST(BadProtobufFrames, noise_yields_a_value_or_a_message) {
    Random random(20240607);
    const std::vector<ClientMessage> samples = testing::client_messages();
    int accepted = 0;
    int refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        const bool binary = round % 2 == 0;
        std::string frame = encode_client_message(samples[random.below(samples.size())], binary);
        for (std::uint64_t flips = random.below(4) + 1; flips > 0; --flips) {
            frame[random.below(frame.size())] = static_cast<char>(random.below(256));
        }
        if (round % 8 == 0) frame = frame.substr(random.below(frame.size()));
        const auto decoded = decode_client_message(frame, binary);
        if (!decoded) {
            EXPECT_FALSE(decoded.error().message.empty());
            ++refused;
            continue;
        }
        const auto again = decode_client_message(encode_client_message(*decoded, binary), binary);
        ASSERT_TRUE(again) << again.error().message;
        EXPECT_EQ(*again, *decoded);
        ++accepted;
    }
    EXPECT_GT(accepted, 0);
    EXPECT_GT(refused, accepted);
}

}  // namespace
}  // namespace replayd::protocol
