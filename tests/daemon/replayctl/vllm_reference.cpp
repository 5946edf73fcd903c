#include "tests/daemon/replayctl/vllm_reference.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "replay/sim/solo_cost.hpp"

namespace replayd::ctl {
namespace {

using Block = std::int64_t;
/// The chain of tokens up to and with a block: the request that made it first, and its place there.
using Content = std::pair<std::int64_t, std::int64_t>;

constexpr std::int64_t k_count_interval_ns = 100 * k_ns_per_ms;  // of the data-parallel coordinator

struct Request {
    std::int64_t index = 0;
    std::int64_t prompt = 0;
    std::int64_t output = 0;
    std::int64_t generated = 0;
    std::int64_t computed = 0;  ///< scheduled tokens count as computed
    std::int64_t pending = 0;   ///< tokens being sampled by steps in flight
    std::int64_t cached = 0;    ///< blocks whose content is known
    std::vector<Block> blocks;

    [[nodiscard]] std::int64_t tokens() const { return prompt + generated; }
};

/// Blocks in the order in which they are taken: the one freed longest ago first.
class Pool {
public:
    explicit Pool(std::int64_t blocks) : freed_(static_cast<std::size_t>(blocks)), users_(freed_.size()), content_(freed_.size(), {-1, -1}) {
        for (Block block = 0; block < blocks; ++block) release(block);
    }
    [[nodiscard]] std::int64_t free() const { return static_cast<std::int64_t>(free_.size()); }
    [[nodiscard]] bool is_free(Block block) const { return users_[place(block)] == 0; }

    Block take() {
        const Block block = free_.begin()->second;
        use(block);
        Content& content = content_[place(block)];
        if (const auto known = known_.find(content); known != known_.end()) {
            known->second.erase(block);
            if (known->second.empty()) known_.erase(known);
        }
        content = {-1, -1};
        return block;
    }
    void use(Block block) {
        if (users_[place(block)]++ == 0) free_.erase({freed_[place(block)], block});
    }
    void leave(Block block) {
        if (--users_[place(block)] == 0) release(block);
    }
    void remember(Block block, Content content) {
        if (content_[place(block)].first >= 0) return;
        content_[place(block)] = content;
        known_[content].insert(block);
    }
    [[nodiscard]] Block find(Content content) const {
        const auto known = known_.find(content);
        return known == known_.end() ? -1 : *known->second.begin();
    }

private:
    static std::size_t place(Block block) { return static_cast<std::size_t>(block); }
    void release(Block block) {
        freed_[place(block)] = next_++;
        free_.insert({freed_[place(block)], block});
    }
    std::set<std::pair<std::int64_t, Block>> free_;
    std::vector<std::int64_t> freed_;
    std::vector<std::int64_t> users_;
    std::vector<Content> content_;
    std::map<Content, std::set<Block>> known_;
    std::int64_t next_ = 0;
};

struct Batch {
    struct Member {
        Request* request;
        bool samples;
    };
    std::vector<Member> members;
    StepShape shape;
};

/// One data-parallel rank: its queues and its blocks.
class Rank {
public:
    Rank(const ReferenceOptions& options, std::vector<ReferenceTimes>& times)
        : options_(options), times_(times), pool_(options.blocks) {
        for (const SharedPrefix& shared : options.shared) shared_[shared.request] = shared;
    }

    std::deque<Request*> inbox;
    std::deque<Request*> waiting;
    std::vector<Request*> running;

    [[nodiscard]] bool has_requests() const { return !waiting.empty() || !running.empty(); }
    [[nodiscard]] std::int64_t score() const {
        return 4 * static_cast<std::int64_t>(waiting.size() + inbox.size()) + static_cast<std::int64_t>(running.size());
    }

    Batch schedule() {
        Batch batch;
        std::int64_t budget = options_.tokens_max;
        if (schedule_running(batch, budget)) admit(batch, budget);
        return batch;
    }

