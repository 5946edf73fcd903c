#include "storage/request_rows.hpp"

#include <array>
#include <optional>
#include <utility>

namespace replayd::storage {
namespace {

/// Before those of the ledger, in the order in which rows are read and written.
constexpr std::array<std::string_view, 18> k_first_columns = {
    "sequence",      "id",           "conversation",   "slo_class",         "model",       "outcome",
    "reject_reason", "prompt_tokens", "output_tokens", "cached_tokens",     "arrived_ns",  "scheduled_ns",
    "first_token_ns", "decode_started_ns", "finished_ns", "preemptions", "prefill_replica", "decode_replica"};

constexpr std::string_view k_observed_columns =
    "observed_ttft_ns, observed_e2e_ns, observed_tpot_ns, observed_cached_tokens";
constexpr int k_observed_count = 4;

/// Each with `prefix` before it where other tables of a query have columns of the name.
std::string columns_of_request(std::string_view prefix) {
    std::string columns;
    for (const std::string_view column : k_first_columns) columns.append(prefix).append(column).append(", ");
    return columns + ledger_columns() + ", " + std::string(k_observed_columns) + ", " + blame_columns();
}

void bind_optional(Statement& statement, int parameter, const std::string& text) {
    if (text.empty()) {
        statement.bind_null(parameter);
    } else {
        statement.bind(parameter, text);
    }
}

template <class Tag>
void bind_optional(Statement& statement, int parameter, std::optional<Quantity<Tag>> quantity) {
    if (quantity) {
        statement.bind(parameter, quantity->value);
    } else {
        statement.bind_null(parameter);
    }
}

template <class Tag>
void read_optional(const Statement& row, int column, std::optional<Quantity<Tag>>& to) {
    if (!row.is_null(column)) to.emplace(row.integer(column));
}

}  // namespace

std::string ledger_columns() {
    std::string columns;
    for (const auto name : k_ledger_part_names) {
        if (!columns.empty()) columns += ", ";
        columns.append(name).append("_ns");
    }
    return columns;
}

std::string blame_columns() {
    std::string columns;
    for (const auto name : k_blame_cause_names) {
        if (!columns.empty()) columns += ", ";
        columns.append("blame_").append(name).append("_ns");
    }
    return columns;
}

std::string request_columns() { return columns_of_request("request."); }

RequestRecord read_request(const Statement& row, int first) {
    RequestRecord record;
    int column = first;
    record.sequence = row.integer(column++);
    for (std::string* text : {&record.id, &record.conversation, &record.slo_class, &record.model}) {
        *text = row.text(column++);
    }
    record.outcome = row.text(column++) == "finished" ? Outcome::finished : Outcome::rejected;
    record.reject_reason = row.text(column++);
    for (Tokens* tokens : {&record.prompt, &record.output, &record.cached}) {
        *tokens = Tokens(row.integer(column++));
    }
    for (VirtualTime* time : {&record.arrived, &record.scheduled, &record.first_token,
                              &record.decode_started, &record.finished}) {
        *time = VirtualTime(row.integer(column++));
    }
    for (std::int32_t* number :
         {&record.preemptions, &record.prefill_replica, &record.decode_replica}) {
        *number = static_cast<std::int32_t>(row.integer(column++));
    }
    for (Duration& part : record.ledger.parts) part = Duration(row.integer(column++));
    read_optional(row, column++, record.observed_ttft);
    read_optional(row, column++, record.observed_e2e);
    read_optional(row, column++, record.observed_tpot);
    read_optional(row, column++, record.observed_cached);
    for (Duration& cause : record.blame.causes) cause = Duration(row.integer(column++));
    return record;
}

Result<RequestInserter> RequestInserter::prepare(Connection& connection) {
    std::string values;
    const int columns =
        1 + static_cast<int>(k_first_columns.size() + k_ledger_parts + k_observed_count + k_blame_causes);
    for (int i = 0; i < columns; ++i) values += i == 0 ? "?" : ", ?";
    auto insert = connection.prepare("INSERT INTO request (run_id, " + columns_of_request("") + ") VALUES (" + values +
                                     ") ON CONFLICT (run_id, sequence) DO NOTHING");
    if (!insert) return tl::unexpected(insert.error());
    return RequestInserter(connection, std::move(*insert));
}

Result<bool> RequestInserter::add(std::int64_t run_id, const RequestRecord& record) {
    int parameter = 1;
    insert_.bind(parameter++, run_id);
    insert_.bind(parameter++, record.sequence);
    insert_.bind(parameter++, record.id);
    bind_optional(insert_, parameter++, record.conversation);
    bind_optional(insert_, parameter++, record.slo_class);
    bind_optional(insert_, parameter++, record.model);
    insert_.bind(parameter++,
                 std::string_view(record.outcome == Outcome::finished ? "finished" : "rejected"));
    bind_optional(insert_, parameter++, record.reject_reason);
    for (const Tokens tokens : {record.prompt, record.output, record.cached}) {
        insert_.bind(parameter++, tokens.value);
    }
    for (const VirtualTime time : {record.arrived, record.scheduled, record.first_token,
                                   record.decode_started, record.finished}) {
        insert_.bind(parameter++, time.ns);
    }
    for (const std::int32_t number :
         {record.preemptions, record.prefill_replica, record.decode_replica}) {
        insert_.bind(parameter++, std::int64_t{number});
    }
    for (const Duration part : record.ledger.parts) insert_.bind(parameter++, part.value);
    bind_optional(insert_, parameter++, record.observed_ttft);
    bind_optional(insert_, parameter++, record.observed_e2e);
    bind_optional(insert_, parameter++, record.observed_tpot);
    bind_optional(insert_, parameter++, record.observed_cached);
    for (const Duration cause : record.blame.causes) insert_.bind(parameter++, cause.value);
    if (auto done = insert_.run(); !done) return tl::unexpected(done.error());
    return connection_->rows_changed() > 0;
}

}  // namespace replayd::storage
