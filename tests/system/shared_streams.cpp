#include "tests/system/shared_streams.hpp"

#include <boost/json/serialize.hpp>

namespace replayd::testing {

namespace json = boost::json;

const std::vector<std::string>& six_scenarios() {
    static const std::vector<std::string> names = {"llama-3.1-8b-h100-mixed",  "llama-3.1-8b-h100-pd",
                                                   "llama-3.1-8b-a100-mixed",  "llama-3.1-8b-a100-pd",
                                                   "qwen3-30b-a3b-h100-mixed", "qwen3-30b-a3b-h100-pd"};
    return names;
}

std::string nats_config(const TemporaryDirectory& directory, const std::string& url, const std::string& node,
                        const std::string& more, int lease_s) {
    const std::string path = directory / (node + ".toml");
    write_file(path, "[nats]\nservers = ['" + url + "']\nnode = '" + node + "'\nlease_s = " + std::to_string(lease_s) +
                         "\n" + more);
    return path;
}

FinishedRuns finished_runs(const TemporaryDirectory& directory, const std::vector<std::string>& dbs,
                           const std::string& stream) {
    FinishedRuns found;
    for (const std::string& db : dbs) {
        for (const auto& [scenario, hash] : stored_hashes(directory, db, stream)) {
            found.hashes[scenario] = hash;
            found.where[scenario] = db;
            ++found.times[scenario];
        }
    }
    return found;
}

std::int64_t runs_begun(const TemporaryDirectory& directory, const std::string& db, const std::string& stream) {
    const json::array rows = query(directory, db, "SELECT count(*) FROM run_summary WHERE stream = '" + stream + "'");
    return rows.empty() ? 0 : rows.at(0).at(0).to_number<std::int64_t>();
}

void expect_rows_once(const TemporaryDirectory& directory, const std::string& db, const std::string& stream,
                      std::int64_t arrivals) {
    const std::string count = std::to_string(arrivals);
    const json::array log =
        query(directory, db,
              "SELECT sum(arrivals), count(*) = max(seq), min(seq) FROM arrival_batch JOIN stream ON "
              "stream.id = stream_id WHERE stream.name = '" +
                  stream + "'");
    EXPECT_EQ(json::serialize(log), "[[" + count + ",1,1]]") << "the log in " << db;
    for (const json::value& run : query(directory, db,
                                        "SELECT count(*), count(DISTINCT request.id), min(sequence), max(sequence) "
                                        "FROM request JOIN run_summary ON run_summary.run_id = request.run_id WHERE "
                                        "state = 'finished' AND stream = '" +
                                            stream + "' GROUP BY request.run_id")) {
        EXPECT_EQ(json::serialize(run), "[" + count + "," + count + ",0," + std::to_string(arrivals - 1) + "]") << db;
    }
}

void SharedStreamsTest::SetUp() {
    const std::string trace = directory_ / "trace.jsonl";
    generate_trace(directory_, trace, k_shared_requests);
    text_ = read_file(trace);
    TemporaryDirectory alone;
    RunningDaemon daemon(alone);
    std::vector<std::string> arguments = {"stream", trace, "--stream", k_stream, "--daemon", daemon.url(), "--wait"};
    for (const std::string& scenario : six_scenarios()) arguments.insert(arguments.end(), {"--scenario", scenario});
    replayctl(directory_, arguments);
    alone_ = stored_hashes(directory_, daemon.db(), k_stream);
    ASSERT_EQ(alone_.size(), six_scenarios().size());
}

void SharedStreamsTest::start_client(const std::string& url, const std::vector<std::string>& before) {
    std::vector<std::string> arguments = before;
    for (const std::string& word :
         {program("replayctl"), std::string("stream"), std::string("-"), std::string("--stream"), std::string(k_stream),
          std::string("--daemon"), url, std::string("--json"), std::string("--batch"), std::string("20"),
          std::string("--retry"), std::string("170s")}) {
        arguments.push_back(word);
    }
    for (const std::string& scenario : six_scenarios()) arguments.insert(arguments.end(), {"--scenario", scenario});
    client_ = std::make_unique<Process>(arguments, directory_ / "client", true);
}

void SharedStreamsTest::feed(int count) {
    std::size_t end = fed_bytes_;
    for (int line = 0; line < count && end < text_.size(); ++line) end = text_.find('\n', end) + 1;
    client_->write(text_.substr(fed_bytes_, end - fed_bytes_));
    fed_bytes_ = end;
}

void SharedStreamsTest::end_client() {
    client_->close_input();
    ASSERT_EQ(client_->wait(), 0) << client_->errors();
}

}  // namespace replayd::testing
