#pragma once
// What a query needs of an operator whose time does not depend on the rows of a step alone, in one piece of memory.

#include <algorithm>
#include <cstdint>
#include <span>

#include "replay/cost/operator.hpp"

namespace replayd::cost {

struct HotOperator {
    AffineTime compute;
    AffineTime memory;
    std::int64_t fixed_ns = 0;
    Field gate = Field::rows;
    const FieldCurve* curve = nullptr;  ///< of an operator that lives as long
    HidingStage hiding_stage = HidingStage::any;

    [[nodiscard]] std::int64_t run_ns(const FieldValues& values) const {
        return curve != nullptr ? curve_ns(values) : affine_ns(values);
    }
    /// The same without a curve. Whether it runs is different from step to step: worked out first, then selected.
    [[nodiscard]] std::int64_t affine_ns(const FieldValues& values) const {
        const std::int64_t time = fixed_ns + to_ns(std::max(compute.scaled(values), memory.scaled(values)));
        return time & -static_cast<std::int64_t>(at(values, gate) != 0);
    }
    [[nodiscard]] std::int64_t curve_ns(const FieldValues& values) const {
        if (at(values, gate) == 0) return 0;
        return fixed_ns + curve->curve.ns(at(values, curve->field));
    }

    /// Whether its time depends on the field of its gate alone.
    [[nodiscard]] bool depends_on_gate_only() const {
        if (curve != nullptr) return curve->field == gate;
        const auto only = [&](const AffineTime& time) {
            return (time.per_a == 0 || time.a == gate) && (time.per_b == 0 || time.b == gate);
        };
        return only(compute) && only(memory);
    }

    [[nodiscard]] bool grows_with_decode_context() const {
        if (curve != nullptr) return curve->field == Field::decode_context;
        return compute.per(Field::decode_context) + memory.per(Field::decode_context) > 0;
    }

    /// Sets `out` to `steady` and `count` runs of each of the steps after `values`, whose context grows by one token
    /// per sequence, in one pass. False, with nothing set, unless one straight line is the time of all of them.
    [[nodiscard]] bool set_decode_steps(const FieldValues& values, std::int64_t count, Duration steady,
                                        std::span<Duration> out) const {
        if (curve != nullptr || at(values, gate) == 0) return false;
        const auto last = static_cast<std::int64_t>(out.size());
        const std::int64_t grown = at(values, Field::decode_sequences);
        const Growing computing{compute.scaled(values), compute.per(Field::decode_context) * grown};
        const Growing moving{memory.scaled(values), memory.per(Field::decode_context) * grown};
        const Growing* const longer = longer_of(computing, moving, last);
        if (longer == nullptr) return false;
        const std::int64_t same = steady.value + count * fixed_ns;
        std::int64_t scaled = longer->start;
        for (Duration& each : out) {
            scaled += longer->growth;
            each.value = same + count * to_ns(scaled);
        }
        return true;
    }

    /// Adds `count` runs of each of the steps after `values`, whose context grows by one token per sequence.
    void add_decode_steps(FieldValues values, std::int64_t count, std::span<Duration> out) const {
        if (at(values, gate) == 0) return;
        const std::int64_t grown = at(values, Field::decode_sequences);
        if (curve != nullptr) {
            for (Duration& each : out) {
                values[static_cast<std::size_t>(Field::decode_context)] += grown;
                each.value += count * run_ns(values);
            }
            return;
        }
        const Growing computing{compute.scaled(values), compute.per(Field::decode_context) * grown};
        const Growing moving{memory.scaled(values), memory.per(Field::decode_context) * grown};
        const auto last = static_cast<std::int64_t>(out.size());
        if (const Growing* const longer = longer_of(computing, moving, last)) {
            add_growing(*longer, count, out);
        } else {
            std::int64_t steps = 0;
            for (Duration& each : out) {
                ++steps;
                each.value += count * (fixed_ns + to_ns(std::max(computing.after(steps), moving.after(steps))));
            }
        }
    }

private:
    /// A scaled time that grows by the same in every step.
    struct Growing {
        std::int64_t start = 0;
        std::int64_t growth = 0;
        [[nodiscard]] std::int64_t after(std::int64_t steps) const { return start + steps * growth; }
    };

    /// The one that is the longer in all of `last` steps, if there is one. Two straight lines: what is larger at both
    /// ends is so between them.
    static const Growing* longer_of(const Growing& a, const Growing& b, std::int64_t last) {
        if (a.after(1) >= b.after(1) && a.after(last) >= b.after(last)) return &a;
        if (a.after(1) <= b.after(1) && a.after(last) <= b.after(last)) return &b;
        return nullptr;
    }

    void add_growing(const Growing& time, std::int64_t count, std::span<Duration> out) const {
        const std::int64_t fixed = count * fixed_ns;
        std::int64_t scaled = time.start;
        for (Duration& each : out) {
            scaled += time.growth;
            each.value += fixed + count * to_ns(scaled);
        }
    }
};

}  // namespace replayd::cost
