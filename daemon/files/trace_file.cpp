#include "daemon/files/trace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "daemon/files/decoder.hpp"
#include "daemon/files/file_handle.hpp"

namespace replayd::files {
namespace {

constexpr std::size_t k_read_bytes = 64U << 10U;

}  // namespace

class TraceFile::Impl {
public:
    Impl(FileHandle file, std::optional<std::uint64_t> total, TraceOptions options)
        : file_(std::move(file)),
          bytes_total_(total),
          origin_(options.origin),
          reader_(std::move(options)),
          buffer_(k_read_bytes, '\0') {}

    Result<bool> next(std::vector<Arrival>& out) {
        const std::size_t before = out.size();
        while (out.size() == before && !ended_) {
            if (auto stepped = step(out); !stepped) return tl::unexpected(stepped.error());
        }
        return out.size() > before;
    }

    std::uint64_t bytes_read() const { return bytes_read_; }
    std::optional<std::uint64_t> bytes_total() const { return bytes_total_; }
    const TraceReader& reader() const { return reader_; }

private:
    // Reads once and feeds the reader.
    Result<void> step(std::vector<Arrival>& out) {
        const auto bytes = read_some();
        if (!bytes) return tl::unexpected(bytes.error());
        if (!decoder_) {
            auto made = make_decoder(*bytes, origin_);
            if (!made) return tl::unexpected(made.error());
            decoder_ = std::move(*made);
        }
        if (bytes->empty()) {
            ended_ = true;
            if (auto finished = decoder_->finish(); !finished) return finished;
            return reader_.finish(out);
        }
        return decoder_->decode(*bytes, [&](std::string_view text) { return reader_.feed(text, out); });
    }

    // The next bytes, nothing at the end. The first answer holds the magic bytes if the file does.
    Result<std::string_view> read_some() {
        const std::size_t wanted = decoder_ ? 1 : k_magic_bytes;
        std::size_t filled = 0;
        while (filled < wanted) {
            const ssize_t got = ::read(file_.get(), buffer_.data() + filled, buffer_.size() - filled);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return system_error(origin_, "read");
            if (got == 0) break;
            filled += static_cast<std::size_t>(got);
        }
        bytes_read_ += filled;
        return std::string_view(buffer_).substr(0, filled);
    }

    FileHandle file_;
    std::optional<std::uint64_t> bytes_total_;
    std::string origin_;
    TraceReader reader_;
    std::string buffer_;
    std::unique_ptr<Decoder> decoder_;
    std::uint64_t bytes_read_ = 0;
    bool ended_ = false;
};

Result<TraceFile> TraceFile::open(const std::string& path, TraceOptions options) {
    const bool standard = is_standard_stream(path);
    options.origin = standard ? "standard input" : path;
    FileHandle file(standard ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return system_error(path, "open");
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return system_error(options.origin, "examine");
    if (S_ISDIR(facts.st_mode)) {
        return fail(Code::invalid_argument, path + " is a folder: expected a trace file");
    }
    std::optional<std::uint64_t> total;
    if (S_ISREG(facts.st_mode)) total = static_cast<std::uint64_t>(facts.st_size);
    return TraceFile(std::make_unique<Impl>(std::move(file), total, std::move(options)));
}

TraceFile::TraceFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TraceFile::~TraceFile() = default;
TraceFile::TraceFile(TraceFile&&) noexcept = default;
TraceFile& TraceFile::operator=(TraceFile&&) noexcept = default;

Result<bool> TraceFile::next(std::vector<Arrival>& out) { return impl_->next(out); }
std::uint64_t TraceFile::bytes_read() const { return impl_->bytes_read(); }
std::optional<std::uint64_t> TraceFile::bytes_total() const { return impl_->bytes_total(); }
TraceStats TraceFile::stats() const { return impl_->reader().stats(); }
std::optional<TraceFormat> TraceFile::format() const { return impl_->reader().format(); }

Result<std::vector<Arrival>> read_trace(const std::string& path, TraceOptions options) {
    auto file = TraceFile::open(path, std::move(options));
    if (!file) return tl::unexpected(file.error());
    std::vector<Arrival> arrivals;
    for (;;) {
        const auto more = file->next(arrivals);
        if (!more) return tl::unexpected(more.error());
        if (!*more) return arrivals;
    }
}

}  // namespace replayd::files
