// Cases that SimAI's vidur fork does not survive, or that its README calls defects, with our outcome: the same arrivals
// through our engine, and of each what the specification says should happen instead (D1 to D10).

#include <gtest/gtest.h>

#include <map>

#include "replay/catalog/split_toml.hpp"
#include "tests/replay/sim/simai_case.hpp"

namespace replayd::test {
namespace {

using boost::json::object;

/// Prompt tokens that a prefill batch of split_wise, vllm or lightllm takes, for all of its members.
constexpr std::int64_t k_batch_tokens = 4096;

DataType wire_type(const SimaiCase& c) {
    const auto* name = c.input.if_contains("dtype");
    if (name == nullptr || name->as_string() == "float16") return DataType::bf16;
    return name->as_string() == "fp8" ? DataType::fp8 : DataType::fp32;
}

/// The cluster that the case means: mixed where everything is mixed, else one integer of prefill replicas (D2) and for
/// each phase its own parallelism (D3).
Scenario scenario_of(const SimaiCase& c) {
    Scenario scenario = mixed_scenario();
    scenario.model = simai_model(c);
    const std::int64_t replicas = c.integer("num_replicas", 1);
    const double ratio = c.real("pd_node_ratio", 1);
    if (ratio == 1) {
        scenario.pools = {simai_pool(c, scenario.model, PoolRole::mixed, replicas)};
        return scenario;
    }
    const std::int64_t prefill =
        c.integer("num_prefill_replicas", prefill_replicas(replicas, ratio, SplitRounding::half_up));
    scenario.pools = {simai_pool(c, scenario.model, PoolRole::prefill, prefill),
                      simai_pool(c, scenario.model, PoolRole::decode, replicas - prefill)};
    ParallelSpec& first = scenario.pools[0].parallel;
    ParallelSpec& second = scenario.pools[1].parallel;
    first.tensor = c.integer("ptp", first.tensor);
    first.pipeline = c.integer("ppp", first.pipeline);
    second.tensor = c.integer("dtp", second.tensor);
    second.pipeline = c.integer("dpp", second.pipeline);
    scenario.pools[1].router = RouterKind::least_outstanding;  // D6: by load among those with room
    scenario.transfer.bytes_per_s = c.real("pd_bw", 800) * std::exp2(30) / 8;
    scenario.transfer.dtype = wire_type(c);
    return scenario;
}

class SimaiDefect : public testing::TestWithParam<SimaiCase> {
protected:
    void SetUp() override {
        if (GetParam().name == "absent") GTEST_SKIP() << "no golden_simai/e2e_closed_form.json";
        scenario_ = scenario_of(GetParam());
        arrivals_ = simai_arrivals(GetParam());
        out_ = replay_simai(GetParam(), scenario_, arrivals_, true);
    }
    [[nodiscard]] const SimaiCase& golden() const { return GetParam(); }