    /// Returns how many requests finished.
    std::size_t update(const Batch& batch, VirtualTime now) {
        std::size_t finished = 0;
        for (const Batch::Member& member : batch.members) {
            if (!member.samples) continue;
            Request& request = *member.request;
            ++request.generated;
            --request.pending;
            if (request.generated == 1) times_[static_cast<std::size_t>(request.index)].first_token = now;
            if (!request.blocks.empty()) remember(request, request.computed - request.pending);
            if (request.generated < request.output) continue;
            times_[static_cast<std::size_t>(request.index)].finished = now;
            give_up_blocks(request);
            std::erase(running, &request);
            std::erase(waiting, &request);
            ++finished;
        }
        return finished;
    }

private:
    [[nodiscard]] Content content(std::int64_t request, std::int64_t block) const {
        const auto shared = shared_.find(request);
        if (shared == shared_.end() || block >= shared->second.blocks) return {request, block};
        return content(shared->second.donor, block);
    }
    [[nodiscard]] std::int64_t blocks_for(std::int64_t tokens) const {
        return (tokens + options_.block_tokens - 1) / options_.block_tokens;
    }
    void remember(Request& request, std::int64_t tokens) {
        if (!options_.prefix_caching) return;
        for (; request.cached < tokens / options_.block_tokens; ++request.cached) {
            pool_.remember(request.blocks[static_cast<std::size_t>(request.cached)], content(request.index, request.cached));
        }
    }
    void give_up_blocks(Request& request) {
        // The end first, so that the beginning stays findable longest.
        for (auto block = request.blocks.rbegin(); block != request.blocks.rend(); ++block) pool_.leave(*block);
        request.blocks.clear();
        request.cached = 0;
    }
    bool allocate(Request& request, std::int64_t tokens) {
        const std::int64_t missing =
            blocks_for(request.computed + tokens) - static_cast<std::int64_t>(request.blocks.size());
        if (missing > pool_.free()) return false;
        for (std::int64_t i = 0; i < missing; ++i) request.blocks.push_back(pool_.take());
        remember(request, std::min(request.computed + tokens, request.tokens()));
        return true;
    }
    void preempt(Request& request) {
        give_up_blocks(request);
        request.computed = 0;
        ++times_[static_cast<std::size_t>(request.index)].preemptions;
        waiting.push_front(&request);
    }
    void join(Batch& batch, Request& request, std::int64_t tokens) {
        const bool samples = request.computed + tokens == request.tokens() + request.pending;
        if (tokens == 1) {
            ++batch.shape.decode_sequences;
            ++batch.shape.sampled_sequences;
            batch.shape.decode_context += request.computed + 1;
        } else {
            batch.shape += chunk_shape(request.computed, tokens, samples);
        }
        request.computed += tokens;
        if (samples) ++request.pending;
        batch.members.push_back({&request, samples});
    }

    bool schedule_running(Batch& batch, std::int64_t& budget) {
        bool preempted = false;
        for (std::size_t i = 0; i < running.size() && budget > 0; ++i) {
            Request& request = *running[i];
            const bool ends_in_flight = request.pending > 0 && request.generated + request.pending >= request.output;
            const std::int64_t tokens = std::min(request.tokens() + request.pending - request.computed, budget);
            if (ends_in_flight || tokens == 0) continue;
            while (!allocate(request, tokens)) {
                Request& victim = *running.back();
                running.pop_back();
                preempt(victim);
                preempted = true;
                if (&victim == &request) return false;
            }
            join(batch, request, tokens);
            budget -= tokens;
        }
        return !preempted;
    }

    void admit(Batch& batch, std::int64_t& budget) {
        while (!waiting.empty() && budget > 0 && static_cast<std::int64_t>(running.size()) < options_.sequences_max) {
            Request& request = *waiting.front();
            std::vector<Block> found;
            for (std::int64_t k = 0; options_.prefix_caching && k < (request.tokens() - 1) / options_.block_tokens; ++k) {
                const Block block = pool_.find(content(request.index, k));
                if (block < 0) break;
                found.push_back(block);
            }
            const auto hits = static_cast<std::int64_t>(found.size());
            const auto unused = std::count_if(found.begin(), found.end(), [&](Block block) { return pool_.is_free(block); });
            if (blocks_for(request.tokens()) - hits + unused > pool_.free()) return;
            for (const Block block : found) pool_.use(block);
            request.blocks = std::move(found);
            request.cached = hits;
            request.computed = hits * options_.block_tokens;
            const std::int64_t tokens = std::min(request.tokens() - request.computed, budget);
            allocate(request, tokens);
            waiting.pop_front();
            running.push_back(&request);
            join(batch, request, tokens);
            budget -= tokens;
        }
    }

