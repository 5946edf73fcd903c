#pragma once
// Runs the trials of a search, here or by others, and keeps what they found.

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>

#include "daemon/replayctl/progress_bar.hpp"
#include "daemon/replayctl/search_journal.hpp"
#include "daemon/replayctl/search_trial.hpp"
#include "storage/search_store.hpp"

namespace replayd::ctl {

/// Where outcomes survive the process; either may be absent.
struct OutcomeKeepers {
    std::optional<SearchJournal> journal;
    std::optional<storage::SearchStore> store;
};

class SearchExecutor {
public:
    /// `input` must outlive it. What the keepers know is not run again.
    [[nodiscard]] static Result<SearchExecutor> create(const SearchInput& input, OutcomeKeepers keepers,
                                                       std::size_t workers);

    /// Runs rounds in this process until the method wants no more. What was found is in `outcomes`, also after an
    /// error.
    [[nodiscard]] Result<void> run_to_end(const search::Method& method);
    /// Runs those of the trials that are not known.
    [[nodiscard]] Result<void> run_all(std::span<const search::Trial> trials);
    /// As run_to_end, with the rounds run by `others`, which bring their outcomes into the store (there must be one).
    using Others = std::function<Result<void>(std::span<const search::Trial>)>;
    [[nodiscard]] Result<void> have_run_to_end(const search::Method& method, const Others& others);

    [[nodiscard]] const search::Outcomes& outcomes() const { return outcomes_; }
    /// Trials that ran for this search, here or by others.
    [[nodiscard]] std::int64_t ran() const { return ran_; }

private:
    SearchExecutor(const SearchInput& input, OutcomeKeepers keepers, std::size_t workers)
        : input_(&input), keepers_(std::move(keepers)), workers_(workers) {}
    void run_one(const search::Trial& trial, std::size_t round);
    [[nodiscard]] Result<void> keep(const search::Trial& trial, const search::Measured& measured);
    void show(const search::Measured& measured, std::size_t round);

    const SearchInput* input_;
    OutcomeKeepers keepers_;
    std::size_t workers_;
    search::Outcomes outcomes_;
    std::int64_t ran_ = 0;
    std::optional<std::int64_t> best_gpus_;
    std::optional<Error> trouble_;
    std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
    Progress progress_;
    std::unique_ptr<ProgressBar> bar_ = std::make_unique<ProgressBar>();
};

}  // namespace replayd::ctl
