#include "daemon/protocol/validate.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "daemon/net/quoted.hpp"
#include "daemon/protocol/limits.hpp"

namespace replayd::protocol {
namespace {

Error invalid(std::string message) { return {Code::invalid_argument, std::move(message)}; }

Error over_limit(const std::string& field, std::size_t found, const char* unit, std::size_t limit) {
    return {Code::too_large, field + " has " + std::to_string(found) + " " + unit + ": expected at most " +
                                 std::to_string(limit)};
}

bool too_long(std::string_view text) { return text.size() > k_string_bytes_max; }

Error too_long_error(const std::string& field, std::string_view text) {
    return over_limit(field, text.size(), "bytes", k_string_bytes_max);
}

std::string shortest(double value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return {text, end};
}

std::optional<Error> scenarios_violation(const std::vector<std::string>& scenarios) {
    if (scenarios.size() > k_scenarios_max) {
        return over_limit("hello.scenarios", scenarios.size(), "entries", k_scenarios_max);
    }
    for (auto name = scenarios.begin(); name != scenarios.end(); ++name) {
        const std::string field = "hello.scenarios[" + std::to_string(name - scenarios.begin()) + "]";
        if (name->empty()) return invalid(field + " is empty: expected the name of a scenario");
        if (too_long(*name)) return too_long_error(field, *name);
        if (std::find(scenarios.begin(), name, *name) != name) {
            return invalid(field + " is " + net::quoted(*name) + " again: expected each scenario once");
        }
    }
    return std::nullopt;
}

std::optional<Error> traced_system_violation(const TracedSystem& system) {
    const std::string path = "hello.traced_system.";
    if (too_long(system.engine)) return too_long_error(path + "engine", system.engine);
    if (too_long(system.engine_version)) return too_long_error(path + "engine_version", system.engine_version);
    if (too_long(system.model)) return too_long_error(path + "model", system.model);
    if (too_long(system.gpu)) return too_long_error(path + "gpu", system.gpu);
    if (system.gpus < 0) return invalid(path + "gpus is " + std::to_string(system.gpus) + ": expected 0 or more");
    if (system.settings.size() > k_settings_max) {
        return over_limit(path + "settings", system.settings.size(), "entries", k_settings_max);
    }
    for (const auto& [key, value] : system.settings) {
        if (too_long(key)) return too_long_error(path + "settings: the key " + net::quoted(key), key);
        if (too_long(value)) return too_long_error(path + "settings[" + net::quoted(key) + "]", value);
    }
    return std::nullopt;
}

std::optional<Error> observed_violation(const Arrival& arrival) {
    const std::array<std::pair<const char*, std::optional<Duration>>, 3> times = {
        {{"observed_ttft_ns", arrival.observed_ttft},
         {"observed_e2e_ns", arrival.observed_e2e},
         {"observed_tpot_ns", arrival.observed_tpot}}};
    for (const auto& [name, time] : times) {
        if (!time || (time->value >= 0 && time->value <= k_observed_ns_max)) continue;
        return invalid(std::string(name) + " is " + std::to_string(time->value) + ": expected " +
                       (time->value < 0 ? "0 or more" : "at most " + std::to_string(k_observed_ns_max) + ", a day"));
    }
    const std::int64_t cached = arrival.observed_cached ? arrival.observed_cached->value : 0;
    if (cached >= 0 && cached <= arrival.prompt.value) return std::nullopt;
    return invalid("observed_cached_tokens is " + std::to_string(cached) + ": expected 0 to " +
                   std::to_string(arrival.prompt.value) + ", the prompt's tokens");
}

/// Limits and facts of one arrival; the text starts with the field's name inside the arrival.
std::optional<Error> arrival_violation(const Arrival& arrival) {
    if (arrival.id.size() > k_id_bytes_max) {
        return over_limit("id", arrival.id.size(), "bytes", k_id_bytes_max);
    }
    if (arrival.prefix_hashes.size() > k_prefix_hashes_max) {
        return over_limit("prefix_hashes", arrival.prefix_hashes.size(), "entries", k_prefix_hashes_max);
    }
    if (too_long(arrival.conversation)) return too_long_error("conversation", arrival.conversation);
    if (too_long(arrival.slo_class)) return too_long_error("slo_class", arrival.slo_class);
    if (too_long(arrival.model)) return too_long_error("model", arrival.model);
    if (auto found = replayd::violation(arrival)) return invalid(*found);
    return observed_violation(arrival);
}

std::string arrival_path(std::size_t index) { return "batch.arrivals[" + std::to_string(index) + "]"; }

std::optional<Error> watermark_violation(const ArrivalBatch& batch) {
    if (!batch.watermark) {
        if (!batch.arrivals.empty()) return std::nullopt;
        return invalid("batch.arrivals is empty and batch.watermark_ns is missing: expected at least one of them");
    }
    const std::int64_t earliest = batch.arrivals.empty() ? 0 : batch.arrivals.back().at.ns;
    if (batch.watermark->ns >= earliest) return std::nullopt;
    const std::string expected = batch.arrivals.empty()
                                     ? std::string("0 or more")
                                     : std::to_string(earliest) + " or more, the time of the last arrival";
    return invalid("batch.watermark_ns is " + std::to_string(batch.watermark->ns) + ": expected " + expected);
}

}  // namespace

std::optional<std::string> stream_name_violation(std::string_view name) {
    const std::string expected =
        ": expected 1 to " + std::to_string(k_stream_name_bytes_max) + " characters of A-Z a-z 0-9 . _ -";
    if (name.empty()) return "is empty" + expected;
    if (name.size() > k_stream_name_bytes_max) return "has " + std::to_string(name.size()) + " bytes" + expected;
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    };
    if (!std::all_of(name.begin(), name.end(), allowed)) return "is " + net::quoted(name) + expected;
    return std::nullopt;
}

