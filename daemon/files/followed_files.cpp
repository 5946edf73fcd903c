// Growing files and folders of shards as one text. A file is left for the next one once it has been read to its end and
// the next one is there: a later path, a later name in the folder, or another file under the same name (rotation).

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "daemon/files/byte_feed.hpp"
#include "daemon/files/file_handle.hpp"

namespace replayd::files {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_read_bytes = 64U << 10U;
/// Longest CSV header that is known again in the next file.
constexpr std::size_t k_header_bytes_max = 64U << 10U;

/// One of the files, open.
struct OpenFile {
    std::string path;
    FileHandle handle;
    std::uint64_t offset = 0;
    std::unique_ptr<Decoder> decoder;
};

/// A file of one of the paths.
struct Place {
    std::size_t index = 0;
    std::string path;
};

/// Passes text on and leaves out the CSV header of every file but the first.
class HeaderFilter {
public:
    void begin_file() {
        first_file_ = !begun_;
        begun_ = true;
        line_.clear();
        in_header_ = true;
    }

    Result<void> pass(std::string_view text, const OnBytes& on_bytes) {
        if (!in_header_) return forward(text, on_bytes);
        const std::size_t end = text.find('\n');
        line_ += text.substr(0, end == std::string_view::npos ? end : end + 1);
        if (end == std::string_view::npos && line_.size() < k_header_bytes_max) return {};
        in_header_ = false;
        auto passed = pass_first_line(on_bytes);
        return passed && end != std::string_view::npos ? forward(text.substr(end + 1), on_bytes) : passed;
    }

    /// The file is over: its last line may lack its end.
    Result<void> end_file(const OnBytes& on_bytes) {
        if (in_header_ && !line_.empty()) {
            in_header_ = false;
            if (auto passed = pass_first_line(on_bytes); !passed) return passed;
        }
        return std::exchange(ends_open_, false) ? on_bytes("\n") : Result<void>();
    }

private:
    Result<void> forward(std::string_view text, const OnBytes& on_bytes) {
        if (text.empty()) return {};
        ends_open_ = text.back() != '\n';
        return on_bytes(text);
    }

    Result<void> pass_first_line(const OnBytes& on_bytes) {
        std::string line = std::exchange(line_, {});
        const std::string_view text = std::string_view(line).substr(0, line.find_last_not_of("\r\n") + 1);
        if (first_file_) header_ = text.starts_with('{') ? std::string() : std::string(text);
        if (!first_file_ && !header_.empty() && text == header_) return {};
        return forward(line, on_bytes);
    }

    bool begun_ = false;
    bool first_file_ = false;
    bool in_header_ = false;
    bool ends_open_ = false;  ///< the last line has no end yet
    std::string line_;
    std::string header_;  ///< of the first file; empty: it has none
};

class FollowedFiles final : public ByteFeed {
public:
    explicit FollowedFiles(FollowOptions options) : options_(std::move(options)), buffer_(k_read_bytes, '\0') {}

    Result<FeedState> feed(const OnBytes& on_bytes) override {
        if (options_.stop && options_.stop()) return FeedState::stopped;
        if (!file_) return open_next();
        const auto got = read_some(on_bytes, false);
        if (!got) return tl::unexpected(got.error());
        if (*got) return FeedState::more;
        const auto cut = truncated();
        if (!cut) return tl::unexpected(cut.error());
        if (*cut) return begin_again(on_bytes);
        auto next = successor();
        if (!next) return tl::unexpected(next.error());
        if (next->path.empty() && !options_.once) return FeedState::waiting;
        // What was written between the last look and the arrival of the next file.
        const auto rest = read_some(on_bytes, true);
        if (!rest) return tl::unexpected(rest.error());
        if (*rest) return FeedState::more;
        if (auto left = leave(on_bytes); !left) return tl::unexpected(left.error());
        if (next->path.empty()) return FeedState::ended;
        return open(std::move(*next));
    }

    std::uint64_t bytes_read() const override { return bytes_read_; }
    std::optional<std::uint64_t> bytes_total() const override { return std::nullopt; }

private:
    Result<FeedState> open_next() {
        auto next = successor();
        if (!next) return tl::unexpected(next.error());
        if (!next->path.empty()) return open(std::move(*next));
        return options_.once ? FeedState::ended : FeedState::waiting;
    }

