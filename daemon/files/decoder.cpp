#include "daemon/files/decoder.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <vector>

namespace replayd::files {
namespace {

constexpr std::size_t k_piece_bytes = 256U << 10U;
constexpr std::string_view k_gzip_magic = "\x1f\x8b";
constexpr std::string_view k_zstd_magic = "\x28\xb5\x2f\xfd";
// windowBits of inflateInit2: the largest window, gzip header and trailer expected (zlib.h).
constexpr int k_gzip_window_bits = 15 + 16;

tl::unexpected<Error> damaged(const std::string& origin, const char* format, const char* detail) {
    return fail(Code::invalid_argument, origin + ": the " + format + " data are damaged (" + detail +
                                            "): expected a file that `" + format +
                                            " -t` accepts; fetch or compress it again");
}

tl::unexpected<Error> cut_short(const std::string& origin, const char* format) {
    return fail(Code::invalid_argument, origin + ": the " + format +
                                            " data end in the middle: expected a complete file; "
                                            "fetch or compress it again");
}

class PlainDecoder final : public Decoder {
public:
    Result<void> decode(std::string_view bytes, const OnBytes& on_bytes) override {
        for (; !bytes.empty(); bytes.remove_prefix(std::min(k_piece_bytes, bytes.size()))) {
            if (auto taken = on_bytes(bytes.substr(0, k_piece_bytes)); !taken) return taken;
        }
        return {};
    }
    Result<void> finish() override { return {}; }
};

class GzipDecoder final : public Decoder {
public:
    explicit GzipDecoder(std::string origin) : origin_(std::move(origin)), piece_(k_piece_bytes) {}
    ~GzipDecoder() override { inflateEnd(&stream_); }
    GzipDecoder(const GzipDecoder&) = delete;
    GzipDecoder& operator=(const GzipDecoder&) = delete;

    bool start() { return inflateInit2(&stream_, k_gzip_window_bits) == Z_OK; }

    Result<void> decode(std::string_view bytes, const OnBytes& on_bytes) override {
        // zlib's interface takes non-const bytes and does not change them.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        bool more = false;
        while (stream_.avail_in > 0 || more) {
            if (ended_ && stream_.avail_in > 0) {
                inflateReset(&stream_);  // another member follows
                ended_ = false;
            }
            stream_.next_out = reinterpret_cast<Bytef*>(piece_.data());
            stream_.avail_out = static_cast<uInt>(piece_.size());
            const int state = inflate(&stream_, Z_NO_FLUSH);
            if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
                return damaged(origin_, "gzip", stream_.msg == nullptr ? "unknown data" : stream_.msg);
            }
            const std::size_t made = piece_.size() - stream_.avail_out;
            if (made > 0) {
                if (auto taken = on_bytes({piece_.data(), made}); !taken) return taken;
            }
            ended_ = state == Z_STREAM_END;
            more = !ended_ && stream_.avail_out == 0;
        }
        return {};
    }

    Result<void> finish() override {
        if (!ended_) return cut_short(origin_, "gzip");
        return {};
    }

private:
    std::string origin_;
    std::vector<char> piece_;
    z_stream stream_{};
    bool ended_ = false;  // at the end of a member
};

class ZstdDecoder final : public Decoder {
public:
    explicit ZstdDecoder(std::string origin)
        : origin_(std::move(origin)), piece_(k_piece_bytes), context_(ZSTD_createDCtx()) {}

    bool start() const { return context_ != nullptr; }

    Result<void> decode(std::string_view bytes, const OnBytes& on_bytes) override {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        bool more = false;
        while (in.pos < in.size || more) {
            ZSTD_outBuffer out{piece_.data(), piece_.size(), 0};
            const std::size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
            if (ZSTD_isError(left) != 0) return damaged(origin_, "zstd", ZSTD_getErrorName(left));
            if (out.pos > 0) {
                if (auto taken = on_bytes({piece_.data(), out.pos}); !taken) return taken;
            }
            ended_ = left == 0;
            more = !ended_ && out.pos == out.size;
        }
        return {};
    }

    Result<void> finish() override {
        if (!ended_) return cut_short(origin_, "zstd");
        return {};
    }

private:
    struct Free {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };
    std::string origin_;
    std::vector<char> piece_;
    std::unique_ptr<ZSTD_DCtx, Free> context_;
    bool ended_ = false;  // at the end of a frame
};

template <class Kind>
Result<std::unique_ptr<Decoder>> started(const std::string& origin) {
    auto decoder = std::make_unique<Kind>(origin);
    if (!decoder->start()) return fail(Code::unavailable, origin + ": no memory to decompress it");
    return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace

Result<std::unique_ptr<Decoder>> make_decoder(std::string_view first_bytes, const std::string& origin) {
    if (first_bytes.starts_with(k_gzip_magic)) return started<GzipDecoder>(origin);
    if (first_bytes.starts_with(k_zstd_magic)) return started<ZstdDecoder>(origin);
    return std::make_unique<PlainDecoder>();
}

}  // namespace replayd::files
