// Speculative decoding in the engine. That it conserves tokens and blocks, and that its ledger is exact, the properties
// over random scenarios show (run_property_test.cpp).

#include "replay/sim/speculation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/replay/sim/fixture.hpp"
#include "tests/replay/sim/random_scenario.hpp"

namespace replayd::test {
namespace {

Scenario speculating(std::int64_t tokens, double acceptance) {
    Scenario scenario = mixed_scenario();
    scenario.pools[0].speculation = SpeculationSpec{DraftMethod::ngram, tokens, acceptance};
    return scenario;
}

RequestRecord only(const Outcomes& out) {
    EXPECT_EQ(out.sink.requests.size(), 1U);
    return out.sink.requests.at(0);
}

// Mean over requests and positions, against 1 + a + … + a^k.
TEST(Speculation, tokens_per_step_are_those_of_the_formula) {
    for (const std::int64_t tokens : {1, 3, 7}) {
        for (const double acceptance : {0.0, 0.3, 0.85, 1.0}) {
            const SpeculationSpec spec{DraftMethod::mtp, tokens, acceptance};
            constexpr int k_draws = 40'000;
            double made = 0;
            for (int i = 0; i < k_draws; ++i) {
                made += 1 + static_cast<double>(accepted_drafts(spec, i % 200, i / 200, tokens));
            }
            // Four standard errors, where a step makes up to 1 + tokens.
            EXPECT_NEAR(made / k_draws, spec.made_per_step(),
                        4 * static_cast<double>(1 + tokens) / 2 / std::sqrt(k_draws))
                << tokens << " drafts, acceptance " << acceptance;
        }
    }
}

// Never accepted: as many steps as without, each longer by what it costs to verify a draft that counts as a sequence.
TEST(Speculation, without_acceptance_a_request_pays_for_its_drafts) {
    const std::vector<Arrival> arrivals = {arrival(0, 0, 100, 11)};
    const RequestRecord plain = only(replay(mixed_scenario(), arrivals));
    const RequestRecord drafted = only(replay(speculating(2, 0), arrivals));
    EXPECT_EQ(drafted.first_token, plain.first_token);
    // Ten steps after the first token; the last two have one and none to draft.
    constexpr std::int64_t k_drafts = 8 * 2 + 1;
    EXPECT_EQ(drafted.finished - plain.finished, k_drafts * mixed_scenario().linear.decode_sequence);
}

// Always accepted: 12 tokens after the first in steps of four.
TEST(Speculation, with_every_draft_accepted_a_step_makes_them_all) {
    const Outcomes out = replay(speculating(3, 1), {arrival(0, 0, 100, 13)}, {}, true);
    const LinearCostSpec cost = mixed_scenario().linear;
    EXPECT_EQ(out.snapshot.steps, 1 + 3);
    EXPECT_EQ(out.snapshot.output_tokens, Tokens(13));
    const RequestRecord record = only(out);
    EXPECT_EQ(record.finished - record.first_token, 3 * (cost.step + 4 * cost.decode_sequence));
    EXPECT_EQ(*record.tpot(), Duration(3 * (cost.step + 4 * cost.decode_sequence).value / 12));
    EXPECT_EQ(record.ledger[LedgerPart::decode_compute], record.finished - record.first_token);
}

// What a request's drafts become does not depend on who shares its steps.
TEST(Speculation, a_request_makes_the_same_tokens_alone_and_among_others) {
    const auto steps_of = [](const Outcomes& out, std::int64_t sequence) {
        std::vector<std::int64_t> made;
        for (const BatchRecord& batch : out.sink.batches) {
            for (const BatchMember& member : batch.members) {
                if (member.sequence == sequence && member.output_token) made.push_back(*member.output_token);
            }
        }
        return made;
    };
    const Scenario scenario = speculating(4, 0.7);
    const std::vector<Arrival> one = {arrival(0, 0, 50, 200)};
    std::vector<Arrival> many = one;
    for (std::int64_t i = 1; i < 20; ++i) many.push_back(arrival(i, i * 30'000'000, 40 + i, 100));
    EXPECT_EQ(steps_of(replay(scenario, one, {}, true), 0), steps_of(replay(scenario, many, {}, true), 0));
}

// A fork goes on as the run would have; whether there are drafts cannot change in mid-run.
TEST(Speculation, a_fork_goes_on_alike_and_keeps_the_drafts) {
    const Scenario scenario = speculating(3, 0.6);
    Random random(11);
    const std::vector<Arrival> arrivals = random_arrivals(random, 40, 20'000'000, 300, 80);
    const Outcomes whole = replay(scenario, arrivals);
    KeepingSink sink;
    KeepingSink forked_sink;
    replayd::Run run(compiled(scenario), sink);
    for (const Arrival& next : arrivals) run.offer(next);
    run.advance(VirtualTime(300'000'000));
    replayd::Run forked = run.fork(forked_sink);
    forked.finish();
    EXPECT_EQ(forked.hash(), whole.hash);
    auto changed = run.fork(compiled(mixed_scenario()), forked_sink);
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().message, "pool mixed: expected the same speculation in the changed scenario");
}

}  // namespace
}  // namespace replayd::test
