#pragma once
// Attention of a whole step from measured calls of at most one prompt chunk beside decodes of equal context. What a
// step is made of adds up:
//
//   chunks      A(N, P): N new tokens that see P pairs each. A call of one chunk is a point of A; several chunks
//               have fewer pairs for the same tokens, and A is linear in the pairs at a given N.
//   decodes     D(n, C): n sequences with C tokens of context each, alone in the step (split-KV kernels).
//   beside      M(n, C): the same in a step that also holds chunks, where the varlen kernel does not split them.
//   crossing    X(c, n): what chunks of c tokens and n decodes cost beyond A + M: the kernel's grid spans the longest
//               chunk for every sequence. c is the root of the chunks' squares: that of one chunk is the chunk, and
//               more chunks never make it smaller.
//
// P and C are means of the step, so each of A, D and M grows with the number of tokens and with what each of them sees,
// but a short sequence beside one long one may cost less than the long one alone: a step's sums do not tell them apart.
// `alone_ns` is the bound that the latency ledger needs instead.
//
// Between measured points the deviation from a fitted plane is interpolated, so that curvature in N is the plane's;
// beyond them the deviation at the edge stays and the plane goes on.

#include <cstdint>
#include <vector>

#include "replay/cost/cost_model.hpp"
#include "replay/cost/tables/step_profile.hpp"
#include "replay/cost/tables/surface.hpp"

namespace replayd::cost {

/// Largest step that is tabulated; larger ones go on straight.
struct AttentionLimits {
    std::int64_t tokens = 0;     ///< new prompt tokens
    std::int64_t sequences = 0;  ///< decodes
    std::int64_t context = 0;    ///< of one sequence
};

/// How far the measurements reach.
struct AttentionRange {
    double chunk = 0;
    double past = 0;
    double decodes = 0;
    double context = 0;
};

class AttentionTimes {
public:
    /// `points` hold calls with a chunk alone and calls with decodes alone; without calls that hold both, M is D and
    /// X is 0.
    AttentionTimes(const std::vector<AttentionPoint>& points, const AttentionLimits& limits);

    /// One layer's attention, in nanoseconds; 0 for a step without work.
    [[nodiscard]] std::int64_t ns(const StepShape& shape) const {
        const std::int64_t decodes = shape.decode_sequences;
        if (shape.prefill_tokens == 0) {
            return decodes == 0 ? 0 : decodes_.ns(decodes, scaled(shape.decode_context, decodes));
        }
        const std::int64_t chunks = chunks_.ns(shape.prefill_tokens, scaled(shape.prefill_pairs, shape.prefill_tokens));
        if (decodes == 0) return chunks;
        return chunks + beside_.ns(decodes, scaled(shape.decode_context, decodes)) +
               crossing_.ns(shape.prefill_squares, decodes);
    }

    /// Never more than `ns` of any step that holds this work among other work.
    [[nodiscard]] std::int64_t alone_ns(const StepShape& shape) const;

    [[nodiscard]] const AttentionRange& range() const { return range_; }
    /// Whether every part of the step lies between measured points.
    [[nodiscard]] bool covers(const StepShape& shape) const;

private:
    /// Means are kept in sixteenths.
    static std::int64_t scaled(std::int64_t sum, std::int64_t count) { return sum * 16 / count; }
    void add_bounds(const AttentionLimits& limits);

    Surface chunks_;
    Surface decodes_;
    Surface beside_;
    Surface crossing_;  ///< over c², n
    AttentionRange range_;
    /// Least D of any n by the bits of Σ context, and least A of as many or more tokens by the bits of tokens and
    /// pairs.
    std::vector<std::int64_t> least_decodes_;
    std::vector<std::vector<std::int64_t>> least_chunks_;
};

}  // namespace replayd::cost
