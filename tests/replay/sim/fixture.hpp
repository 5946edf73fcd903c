#pragma once
// Scenarios with the exact linear cost, a sink that keeps everything, and a way to run arrivals through both.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "replay/base/random.hpp"
#include "replay/sim/run.hpp"

namespace replayd::test {

struct KeepingSink final : RecordSink {
    explicit KeepingSink(bool wanted = false) : batches_wanted(wanted) {}
    void on_request(RequestRecord&& record) override { requests.push_back(std::move(record)); }
    void on_window(WindowRecord&& window) override { windows.push_back(std::move(window)); }
    [[nodiscard]] bool wants_batches() const override { return batches_wanted; }
    void on_batch(BatchRecord&& batch) override { batches.push_back(std::move(batch)); }

    bool batches_wanted;
    std::vector<RequestRecord> requests;
    std::vector<WindowRecord> windows;
    std::vector<BatchRecord> batches;
};

/// A small dense model: 2 layers, 1,024 KV bytes per token, so that transfers have a size.
inline ModelSpec tiny_model() {
    ModelSpec model;
    model.name = "tiny";
    model.layers = 2;
    model.hidden = 256;
    model.vocab = 1000;
    model.ffn = 512;
    model.max_context = 100'000;
    model.attention.q_heads = 4;
    model.attention.kv_heads = 2;
    model.attention.head_dim = 64;
    model.source = "made up";
    return model;
}

inline GpuSpec big_gpu() {
    GpuSpec gpu;
    gpu.name = "big";
    gpu.memory = Bytes(std::int64_t{80} << 30);
    gpu.hbm_bytes_per_s = 3e12;
    gpu.bf16_flops = 1e15;
    gpu.sm_count = 132;
    gpu.nvlink_bytes_per_s = 450e9;
    gpu.pcie_bytes_per_s = 64e9;
    gpu.nic_bytes_per_s = 50e9;
    gpu.source = "made up";
    return gpu;
}

inline PoolSpec pool(std::string name, PoolRole role, std::int64_t replicas, std::int64_t blocks) {
    PoolSpec spec;
    spec.name = std::move(name);
    spec.role = role;
    spec.gpu = big_gpu();
    spec.replicas = replicas;
    spec.kv.num_blocks = blocks;
    spec.max_context = Tokens(100'000);
    return spec;
}

/// Schedulers of a pool: a ReplicaState each.
inline std::int64_t ranks_of(const PoolSpec& pool) { return pool.replicas * pool.parallel.data; }

inline Scenario mixed_scenario(std::int64_t replicas = 1, std::int64_t blocks = 1000) {
    Scenario scenario;
    scenario.name = "mixed";
    scenario.model = tiny_model();
    scenario.pools.push_back(pool("mixed", PoolRole::mixed, replicas, blocks));
    scenario.cost = CostSource::linear;
    scenario.linear = {Duration(5'000'000), Duration(50'000), Duration(100'000)};
    return scenario;
}

inline Scenario pd_scenario(std::int64_t prefill, std::int64_t decode, std::int64_t blocks = 1000) {
    Scenario scenario = mixed_scenario();
    scenario.name = "pd";
    scenario.pools = {pool("prefill", PoolRole::prefill, prefill, blocks),
                      pool("decode", PoolRole::decode, decode, blocks)};
    scenario.transfer.bytes_per_s = 1e9;
    scenario.transfer.latency = Duration(10'000);
    return scenario;
}

inline Arrival arrival(std::int64_t index, std::int64_t at_ns, std::int64_t prompt, std::int64_t output) {
    Arrival made;
    made.id = "r" + std::to_string(index);
    made.at = VirtualTime(at_ns);
    made.prompt = Tokens(prompt);
    made.output = Tokens(output);
    return made;
}

/// Of two output tokens, its prompt hashed in blocks of 512 tokens as Mooncake's trace is.
inline Arrival hashed(std::int64_t index, std::int64_t at_ns, std::int64_t prompt, std::vector<std::uint64_t> hashes) {
    Arrival made = arrival(index, at_ns, prompt, 2);
    made.prefix_hashes = std::move(hashes);
    made.prefix_block = Tokens(512);
    return made;
}

/// Bursty arrivals of mixed lengths; equal times occur.
inline std::vector<Arrival> random_arrivals(Random& random, std::int64_t count, std::int64_t gap_ns,
                                            std::int64_t prompt_max, std::int64_t output_max) {
    std::vector<Arrival> arrivals;
    std::int64_t at = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        if (random.below(4) != 0) at += static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(gap_ns) * 2));
        arrivals.push_back(
            arrival(i, at, 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(prompt_max))),
                    1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(output_max)))));
    }
    return arrivals;
}

struct Outcomes {
    StateHash hash;
    RunSnapshot snapshot;
    KeepingSink sink;
};

inline std::shared_ptr<const CompiledScenario> compiled(const Scenario& scenario) {
    auto made = compile(scenario);
    if (!made) throw std::runtime_error(made.error().message);
    return *made;
}

inline Outcomes replay(const Scenario& scenario, const std::vector<Arrival>& arrivals, RunOptions options = {},
                       bool batches = false) {
    Outcomes out{{}, {}, KeepingSink(batches)};
    replayd::Run run(compiled(scenario), out.sink, options);
    for (const Arrival& next : arrivals) run.offer(next);
    run.finish();
    out.hash = run.hash();
    out.snapshot = run.snapshot();
    return out;
}

}  // namespace replayd::test
