// Late and silent servers: what they do to a step, by the clock.

#include "replay/cost/afd/faults.hpp"

#include <gtest/gtest.h>

namespace replayd::afd {
namespace {

constexpr Duration k_step{100};

AfdSpec with(AfdFault fault, Duration timeout = Duration(1'000)) {
    AfdSpec out;
    out.timeout = timeout;
    out.faults = {fault};
    return out;
}

AfdFault silence(std::int64_t from, std::int64_t until, std::int64_t replica = 0) {
    return {AfdRole::ffn, 0, replica, VirtualTime(from), VirtualTime(until), Duration(0)};
}

AfdFault delay(std::int64_t from, std::int64_t until, std::int64_t by) {
    return {AfdRole::attention, 0, 0, VirtualTime(from), VirtualTime(until), Duration(by)};
}

struct Case {
    const char* what;
    AfdSpec afd;
    std::int64_t begin;
    std::int64_t duration;
    std::int64_t failed;
};

TEST(AfdFaults, hit_what_is_under_way_and_nothing_else) {
    const Case cases[] = {
        {"over before the step", with(silence(0, 500)), 500, 100, 0},
        {"begins when the step has ended", with(silence(600, 700)), 500, 100, 0},
        {"of another replica", with(silence(0, 900, 1)), 500, 100, 0},
        {"begins in the step", with(silence(550, 600)), 500, 50 + 1'000 + 100, 1},
        {"lasts since before the step", with(silence(0, 600)), 500, 1'000 + 100, 1},
        {"lasts longer than one timeout", with(silence(550, 3'000)), 500, 50 + 2 * 1'000 + 1'000 + 100, 3},
        {"ends with a timeout", with(silence(500, 2'500)), 500, 2 * 1'000 + 100, 2},
        {"late", with(delay(0, 1'000, 30)), 500, 130, 0},
        {"as late as the timeout allows", with(delay(0, 1'000, 1'000)), 500, 1'100, 0},
        {"later than the timeout", with(delay(0, 1'000, 1'001)), 500, 1'000 + 100, 1},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.what);
        const FaultedStep step = step_under_faults(c.afd, 0, VirtualTime(c.begin), k_step);
        EXPECT_EQ(step.duration, Duration(c.duration));
        EXPECT_EQ(step.failed_tries, c.failed);
    }
}

TEST(AfdFaults, fire_at_the_configured_timeout) {
    for (const std::int64_t timeout : {1, 70, 5'000}) {
        const AfdSpec afd = with(silence(550, 551), Duration(timeout));
        EXPECT_EQ(step_under_faults(afd, 0, VirtualTime(500), k_step).duration, Duration(50 + timeout + 100));
    }
}

TEST(AfdFaults, of_a_long_silence_and_a_short_timeout_end_without_counting_tries_one_by_one) {
    const AfdSpec afd = with(silence(0, 1'000'000'000'000'000), Duration(1));
    const FaultedStep step = step_under_faults(afd, 0, VirtualTime(0), k_step);
    EXPECT_EQ(step.failed_tries, 1'000'000'000'000'000);
    EXPECT_EQ(step.duration, Duration(1'000'000'000'000'100));
}

TEST(AfdFaults, of_several_servers_follow_each_other) {
    AfdSpec afd = with(silence(500, 600));
    afd.faults.push_back(silence(1'550, 1'560));
    afd.faults.push_back(delay(2'500, 3'000, 7));
    // Silent at 500, again at 1,550 in the second try, late in the third.
    const FaultedStep step = step_under_faults(afd, 0, VirtualTime(500), k_step);
    EXPECT_EQ(step.failed_tries, 2);
    EXPECT_EQ(step.duration, Duration(1'000 + 50 + 1'000 + 100 + 7));
}

TEST(AfdFaults, ahead_are_those_that_are_not_over) {
    const AfdSpec afd = with(silence(500, 600));
    EXPECT_TRUE(faults_ahead(afd, 0, VirtualTime(0)));
    EXPECT_TRUE(faults_ahead(afd, 0, VirtualTime(599)));
    EXPECT_FALSE(faults_ahead(afd, 0, VirtualTime(600)));
    EXPECT_FALSE(faults_ahead(afd, 1, VirtualTime(0)));
}

}  // namespace
}  // namespace replayd::afd