    Result<FeedState> open(Place place) {
        FileHandle handle(::open(place.path.c_str(), O_RDONLY | O_CLOEXEC));
        // It may have been rotated away since it was listed: then there is another one the next time.
        if (handle.get() < 0 && errno == ENOENT) return FeedState::waiting;
        if (handle.get() < 0) return system_error(place.path, "open");
        struct stat facts {};
        if (::fstat(handle.get(), &facts) != 0) return system_error(place.path, "examine");
        if (!S_ISREG(facts.st_mode)) {
            return fail(Code::invalid_argument, place.path + " is no file: expected a file, or a folder of files");
        }
        index_ = place.index;
        started_ = true;
        name_ = fs::path(place.path).filename().string();
        identity_ = {facts.st_dev, facts.st_ino};
        file_.emplace(OpenFile{std::move(place.path), std::move(handle), 0, nullptr});
        header_.begin_file();
        return FeedState::more;
    }

    /// Whether something was read. `last`: the file will not grow.
    Result<bool> read_some(const OnBytes& on_bytes, bool last) {
        const std::size_t wanted = file_->decoder ? 1 : k_magic_bytes;
        std::size_t filled = 0;
        while (filled < wanted) {
            const ssize_t got = ::pread(file_->handle.get(), buffer_.data() + filled, buffer_.size() - filled,
                                        static_cast<off_t>(file_->offset + filled));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return system_error(file_->path, "read");
            if (got == 0) break;
            filled += static_cast<std::size_t>(got);
        }
        // Too little to know by what it is compressed: it is a beginning only, unless no more will come.
        if (filled == 0 || (filled < wanted && !last)) return false;
        if (!file_->decoder) {
            auto made = make_decoder(std::string_view(buffer_).substr(0, filled), file_->path);
            if (!made) return tl::unexpected(made.error());
            file_->decoder = std::move(*made);
        }
        file_->offset += filled;
        bytes_read_ += filled;
        auto decoded = file_->decoder->decode(std::string_view(buffer_).substr(0, filled),
                                              [&](std::string_view text) { return header_.pass(text, on_bytes); });
        if (!decoded) return tl::unexpected(decoded.error());
        return true;
    }

    Result<bool> truncated() const {
        struct stat facts {};
        if (::fstat(file_->handle.get(), &facts) != 0) return system_error(file_->path, "examine");
        return static_cast<std::uint64_t>(facts.st_size) < file_->offset;
    }

    /// The file was emptied and is written anew, as `copytruncate` of logrotate does.
    Result<FeedState> begin_again(const OnBytes& on_bytes) {
        if (auto ended = header_.end_file(on_bytes); !ended) return tl::unexpected(ended.error());
        file_->offset = 0;
        file_->decoder.reset();
        header_.begin_file();
        return FeedState::more;
    }

    Result<void> leave(const OnBytes& on_bytes) {
        if (file_->decoder) {
            if (auto finished = file_->decoder->finish(); !finished) return finished;
        }
        file_.reset();
        return header_.end_file(on_bytes);
    }

    /// The file to read after the latest one; an empty path: there is none yet.
    Result<Place> successor() const {
        for (std::size_t k = index_; k < options_.paths.size(); ++k) {
            const std::string& path = options_.paths[k];
            const bool fresh = k > index_ || !started_;
            struct stat facts {};
            const bool there = ::stat(path.c_str(), &facts) == 0;
            if (!there && (errno != ENOENT || (options_.once && fresh))) return system_error(path, "examine");
            if (!there) return Place{};
            if (S_ISDIR(facts.st_mode)) {
                auto next = next_name(path, fresh ? std::string() : name_);
                if (!next) return tl::unexpected(next.error());
                if (!next->empty()) return Place{k, std::move(*next)};
            } else if (fresh || identity_ != std::pair(facts.st_dev, facts.st_ino)) {
                return Place{k, path};
            }
        }
        return Place{};
    }

    static Result<std::string> next_name(const std::string& folder, const std::string& current) {
        std::string next;
        std::error_code error;
        for (fs::directory_iterator entries(folder, error), end; !error && entries != end; entries.increment(error)) {
            const std::string name = entries->path().filename().string();
            std::error_code gone;
            if (name.starts_with('.') || name <= current || !entries->is_regular_file(gone)) continue;
            if (next.empty() || name < next) next = name;
        }
        if (error) return fail(Code::io, "cannot read the folder " + folder + ": " + error.message());
        return next.empty() ? next : (fs::path(folder) / next).string();
    }

    const FollowOptions options_;
    std::size_t index_ = 0;  ///< of the path that the latest file belongs to
    bool started_ = false;   ///< there is a latest file
    std::string name_;       ///< of the latest file
    std::pair<dev_t, ino_t> identity_;
    std::optional<OpenFile> file_;
    HeaderFilter header_;
    std::string buffer_;
    std::uint64_t bytes_read_ = 0;
};

}  // namespace

std::unique_ptr<ByteFeed> followed_files(FollowOptions options) {
    return std::make_unique<FollowedFiles>(std::move(options));
}

}  // namespace replayd::files
