#include "replay/cost/tables/profile_composition.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/cost/composition.hpp"
#include "replay/cost/tables/measured_line.hpp"

namespace replayd::cost {
namespace {

constexpr double k_bf16_bytes = 2;
constexpr double k_us_per_ns = 1e-3;

/// Operators whose place another one takes: the first of them gives the place.
struct Replacement {
    std::vector<std::string> names;
    ProfiledOperator by;
    bool counts_add_up = true;  ///< runs are theirs together; else those of the first
    bool measured = true;       ///< the time is the profile's; else a law's
};

/// Times between measured experts and tokens: straight in both, each count of experts a line over tokens.
class ExpertTimes {
public:
    explicit ExpertTimes(const std::vector<ExpertPoint>& points) {
        std::map<double, std::vector<TimePoint>> by_active;
        for (const ExpertPoint& point : points) by_active[point.active].push_back({point.tokens, point.us});
        for (auto& [active, times] : by_active) lines_.emplace_back(active, MeasuredLine(std::move(times)));
    }

    [[nodiscard]] double us(double tokens, double active) const {
        std::vector<TimePoint> at_tokens;
        for (const auto& [experts, line] : lines_) {
            // Fewer tokens than the least measured with so many experts cannot touch them all.
            at_tokens.push_back({experts, line.us(tokens)});
        }
        return MeasuredLine(std::move(at_tokens)).us(active);
    }

    [[nodiscard]] double tokens_max() const {
        double most = 0;
        for (const auto& [experts, line] : lines_) most = std::max(most, line.x_max());
        return most;
    }

private:
    std::vector<std::pair<double, MeasuredLine>> lines_;
};

class Overlay {
public:
    Overlay(const ModelSpec& model, const PoolSpec& pool, const StepProfile& profile)
        : model_(model), pool_(pool), profile_(profile), measured_("profile " + profile.origin) {}

    std::vector<Replacement> replacements() {
        std::vector<Replacement> all;
        for (const ProfiledCurve& curve : profile_.curves) all.push_back(of_curve(curve));
        add_attention(all);
        add_experts(all);
        add_all_reduce(all);
        add_exchange(all);
        return all;
    }

private:
    [[nodiscard]] Replacement of_curve(const ProfiledCurve& curve) const {
        Replacement result;
        result.names = curve.replaces;
        result.counts_add_up = !curve.whole;
        const auto line = std::make_shared<const MeasuredLine>(curve.points);
        result.by.name = curve.name;
        result.by.timed_by = curve.field == CurveField::rows ? TimedBy::rows : TimedBy::sampled;
        result.by.us = [line](double x) { return line->us(x); };
        result.by.x_max = line->x_max();
        result.by.provenance = measured_;
        return result;
    }

    void add_attention(std::vector<Replacement>& all) const {
        if (profile_.attention.empty()) return;
        Replacement attention;
        attention.names = profile_.attention_replaces;
        attention.counts_add_up = false;
        attention.by.name = "attention";
        attention.by.timed_by = TimedBy::attention;
        attention.by.provenance = measured_;
        all.push_back(std::move(attention));
    }

    /// A profile holds whole experts; sliced ones keep their law.
    void add_experts(std::vector<Replacement>& all) const {
        if (profile_.experts.empty() || !model_.moe) return;
        const ParallelSpec& parallel = pool_.parallel;
        const std::int64_t gpus = parallel.tensor * parallel.data;
        if (gpus != parallel.expert) return;
        const MoeSpec& moe = *model_.moe;
        const ExpertLoad load(parallel.data, moe.top_k, moe.experts, parallel.expert);
        const auto times = std::make_shared<const ExpertTimes>(profile_.experts);
        const double top_k = static_cast<double>(moe.top_k);
        Replacement experts;
        experts.names = {"moe.router", "moe.experts", "moe.permute", "moe.scatter", "moe.activation", "moe.gather"};
        experts.counts_add_up = false;
        experts.by.name = "moe.experts";
        experts.by.timed_by = TimedBy::rows;
        experts.by.us = [times, load, top_k](double rows) {
            const auto whole = static_cast<std::int64_t>(rows);
            return times->us(load.routed_rows(whole) / top_k, load.active_experts(whole));
        };
        experts.by.x_max =
            times->tokens_max() * static_cast<double>(parallel.expert) / static_cast<double>(parallel.data);
        experts.by.provenance = measured_ + "; uniform routing";
        all.push_back(std::move(experts));
    }

    void add_all_reduce(std::vector<Replacement>& all) const {
        if (profile_.all_reduce.empty()) return;
        const auto line = std::make_shared<const MeasuredLine>(profile_.all_reduce);
        const double row_bytes = k_bf16_bytes * static_cast<double>(model_.hidden);
        for (const char* name : {"embedding.all_reduce", "attention.all_reduce", "ffn.all_reduce", "moe.all_reduce"}) {
            Replacement reduce;
            reduce.names = {name};
            reduce.by.name = name;
            reduce.by.timed_by = TimedBy::rows;
            reduce.by.us = [line, row_bytes](double rows) { return line->us(rows * row_bytes); };
            reduce.by.x_max = line->x_max() / row_bytes;
            reduce.by.provenance = measured_;
            all.push_back(std::move(reduce));
        }
    }

