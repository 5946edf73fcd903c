// Properties of the engine over random scenarios and traces. The seed is printed on failure.

#include <gtest/gtest.h>

#include <algorithm>

#include "replay/sim/transfer_network.hpp"
#include "tests/replay/sim/fixture.hpp"
#include "tests/replay/sim/random_scenario.hpp"

namespace replayd::test {
namespace {

Duration sum(const Blame& blame, BlameCause first, BlameCause last) {
    Duration total{0};
    for (auto cause = static_cast<std::size_t>(first); cause <= static_cast<std::size_t>(last); ++cause) {
        EXPECT_GE(blame.causes[cause].value, 0) << k_blame_cause_names[cause];
        total += blame.causes[cause];
    }
    return total;
}

/// What waiting is blamed on adds up to the waiting parts, and what interference is blamed on to that.
void check_blame(const RequestRecord& record) {
    const Ledger& ledger = record.ledger;
    EXPECT_EQ(sum(record.blame, BlameCause::decided_ahead, BlameCause::replica_starting),
              ledger[LedgerPart::prefill_queue] + ledger[LedgerPart::chunk_wait] + ledger[LedgerPart::decode_queue] +
                  ledger[LedgerPart::preemption_stall]);
    EXPECT_EQ(sum(record.blame, BlameCause::destination_kv, BlameCause::link), ledger[LedgerPart::transfer_wait]);
    EXPECT_EQ(sum(record.blame, BlameCause::other_prefill, BlameCause::pipeline),
              ledger[LedgerPart::batch_interference]);
}

void check_record(const RequestRecord& record) {
    EXPECT_EQ(record.ledger.sum(), record.e2e());
    check_blame(record);
    for (const Duration part : record.ledger.parts) EXPECT_GE(part.value, 0);
    EXPECT_LE(record.arrived, record.scheduled);
    EXPECT_LE(record.scheduled, record.first_token);
    EXPECT_LE(record.first_token, record.decode_started);
    EXPECT_LE(record.decode_started, record.finished);
    if (record.outcome == Outcome::finished && record.output.value > 1 && record.preemptions == 0) {
        EXPECT_GE(record.decode_replica, 0);
    }
}

// Every arrival ends exactly once; times are ordered; the ledger sums to the nanosecond; tokens are conserved;
// no request decodes before its transfer has ended.
TEST(RunProperty, every_request_ends_once_and_its_ledger_sums_to_its_latency) {
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        const Scenario scenario = random_scenario(random);
        const std::vector<Arrival> arrivals = random_trace(random);
        const Outcomes out = replay(scenario, arrivals);
        ASSERT_EQ(out.sink.requests.size(), arrivals.size());
        std::vector<bool> seen(arrivals.size());
        std::int64_t made = 0;
        std::int64_t in_windows = 0;
        std::int64_t cached = 0;
        const bool host = out.snapshot.host_blocks_total > 0;
        for (const RequestRecord& record : out.sink.requests) {
            check_record(record);
            ASSERT_FALSE(seen[static_cast<std::size_t>(record.sequence)]);
            seen[static_cast<std::size_t>(record.sequence)] = true;
            EXPECT_EQ(record.id, arrivals[static_cast<std::size_t>(record.sequence)].id);
            EXPECT_LT(record.cached, record.prompt);
            if (record.outcome == Outcome::rejected) continue;
            made += record.output.value;
            cached += record.cached.value;
            if (host) continue;  // its loads count as transfers too
            if (scenario.disaggregated() && record.prefill_replica >= ranks_of(scenario.pools[0])) {
                ASSERT_GT(scenario.transfer.local_prefill_tokens_max, Tokens(0));
                EXPECT_EQ(record.ledger[LedgerPart::transfer] + record.ledger[LedgerPart::transfer_wait], Duration(0));
            } else if (scenario.disaggregated() && record.output.value > 1) {
                EXPECT_GE(record.ledger[LedgerPart::transfer], scenario.transfer.latency);
                EXPECT_GE((record.decode_started - record.first_token).value,
                          (record.ledger[LedgerPart::transfer] + record.ledger[LedgerPart::transfer_wait]).value);
            }
        }
        EXPECT_EQ(out.snapshot.output_tokens.value, made);
        for (const WindowRecord& window : out.sink.windows) {
            in_windows += window.output_tokens.value;
            cached -= window.cached_tokens.value;
        }
        EXPECT_EQ(in_windows, made);
        EXPECT_EQ(cached, 0);
        EXPECT_LE(out.snapshot.host_blocks_used, out.snapshot.host_blocks_total);
        EXPECT_EQ(out.snapshot.kv_blocks_used, 0);
        EXPECT_EQ(out.snapshot.running + out.snapshot.waiting + out.snapshot.transferring, 0);
        if (HasFailure()) return;
    }
}

/// Random scenarios of the largest property. Fewer under sanitizers, where each takes up to thirty times as long; the
/// engine has no threads.
#if defined(__SANITIZE_THREAD__)
constexpr std::uint64_t k_stretch_runs = 1'000;
#elif defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t k_stretch_runs = 2'500;
#else
constexpr std::uint64_t k_stretch_runs = 10'000;
#endif

// Planning many decode steps at once is only faster: hash, records and windows equal those of the plain stepper.
TEST(RunProperty, decode_stretches_equal_the_plain_stepper) {
    for (std::uint64_t seed = 0; seed < k_stretch_runs; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 0x5eed);
        const Scenario scenario = random_scenario(random);
        const std::vector<Arrival> arrivals = random_trace(random);
        const Outcomes plain = replay(scenario, arrivals, {0});
        for (const std::int64_t steps : {3, 128}) {
            const Outcomes stretched = replay(scenario, arrivals, {steps});
            ASSERT_EQ(stretched.hash, plain.hash);
            ASSERT_EQ(stretched.sink.requests, plain.sink.requests);
            ASSERT_EQ(stretched.sink.windows, plain.sink.windows);
        }
    }
}

