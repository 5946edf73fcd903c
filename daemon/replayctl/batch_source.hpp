#pragma once
// A trace cut into numbered batches, which are kept until the daemon has acknowledged them.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "daemon/protocol/messages.hpp"
#include "daemon/replayctl/trace_source.hpp"
#include "replay/base/error.hpp"

namespace replayd::ctl {

/// One batch, ready to be sent.
struct Frame {
    std::uint64_t seq = 0;
    std::int64_t arrivals = 0;
    std::string bytes;
};

class BatchSource {
public:
    /// `batch` arrivals per frame.
    BatchSource(TraceSource trace, std::size_t batch, bool binary)
        : trace_(std::move(trace)), batch_(batch), binary_(binary) {}

    /// Goes on behind what the daemon has. The first time, arrivals that are durable are passed over in the trace;
    /// later, acknowledged batches are dropped and the others are sent again. Errors: `failed_state` when the stream
    /// holds another trace, has ended too early, or has lost batches that it had acknowledged; the trace's own.
    [[nodiscard]] Result<void> resume(const protocol::Welcome& welcome);

    /// The next frame to send, or null at the end of the trace, or of what followed files have so far. It stays until
    /// `acknowledge`. Errors of the trace.
    [[nodiscard]] Result<const Frame*> peek();
    /// Cuts the frame of `peek`, if it was never sent, so that it has at most `arrivals` (>= 1); the rest comes next.
    /// For a daemon whose credit is smaller than a batch.
    [[nodiscard]] Result<void> cut(std::int64_t arrivals);
    /// The frame of `peek` was sent.
    void sent();
    /// Batches up to `seq` are durable.
    void acknowledge(std::uint64_t seq);

    /// Number behind the last batch: that of the end. Valid once `peek` has answered null.
    [[nodiscard]] std::uint64_t end_seq() const { return next_seq_; }
    /// Arrivals sent and not acknowledged.
    [[nodiscard]] std::int64_t in_flight() const { return in_flight_; }
    [[nodiscard]] std::int64_t skipped() const { return skipped_; }
    [[nodiscard]] std::int64_t sent_arrivals() const { return sent_arrivals_; }
    [[nodiscard]] const TraceSource& trace() const { return trace_; }

private:
    [[nodiscard]] Result<void> skip(const protocol::Welcome& welcome);
    [[nodiscard]] Result<bool> make_frame();
    [[nodiscard]] Result<void> add_frame(std::vector<Arrival> arrivals);

    TraceSource trace_;
    const std::size_t batch_;
    const bool binary_;
    bool started_ = false;
    std::uint64_t next_seq_ = 1;     ///< of the next frame to be made
    std::vector<Arrival> rest_;      ///< cut off the latest frame
    std::deque<Frame> frames_;       ///< not acknowledged, in order; the first `sent_` were sent
    std::size_t sent_ = 0;
    std::int64_t in_flight_ = 0;     ///< arrivals of those
    std::int64_t skipped_ = 0;       ///< arrivals that were durable before
    std::int64_t sent_arrivals_ = 0; ///< without those sent again
    std::uint64_t highest_sent_ = 0;
};

}  // namespace replayd::ctl
