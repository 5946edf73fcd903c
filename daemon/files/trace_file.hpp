#pragma once
// A trace on disk or on standard input, plain, gzip or zstd, read in batches of arrivals. One thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/trace/trace_reader.hpp"

namespace replayd::files {

/// Files that grow, and folders that get more files.
struct FollowOptions {
    std::vector<std::string> paths;  ///< files and folders, oldest first
    bool once = false;               ///< their end is the end of the trace
    std::function<bool()> stop;      ///< asked all the time: true ends it where it is; may be empty
};

class TraceFile {
public:
    /// Opens `path` ("-" is standard input). `options.origin` is replaced by the path ("standard input"
    /// for "-"). Errors not_found and io name the path and the system's reason.
    [[nodiscard]] static Result<TraceFile> open(const std::string& path, TraceOptions options);
    /// Reads the paths one after the other: a file, or the files of a folder in the order of their names (not those
    /// that begin with a dot). A file is left when it has been read to its end and there is a later one: a later path,
    /// a later name, or another file of its name (rotation); one that was cut off is read again from its beginning.
    /// Lines are taken once they have their end. Each may be compressed; the CSV header of every file but the first is
    /// passed over. Errors as of `open`, in `next`.
    [[nodiscard]] static TraceFile follow(FollowOptions files, TraceOptions options);
    ~TraceFile();
    TraceFile(TraceFile&&) noexcept;
    TraceFile& operator=(TraceFile&&) noexcept;

    /// Appends the next batch, at least one arrival, to `out`; false at the end, with nothing appended, and of followed
    /// files also when nothing has come since: see `ended`. Formats that sort come as one batch. Errors are the
    /// reader's, io, or invalid_argument for compressed data that are damaged or cut short; rows before a bad one are
    /// in `out`.
    [[nodiscard]] Result<bool> next(std::vector<Arrival>& out);

    /// Whether `next` will bring nothing any more.
    [[nodiscard]] bool ended() const;
    /// Bytes of the file read so far, before decompression.
    [[nodiscard]] std::uint64_t bytes_read() const;
    /// Size of the file; absent for pipes.
    [[nodiscard]] std::optional<std::uint64_t> bytes_total() const;
    [[nodiscard]] TraceStats stats() const;
    /// Absent until the first line was read, unless the options name it.
    [[nodiscard]] std::optional<TraceFormat> format() const;

private:
    class Impl;
    explicit TraceFile(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// All arrivals of a trace, in memory. Errors as of TraceFile.
[[nodiscard]] Result<std::vector<Arrival>> read_trace(const std::string& path, TraceOptions options);

}  // namespace replayd::files
