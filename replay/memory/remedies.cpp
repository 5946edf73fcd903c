#include "replay/memory/remedies.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

#include "replay/catalog/pool_check.hpp"
#include "replay/catalog/scenario_toml.hpp"

namespace replayd {
namespace {

constexpr std::size_t k_shown = 4;

std::string number(std::int64_t value) { return std::to_string(value); }

/// One step away from a pool: what is set, and the pool with it.
struct Change {
    RemedyCost cost = RemedyCost::setting;
    std::vector<std::string> settings;
    PoolSpec pool;
};

/// The changes that may be made to a pool. Each generator adds them from the smallest to the largest.
class Changes {
public:
    Changes(const Scenario& scenario, const PoolSpec& pool, std::span<const GpuSpec> gpus)
        : scenario_(scenario), pool_(pool), gpus_(gpus) {}

    /// Families of changes; of each family the smallest that is enough is proposed.
    [[nodiscard]] std::vector<std::vector<Change>> families() const {
        std::vector<std::vector<Change>> all = {fraction(),  batch_tokens(), sequences(),  redundancy(),
                                                draft(),     moe_backend(),  workspace(),  weights(DataType::fp8),
                                                weights(DataType::int4), kv_dtype(), tensor(),     pipeline(),
                                                data(),      hardware()};
        std::erase_if(all, [](const std::vector<Change>& family) { return family.empty(); });
        return all;
    }

private:
    [[nodiscard]] Change change(RemedyCost cost, std::vector<std::pair<std::string, std::string>> settings,
                                const std::function<void(PoolSpec&)>& apply) const {
        Change out{cost, {}, pool_};
        for (const auto& [key, value] : settings) out.settings.push_back(pool_.name + '.' + key + '=' + value);
        apply(out.pool);
        return out;
    }

    [[nodiscard]] std::vector<Change> fraction() const {
        std::vector<Change> out;
        // 0.95 is the most that engines are run with; above it fragmentation and graphs run out.
        for (const auto& [value, text] : {std::pair{0.92, "0.92"}, std::pair{0.95, "0.95"}}) {
            if (value <= pool_.kv.memory_fraction) continue;
            out.push_back(change(RemedyCost::setting, {{"kv.memory_fraction", text}},
                                 [v = value](PoolSpec& p) { p.kv.memory_fraction = v; }));
        }
        return out;
    }

    [[nodiscard]] std::vector<Change> batch_tokens() const {
        std::vector<Change> out;
        for (std::int64_t t = pool_.batching.max_batched_tokens.value / 2; t >= pool_.batching.max_sequences; t /= 2) {
            out.push_back(change(RemedyCost::setting, {{"batching.max_batched_tokens", number(t)}},
                                 [t](PoolSpec& p) { p.batching.max_batched_tokens = Tokens(t); }));
        }
        return out;
    }

    [[nodiscard]] std::vector<Change> sequences() const {
        std::vector<Change> out;
        for (std::int64_t n = pool_.batching.max_sequences / 2; n >= pool_.parallel.pipeline && n >= 8; n /= 2) {
            out.push_back(change(RemedyCost::setting, {{"batching.max_sequences", number(n)}},
                                 [n](PoolSpec& p) { p.batching.max_sequences = n; }));
        }
        return out;
    }

    [[nodiscard]] std::vector<Change> redundancy() const {
        std::vector<Change> out;
        const std::int64_t step = pool_.parallel.expert;
        for (std::int64_t n = pool_.parallel.redundant_experts - step; n >= 0; n -= step) {
            out.push_back(change(RemedyCost::setting, {{"parallel.redundant_experts", number(n)}},
                                 [n](PoolSpec& p) { p.parallel.redundant_experts = n; }));
        }
        return out;
    }

    [[nodiscard]] std::vector<Change> draft() const {
        if (pool_.runtime.draft_layers == 0) return {};
        return {change(RemedyCost::setting, {{"runtime.draft_layers", "0"}},
                       [](PoolSpec& p) { p.runtime.draft_layers = 0; })};
    }

    [[nodiscard]] std::vector<Change> moe_backend() const {
        if (!uses_deepep(pool_.runtime.moe)) return {};
        return {change(RemedyCost::setting, {{"runtime.moe", "fused"}},
                       [](PoolSpec& p) { p.runtime.moe = MoeBackend::fused; })};
    }

