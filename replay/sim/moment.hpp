#pragma once
// A run as it stands at one moment: queues, batches under way, KV blocks, transfers. A plain copy; it does not depend
// on how the run was computed (decode sets, stretches).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/sim/records.hpp"
#include "replay/sim/run.hpp"
#include "replay/sim/scaler.hpp"

namespace replayd {

/// A request that is in the system.
struct MomentRequest {
    std::int64_t sequence = 0;
    std::string id;
    VirtualTime arrived;
    VirtualTime since;           ///< its ledger accounts for everything before: since then it waits, decodes or is in
                                 ///< its step
    LedgerPart waits_in = LedgerPart::prefill_queue;  ///< while it waits
    Tokens prompt{0};
    Tokens output{0};            ///< that it will make
    Tokens computed{0};          ///< whose KV is there, by steps that have ended
    Tokens generated{0};         ///< output tokens made
    std::int64_t blocks = 0;     ///< KV blocks that it holds, shared ones included
    std::int32_t preemptions = 0;
    bool in_step = false;        ///< the step under way works on it
};

/// A step that is under way.
struct MomentStep {
    VirtualTime began;
    VirtualTime ends;
    std::int64_t sequences = 0;
    std::int64_t prompt_tokens = 0;
    std::int64_t decodes = 0;
};

/// One scheduler: a replica, or a data-parallel rank of one.
struct MomentReplica {
    std::int32_t replica = 0;  ///< index over all replicas of the scenario
    std::int32_t pool = 0;
    ReplicaPhase phase = ReplicaPhase::active;
    std::int64_t kv_blocks_total = 0;
    std::int64_t kv_blocks_used = 0;    ///< by requests
    std::int64_t kv_blocks_cached = 0;  ///< that only the prefix cache keeps: free when they are needed
    std::int64_t host_blocks_used = 0;
    std::int64_t waiting_count = 0;     ///< all that wait here, listed or not
    std::int64_t running_count = 0;
    std::int64_t incoming = 0;          ///< requests whose KV is reserved here and on its way
    std::vector<MomentRequest> waiting;  ///< in the order of the queue, those first that its scheduler sees
    std::vector<MomentRequest> running;  ///< in the order of admission
    std::vector<MomentStep> steps;       ///< oldest first; several with pipeline stages
};

/// A request whose KV moves or waits to.
struct MomentTransfer {
    enum class State { waits_for_room, moves, loads_from_host } state = State::moves;
    std::int64_t sequence = 0;
    std::string id;
    std::int32_t source = -1;       ///< replica; with loads_from_host the one that loads
    std::int32_t destination = -1;  ///< -1 while it waits for room
    VirtualTime since;              ///< ready to move, or moving, or on the link
    std::optional<VirtualTime> ends;  ///< known of loads from the host only: others share the network with what comes
};

struct Moment {
    VirtualTime at;  ///< everything strictly before has happened
    RunSnapshot snapshot;
    StateHash hash;
    std::vector<MomentReplica> replicas;
    std::vector<MomentTransfer> transfers;  ///< those that wait for room first, then by request
};

}  // namespace replayd
