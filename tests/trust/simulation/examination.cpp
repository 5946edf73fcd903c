#include "tests/trust/simulation/examination.hpp"

#include "storage/connection.hpp"
#include "storage/integrity.hpp"

namespace replayd::trust {

std::vector<std::string> examine_stream(const Setting& setting, const std::string& stream, const KnownTrace& trace) {
    std::vector<std::string> wrong;
    const auto lines = storage::check_history(setting.path, false);
    if (!lines) return {"the file cannot be checked: " + lines.error().message};
    for (const storage::CheckLine& line : *lines) {
        if (line.broken > 0) wrong.push_back("not true: " + line.rule + ": " + line.first);
    }
    auto connection = storage::Connection::open(setting.path, storage::Access::read_only);
    if (!connection) return {connection.error().message};
    auto runs = connection->prepare(
        "SELECT scenario.name, run.state, run.hash, (SELECT count(DISTINCT sequence) FROM request WHERE run_id = "
        "run.id) "
        "FROM run JOIN scenario ON scenario.id = scenario_id JOIN stream ON stream.id = stream_id "
        "WHERE stream.name = ? ORDER BY run.id");
    if (!runs) return {runs.error().message};
    runs->bind(1, stream);
    std::size_t found = 0;
    for (auto row = runs->step(); row && *row; row = runs->step(), ++found) {
        const std::string run = stream + " in " + runs->text(0);
        const std::size_t known = runs->text(0) == setting.scenarios[0] ? 0 : 1;
        if (runs->text(1) != "finished") wrong.push_back(run + " is " + runs->text(1));
        if (runs->text(2) != trace.hashes[known]) wrong.push_back(run + " has another hash than the engine alone");
        if (runs->integer(3) != static_cast<std::int64_t>(trace.arrivals.size())) {
            wrong.push_back(run + " has " + std::to_string(runs->integer(3)) + " rows");
        }
    }
    if (found != setting.scenarios.size()) wrong.push_back(stream + " has " + std::to_string(found) + " runs");
    return wrong;
}

}  // namespace replayd::trust
