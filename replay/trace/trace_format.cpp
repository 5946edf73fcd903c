#include "replay/trace/trace_format.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "replay/base/nearest_name.hpp"
#include "replay/trace/csv_row.hpp"
#include "replay/trace/json_cursor.hpp"
#include "replay/trace/text.hpp"

namespace replayd {
namespace {

constexpr std::array<FieldName, 3> k_azure = {{{"TIMESTAMP", Field::at, true},
                                               {"ContextTokens", Field::prompt, true},
                                               {"GeneratedTokens", Field::output, true}}};

constexpr std::array<FieldName, 5> k_mooncake = {{{"timestamp", Field::at, true},
                                                  {"input_length", Field::prompt, true},
                                                  {"output_length", Field::output, true},
                                                  {"hash_ids", Field::hashes, false},
                                                  {"session_id", Field::conversation, false, false}}};

constexpr std::array<FieldName, 8> k_burstgpt = {{{"Timestamp", Field::at, true},
                                                  {"Session ID", Field::conversation, false},
                                                  {"Elapsed time", Field::e2e, false},
                                                  {"Model", Field::model, false},
                                                  {"Request tokens", Field::prompt, true},
                                                  {"Response tokens", Field::output, true},
                                                  {"Total tokens", Field::derived, false},
                                                  {"Log Type", Field::derived, false}}};

constexpr std::array<FieldName, 3> k_vidur = {{{"arrived_at", Field::at, true},
                                               {"num_prefill_tokens", Field::prompt, true},
                                               {"num_decode_tokens", Field::output, true}}};

constexpr std::array<FieldName, 8> k_vllm = {{{"request_id", Field::id, true},
                                              {"input_toks", Field::prompt, true},
                                              {"output_toks", Field::output, true},
                                              {"arrival_time", Field::at, true},
                                              {"queued_ts", Field::queued, false},
                                              {"scheduled_ts", Field::derived, false, false},
                                              {"first_token_ts", Field::first_token, false},
                                              {"last_token_ts", Field::last_token, false}}};

constexpr std::array<FieldName, 10> k_aiperf = {{{"session_id", Field::conversation, false},
                                                 {"timestamp", Field::at, true},
                                                 {"created_time", Field::at, false, false},
                                                 {"delay", Field::delay, false, false},
                                                 {"delay_ms", Field::delay, false, false},
                                                 {"input_length", Field::prompt, true},
                                                 {"input_tokens", Field::prompt, false, false},
                                                 {"output_length", Field::output, true},
                                                 {"output_tokens", Field::output, false, false},
                                                 {"hash_ids", Field::hashes, false}}};

constexpr std::array<FieldName, 13> k_replayd = {{{"id", Field::id, true},
                                                  {"arrival_ns", Field::at, true},
                                                  {"prompt_tokens", Field::prompt, true},
                                                  {"output_tokens", Field::output, true},
                                                  {"conversation", Field::conversation, false},
                                                  {"prefix_hashes", Field::hashes, false},
                                                  {"prefix_block_tokens", Field::block, false},
                                                  {"slo_class", Field::slo_class, false},
                                                  {"model", Field::model, false},
                                                  {"observed_ttft_ns", Field::ttft, false},
                                                  {"observed_e2e_ns", Field::e2e, false},
                                                  {"observed_tpot_ns", Field::tpot, false},
                                                  {"observed_cached_tokens", Field::cached, false}}};

// Paths inside a record. The source is Dynamo's request trace reference (docs.nvidia.com/dynamo, "Request Trace
// Reference") and the types that it serializes (ai-dynamo/dynamo, lib/llm/src/request_trace/types.rs).
constexpr std::array<FieldName, 13> k_dynamo = {{{"request.request_id", Field::id, true, false},
                                                 {"request.request_received_ms", Field::at, true, false},
                                                 {"request.replay.input_length", Field::prompt, true, false},
                                                 {"request.input_tokens", Field::prompt, false, false},
                                                 {"request.output_tokens", Field::output, true, false},
                                                 {"request.model", Field::model, false, false},
                                                 {"agent_context.session_id", Field::conversation, false, false},
                                                 {"request.replay.trace_block_size", Field::block, false, false},
                                                 {"request.replay.input_sequence_hashes", Field::hashes, false, false},
                                                 {"request.ttft_ms", Field::ttft, false, false},
                                                 {"request.total_time_ms", Field::e2e, false, false},
                                                 {"request.avg_itl_ms", Field::tpot, false, false},
                                                 {"request.cached_tokens", Field::cached, false, false}}};

// In the order of TraceFormat.       json   unit                    wall   first  sorts  strict
constexpr std::array<FormatTraits, k_trace_formats> k_traits = {{
    {TraceFormat::azure, "azure", k_azure, false, TimeUnit::seconds, true, true, false, false},
    {TraceFormat::mooncake, "mooncake", k_mooncake, true, TimeUnit::milliseconds, false, false, false, false},
    {TraceFormat::burstgpt, "burstgpt", k_burstgpt, false, TimeUnit::seconds, false, false, false, false},
    {TraceFormat::vidur, "vidur", k_vidur, false, TimeUnit::seconds, false, false, false, false},
    {TraceFormat::vllm, "vllm", k_vllm, true, TimeUnit::seconds, false, true, true, false},
    {TraceFormat::aiperf, "aiperf", k_aiperf, true, TimeUnit::milliseconds, false, false, true, false},
    {TraceFormat::replayd, "replayd", k_replayd, true, TimeUnit::nanoseconds, false, false, false, true},
    {TraceFormat::dynamo, "dynamo", k_dynamo, true, TimeUnit::milliseconds, false, true, true, false, false},
}};

using Names = std::vector<std::string>;

std::string listed(const Names& names) {
    constexpr std::size_t k_listed_max = 12;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), k_listed_max); ++i) {
        text += (i == 0 ? "" : ", ") + quoted(names[i]);
    }
    if (names.size() > k_listed_max) text += " and " + std::to_string(names.size() - k_listed_max) + " more";
    return text;
}

