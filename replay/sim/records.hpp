#pragma once
// What a run tells the world: one record per request, one per statistics window, and samples of replicas.
// Every value is a pure function of (arrivals, scenario, engine version).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/sim/blame.hpp"
#include "replay/stats/histogram.hpp"

namespace replayd {

/// The additive parts of one request's latency, in the order of a request's life.
enum class LedgerPart : std::uint8_t {
    gateway_queue,       ///< held at the gateway before routing (admission limits)
    routing,             ///< waiting for a routable replica
    prefill_queue,       ///< on the prefill replica, before its first step
    prefill_compute,     ///< steps that prefill it: what its own tokens alone would cost
    chunk_wait,          ///< running, prompt unfinished, but the step had no budget for it
    transfer_wait,       ///< prefill done, waiting for room at the destination; what sharing the network adds;
                         ///< or waiting for the replica's link from the host
    transfer,            ///< KV cache on the wire, as long as it would be alone there; cached KV on its way from the
                         ///< host
    decode_queue,        ///< KV cache arrived, before its first decode step
    decode_compute,      ///< steps that decode it: what its token alone would cost
    batch_interference,  ///< step time beyond what the request alone would cost
    preemption_stall,    ///< evicted, waiting to be scheduled again
    recompute,           ///< computing again the tokens lost by preemption
};
inline constexpr std::size_t k_ledger_parts = 12;

/// Stable names, indexed by LedgerPart; SQLite columns, JSON keys and labels derive from them.
inline constexpr std::array<std::string_view, k_ledger_parts> k_ledger_part_names = {
    "gateway_queue", "routing",      "prefill_queue",  "prefill_compute",    "chunk_wait",       "transfer_wait",
    "transfer",      "decode_queue", "decode_compute", "batch_interference", "preemption_stall", "recompute"};

struct Ledger {
    std::array<Duration, k_ledger_parts> parts{};

    Duration& operator[](LedgerPart part) { return parts[static_cast<std::size_t>(part)]; }
    Duration operator[](LedgerPart part) const { return parts[static_cast<std::size_t>(part)]; }
    [[nodiscard]] Duration sum() const;
    bool operator==(const Ledger&) const = default;
};

enum class Outcome : std::uint8_t { finished, rejected };

/// One request of one run. Times that a rejected request never reached are equal to `arrived`.
struct RequestRecord {
    std::int64_t sequence = 0;    ///< position of the arrival in its stream, from 0
    std::string id;
    std::string conversation;
    std::string slo_class;
    std::string model;
    Outcome outcome = Outcome::finished;
    std::string reject_reason;    ///< empty when finished
    Tokens prompt{0};
    Tokens output{0};
    Tokens cached{0};             ///< prompt tokens found in the prefix cache, in either tier
    VirtualTime arrived;
    VirtualTime scheduled;        ///< start of the first step that worked on it
    VirtualTime first_token;      ///< end of the step that finished its prefill
    VirtualTime decode_started;   ///< start of its first decode step; == first_token when output is 1
    VirtualTime finished;         ///< end of the step that made its last token; of the rejection if rejected
    std::int32_t preemptions = 0;
    std::int32_t prefill_replica = -1;  ///< index over all replicas of the scenario; -1 if never routed
    std::int32_t decode_replica = -1;   ///< equal to prefill_replica on mixed pools; -1 if it never decoded
    Ledger ledger;                ///< sums to finished - arrived
    Blame blame;                  ///< takes the waiting parts and batch_interference of the ledger apart, exactly
    std::optional<Duration> observed_ttft;
    std::optional<Duration> observed_e2e;
    std::optional<Duration> observed_tpot;
    std::optional<Tokens> observed_cached;

    [[nodiscard]] Duration ttft() const { return first_token - arrived; }
    [[nodiscard]] Duration e2e() const { return finished - arrived; }
    /// Waiting until first scheduled; vLLM's queue time.
    [[nodiscard]] Duration queue() const { return scheduled - arrived; }
    /// Mean gap between output tokens, (finished - first_token) / (output - 1), rounded down; absent for
    /// output < 2 or a rejected request. vLLM's request TPOT.
    [[nodiscard]] std::optional<Duration> tpot() const;
    /// The observed mean gap between output tokens: `observed_tpot`, else (E2E - TTFT) / (output - 1), rounded down;
    /// absent for output < 2, without both times, or where they contradict each other (E2E < TTFT).
    [[nodiscard]] std::optional<Duration> observed_gap() const;
    bool operator==(const RequestRecord&) const = default;
};

/// The share of one pool in a window, at the window's end where it is a state.
struct PoolWindow {
    std::int64_t waiting = 0;
    std::int64_t running = 0;
    std::int64_t kv_blocks_used = 0;
    std::int64_t kv_blocks_total = 0;
    std::int64_t kv_blocks_cached = 0;  ///< that only the prefix cache keeps: free when they are needed
    std::int64_t steps = 0;
    Duration busy{0};
    Tokens prompt_tokens{0};
    Tokens output_tokens{0};

