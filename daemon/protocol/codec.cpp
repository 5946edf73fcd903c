#include "daemon/protocol/codec.hpp"

#include <array>
#include <charconv>

#include "daemon/protocol/frames.hpp"
#include "daemon/protocol/validate.hpp"

namespace replayd::protocol {

double impl::kept_factor(double value) {
    constexpr int k_digits = 12;
    std::array<char, 32> text{};
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, k_digits).ptr;
    double kept = value;
    std::from_chars(text.data(), end, kept);
    return kept;
}

Result<ClientMessage> decode_client_message(std::string_view frame, bool binary) {
    Result<ClientMessage> message = binary ? impl::client_from_protobuf(frame) : impl::client_from_json(frame);
    if (!message) return message;
    if (auto found = std::visit([](const auto& m) { return violation(m); }, *message)) {
        return tl::unexpected<Error>(std::move(*found));
    }
    return message;
}

Result<ServerMessage> decode_server_message(std::string_view frame, bool binary) {
    return binary ? impl::server_from_protobuf(frame) : impl::server_from_json(frame);
}

std::string encode_client_message(const ClientMessage& message, bool binary) {
    return binary ? impl::to_protobuf(message) : impl::to_json(message);
}

std::string encode_server_message(const ServerMessage& message, bool binary) {
    return binary ? impl::to_protobuf(message) : impl::to_json(message);
}

std::string serialize_log_batch(const ArrivalBatch& batch) { return impl::to_protobuf(batch); }

Result<ArrivalBatch> parse_log_batch(std::string_view payload) {
    Result<ArrivalBatch> batch = impl::batch_from_protobuf(payload);
    std::string trouble;
    if (!batch) {
        trouble = batch.error().message;
    } else if (auto found = violation(*batch)) {
        trouble = found->message;
    }
    if (trouble.empty()) return batch;
    return fail(Code::io, "the logged batch of " + std::to_string(payload.size()) +
                              " bytes is damaged (" + trouble +
                              "): expected what replayd logged; restore the database");
}

}  // namespace replayd::protocol
