#include "replay/catalog/afd_toml.hpp"
#include "replay/catalog/autoscale_toml.hpp"
#include "replay/catalog/moe_toml.hpp"
#include "replay/catalog/pool_check.hpp"
#include "replay/catalog/spec_toml.hpp"
#include "replay/catalog/speculation_toml.hpp"

namespace replayd {
namespace {

constexpr double k_giga = 1e9;
constexpr IntegerRange k_width{1, 4'096};
constexpr IntegerRange k_replicas{1, 10'000};
constexpr IntegerRange k_batch_tokens{1, 10'000'000};
constexpr IntegerRange k_sequences{1, 1'000'000};
constexpr IntegerRange k_blocks{1, 1'000'000'000};

constexpr std::array<Choice<PoolRole>, 3> k_roles = {
    {{"mixed", PoolRole::mixed}, {"prefill", PoolRole::prefill}, {"decode", PoolRole::decode}}};
constexpr std::array<Choice<BatchPolicyKind>, 6> k_policies = {
    {{"vllm_v1", BatchPolicyKind::vllm_v1},
     {"vllm", BatchPolicyKind::vllm},
     {"sarathi", BatchPolicyKind::sarathi},
     {"orca", BatchPolicyKind::orca},
     {"faster_transformer", BatchPolicyKind::faster_transformer},
     {"lightllm", BatchPolicyKind::lightllm}}};
constexpr std::array<Choice<QueueOrder>, 3> k_queues = {{{"fcfs", QueueOrder::fcfs},
                                                        {"priority", QueueOrder::priority},
                                                        {"shortest_prompt", QueueOrder::shortest_prompt}}};
constexpr std::array<Choice<EvictionKind>, 2> k_evictions = {
    {{"least_recently_freed", EvictionKind::least_recently_freed}, {"lru", EvictionKind::lru}}};
constexpr std::array<Choice<RouterKind>, 9> k_routers = {{{"round_robin", RouterKind::round_robin},
                                                          {"random", RouterKind::random},
                                                          {"least_outstanding", RouterKind::least_outstanding},
                                                          {"least_tokens", RouterKind::least_tokens},
                                                          {"prefix_aware", RouterKind::prefix_aware},
                                                          {"session_affinity", RouterKind::session_affinity},
                                                          {"kv_headroom", RouterKind::kv_headroom},
                                                          {"lor", RouterKind::lor},
                                                          {"vllm_balancer", RouterKind::vllm_balancer}}};

/// "auto" has no value of its own: automatic_moe_backend() says what it stands for.
constexpr std::array<Choice<std::optional<MoeBackend>>, 5> k_moe_backends = {
    {{"fused", MoeBackend::fused},
     {"tensor", MoeBackend::tensor},
     {"deepep_normal", MoeBackend::deepep_normal},
     {"deepep_low_latency", MoeBackend::deepep_low_latency},
     {"auto", std::nullopt}}};
constexpr std::array<Choice<MoeOverlap>, 3> k_moe_overlaps = {{{"none", MoeOverlap::none},
                                                               {"shared_experts", MoeOverlap::shared_experts},
                                                               {"two_batch", MoeOverlap::two_batch}}};
/// DeepEP's kernels take SMs in pairs.
constexpr IntegerRange k_deepep_sms{2, 64};
constexpr std::array<Choice<AttentionBackend>, 2> k_attention_backends = {
    {{"flash_attention", AttentionBackend::flash_attention}, {"flashinfer", AttentionBackend::flashinfer}}};

constexpr std::string_view role_name(PoolRole role) {
    for (const Choice<PoolRole>& choice : k_roles) {
        if (choice.value == role) return choice.name;
    }
    return "";
}

ParallelSpec read_parallel(TableReader& table) {
    ParallelSpec out;
    out.tensor = table.integer("tensor", k_width, out.tensor);
    out.pipeline = table.integer("pipeline", k_width, out.pipeline);
    out.data = table.integer("data", k_width, out.data);
    out.expert = table.integer("expert", k_width, out.expert);
    out.redundant_experts = table.integer("redundant_experts", {0, k_width.most}, 0);
    table.finish();
    return out;
}

/// Refuses `key` where it is written but nothing would look at it, since `what` was not chosen.
void need_choice(TableReader& table, std::string_view key, bool read, std::string_view choice, std::string_view what) {
    const TomlNode* value = table.any(key);
    if (value == nullptr || read) return;
    table.refuse(key, value->shown(),
                 "belongs to " + std::string(choice) + "; remove it or change the " + std::string(what));
}

void need_policy(TableReader& table, std::string_view key, bool read, std::string_view policies) {
    need_choice(table, key, read, policies, "policy");
}

BatchingSpec read_batching(TableReader& table) {
    BatchingSpec out;
    out.policy = table.choice<BatchPolicyKind>("policy", k_policies, out.policy);
    out.queue = table.choice<QueueOrder>("queue", k_queues, out.queue);
    out.max_batched_tokens = Tokens(table.integer("max_batched_tokens", k_batch_tokens, out.max_batched_tokens.value));
    out.max_sequences = table.integer("max_sequences", k_sequences, out.max_sequences);
    out.chunked_prefill = table.flag("chunked_prefill", out.chunked_prefill);
    out.long_prefill_threshold = Tokens(table.integer("long_prefill_threshold", {0, k_batch_tokens.most}, 0));
    out.watermark = table.real("watermark", {0, 0.5, true}, out.watermark);
    const bool chunks = out.policy == BatchPolicyKind::vllm_v1;
    need_policy(table, "chunked_prefill", chunks, "policy = \"vllm_v1\"");
    need_policy(table, "long_prefill_threshold", chunks, "policy = \"vllm_v1\"");
    out.asynchronous = table.flag("asynchronous", false);
    need_policy(table, "asynchronous", chunks, "policy = \"vllm_v1\"");
    out.reserve_full_prompt = table.flag("reserve_full_prompt", true);
    need_policy(table, "reserve_full_prompt", chunks, "policy = \"vllm_v1\"");
    need_policy(table, "watermark", out.policy == BatchPolicyKind::vllm || out.policy == BatchPolicyKind::sarathi,
                "policy = \"vllm\" or \"sarathi\"");
    table.finish();
    return out;
}

KvSpec read_kv(TableReader& table) {
    KvSpec out;
    out.block = Tokens(table.integer("block_tokens", {1, 65'536}, out.block.value));
    out.memory_fraction = table.real("memory_fraction", {0, 1}, out.memory_fraction);
    if (table.has("num_blocks")) out.num_blocks = table.integer("num_blocks", k_blocks);
    out.dtype = table.choice<DataType>("dtype", k_kv_types, out.dtype);
    out.prefix_caching = table.flag("prefix_caching", out.prefix_caching);
    out.eviction = table.choice<EvictionKind>("eviction", k_evictions, out.eviction);
    need_choice(table, "eviction", out.prefix_caching, "prefix_caching = true", "cache");
    out.flashmla = table.flag("flashmla", false);
    out.host = Bytes(static_cast<std::int64_t>(table.real("host_gigabytes", {0, 1e6, true}, 0.0) * k_giga));
    need_choice(table, "host_gigabytes", out.prefix_caching, "prefix_caching = true", "cache");
    if (table.has("host_gigabytes_per_s")) out.host_bytes_per_s = table.real("host_gigabytes_per_s", {0, 1e6}) * k_giga;
    out.host_latency = table.duration("host_latency_us", k_ns_per_us, Duration(0), Duration(0));
    for (const std::string_view key : {"host_gigabytes_per_s", "host_latency_us"}) {
        need_choice(table, key, out.host.value > 0, "host_gigabytes above 0", "host tier");
    }
    table.any("num_blocks");
    table.finish();
    return out;
}

RuntimeSpec read_runtime(TableReader& table, PoolRole role, const ParallelSpec& parallel) {
    RuntimeSpec out;
    out.cuda_graphs = table.flag("cuda_graphs", out.cuda_graphs);
    out.graph_tokens_max = table.integer("graph_tokens_max", {1, 65'536}, out.graph_tokens_max);
    out.moe = table.choice<std::optional<MoeBackend>>("moe", k_moe_backends, out.moe)
                  .value_or(automatic_moe_backend(role, parallel));
    out.moe_strategy = table.text("moe_strategy", "");
    out.moe_overlap = table.choice<MoeOverlap>("moe_overlap", k_moe_overlaps, out.moe_overlap);
    out.deepep_sms = table.integer("deepep_sms", k_deepep_sms, out.deepep_sms);
    need_choice(table, "moe_overlap", out.moe_overlap == MoeOverlap::none || uses_deepep(out.moe),
                "moe = \"deepep_normal\" or \"deepep_low_latency\"", "exchange");
    need_choice(table, "deepep_sms", out.moe == MoeBackend::deepep_normal, "moe = \"deepep_normal\"", "exchange");
    out.masked_tokens_max = table.integer("masked_tokens_max", {0, k_batch_tokens.most}, out.masked_tokens_max);
    out.attention = table.choice<AttentionBackend>("attention", k_attention_backends, out.attention);
    out.shared_workspace = table.flag("shared_workspace", out.shared_workspace);
    out.draft_layers = table.integer("draft_layers", {0, 16}, 0);
    table.finish();
    return out;
}

void read_router(TableReader& table, PoolSpec& out) {
    constexpr RealRange k_weight{0, 1e6, true};
    // A hand-off goes where there is room; a prompt goes where there is least to do.
    if (out.role == PoolRole::decode) out.router = RouterKind::kv_headroom;
    out.router = table.choice<RouterKind>("router", k_routers, out.router);
    const bool weighs = out.router == RouterKind::prefix_aware;
    for (const auto& [key, weight] : {std::pair{"router_match_weight", &out.router_match_weight},
                                      std::pair{"router_load_weight", &out.router_load_weight}}) {
        *weight = table.real(key, k_weight, *weight);
        need_choice(table, key, weighs, "router = \"prefix_aware\"", "router");
    }
}

GpuSpec read_pool_gpu(TableReader& table, const std::string& default_gpu, const Catalog& catalog) {
    const std::vector<std::string> names = catalog.gpu_names();
    if (!table.has("gpu") && default_gpu.empty()) {
        table.any("gpu");
        table.missing("gpu", "the name of a GPU here or at the top of the file: " + joined(names));
        return {};
    }
    const std::string name = table.text("gpu", default_gpu);
    if (auto gpu = catalog.gpu(name)) return *gpu;
    if (table.has("gpu")) table.refuse_name("gpu", name, "", names);
    return {};
}

/// An absent sub-table reads as an empty one at the pool's line: all its keys take their defaults.
TomlNode sub_table(TableReader& pool, std::string_view key, const TomlNode& fallback) {
    const TomlNode* node = pool.table(key, false);
    return node != nullptr ? *node : fallback;
}

}  // namespace

PoolSpec read_pool(TableReader& table, const ModelSpec& model, const std::string& default_gpu,
                   const Catalog& catalog) {
    TomlNode empty;
    empty.line = empty.key_line = table.line();
    const TomlNode parallel_node = sub_table(table, "parallel", empty);
    const TomlNode batching_node = sub_table(table, "batching", empty);
    const TomlNode kv_node = sub_table(table, "kv", empty);
    const TomlNode runtime_node = sub_table(table, "runtime", empty);
    const TomlNode afd_node = sub_table(table, "afd", empty);
    TableReader parallel(parallel_node, table.path_of("parallel"), table.errors());
    TableReader batching(batching_node, table.path_of("batching"), table.errors());
    TableReader kv(kv_node, table.path_of("kv"), table.errors());
    TableReader runtime(runtime_node, table.path_of("runtime"), table.errors());
    TableReader afd(afd_node, table.path_of("afd"), table.errors());

    PoolSpec out;
    out.role = table.choice<PoolRole>("role", k_roles);
    out.name = read_name(table, "name", std::string(role_name(out.role)));
    out.gpu = read_pool_gpu(table, default_gpu, catalog);
    out.replicas = table.integer("replicas", k_replicas, out.replicas);
    out.parallel = read_parallel(parallel);
    out.batching = read_batching(batching);
    out.kv = read_kv(kv);
    out.runtime = read_runtime(runtime, out.role, out.parallel);
    if (table.table("afd", false) != nullptr) out.afd = read_afd(afd, out.gpu, catalog);
    if (const TomlNode* speculation = table.table("speculation", false)) {
        TableReader reader(*speculation, table.path_of("speculation"), table.errors());
        out.speculation = read_speculation(reader);
    }
    if (const TomlNode* autoscale = table.table("autoscale", false)) {
        out.autoscale =
            read_pool_autoscale(TableReader(*autoscale, table.path_of("autoscale"), table.errors()), out.replicas);
    }
    out.weights = table.choice<DataType>("weights", k_weight_types, model.weights);
    read_router(table, out);
    out.max_context = Tokens(table.integer("max_context", {1, 100'000'000}, model.max_context));
    table.finish();
    if (!table.errors().any()) check_pool(out, model, {table, parallel, batching, kv, runtime, afd});
    return out;
}

bool is_name(std::string_view name) {
    constexpr std::string_view k_allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return !name.empty() && name.size() <= 100 && name.find_first_not_of(k_allowed) == std::string_view::npos;
}

std::string read_name(TableReader& table, std::string_view key, std::optional<std::string> fallback) {
    std::string name = table.text(key, std::move(fallback));
    if (table.has(key) && !is_name(name)) {
        table.refuse(key, '"' + name + '"', "expected 1 to 100 letters, digits, '.', '_' or '-'");
    }
    return name;
}

}  // namespace replayd
