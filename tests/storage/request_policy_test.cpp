// Which requests get a row, and what is said of those that have none.
#include "storage/request_policy.hpp"

#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

SloClasses classes_with(std::int64_t ttft_ms, std::int64_t tpot_ms) {
    Scenario scenario;
    scenario.slo = {Duration(ttft_ms * k_ns_per_ms), Duration(tpot_ms * k_ns_per_ms)};
    return SloClasses(scenario);
}

TEST(RequestPolicy, texts_come_back_as_they_are_understood) {
    for (const auto& [given, canonical] : std::vector<std::pair<std::string, std::string>>{
             {"", "all"}, {"all", "all"}, {"none", "none"}, {"objective_breaks", "objective_breaks"},
             {"sampled:0.01", "sampled:0.01"}, {"sampled:0.50", "sampled:0.5"}, {"sampled:1e-3", "sampled:0.001"}}) {
        EXPECT_EQ(must(RequestPolicy::parse(given)).text(), canonical) << given;
    }
}

TEST(RequestPolicy, wrong_texts_are_refused_with_what_was_expected) {
    for (const std::string text : {"sample", "ALL", "sampled", "sampled:", "sampled:0", "sampled:1", "sampled:-0.1",
                                   "sampled:nan", "sampled:0.1x", "sampled: 0.1", "sampled:1%"}) {
        EXPECT_EQ(
            error_of(RequestPolicy::parse(text)),
            "request_rows is \"" + text +
                "\": expected all, none, objective_breaks, or sampled:SHARE with a share above 0 and below 1, such as "
                "sampled:0.01");
    }
}

// The sample depends on the id alone: another run of the stream, where the same request went another way, keeps it as
// well.
TEST(RequestPolicy, a_sample_has_the_share_and_the_same_requests_in_every_run) {
    const SloClasses classes = classes_with(0, 0);
    const RequestPolicy tenth = must(RequestPolicy::parse("sampled:0.1"));
    const RequestPolicy hundredth = must(RequestPolicy::parse("sampled:0.01"));
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < 20'000; ++i) {
        RequestRecord record = sample_request(i);
        const bool here = tenth.keeps(record, classes);
        kept += here ? 1 : 0;
        EXPECT_TRUE(here || !hundredth.keeps(record, classes)) << "a smaller sample is part of a larger one";
        record.outcome = Outcome::rejected;
        record.finished = record.arrived;
        record.sequence = 7;
        EXPECT_EQ(tenth.keeps(record, classes), here);
    }
    // Binomial with 20,000 draws: one standard deviation is 42.
    EXPECT_NEAR(static_cast<double>(kept), 2'000, 210);
}

// Sample requests have a TTFT of 20 ms and, of 10, the last is rejected.
TEST(RequestPolicy, objective_breaks_are_rejections_and_missed_objectives) {
    const RequestPolicy breaks = must(RequestPolicy::parse("objective_breaks"));
    RequestRecord finished = sample_request(1);
    EXPECT_FALSE(breaks.keeps(finished, classes_with(21, 0)));
    EXPECT_TRUE(breaks.keeps(finished, classes_with(19, 0)));
    EXPECT_TRUE(breaks.keeps(sample_request(9), classes_with(21, 0)));
    EXPECT_FALSE(must(RequestPolicy::parse("none")).keeps(sample_request(9), classes_with(21, 0)));
    EXPECT_TRUE(RequestPolicy().keeps(finished, classes_with(21, 0)));
}

/// A stream that keeps rows by `policy`, with two finished runs of which the first has row 3 alone.
class SampledStream : public testing::Test {
protected:
    void fill(const std::string& policy) {
        const auto history = open_history(dir_.file());
        StreamRow stream;
        stream.name = "s";
        stream.request_rows = policy;
        RunRow run;
        run.stream_id = must(history->add_stream(stream)).id;
        run.scenario = "pd";
        for (int i = 0; i < 2; ++i) {
            const auto id = must(history->add_run(run, sample_plans(), sample_scenario())).id;
            history->add_requests(id, sample_requests(3, 4));
            RunTotals totals;
            totals.state = RunState::finished;
            totals.hash = "h";
            totals.request_rows_left_out = 99;
            history->finish_run(id, totals, [](const Result<void>& done) { ASSERT_TRUE(done); });
        }
        must(history->flush());
        EXPECT_EQ(must(history->streams()).at(0).request_rows, policy);
    }
    [[nodiscard]] std::unique_ptr<Reader> reader() const { return must(Reader::open(dir_.file())); }

    const TempDir dir_;
};

TEST_F(SampledStream, the_run_tells_its_policy_and_how_many_requests_have_no_row) {
    fill("sampled:0.01");
    const RunInfo run = must(reader()->run(1));
    EXPECT_EQ(run.request_rows, "sampled:0.01");
    EXPECT_EQ(run.totals.request_rows_left_out, 99);
}

TEST_F(SampledStream, a_request_without_a_row_is_answered_with_the_policy) {
    fill("sampled:0.01");
    EXPECT_EQ(
        error_of(reader()->request(1, 4)),
        "no request 4 of run 1 in the history: it has not finished yet, or never arrived; its stream keeps rows by "
        "request_rows = sampled:0.01, so the request may have none: windows and histograms count it");
}

TEST_F(SampledStream, queries_of_request_rows_carry_a_note_and_others_do_not) {
    fill("objective_breaks");
    const auto open = reader();
    const std::string note =
        "not every request has a row: streams keep them by their request_rows: s (objective_breaks); windows count "
        "every request, run.request_rows_left_out those without a row";
    EXPECT_EQ(must(open->query("SELECT count(*) FROM request")).note, note);
    EXPECT_EQ(must(open->query("SELECT max(e2e_ms) FROM request_latency")).note, note);
    EXPECT_EQ(must(open->query("SELECT count(*) FROM window")).note, "");
}

TEST_F(SampledStream, runs_are_compared_by_the_rows_that_both_have) {
    fill("sampled:0.01");
    const RunComparison comparison = must(reader()->compare(1, 2, {}));
    EXPECT_EQ(comparison.request_rows, "sampled:0.01");
    EXPECT_EQ(comparison.pairs, 1);
}

TEST_F(SampledStream, runs_without_any_rows_are_not_compared) {
    fill("none");
    EXPECT_EQ(error_of(reader()->compare(1, 2, {})),
              "runs 1 and 2 have no rows of requests to pair, as their stream keeps none (request_rows = none): "
              "compare their windows, or replay with request_rows = sampled:0.01");
}

}  // namespace
}  // namespace replayd::storage
