#include "daemon/replayctl/search_journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/config/config.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/replayctl/json_fields.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;
using search::Measured;
using search::Trial;

std::string line_of(const Trial& trial, const Measured& measured) {
    return json::serialize(json::object{{"candidate", trial.candidate},
                                        {"arrivals", trial.arrivals},
                                        {"load_permille", trial.load_permille},
                                        {"possible", measured.possible},
                                        {"too_many_gpus", measured.too_many_gpus},
                                        {"reason", measured.reason},
                                        {"gpus", measured.gpus},
                                        {"price_per_hour", measured.price_per_hour},
                                        {"prefill_replicas", measured.prefill_replicas},
                                        {"decode_replicas", measured.decode_replicas},
                                        {"prefill_gpus", measured.prefill_gpus},
                                        {"decode_gpus", measured.decode_gpus},
                                        {"stopped_after", measured.stopped_after},
                                        {"requests", measured.requests},
                                        {"finished", measured.finished},
                                        {"rejected", measured.rejected},
                                        {"within_slo", measured.within_slo},
                                        {"ttft_p99_ns", measured.ttft_p99.value},
                                        {"tpot_p99_ns", measured.tpot_p99.value},
                                        {"e2e_p99_ns", measured.e2e_p99.value},
                                        {"output_tokens", measured.output_tokens.value},
                                        {"span_ns", measured.span.value},
                                        {"hash", measured.hash}}) +
           '\n';
}

/// Throws where the line is none of ours.
std::pair<Trial, Measured> read_line(std::string_view line) {
    const json::value parsed = json::parse(line);
    const json::object& object = parsed.as_object();
    Measured out;
    out.possible = object.at("possible").as_bool();
    out.too_many_gpus = object.at("too_many_gpus").as_bool();
    out.reason = text(object, "reason");
    out.gpus = integer(object, "gpus");
    out.price_per_hour = object.at("price_per_hour").to_number<double>();
    out.prefill_replicas = integer(object, "prefill_replicas");
    out.decode_replicas = integer(object, "decode_replicas");
    out.prefill_gpus = integer(object, "prefill_gpus");
    out.decode_gpus = integer(object, "decode_gpus");
    out.stopped_after = integer(object, "stopped_after");
    out.requests = integer(object, "requests");
    out.finished = integer(object, "finished");
    out.rejected = integer(object, "rejected");
    out.within_slo = integer(object, "within_slo");
    out.ttft_p99 = Duration(integer(object, "ttft_p99_ns"));
    out.tpot_p99 = Duration(integer(object, "tpot_p99_ns"));
    out.e2e_p99 = Duration(integer(object, "e2e_p99_ns"));
    out.output_tokens = Tokens(integer(object, "output_tokens"));
    out.span = Duration(integer(object, "span_ns"));
    out.hash = text(object, "hash");
    return {{integer(object, "candidate"), integer(object, "arrivals"), integer(object, "load_permille")},
            std::move(out)};
}

std::string head_of(const std::string& identity) { return json::serialize(json::object{{"search", identity}}) + '\n'; }

tl::unexpected<Error> of_another_search(const std::string& path) {
    return fail(Code::failed_state,
                "journal " + net::quoted(path) +
                    " is not of this search: expected one that was begun with the same search, base "
                    "scenario, trace and version; name another file, or remove it to start anew");
}

/// Reads the whole lines of `contents` into `outcomes`.
Result<void> read_all(const std::string& path, std::string_view contents, const std::string& identity,
                      search::Outcomes& outcomes) {
    const std::string head = head_of(identity);
    if (!contents.starts_with(head)) return of_another_search(path);
    contents.remove_prefix(head.size());
    for (std::int64_t line = 2; !contents.empty(); ++line) {
        const std::size_t end = contents.find('\n');
        try {
            outcomes.insert(read_line(contents.substr(0, end)));
        } catch (const std::exception&) {
            return fail(Code::invalid_argument,
                        path + ":" + std::to_string(line) +
                            ": expected an outcome as replayctl search writes it; remove the line, and "
                            "its trial is run again");
        }
        contents.remove_prefix(end + 1);
    }
    return {};
}

}  // namespace

Result<SearchJournal> SearchJournal::open(const std::string& path, const std::string& identity) {
    SearchJournal journal(path, files::FileHandle(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)));
    if (journal.file_.get() < 0) return files::system_error(path, "open");
    auto contents = config::read_text_file(path);
    if (!contents) return tl::unexpected(contents.error());
    const std::size_t whole = contents->rfind('\n') + 1;  // 0 where there is none
    // Nothing is cut off a file that is no journal: one without a line may hold only what a kill left of the head.
    if (whole == 0 && !head_of(identity).starts_with(*contents)) return of_another_search(path);
    contents->resize(whole);
    if (whole > 0) {
        auto read = read_all(path, *contents, identity, journal.outcomes_);
        if (!read) return tl::unexpected(read.error());
    }
    if (::ftruncate(journal.file_.get(), static_cast<off_t>(whole)) != 0) return files::system_error(path, "shorten");
    if (whole == 0) {
        if (auto written = journal.append(head_of(identity)); !written) return tl::unexpected(written.error());
    }
    return journal;
}

Result<void> SearchJournal::add(const Trial& trial, const Measured& measured) {
    return append(line_of(trial, measured));
}

Result<void> SearchJournal::append(const std::string& line) {
    std::string_view rest = line;
    while (!rest.empty()) {
        const ssize_t written = ::write(file_.get(), rest.data(), rest.size());
        if (written < 0) return files::system_error(path_, "write");
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace replayd::ctl
