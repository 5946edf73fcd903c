#include "daemon/files/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "daemon/files/encoder.hpp"
#include "daemon/files/file_handle.hpp"
#include "replay/base/assert.hpp"

namespace replayd::files {
namespace {

constexpr std::size_t k_held_bytes_max = 256U << 10U;
constexpr mode_t k_new_file_mode = 0666;  // cut by the user's umask

}  // namespace

class OutputFile::Impl {
public:
    Impl(std::string path, FileHandle file, std::unique_ptr<Encoder> encoder)
        : path_(std::move(path)), file_(std::move(file)), encoder_(std::move(encoder)) {}

    Result<void> write(std::string_view bytes) {
        REPLAYD_ASSERT(!closed_);
        encoder_->encode(bytes, held_);
        if (held_.size() < k_held_bytes_max) return {};
        return flush();
    }

    Result<void> close() {
        REPLAYD_ASSERT(!closed_);
        closed_ = true;
        encoder_->finish(held_);
        if (auto flushed = flush(); !flushed) return flushed;
        if (file_.get() <= STDERR_FILENO) return {};
        // Some file systems report a failed write only here.
        if (::close(file_.release()) != 0) return system_error(path_, "close");
        return {};
    }

private:
    Result<void> flush() {
        std::string_view rest = held_;
        while (!rest.empty()) {
            const ssize_t put = ::write(file_.get(), rest.data(), rest.size());
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return system_error(path_, "write");
            rest.remove_prefix(static_cast<std::size_t>(put));
        }
        held_.clear();
        return {};
    }

    std::string path_;
    FileHandle file_;
    std::unique_ptr<Encoder> encoder_;
    std::string held_;
    bool closed_ = false;
};

Result<void> OutputFile::check(const std::string& path, std::span<const std::string> inputs) {
    for (const std::string& input : inputs) {
        if (!same_file(path, input)) continue;
        return fail(Code::invalid_argument,
                    path + " is also read, and would be emptied: expected another file for what is written");
    }
    return {};
}

Result<OutputFile> OutputFile::open(const std::string& path, std::span<const std::string> inputs) {
    if (auto apart = check(path, inputs); !apart) return tl::unexpected(apart.error());
    auto encoder = make_encoder(path);
    if (!encoder) return tl::unexpected(encoder.error());
    if (is_standard_stream(path)) {
        return OutputFile(std::make_unique<Impl>("standard output", FileHandle(STDOUT_FILENO), std::move(*encoder)));
    }
    FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, k_new_file_mode));
    if (file.get() < 0) return system_error(path, "create");
    return OutputFile(std::make_unique<Impl>(path, std::move(file), std::move(*encoder)));
}

OutputFile::OutputFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OutputFile::~OutputFile() = default;
OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;

Result<void> OutputFile::write(std::string_view bytes) { return impl_->write(bytes); }
Result<void> OutputFile::close() { return impl_->close(); }

}  // namespace replayd::files