    [[nodiscard]] std::vector<Change> workspace() const {
        std::vector<Change> out;
        if (pool_.runtime.attention != AttentionBackend::flashinfer) return out;
        if (!pool_.runtime.shared_workspace) {
            out.push_back(change(RemedyCost::setting, {{"runtime.shared_workspace", "true"}},
                                 [](PoolSpec& p) { p.runtime.shared_workspace = true; }));
        }
        out.push_back(change(RemedyCost::setting, {{"runtime.attention", "flash_attention"}},
                             [](PoolSpec& p) { p.runtime.attention = AttentionBackend::flash_attention; }));
        return out;
    }

    [[nodiscard]] std::vector<Change> weights(DataType type) const {
        if (bits(type) >= bits(pool_.weights)) return {};
        return {change(RemedyCost::precision, {{"weights", type == DataType::fp8 ? "fp8" : "int4"}},
                       [type](PoolSpec& p) { p.weights = type; })};
    }

    /// Both pools of a pair share one type, so both are set.
    [[nodiscard]] std::vector<Change> kv_dtype() const {
        if (pool_.kv.dtype == DataType::fp8) return {};
        Change out = change(RemedyCost::precision, {}, [](PoolSpec& p) { p.kv.dtype = DataType::fp8; });
        for (const PoolSpec& pool : scenario_.pools) out.settings.push_back(pool.name + ".kv.dtype=fp8");
        return {out};
    }

    /// Widens `tensor` or `data`; experts that were spread over every rank stay so.
    [[nodiscard]] Change wider(std::int64_t tensor, std::int64_t data) const {
        const ParallelSpec& before = pool_.parallel;
        const bool spread = scenario_.model.moe && before.expert == before.tensor * before.data;
        const std::int64_t expert = spread && (before.expert > 1 || data > 1) ? tensor * data : before.expert;
        std::vector<std::pair<std::string, std::string>> settings;
        if (tensor != before.tensor) settings.emplace_back("parallel.tensor", number(tensor));
        if (data != before.data) settings.emplace_back("parallel.data", number(data));
        if (expert != before.expert) settings.emplace_back("parallel.expert", number(expert));
        return change(RemedyCost::gpus, std::move(settings), [=](PoolSpec& p) {
            p.parallel.tensor = tensor;
            p.parallel.data = data;
            p.parallel.expert = expert;
        });
    }

    [[nodiscard]] std::vector<Change> tensor() const {
        std::vector<Change> out;
        for (std::int64_t t = pool_.parallel.tensor * 2; t <= pool_.gpu.gpus_per_node; t *= 2) {
            out.push_back(wider(t, pool_.parallel.data));
        }
        return out;
    }

    [[nodiscard]] std::vector<Change> data() const {
        constexpr std::int64_t k_data_max = 64;
        std::vector<Change> out;
        if (!scenario_.model.moe) return out;
        for (std::int64_t d = pool_.parallel.data * 2; d <= k_data_max; d *= 2) {
            out.push_back(wider(pool_.parallel.tensor, d));
        }
        return out;
    }

    [[nodiscard]] std::vector<Change> pipeline() const {
        constexpr std::int64_t k_pipeline_max = 16;
        std::vector<Change> out;
        for (std::int64_t n = pool_.parallel.pipeline * 2; n <= k_pipeline_max; n *= 2) {
            if (pool_.batching.max_sequences < n) break;
            out.push_back(change(RemedyCost::gpus, {{"parallel.pipeline", number(n)}},
                                 [n](PoolSpec& p) { p.parallel.pipeline = n; }));
        }
        return out;
    }

    [[nodiscard]] std::vector<Change> hardware() const {
        std::vector<Change> out;
        for (const GpuSpec& gpu : gpus_) {
            if (gpu.memory <= pool_.gpu.memory) continue;
            out.push_back(change(RemedyCost::hardware, {{"gpu", gpu.name}}, [&](PoolSpec& p) { p.gpu = gpu; }));
        }
        std::stable_sort(out.begin(), out.end(),
                         [](const Change& a, const Change& b) { return a.pool.gpu.memory < b.pool.gpu.memory; });
        return out;
    }

