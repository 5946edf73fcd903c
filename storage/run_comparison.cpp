#include "storage/run_comparison.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "storage/request_rows.hpp"

namespace replayd::storage {
namespace {

struct Objectives {
    std::int64_t stream_id = 0;
    std::int64_t ttft_ns = 0;  ///< 0: none
    std::int64_t tpot_ns = 0;
    std::string request_rows;
};

Result<Objectives> objectives_of(Connection& connection, std::int64_t run_id) {
    auto rows = connection.prepare(
        "SELECT run.stream_id, scenario.slo_ttft_ns, scenario.slo_tpot_ns, stream.request_rows FROM run "
        "JOIN stream ON stream.id = run.stream_id JOIN scenario ON scenario.id = run.scenario_id WHERE run.id = ?");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run_id);
    const auto row = rows->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return fail(Code::not_found, "no run " + std::to_string(run_id) + " in the history");
    return Objectives{rows->integer(0), rows->integer(1), rows->integer(2), rows->text(3)};
}

/// Start of the first window whose quantile of `histogram`, a column, is beyond the objective.
Result<std::optional<VirtualTime>> first_break(Connection& connection, std::int64_t run_id, const char* histogram,
                                               std::int64_t objective_ns, double quantile) {
    if (objective_ns == 0) return std::nullopt;
    const std::string name(histogram);
    auto rows = connection.prepare("SELECT start_ns FROM window WHERE run_id = ?1 AND histogram_count(" + name +
                                   ") > 0 AND histogram_quantile(" + name + ", ?2) > ?3 ORDER BY start_ns LIMIT 1");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run_id);
    rows->bind(2, quantile);
    rows->bind(3, objective_ns);
    const auto row = rows->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return std::nullopt;
    return VirtualTime(rows->integer(0));
}

/// The rows of one run in the order of their sequence.
class Rows {
public:
    static Result<Rows> open(Connection& connection, std::int64_t run_id) {
        auto rows =
            connection.prepare("SELECT " + request_columns() + " FROM request WHERE run_id = ? ORDER BY sequence");
        if (!rows) return tl::unexpected(rows.error());
        rows->bind(1, run_id);
        Rows opened(std::move(*rows));
        if (auto done = opened.next(); !done) return tl::unexpected(done.error());
        return opened;
    }
    [[nodiscard]] Result<void> next() {
        const auto row = rows_.step();
        if (!row) return tl::unexpected(row.error());
        there_ = *row;
        if (there_) sequence_ = rows_.integer(0);
        return {};
    }
    [[nodiscard]] bool there() const { return there_; }
    [[nodiscard]] std::int64_t sequence() const { return sequence_; }
    [[nodiscard]] RequestRecord record() const { return read_request(rows_, 0); }

private:
    explicit Rows(Statement rows) : rows_(std::move(rows)) {}
    Statement rows_;
    bool there_ = false;
    std::int64_t sequence_ = 0;
};

std::int64_t weight(const RequestPair& pair) { return std::abs((pair.b.e2e() - pair.a.e2e()).value); }

/// Adds pairs to a comparison, and keeps those that differ most.
class Comparer {
public:
    Comparer(RunComparison& comparison, std::size_t kept) : comparison_(comparison), kept_(kept) {}

    void add(RequestRecord a, RequestRecord b) {
        RunComparison& out = comparison_;
        ++out.pairs;
        const bool both = a.outcome == Outcome::finished && b.outcome == Outcome::finished;
        if (a.outcome != b.outcome) ++(a.outcome == Outcome::rejected ? out.rejected_by_a : out.rejected_by_b);
        const bool differ = a.outcome != b.outcome || a.first_token != b.first_token || a.finished != b.finished;
        if (both) add_times(a, b);
        if (!differ) return;
        ++out.differ;
        if (both) add_causes(a, b);
        keep({std::move(a), std::move(b)});
    }

    /// Those that differ most first.
    [[nodiscard]] std::vector<RequestPair> most() {
        std::vector<RequestPair> pairs = std::move(heap_);
        std::sort(pairs.begin(), pairs.end(), heavier);
        return pairs;
    }

private:
    static bool heavier(const RequestPair& x, const RequestPair& y) {
        const std::int64_t of_x = weight(x);
        const std::int64_t of_y = weight(y);
        return of_x != of_y ? of_x > of_y : x.a.sequence < y.a.sequence;
    }

