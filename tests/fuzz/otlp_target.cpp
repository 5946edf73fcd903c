#include "daemon/otlp/mapping.hpp"
#include "daemon/otlp/span.hpp"
#include "daemon/protocol/validate.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/targets.hpp"

namespace replayd::fuzz {

/// Any bytes are spans or are refused; a span that becomes an arrival makes one that the protocol takes, and one that
/// does not is told why.
void otlp_spans(std::string_view input) {
    for (const bool json : {false, true}) {
        const auto groups = json ? otlp::decode_json(input) : otlp::decode_protobuf(input);
        if (!groups) {
            check_message(groups.error());
            continue;
        }
        for (const auto& group : *groups) {
            for (const auto& span : group.spans) {
                const otlp::MappedSpan mapped = otlp::map_span(span);
                REPLAYD_ASSERT((mapped.kind == otlp::SpanKind::invalid) == !mapped.reason.empty());
                if (mapped.kind != otlp::SpanKind::arrival) continue;
                protocol::ArrivalBatch batch;
                batch.seq = 1;
                batch.arrivals = {mapped.arrival};
                REPLAYD_ASSERT(!protocol::violation(batch));
            }
        }
    }
}

}  // namespace replayd::fuzz
