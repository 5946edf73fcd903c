// Leases and outcomes: of two that try one succeeds, and a silent owner loses its lease by the server's clock.

#include "daemon/nats/leases.hpp"

#include "tests/daemon/nats/connected.hpp"

namespace replayd::nats {
namespace {

/// Outlasts every test.
constexpr std::chrono::seconds k_long{3'600};
constexpr std::chrono::seconds k_short{2};

class LeasesTest : public Connected {
protected:
    [[nodiscard]] std::unique_ptr<Leases> node(const std::string& name, std::chrono::seconds lease = k_long) const {
        auto opened = Leases::open(*connection_, Names("replayd"), {name, lease, 1});
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? std::move(*opened) : nullptr;
    }
    const std::string key_ = Names::run_key("stream", "scenario");
};

TEST_F(LeasesTest, one_of_two_gets_it_and_only_the_owner_renews) {
    const auto a = node("a");
    const auto b = node("b");
    const auto got = a->take(key_);
    ASSERT_TRUE(got && *got);
    EXPECT_EQ(b->take(key_).value(), std::nullopt);
    const auto renewed = a->renew(key_, **got);
    ASSERT_TRUE(renewed && *renewed);
    EXPECT_GT(**renewed, **got);
    EXPECT_EQ(b->renew(key_, **got).value(), std::nullopt);    // a revision that is over
    EXPECT_EQ(a->renew(key_, **got).value(), std::nullopt);    // the token of the renewal before
    EXPECT_NE(a->take(key_).value(), std::nullopt);            // after a restart of the node
    EXPECT_EQ(a->count_nodes().value(), 1U);
    EXPECT_EQ(b->count_nodes().value(), 2U);
}

TEST_F(LeasesTest, a_lease_that_is_given_back_or_runs_out_is_free) {
    const auto a = node("a", k_short);
    const auto b = node("b", k_short);
    ASSERT_TRUE(a->take(key_).value());
    a->drop(key_);
    const auto got = b->take(key_);
    ASSERT_TRUE(got && *got);
    ASSERT_TRUE(testing::wait_until("the lease runs out", [&] { return a->take(key_).value().has_value(); }));
    EXPECT_EQ(b->renew(key_, **got).value(), std::nullopt);
}

TEST_F(LeasesTest, an_outcome_is_recorded_once) {
    const auto a = node("a");
    const auto b = node("b");
    EXPECT_EQ(a->outcome(key_).value(), std::nullopt);
    EXPECT_EQ(a->record(key_, {"a", "finished", "abc", ""})->node, "a");
    EXPECT_EQ(b->record(key_, {"b", "finished", "abc", ""})->node, "a");
    EXPECT_EQ(b->outcome(key_).value()->hash, "abc");
    a->forget_outcome(key_);
    EXPECT_EQ(a->outcome(key_).value(), std::nullopt);
}

TEST_F(LeasesTest, another_lease_time_is_refused_by_name) {
    const auto a = node("a");
    const auto other = Leases::open(*connection_, Names("replayd"), {"b", std::chrono::seconds(7), 1});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Code::invalid_argument);
    EXPECT_NE(other.error().message.find("it is there with other settings: expected the same nats.lease_s and "
                                         "nats.replicas in every replayd of one nats.prefix"),
              std::string::npos)
        << other.error().message;
}

}  // namespace
}  // namespace replayd::nats
