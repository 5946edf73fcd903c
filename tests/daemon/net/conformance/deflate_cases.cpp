#include "tests/daemon/net/conformance/deflate_cases.hpp"

#include <zlib.h>

#include <chrono>
#include <optional>
#include <string_view>

#include "tests/daemon/net/conformance/deflate_contents.hpp"
#include "tests/daemon/net/conformance/raw_websocket.hpp"

namespace replayd::net::testing {
namespace {

constexpr std::chrono::seconds k_patience{120};
constexpr unsigned k_compressed = 4;                       // RSV1, RFC 7692 section 6
constexpr std::string_view k_tail("\x00\x00\xff\xff", 4);  // RFC 7692 section 7.2.1
constexpr std::string_view k_offer = "permessage-deflate; client_no_context_takeover; client_max_window_bits";

/// What the server agreed to.
struct Parameters {
    int client_bits = 15;
    int server_bits = 15;
    bool client_keeps_context = true;
    bool server_keeps_context = true;
};

int bits_of(const std::string& agreed, const std::string& name) {
    const std::size_t found = agreed.find(name + "=");
    return found == std::string::npos ? 15 : std::atoi(agreed.c_str() + found + name.size() + 1);
}

Parameters parameters_of(const std::string& agreed) {
    return {bits_of(agreed, "client_max_window_bits"), bits_of(agreed, "server_max_window_bits"),
            agreed.find("client_no_context_takeover") == std::string::npos,
            agreed.find("server_no_context_takeover") == std::string::npos};
}

/// The client's two streams. Inflating uses a window of exactly the agreed size, so that a server that looks further
/// back is caught.
class Codec {
public:
    explicit Codec(const Parameters& parameters) : parameters_(parameters) {
        deflateInit2(&out_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -parameters.client_bits, 8, Z_DEFAULT_STRATEGY);
        inflateInit2(&in_, -parameters.server_bits);
    }
    ~Codec() {
        deflateEnd(&out_);
        inflateEnd(&in_);
    }
    Codec(const Codec&) = delete;
    Codec& operator=(const Codec&) = delete;

    std::string compress(std::string& message) {
        std::string out(deflateBound(&out_, message.size()) + 16, '\0');
        out_.next_in = reinterpret_cast<Bytef*>(message.data());
        out_.avail_in = static_cast<uInt>(message.size());
        out_.next_out = reinterpret_cast<Bytef*>(out.data());
        out_.avail_out = static_cast<uInt>(out.size());
        deflate(&out_, Z_SYNC_FLUSH);
        out.resize(out.size() - out_.avail_out - k_tail.size());
        if (!parameters_.client_keeps_context) deflateReset(&out_);
        return out;
    }

