#include "replay/cost/afd/stage_split.hpp"

#include <algorithm>
#include <string>

#include "replay/base/assert.hpp"
#include "replay/catalog/graph_sizes.hpp"

namespace replayd::afd {
namespace {

/// The part of `total` that items [begin, end) of `count` alike ones have; parts of adjacent ranges add up exactly.
std::int64_t share(std::int64_t total, std::int64_t begin, std::int64_t end, std::int64_t count) {
    if (count == 0) return 0;
    const std::int64_t whole = total / count;
    const std::int64_t rest = total % count;
    const auto up_to = [&](std::int64_t item) { return whole * item + (rest > 0 ? rest * item / count : 0); };
    return up_to(end) - up_to(begin);
}

struct Range {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

/// A rank's decodes and prompts in one row: the requests [0, decodes) have a token each, the others equal shares.
class RowOfRequests {
public:
    explicit RowOfRequests(const StepShape& shape) : shape_(shape) {}

    /// The border nearest to `stage` · tokens / `stages`.
    std::int64_t border(std::int64_t stage, std::int64_t stages) const {
        const std::int64_t target = stage * rows_of(shape_);  // in units of 1 / stages
        std::int64_t low = 0;
        std::int64_t high = shape_.decode_sequences + shape_.prefill_sequences;
        while (low < high) {  // the first border that is not before the target
            const std::int64_t middle = low + (high - low) / 2;
            if (tokens_before(middle) * stages < target) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low == 0) return 0;
        const std::int64_t after = tokens_before(low) * stages - target;
        const std::int64_t before = target - tokens_before(low - 1) * stages;
        return before <= after ? low - 1 : low;
    }

private:
    std::int64_t tokens_before(std::int64_t request) const {
        const std::int64_t decodes = std::min(request, shape_.decode_sequences);
        return decodes + share(shape_.prefill_tokens, 0, request - decodes, shape_.prefill_sequences);
    }

    const StepShape& shape_;
};

StepShape part(const StepShape& rank, Range decodes, Range prompts) {
    const auto of_prompts = [&](std::int64_t total) {
        return share(total, prompts.begin, prompts.end, rank.prefill_sequences);
    };
    StepShape out;
    out.prefill_sequences = prompts.end - prompts.begin;
    out.prefill_tokens = of_prompts(rank.prefill_tokens);
    out.prefill_pairs = of_prompts(rank.prefill_pairs);
    out.prefill_context = of_prompts(rank.prefill_context);
    out.prefill_squares = of_prompts(rank.prefill_squares);
    out.prefill_past_tiles = of_prompts(rank.prefill_past_tiles);
    out.decode_sequences = decodes.end - decodes.begin;
    out.decode_context = share(rank.decode_context, decodes.begin, decodes.end, rank.decode_sequences);
    const std::int64_t requests = rank.decode_sequences + rank.prefill_sequences;
    const std::int64_t begin = decodes.begin + prompts.begin;
    out.sampled_sequences = share(rank.sampled_sequences, begin, decodes.end + prompts.end, requests);
    return out;
}

/// part() of a rank that only decodes.
StepShape part_of_decodes(const StepShape& rank, Range decodes) {
    StepShape out;
    out.decode_sequences = decodes.end - decodes.begin;
    out.decode_context = share(rank.decode_context, decodes.begin, decodes.end, rank.decode_sequences);
    out.sampled_sequences = share(rank.sampled_sequences, decodes.begin, decodes.end, rank.decode_sequences);
    return out;
}

std::int64_t begin_of_stage(std::int64_t requests, std::int64_t stages, std::int64_t stage) {
    return stage * (requests / stages) + std::min(stage, requests % stages);
}

}  // namespace

std::int64_t requests_of_stage(std::int64_t requests, std::int64_t stages, std::int64_t stage) {
    REPLAYD_ASSERT(requests >= 0 && stages >= 1 && stage >= 0 && stage < stages);
    return requests / stages + (stage < requests % stages ? 1 : 0);
}

std::int64_t effective_stages(std::int64_t stages, std::int64_t requests) {
    return std::min(stages, requests);
}

std::vector<std::int64_t> token_cuts(std::span<const std::int64_t> tokens, std::int64_t stages) {
    REPLAYD_ASSERT(stages >= 1);
    std::int64_t total = 0;
    for (const std::int64_t each : tokens) total += each;
    std::vector<std::int64_t> cuts{0};
    std::int64_t request = 0;
    std::int64_t before = 0;  // tokens of the requests before `request`
    for (std::int64_t stage = 1; stage < stages; ++stage) {
        const std::int64_t target = stage * total;
        while (request < std::ssize(tokens)) {
            const std::int64_t after = before + tokens[static_cast<std::size_t>(request)];
            // On to the next border while that is strictly nearer.
            if (after * stages > target && after * stages - target >= target - before * stages) break;
            if (after == before && before * stages >= target) break;
            before = after;
            ++request;
        }
        cuts.push_back(request);
    }
    cuts.push_back(std::ssize(tokens));
    return cuts;
}

StepShape shape_of_stage(const StepShape& rank, std::int64_t stages, std::int64_t stage) {
    REPLAYD_ASSERT(stages >= 1 && stage >= 0 && stage < stages);
    if (rank.prefill_sequences == 0) {
        const std::int64_t requests = rank.decode_sequences;
        return part_of_decodes(rank,
                               {begin_of_stage(requests, stages, stage), begin_of_stage(requests, stages, stage + 1)});
    }
    const RowOfRequests row(rank);
    const std::int64_t begin = row.border(stage, stages);
    const std::int64_t end =
        stage + 1 == stages ? rank.decode_sequences + rank.prefill_sequences : row.border(stage + 1, stages);
    const auto decodes = [&](std::int64_t request) { return std::min(request, rank.decode_sequences); };
    return part(rank, {decodes(begin), decodes(end)}, {begin - decodes(begin), end - decodes(end)});
}

std::int64_t sent_rows(const StepShape& stage, std::int64_t graph_tokens_max) {
    if (is_padding(stage)) return 1;
    return padded_to_graph(rows_of(stage), graph_tokens_max);
}

Result<void> check_capacity(std::int64_t rows, std::int64_t stage, std::int64_t capacity) {
    if (rows <= capacity) return {};
    return fail(Code::invalid_argument,
                "afd: stage " + std::to_string(stage) + " has " + std::to_string(rows) + " rows: expected at most " +
                    std::to_string(capacity) +
                    ", what its buffers hold; raise batching.max_sequences or lower afd.stages");
}

}  // namespace replayd::afd