    const Scenario& scenario_;
    const PoolSpec& pool_;
    std::span<const GpuSpec> gpus_;
};

std::vector<GpuSpec> catalog_gpus() {
    std::vector<GpuSpec> out;
    for (const std::string& name : Catalog::built_in().gpu_names()) {
        if (auto gpu = Catalog::built_in().gpu(name)) out.push_back(std::move(*gpu));
    }
    return out;
}

/// Adds the smallest change of each family that is enough. `first` was made before.
void propose(const Scenario& scenario, const std::vector<std::vector<Change>>& families, const Change* first,
             std::int64_t blocks, std::vector<Remedy>& out) {
    for (const std::vector<Change>& family : families) {
        for (const Change& change : family) {
            if (!pool_problems(change.pool, scenario.model).empty()) continue;
            MemoryPlan plan = plan_pool(scenario.model, change.pool);
            if (plan.missing > Bytes(0) || plan.fitting_blocks < blocks) continue;
            Remedy remedy{change.settings, change.cost, change.pool.gpus_per_replica(), change.pool, std::move(plan)};
            if (first != nullptr) {
                remedy.settings.insert(remedy.settings.begin(), first->settings.begin(), first->settings.end());
                remedy.cost = std::max(first->cost, change.cost);
            }
            out.push_back(std::move(remedy));
            break;
        }
    }
}

/// First steps of a pair: the furthest change of each of the families that save much.
std::vector<Change> first_steps(const Scenario& scenario, const std::vector<std::vector<Change>>& families) {
    std::vector<Change> out;
    for (const std::vector<Change>& family : families) {
        const auto possible = [&](const Change& c) {
            return c.cost >= RemedyCost::precision && pool_problems(c.pool, scenario.model).empty();
        };
        const auto last = std::find_if(family.rbegin(), family.rend(), possible);
        if (last != family.rend()) out.push_back(*last);
    }
    return out;
}

void rank(std::vector<Remedy>& found) {
    std::stable_sort(found.begin(), found.end(), [](const Remedy& a, const Remedy& b) {
        return std::tuple(a.cost, a.gpus, -bits(a.pool.weights), -a.plan.fitting_blocks) <
               std::tuple(b.cost, b.gpus, -bits(b.pool.weights), -b.plan.fitting_blocks);
    });
}

}  // namespace

std::string Remedy::text() const {
    std::string out;
    for (const std::string& setting : settings) out += (out.empty() ? "" : " and ") + setting;
    return out;
}

std::vector<Remedy> remedies(const Scenario& scenario, std::size_t index, std::int64_t blocks,
                             std::span<const GpuSpec> gpus) {
    const std::vector<GpuSpec> known = gpus.empty() ? catalog_gpus() : std::vector<GpuSpec>(gpus.begin(), gpus.end());
    const PoolSpec& pool = scenario.pools[index];
    const auto families = Changes(scenario, pool, known).families();
    std::vector<Remedy> found;
    propose(scenario, families, nullptr, blocks, found);
    if (found.empty()) {
        for (const Change& first : first_steps(scenario, families)) {
            propose(scenario, Changes(scenario, first.pool, known).families(), &first, blocks, found);
        }
    }
    rank(found);
    return found;
}

std::string no_room(const Scenario& scenario, std::size_t index, const MemoryPlan& plan) {
    const PoolSpec& pool = scenario.pools[index];
    const auto largest = std::max_element(plan.items.begin(), plan.items.end(),
                                          [](const MemoryItem& a, const MemoryItem& b) { return a.bytes < b.bytes; });
    std::string text = "pool \"" + pool.name + "\": no room for one KV block on " + pool.gpu.name + ": " +
                       number(plan.missing.value) + " bytes are missing from a budget of " + number(plan.budget.value) +
                       "; the largest item is \"" + largest->name + "\" with " + number(largest->bytes.value) +
                       " bytes; ";
    const std::vector<Remedy> found = remedies(scenario, index);
    if (found.empty()) return text + "no single change or pair of changes that was tried fits";
    text += "it fits with ";
    for (std::size_t i = 0; i < std::min(found.size(), k_shown); ++i) {
        text += (i == 0 ? "" : ", or ") + found[i].text() + " (" + number(found[i].plan.fitting_blocks) + " blocks)";
    }
    return text;
}

}  // namespace replayd
