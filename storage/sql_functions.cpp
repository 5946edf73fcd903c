#include "storage/sql_functions.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/stats/histogram.hpp"
#include "storage/functions.hpp"

namespace replayd::storage {
namespace {

void report(sqlite3_context* context, const std::string& message) {
    sqlite3_result_error(context, message.c_str(), static_cast<int>(message.size()));
}

/// Runs `body`, turning lack of memory into SQLite's own error: no exception may cross C code.
template <class Body>
void guarded(sqlite3_context* context, Body body) {
    try {
        body();
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

std::string_view bytes_of(sqlite3_value* value) {
    const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
    return {bytes, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

std::string text_of(sqlite3_value* value) {
    const unsigned char* text = sqlite3_value_text(value);
    return text == nullptr ? "NULL" : std::string(reinterpret_cast<const char*>(text));
}

/// Decodes argument `value` of `function`; nothing after an error was reported.
std::optional<Histogram> histogram_of(sqlite3_context* context, sqlite3_value* value, const char* function) {
    if (sqlite3_value_type(value) != SQLITE_BLOB) {
        report(context, std::string(function) + ": the argument is '" + text_of(value) +
                            "': expected a histogram blob such as window.ttft");
        return std::nullopt;
    }
    auto histogram = Histogram::decode(bytes_of(value));
    if (!histogram) {
        report(context, std::string(function) + ": " + histogram.error().message);
        return std::nullopt;
    }
    return std::move(*histogram);
}

void histogram_quantile(sqlite3_context* context, int, sqlite3_value** values) {
    guarded(context, [&] {
        const int q_type = sqlite3_value_numeric_type(values[1]);
        const double q = sqlite3_value_double(values[1]);
        if ((q_type != SQLITE_INTEGER && q_type != SQLITE_FLOAT) || !(q >= 0 && q <= 1)) {
            return report(context, "histogram_quantile: q is " + text_of(values[1]) +
                                       ": expected a number from 0 to 1, e.g. 0.99");
        }
        if (sqlite3_value_type(values[0]) == SQLITE_NULL) return sqlite3_result_null(context);
        const auto histogram = histogram_of(context, values[0], "histogram_quantile");
        if (!histogram) return;
        if (histogram->count() == 0) return sqlite3_result_null(context);
        sqlite3_result_int64(context, histogram->quantile(q));
    });
}

void histogram_count(sqlite3_context* context, int, sqlite3_value** values) {
    guarded(context, [&] {
        if (sqlite3_value_type(values[0]) == SQLITE_NULL) return sqlite3_result_null(context);
        const auto histogram = histogram_of(context, values[0], "histogram_count");
        if (histogram) sqlite3_result_int64(context, histogram->count());
    });
}

/// State of an aggregate between its rows: SQLite keeps a zeroed pointer, made on the first row.
template <class State>
State& state_of(sqlite3_context* context) {
    auto** slot = static_cast<State**>(sqlite3_aggregate_context(context, sizeof(State*)));
    if (slot == nullptr) throw std::bad_alloc();
    if (*slot == nullptr) *slot = new State;
    return **slot;
}

/// Takes the state for the last call; null if there was no row.
template <class State>
std::unique_ptr<State> take_state(sqlite3_context* context) {
    auto** slot = static_cast<State**>(sqlite3_aggregate_context(context, 0));
    return std::unique_ptr<State>(slot == nullptr ? nullptr : *slot);
}

void merge_step(sqlite3_context* context, int, sqlite3_value** values) {
    guarded(context, [&] {
        if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
        const auto histogram = histogram_of(context, values[0], "histogram_merge");
        if (histogram) state_of<Histogram>(context).merge(*histogram);
    });
}

void merge_final(sqlite3_context* context) {
    guarded(context, [&] {
        const auto merged = take_state<Histogram>(context);
        if (!merged) return sqlite3_result_null(context);
        const std::string bytes = merged->encode();
        sqlite3_result_blob64(context, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
    });
}

/// Values of one percentile. Integers stay exact; as soon as one is REAL all are compared as REAL.
struct Values {
    std::vector<std::int64_t> integers;
    std::vector<double> reals;
    double p = 0;
};

/// Moves the nearest-rank percentile into place and returns it. `values` is not empty.
template <class T>
T nearest_rank(std::vector<T>& values, double p) {
    const auto count = static_cast<double>(values.size());
    // p·n/100 in this order is exact for whole p, so that p50 of 10 values is the 5th and not the 6th.
    const auto rank = std::clamp(std::ceil(p * count / 100.0), 1.0, count);
    const auto position = values.begin() + static_cast<std::ptrdiff_t>(rank) - 1;
    std::nth_element(values.begin(), position, values.end());
    return *position;
}

void percentile_step(sqlite3_context* context, int, sqlite3_value** values) {
    guarded(context, [&] {
        const int p_type = sqlite3_value_numeric_type(values[1]);
        const double p = sqlite3_value_double(values[1]);
        if ((p_type != SQLITE_INTEGER && p_type != SQLITE_FLOAT) || !(p == 0 || (p >= 1 && p <= 100))) {
            return report(context, "percentile: p is " + text_of(values[1]) +
                                       ": expected 0 or a number from 1 to 100, e.g. 99 for p99");
        }
        const int type = sqlite3_value_type(values[0]);
        if (type == SQLITE_NULL) return;
        if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) {
            return report(context, "percentile: x is '" + text_of(values[0]) + "': expected a number");
        }
        auto& state = state_of<Values>(context);
        state.p = p;
        if (state.integers.size() + state.reals.size() >= k_percentile_values_max) {
            return report(context, "percentile: more than " + std::to_string(k_percentile_values_max) +
                                       " values: narrow the query, or merge window histograms instead");
        }
        if (type == SQLITE_INTEGER) {
            state.integers.push_back(sqlite3_value_int64(values[0]));
        } else {
            state.reals.push_back(sqlite3_value_double(values[0]));
        }
    });
}

void percentile_final(sqlite3_context* context) {
    guarded(context, [&] {
        const auto state = take_state<Values>(context);
        if (!state) return sqlite3_result_null(context);
        if (state->reals.empty()) {
            return sqlite3_result_int64(context, nearest_rank(state->integers, state->p));
        }
        for (const std::int64_t value : state->integers) state->reals.push_back(static_cast<double>(value));
        sqlite3_result_double(context, nearest_rank(state->reals, state->p));
    });
}

}  // namespace

int register_functions(sqlite3* database) {
    constexpr int k_flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    for (const int status :
         {sqlite3_create_function(database, "histogram_quantile", 2, k_flags, nullptr, histogram_quantile, nullptr,
                                  nullptr),
          sqlite3_create_function(database, "histogram_count", 1, k_flags, nullptr, histogram_count, nullptr, nullptr),
          sqlite3_create_function(database, "histogram_merge", 1, k_flags, nullptr, nullptr, merge_step, merge_final),
          sqlite3_create_function(database, "percentile", 2, k_flags, nullptr, nullptr, percentile_step,
                                  percentile_final)}) {
        if (status != SQLITE_OK) return status;
    }
    return SQLITE_OK;
}

}  // namespace replayd::storage
