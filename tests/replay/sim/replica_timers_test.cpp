#include "replay/sim/replica_timers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "replay/base/random.hpp"

namespace replayd {
namespace {

// Against the obvious way, for every number of replicas up to 20: the earliest, and the lower index among equals.
TEST(ReplicaTimers, the_first_is_the_earliest_of_the_lowest_index) {
    Random random(3);
    for (std::size_t replicas = 1; replicas <= 20; ++replicas) {
        ReplicaTimers timers(replicas);
        std::vector<VirtualTime> times(replicas, ReplicaTimers::k_never);
        EXPECT_EQ(timers.first_time(), ReplicaTimers::k_never);
        for (int i = 0; i < 300; ++i) {
            const std::size_t replica = random.below(replicas);
            times[replica] = random.below(5) == 0 ? ReplicaTimers::k_never
                                                  : VirtualTime(static_cast<std::int64_t>(random.below(30)));
            timers.set(static_cast<std::int32_t>(replica), times[replica]);
            const auto earliest = std::min_element(times.begin(), times.end());
            ASSERT_EQ(timers.first_time(), *earliest);
            ASSERT_EQ(timers.first(), earliest - times.begin());
        }
    }
}

}  // namespace
}  // namespace replayd
