#include "harness.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "daemon/config/log.hpp"
#include "daemon/protocol/codec.hpp"

namespace replayd::test {

namespace json = boost::json;

const char* const k_mixed_toml = R"(name = "test-mixed"
model = "Llama-3.1-8B"
gpu = "H100-SXM"
window_s = 1
[slo]
ttft_ms = 500
tpot_ms = 20
[cost]
source = "linear"
step_us = 5000
prefill_token_us = 50
decode_sequence_us = 100
[[pool]]
name = "all"
role = "mixed"
replicas = 2
kv = { num_blocks = 2000 }
)";

const char* const k_pd_toml = R"(name = "test-pd"
model = "Llama-3.1-8B"
gpu = "H100-SXM"
window_s = 1
[cost]
source = "linear"
step_us = 5000
prefill_token_us = 50
decode_sequence_us = 100
[transfer]
gigabytes_per_s = 10
latency_us = 100
[[pool]]
name = "prefill"
role = "prefill"
replicas = 1
kv = { num_blocks = 2000 }
[[pool]]
name = "decode"
role = "decode"
replicas = 1
kv = { num_blocks = 2000 }
)";

std::vector<Arrival> synthetic_arrivals(std::size_t count) {
    std::vector<Arrival> arrivals;
    std::uint64_t state = 7;
    const auto next = [&state](std::uint64_t below) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;  // Knuth's MMIX constants
        return static_cast<std::int64_t>((state >> 33) % below);
    };
    std::int64_t at = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (next(4) > 0) at += next(30) * k_ns_per_ms;  // a quarter arrives together with the one before
        Arrival arrival;
        arrival.id = "r" + std::to_string(i);
        arrival.at = VirtualTime(at);
        arrival.prompt = Tokens(1 + next(400));
        arrival.output = Tokens(1 + next(60));
        arrival.conversation = i % 3 == 0 ? "c" + std::to_string(i / 9) : "";
        if (i % 50 == 0) arrival.observed_ttft = Duration(next(1000) * k_ns_per_ms);
        arrivals.push_back(std::move(arrival));
    }
    return arrivals;
}

std::string make_folder() {
    static std::atomic<int> number{0};
    const std::string folder =
        testing::TempDir() + "replayd_app_" + std::to_string(getpid()) + "_" + std::to_string(number++);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    return folder;
}

TestDaemon::TestDaemon(const std::function<void(config::DaemonConfig&)>& tweak) : folder_(make_folder()) {
    config_.listen_port = 0;
    config_.history_path = folder_ + "/history.db";
    config_.engine_threads = 2;
    if (tweak) tweak(config_);
    config::start_log(config::LogLevel::error);
    restart();
    add_scenarios();
}

TestDaemon::~TestDaemon() {
    app_.reset();
    std::filesystem::remove_all(folder_);
}

void TestDaemon::restart() {
    app_.reset();
    auto started = app::App::start(config_);
    if (!started) throw std::runtime_error(started.error().message);
    app_ = std::move(*started);
}

void DaemonClient::add_scenarios() const {
    for (const char* toml : {k_mixed_toml, k_pd_toml}) {
        const HttpAnswer added = post("/api/v1/scenarios", toml, "application/toml");
        EXPECT_EQ(added.status, 201U) << json::serialize(added.body);
    }
}

HttpAnswer DaemonClient::get(const std::string& target) const {
    const auto response = net::http_request(endpoint(), "GET", target, {}, "application/json", k_patience);
    if (!response) throw std::runtime_error(response.error().message);
    return {response->status, json::parse(response->body)};
}

HttpAnswer DaemonClient::post(const std::string& target, const std::string& body, const std::string& type) const {
    const auto response = net::http_request(endpoint(), "POST", target, body, type, k_patience);
    if (!response) throw std::runtime_error(response.error().message);
    return {response->status, json::parse(response->body)};
}

std::string DaemonClient::get_text(const std::string& target) const {
    const auto response = net::http_request(endpoint(), "GET", target, {}, "text/plain", k_patience);
    return response ? response->body : response.error().message;
}

json::value DaemonClient::sql(const std::string& statement) const {
    const HttpAnswer answer = post("/api/v1/query", json::serialize(json::object{{"sql", statement}}));
    if (answer.status != 200) throw std::runtime_error(json::serialize(answer.body));
    return answer.body.at("rows").at(0).at(0);
}

json::object DaemonClient::wait_stream(const std::string& name,
                                       const std::function<bool(const json::object&)>& wanted) const {
    auto socket = net::WebSocketClient::connect(endpoint(), "/live/v1?stream=" + name, "replayd.live.v1");
    if (!socket) throw std::runtime_error(socket.error().message);
    while (true) {
        const auto message = (*socket)->receive(k_patience);
        if (!message) throw std::runtime_error(message.error().message);
        if (!*message) throw std::runtime_error("no live message within " + std::to_string(k_patience.count()) + " s");
        const json::value value = json::parse((*message)->data);
        if (value.at("type") != "streams") continue;
        for (const json::value& stream : value.at("items").as_array()) {
            if (wanted(stream.as_object())) return stream.as_object();
        }
    }
}

