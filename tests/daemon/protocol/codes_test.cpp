#include "daemon/protocol/codes.hpp"

#include <gtest/gtest.h>

namespace replayd::protocol {
namespace {

// The table that proto/README.md prints: a change here is a change of the protocol.
TEST(Codes, table_is_the_documented_one) {
    struct Row {
        Code code;
        const char* name;
        unsigned http_status;
        std::uint16_t close_code;
    };
    const Row rows[] = {
        {Code::invalid_argument, "invalid_argument", 400, 4400},
        {Code::not_found, "not_found", 404, 4404},
        {Code::already_exists, "already_exists", 409, 4409},
        {Code::failed_state, "failed_state", 409, 4409},
        {Code::too_large, "too_large", 413, 1009},
        {Code::unavailable, "unavailable", 503, 1013},
        {Code::io, "io", 500, 1011},
        {Code::internal, "internal", 500, 1011},
    };
    for (const Row& row : rows) {
        const CodeFacts found = facts(row.code);
        EXPECT_EQ(found.name, row.name);
        EXPECT_EQ(found.http_status, row.http_status);
        EXPECT_EQ(found.close_code, row.close_code);
    }
}

// A Failure carries the stable name for scripts and the sentence for people.
TEST(Codes, failure_repeats_the_error) {
    const Failure failure = failure_of({Code::not_found, "no scenario x"}, 7);
    EXPECT_EQ(failure, (Failure{"not_found", "no scenario x", 7}));
}

}  // namespace
}  // namespace replayd::protocol
