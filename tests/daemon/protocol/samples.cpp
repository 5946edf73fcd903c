#include "tests/daemon/protocol/samples.hpp"

#include <limits>

namespace replayd::protocol::testing {

Hello full_hello() {
    Hello hello;
    hello.stream = "azure-conv_2023.11";
    hello.scenarios = {"llama3-70b-h100", "llama3-70b-h100-pd"};
    hello.traced_system = {"vllm",     "0.11.0", "llama-3-70b",
                           "H100-SXM", 8,        {{"max_num_seqs", "256"}, {"größe", "größer"}}};
    hello.client = "replayctl 0.1.0";
    hello.speed = 12.5;
    hello.request_rows = "sampled:0.01";
    return hello;
}

ArrivalBatch full_batch() {
    Arrival plain;
    plain.id = "r-1";
    plain.prompt = Tokens(1);
    plain.output = Tokens(1);
    Arrival full;
    full.id = "r-2 \"quoted\" \n ü";
    full.at = VirtualTime(9'007'199'254'740'993);  // 2^53 + 1: no double holds it
    full.prompt = Tokens(40);
    full.output = Tokens(std::numeric_limits<std::int32_t>::max());
    full.conversation = "c-7";
    full.prefix_hashes = {0, 9'007'199'254'740'993u, std::numeric_limits<std::uint64_t>::max()};
    full.prefix_block = Tokens(16);
    full.slo_class = "interactive";
    full.model = "llama-3-70b";
    full.observed_ttft = Duration(0);
    full.observed_e2e = Duration(5'000'000'000);
    full.observed_tpot = Duration(7);
    full.observed_cached = Tokens(0);
    ArrivalBatch batch;
    batch.seq = 42;
    batch.arrivals = {plain, full};
    batch.watermark = VirtualTime(std::numeric_limits<std::int64_t>::max());
    return batch;
}

ArrivalBatch plain_batch(std::size_t count) {
    ArrivalBatch batch;
    batch.seq = 1;
    batch.arrivals.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        Arrival& arrival = batch.arrivals[i];
        arrival.id = "request-" + std::to_string(i);
        arrival.at = VirtualTime(static_cast<std::int64_t>(i) * 1000);
        arrival.prompt = Tokens(static_cast<std::int64_t>(i % 4000) + 1);
        arrival.output = Tokens(static_cast<std::int64_t>(i % 700) + 1);
    }
    return batch;
}

std::vector<ClientMessage> client_messages() {
    Hello minimal;
    minimal.stream = "s";
    ArrivalBatch watermark_only;
    watermark_only.seq = 1;
    watermark_only.watermark = VirtualTime(0);
    return {full_hello(), minimal, full_batch(), watermark_only, End{std::numeric_limits<std::uint64_t>::max()}};
}

std::vector<ServerMessage> server_messages() {
    return {Welcome{43, 20'000, 19'366, VirtualTime(9'007'199'254'740'993), true, {"1", "2"}}, Welcome{},
            Ack{42, 0, 19'366}, Failure{"sequence_gap", "batch.seq is 9: expected 5", 9},
            Failure{"io", "disk full", 0}};
}

}  // namespace replayd::protocol::testing