    const ReferenceOptions& options_;
    std::vector<ReferenceTimes>& times_;
    Pool pool_;
    std::map<std::int64_t, SharedPrefix> shared_;
};

/// All ranks in lock step.
class Core {
public:
    Core(std::span<const Arrival> arrivals, const CostModel& cost, const ReferenceOptions& options)
        : options_(options), cost_(cost), times_(arrivals.size()) {
        for (const Arrival& arrival : arrivals) {
            Request request;
            request.index = static_cast<std::int64_t>(requests_.size());
            request.prompt = arrival.prompt.value;
            request.output = arrival.output.value;
            requests_.push_back(std::move(request));
            arrived_.push_back(arrival.at);
        }
        for (std::int64_t i = 0; i < options.ranks; ++i) ranks_.emplace_back(options_, times_);
        scores_.assign(ranks_.size(), 0);
    }

    std::vector<ReferenceTimes> run() {
        while (finished_ < requests_.size()) {
            const bool idle = queue_.empty() && std::none_of(ranks_.begin(), ranks_.end(), [](const Rank& rank) {
                return rank.has_requests() || !rank.inbox.empty();
            });
            if (idle && next_ < requests_.size()) now_ = std::max(now_, arrived_[next_]);
            see_arrivals();
            if (queue_.size() < k_depth && launch() && queue_.size() < k_depth) continue;
            if (queue_.empty()) {
                now_ = std::max(now_, arrived_[next_]);
                continue;
            }
            const Step step = std::move(queue_.front());
            queue_.pop_front();
            now_ = std::max(now_, step.end);
            for (std::size_t i = 0; i < ranks_.size(); ++i) finished_ += ranks_[i].update(step.batches[i], now_);
        }
        return times_;
    }

private:
    static constexpr std::size_t k_depth = 2;  // steps decided and not ended
    struct Step {
        VirtualTime end;
        std::vector<Batch> batches;
    };

    void see_arrivals() {
        for (; next_ < requests_.size() && arrived_[next_] <= now_; ++next_) {
            if (arrived_[next_] >= count_at_) {
                for (std::size_t i = 0; i < ranks_.size(); ++i) scores_[i] = ranks_[i].score();
                while (arrived_[next_] >= count_at_) count_at_ = count_at_ + Duration(k_count_interval_ns);
            }
            const auto least = std::min_element(scores_.begin(), scores_.end());
            *least += 4;
            ranks_[static_cast<std::size_t>(least - scores_.begin())].inbox.push_back(&requests_[next_]);
        }
        for (Rank& rank : ranks_) {
            for (Request* request : rank.inbox) {
                times_[static_cast<std::size_t>(request->index)].queued = now_;
                rank.waiting.push_back(request);
            }
            rank.inbox.clear();
        }
    }

    bool launch() {
        Step step;
        Duration longest{0};
        for (Rank& rank : ranks_) {
            step.batches.push_back(rank.schedule());
            if (step.batches.back().members.empty()) continue;
            std::array<Duration, 1> time{};
            cost_.step(step.batches.back().shape, time);
            longest = std::max(longest, time[0]);
        }
        if (longest == Duration(0)) return false;
        busy_until_ = std::max(busy_until_, now_) + longest;
        step.end = busy_until_;
        queue_.push_back(std::move(step));
        return true;
    }

    ReferenceOptions options_;
    const CostModel& cost_;
    std::vector<ReferenceTimes> times_;
    std::deque<Request> requests_;
    std::vector<VirtualTime> arrived_;
    std::deque<Rank> ranks_;
    std::vector<std::int64_t> scores_;
    std::deque<Step> queue_;
    VirtualTime now_;
    VirtualTime busy_until_;
    VirtualTime count_at_;
    std::size_t next_ = 0;
    std::size_t finished_ = 0;
};

}  // namespace

std::vector<ReferenceTimes> replay_reference(std::span<const Arrival> arrivals, const CostModel& cost,
                                             const ReferenceOptions& options) {
    return Core(arrivals, cost, options).run();
}

}  // namespace replayd::ctl
