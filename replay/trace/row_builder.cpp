#include "replay/trace/row_builder.hpp"

#include <limits>

#include "replay/trace/decimal.hpp"
#include "replay/trace/text.hpp"
#include "replay/trace/wall_clock.hpp"

namespace replayd {
namespace {

constexpr std::int64_t k_tokens_max = std::numeric_limits<std::int32_t>::max();

std::string_view unit_name(TimeUnit unit) {
    switch (unit) {
        case TimeUnit::nanoseconds: return "whole nanoseconds";
        case TimeUnit::microseconds: return "microseconds";
        case TimeUnit::milliseconds: return "milliseconds";
        case TimeUnit::seconds: return "seconds";
    }
    return {};
}

}  // namespace

void RowBuilder::begin(std::int64_t row_number) {
    row_ = TraceRow{};
    given_ = 0;
    row_number_ = row_number;
}

std::string RowBuilder::expected_of(Field field) const {
    switch (field) {
        case Field::prompt:
        case Field::output:
        case Field::block: return "a whole number, 1 to " + std::to_string(k_tokens_max);
        case Field::cached: return "a whole number, 0 to " + std::to_string(k_tokens_max);
        case Field::at:
            if (format_.wall_clock) return "a time like 2023-11-16 18:15:46.6805900";
            [[fallthrough]];
        case Field::ttft:
        case Field::e2e:
        case Field::tpot:
        case Field::delay:
        case Field::queued:
        case Field::first_token:
        case Field::last_token: return std::string(unit_name(options_.unit)) + ", 0 or more";
        case Field::hashes:
        case Field::id:
        case Field::conversation:
        case Field::slo_class:
        case Field::model:
        case Field::derived: break;
    }
    return "text";
}

tl::unexpected<Error> RowBuilder::missing(const FieldName& name) const {
    std::string message = std::string(name.name) + " is missing: expected " + expected_of(name.field);
    if (name.field == Field::at && format_.format == TraceFormat::aiperf) {
        message += ", or delay after an earlier turn of the same session_id";
    }
    return fail(Code::invalid_argument, std::move(message));
}

Result<void> RowBuilder::claim(const FieldName& name) {
    if (given(name.field)) {
        const std::string_view earlier = name_of(name.field);
        return fail(Code::invalid_argument,
                    earlier == name.name ? std::string(name.name) + " is given twice: expected it once"
                                         : std::string(name.name) + " and " + std::string(earlier) +
                                               " are both given: expected one of them, they mean the same");
    }
    given_ |= bit(name.field);
    names_[static_cast<std::size_t>(name.field)] = name.name;
    return {};
}

Result<void> RowBuilder::set(const FieldName& name, std::string_view text) {
    if (name.field == Field::derived || (text.empty() && !name.required)) return {};
    if (auto claimed = claim(name); !claimed) return claimed;
    switch (name.field) {
        case Field::at: return set_at(name, text);
        case Field::prompt:
        case Field::output:
        case Field::block:
        case Field::cached: return set_tokens(name, text);
        case Field::ttft:
        case Field::e2e:
        case Field::tpot:
        case Field::delay:
        case Field::queued:
        case Field::first_token:
        case Field::last_token: return set_time(name, text);
        case Field::id:
        case Field::conversation:
        case Field::slo_class:
        case Field::model: return set_text(name, text);
        case Field::hashes:
        case Field::derived: break;
    }
    return wrong_value(name.name, text, expected_of(name.field));
}

Result<void> RowBuilder::set_hashes(const FieldName& name, std::vector<std::uint64_t>& hashes) {
    if (auto claimed = claim(name); !claimed) return claimed;
    row_.arrival.prefix_hashes = std::move(hashes);
    hashes.clear();
    return {};
}

Result<std::int64_t> RowBuilder::time_ns(const FieldName& name, std::string_view text) const {
    const bool whole = options_.unit == TimeUnit::nanoseconds;
    const bool fits = !whole || parse_whole(text).has_value();
    const auto value = fits ? parse_decimal(text, static_cast<int>(options_.unit)) : std::nullopt;
    if (!value || *value < 0) return wrong_value(name.name, text, expected_of(name.field));
    return *value;
}

Result<void> RowBuilder::set_at(const FieldName& name, std::string_view text) {
    row_.time_name = name.name;
    row_.time_text = text;
    if (!format_.wall_clock) {
        const auto value = time_ns(name, text);
        if (!value) return tl::unexpected(value.error());
        row_.arrival.at = VirtualTime(*value);
        return {};
    }
    const auto clock = parse_wall_clock(text);
    if (!clock) return wrong_value(name.name, text, expected_of(name.field));
    if (zoned_ && *zoned_ != clock->zoned) {
        return wrong_value(name.name, text,
                           *zoned_ ? "a time zone as in the rows before" : "no time zone, as in the rows before");
    }
    zoned_ = clock->zoned;
    row_.arrival.at = VirtualTime(clock->unix_ns);
    return {};
}

Result<void> RowBuilder::set_time(const FieldName& name, std::string_view text) {
    const auto value = time_ns(name, text);
    if (!value) return tl::unexpected(value.error());
    if (name.field == Field::ttft) row_.arrival.observed_ttft = Duration(*value);
    if (name.field == Field::e2e) row_.arrival.observed_e2e = Duration(*value);
    if (name.field == Field::tpot) row_.arrival.observed_tpot = Duration(*value);
    if (name.field == Field::delay) delay_ns_ = *value;
    if (name.field == Field::queued) queued_ns_ = *value;
    if (name.field == Field::first_token) first_token_ns_ = *value;
    if (name.field == Field::last_token) last_token_ns_ = *value;
    return {};
}

Result<void> RowBuilder::set_tokens(const FieldName& name, std::string_view text) {
    const auto value = parse_whole(text);
    const bool zero = value && *value == 0;
    if (zero && name.field == Field::output) {
        row_.failed = true;
        if (options_.allow_failed) return {};
        return wrong_value(name.name, text,
                           expected_of(name.field) +
                               " (0 marks a request that failed: the option skip_failed_rows leaves such rows out)");
    }
    const bool zero_fits = name.field == Field::cached;
    if (!value || (zero && !zero_fits) || *value > static_cast<std::uint64_t>(k_tokens_max)) {
        return wrong_value(name.name, text, expected_of(name.field));
    }
    const Tokens tokens(static_cast<std::int64_t>(*value));
    if (name.field == Field::prompt) row_.arrival.prompt = tokens;
    if (name.field == Field::output) row_.arrival.output = tokens;
    if (name.field == Field::block) row_.arrival.prefix_block = tokens;
    if (name.field == Field::cached) row_.arrival.observed_cached = tokens;
    return {};
}

Result<void> RowBuilder::set_text(const FieldName& name, std::string_view text) {
    if (!is_utf8(text)) return wrong_value(name.name, text, "text in UTF-8");
    if (name.field == Field::id) {
        if (text.empty()) return wrong_value(name.name, text, "the request's id");
        row_.arrival.id = text;
    }
    if (name.field == Field::conversation) row_.arrival.conversation = text;
    if (name.field == Field::slo_class) row_.arrival.slo_class = text;
    if (name.field == Field::model) row_.arrival.model = text;
    return {};
}

Result<void> RowBuilder::check_required() const {
    for (const FieldName& name : format_.fields) {
        if (!name.required || given(name.field)) continue;
        if (name.field == Field::at && given(Field::delay)) continue;
        return missing(name);
    }
    return {};
}

// A turn without a time of its own comes `delay` after the arrival of the turn before it. When that turn
// was answered is not known before the replay, so its service time is not added.
Result<void> RowBuilder::resolve_delay() {
    const std::string& session = row_.arrival.conversation;
    if (!given(Field::at)) {
        const auto before = turn_ns_.find(session);
        if (session.empty() || before == turn_ns_.end()) {
            return fail(Code::invalid_argument, std::string(name_of(Field::delay)) +
                                                    " is given without timestamp: expected a timestamp on the first "
                                                    "turn of session_id " + quoted(session));
        }
        if (delay_ns_ > std::numeric_limits<std::int64_t>::max() - before->second) {
            return fail(Code::invalid_argument, std::string(name_of(Field::delay)) +
                                                    " leads past the end of time: expected less than 292 years in all");
        }
        row_.arrival.at = VirtualTime(before->second + delay_ns_);
    }
    if (!session.empty()) turn_ns_[session] = row_.arrival.at.ns;
    return {};
}

// vLLM's own figures: time to the first and the last token from when the server queued the request. The
// arrival time is on another clock (wall against monotonic), so it cannot be their start.
Result<void> RowBuilder::resolve_observed() {
    for (const Field field : {Field::first_token, Field::last_token}) {
        if (!given(field)) continue;
        if (!given(Field::queued)) {
            return fail(Code::invalid_argument, "queued_ts is missing: expected it beside " +
                                                    std::string(name_of(field)) + ", on the same clock");
        }
        const std::int64_t reached_ns = field == Field::first_token ? first_token_ns_ : last_token_ns_;
        if (reached_ns < queued_ns_) {
            return wrong_value(name_of(field), format_decimal(reached_ns, 9),
                            "not before queued_ts, " + format_decimal(queued_ns_, 9));
        }
        const Duration observed(reached_ns - queued_ns_);
        (field == Field::first_token ? row_.arrival.observed_ttft : row_.arrival.observed_e2e) = observed;
    }
    return {};
}

Result<void> RowBuilder::resolve_hashes() {
    Arrival& arrival = row_.arrival;
    if (arrival.prefix_hashes.empty()) return {};
    if (format_.strict && !given(Field::block)) {
        return fail(Code::invalid_argument, "prefix_block_tokens is missing: expected the tokens of a block beside " +
                                                std::string(name_of(Field::hashes)));
    }
    if (!given(Field::block)) arrival.prefix_block = options_.prefix_block;
    const std::int64_t blocks = ceil_div(arrival.prompt.value, arrival.prefix_block.value);
    if (static_cast<std::int64_t>(arrival.prefix_hashes.size()) <= blocks) return {};
    return fail(Code::invalid_argument,
                std::string(name_of(Field::hashes)) + " has " + std::to_string(arrival.prefix_hashes.size()) +
                    " blocks: expected at most " + std::to_string(blocks) + " for " +
                    std::string(name_of(Field::prompt)) + " " + std::to_string(arrival.prompt.value) +
                    " in blocks of " + std::to_string(arrival.prefix_block.value) + " tokens");
}

Result<TraceRow*> RowBuilder::finish() {
    if (auto checked = check_required(); !checked) return tl::unexpected(checked.error());
    if (format_.format == TraceFormat::aiperf) {
        if (auto resolved = resolve_delay(); !resolved) return tl::unexpected(resolved.error());
    }
    if (auto resolved = resolve_observed(); !resolved) return tl::unexpected(resolved.error());
    if (auto resolved = resolve_hashes(); !resolved) return tl::unexpected(resolved.error());
    if (!given(Field::id)) row_.arrival.id = std::to_string(row_number_);
    return &row_;
}

}  // namespace replayd