// However arrivals are cut into calls and however far each call advances, the results are the same.
TEST(RunProperty, chunking_of_arrivals_changes_nothing) {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 0xc0ffee);
        const Scenario scenario = random_scenario(random);
        const std::vector<Arrival> arrivals = random_trace(random);
        const Outcomes whole = replay(scenario, arrivals);
        KeepingSink sink;
        replayd::Run run(compiled(scenario), sink);
        for (const Arrival& next : arrivals) {
            run.offer(next);
            if (random.below(2) == 0) run.advance(next.at);
            if (random.below(4) == 0) run.advance(VirtualTime(next.at.ns / 2));
        }
        run.finish();
        ASSERT_EQ(run.hash(), whole.hash);
        ASSERT_EQ(sink.requests, whole.sink.requests);
        ASSERT_EQ(sink.windows, whole.sink.windows);
    }
}

// A fork at any moment ends as the run does.
TEST(RunProperty, a_fork_without_change_equals_the_run) {
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 0xf0124);
        const Scenario scenario = random_scenario(random);
        const std::vector<Arrival> arrivals = random_trace(random);
        KeepingSink sink;
        replayd::Run run(compiled(scenario), sink);
        for (const Arrival& next : arrivals) run.offer(next);
        run.advance(VirtualTime(static_cast<std::int64_t>(random.below(3 * k_ns_per_s))));
        const std::size_t before = sink.requests.size();
        KeepingSink forked_sink;
        replayd::Run forked = run.fork(forked_sink);
        forked.finish();
        run.finish();
        ASSERT_EQ(forked.hash(), run.hash());
        sink.requests.erase(sink.requests.begin(), sink.requests.begin() + static_cast<std::ptrdiff_t>(before));
        ASSERT_EQ(forked_sink.requests, sink.requests);
    }
}

// Requests that come one after the other has finished: a whole transfer takes its bytes over the bandwidth of the
// slower card and the latency, exactly; of an overlapped one at least the last layer follows the first token, and at
// most
/// Other prices, limits, memory, network and routers; the clusters keep their build.
Scenario changed_scenario(Random& random, Scenario scenario) {
    scenario.linear.step = scenario.linear.step * between(random, 1, 3);
    scenario.linear.prefill_token = Duration(between(random, 5'000, 100'000));
    scenario.transfer.bytes_per_s *= static_cast<double>(between(random, 1, 8)) / 4;
    for (PoolSpec& spec : scenario.pools) {
        spec.kv.num_blocks = *spec.kv.num_blocks * between(random, 2, 6) / 3;
        spec.batching.max_batched_tokens = Tokens(between(random, 16, 600));
        spec.batching.max_sequences = between(random, 2, 40);
        spec.router = static_cast<RouterKind>(random.below(9));
    }
    return scenario;
}

struct Changed {
    std::string refused;  ///< empty: the run went on
    StateHash hash;
    std::vector<RequestRecord> requests;
};

/// The run goes on under one scenario after another from the same moment.
Changed fork_through(const Scenario& scenario, const std::vector<Arrival>& arrivals, VirtualTime at,
                     const std::vector<Scenario>& then, RunOptions options) {
    KeepingSink before;
    replayd::Run run(compiled(scenario), before, options);
    for (const Arrival& next : arrivals) run.offer(next);
    run.advance(at);
    Changed out;
    KeepingSink sink;
    for (const Scenario& next : then) {
        auto fork = run.fork(compiled(next), sink);
        if (!fork) {
            out.refused = fork.error().message;
            return out;
        }
        run = std::move(*fork);
    }
    run.finish();
    EXPECT_EQ(run.snapshot().kv_blocks_used, 0);
    EXPECT_EQ(before.requests.size() + sink.requests.size(), arrivals.size());
    out.hash = run.hash();
    out.requests = std::move(sink.requests);
    return out;
}