    bool operator==(const PoolWindow&) const = default;
};

/// The share of one SLO class in a window.
struct SloClassWindow {
    std::int64_t finished = 0;
    std::int64_t within_slo = 0;  ///< of these, requests that met every objective of the class

    bool operator==(const SloClassWindow&) const = default;
};

/// What one replica (one rank of it, with data-parallel attention) holds at a window's end. Weights and everything else
/// that stays the same are in the memory plan of its pool.
struct ReplicaWindow {
    std::int32_t replica = 0;           ///< index over all replicas of the scenario
    std::int32_t pool = 0;
    std::int64_t kv_blocks_used = 0;    ///< by requests
    std::int64_t kv_blocks_cached = 0;  ///< that only the prefix cache keeps
    Bytes workspace{0};                 ///< most that an attention plan of its prefill has needed so far; FlashInfer
                                        ///< only

    bool operator==(const ReplicaWindow&) const = default;
};

/// Sums over one window of virtual time [start, start + length). Histograms hold nanoseconds: TTFT by the
/// time of the first token; TPOT, E2E and queue by the time of finishing.
struct WindowRecord {
    VirtualTime start;
    Duration length{0};
    std::int64_t arrived = 0;
    std::int64_t finished = 0;
    std::int64_t rejected = 0;
    std::int64_t within_slo = 0;       ///< finished requests that met every objective of their class
    Tokens prompt_tokens{0};           ///< prompt tokens computed by steps that ended in the window
    Tokens cached_tokens{0};           ///< prompt tokens found in a prefix cache, by the first step of the request
    Tokens output_tokens{0};           ///< output tokens made by steps that ended in the window
    std::int64_t steps = 0;
    std::int64_t preemptions = 0;
    std::int64_t waiting = 0;          ///< at the window's end: queued requests, all replicas
    std::int64_t running = 0;          ///< at the window's end
    std::int64_t transferring = 0;     ///< at the window's end: KV waiting for or on the wire, or the link from the
                                       ///< host
    std::int64_t kv_blocks_used = 0;   ///< at the window's end, all replicas
    std::int64_t kv_blocks_total = 0;
    Duration busy{0};                  ///< summed step time of all replicas inside the window's steps
    std::int64_t batch_tokens = 0;     ///< Σ tokens over steps (÷ steps: mean tokens of a batch)
    std::int64_t batch_sequences = 0;  ///< Σ sequences over steps
    Histogram ttft;
    Histogram tpot;
    Histogram e2e;
    Histogram queue;
    std::array<Duration, k_ledger_parts> ledger{};  ///< summed over requests finished in the window
    Blame blame;                       ///< likewise
    std::vector<PoolWindow> pools;                  ///< in the order of the scenario's pools
    std::vector<SloClassWindow> slo_classes;        ///< in the order of the scenario's classes; empty if it has none
    /// Replicas whose figures are not what the window before (or a merged one) said, ascending; all in the first
    /// window.
    std::vector<ReplicaWindow> replicas;

    bool operator==(const WindowRecord&) const = default;
};

/// One executed batch, in order of formation; produced only when the sink asks for batches.
struct BatchMember {
    std::int64_t sequence = 0;  ///< of the request
    Tokens tokens{0};
    bool prefill = false;
    std::optional<std::int64_t> output_token{};  ///< which of its output tokens it makes, from 0; prompts mostly make
                                                 ///< none
};
struct BatchRecord {
    std::int64_t batch = 0;  ///< formation order over all replicas, from 0
    std::int32_t replica = 0;
    VirtualTime scheduled;
    VirtualTime finished;
    std::int64_t kv_blocks_used = 0;  ///< of the replica, after the batch was formed
    std::int64_t waiting = 0;         ///< queue length of the replica, after the batch was formed
    std::vector<BatchMember> members;
};

/// Receives the records of a run, in deterministic order, on the thread that advances the run.
class RecordSink {
public:
    virtual ~RecordSink() = default;
    virtual void on_request(RequestRecord&& record) = 0;
    virtual void on_window(WindowRecord&& window) = 0;
    /// Batches are built only if this returns true (read once, when the run is made).
    [[nodiscard]] virtual bool wants_batches() const { return false; }
    virtual void on_batch(BatchRecord&& /*batch*/) {}
};

}  // namespace replayd
