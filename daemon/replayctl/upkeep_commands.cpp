#include "daemon/replayctl/upkeep_commands.hpp"

#include <boost/json.hpp>

#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/text_table.hpp"
#include "daemon/stream/clock.hpp"
#include "storage/backup.hpp"
#include "storage/integrity.hpp"
#include "storage/prune.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

constexpr std::int64_t k_day_ms = 24LL * 3600 * 1000;

std::string as_table(const std::vector<storage::CheckLine>& lines) {
    TextTable table(
        {{"rule", Align::left}, {"checked", Align::right}, {"broken", Align::right}, {"first", Align::left}});
    for (const storage::CheckLine& line : lines) {
        table.add_row({line.rule, count_text(line.checked), count_text(line.broken), line.first});
    }
    return table.render();
}

std::string as_json(const std::vector<storage::CheckLine>& lines) {
    json::array items;
    for (const storage::CheckLine& line : lines) {
        items.push_back(
            {{"rule", line.rule}, {"checked", line.checked}, {"broken", line.broken}, {"first", line.first}});
    }
    return json::serialize(json::object{{"rules", std::move(items)}}) + '\n';
}

}  // namespace

Result<ExitStatus> check_history(const CheckOptions& options) {
    const auto lines = storage::check_history(options.db, options.full);
    if (!lines) return tl::unexpected(lines.error());
    const std::string text = options.mode == OutputMode::json ? as_json(*lines) : as_table(*lines);
    if (auto printed = print(text); !printed) return tl::unexpected(printed.error());
    std::int64_t broken = 0;
    for (const storage::CheckLine& line : *lines) broken += line.broken;
    if (broken == 0) return ExitStatus::ok;
    return fail(Code::failed_state,
                "history " + options.db + ": " + count_text(broken) +
                    " rows or pages break a rule: restore a backup, and report how it came to this");
}

Result<ExitStatus> back_up(const BackupOptions& options) {
    const auto done = storage::back_up(options.db, options.to, {});
    if (!done) return tl::unexpected(done.error());
    json::object object{{"backup", options.to}, {"pages", done->pages}};
    if (!done->spans.empty()) object["spans"] = done->spans;
    const std::string beside = done->spans.empty() ? "" : " with the spans that wait in " + done->spans;
    const std::string text = options.mode == OutputMode::json
                                 ? json::serialize(object) + '\n'
                                 : options.to + beside + ": " + count_text(done->pages) +
                                       " pages; check it with: replayctl check --db " + options.to + '\n';
    return print(text).map([] { return ExitStatus::ok; });
}

Result<ExitStatus> prune(const PruneOptions& options) {
    if (options.keep_days == 0 && options.keep_bytes == 0 && options.stream.empty()) {
        return fail(Code::invalid_argument,
                    "nothing says what may go: expected --keep-days, --keep-bytes or --stream, or several of them");
    }
    storage::Retention retention;
    if (options.keep_days > 0) retention.created_before_ms = stream::wall_ms() - options.keep_days * k_day_ms;
    retention.bytes_max = options.keep_bytes;
    retention.stream = options.stream;
    const auto pruned = storage::prune(options.db, retention);
    if (!pruned) return tl::unexpected(pruned.error());
    json::array names(pruned->streams.begin(), pruned->streams.end());
    const std::string text = options.mode == OutputMode::json
                                 ? json::serialize(json::object{{"streams", std::move(names)},
                                                                {"rows", pruned->rows},
                                                                {"bytes_before", pruned->bytes_before},
                                                                {"bytes_after", pruned->bytes_after}}) +
                                       '\n'
                                 : count_text(static_cast<std::int64_t>(pruned->streams.size())) + " streams with " +
                                       count_text(pruned->rows) + " rows are gone; " +
                                       count_text(pruned->bytes_before) + " bytes in use before, " +
                                       count_text(pruned->bytes_after) + " now\n";
    return print(text).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