// A run that goes on under another scenario, or under a second one before a step has ended, is served to the end, and
// both engines take the same decisions; or both refuse the change for the same reason.
TEST(RunProperty, changed_forks_end_and_equal_the_plain_stepper) {
    std::int64_t adopted = 0;
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 0xf0e1d2);
        const Scenario scenario = random_scenario(random);
        const std::vector<Arrival> arrivals = random_trace(random);
        const VirtualTime at(
            static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(arrivals.back().at.ns + 1))));
        std::vector<Scenario> then = {changed_scenario(random, scenario)};
        if (random.below(2) == 0) then.push_back(changed_scenario(random, scenario));
        const Changed plain = fork_through(scenario, arrivals, at, then, {0});
        const Changed fast = fork_through(scenario, arrivals, at, then, {});
        ASSERT_EQ(fast.refused, plain.refused);
        if (!plain.refused.empty()) continue;
        ++adopted;
        ASSERT_EQ(fast.hash, plain.hash);
        ASSERT_EQ(fast.requests, plain.requests);
        for (const RequestRecord& record : plain.requests) check_record(record);
        if (HasFailure()) return;
    }
    EXPECT_GT(adopted, 500);
}

// the whole. Nothing waits, but for the nanosecond or two that rates are rounded by.
TEST(RunProperty, one_transfer_at_a_time_takes_its_bytes_over_the_bandwidth) {
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 0xa107e);
        Scenario scenario = pd_scenario(between(random, 1, 3), between(random, 1, 3));
        scenario.transfer.bytes_per_s = static_cast<double>(between(random, 1'000'000, 1'000'000'000));
        scenario.transfer.latency = Duration(between(random, 0, 5'000'000));
        scenario.pools[0].batching.max_batched_tokens = Tokens(between(random, 16, 600));
        choose_transfer(random, scenario.transfer);
        std::vector<Arrival> arrivals;
        for (std::int64_t i = 0; i < 10; ++i) {
            arrivals.push_back(arrival(i, i * 60 * k_ns_per_s, between(random, 1, 1000), between(random, 2, 5)));
        }
        const std::int64_t line = std::min(card_rate(scenario.transfer.cards(PoolRole::prefill)),
                                           card_rate(scenario.transfer.cards(PoolRole::decode)));
        for (const RequestRecord& record : replay(scenario, arrivals).sink.requests) {
            if (record.prefill_replica >= ranks_of(scenario.pools[0])) continue;
            const Nanobytes bytes = k_nanobytes_per_byte * 1024 * record.prompt.value;
            const Duration whole = sending_time(bytes, line) + scenario.transfer.latency;
            const Duration took = record.ledger[LedgerPart::transfer] + record.ledger[LedgerPart::transfer_wait];
            EXPECT_EQ(record.decode_started - record.first_token, took);
            if (scenario.transfer.overlap == TransferOverlap::none) {
                EXPECT_EQ(record.ledger[LedgerPart::transfer], whole);
                EXPECT_EQ(record.ledger[LedgerPart::transfer_wait], Duration(0));
                continue;
            }
            const std::int64_t last_chunk =
                1 + (record.prompt.value - 1) % scenario.pools[0].batching.max_batched_tokens.value;
            const Duration last_layer = sending_time(k_nanobytes_per_byte * 1024 * last_chunk / 2, line);
            EXPECT_GE(took, last_layer + scenario.transfer.latency);
            EXPECT_LE(took, whole);
            EXPECT_LE(record.ledger[LedgerPart::transfer_wait], Duration(2));
        }
        if (HasFailure()) return;
    }
}

// On every replica with one stage a batch starts only when the one before has ended, and within the budget.
TEST(RunProperty, batches_of_a_replica_do_not_overlap) {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed ^ 0xba7c4);
        const Scenario scenario = random_scenario(random);
        const Outcomes out = replay(scenario, random_trace(random), {}, true);
        std::vector<VirtualTime> free(32);
        for (const BatchRecord& batch : out.sink.batches) {
            const auto replica = static_cast<std::size_t>(batch.replica);
            const PoolSpec& spec = static_cast<std::int64_t>(replica) < ranks_of(scenario.pools[0])
                                       ? scenario.pools[0]
                                       : scenario.pools.back();
            if (spec.parallel.pipeline == 1) {
                EXPECT_GE(batch.scheduled, free[replica]);
            }
            EXPECT_GT(batch.finished, batch.scheduled);
            free[replica] = batch.finished;
            std::int64_t tokens = 0;
            for (const BatchMember& member : batch.members) tokens += member.tokens.value;
            const BatchPolicyKind policy = spec.batching.policy;
            if (policy == BatchPolicyKind::vllm_v1 || policy == BatchPolicyKind::sarathi) {
                EXPECT_LE(tokens, spec.batching.max_batched_tokens.value);  // the others know no such budget
            }
            EXPECT_LE(static_cast<std::int64_t>(batch.members.size()), spec.batching.max_sequences);
            EXPECT_LE(batch.kv_blocks_used, *spec.kv.num_blocks);
        }
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace replayd::test