// A name that only this format has: one is enough to tell the format, so that a missing other field is
// reported as such instead of as an unknown file. Order matters: the first that is present decides.
struct Mark {
    std::string_view name;
    TraceFormat format;
};

constexpr std::array<Mark, 7> k_csv_marks = {{{"TIMESTAMP", TraceFormat::azure},
                                              {"ContextTokens", TraceFormat::azure},
                                              {"arrived_at", TraceFormat::vidur},
                                              {"num_prefill_tokens", TraceFormat::vidur},
                                              {"Request tokens", TraceFormat::burstgpt},
                                              {"Response tokens", TraceFormat::burstgpt},
                                              {"Timestamp", TraceFormat::burstgpt}}};

constexpr std::array<Mark, 15> k_json_marks = {{{"event", TraceFormat::dynamo},
                                                {"event_type", TraceFormat::dynamo},
                                                {"arrival_ns", TraceFormat::replayd},
                                                {"prompt_tokens", TraceFormat::replayd},
                                                {"input_toks", TraceFormat::vllm},
                                                {"arrival_time", TraceFormat::vllm},
                                                {"session_id", TraceFormat::aiperf},
                                                {"created_time", TraceFormat::aiperf},
                                                {"delay", TraceFormat::aiperf},
                                                {"delay_ms", TraceFormat::aiperf},
                                                {"input_tokens", TraceFormat::aiperf},
                                                {"hash_ids", TraceFormat::mooncake},
                                                {"input_length", TraceFormat::mooncake},
                                                {"output_length", TraceFormat::mooncake},
                                                {"timestamp", TraceFormat::mooncake}}};

bool has(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

Result<TraceFormat> decide(std::span<const Mark> marks, const Names& names, std::string_view what) {
    for (const Mark& mark : marks) {
        if (has(names, mark.name)) return mark.format;
    }
    return fail(Code::invalid_argument, std::string(what) + " " + listed(names) +
                                            " belong to no known trace: expected " + "the fields of " +
                                            trace_format_names());
}

Result<TraceFormat> detect_json(std::string_view line) {
    JsonCursor cursor(line);
    if (auto opened = cursor.open(); !opened) return tl::unexpected(opened.error());
    Names names;
    std::string key;
    for (;;) {
        const auto more = cursor.next(key);
        if (!more) return tl::unexpected(more.error());
        if (!*more) break;
        names.push_back(key);
        if (auto value = cursor.skip(); !value) return tl::unexpected(value.error());
    }
    const bool text_only = has(names, "prompt") || has(names, "messages") || has(names, "text_input") ||
                           (has(names, "payload") && !has(names, "event_type")) || has(names, "conversations");
    if (text_only && !has(names, "input_length") && !has(names, "input_tokens")) {
        return fail(Code::invalid_argument,
                    "members " + listed(names) + " hold text without token counts: expected input_length and "
                    "output_length in tokens, so count them with the model's tokenizer first");
    }
    return decide(k_json_marks, names, "members");
}

Result<TraceFormat> detect_csv(std::string_view line) {
    Names names;
    const auto count = split_csv(line, names);
    if (!count) return tl::unexpected(count.error());
    return decide(k_csv_marks, names, "columns");
}

}  // namespace

std::string trace_format_names(bool written) {
    Names names;
    for (const FormatTraits& known : k_traits) {
        if (known.written || !written) names.emplace_back(known.name);
    }
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        text += (i == 0 ? "" : i + 1 < names.size() ? ", " : " or ") + names[i];
    }
    return text;
}

const FormatTraits& traits(TraceFormat format) { return k_traits[static_cast<std::size_t>(format)]; }

Result<TraceFormat> parse_trace_format(std::string_view name) {
    Names names;
    for (const FormatTraits& known : k_traits) {
        if (known.name == name) return known.format;
        names.emplace_back(known.name);
    }
    const std::string nearest = nearest_name(name, names);
    return wrong_value("format", name,
                       trace_format_names() + (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
}

Result<TraceFormat> detect_format(std::string_view line) {
    const std::string_view text = trimmed(line);
    if (text.starts_with('{')) return detect_json(text);
    if (text.starts_with('[')) {
        return fail(
            Code::invalid_argument,
            "the file begins with a JSON array, as ShareGPT files do: expected a CSV header or one JSON object a "
            "line, with token counts and times");
    }
    if (text.find(',') != std::string_view::npos) return detect_csv(text);
    return fail(
        Code::invalid_argument,
        quoted(text) + " begins no known trace: expected the CSV header or first JSON line of " + trace_format_names());
}

}  // namespace replayd
