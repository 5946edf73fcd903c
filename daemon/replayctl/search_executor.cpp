#include "daemon/replayctl/search_executor.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/replayctl/parallel.hpp"
#include "daemon/replayctl/search_front.hpp"

namespace replayd::ctl {

using search::Measured;
using search::Trial;

Result<SearchExecutor> SearchExecutor::create(const SearchInput& input, OutcomeKeepers keepers, std::size_t workers) {
    SearchExecutor out(input, std::move(keepers), workers);
    if (out.keepers_.journal) out.outcomes_ = out.keepers_.journal->outcomes();
    if (out.keepers_.store) {
        auto known = out.keepers_.store->outcomes();
        if (!known) return tl::unexpected(known.error());
        // What only one of the two has is brought to the other, so that each is whole.
        for (const auto& [trial, measured] : out.outcomes_) {
            if (auto kept = out.keepers_.store->add(trial, settings_text(input.space, trial), measured); !kept) {
                return tl::unexpected(kept.error());
            }
        }
        for (const auto& [trial, measured] : *known) {
            if (!out.outcomes_.emplace(trial, measured).second || !out.keepers_.journal) continue;
            if (auto kept = out.keepers_.journal->add(trial, measured); !kept) return tl::unexpected(kept.error());
        }
    }
    return out;
}

Result<void> SearchExecutor::run_to_end(const search::Method& method) {
    for (auto trials = method.next(outcomes_); !trials.empty(); trials = method.next(outcomes_)) {
        if (auto done = run_all(trials); !done) return done;
    }
    return {};
}

Result<void> SearchExecutor::run_all(std::span<const Trial> trials) {
    std::vector<Trial> unknown;
    for (const Trial& trial : trials) {
        if (outcomes_.find(trial) == outcomes_.end()) unknown.push_back(trial);
    }
    for_each_in_parallel(
        unknown.size(), [&](std::size_t i) { run_one(unknown[i], unknown.size()); }, workers_);
    if (trouble_) return tl::unexpected(*trouble_);
    return {};
}

Result<void> SearchExecutor::have_run_to_end(const search::Method& method, const Others& others) {
    for (auto trials = method.next(outcomes_); !trials.empty(); trials = method.next(outcomes_)) {
        auto done = others(trials);
        auto known = keepers_.store->outcomes();
        if (!known) return tl::unexpected(known.error());
        for (auto& [trial, measured] : *known) {
            if (!outcomes_.emplace(trial, measured).second) continue;
            ++ran_;
            if (keepers_.journal) {
                if (auto kept = keepers_.journal->add(trial, measured); !kept) return kept;
            }
            show(measured, trials.size());
        }
        if (!done) return done;
        const auto missing = [&](const Trial& trial) { return outcomes_.find(trial) == outcomes_.end(); };
        if (const auto lost = std::count_if(trials.begin(), trials.end(), missing); lost > 0) {
            return fail(Code::internal, std::to_string(lost) +
                                            " trials of the round have no outcome though all tasks succeeded: "
                                            "expected one from each");
        }
    }
    return {};
}

void SearchExecutor::run_one(const Trial& trial, std::size_t round) {
    Measured measured = run_trial(*input_, trial);
    const std::lock_guard lock(*mutex_);
    if (trouble_) return;
    if (auto kept = keep(trial, measured); !kept) {
        trouble_ = kept.error();
        return;
    }
    ++ran_;
    show(measured, round);
    outcomes_.emplace(trial, std::move(measured));
}

Result<void> SearchExecutor::keep(const Trial& trial, const Measured& measured) {
    if (keepers_.store) {
        if (auto kept = keepers_.store->add(trial, settings_text(input_->space, trial), measured); !kept) return kept;
    }
    return keepers_.journal ? keepers_.journal->add(trial, measured) : Result<void>{};
}

void SearchExecutor::show(const Measured& measured, std::size_t round) {
    if (search::holds(measured, input_->spec.objective)) {
        best_gpus_ = best_gpus_ ? std::min(*best_gpus_, measured.gpus) : measured.gpus;
    }
    progress_.items = ran_;
    progress_.unit = "trials";
    progress_.known = false;
    progress_.detail = "round of " + std::to_string(round) +
                       (best_gpus_ ? ", smallest so far " + std::to_string(*best_gpus_) + " GPUs" : ", none holds yet");
    bar_->update(progress_);
}

}  // namespace replayd::ctl
