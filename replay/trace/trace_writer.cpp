#include "replay/trace/trace_writer.hpp"

#include <limits>
#include <optional>

#include "replay/trace/csv_row.hpp"
#include "replay/trace/decimal.hpp"
#include "replay/trace/text.hpp"
#include "replay/trace/trace_reader.hpp"
#include "replay/trace/wall_clock.hpp"

namespace replayd {
namespace {

// Calendar stamps need some date for virtual time 0: 2024-01-01 00:00:00 UTC.
constexpr std::int64_t k_calendar_zero_ns = 1'704'067'200 * k_ns_per_s;
// Past this the year would leave the range that parse_wall_clock reads: 170 years.
constexpr std::int64_t k_calendar_span_ns = 170LL * 365 * 86'400 * k_ns_per_s;

struct Value {
    std::string text;
    bool quoted = false;  // a JSON string
};

std::optional<Value> text_value(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return Value{text, true};
}

std::optional<Value> token_value(Tokens tokens) {
    if (tokens.value == 0) return std::nullopt;
    return Value{std::to_string(tokens.value), false};
}

std::optional<Value> time_value(std::optional<std::int64_t> ns, TimeUnit unit) {
    if (!ns) return std::nullopt;
    return Value{format_decimal(*ns, static_cast<int>(unit)), false};
}

std::optional<std::int64_t> ns_of(std::optional<Duration> duration, VirtualTime start) {
    if (!duration) return std::nullopt;
    return start.ns + duration->value;
}

std::optional<Value> hash_list(const FormatTraits& format, const Arrival& arrival) {
    const bool block_fits = format.strict || arrival.prefix_block == k_mooncake_block;
    if (arrival.prefix_hashes.empty() || !block_fits) return std::nullopt;
    std::string list = "[";
    for (const std::uint64_t hash : arrival.prefix_hashes) {
        if (list.size() > 1) list += ", ";
        list += std::to_string(hash);
    }
    return Value{list + "]", false};
}

// Columns that BurstGPT derives from the others.
Value derived_value(std::string_view name, const Arrival& arrival) {
    if (name == "Total tokens") return {std::to_string((arrival.prompt + arrival.output).value), false};
    return {arrival.conversation.empty() ? "API log" : "Conversation log", true};
}

std::optional<Value> value_of(const FormatTraits& format, const FieldName& name, const Arrival& arrival) {
    const bool observed = arrival.observed_ttft || arrival.observed_e2e;
    switch (name.field) {
        case Field::at:
            if (format.wall_clock) return Value{format_wall_clock(k_calendar_zero_ns + arrival.at.ns), true};
            return time_value(arrival.at.ns, format.unit);
        case Field::id: return text_value(arrival.id);
        case Field::prompt: return token_value(arrival.prompt);
        case Field::output: return token_value(arrival.output);
        case Field::conversation: return text_value(arrival.conversation);
        case Field::hashes: return hash_list(format, arrival);
        case Field::block: return token_value(arrival.prefix_block);
        case Field::slo_class: return text_value(arrival.slo_class);
        case Field::model: return text_value(arrival.model);
        case Field::ttft: return time_value(ns_of(arrival.observed_ttft, VirtualTime(0)), format.unit);
        case Field::e2e: return time_value(ns_of(arrival.observed_e2e, VirtualTime(0)), format.unit);
        case Field::tpot: return time_value(ns_of(arrival.observed_tpot, VirtualTime(0)), format.unit);
        case Field::cached:
            if (!arrival.observed_cached) return std::nullopt;
            return Value{std::to_string(arrival.observed_cached->value), false};
        case Field::queued:
            return observed ? time_value(arrival.at.ns, format.unit) : std::nullopt;
        case Field::first_token: return time_value(ns_of(arrival.observed_ttft, arrival.at), format.unit);
        case Field::last_token: return time_value(ns_of(arrival.observed_e2e, arrival.at), format.unit);
        case Field::derived: return derived_value(name.name, arrival);
        case Field::delay: break;
    }
    return std::nullopt;
}

void append_json_text(std::string_view text, std::string& out) {
    constexpr std::string_view k_hex = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            out += "\\u00";
            out += k_hex[byte >> 4U];
            out += k_hex[byte & 0xFU];
        } else {
            out += c;
        }
    }
    out += '"';
}

std::string json_line(const FormatTraits& format, const Arrival& arrival) {
    std::string line = "{";
    for (const FieldName& name : format.fields) {
        if (!name.written) continue;
        const auto value = value_of(format, name, arrival);
        if (!value) continue;
        if (line.size() > 1) line += ", ";
        append_json_text(name.name, line);
        line += ": ";
        if (value->quoted) {
            append_json_text(value->text, line);
        } else {
            line += value->text;
        }
    }
    return line + "}\n";
}

std::string_view line_end(const FormatTraits& format) {
    return format.format == TraceFormat::azure ? "\r\n" : "\n";
}

std::string csv_header(const FormatTraits& format) {
    std::string line;
    for (const FieldName& name : format.fields) {
        if (!line.empty()) line += ',';
        line += name.name;
    }
    return line.append(line_end(format));
}

Result<std::string> csv_line(const FormatTraits& format, const Arrival& arrival) {
    std::string line;
    for (const FieldName& name : format.fields) {
        if (&name != &format.fields.front()) line += ',';
        const auto value = value_of(format, name, arrival);
        if (!value) continue;
        if (auto appended = append_csv_cell(value->text, line); !appended) {
            return fail(appended.error().code, std::string(name.name) + " " + appended.error().message);
        }
    }
    return line.append(line_end(format));
}

// What no line of this format can say.
std::optional<std::string> inexpressible(const FormatTraits& format, const Arrival& arrival) {
    if (auto broken = violation(arrival)) return broken;
    if (format.wall_clock && arrival.at.ns > k_calendar_span_ns) {
        return "arrival_ns is " + std::to_string(arrival.at.ns) + ": expected at most " +
               std::to_string(k_calendar_span_ns) + " for calendar stamps";
    }
    for (const auto& observed : {arrival.observed_ttft, arrival.observed_e2e, arrival.observed_tpot}) {
        if (!observed) continue;
        if (observed->value < 0 || observed->value > std::numeric_limits<std::int64_t>::max() - arrival.at.ns) {
            return "an observed time is " + std::to_string(observed->value) +
                   " ns: expected 0 or more, and an end within 292 years";
        }
    }
    return std::nullopt;
}

}  // namespace

Result<void> TraceWriter::check(TraceFormat format) {
    if (traits(format).written) return {};
    return fail(Code::invalid_argument, "format is " + quoted(traits(format).name) + ", which is only read: expected " +
                                        trace_format_names(true));
}

Result<void> TraceWriter::write(const Arrival& arrival, std::string& out) {
    if (auto broken = inexpressible(format_, arrival)) {
        return fail(Code::invalid_argument, "request " + quoted(arrival.id) + ": " + *broken);
    }
    auto line = format_.json ? Result<std::string>(json_line(format_, arrival)) : csv_line(format_, arrival);
    if (!line) return fail(line.error().code, "request " + quoted(arrival.id) + ": " + line.error().message);
    if (!begun_ && !format_.json) out += csv_header(format_);
    begun_ = true;
    out += *line;
    return {};
}

}  // namespace replayd
