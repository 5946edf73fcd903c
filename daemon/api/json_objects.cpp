#include "daemon/api/json_objects.hpp"

#include <utility>

namespace replayd::api {
namespace {

namespace json = boost::json;

json::value number_or_null(std::int64_t number) {
    if (number == 0) return nullptr;
    return number;
}

json::value text_or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return json::value(text);
}

json::value duration_or_null(const std::optional<Duration>& duration) {
    if (!duration) return nullptr;
    return duration->value;
}

double ratio(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

json::value quantile(const Histogram& histogram, double q) {
    if (histogram.count() == 0) return nullptr;
    return histogram.quantile(q);
}

json::object quantiles(const Histogram& histogram) {
    return {{"p50_ns", quantile(histogram, 0.5)},
            {"p90_ns", quantile(histogram, 0.9)},
            {"p95_ns", quantile(histogram, 0.95)},
            {"p99_ns", quantile(histogram, 0.99)}};
}

json::object full_quantiles(const Histogram& histogram) {
    json::object object{{"count", histogram.count()}};
    for (auto& member : quantiles(histogram)) object.insert(std::move(member));
    object["mean_ns"] =
        histogram.count() == 0 ? json::value(nullptr) : json::value(histogram.sum() / histogram.count());
    object["max_ns"] = histogram.count() == 0 ? json::value(nullptr) : json::value(histogram.max());
    return object;
}

json::object ledger_json(const std::array<Duration, k_ledger_parts>& parts) {
    json::object object;
    for (std::size_t part = 0; part < k_ledger_parts; ++part) object[k_ledger_part_names[part]] = parts[part].value;
    return object;
}

json::object blame_json(const Blame& blame) {
    json::object object;
    for (std::size_t cause = 0; cause < k_blame_causes; ++cause)
        object[k_blame_cause_names[cause]] = blame.causes[cause].value;
    return object;
}

json::array pools_json(std::span<const storage::PoolInfo> pools) {
    json::array list;
    for (const storage::PoolInfo& pool : pools) {
        list.push_back(json::object{{"name", pool.name},
                                    {"role", pool.role},
                                    {"gpu", pool.gpu},
                                    {"gpus", pool.gpus},
                                    {"replicas", pool.replicas}});
    }
    return list;
}

void add_snapshot(json::object& object, const RunSnapshot& snapshot) {
    object["virtual_ns"] = snapshot.now.ns;
    object["arrived"] = snapshot.arrived;
    object["waiting"] = snapshot.waiting;
    object["running"] = snapshot.running;
    object["transferring"] = snapshot.transferring;
    object["finished"] = snapshot.finished;
    object["rejected"] = snapshot.rejected;
    object["preemptions"] = snapshot.preemptions;
    object["failed_steps"] = snapshot.failed_steps;
    object["prompt_tokens"] = snapshot.prompt_tokens.value;
    object["output_tokens"] = snapshot.output_tokens.value;
    object["gpu_ns"] = snapshot.gpu_time.value;
    object["replicas_started"] = snapshot.replicas_started;
    object["replicas_stopped"] = snapshot.replicas_stopped;
    object["kv_usage"] = ratio(snapshot.kv_blocks_used, snapshot.kv_blocks_total);
}

json::array window_pools_json(const WindowRecord& window, std::span<const storage::PoolInfo> pools) {
    json::array list;
    for (std::size_t i = 0; i < window.pools.size() && i < pools.size(); ++i) {
        const PoolWindow& pool = window.pools[i];
        list.push_back(json::object{{"name", pools[i].name},
                                    {"waiting", pool.waiting},
                                    {"running", pool.running},
                                    {"kv_blocks_used", pool.kv_blocks_used},
                                    {"kv_blocks_total", pool.kv_blocks_total},
                                    {"kv_blocks_cached", pool.kv_blocks_cached},
                                    {"steps", pool.steps},
                                    {"busy_ratio", ratio(pool.busy.value, window.length.value * pools[i].replicas)},
                                    {"prompt_tokens", pool.prompt_tokens.value},
                                    {"output_tokens", pool.output_tokens.value}});
    }
    return list;
}

}  // namespace

json::object run_json(const RunView& run) {
    json::object object{{"id", run.id},
                        {"stream", run.stream},
                        {"scenario", run.scenario},
                        {"state", run.state},
                        {"color", (run.id - 1) % 8},
                        {"created_ms", run.created_ms},
                        {"finished_ms", number_or_null(run.finished_ms)},
                        {"hash", text_or_null(run.hash)}};
    if (!run.failure.empty()) object["failure"] = run.failure;
    add_snapshot(object, run.snapshot);
    object["speedup"] = run.speedup;
    object["slo"] =
        json::object{{"ttft_ns", number_or_null(run.slo.ttft.value)}, {"tpot_ns", number_or_null(run.slo.tpot.value)}};
    object["slo_attainment"] =
        run.window_finished == 0 ? json::value(nullptr) : json::value(ratio(run.within_slo, run.window_finished));
    object["window_ns"] = run.window.value;
    object["ttft"] = quantiles(run.ttft);
    object["tpot"] = quantiles(run.tpot);
    object["e2e"] = quantiles(run.e2e);
    object["pools"] = pools_json(run.pools);
    object["forked_from"] = number_or_null(run.forked_from);
    object["forked_at_ns"] = number_or_null(run.forked_at.ns);
    object["request_rows"] = run.request_rows;
    object["request_rows_left_out"] = run.request_rows_left_out;
    return object;
}

namespace {

json::value shared_json(std::span<const stream::SharedRun> shared) {
    if (shared.empty()) return nullptr;
    const auto or_null = [](const std::string& text) {
        return text.empty() ? json::value(nullptr) : json::value(text);
    };
    json::array out;
    for (const stream::SharedRun& run : shared) {
        out.push_back({{"scenario", run.scenario},
                       {"state", run.state},
                       {"node", or_null(run.node)},
                       {"here", run.here},
                       {"hash", or_null(run.hash)}});
    }
    return out;
}

}  // namespace

json::object stream_json(const stream::StreamStatus& status, std::span<const RunView> runs,
                         std::span<const stream::SharedRun> shared) {
    json::array list;
    for (const RunView& run : runs) list.push_back(run_json(run));
    return {{"name", status.name},
            {"state", std::string(stream::to_string(status.state))},
            {"speed", status.speed},
            {"request_rows", status.request_rows},
            {"created_ms", status.created_ms},
            {"arrivals", status.log.durable.arrivals},
            {"watermark_ns", status.log.durable.watermark.ns},
            {"ended", status.log.durable.ended},
            {"credit", status.credit()},
            {"clients", status.clients},
            {"backlog_arrivals", status.backlog_arrivals},
            {"trouble", status.trouble.empty() ? json::value(nullptr) : json::value(status.trouble)},
            {"shared", shared_json(shared)},
            {"runs", std::move(list)}};
}

json::object window_json(const WindowRecord& window, std::span<const storage::PoolInfo> pools) {
    std::int64_t replicas = 0;
    for (const storage::PoolInfo& pool : pools) replicas += pool.replicas;
    return {{"start_ns", window.start.ns},
            {"length_ns", window.length.value},
            {"arrived", window.arrived},
            {"finished", window.finished},
            {"rejected", window.rejected},
            {"within_slo", window.within_slo},
            {"ttft", full_quantiles(window.ttft)},
            {"tpot", full_quantiles(window.tpot)},
            {"e2e", full_quantiles(window.e2e)},
            {"queue", full_quantiles(window.queue)},
            {"prompt_tokens", window.prompt_tokens.value},
            {"cached_tokens", window.cached_tokens.value},
            {"output_tokens", window.output_tokens.value},
            {"waiting", window.waiting},
            {"running", window.running},
            {"transferring", window.transferring},
            {"kv_blocks_used", window.kv_blocks_used},
            {"kv_blocks_total", window.kv_blocks_total},
            {"steps", window.steps},
            {"preemptions", window.preemptions},
            {"batch_tokens_mean", ratio(window.batch_tokens, window.steps)},
            {"batch_sequences_mean", ratio(window.batch_sequences, window.steps)},
            {"busy_ratio", ratio(window.busy.value, window.length.value * replicas)},
            {"ledger_ns", ledger_json(window.ledger)},
            {"blame_ns", blame_json(window.blame)},
            {"pools", window_pools_json(window, pools)}};
}

json::object request_json(const RequestRecord& record, std::int64_t run_id, std::string_view scenario) {
    return {{"run", run_id},
            {"scenario", scenario},
            {"sequence", record.sequence},
            {"id", record.id},
            {"conversation", record.conversation},
            {"slo_class", record.slo_class},
            {"model", record.model},
            {"outcome", record.outcome == Outcome::finished ? "finished" : "rejected"},
            {"reject_reason", record.reject_reason},
            {"prompt_tokens", record.prompt.value},
            {"output_tokens", record.output.value},
            {"cached_tokens", record.cached.value},
            {"arrived_ns", record.arrived.ns},
            {"scheduled_ns", record.scheduled.ns},
            {"first_token_ns", record.first_token.ns},
            {"decode_started_ns", record.decode_started.ns},
            {"finished_ns", record.finished.ns},
            {"ttft_ns", record.ttft().value},
            {"tpot_ns", duration_or_null(record.tpot())},
            {"e2e_ns", record.e2e().value},
            {"queue_ns", record.queue().value},
            {"preemptions", record.preemptions},
            {"prefill_replica", record.prefill_replica},
            {"decode_replica", record.decode_replica},
            {"ledger_ns", ledger_json(record.ledger.parts)},
            {"blame_ns", blame_json(record.blame)},
            {"observed_ttft_ns", duration_or_null(record.observed_ttft)},
            {"observed_e2e_ns", duration_or_null(record.observed_e2e)},
            {"observed_tpot_ns", duration_or_null(record.observed_gap())},
            {"observed_cached_tokens",
             record.observed_cached ? json::value(record.observed_cached->value) : json::value(nullptr)}};
}

json::object scenario_json(const Scenario& scenario, bool built_in) {
    std::int64_t gpus = 0;
    std::string gpu;
    for (const PoolSpec& pool : scenario.pools) {
        gpus += pool.replicas * pool.gpus_per_replica();
        if (gpu.find(pool.gpu.name) == std::string::npos) gpu += (gpu.empty() ? "" : " + ") + pool.gpu.name;
    }
    return {{"name", scenario.name},
            {"description", scenario.description},
            {"model", scenario.model.name},
            {"gpu", gpu},
            {"gpus", gpus},
            {"disaggregated", scenario.disaggregated()},
            {"built_in", built_in}};
}

json::object scenario_json(const stream::LibraryScenario& entry, bool with_toml) {
    json::object object = scenario_json(entry.scenario(), entry.built_in);
    if (with_toml) object["toml"] = entry.toml;
    return object;
}

json::object table_json(const storage::Table& table) {
    json::array columns(table.columns.begin(), table.columns.end());
    json::array rows;
    for (const auto& row : table.rows) {
        json::array cells;
        for (const storage::Cell& cell : row) {
            std::visit(
                [&cells](const auto& value) {
                    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
                        cells.emplace_back(nullptr);
                    } else {
                        cells.emplace_back(value);
                    }
                },
                cell);
        }
        rows.push_back(std::move(cells));
    }
    return {{"columns", std::move(columns)},
            {"rows", std::move(rows)},
            {"truncated", table.truncated},
            {"note", table.note.empty() ? json::value(nullptr) : json::value(table.note)},
            {"elapsed_ms", static_cast<double>(table.elapsed_wall_ns) * 1e-6}};
}

json::object items_json(json::array items) {
    return {{"items", std::move(items)}};
}

}  // namespace replayd::api
