#pragma once
// Attention/FFN disaggregation (AFD) of a pool: attention servers hold attention weights and the KV cache, FFN servers
// the dense layers and experts, and micro-batches ("stages") are under way between them. Fields follow vLLM's AFDConfig
// (vllm-project/vllm pull request 25162, vllm/config/afd.py) where it has them.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/catalog/gpu_spec.hpp"
#include "replay/catalog/model_spec.hpp"

namespace replayd {

/// How hidden states travel between the servers.
enum class AfdConnector {
    dummy,     ///< no network: for debugging, transfers take no time
    stepmesh,  ///< RDMA driven by the CPU, which takes no SMs (stepfun-ai/StepMesh)
    p2p,       ///< point-to-point sends by kernels, which take SMs
    m2n,       ///< many-to-many kernels, which take SMs
};
inline constexpr std::array<std::string_view, 4> k_afd_connector_names = {"dummy", "stepmesh", "p2p", "m2n"};
[[nodiscard]] constexpr std::string_view to_text(AfdConnector connector) {
    return k_afd_connector_names[static_cast<std::size_t>(connector)];
}

/// What the servers do about stages in which nobody has a request.
enum class AfdEmptyStages {
    announce,  ///< the step's header says how many stages it has; there are no others
    pad,       ///< every stage is sent in every layer, with one row where there is none
};
inline constexpr std::array<std::string_view, 2> k_afd_empty_stage_names = {"announce", "pad"};
[[nodiscard]] constexpr std::string_view to_text(AfdEmptyStages mode) {
    return k_afd_empty_stage_names[static_cast<std::size_t>(mode)];
}

enum class AfdRole { attention, ffn };
inline constexpr std::array<std::string_view, 2> k_afd_role_names = {"attention", "ffn"};
[[nodiscard]] constexpr std::string_view to_text(AfdRole role) {
    return k_afd_role_names[static_cast<std::size_t>(role)];
}

/// The FFN servers of one replica together.
struct AfdFfnSpec {
    GpuSpec gpu;
    std::int64_t tensor = 1;  ///< GPUs that share the columns of an expert
    std::int64_t expert = 1;  ///< ranks over which whole experts are spread
    std::int64_t redundant_experts = 0;

    /// GPUs of all FFN servers of a replica: tensor × expert. Dense layers and shared experts are cut over all of them.
    [[nodiscard]] std::int64_t gpus() const { return tensor * expert; }
};

/// A server that answers late or not at all for a while.
struct AfdFault {
    AfdRole role = AfdRole::ffn;
    std::int64_t rank = 0;     ///< of the server among those of its role
    std::int64_t replica = 0;  ///< of the pool
    VirtualTime from;          ///< steps under way then, or begun before `until`, are hit
    VirtualTime until;
    Duration delay{0};  ///< by which its messages come late; 0: they never come
};

struct AfdSpec {
    std::int64_t attention_servers = 1;  ///< A of one replica
    std::int64_t ffn_servers = 1;        ///< F of one replica
    std::int64_t stages = 3;             ///< micro-batches in flight at most
    AfdConnector connector = AfdConnector::dummy;
    std::string host = "127.0.0.1";  ///< rendezvous of all servers
    std::int64_t port = 1239;
    std::string interface = "auto";  ///< network interface; auto: the one nearest to each GPU
    double bytes_per_s = 0;          ///< of one GPU's network card, each direction; 0: the GPU's
    Duration latency{0};             ///< of one message
    std::int64_t connector_sms = 0;  ///< p2p, m2n: SMs that the transfer kernels keep from the others
    DataType wire = DataType::bf16;  ///< of rows on their way to the FFN servers; fp8 comes with scales
    AfdEmptyStages empty_stages = AfdEmptyStages::announce;
    Duration timeout{50 * k_ns_per_s};  ///< a message that is later than this fails the step
    bool ffn_input_replicated = false;  ///< the rows of an attention server are on all its GPUs: nothing to gather
    bool ffn_overlap = true;            ///< gathering and reducing overlap with the computation of other stages
    std::map<std::string, std::string, std::less<>> extra;  ///< whatever a connector wants; part of the identity
    AfdFfnSpec ffn;
    std::vector<AfdFault> faults;  ///< in the order of the file
};

/// Rows that the buffers of one stage hold where a step has at most `rows_max` rows: the quotient plus the remainder,
/// not the quotient rounded up (385 over 3 stages: 129). Source: stepmesh_connector.py.
[[nodiscard]] constexpr std::int64_t stage_capacity(std::int64_t rows_max, std::int64_t stages) {
    return rows_max / stages + rows_max % stages;
}

/// Every field but the faults, which happen to a deployment and are no part of it, as JSON with sorted keys and no
/// spaces: two deployments are the same process group where it is equal.
[[nodiscard]] std::string afd_identity(const AfdSpec& spec);

/// The same without host and port: what captured graphs depend on.
[[nodiscard]] std::string afd_graph_key(const AfdSpec& spec);

}  // namespace replayd
