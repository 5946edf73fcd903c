// Protobuf frames. The generated types are converted here and go no further.

#include <algorithm>
#include <climits>

#include <google/protobuf/arena.h>
#include <google/protobuf/stubs/logging.h>

#include "daemon/protocol/frames.hpp"
#include "daemon/protocol/validate.hpp"
#include "daemon/protocol/wire.hpp"
#include "proto/replayd.pb.h"

namespace replayd::protocol::impl {
namespace {

/// Unparsed bytes become about this many times as many bytes of messages: one arena block usually suffices.
constexpr std::size_t k_arena_growth = 8;
constexpr std::size_t k_arena_block_max = 4u << 20;

google::protobuf::ArenaOptions arena_options(std::size_t frame_bytes) {
    google::protobuf::ArenaOptions options;
    options.start_block_size = std::clamp<std::size_t>(frame_bytes * k_arena_growth, 512, k_arena_block_max);
    options.max_block_size = k_arena_block_max;
    return options;
}

/// Parses without the library's own complaints on stderr, which a client could provoke at will.
bool parse_quietly(google::protobuf::MessageLite& message, std::string_view bytes) {
    const google::protobuf::LogSilencer silence;
    if (bytes.size() > INT_MAX) return false;
    return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

tl::unexpected<Error> malformed(std::string_view bytes, const google::protobuf::Message& message,
                                const std::string& path) {
    const auto found = wire_violation(bytes, *message.GetDescriptor(), path);
    return fail(Code::invalid_argument, found ? *found
                                              : "the binary frame of " + std::to_string(bytes.size()) +
                                                    " bytes is refused: expected protobuf of " +
                                                    message.GetDescriptor()->full_name());
}

tl::unexpected<Error> not_one_message(std::size_t found, const char* names) {
    return fail(Code::invalid_argument,
                "the frame has " + std::to_string(found) + " messages: expected exactly one of " + names);
}

// ---- fields that the schema does not know ----

bool knows_fields(const google::protobuf::Message& message) {
    return message.GetReflection()->GetUnknownFields(message).empty();
}

bool knows_all(const v1::ArrivalBatch& batch) {
    return knows_fields(batch) && std::all_of(batch.arrivals().begin(), batch.arrivals().end(), knows_fields);
}

bool knows_all(const v1::ClientMessage& message) {
    return knows_fields(message) && knows_fields(message.hello()) && knows_fields(message.hello().traced_system()) &&
           knows_all(message.batch()) && knows_fields(message.end());
}

// ---- protobuf to plain ----

Arrival plain(const v1::Arrival& from) {
    Arrival to;
    to.id = from.id();
    to.at = VirtualTime(from.arrival_ns());
    to.prompt = Tokens(from.prompt_tokens());
    to.output = Tokens(from.output_tokens());
    to.conversation = from.conversation();
    to.prefix_hashes.assign(from.prefix_hashes().begin(), from.prefix_hashes().end());
    to.prefix_block = Tokens(from.prefix_block_tokens());
    to.slo_class = from.slo_class();
    to.model = from.model();
    if (from.has_observed_ttft_ns()) to.observed_ttft = Duration(from.observed_ttft_ns());
    if (from.has_observed_e2e_ns()) to.observed_e2e = Duration(from.observed_e2e_ns());
    if (from.has_observed_tpot_ns()) to.observed_tpot = Duration(from.observed_tpot_ns());
    if (from.has_observed_cached_tokens()) to.observed_cached = Tokens(from.observed_cached_tokens());
    return to;
}

ArrivalBatch plain(const v1::ArrivalBatch& from) {
    ArrivalBatch to;
    to.seq = from.seq();
    to.arrivals.reserve(static_cast<std::size_t>(from.arrivals_size()));
    for (const v1::Arrival& arrival : from.arrivals()) to.arrivals.push_back(plain(arrival));
    if (from.has_watermark_ns()) to.watermark = VirtualTime(from.watermark_ns());
    return to;
}

TracedSystem plain(const v1::TracedSystem& from) {
    TracedSystem to{from.engine(), from.engine_version(), from.model(), from.gpu(), from.gpus(), {}};
    to.settings.insert(from.settings().begin(), from.settings().end());
    return to;
}

Hello plain(const v1::Hello& from) {
    return {from.stream(), {from.scenarios().begin(), from.scenarios().end()}, plain(from.traced_system()),
            from.client(), kept_factor(from.speed()), from.request_rows()};
}

Welcome plain(const v1::Welcome& from) {
    return {from.next_seq(), from.credit(), from.arrivals(), VirtualTime(from.watermark_ns()), from.ended(),
            {from.runs().begin(), from.runs().end()}};
}

// ---- plain to protobuf ----

void fill(v1::Arrival& to, const Arrival& from) {
    to.set_id(from.id);
    to.set_arrival_ns(from.at.ns);
    to.set_prompt_tokens(from.prompt.value);
    to.set_output_tokens(from.output.value);
    to.set_conversation(from.conversation);
    to.mutable_prefix_hashes()->Add(from.prefix_hashes.begin(), from.prefix_hashes.end());
    to.set_prefix_block_tokens(from.prefix_block.value);
    to.set_slo_class(from.slo_class);
    to.set_model(from.model);
    if (from.observed_ttft) to.set_observed_ttft_ns(from.observed_ttft->value);
    if (from.observed_e2e) to.set_observed_e2e_ns(from.observed_e2e->value);
    if (from.observed_tpot) to.set_observed_tpot_ns(from.observed_tpot->value);
    if (from.observed_cached) to.set_observed_cached_tokens(from.observed_cached->value);
}

void fill(v1::ArrivalBatch& to, const ArrivalBatch& from) {
    to.set_seq(from.seq);
    to.mutable_arrivals()->Reserve(static_cast<int>(from.arrivals.size()));
    for (const Arrival& arrival : from.arrivals) fill(*to.add_arrivals(), arrival);
    if (from.watermark) to.set_watermark_ns(from.watermark->ns);
}

void fill(v1::TracedSystem& to, const TracedSystem& from) {
    to.set_engine(from.engine);
    to.set_engine_version(from.engine_version);
    to.set_model(from.model);
    to.set_gpu(from.gpu);
    to.set_gpus(from.gpus);
    to.mutable_settings()->insert(from.settings.begin(), from.settings.end());
}

void fill(v1::Hello& to, const Hello& from) {
    to.set_stream(from.stream);
    to.mutable_scenarios()->Add(from.scenarios.begin(), from.scenarios.end());
    if (from.traced_system != TracedSystem{}) fill(*to.mutable_traced_system(), from.traced_system);
    to.set_client(from.client);
    to.set_speed(from.speed);
    to.set_request_rows(from.request_rows);
}

void fill(v1::Welcome& to, const Welcome& from) {
    to.set_next_seq(from.next_seq);
    to.set_credit(from.credit);
    to.set_arrivals(from.arrivals);
    to.set_watermark_ns(from.watermark.ns);
    to.set_ended(from.ended);
    to.mutable_runs()->Add(from.runs.begin(), from.runs.end());
}

void fill(v1::ClientMessage& to, const Hello& from) { fill(*to.mutable_hello(), from); }
void fill(v1::ClientMessage& to, const ArrivalBatch& from) { fill(*to.mutable_batch(), from); }
void fill(v1::ClientMessage& to, const End& from) { to.mutable_end()->set_seq(from.seq); }

void fill(v1::ServerMessage& to, const Welcome& from) { fill(*to.mutable_welcome(), from); }

void fill(v1::ServerMessage& to, const Ack& from) {
    v1::Ack& ack = *to.mutable_ack();
    ack.set_seq(from.seq);
    ack.set_credit(from.credit);
    ack.set_arrivals(from.arrivals);
}

void fill(v1::ServerMessage& to, const Failure& from) {
    v1::Failure& failure = *to.mutable_failure();
    failure.set_code(from.code);
    failure.set_message(from.message);
    failure.set_seq(from.seq);
}

/// Serializes a `Wire` filled from `from`, built on an arena of about the right size.
template <class Wire, class Plain>
std::string bytes_of(const Plain& from, std::size_t bytes_guess) {
    google::protobuf::Arena arena(arena_options(bytes_guess));
    Wire& message = *google::protobuf::Arena::CreateMessage<Wire>(&arena);
    fill(message, from);
    return message.SerializeAsString();
}

constexpr std::size_t k_arrival_bytes_guess = 48;
constexpr std::size_t k_small_message_bytes = 128;

std::size_t bytes_guess(const ArrivalBatch& batch) { return batch.arrivals.size() * k_arrival_bytes_guess; }
template <class Message>
std::size_t bytes_guess(const Message&) {
    return k_small_message_bytes;
}

}  // namespace

Result<ClientMessage> client_from_protobuf(std::string_view frame) {
    const FrameShape shape = shape_of_client_frame(frame);
    if (auto found = arrival_count_violation(shape.arrivals)) return tl::unexpected<Error>(std::move(*found));
    google::protobuf::Arena arena(arena_options(frame.size()));
    auto& message = *google::protobuf::Arena::CreateMessage<v1::ClientMessage>(&arena);
    if (!parse_quietly(message, frame) || !knows_all(message)) return malformed(frame, message, "");
    if (shape.messages != 1) return not_one_message(shape.messages, "hello, batch, end");
    switch (message.message_case()) {
        case v1::ClientMessage::kHello: return plain(message.hello());
        case v1::ClientMessage::kBatch: return plain(message.batch());
        case v1::ClientMessage::kEnd: return End{message.end().seq()};
        case v1::ClientMessage::MESSAGE_NOT_SET: break;
    }
    return not_one_message(0, "hello, batch, end");
}

Result<ServerMessage> server_from_protobuf(std::string_view frame) {
    v1::ServerMessage message;
    if (!parse_quietly(message, frame) || !knows_fields(message)) return malformed(frame, message, "");
    switch (message.message_case()) {
        case v1::ServerMessage::kWelcome: return plain(message.welcome());
        case v1::ServerMessage::kAck:
            return Ack{message.ack().seq(), message.ack().credit(), message.ack().arrivals()};
        case v1::ServerMessage::kFailure:
            return Failure{message.failure().code(), message.failure().message(), message.failure().seq()};
        case v1::ServerMessage::MESSAGE_NOT_SET: break;
    }
    return not_one_message(0, "welcome, ack, failure");
}

Result<ArrivalBatch> batch_from_protobuf(std::string_view bytes) {
    if (auto found = arrival_count_violation(arrivals_in_batch(bytes))) {
        return tl::unexpected<Error>(std::move(*found));
    }
    google::protobuf::Arena arena(arena_options(bytes.size()));
    auto& message = *google::protobuf::Arena::CreateMessage<v1::ArrivalBatch>(&arena);
    if (!parse_quietly(message, bytes) || !knows_all(message)) return malformed(bytes, message, "batch");
    return plain(message);
}

std::string to_protobuf(const ClientMessage& message) {
    return std::visit([](const auto& m) { return bytes_of<v1::ClientMessage>(m, bytes_guess(m)); }, message);
}

std::string to_protobuf(const ServerMessage& message) {
    return std::visit([](const auto& m) { return bytes_of<v1::ServerMessage>(m, bytes_guess(m)); }, message);
}

std::string to_protobuf(const ArrivalBatch& batch) { return bytes_of<v1::ArrivalBatch>(batch, bytes_guess(batch)); }

}  // namespace replayd::protocol::impl