    void add_times(const RequestRecord& a, const RequestRecord& b) {
        comparison_.ttft.record((b.ttft() - a.ttft()).value);
        comparison_.e2e.record((b.e2e() - a.e2e()).value);
        if (a.tpot() && b.tpot()) comparison_.tpot.record((*b.tpot() - *a.tpot()).value);
        comparison_.slower += b.finished > a.finished ? 1 : 0;
        comparison_.faster += b.finished < a.finished ? 1 : 0;
    }
    void add_causes(const RequestRecord& a, const RequestRecord& b) {
        for (std::size_t i = 0; i < k_ledger_parts; ++i) comparison_.ledger[i] += b.ledger.parts[i] - a.ledger.parts[i];
        for (std::size_t i = 0; i < k_blame_causes; ++i) {
            comparison_.blame.causes[i] += b.blame.causes[i] - a.blame.causes[i];
        }
    }
    void keep(RequestPair pair) {
        if (kept_ == 0) return;
        if (heap_.size() == kept_) {
            if (!heavier(pair, heap_.front())) return;
            std::pop_heap(heap_.begin(), heap_.end(), heavier);
            heap_.pop_back();
        }
        heap_.push_back(std::move(pair));
        std::push_heap(heap_.begin(), heap_.end(), heavier);
    }

    RunComparison& comparison_;
    const std::size_t kept_;
    std::vector<RequestPair> heap_;  ///< the lightest in front
};

Result<void> pair_up(Rows& a, Rows& b, Comparer& comparer, RunComparison& out) {
    while (a.there() || b.there()) {
        const bool take_a = a.there() && (!b.there() || a.sequence() <= b.sequence());
        const bool take_b = b.there() && (!a.there() || b.sequence() <= a.sequence());
        if (take_a && take_b) {
            comparer.add(a.record(), b.record());
        } else {
            ++(take_a ? out.only_a : out.only_b);
        }
        if (take_a) {
            if (auto done = a.next(); !done) return done;
        }
        if (take_b) {
            if (auto done = b.next(); !done) return done;
        }
    }
    return {};
}

Result<ObjectiveBreaks> breaks(Connection& connection, const char* histogram,
                               std::pair<std::int64_t, std::int64_t> runs,
                               std::pair<std::int64_t, std::int64_t> objectives, double quantile) {
    auto a = first_break(connection, runs.first, histogram, objectives.first, quantile);
    if (!a) return tl::unexpected(a.error());
    auto b = first_break(connection, runs.second, histogram, objectives.second, quantile);
    if (!b) return tl::unexpected(b.error());
    return ObjectiveBreaks{*a, *b};
}

}  // namespace

Result<RunComparison> compare_runs(Connection& connection, std::int64_t run_a, std::int64_t run_b,
                                   const ComparisonOptions& options) {
    if (run_a == run_b) {
        return fail(Code::invalid_argument,
                    "a and b are both run " + std::to_string(run_a) + ": expected two runs of one stream");
    }
    const auto of_a = objectives_of(connection, run_a);
    if (!of_a) return tl::unexpected(of_a.error());
    const auto of_b = objectives_of(connection, run_b);
    if (!of_b) return tl::unexpected(of_b.error());
    if (of_a->stream_id != of_b->stream_id) {
        return fail(Code::invalid_argument,
                    "runs " + std::to_string(run_a) + " and " + std::to_string(run_b) +
                        " replay different streams: expected two runs of one stream, whose requests are the same");
    }
    if (of_a->request_rows == "none") {
        return fail(Code::invalid_argument,
                    "runs " + std::to_string(run_a) + " and " + std::to_string(run_b) +
                        " have no rows of requests to pair, as their stream keeps none (request_rows = none): "
                        "compare their windows, or replay with request_rows = sampled:0.01");
    }
    auto a = Rows::open(connection, run_a);
    if (!a) return tl::unexpected(a.error());
    auto b = Rows::open(connection, run_b);
    if (!b) return tl::unexpected(b.error());
    RunComparison out;
    out.request_rows = of_a->request_rows;
    Comparer comparer(out, options.requests);
    if (auto done = pair_up(*a, *b, comparer, out); !done) return tl::unexpected(done.error());
    out.requests = comparer.most();
    auto ttft = breaks(connection, "ttft", {run_a, run_b}, {of_a->ttft_ns, of_b->ttft_ns}, options.quantile);
    if (!ttft) return tl::unexpected(ttft.error());
    auto tpot = breaks(connection, "tpot", {run_a, run_b}, {of_a->tpot_ns, of_b->tpot_ns}, options.quantile);
    if (!tpot) return tl::unexpected(tpot.error());
    out.ttft_breaks = *ttft;
    out.tpot_breaks = *tpot;
    return out;
}

}  // namespace replayd::storage
