#include "daemon/files/trace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "daemon/files/byte_feed.hpp"
#include "daemon/files/decoder.hpp"
#include "daemon/files/file_handle.hpp"

namespace replayd::files {
namespace {

constexpr std::size_t k_read_bytes = 64U << 10U;

/// One file, or standard input, to its end.
class WholeFile final : public ByteFeed {
public:
    WholeFile(FileHandle file, std::optional<std::uint64_t> total, std::string origin)
        : file_(std::move(file)), bytes_total_(total), origin_(std::move(origin)), buffer_(k_read_bytes, '\0') {}

    Result<FeedState> feed(const OnBytes& on_bytes) override {
        const auto bytes = read_some();
        if (!bytes) return tl::unexpected(bytes.error());
        if (!decoder_) {
            auto made = make_decoder(*bytes, origin_);
            if (!made) return tl::unexpected(made.error());
            decoder_ = std::move(*made);
        }
        if (bytes->empty()) return decoder_->finish().map([] { return FeedState::ended; });
        return decoder_->decode(*bytes, on_bytes).map([] { return FeedState::more; });
    }

    std::uint64_t bytes_read() const override { return bytes_read_; }
    std::optional<std::uint64_t> bytes_total() const override { return bytes_total_; }

private:
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
    std::string buffer_;
    std::unique_ptr<Decoder> decoder_;
    std::uint64_t bytes_read_ = 0;
};

}  // namespace

class TraceFile::Impl {
public:
    Impl(std::unique_ptr<ByteFeed> bytes, TraceOptions options)
        : bytes_(std::move(bytes)), reader_(std::move(options)) {}

    Result<bool> next(std::vector<Arrival>& out) {
        const std::size_t before = out.size();
        while (out.size() == before && !ended_) {
            const auto state = bytes_->feed([&](std::string_view text) { return reader_.feed(text, out); });
            if (!state) return tl::unexpected(state.error());
            if (*state == FeedState::waiting) break;
            ended_ = *state != FeedState::more;
            if (*state != FeedState::ended) continue;
            if (auto finished = reader_.finish(out); !finished) return tl::unexpected(finished.error());
        }
        return out.size() > before;
    }

    bool ended() const { return ended_; }
    const ByteFeed& bytes() const { return *bytes_; }
    const TraceReader& reader() const { return reader_; }

private:
    std::unique_ptr<ByteFeed> bytes_;
    TraceReader reader_;
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
    auto bytes = std::make_unique<WholeFile>(std::move(file), total, options.origin);
    return TraceFile(std::make_unique<Impl>(std::move(bytes), std::move(options)));
}

TraceFile TraceFile::follow(FollowOptions files, TraceOptions options) {
    options.origin = files.paths.empty() ? "no path" : files.paths.front();
    return TraceFile(std::make_unique<Impl>(followed_files(std::move(files)), std::move(options)));
}

TraceFile::TraceFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TraceFile::~TraceFile() = default;
TraceFile::TraceFile(TraceFile&&) noexcept = default;
TraceFile& TraceFile::operator=(TraceFile&&) noexcept = default;

Result<bool> TraceFile::next(std::vector<Arrival>& out) { return impl_->next(out); }
bool TraceFile::ended() const { return impl_->ended(); }
std::uint64_t TraceFile::bytes_read() const { return impl_->bytes().bytes_read(); }
std::optional<std::uint64_t> TraceFile::bytes_total() const { return impl_->bytes().bytes_total(); }
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
