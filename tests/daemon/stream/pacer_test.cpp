// The pace is arithmetic on times that the test hands in, so every claim is exact.

#include "daemon/stream/pacer.hpp"

#include <gtest/gtest.h>

namespace replayd::stream {
namespace {

using std::chrono::seconds;

const WallTime k_start{seconds(1000)};

VirtualTime at_seconds(std::int64_t s) {
    return VirtualTime(s * k_ns_per_s);
}

TEST(Pacer, has_no_limit_at_speed_zero) {
    EXPECT_EQ(Pacer(0).target(k_start), Pacer::k_no_limit);
}

// Nothing may happen before the first arrival has set the origin.
TEST(Pacer, stands_at_zero_until_started) {
    Pacer pacer(10);
    EXPECT_EQ(pacer.target(k_start), VirtualTime(0));
    EXPECT_FALSE(pacer.started());
}

TEST(Pacer, runs_at_the_factor_from_its_origin) {
    Pacer pacer(10);
    pacer.start(at_seconds(50), k_start);
    EXPECT_EQ(pacer.target(k_start), at_seconds(50));
    EXPECT_EQ(pacer.target(k_start + seconds(3)), at_seconds(80));
}

TEST(Pacer, stands_still_while_paused_and_goes_on_from_there) {
    Pacer pacer(2);
    pacer.start(at_seconds(0), k_start);
    pacer.pause(VirtualTime(0), k_start + seconds(10));
    EXPECT_EQ(pacer.target(k_start + seconds(99)), at_seconds(20));
    pacer.resume(k_start + seconds(100));
    EXPECT_EQ(pacer.target(k_start + seconds(101)), at_seconds(22));
}

// Without a limit there is no clock to freeze: the run that came furthest sets the mark.
TEST(Pacer, pause_at_full_speed_freezes_where_the_furthest_run_is) {
    Pacer pacer(0);
    pacer.start(at_seconds(0), k_start);
    pacer.pause(at_seconds(77), k_start);
    EXPECT_EQ(pacer.target(k_start + seconds(5)), at_seconds(77));
    pacer.resume(k_start + seconds(6));
    EXPECT_EQ(pacer.target(k_start + seconds(6)), Pacer::k_no_limit);
}

TEST(Pacer, a_new_speed_keeps_the_place) {
    Pacer pacer(1);
    pacer.start(at_seconds(0), k_start);
    pacer.set_speed(100, VirtualTime(0), k_start + seconds(10));
    EXPECT_EQ(pacer.target(k_start + seconds(10)), at_seconds(10));
    EXPECT_EQ(pacer.target(k_start + seconds(11)), at_seconds(110));
}

TEST(Pacer, a_speed_after_none_starts_at_the_furthest_run) {
    Pacer pacer(0);
    pacer.start(at_seconds(0), k_start);
    pacer.set_speed(1, at_seconds(500), k_start + seconds(1));
    EXPECT_EQ(pacer.target(k_start + seconds(2)), at_seconds(501));
}

// Centuries of virtual time at a huge factor end in "no limit", not in an overflow.
TEST(Pacer, a_huge_factor_does_not_overflow) {
    Pacer pacer(1e300);
    pacer.start(at_seconds(1), k_start);
    EXPECT_EQ(pacer.target(k_start + seconds(1)), Pacer::k_no_limit);
}

}  // namespace
}  // namespace replayd::stream
