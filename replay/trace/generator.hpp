#pragma once
// Synthetic traces: a seeded, endless or bounded stream of arrivals in order of time. Memory grows with
// the sessions that are open at one virtual time, not with the length of the trace.

#include <queue>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/base/random.hpp"
#include "replay/trace/arrival.hpp"
#include "replay/trace/arrival_process.hpp"
#include "replay/trace/generator_options.hpp"

namespace replayd {

class TraceGenerator {
public:
    /// Error invalid_argument with the text of `violation(options)`.
    [[nodiscard]] static Result<TraceGenerator> make(GeneratorOptions options);

    /// The next arrival, or nothing at the end. Same options, same arrivals. Ids count from "0". Requests
    /// that share a beginning (sessions of several turns, a system prompt) carry prefix hashes in blocks of
    /// 512 tokens, each below 2^53 so that any JSON reader keeps them exact. O(log(open sessions) + blocks).
    [[nodiscard]] std::optional<Arrival> next();

private:
    explicit TraceGenerator(GeneratorOptions options, Random seeds);

    struct Turn {
        VirtualTime at;
        std::int64_t session = 0;     // index in order of start
        std::int64_t system = 0;      // index of its system prompt
        std::int64_t prompt_tokens = 0;
        std::int64_t output_tokens = 0;

        // Order of a queue whose top is the earliest turn; sessions break ties.
        bool operator<(const Turn& other) const {
            return at != other.at ? at > other.at : session > other.session;
        }
    };

    [[nodiscard]] Turn first_turn();
    /// Queues the turn after `turn`, unless the session ends.
    void follow(const Turn& turn);
    [[nodiscard]] Arrival arrival_of(const Turn& turn);
    [[nodiscard]] std::int64_t length(const LengthLaw& law);
    [[nodiscard]] std::uint64_t block_hash(const Turn& turn, std::int64_t block) const;

    GeneratorOptions options_;
    ArrivalProcess starts_;
    Random lengths_;
    Random sessions_;
    std::uint64_t hash_salt_;
    std::priority_queue<Turn> open_;  // next turn of every open session
    std::int64_t started_ = 0;
    std::int64_t emitted_ = 0;
    Turn next_start_;  // first turn of the session that starts next; made by what stands above it
};

}  // namespace replayd
