// Keyed hashes of ids: the published algorithm, stable per salt, and nothing else of the arrival changes.

#include "daemon/access/id_hasher.hpp"

#include <gtest/gtest.h>

namespace replayd::access {
namespace {

Arrival sample() {
    Arrival arrival;
    arrival.id = "request-1";
    arrival.at = VirtualTime(5);
    arrival.prompt = Tokens(40);
    arrival.output = Tokens(3);
    arrival.conversation = "chat-1";
    arrival.prefix_hashes = {7, UINT64_MAX};
    arrival.prefix_block = Tokens(16);
    arrival.slo_class = "gold";
    arrival.model = "m";
    arrival.observed_ttft = Duration(9);
    return arrival;
}

// Expected values by Python's hmac module: HMAC-SHA256 over a byte for the kind (1 request, 2 conversation, 3 prefix)
// and the value, numbers as 8 little-endian bytes; the first 16 bytes as text, the first 8 as a number.
TEST(IdHasher, ids_become_hmacs_and_everything_else_stays) {
    auto hasher = IdHasher::create(std::string(32, 's'));
    ASSERT_TRUE(hasher) << hasher.error().message;
    Arrival expected = sample();
    expected.id = "2b32fedb6e8d3775ea48285eaedf088a";
    expected.conversation = "885fa39322ebc21c123c607ff066a675";
    expected.prefix_hashes = {5272371319981682956ULL, 4678913303006306730ULL};
    for (int round = 0; round < 3; ++round) {
        Arrival arrival = sample();
        (*hasher)->conceal(arrival);
        EXPECT_EQ(arrival, expected) << "round " << round;
    }
}

TEST(IdHasher, another_salt_gives_other_hashes_and_equal_texts_of_two_kinds_differ) {
    auto one = IdHasher::create(std::string(32, 's'));
    auto other = IdHasher::create(std::string(32, 't'));
    Arrival a = sample();
    Arrival b = sample();
    a.conversation = b.conversation = a.id;
    (*one)->conceal(a);
    (*other)->conceal(b);
    EXPECT_NE(a.id, b.id);
    EXPECT_NE(a.conversation, b.conversation);
    EXPECT_NE(a.prefix_hashes, b.prefix_hashes);
    EXPECT_NE(a.id, a.conversation);
}

// "Unknown" stays unknown: a hash of nothing would look like one big conversation.
TEST(IdHasher, an_unknown_conversation_stays_unknown) {
    auto hasher = IdHasher::create(std::string(32, 's'));
    Arrival arrival = sample();
    arrival.conversation.clear();
    arrival.prefix_hashes.clear();
    (*hasher)->conceal(arrival);
    EXPECT_EQ(arrival.conversation, "");
    EXPECT_TRUE(arrival.prefix_hashes.empty());
}

}  // namespace
}  // namespace replayd::access