std::optional<Error> arrival_count_violation(std::size_t arrivals) {
    if (arrivals <= k_arrivals_per_batch_max) return std::nullopt;
    return over_limit("batch.arrivals", arrivals, "entries", k_arrivals_per_batch_max);
}

std::optional<Error> violation(const Hello& hello) {
    if (auto found = stream_name_violation(hello.stream)) return invalid("hello.stream " + *found);
    if (auto found = scenarios_violation(hello.scenarios)) return found;
    if (auto found = traced_system_violation(hello.traced_system)) return found;
    if (too_long(hello.client)) return too_long_error("hello.client", hello.client);
    if (too_long(hello.request_rows)) return too_long_error("hello.request_rows", hello.request_rows);
    if (!std::isfinite(hello.speed) || hello.speed < 0) {
        return invalid("hello.speed is " + shortest(hello.speed) +
                       ": expected 0 (as fast as possible) or a positive factor of real time");
    }
    return std::nullopt;
}

std::optional<Error> violation(const ArrivalBatch& batch) {
    if (batch.seq == 0) return invalid("batch.seq is 0: expected 1 or more");
    if (auto found = arrival_count_violation(batch.arrivals.size())) return found;
    for (std::size_t i = 0; i < batch.arrivals.size(); ++i) {
        const Arrival& arrival = batch.arrivals[i];
        if (auto found = arrival_violation(arrival)) {
            return Error{found->code, arrival_path(i) + "." + found->message};
        }
        if (i > 0 && arrival.at < batch.arrivals[i - 1].at) {
            return invalid(arrival_path(i) + ".arrival_ns is " + std::to_string(arrival.at.ns) + ", before the " +
                           std::to_string(batch.arrivals[i - 1].at.ns) + " of " + arrival_path(i - 1) +
                           ": expected times that never decrease inside a batch");
        }
    }
    return watermark_violation(batch);
}

std::optional<Error> violation(const End& end) {
    if (end.seq == 0) return invalid("end.seq is 0: expected 1 or more");
    return std::nullopt;
}

}  // namespace replayd::protocol