json::object DaemonClient::wait_finished(const std::string& name) const {
    return wait_stream(name, [](const json::object& stream) { return stream.at("state") == "finished"; });
}

IngestClient::IngestClient(const DaemonClient& daemon, bool binary) : binary_(binary) {
    auto connected = net::WebSocketClient::connect(daemon.endpoint(), "/ingest/v1", "replayd.v1");
    if (!connected) throw std::runtime_error(connected.error().message);
    socket_ = std::move(*connected);
}

void IngestClient::send(const protocol::ClientMessage& message) {
    send_raw(protocol::encode_client_message(message, binary_), binary_);
}

void IngestClient::send_raw(const std::string& frame, bool binary) {
    const auto sent = socket_->send(frame, binary);
    if (!sent) throw std::runtime_error(sent.error().message);
}

protocol::ServerMessage IngestClient::receive() {
    const auto message = socket_->receive(k_patience);
    if (!message) throw std::runtime_error(message.error().message);
    if (!*message) throw std::runtime_error("no message from the daemon");
    EXPECT_EQ((*message)->binary, binary_);  // the daemon answers in kind
    auto decoded = protocol::decode_server_message((*message)->data, (*message)->binary);
    if (!decoded) throw std::runtime_error(decoded.error().message);
    return std::move(*decoded);
}

protocol::Welcome IngestClient::hello(const std::string& stream, std::vector<std::string> scenarios, double speed) {
    protocol::Hello hello;
    hello.stream = stream;
    hello.scenarios = std::move(scenarios);
    hello.client = "test";
    hello.speed = speed;
    send(hello);
    const protocol::ServerMessage answer = receive();
    if (const auto* failure = std::get_if<protocol::Failure>(&answer)) throw std::runtime_error(failure->message);
    return std::get<protocol::Welcome>(answer);
}

protocol::Ack IngestClient::wait_ack(std::uint64_t seq) {
    while (true) {
        const protocol::ServerMessage answer = receive();
        if (const auto* failure = std::get_if<protocol::Failure>(&answer)) throw std::runtime_error(failure->message);
        const auto& ack = std::get<protocol::Ack>(answer);
        if (ack.seq >= seq) return ack;
    }
}

std::pair<protocol::Failure, std::uint16_t> IngestClient::wait_failure() {
    while (true) {
        const protocol::ServerMessage answer = receive();
        if (const auto* failure = std::get_if<protocol::Failure>(&answer)) return {*failure, wait_close()};
    }
}

std::uint16_t IngestClient::wait_close() {
    while (socket_->receive(k_patience)) {
    }
    return socket_->close_code();
}

std::uint64_t send_arrivals(IngestClient& client, const std::vector<Arrival>& arrivals, std::size_t from,
                            std::size_t to, std::size_t frame, std::uint64_t seq) {
    for (std::size_t at = from; at < to; at += frame, ++seq) {
        const auto begin = arrivals.begin() + static_cast<std::ptrdiff_t>(at);
        const auto end = arrivals.begin() + static_cast<std::ptrdiff_t>(std::min(at + frame, to));
        client.send(protocol::ArrivalBatch{seq, {begin, end}, std::nullopt});
    }
    return seq;
}

void expect_complete(const DaemonClient& daemon, const std::string& stream, const std::vector<Arrival>& arrivals) {
    const json::object finished = daemon.wait_finished(stream);
    ASSERT_EQ(finished.at("runs").as_array().size(), 2U);
    for (const auto& run : finished.at("runs").as_array()) {
        const std::string id = std::to_string(run.at("id").as_int64());
        const bool mixed = run.at("scenario") == "test-mixed";
        EXPECT_EQ(run.at("hash").as_string(), engine_hash(mixed ? k_mixed_toml : k_pd_toml, arrivals));
        EXPECT_EQ(daemon.sql("SELECT count(*) FROM request WHERE run_id = " + id), arrivals.size());
        EXPECT_EQ(daemon.sql("SELECT count(DISTINCT sequence) FROM request WHERE run_id = " + id), arrivals.size());
        EXPECT_EQ(
            daemon.sql("SELECT count(*) FROM request WHERE run_id = " + id +
                       " AND gateway_queue_ns + routing_ns + prefill_queue_ns + prefill_compute_ns + chunk_wait_ns +"
                       " transfer_wait_ns + transfer_ns + decode_queue_ns + decode_compute_ns +"
                       " batch_interference_ns + preemption_stall_ns + recompute_ns <> finished_ns - arrived_ns"),
            0);
        EXPECT_EQ(daemon.sql("SELECT sum(finished) + sum(rejected) FROM window WHERE run_id = " + id), arrivals.size());
    }
}

}  // namespace replayd::test
