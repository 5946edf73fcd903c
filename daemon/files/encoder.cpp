#include "daemon/files/encoder.hpp"

#include <zlib.h>
#include <zstd.h>

#include <vector>

#include "replay/base/assert.hpp"

namespace replayd::files {
namespace {

constexpr std::size_t k_piece_bytes = 256U << 10U;
// windowBits of deflateInit2: the largest window, gzip header and trailer written (zlib.h).
constexpr int k_gzip_window_bits = 15 + 16;
constexpr int k_zlib_memory_level = 8;  // zlib's default

class PlainEncoder final : public Encoder {
public:
    void encode(std::string_view bytes, std::string& out) override { out += bytes; }
    void finish(std::string& /*out*/) override {}
};

class GzipEncoder final : public Encoder {
public:
    GzipEncoder() : piece_(k_piece_bytes) {}
    ~GzipEncoder() override { deflateEnd(&stream_); }
    GzipEncoder(const GzipEncoder&) = delete;
    GzipEncoder& operator=(const GzipEncoder&) = delete;

    bool start() {
        return deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, k_gzip_window_bits, k_zlib_memory_level,
                            Z_DEFAULT_STRATEGY) == Z_OK;
    }

    void encode(std::string_view bytes, std::string& out) override {
        while (!bytes.empty()) {
            const std::string_view part = bytes.substr(0, k_piece_bytes);
            run(part, Z_NO_FLUSH, out);
            bytes.remove_prefix(part.size());
        }
    }
    void finish(std::string& out) override { run({}, Z_FINISH, out); }

private:
    void run(std::string_view bytes, int flush, std::string& out) {
        // zlib's interface takes non-const bytes and does not change them.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        do {
            stream_.next_out = reinterpret_cast<Bytef*>(piece_.data());
            stream_.avail_out = static_cast<uInt>(piece_.size());
            const int state = deflate(&stream_, flush);
            REPLAYD_ASSERT(state != Z_STREAM_ERROR);
            out.append(piece_.data(), piece_.size() - stream_.avail_out);
        } while (stream_.avail_out == 0);
    }

    std::vector<char> piece_;
    z_stream stream_{};
};

class ZstdEncoder final : public Encoder {
public:
    ZstdEncoder() : piece_(ZSTD_CStreamOutSize()), context_(ZSTD_createCCtx()) {}

    // With a checksum, so that a damaged file is noticed as with gzip.
    bool start() {
        return context_ != nullptr && ZSTD_isError(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1)) == 0;
    }
    void encode(std::string_view bytes, std::string& out) override { run(bytes, ZSTD_e_continue, out); }
    void finish(std::string& out) override { run({}, ZSTD_e_end, out); }

private:
    void run(std::string_view bytes, ZSTD_EndDirective directive, std::string& out) {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        bool more = true;
        while (more) {
            ZSTD_outBuffer piece{piece_.data(), piece_.size(), 0};
            const std::size_t left = ZSTD_compressStream2(context_.get(), &piece, &in, directive);
            REPLAYD_ASSERT(ZSTD_isError(left) == 0);
            out.append(piece_.data(), piece.pos);
            more = directive == ZSTD_e_end ? left > 0 : in.pos < in.size;
        }
    }

    struct Free {
        void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    };
    std::vector<char> piece_;
    std::unique_ptr<ZSTD_CCtx, Free> context_;
};

template <class Kind>
Result<std::unique_ptr<Encoder>> started(std::string_view path) {
    auto encoder = std::make_unique<Kind>();
    if (!encoder->start()) return fail(Code::unavailable, std::string(path) + ": no memory to compress it");
    return std::unique_ptr<Encoder>(std::move(encoder));
}

}  // namespace

Result<std::unique_ptr<Encoder>> make_encoder(std::string_view path) {
    if (path.ends_with(".gz")) return started<GzipEncoder>(path);
    if (path.ends_with(".zst")) return started<ZstdEncoder>(path);
    return std::make_unique<PlainEncoder>();
}

}  // namespace replayd::files
