// Scheduling decisions of SimAI 1.6's vidur fork where its README calls them right: mixed clusters under its
// closed-form cost tables, compared batch by batch (members, tokens, order, replica, times) and request by request.

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/replay/sim/simai_case.hpp"

namespace replayd::test {
namespace {

using boost::json::object;

class SimaiGolden : public testing::TestWithParam<SimaiCase> {
protected:
    void SetUp() override {
        if (GetParam().name == "absent") GTEST_SKIP() << "no golden_simai/e2e_closed_form.json";
    }
    void expect_near(VirtualTime ours, const boost::json::value& seconds, const std::string& what) {
        EXPECT_LE(std::abs(ours.ns - simai_ns(seconds)), k_simai_tolerance_ns) << what;
    }
};

/// Requests of one run of ours, and what SimAI calls them and their replicas.
struct Part {
    std::vector<std::int64_t> ids;
    std::int64_t first_replica = 0;
    std::int64_t replicas = 0;
};

/// SimAI's "random" draws from Python's generator, ours from its own: there each replica is compared by itself, with
/// the requests that SimAI drew for it. Otherwise the cluster is one part.
std::vector<Part> parts_of(const SimaiCase& c) {
    const auto replicas = c.integer("num_replicas", 1);
    const auto requests = static_cast<std::int64_t>(c.input.at("requests").as_array().size());
    std::vector<Part> parts;
    if (c.text("global_scheduler") != "random") {
        parts.push_back({{}, 0, replicas});
        for (std::int64_t id = 0; id < requests; ++id) parts[0].ids.push_back(id);
        return parts;
    }
    std::map<std::int64_t, std::set<std::int64_t>> drawn;
    for (const auto& batch : c.expected.at("batches").as_array()) {
        for (const auto& id : batch.at("request_ids").as_array()) {
            drawn[batch.at("replica").to_number<std::int64_t>()].insert(id.to_number<std::int64_t>());
        }
    }
    for (const auto& [replica, ids] : drawn) parts.push_back({{ids.begin(), ids.end()}, replica, 1});
    return parts;
}

/// "id:tokens …" of a batch, as SimAI and as we tell it.
std::string members_of(const object& batch) {
    std::string text;
    const auto& ids = batch.at("request_ids").as_array();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        text += std::to_string(ids[i].to_number<std::int64_t>()) + ':' +
                std::to_string(batch.at("num_tokens").as_array()[i].to_number<std::int64_t>()) + ' ';
    }
    return text;
}

std::string members_of(const BatchRecord& batch, const Part& part) {
    std::string text;
    for (const BatchMember& member : batch.members) {
        text += std::to_string(part.ids[static_cast<std::size_t>(member.sequence)]) + ':' +
                std::to_string(member.tokens.value) + ' ';
    }
    return text;
}

Scenario scenario_of(const SimaiCase& c, std::int64_t replicas) {
    Scenario scenario = mixed_scenario();
    scenario.model = simai_model(c);
    scenario.pools = {simai_pool(c, scenario.model, PoolRole::mixed, replicas)};
    return scenario;
}

TEST_P(SimaiGolden, batches_and_times_are_identical) {
    const SimaiCase& c = GetParam();
    ASSERT_FALSE(c.split()) << "split_wise rows belong to the defects";
    std::map<std::int64_t, std::vector<const object*>> expected;
    for (const auto& batch : c.expected.at("batches").as_array()) {
        expected[batch.at("replica").to_number<std::int64_t>()].push_back(&batch.as_object());
    }
    const std::vector<Arrival> all = simai_arrivals(c);
    std::map<std::int64_t, std::size_t> position;
    std::size_t requests = 0;
    for (const Part& part : parts_of(c)) {
        std::vector<Arrival> arrivals;
        for (const std::int64_t id : part.ids) arrivals.push_back(all[static_cast<std::size_t>(id)]);
        const Scenario scenario = scenario_of(c, part.replicas);
        const Outcomes out = replay_simai(c, scenario, arrivals, true);
        for (const BatchRecord& batch : out.sink.batches) {
            const std::int64_t replica = part.first_replica + batch.replica;
            const std::size_t at = position[replica]++;
            const std::string what = "batch " + std::to_string(at) + " of replica " + std::to_string(replica);
            ASSERT_LT(at, expected[replica].size()) << what << " is one too many";
            const object& row = *expected[replica][at];
            ASSERT_EQ(members_of(batch, part), members_of(row)) << what;
            expect_near(batch.scheduled, row.at("start"), what + " start");
            expect_near(batch.finished, row.at("end"), what + " end");
        }
        for (const RequestRecord& record : out.sink.requests) {
            const auto id = static_cast<std::size_t>(part.ids[static_cast<std::size_t>(record.sequence)]);
            const object& row = c.expected.at("requests").as_array()[id].as_object();
            ASSERT_EQ(record.outcome, Outcome::finished) << record.reject_reason;
            expect_near(record.scheduled, row.at("scheduled_at"), record.id + " scheduled");
            expect_near(record.first_token, row.at("prefill_completed_at"), record.id + " first token");
            expect_near(record.finished, row.at("completed_at"), record.id + " finished");
            EXPECT_EQ(record.preemptions, row.at("num_restarts").to_number<std::int64_t>()) << record.id;
            EXPECT_EQ(record.ledger.sum(), record.e2e()) << record.id;
            ++requests;
        }
        // And decode stretches, which the recording of batches turns off, end at the same state.
        EXPECT_EQ(replay_simai(c, scenario, arrivals, false).hash, out.hash);
    }
    EXPECT_EQ(requests, all.size());
    for (const auto& [replica, rows] : expected) EXPECT_EQ(position[replica], rows.size()) << "replica " << replica;
}

INSTANTIATE_TEST_SUITE_P(All, SimaiGolden, testing::ValuesIn(or_absent(simai_cases(false))), simai_test_name);

}  // namespace
}  // namespace replayd::test
