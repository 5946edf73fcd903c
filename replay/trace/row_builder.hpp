#pragma once
// Collects the fields of one row, whatever the file's syntax, into an arrival, and checks them. Both row
// parsers (CSV and JSON) end here, so a wrong value reads the same in every format.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/trace/arrival.hpp"
#include "replay/trace/trace_format.hpp"

namespace replayd {

/// One row of a trace. `arrival.at` is the time as the file has it, before any shift of the epoch.
struct TraceRow {
    Arrival arrival;
    std::string_view time_name;  ///< the field that gave the time
    std::string time_text;       ///< and its text; empty when the time came from a delay
    bool failed = false;         ///< 0 output tokens: the request failed in production
};

struct RowOptions {
    TimeUnit unit = TimeUnit::nanoseconds;  ///< of numeric times
    Tokens prefix_block{512};               ///< of hashes in formats that do not name their block
    bool allow_failed = false;              ///< 0 output tokens are `failed`, not an error
};

class RowBuilder {
public:
    RowBuilder(const FormatTraits& format, RowOptions options) : format_(format), options_(options) {}

    /// Forgets the current row. `row_number` (from 0) is the id of a row that has none.
    void begin(std::int64_t row_number);
    /// Takes one value as text. An empty text counts as absent for a field that is not required.
    /// Errors invalid_argument name field, value and what was expected.
    [[nodiscard]] Result<void> set(const FieldName& name, std::string_view text);
    /// Takes the prefix hashes, moved from `hashes`.
    [[nodiscard]] Result<void> set_hashes(const FieldName& name, std::vector<std::uint64_t>& hashes);
    /// Checks the row as a whole. The result stays valid until the next `begin`.
    [[nodiscard]] Result<TraceRow*> finish();

private:
    [[nodiscard]] Result<void> claim(const FieldName& name);
    [[nodiscard]] tl::unexpected<Error> missing(const FieldName& name) const;
    [[nodiscard]] std::string expected_of(Field field) const;
    [[nodiscard]] bool given(Field field) const { return (given_ & bit(field)) != 0; }
    [[nodiscard]] static std::uint32_t bit(Field field) { return 1U << static_cast<unsigned>(field); }
    [[nodiscard]] Result<std::int64_t> time_ns(const FieldName& name, std::string_view text) const;
    [[nodiscard]] Result<void> set_at(const FieldName& name, std::string_view text);
    [[nodiscard]] Result<void> set_time(const FieldName& name, std::string_view text);
    [[nodiscard]] Result<void> set_tokens(const FieldName& name, std::string_view text);
    [[nodiscard]] Result<void> set_text(const FieldName& name, std::string_view text);
    [[nodiscard]] Result<void> check_required() const;
    [[nodiscard]] Result<void> resolve_delay();
    [[nodiscard]] Result<void> resolve_observed();
    [[nodiscard]] Result<void> resolve_hashes();
    /// The name by which the row gave `field`. Precondition: given(field).
    [[nodiscard]] std::string_view name_of(Field field) const { return names_[static_cast<std::size_t>(field)]; }

    const FormatTraits& format_;
    RowOptions options_;
    TraceRow row_;
    std::uint32_t given_ = 0;
    std::array<std::string_view, k_fields> names_{};  ///< by which each given field came
    std::int64_t row_number_ = 0;
    std::int64_t delay_ns_ = 0;
    std::int64_t queued_ns_ = 0;
    std::int64_t first_token_ns_ = 0;
    std::int64_t last_token_ns_ = 0;
    std::optional<bool> zoned_;  ///< whether the wall-clock stamps so far named a zone
    std::unordered_map<std::string, std::int64_t> turn_ns_;  ///< last arrival of each session; never iterated
};

}  // namespace replayd
