#include "daemon/replayctl/record_csv.hpp"

#include <optional>

#include "daemon/replayctl/csv_text.hpp"
#include "replay/trace/decimal.hpp"

namespace replayd::ctl {
namespace {

constexpr int k_ns_digits = 9;  // 1 s = 10^9 ns

template <class Tag>
void add(CsvLine& line, const std::optional<Quantity<Tag>>& quantity) {
    if (quantity) {
        line.add(quantity->value);
    } else {
        line.add("");
    }
}

void add_quantiles(CsvLine& line, const Histogram& histogram) {
    for (const double q : {0.5, 0.9, 0.99}) {
        if (histogram.count() == 0) {
            line.add("");
        } else {
            line.add(histogram.quantile(q));
        }
    }
}

void add_names(CsvLine& line, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) line.add(name);
}

void add_ledger_names(CsvLine& line) {
    for (const std::string_view part : k_ledger_part_names) line.add(std::string(part) + "_ns");
}

void add_blame_names(CsvLine& line) {
    for (const std::string_view cause : k_blame_cause_names) line.add("blame_" + std::string(cause) + "_ns");
}

void add(CsvLine& line, const Blame& blame) {
    for (const Duration cause : blame.causes) line.add(cause.value);
}

}  // namespace

void append_request_header(std::string& out) {
    CsvLine line(out);
    add_names(line, {"scenario", "sequence", "id", "conversation", "slo_class", "model", "outcome", "reject_reason",
                     "prompt_tokens", "output_tokens", "cached_tokens", "arrived_ns", "scheduled_ns", "first_token_ns",
                     "decode_started_ns", "finished_ns", "preemptions", "prefill_replica", "decode_replica", "ttft_ns",
                     "tpot_ns", "e2e_ns", "queue_ns"});
    add_ledger_names(line);
    add_blame_names(line);
    add_names(line, {"observed_ttft_ns", "observed_e2e_ns", "observed_tpot_ns", "observed_cached_tokens"});
}

void append_request(std::string& out, std::string_view scenario, const RequestRecord& record) {
    CsvLine line(out);
    line.add(scenario).add(record.sequence).add(record.id).add(record.conversation).add(record.slo_class);
    line.add(record.model).add(record.outcome == Outcome::finished ? "finished" : "rejected");
    line.add(record.reject_reason);
    for (const std::int64_t number :
         {record.prompt.value, record.output.value, record.cached.value, record.arrived.ns, record.scheduled.ns,
          record.first_token.ns, record.decode_started.ns, record.finished.ns, std::int64_t{record.preemptions},
          std::int64_t{record.prefill_replica}, std::int64_t{record.decode_replica}, record.ttft().value}) {
        line.add(number);
    }
    add(line, record.tpot());
    line.add(record.e2e().value).add(record.queue().value);
    for (const Duration part : record.ledger.parts) line.add(part.value);
    add(line, record.blame);
    add(line, record.observed_ttft);
    add(line, record.observed_e2e);
    add(line, record.observed_gap());
    add(line, record.observed_cached);
}

void append_window_header(std::string& out) {
    CsvLine line(out);
    add_names(line, {"scenario", "start_ns", "length_ns", "arrived", "finished", "rejected", "within_slo",
                     "prompt_tokens", "output_tokens", "steps", "preemptions", "waiting", "running", "transferring",
                     "kv_blocks_used", "kv_blocks_total", "busy_ns", "batch_tokens", "batch_sequences"});
    for (const std::string_view what : {"ttft", "tpot", "e2e", "queue"}) {
        for (const std::string_view quantile : {"_p50_ns", "_p90_ns", "_p99_ns"}) {
            line.add(std::string(what) + std::string(quantile));
        }
    }
    add_ledger_names(line);
    add_blame_names(line);
}

void append_window(std::string& out, std::string_view scenario, const WindowRecord& window) {
    CsvLine line(out);
    line.add(scenario);
    for (const std::int64_t number :
         {window.start.ns, window.length.value, window.arrived, window.finished, window.rejected, window.within_slo,
          window.prompt_tokens.value, window.output_tokens.value, window.steps, window.preemptions, window.waiting,
          window.running, window.transferring, window.kv_blocks_used, window.kv_blocks_total, window.busy.value,
          window.batch_tokens, window.batch_sequences}) {
        line.add(number);
    }
    for (const Histogram* histogram : {&window.ttft, &window.tpot, &window.e2e, &window.queue}) {
        add_quantiles(line, *histogram);
    }
    for (const Duration part : window.ledger) line.add(part.value);
    add(line, window.blame);
}

void append_batch_header(std::string& out) {
    CsvLine line(out);
    add_names(line, {"batch_id", "replica_id", "scheduled_at", "completed_at", "num_requests", "prefill_tokens",
                     "decode_seqs", "allocated_blocks_at_start", "queue_len_at_start", "requests(id:tokens:P|D)"});
}

void append_batch(std::string& out, const BatchRecord& batch) {
    std::int64_t prefill_tokens = 0;
    std::int64_t decode_sequences = 0;
    std::string members;
    for (const BatchMember& member : batch.members) {
        (member.prefill ? prefill_tokens : decode_sequences) += member.prefill ? member.tokens.value : 1;
        if (!members.empty()) members += ' ';
        members += std::to_string(member.sequence) + ':' + std::to_string(member.tokens.value) +
                   (member.prefill ? ":P" : ":D");
    }
    CsvLine line(out);
    line.add(batch.batch).add(batch.replica);
    line.add(format_decimal(batch.scheduled.ns, k_ns_digits)).add(format_decimal(batch.finished.ns, k_ns_digits));
    line.add(static_cast<std::int64_t>(batch.members.size())).add(prefill_tokens).add(decode_sequences);
    line.add(batch.kv_blocks_used).add(batch.waiting).add(members);
}

void append_token_header(std::string& out) {
    CsvLine line(out);
    add_names(line, {"sequence", "token", "time_ns", "replica"});
}

void append_tokens(std::string& out, const BatchRecord& batch) {
    for (const BatchMember& member : batch.members) {
        if (!member.output_token) continue;
        CsvLine line(out);
        line.add(member.sequence).add(*member.output_token).add(batch.finished.ns).add(batch.replica);
    }
}

}  // namespace replayd::ctl
