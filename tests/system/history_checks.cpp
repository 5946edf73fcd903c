#include "tests/system/history_checks.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/system/running_daemon.hpp"

namespace replayd::testing {
namespace {

namespace json = boost::json;

constexpr const char* k_ledger_sum =
    "gateway_queue_ns + routing_ns + prefill_queue_ns + prefill_compute_ns + chunk_wait_ns + transfer_wait_ns + "
    "transfer_ns + decode_queue_ns + decode_compute_ns + batch_interference_ns + preemption_stall_ns + recompute_ns";

/// The runs of a stream, for WHERE run_id IN (…).
std::string runs_of(const std::string& stream) {
    return "(SELECT run.id FROM run JOIN stream ON stream.id = run.stream_id WHERE stream.name = '" + stream + "')";
}

}  // namespace

Hashes replay_hashes(const TemporaryDirectory& directory, const std::string& trace, const std::string& db,
                     const std::string& program_path) {
    std::vector<std::string> arguments = {program_path, "replay", trace, "--json"};
    for (const std::string& scenario : two_scenarios()) arguments.insert(arguments.end(), {"--scenario", scenario});
    if (!db.empty()) arguments.insert(arguments.end(), {"--db", db, "--stream", "undisturbed"});
    const Outcome outcome = run_program(directory, arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    Hashes hashes;
    if (outcome.status != 0) return hashes;
    const json::value printed = json::parse(outcome.output);
    for (const json::value& run : printed.at("runs").as_array()) {
        hashes[run.at("scenario").as_string().c_str()] = run.at("hash").as_string().c_str();
    }
    EXPECT_EQ(hashes.size(), two_scenarios().size());
    return hashes;
}

Hashes stored_hashes(const TemporaryDirectory& directory, const std::string& db, const std::string& stream) {
    Hashes hashes;
    for (const json::value& row : query(directory, db,
                                        "SELECT scenario, hash FROM run_summary WHERE state = 'finished' AND "
                                        "stream = '" + stream + "'")) {
        hashes[row.at(0).as_string().c_str()] = row.at(1).as_string().c_str();
    }
    return hashes;
}

void expect_complete(const TemporaryDirectory& directory, const std::string& db, const std::string& stream,
                     std::int64_t arrivals) {
    const json::array log =
        query(directory, db,
              "SELECT sum(arrivals), count(*) = max(seq), min(seq) FROM arrival_batch JOIN stream ON "
              "stream.id = stream_id WHERE stream.name = '" +
                  stream + "'");
    EXPECT_EQ(json::serialize(log), "[[" + std::to_string(arrivals) + ",1,1]]") << "the log of " << stream;
    const json::array runs =
        query(directory, db,
              "SELECT count(*), count(DISTINCT id), min(sequence), max(sequence), "
              "sum(outcome NOT IN ('finished', 'rejected')), "
              "sum(" + std::string(k_ledger_sum) + " <> finished_ns - arrived_ns) "
              "FROM request WHERE run_id IN " + runs_of(stream) + " GROUP BY run_id");
    EXPECT_EQ(runs.size(), two_scenarios().size());
    const std::string count = std::to_string(arrivals);
    for (const json::value& run : runs) {
        EXPECT_EQ(json::serialize(run), "[" + count + "," + count + ",0," + std::to_string(arrivals - 1) + ",0,0]")
            << "rows, ids, first and last sequence, unknown outcomes, wrong ledgers in " << stream;
    }
}

std::string row_sums(const TemporaryDirectory& directory, const std::string& db, const std::string& stream) {
    const json::array requests = query(
        directory, db,
        "SELECT scenario.name, count(*), sum(outcome = 'finished'), sum(request.prompt_tokens), "
        "sum(request.output_tokens), sum(cached_tokens), sum(arrived_ns), sum(scheduled_ns), sum(first_token_ns), "
        "sum(decode_started_ns), sum(finished_ns), sum(request.preemptions), sum(prefill_replica * sequence), "
        "sum(decode_replica * sequence), sum(transfer_wait_ns), sum(batch_interference_ns), sum(decode_queue_ns) "
        "FROM request JOIN run ON run.id = run_id JOIN scenario ON scenario.id = scenario_id "
        "WHERE run_id IN " +
            runs_of(stream) + " GROUP BY scenario.name ORDER BY scenario.name");
    const json::array windows =
        query(directory, db,
              "SELECT scenario.name, count(*), min(w.start_ns), max(w.start_ns + w.length_ns), sum(w.arrived), "
              "sum(w.finished), sum(w.rejected), sum(w.steps), sum(w.busy_ns), sum(w.batch_tokens), "
              "sum(w.kv_blocks_used), sum(w.waiting), sum(histogram_count(w.ttft)), sum(histogram_count(w.tpot)) "
              "FROM window AS w JOIN run ON run.id = w.run_id JOIN scenario ON scenario.id = scenario_id "
              "WHERE w.run_id IN " + runs_of(stream) + " GROUP BY scenario.name ORDER BY scenario.name");
    EXPECT_EQ(requests.size(), two_scenarios().size());
    return json::serialize(requests) + "\n" + json::serialize(windows);
}

}  // namespace replayd::testing
