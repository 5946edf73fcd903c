#pragma once
// The trace formats that replayd reads and writes, as tables: what each calls the facts of a request.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"

namespace replayd {

enum class TraceFormat : std::uint8_t {
    azure,     ///< CSV of the Azure LLM inference traces 2023 and 2024; wall-clock times
    mooncake,  ///< JSONL of the Mooncake traces; milliseconds, prefix block ids; also without ids
    burstgpt,  ///< CSV of BurstGPT; seconds, failed requests have 0 response tokens
    vidur,     ///< CSV of vidur; seconds
    vllm,      ///< JSONL of finished requests of a vLLM server, with the times it measured
    aiperf,    ///< JSONL of aiperf and Dynamo: Mooncake's names or their aliases, sessions with delays
    replayd,   ///< our JSONL: every field of an arrival, named as in the JSON frames of the protocol
    dynamo,    ///< JSONL of Dynamo's request tracing, records of schema dynamo.request.trace.v1; read, never written
};
inline constexpr std::size_t k_trace_formats = 8;

/// Power of ten that turns a time of this unit into nanoseconds.
enum class TimeUnit : std::uint8_t { nanoseconds = 0, microseconds = 3, milliseconds = 6, seconds = 9 };

/// What a column or JSON member means for an arrival.
enum class Field : std::uint8_t {
    at,            ///< arrival time
    id,
    prompt,        ///< prompt tokens
    output,        ///< output tokens; 0 marks a request that failed
    conversation,
    hashes,        ///< prefix block hashes
    block,         ///< tokens of a hashed block
    slo_class,
    model,
    ttft,          ///< observed, from the arrival
    e2e,           ///< observed, from the arrival
    tpot,          ///< observed mean gap between output tokens
    cached,        ///< prompt tokens that the server found in its prefix cache
    delay,         ///< time after the previous turn of the session
    queued,        ///< when the server queued it; clock of its own
    first_token,   ///< on the clock of `queued`
    last_token,    ///< on the clock of `queued`
    derived,       ///< follows from other fields or says nothing about an arrival: passed over
};
inline constexpr std::size_t k_fields = 18;

struct FieldName {
    std::string_view name;
    Field field;
    bool required;        ///< every row must have it (or, for a time, a delay in its place)
    bool written = true;  ///< our writers use the name; false for aliases and what we do not know
};

struct FormatTraits {
    TraceFormat format;
    std::string_view name;
    std::span<const FieldName> fields;
    bool json;                 ///< JSON lines; otherwise CSV with a header
    TimeUnit unit;             ///< of every time in the file, wall-clock stamps apart
    bool wall_clock;           ///< arrival times are calendar stamps
    bool from_first;           ///< the file has no zero of its own: the first arrival is at 0
    bool sorts;                ///< rows may be out of order: they are collected and sorted by time
    bool strict;               ///< ours: an unknown field is an error, whole numbers may be quoted
    bool written = true;       ///< TraceWriter can write it
};

/// "azure, mooncake, ... or dynamo", for people. `written`: only those that TraceWriter writes.
[[nodiscard]] std::string trace_format_names(bool written = false);

/// The facts of one format. Never fails.
[[nodiscard]] const FormatTraits& traits(TraceFormat format);

/// The format of that name ("azure", "mooncake", ...). Error invalid_argument with the nearest name.
[[nodiscard]] Result<TraceFormat> parse_trace_format(std::string_view name);

/// The format of a trace whose first line that is not blank is `line`. Error invalid_argument says what
/// was found, and how to name the format where the line could be several.
[[nodiscard]] Result<TraceFormat> detect_format(std::string_view line);

}  // namespace replayd
