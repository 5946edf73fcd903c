#include "replay/sim/run.hpp"

#include <utility>

#include "replay/base/assert.hpp"
#include "replay/sim/compile_priced.hpp"
#include "replay/sim/engine.hpp"

namespace replayd {

namespace {

/// Everything but the costs.
Result<CompiledScenario> planned(Scenario&& scenario) {
    auto plans = plan_memory(scenario);
    if (!plans) return tl::unexpected(plans.error());
    for (const PoolSpec& pool : scenario.pools) {
        if (pool.batching.max_sequences < pool.parallel.pipeline) {
            return fail(Code::invalid_argument,
                        "pool " + pool.name + ": max_sequences is " + std::to_string(pool.batching.max_sequences) +
                            ": expected at least one sequence for each of the " +
                            std::to_string(pool.parallel.pipeline) + " pipeline stages");
        }
    }
    const TransferSize transfer = transfer_size(scenario);
    return CompiledScenario{std::move(scenario), std::move(*plans), {}, {}, transfer};
}

}  // namespace

Result<std::shared_ptr<const CompiledScenario>> compile(Scenario scenario) {
    auto compiled = planned(std::move(scenario));
    if (!compiled) return tl::unexpected(compiled.error());
    for (const PoolSpec& pool : compiled->scenario.pools) {
        auto cost = make_cost_model(compiled->scenario, pool);
        if (!cost) return tl::unexpected(cost.error());
        compiled->costs.push_back(std::move(*cost));
        compiled->group_costs.push_back(make_group_cost(compiled->scenario, pool, compiled->costs.back()));
    }
    return std::make_shared<const CompiledScenario>(std::move(*compiled));
}

Result<std::shared_ptr<const CompiledScenario>> compile(Scenario scenario, const CompiledScenario& priced) {
    REPLAYD_ASSERT(scenario.pools.size() == priced.scenario.pools.size());
    auto compiled = planned(std::move(scenario));
    if (!compiled) return tl::unexpected(compiled.error());
    compiled->costs = priced.costs;
    compiled->group_costs = priced.group_costs;
    return std::make_shared<const CompiledScenario>(std::move(*compiled));
}

Run::Run(std::shared_ptr<const CompiledScenario> scenario, RecordSink& sink, RunOptions options)
    : impl_(std::make_unique<Impl>(std::move(scenario), sink, options)) {}
Run::~Run() = default;
Run::Run(Run&&) noexcept = default;
Run& Run::operator=(Run&&) noexcept = default;

void Run::offer(Arrival arrival) { impl_->offer(std::move(arrival)); }
void Run::offer(const ArrivalBatch& batch, std::size_t first, std::size_t count) { impl_->offer(batch, first, count); }
void Run::advance(VirtualTime watermark) { impl_->advance(watermark); }
void Run::finish() { impl_->finish(); }
Run::Run(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Run Run::fork(RecordSink& sink) const {
    auto copy = std::make_unique<Impl>(*impl_);
    copy->report_to(sink);
    return Run(std::move(copy));
}

Result<Run> Run::fork(std::shared_ptr<const CompiledScenario> changed, RecordSink& sink) const {
    auto copy = std::make_unique<Impl>(*impl_);
    copy->report_to(sink);
    if (auto adopted = copy->adopt(std::move(changed)); !adopted) return tl::unexpected(adopted.error());
    return Run(std::move(copy));
}

StateHash Run::hash() const { return impl_->hash(); }
RunSnapshot Run::snapshot() const { return impl_->snapshot(); }
Moment Run::moment(std::size_t listed_max) const { return Impl(*impl_).settle_to_moment(listed_max); }
void Run::tell_windows_only() { impl_->tell_windows_only(); }
void Run::tell_events(EventSink* events) { impl_->tell_events(events); }

}  // namespace replayd
