#include "daemon/replayctl/csv_files.hpp"

#include <span>
#include <utility>

#include "daemon/files/file_handle.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/replayctl/record_csv.hpp"

namespace replayd::ctl {
namespace {

Result<void> check(const ReplayOptions& options) {
    const std::pair<const char*, const std::string*> paths[] = {{"--requests-csv", &options.requests_csv},
                                                                {"--windows-csv", &options.windows_csv},
                                                                {"--batches-csv", &options.batches_csv},
                                                                {"--tokens-csv", &options.tokens_csv}};
    for (const auto& [name, path] : std::span(paths).last(2)) {
        const std::size_t scenarios = options.scenarios.size() * (options.what_if.empty() ? 1 : 2);
        if (path->empty() || scenarios == 1) continue;
        return fail(Code::invalid_argument, std::string(name) + " with " + std::to_string(scenarios) +
                                                " scenarios: expected one, since its rows do not name a scenario");
    }
    for (const auto& [name, path] : paths) {
        if (files::is_standard_stream(*path)) {
            return fail(Code::invalid_argument,
                        std::string(name) + " is \"-\": expected a file, since the summary goes to standard output");
        }
        for (const auto& [other_name, other] : paths) {
            if (other == path || !files::same_file(*other, *path)) continue;
            return fail(Code::invalid_argument, std::string(name) + " and " + other_name + " are both " +
                                                    net::quoted(*path) + ": expected different files");
        }
    }
    return {};
}

Result<void> open_one(std::optional<files::OutputFile>& slot, const std::string& path,
                      void (*append_header)(std::string&), std::span<const std::string> inputs) {
    if (path.empty()) return {};
    auto file = files::OutputFile::open(path, inputs);
    if (!file) return tl::unexpected(file.error());
    slot = std::move(*file);
    std::string header;
    append_header(header);
    return slot->write(header);
}

}  // namespace

Result<CsvFiles> CsvFiles::open(const ReplayOptions& options) {
    CsvFiles out;
    if (auto fine = check(options); !fine) return tl::unexpected(fine.error());
    std::vector<std::string> inputs = options.scenarios;
    inputs.insert(inputs.end(), options.catalogs.begin(), options.catalogs.end());
    inputs.insert(inputs.end(), {options.trace.path, options.db});
    for (auto opened : {open_one(out.requests_, options.requests_csv, append_request_header, inputs),
                        open_one(out.windows_, options.windows_csv, append_window_header, inputs),
                        open_one(out.batches_, options.batches_csv, append_batch_header, inputs),
                        open_one(out.tokens_, options.tokens_csv, append_token_header, inputs)}) {
        if (!opened) return tl::unexpected(opened.error());
    }
    return out;
}

Result<void> CsvFiles::write(const CsvText& text) {
    Result<void> done;
    if (requests_) done = requests_->write(text.requests);
    if (done && windows_) done = windows_->write(text.windows);
    if (done && batches_) done = batches_->write(text.batches);
    if (done && tokens_) done = tokens_->write(text.tokens);
    return done;
}

Result<void> CsvFiles::close() {
    for (auto* file : {&requests_, &windows_, &batches_, &tokens_}) {
        if (!*file) continue;
        if (auto closed = (*file)->close(); !closed) return closed;
    }
    return {};
}

}  // namespace replayd::ctl