    /// Nothing when the bytes are no deflate stream, or reach beyond the window or `size_max`.
    std::optional<std::string> decompress(std::string message, std::size_t size_max) {
        message.append(k_tail);
        std::string out(size_max + 1, '\0');
        in_.next_in = reinterpret_cast<Bytef*>(message.data());
        in_.avail_in = static_cast<uInt>(message.size());
        in_.next_out = reinterpret_cast<Bytef*>(out.data());
        in_.avail_out = static_cast<uInt>(out.size());
        const int status = inflate(&in_, Z_SYNC_FLUSH);
        if ((status != Z_OK && status != Z_BUF_ERROR && status != Z_STREAM_END) || in_.avail_in > 0)
            return std::nullopt;
        out.resize(out.size() - in_.avail_out);
        if (!parameters_.server_keeps_context) inflateReset(&in_);
        return out;
    }

private:
    const Parameters parameters_;
    z_stream out_{};
    z_stream in_{};
};

std::string in_compressed_frames(unsigned opcode, std::string_view payload, std::size_t fragment) {
    std::string out;
    unsigned reserved = k_compressed;
    do {
        const std::string_view piece = fragment == 0 ? payload : payload.substr(0, fragment);
        payload.remove_prefix(piece.size());
        out += bytes_of({opcode, std::string(piece), payload.empty(), reserved});
        opcode = k_continuation;
        reserved = 0;
    } while (!payload.empty());
    return out;
}

/// One message from the server, inflated where it is compressed; `trouble` where there is none.
Frame read_message(RawWebSocket& socket, Codec& codec, std::size_t size_max, std::string& trouble) {
    Frame whole;
    for (bool first = true;; first = false) {
        auto frame = socket.read(k_patience);
        if (!frame) {
            trouble = "no message came " + socket.broken();
            return whole;
        }
        if (first) whole = Frame{frame->opcode, "", true, frame->reserved};
        if (!first && (frame->opcode != k_continuation || frame->reserved != 0))
            trouble = "the fragments are out of order";
        whole.payload += frame->payload;
        if (frame->fin) break;
    }
    if (whole.reserved == k_compressed) {
        auto inflated = codec.decompress(std::move(whole.payload), size_max);
        if (!inflated) trouble = "the answer does not inflate within the agreed window";
        whole.payload = inflated.value_or("");
    } else if (whole.reserved != 0) {
        trouble = "the server set reserved bits that mean nothing";
    }
    return whole;
}

std::string close_cleanly(RawWebSocket& socket) {
    socket.send({k_close, close_payload(1000)});
    const auto answer = socket.read(k_patience);
    if (!answer || answer->opcode != k_close || answer->payload != close_payload(1000)) return "no clean close";
    return socket.read(k_patience) || !socket.ended() ? "the server did not close the connection" : "";
}

}  // namespace

std::vector<DeflateCase> deflate_cases() {
    struct Shape {
        std::size_t size;
        std::size_t fragment;
    };
    constexpr Shape k_shapes[] = {{16, 0},        {64, 0},        {256, 0},       {1024, 0},    {4096, 0},
                                  {8192, 0},      {16384, 0},     {32768, 0},     {65536, 0},   {131072, 0},
                                  {8192, 256},    {16384, 256},   {32768, 256},   {65536, 256}, {131072, 256},
                                  {131072, 1024}, {131072, 4096}, {131072, 32768}};
    const std::string offer(k_offer);
    const std::string fresh = "server_no_context_takeover";
    const std::string small = "server_max_window_bits=9";
    const std::string large = "server_max_window_bits=15";
    struct Section {
        std::string name;
        int contents;
        std::string offer;
        std::string must_agree;
    };
    const Section sections[] = {
        {"12.1", 0, offer, ""},
        {"12.2", 1, offer, ""},
        {"12.3", 2, offer, ""},
        {"12.4", 3, offer, ""},
        {"12.5", 4, offer, ""},
        {"13.1", 0, offer, ""},
        {"13.2", 0, offer + "; " + fresh, fresh},
        {"13.3", 0, offer + "; " + small, small},
        {"13.4", 0, offer + "; " + large, "server_max_window_bits="},
        {"13.5", 0, offer + "; " + fresh + "; " + small, small},
        {"13.6", 0, offer + "; " + fresh + "; " + large, fresh},
        {"13.7", 0, offer + "; " + fresh + "; " + small + ", " + offer + "; " + fresh + ", " + offer,
         "permessage-deflate"},
    };
    std::vector<DeflateCase> cases;
    for (const Section& section : sections) {
        int index = 1;
        for (const Shape& shape : k_shapes) {
            cases.push_back({section.name + "." + std::to_string(index++), section.offer, section.must_agree,
                             section.contents, shape.size, shape.fragment});
        }
    }
    return cases;
}

std::string run_deflate_case(std::uint16_t port, const DeflateCase& one, std::size_t messages) {
    RawWebSocket socket(port, one.offer);
    if (!socket.open()) return "the handshake failed";
    const std::string& agreed = socket.extensions();
    if (!agreed.starts_with("permessage-deflate")) return "the server did not agree to compress: \"" + agreed + "\"";
    if (agreed.find(one.must_agree) == std::string::npos) return "the server agreed to \"" + agreed + "\" only";
    Codec codec(parameters_of(agreed));
    DeflateContents contents(one.contents);
    const unsigned opcode = contents.text() ? k_text : k_binary;
    for (std::size_t i = 0; i < messages; ++i) {
        std::string message = contents.next(one.size);
        socket.send_bytes(in_compressed_frames(opcode, codec.compress(message), one.fragment));
        std::string trouble;
        const Frame answer = read_message(socket, codec, message.size(), trouble);
        if (trouble.empty() && answer.opcode != opcode) trouble = "the answer has another type";
        if (trouble.empty() && answer.payload != message) trouble = "the answer has other contents";
        if (!trouble.empty()) return "message " + std::to_string(i + 1) + ": " + trouble;
    }
    return close_cleanly(socket);
}

}  // namespace replayd::net::testing