    Scenario scenario_;
    std::vector<Arrival> arrivals_;
    Outcomes out_{{}, {}, KeepingSink(true)};
};

/// The cases with a prefill and a decode pool.
using SimaiHandOff = SimaiDefect;

template <class Keep>
std::vector<SimaiCase> defects_where(Keep keep) {
    std::vector<SimaiCase> cases = simai_cases(true);
    std::erase_if(cases, [&](const SimaiCase& c) { return !keep(c); });
    return cases;
}

bool hands_off(const SimaiCase& c) {
    return c.real("pd_node_ratio", 1) != 1;
}

// No deadlock and no crash (D4, D7, faster_transformer's lost blocks, tables that end at 4,096 tokens, schedulers that
// fit no cluster): every request finishes with all of its tokens or is refused with the reason, and no block stays
// held.
TEST_P(SimaiDefect, every_request_ends) {
    std::map<std::int64_t, std::int64_t> prefilled;
    std::map<std::int64_t, std::int64_t> decoded;
    for (const BatchRecord& batch : out_.sink.batches) {
        for (const BatchMember& member : batch.members) {
            (member.prefill ? prefilled : decoded)[member.sequence] += member.tokens.value;
        }
    }
    ASSERT_EQ(out_.sink.requests.size(), arrivals_.size());
    for (const RequestRecord& record : out_.sink.requests) {
        if (record.outcome == Outcome::rejected) {
            // D7: a policy that neither chunks nor splits a prompt says so, instead of blocking its queue for ever.
            const std::string reason = "prompt is " + std::to_string(record.prompt.value) +
                                       " tokens: a prefill batch takes up to " + std::to_string(k_batch_tokens);
            EXPECT_NE(record.reject_reason.find(reason), std::string::npos) << record.reject_reason;
            EXPECT_GT(record.prompt.value, k_batch_tokens);
            continue;
        }
        EXPECT_EQ(record.ledger.sum(), record.e2e());
        if (record.preemptions > 0) continue;
        EXPECT_EQ(prefilled[record.sequence], record.prompt.value) << record.id;
        EXPECT_EQ(decoded[record.sequence], record.output.value - 1) << record.id;
    }
    EXPECT_EQ(out_.snapshot.kv_blocks_used, 0);
}

// D4: one output token is a request like any other; it ends where SimAI's own clock stood when it gave up.
TEST_P(SimaiDefect, one_output_token_ends_with_the_prefill) {
    for (const RequestRecord& record : out_.sink.requests) {
        if (record.output != Tokens(1)) continue;
        EXPECT_EQ(record.outcome, Outcome::finished);
        EXPECT_EQ(record.finished, record.first_token);
        EXPECT_FALSE(record.tpot());
        if (golden().partial.empty()) continue;
        const object& row = golden().partial[static_cast<std::size_t>(record.sequence)].as_object();
        if (!row.at("completed").as_bool()) continue;
        EXPECT_LE(std::abs(record.finished.ns - simai_ns(row.at("completed_at"))), k_simai_tolerance_ns);
    }
}

// D5: the gaps between D tokens are D - 1.
TEST_P(SimaiDefect, time_per_token_divides_by_the_gaps) {
    for (const RequestRecord& record : out_.sink.requests) {
        if (record.outcome == Outcome::rejected || record.output < Tokens(2)) continue;
        ASSERT_TRUE(record.tpot());
        EXPECT_EQ(*record.tpot(), Duration((record.finished - record.first_token).value / (record.output.value - 1)));
    }
}

// D2: the pools that route are those that were counted. D8: no member of a decode batch before its KV has arrived.
TEST_P(SimaiHandOff, nothing_decodes_before_its_kv) {
    const std::int64_t prefill = scenario_.pools[0].replicas;
    std::map<std::int64_t, VirtualTime> kv_there;
    for (const RequestRecord& record : out_.sink.requests) {
        EXPECT_GE(record.prefill_replica, 0);
        EXPECT_LT(record.prefill_replica, prefill);
        if (record.output == Tokens(1)) continue;
        EXPECT_GE(record.decode_replica, prefill);
        kv_there[record.sequence] =
            record.first_token + record.ledger[LedgerPart::transfer_wait] + record.ledger[LedgerPart::transfer];
        EXPECT_GE(record.decode_started, kv_there[record.sequence]);
    }
    for (const BatchRecord& batch : out_.sink.batches) {
        for (const BatchMember& member : batch.members) {
            EXPECT_EQ(member.prefill, batch.replica < prefill);
            if (member.prefill) continue;
            EXPECT_GE(batch.scheduled, kv_there[member.sequence]);
        }
    }
}

// D9: what travels is the KV of the prompt, P tokens and not P + 1, at the precision of the wire.
TEST_P(SimaiHandOff, the_wire_carries_the_prompt) {
    const AttentionSpec& attention = scenario_.model.attention;
    const DataType wire = wire_type(golden());
    const std::int64_t element = wire == DataType::fp32 ? 4 : wire == DataType::fp8 ? 1 : 2;
    const std::int64_t per_token = scenario_.model.layers * 2 * attention.kv_heads * attention.head_dim * element;
    for (const RequestRecord& record : out_.sink.requests) {
        if (record.outcome == Outcome::rejected || record.output == Tokens(1)) continue;
        const double seconds = static_cast<double>(per_token * record.prompt.value) / scenario_.transfer.bytes_per_s;
        EXPECT_EQ(record.ledger[LedgerPart::transfer], Duration(static_cast<std::int64_t>(std::ceil(seconds * 1e9))))
            << record.id;
        if (golden().expected.is_null()) continue;
        const object& row =
            golden().expected.at("requests").as_array()[static_cast<std::size_t>(record.sequence)].as_object();
        const double simai = row.at("pd_p2p_comm_size").to_number<double>();
        EXPECT_EQ(simai, static_cast<double>(per_token * (record.prompt.value + 1)))
            << "SimAI counts the first token's KV";
    }
}

INSTANTIATE_TEST_SUITE_P(All, SimaiDefect, testing::ValuesIn(or_absent(simai_cases(true))), simai_test_name);
INSTANTIATE_TEST_SUITE_P(All, SimaiHandOff, testing::ValuesIn(or_absent(defects_where(hands_off))), simai_test_name);

/// SimAI's batches on the prefill replicas are those of ours where nothing mended touches them: the same count of
/// replicas (D2) and parallelism (D3), no batch that its token limit or its cap may have cut (D7), room for all (D10).
bool has_simais_prefill(const SimaiCase& c) {
    if (!hands_off(c) || c.expected.is_null()) return false;
    const Scenario scenario = scenario_of(c);
    const PoolSpec& prefill = scenario.pools[0];
    const auto& labels = c.expected.at("summary").at("scheduler_prefill_ids").as_array();
    const bool same_cluster = static_cast<std::int64_t>(labels.size()) == prefill.replicas &&
                              prefill.parallel.pipeline == c.integer("pp", 1) &&
                              (prefill.parallel.tensor == 1) == (c.integer("tp", 1) == 1);
    const std::vector<Arrival> arrivals = simai_arrivals(c);
    const auto requests = static_cast<std::int64_t>(arrivals.size());
    std::int64_t longest_prompt = 0;
    for (const Arrival& a : arrivals) longest_prompt = std::max(longest_prompt, a.prompt.value);
    std::int64_t largest_batch = 0;
    for (const auto& batch : c.expected.at("batches").as_array()) {
        if (batch.at("replica").to_number<std::size_t>() >= labels.size()) continue;
        std::int64_t tokens = 0;
        for (const auto& count : batch.at("num_tokens").as_array()) tokens += count.to_number<std::int64_t>();
        largest_batch = std::max(largest_batch, tokens);
    }
    return same_cluster && largest_batch + longest_prompt <= prefill.batching.max_batched_tokens.value &&
           requests * prefill.parallel.pipeline <= prefill.batching.max_sequences &&
           requests * (prefill.max_context.value / prefill.kv.block.value) <= *prefill.kv.num_blocks;
}

// And there the prefill half of a split is SimAI's to 10 ns: what differs afterwards is the mended hand-off.
TEST(SimaiMended, prefill_is_simais_where_nothing_is_mended) {
    const std::vector<SimaiCase> cases = defects_where(has_simais_prefill);
    if (cases.empty()) GTEST_SKIP() << "no such case of golden_simai/e2e_closed_form.json";
    for (const SimaiCase& c : cases) {
        SCOPED_TRACE(c.name);
        const Outcomes out = replay_simai(c, scenario_of(c), simai_arrivals(c), false);
        for (const RequestRecord& record : out.sink.requests) {
            const object& row =
                c.expected.at("requests").as_array()[static_cast<std::size_t>(record.sequence)].as_object();
            EXPECT_LE(std::abs(record.scheduled.ns - simai_ns(row.at("scheduled_at"))), k_simai_tolerance_ns)
                << record.id;
            EXPECT_LE(std::abs(record.first_token.ns - simai_ns(row.at("prefill_completed_at"))), k_simai_tolerance_ns)
                << record.id;
        }
    }
}

// D3: a decode phase of one GPU pays for no all-reduce, whatever the prefill phase or the template says.
TEST(SimaiMended, each_phase_is_priced_by_its_own_parallelism) {
    const std::vector<SimaiCase> cases = defects_where([](const SimaiCase& c) {
        return hands_off(c) && c.integer("tp", 1) > 1 && c.integer("dtp", c.integer("tp", 1)) == 1;
    });
    if (cases.empty()) GTEST_SKIP() << "no such case of golden_simai/e2e_closed_form.json";
    for (const SimaiCase& c : cases) {
        SCOPED_TRACE(c.name);
        const Scenario own = scenario_of(c);
        Scenario shared = own;
        shared.pools[1].parallel.tensor = c.integer("tp", 1);
        const Outcomes out = replay_simai(c, own, simai_arrivals(c), false);
        const Outcomes other = replay_simai(c, shared, simai_arrivals(c), false);
        std::map<std::int64_t, Duration> with_reduce;
        for (const RequestRecord& r : other.sink.requests)
            with_reduce[r.sequence] = r.ledger[LedgerPart::decode_compute];
        for (const RequestRecord& record : out.sink.requests) {
            if (record.output == Tokens(1)) continue;
            EXPECT_LT(record.ledger[LedgerPart::decode_compute], with_reduce[record.sequence]) << record.id;
        }
    }
}

// faster_transformer: static batches; nobody joins until all have finished, and the blocks of those that finished first
// are free for the next batch.
TEST(SimaiMended, static_batches_are_whole) {
    const std::vector<SimaiCase> cases =
        defects_where([](const SimaiCase& c) { return c.text("replica_scheduler") == "faster_transformer"; });
    if (cases.empty()) GTEST_SKIP() << "no such case of golden_simai/e2e_closed_form.json";
    for (const SimaiCase& c : cases) {
        SCOPED_TRACE(c.name);
        const std::vector<Arrival> arrivals = simai_arrivals(c);
        const Outcomes out = replay_simai(c, scenario_of(c), arrivals, true);
        std::vector<std::int64_t> left;
        for (const Arrival& a : arrivals) left.push_back(a.output.value);
        std::map<std::int32_t, std::int64_t> unfinished;  // of the static batch that a replica works on
        for (const BatchRecord& batch : out.sink.batches) {
            const auto members = static_cast<std::int64_t>(batch.members.size());
            if (batch.members.front().prefill) {
                EXPECT_EQ(unfinished[batch.replica], 0)
                    << "batch " << batch.batch << " begins beside an unfinished one";
                unfinished[batch.replica] = members;
            }
            EXPECT_EQ(members, unfinished[batch.replica]) << "batch " << batch.batch;
            for (const BatchMember& member : batch.members) {
                if (--left[static_cast<std::size_t>(member.sequence)] == 0) --unfinished[batch.replica];
            }
        }
    }
}

}  // namespace
}  // namespace replayd::test
