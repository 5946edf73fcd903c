#include "daemon/stream/time_travel.hpp"

#include <atomic>
#include <future>
#include <utility>

#include "daemon/stream/run_replay.hpp"

namespace replayd::stream {
namespace {

constexpr std::chrono::milliseconds k_slice{10};
constexpr std::chrono::seconds k_patience{30};

/// Steps until it is there, fails, or nobody waits any more.
template <class Answer>
class SteppingJob : public Job {
public:
    explicit SteppingJob(Stream& stream) : stream_(stream.shared_from_this()) {}

    [[nodiscard]] NextSlice slice() final {
        if (over_) return NextSlice::on_wake();
        const WallTime until = stream_->now() + k_slice;
        do {
            if (given_up_.load()) return tell(fail(Code::unavailable, "nobody waits any more"));
            auto answer = step();
            if (answer) return tell(std::move(*answer));
        } while (stream_->now() < until);
        return NextSlice::at_once();
    }

    /// Has the engine's threads do it, and waits. Once per job, which is held by a shared_ptr.
    [[nodiscard]] static Result<Answer> done(const std::shared_ptr<SteppingJob>& job, const std::string& what) {
        auto answer = job->done_.get_future();
        job->stream_->lend_engine(job);
        if (answer.wait_for(k_patience) == std::future_status::ready) return answer.get();
        job->given_up_.store(true);
        return fail(Code::unavailable, what + " took longer than " + std::to_string(k_patience.count()) + " s");
    }

protected:
    /// A few milliseconds of work; nothing: there is more to do.
    [[nodiscard]] virtual std::optional<Result<Answer>> step() = 0;
    [[nodiscard]] Stream& stream() { return *stream_; }

private:
    [[nodiscard]] NextSlice tell(Result<Answer> answer) {
        over_ = true;
        done_.set_value(std::move(answer));
        return NextSlice::on_wake();
    }

    const std::shared_ptr<Stream> stream_;
    std::atomic<bool> given_up_{false};
    bool over_ = false;
    std::promise<Result<Answer>> done_;
};

class MomentJob final : public SteppingJob<Moment> {
public:
    MomentJob(Stream& stream, const RunIdentity& run, const std::optional<Checkpoint>& from, VirtualTime at,
              std::size_t listed, Checkpoints& checkpoints)
        : SteppingJob(stream),
          run_id_(run.id),
          at_(at),
          listed_(listed),
          checkpoints_(checkpoints),
          replay_(from ? RunReplay(run, stream, *from) : RunReplay(run, stream)) {}

private:
    [[nodiscard]] std::optional<Result<Moment>> step() override {
        const auto there = replay_.step(at_);
        if (!there) return tl::unexpected(there.error());
        if (checkpoints_.wants(run_id_, replay_.arrivals())) checkpoints_.keep(run_id_, replay_.checkpoint());
        if (!*there) return std::nullopt;
        return replay_.run().moment(listed_);
    }

    const std::int64_t run_id_;
    const VirtualTime at_;
    const std::size_t listed_;
    Checkpoints& checkpoints_;
    RunReplay replay_;
};

class DifferenceJob final : public SteppingJob<RunsDifference> {
public:
    DifferenceJob(Stream& stream, const RunIdentity& a, const RunIdentity& b, std::optional<VirtualTime> until)
        : SteppingJob(stream), difference_(a, b, stream, until) {}

private:
    [[nodiscard]] std::optional<Result<RunsDifference>> step() override { return difference_.step(); }

    RunDifference difference_;
};

}  // namespace

Result<TravelledMoment> moment_of(Stream& stream, const RunIdentity& run, VirtualTime at, std::size_t listed,
                                  Checkpoints& checkpoints) {
    const auto from = checkpoints.latest(run.id, at);
    const auto job = std::make_shared<MomentJob>(stream, run, from, at, listed, checkpoints);
    auto moment =
        MomentJob::done(job, "replaying run " + std::to_string(run.id) + " up to " + std::to_string(at.ns) + " ns");
    if (!moment) {
        if (moment.error().code != Code::unavailable) return tl::unexpected(moment.error());
        return fail(Code::unavailable, moment.error().message + ": ask again, it goes on from where it has come to");
    }
    return TravelledMoment{std::move(*moment), from ? from->at : VirtualTime(0)};
}

Result<TravelledMoment> moment_now(Stream& stream, const std::shared_ptr<RunWorker>& run, std::size_t listed) {
    const auto answer = std::make_shared<std::promise<Result<Moment>>>();
    run->ask([answer, listed](const Run* now, VirtualTime) {
        if (now == nullptr) {
            return answer->set_value(fail(Code::failed_state, "the run is over, or failed to start: ask for a moment"));
        }
        answer->set_value(now->moment(listed));
    });
    auto moment = answer->get_future();
    stream.wake_run(run);
    if (moment.wait_for(k_patience) != std::future_status::ready) {
        return fail(Code::unavailable, "the run did not answer within half a minute: is the daemon shutting down?");
    }
    auto now = moment.get();
    if (!now) return tl::unexpected(now.error());
    return TravelledMoment{std::move(*now), std::nullopt};
}

Result<RunsDifference> difference_of(Stream& stream, const RunIdentity& a, const RunIdentity& b,
                                     std::optional<VirtualTime> until) {
    const auto job = std::make_shared<DifferenceJob>(stream, a, b, until);
    return DifferenceJob::done(
        job, "replaying runs " + std::to_string(a.id) + " and " + std::to_string(b.id) + " side by side");
}

}  // namespace replayd::stream
