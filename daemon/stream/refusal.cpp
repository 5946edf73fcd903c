#include "daemon/stream/refusal.hpp"

#include <algorithm>
#include <utility>

#include "daemon/net/quoted.hpp"
#include "daemon/protocol/codes.hpp"

namespace replayd::stream {
namespace {

Refusal refuse(Code code, std::string message, std::uint64_t seq) {
    return refusal_of(Error{code, std::move(message)}, seq);
}

std::string ns(VirtualTime time) {
    return std::to_string(time.ns) + " ns";
}

std::optional<Refusal> check_times(const protocol::ArrivalBatch& batch, const LogTail& accepted) {
    const auto& arrivals = batch.arrivals;
    const std::string name = "batch " + std::to_string(batch.seq) + ": ";
    // Times never decrease inside a batch (checked when it was decoded), so the late ones come first.
    const auto first_in_time =
        std::partition_point(arrivals.begin(), arrivals.end(),
                             [&accepted](const Arrival& arrival) { return arrival.at < accepted.watermark; });
    if (first_in_time != arrivals.begin()) {
        return refuse(Code::invalid_argument,
                      name + std::to_string(first_in_time - arrivals.begin()) + " of " +
                          std::to_string(arrivals.size()) + " arrivals are earlier than the stream's watermark of " +
                          ns(accepted.watermark) + ", the first is " + net::quoted(arrivals.front().id) + " at " +
                          ns(arrivals.front().at) + ": expected no arrival before the watermark; none was taken",
                      batch.seq);
    }
    if (batch.watermark && *batch.watermark < accepted.watermark) {
        return refuse(Code::invalid_argument,
                      name + "watermark_ns is " + std::to_string(batch.watermark->ns) + ": expected " +
                          std::to_string(accepted.watermark.ns) + " or more, the stream's watermark",
                      batch.seq);
    }
    const VirtualTime latest =
        std::max(batch.watermark.value_or(VirtualTime(0)), arrivals.empty() ? VirtualTime(0) : arrivals.back().at);
    if (latest > k_virtual_time_max) {
        return refuse(Code::invalid_argument,
                      name + "its latest time is " + ns(latest) + ": expected at most " + ns(k_virtual_time_max) +
                          " after the stream's epoch",
                      batch.seq);
    }
    return std::nullopt;
}

}  // namespace

Refusal refusal_of(const Error& error, std::uint64_t seq) {
    return {protocol::failure_of(error, seq), protocol::facts(error.code).close_code};
}

std::optional<Refusal> check_seq(std::uint64_t seq, const char* what, const LogTail& accepted,
                                 std::string_view stream) {
    const std::string expected = std::to_string(accepted.seq + 1);
    if (accepted.ended) {
        return refuse(Code::failed_state,
                      std::string(what) + " " + std::to_string(seq) + ": stream " + net::quoted(stream) +
                          " has ended: expected nothing after its end",
                      seq);
    }
    if (seq == accepted.seq + 1) return std::nullopt;
    return Refusal{{std::string(protocol::k_sequence_gap.name),
                    std::string(what) + ".seq is " + std::to_string(seq) + ": expected " + expected +
                        "; send again from batch " + expected,
                    seq},
                   protocol::k_sequence_gap.close_code};
}

std::optional<Refusal> check_batch(const protocol::ArrivalBatch& batch, const LogTail& accepted, std::int64_t granted,
                                   std::string_view stream) {
    if (auto found = check_seq(batch.seq, "batch", accepted, stream)) return found;
    if (auto found = check_times(batch, accepted)) return found;
    const std::int64_t total = accepted.arrivals + static_cast<std::int64_t>(batch.arrivals.size());
    if (total <= granted) return std::nullopt;
    const std::int64_t left = std::max<std::int64_t>(0, granted - accepted.arrivals);
    return Refusal{{std::string(protocol::k_over_credit.name),
                    "batch " + std::to_string(batch.seq) + " has " + std::to_string(batch.arrivals.size()) +
                        " arrivals: expected at most the " + std::to_string(left) +
                        " that are left of the credit; wait for an ack with more",
                    batch.seq},
                   protocol::k_over_credit.close_code};
}

}  // namespace replayd::stream
