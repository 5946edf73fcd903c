#include "daemon/replayctl/step_shape.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "daemon/net/quoted.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "replay/cost/operator.hpp"
#include "replay/memory/concurrency.hpp"

namespace replayd::ctl {
namespace {

/// Far beyond a step's limits; products of two of them fit into 64 bits.
constexpr std::int64_t k_count_max = 1'000'000'000;

std::optional<std::int64_t> whole(std::string_view text, std::int64_t least) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool read = error == std::errc() && end == text.data() + text.size();
    if (!read || value < least || value > k_count_max) return std::nullopt;
    return value;
}

Result<void> at_most(const std::string& option, std::int64_t value, const std::string& what, cost::Field limit) {
    const std::int64_t most = cost::at(cost::k_field_max, limit);
    if (value <= most) return {};
    return fail(Code::invalid_argument,
                option + ": " + count_text(value) + " " + what + " in one step: expected at most " + count_text(most));
}

Result<void> check_tokens(const StepGroups& groups) {
    const auto& [prefill, decode] = groups;
    const std::array<Result<void>, 4> checks = {
        at_most("--prefill", prefill.sequences * prefill.tokens, "new tokens", cost::Field::prefill_tokens),
        at_most("--prefill", prefill.sequences * (prefill.tokens + prefill.computed), "tokens of context",
                cost::Field::prefill_context),
        at_most("--decode", decode.sequences, "sequences", cost::Field::decode_sequences),
        at_most("--decode", decode.sequences * decode.tokens, "tokens of context", cost::Field::decode_context)};
    for (const auto& check : checks) {
        if (!check) return check;
    }
    return {};
}

Result<void> check_shape(const StepShape& shape) {
    const std::array<Result<void>, 4> checks = {
        at_most("--prefill", shape.prefill_pairs, "pairs of tokens to attend to", cost::Field::prefill_pairs),
        at_most("--decode", shape.decode_sequences + shape.draft_tokens, "tokens and drafts", cost::Field::decode_rows),
        at_most("--decode", shape.draft_pairs, "pairs of drafts and context", cost::Field::draft_pairs),
        at_most("--prefill and --decode", shape.sampled_sequences, "tokens to sample", cost::Field::sampled_sequences)};
    for (const auto& check : checks) {
        if (!check) return check;
    }
    return {};
}

void remark_on_context(std::vector<std::string>& remarks, const SequenceGroup& group, const ModelSpec& model,
                       const PoolSpec& pool) {
    if (group.sequences == 0) return;
    const std::int64_t context = group.tokens + group.computed;
    if (context > pool.max_context.value) {
        remarks.push_back(count_text(context) + " tokens of context are more than max_context (" +
                          count_text(pool.max_context.value) + ")");
        return;
    }
    const MemoryPlan plan = plan_pool(model, pool);
    if (plan.blocks <= 0) return;
    const Concurrency held = concurrency(model, pool, plan, {Tokens(context), Tokens(1)});
    if (group.sequences > held.by_blocks) {
        remarks.push_back("the KV cache of a rank holds " + count_text(held.by_blocks) + " sequences of " +
                          count_text(context) + " tokens, not " + count_text(group.sequences));
    }
}

}  // namespace

Result<SequenceGroup> read_sequences(const std::string& option, const std::string& text, const std::string& form) {
    const std::string_view all = text;
    const std::size_t times = all.find('x');
    const bool may_be_computed = form.find('+') != std::string::npos;
    const std::size_t plus = may_be_computed ? all.find('+') : std::string_view::npos;
    const bool split = times != std::string_view::npos && (plus == std::string_view::npos || times < plus);
    const auto sequences = split ? whole(all.substr(0, times), 1) : std::nullopt;
    const auto tokens = split
                            ? whole(all.substr(times + 1, plus == std::string_view::npos ? plus : plus - times - 1), 1)
                            : std::nullopt;
    const auto computed = plus == std::string_view::npos ? 0 : whole(all.substr(plus + 1), 0);
    if (sequences && tokens && computed) return SequenceGroup{*sequences, *tokens, *computed};
    return fail(Code::invalid_argument, option + " is " + net::quoted(text) + ": expected " + form +
                                            ", whole numbers up to " + count_text(k_count_max));
}

Result<StepGroups> read_step(const std::string& prefill, const std::string& decode) {
    if (prefill.empty() && decode.empty()) {
        return fail(Code::invalid_argument, "--prefill and --decode are missing: expected one of them, or both");
    }
    StepGroups groups;
    if (!prefill.empty()) {
        auto read = read_sequences("--prefill", prefill,
                                   "SEQUENCESxTOKENS or SEQUENCESxTOKENS+COMPUTED, e.g. 2x512 or 1x2048+4096");
        if (!read) return tl::unexpected(read.error());
        groups.prefill = *read;
    }
    if (!decode.empty()) {
        auto read = read_sequences("--decode", decode, "SEQUENCESxCONTEXT, e.g. 64x1024");
        if (!read) return tl::unexpected(read.error());
        groups.decode = *read;
    }
    return groups;
}

Result<StepShape> shape_of(const StepGroups& groups, std::int64_t drafts) {
    if (auto checked = check_tokens(groups); !checked) return tl::unexpected(checked.error());
    const auto& [prefill, decode] = groups;
    StepShape shape;
    shape.prefill_sequences = prefill.sequences;
    shape.prefill_tokens = prefill.sequences * prefill.tokens;
    shape.prefill_pairs =
        prefill.sequences * (prefill.tokens * prefill.computed + prefill.tokens * (prefill.tokens + 1) / 2);
    shape.prefill_context = prefill.sequences * (prefill.tokens + prefill.computed);
    shape.prefill_squares = prefill.sequences * prefill.tokens * prefill.tokens;
    shape.prefill_past_tiles = prefill.sequences * ((prefill.computed + k_kv_tile_tokens - 1) / k_kv_tile_tokens);
    shape.decode_sequences = decode.sequences;
    shape.decode_context = decode.sequences * decode.tokens;
    shape.draft_tokens = drafts * decode.sequences;
    shape.draft_pairs = drafts * shape.decode_context;
    shape.sampled_sequences = prefill.sequences + decode.sequences + shape.draft_tokens;
    if (auto checked = check_shape(shape); !checked) return tl::unexpected(checked.error());
    return shape;
}

std::vector<std::string> beyond_the_pool(const StepGroups& groups, const ModelSpec& model, const PoolSpec& pool) {
    const auto& [prefill, decode] = groups;
    const BatchingSpec& batching = pool.batching;
    std::vector<std::string> remarks;
    const std::int64_t sequences = prefill.sequences + decode.sequences;
    if (sequences > batching.max_sequences) {
        remarks.push_back(count_text(sequences) + " sequences are more than a batch takes (batching.max_sequences is " +
                          count_text(batching.max_sequences) + ")");
    }
    const bool has_budget = batching.policy == BatchPolicyKind::vllm_v1 || batching.policy == BatchPolicyKind::sarathi;
    const std::int64_t tokens = prefill.sequences * prefill.tokens + decode.sequences * (1 + pool.drafts_max());
    if (has_budget && tokens > batching.max_batched_tokens.value) {
        remarks.push_back(count_text(tokens) +
                          " new tokens are more than a step takes (batching.max_batched_tokens is " +
                          count_text(batching.max_batched_tokens.value) + ")");
    }
    remark_on_context(remarks, prefill, model, pool);
    remark_on_context(remarks, decode, model, pool);
    return remarks;
}

}  // namespace replayd::ctl
