// Arrivals per second over a loopback websocket into the real daemon, counted when they are acknowledged as durable,
// while one linear-cost scenario replays them; against the same batches appended to a history without a socket, a
// codec or an engine in between (the bound of the same run). Then the same with a log that is shared over a real
// nats-server on this machine: each batch is stored by JetStream, committed here, and comes back to be acknowledged
// there.

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/protocol/codec.hpp"
#include "replay/trace/generator.hpp"
#include "storage/history.hpp"
#include "tests/system/nats_server.hpp"
#include "tests/system/running_daemon.hpp"

namespace replayd::testing {
namespace {

constexpr std::int64_t k_arrivals = 400'000;
constexpr std::size_t k_batch = 1'000;
constexpr const char* k_scenario = R"(name = "ingest"
model = "Llama-3.1-8B"
gpu = "H100-SXM"
[[pool]]
role = "mixed"
replicas = 8
[cost]
source = "linear"
step_us = 100
prefill_token_us = 0
decode_sequence_us = 0
)";

template <class T>
T must(Result<T> result, const char* what) {
    if (!result) {
        std::fprintf(stderr, "ingest_bench: %s: %s\n", what, result.error().message.c_str());
        std::exit(1);
    }
    return std::move(*result);
}

std::vector<protocol::ArrivalBatch> make_batches() {
    GeneratorOptions options;
    options.count = k_arrivals;
    options.arrivals.rate_per_s = 100;
    TraceGenerator generator = must(TraceGenerator::make(options), "generator");
    std::vector<protocol::ArrivalBatch> batches;
    while (auto arrival = generator.next()) {
        if (batches.empty() || batches.back().arrivals.size() == k_batch) {
            batches.emplace_back();
            batches.back().seq = batches.size();
        }
        batches.back().arrivals.push_back(std::move(*arrival));
    }
    return batches;
}

double over_websocket(const TemporaryDirectory& directory, const std::vector<protocol::ArrivalBatch>& batches,
                      bool binary, const std::vector<std::string>& flags = {}) {
    RunningDaemon daemon(directory, flags);
    const net::HttpResponse added = daemon.ask("POST", "/api/v1/scenarios", k_scenario, "application/toml");
    if (added.status != 201) {
        std::fprintf(stderr, "ingest_bench: scenario: %s\n", added.body.c_str());
        std::exit(1);
    }
    auto client = must(net::WebSocketClient::connect(daemon.endpoint(), "/ingest/v1", "replayd.v1"), "connect");
    protocol::Hello hello;
    hello.stream = "bench";
    hello.scenarios = {"ingest"};
    must(client->send(protocol::encode_client_message(hello, binary), binary).map([] { return 0; }), "hello");
    std::vector<std::string> frames;
    for (const protocol::ArrivalBatch& batch : batches) {
        frames.push_back(protocol::encode_client_message(batch, binary));
    }

    std::uint64_t acked = 0;
    std::int64_t may_send = 0;
    const auto take_answer = [&](std::chrono::milliseconds timeout) {
        auto message = must(client->receive(timeout), "receive");
        if (!message) return;
        const auto answer = must(protocol::decode_server_message(message->data, message->binary), "answer");
        if (const auto* welcome = std::get_if<protocol::Welcome>(&answer)) {
            may_send = static_cast<std::int64_t>(welcome->credit);
        }
        if (const auto* ack = std::get_if<protocol::Ack>(&answer)) {
            acked = ack->seq;
            may_send = static_cast<std::int64_t>(acked * k_batch + ack->credit);
        }
        if (const auto* failure = std::get_if<protocol::Failure>(&answer)) {
            std::fprintf(stderr, "ingest_bench: %s\n", failure->message.c_str());
            std::exit(1);
        }
    };
    const auto start = std::chrono::steady_clock::now();
    std::size_t sent = 0;
    while (acked < frames.size()) {
        while (sent < frames.size() && static_cast<std::int64_t>((sent + 1) * k_batch) <= may_send &&
               sent < acked + 64) {
            must(client->send(frames[sent++], binary).map([] { return 0; }), "send");
        }
        take_answer(std::chrono::seconds(30));
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return static_cast<double>(k_arrivals) / took.count();
}

double straight_into_history(const std::string& path, const std::vector<protocol::ArrivalBatch>& batches) {
    storage::HistoryOptions options;
    options.path = path;
    auto history = must(storage::History::open(options), "history");
    storage::StreamRow stream;
    stream.name = "bench";
    stream = must(history->add_stream(stream), "stream");
    std::vector<std::string> payloads;
    for (const protocol::ArrivalBatch& batch : batches) payloads.push_back(protocol::serialize_log_batch(batch));
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t stored = 0;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < batches.size(); ++i) {
        storage::LoggedBatch batch{batches[i].seq, std::move(payloads[i]), static_cast<std::int64_t>(k_batch),
                                   batches[i].arrivals.back().at};
        history->append_batch(stream.id, std::move(batch), [&](Result<void> done) {
            must(done.map([] { return 0; }), "append");
            const std::lock_guard lock(mutex);
            ++stored;
            changed.notify_one();
        });
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return i + 1 - stored < 64; });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stored == batches.size(); });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return static_cast<double>(k_arrivals) / took.count();
}

}  // namespace
}  // namespace replayd::testing

int main() {
    using namespace replayd::testing;
    const auto batches = make_batches();
    TemporaryDirectory binary;
    TemporaryDirectory json;
    TemporaryDirectory bare;
    const double bound = straight_into_history(bare / "bare.db", batches);
    std::printf("straight into the history          %10.0f arrivals/s acknowledged\n", bound);
    const double protobuf_rate = over_websocket(binary, batches, true);
    std::printf("websocket, protobuf frames of 1000 %10.0f arrivals/s acknowledged, %.2f of the bound\n", protobuf_rate,
                protobuf_rate / bound);
    const double json_rate = over_websocket(json, batches, false);
    std::printf("websocket, JSON frames of 1000     %10.0f arrivals/s acknowledged, %.2f of the bound\n", json_rate,
                json_rate / bound);
    TemporaryDirectory shared;
    const NatsServer nats(shared);
    write_file(shared / "nats.toml", "[nats]\nservers = ['" + nats.url() + "']\nnode = 'bench'\n");
    const double shared_rate = over_websocket(shared, batches, true, {"--config", shared / "nats.toml"});
    std::printf("the same protobuf frames over NATS %10.0f arrivals/s acknowledged, %.2f of the embedded log\n",
                shared_rate, shared_rate / protobuf_rate);
}
