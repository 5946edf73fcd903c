#pragma once
// Speculative decoding of a pool: the [pool.speculation] table of a scenario.

#include <cstdint>

namespace replayd {

/// Who proposes the tokens that a step verifies.
enum class DraftMethod {
    mtp,    ///< the model's own multi-token-prediction layers, in turn (vLLM's method "mtp")
    ngram,  ///< a search in the prompt on the host: no work of the GPU (vLLM's method "ngram")
};

struct SpeculationSpec {
    DraftMethod method = DraftMethod::mtp;
    /// Drafted for each decoding sequence in each step, 1 to 16; fewer where its output ends.
    std::int64_t tokens = 1;
    /// Probability that a draft is accepted when those before it were, 0 to 1.
    double acceptance = 0;

    /// Tokens that a step makes of a sequence on average: 1 + a + a² + … + a^tokens. Source: Leviathan, Kalman, Matias,
    /// "Fast Inference from Transformers via Speculative Decoding" (arXiv 2211.17192), equation 1.
    [[nodiscard]] double made_per_step() const {
        double made = 1;
        double all = 1;
        for (std::int64_t i = 0; i < tokens; ++i) made += all *= acceptance;
        return made;
    }
    bool operator==(const SpeculationSpec&) const = default;
};

}  // namespace replayd