    /// vLLM's default exchange: hidden vectors and router scores of all ranks are gathered, results scattered back.
    void add_exchange(std::vector<Replacement>& all) const {
        const ParallelSpec& parallel = pool_.parallel;
        if (!model_.moe || parallel.data == 1 || pool_.runtime.moe != MoeBackend::fused) return;
        const double hidden = static_cast<double>(model_.hidden);
        const double scores = static_cast<double>(model_.moe->experts);
        all.push_back(exchange({"moe.dispatch", "moe.all_gather"}, "all_gather/NCCL", hidden + scores));
        all.push_back(exchange({"moe.combine", "moe.reduce_scatter"}, "reduce_scatter/NCCL", hidden));
    }

    [[nodiscard]] Replacement exchange(std::vector<std::string> names, std::string kernel, double row_elements) const {
        const ParallelSpec& parallel = pool_.parallel;
        auto chosen = choose_law(*find_kernel_table("nccl"), hardware_of(pool_.gpu), "nccl");
        REPLAYD_ASSERT(chosen.has_value());  // the shipped laws are whole, as a test makes sure
        const auto law = std::make_shared<const ChosenLaw>(std::move(*chosen));
        const double gpus = static_cast<double>(parallel.tensor * parallel.data);
        const double elements = row_elements * static_cast<double>(parallel.data);
        const double entry_us = static_cast<double>(exchange_entry(pool_.gpu).value) * k_us_per_ns;
        Replacement result;
        result.names = std::move(names);
        result.measured = false;
        result.by.name = result.names.front();
        result.by.timed_by = TimedBy::rows;
        result.by.us = [law, kernel, gpus, elements, entry_us](double rows) {
            KernelRow row;
            row.number = {static_cast<double>(find_type("half")), gpus, rows * elements};
            row.kernel = kernel;
            return entry_us + law->price(row).us;
        };
        result.by.x_max = static_cast<double>(at(k_field_max, Field::rows));
        result.by.provenance = law->provenance({}) + "; entry of vLLM";
        return result;
    }

    const ModelSpec& model_;
    const PoolSpec& pool_;
    const StepProfile& profile_;
    std::string measured_;
};

/// The composed operators by the index of the replacement that takes their place.
class Plan {
public:
    Plan(std::vector<OperatorSpec> specs, std::vector<Replacement> replacements)
        : specs_(std::move(specs)), replacements_(std::move(replacements)), begun_(replacements_.size(), k_not_begun) {}

    Result<std::vector<ProfiledOperator>> take() {
        for (OperatorSpec& spec : specs_) {
            // Hidden behind the GPU, see profile_cost.hpp.
            if (spec.name == "host") continue;
            auto made = Operator::make(std::move(spec));
            if (!made) return tl::unexpected(made.error());
            place(std::move(*made));
        }
        return std::move(result_);
    }

    [[nodiscard]] bool used_profile() const { return used_profile_; }

private:
    static constexpr std::size_t k_not_begun = static_cast<std::size_t>(-1);

    void place(Operator op) {
        const std::string& name = op.spec().name;
        bool replaced = false;
        for (std::size_t i = 0; i < replacements_.size(); ++i) {
            const std::vector<std::string>& names = replacements_[i].names;
            if (std::find(names.begin(), names.end(), name) == names.end()) continue;
            ProfiledOperator& by = begun(i, op.spec().counts);
            // A profile may measure one composed operator as several; its work counts once.
            if (!replaced) by.composed.push_back(op);
            replaced = true;
            used_profile_ |= replacements_[i].measured;
        }
        if (!replaced) keep(std::move(op));
    }

    /// The operator of a replacement that also stands for runs with these `counts`.
    ProfiledOperator& begun(std::size_t replacement, const std::vector<std::int64_t>& counts) {
        std::size_t& index = begun_[replacement];
        if (index == k_not_begun) {
            index = result_.size();
            result_.push_back(replacements_[replacement].by);
            result_.back().counts = counts;
        } else if (replacements_[replacement].counts_add_up) {
            for (std::size_t i = 0; i < counts.size(); ++i) result_[index].counts[i] += counts[i];
        }
        return result_[index];
    }

    void keep(Operator op) {
        ProfiledOperator kept;
        kept.name = op.spec().name;
        kept.counts = op.spec().counts;
        kept.provenance = op.spec().provenance;
        kept.composed.push_back(std::move(op));
        result_.push_back(std::move(kept));
    }

    std::vector<OperatorSpec> specs_;
    std::vector<Replacement> replacements_;
    std::vector<std::size_t> begun_;  ///< position in the result of each replacement
    std::vector<ProfiledOperator> result_;
    bool used_profile_ = false;
};

}  // namespace

Result<std::vector<ProfiledOperator>> compose_profiled(const ModelSpec& model, const PoolSpec& pool,
                                                       const StepProfile& profile) {
    Plan plan(compose(model, pool), Overlay(model, pool, profile).replacements());
    auto operators = plan.take();
    if (operators && !plan.used_profile()) {
        return fail(Code::invalid_argument, "profile " + profile.origin + " holds no operator of " + model.name);
    }
    return operators;
}

}  // namespace replayd::cost
