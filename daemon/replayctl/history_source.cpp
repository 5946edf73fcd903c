#include "daemon/replayctl/history_source.hpp"

#include <cstdlib>
#include <utility>

#include "daemon/access/secret.hpp"
#include "daemon/api/comparison_json.hpp"
#include "daemon/api/json_objects.hpp"
#include "daemon/api/run_view.hpp"
#include "daemon/replayctl/daemon_api.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/recorded_moments.hpp"
#include "storage/query.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

class FileSource final : public HistorySource {
public:
    FileSource(std::unique_ptr<storage::Reader> reader, ScenarioSource scenarios)
        : reader_(std::move(reader)), scenarios_(std::move(scenarios)) {}

    Result<json::array> runs(const std::string& stream, std::size_t limit) override {
        const auto infos = reader_->runs({stream, limit});
        if (!infos) return tl::unexpected(infos.error());
        json::array runs;
        for (const storage::RunInfo& info : *infos) {
            const auto view = api::past_view(*reader_, info);
            if (!view) return tl::unexpected(view.error());
            runs.push_back(api::run_json(*view));
        }
        return runs;
    }

    Result<json::array> requests(const std::string& id, std::optional<std::int64_t> run) override {
        const auto found = reader_->requests_by_id(id, run);
        if (!found) return tl::unexpected(found.error());
        json::array requests;
        for (const storage::RunRequest& request : *found) {
            requests.push_back(api::request_json(request.record, request.run_id, request.scenario));
        }
        return requests;
    }

    Result<json::object> compare(std::int64_t run_a, std::int64_t run_b, std::size_t limit, double quantile) override {
        const auto a = reader_->run(run_a);
        if (!a) return tl::unexpected(a.error());
        const auto b = reader_->run(run_b);
        if (!b) return tl::unexpected(b.error());
        const auto comparison = reader_->compare(run_a, run_b, {limit, quantile});
        if (!comparison) return tl::unexpected(comparison.error());
        return api::comparison_json(*comparison, *a, *b, quantile);
    }

    Result<json::object> moment(std::int64_t run, std::optional<std::int64_t> at_ns, std::size_t listed) override {
        return recorded_moment(*reader_, scenarios_, run, at_ns, listed);
    }

    Result<json::object> difference(std::int64_t run_a, std::int64_t run_b) override {
        return recorded_difference(*reader_, scenarios_, run_a, run_b);
    }

    Result<json::object> query(const std::string& sql) override {
        const auto table = reader_->query(sql);
        if (!table) return tl::unexpected(table.error());
        return api::table_json(*table);
    }

private:
    std::unique_ptr<storage::Reader> reader_;
    ScenarioSource scenarios_;
};

class DaemonSource final : public HistorySource {
public:
    explicit DaemonSource(net::Endpoint daemon) : daemon_(std::move(daemon)) {}

    Result<json::array> runs(const std::string& stream, std::size_t limit) override {
        std::string target = "/api/v1/runs?limit=" + std::to_string(limit);
        if (!stream.empty()) target += "&stream=" + url_encoded(stream);
        return items(target);
    }

    Result<json::array> requests(const std::string& id, std::optional<std::int64_t> run) override {
        return items("/api/v1/requests/" + url_encoded(id) + (run ? "?run=" + std::to_string(*run) : ""));
    }

    Result<json::object> compare(std::int64_t run_a, std::int64_t run_b, std::size_t limit, double quantile) override {
        return with_list("/api/v1/compare?a=" + std::to_string(run_a) + "&b=" + std::to_string(run_b) + "&limit=" +
                             std::to_string(limit) + "&quantile=" + decimal_text(quantile, 6),
                         "requests");
    }

    Result<json::object> moment(std::int64_t run, std::optional<std::int64_t> at_ns, std::size_t listed) override {
        std::string target = "/api/v1/runs/" + std::to_string(run) + "/at?listed=" + std::to_string(listed);
        if (at_ns) target += "&at_ns=" + std::to_string(*at_ns);
        return with_list(target, "replicas");
    }

    Result<json::object> difference(std::int64_t run_a, std::int64_t run_b) override {
        return with_list("/api/v1/difference?a=" + std::to_string(run_a) + "&b=" + std::to_string(run_b), "scenario");
    }

    Result<json::object> query(const std::string& sql) override {
        const auto answer = api_post(daemon_, "/api/v1/query", json::object{{"sql", sql}});
        if (!answer) return tl::unexpected(answer.error());
        if (auto rows = array_member(*answer, "rows"); !rows) return tl::unexpected(rows.error());
        if (auto columns = array_member(*answer, "columns"); !columns) return tl::unexpected(columns.error());
        return answer->get_object();
    }

private:
    /// The object at `target`, which has an array of this name.
    Result<json::object> with_list(const std::string& target, const char* name) const {
        const auto answer = api_get(daemon_, target);
        if (!answer) return tl::unexpected(answer.error());
        if (auto list = array_member(*answer, name); !list) return tl::unexpected(list.error());
        return answer->get_object();
    }
    Result<json::array> items(const std::string& target) const {
        const auto answer = api_get(daemon_, target);
        if (!answer) return tl::unexpected(answer.error());
        const auto list = array_member(*answer, "items");
        if (!list) return tl::unexpected(list.error());
        return **list;
    }

    net::Endpoint daemon_;
};

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

}  // namespace

Result<net::Endpoint> find_daemon(const std::string& address, const std::string& token_file) {
    const std::string wanted = address.empty() ? environment("REPLAYD_DAEMON") : address;
    auto endpoint = net::parse_endpoint(wanted.empty() ? k_default_daemon : std::string_view(wanted));
    if (!endpoint) return endpoint;
    const std::string file = token_file.empty() ? environment("REPLAYD_TOKEN_FILE") : token_file;
    if (file.empty()) {
        endpoint->token = environment("REPLAYD_TOKEN");
        return endpoint;
    }
    auto token = access::read_secret_file(file, "the token file");
    if (!token) return tl::unexpected(token.error());
    endpoint->token = std::move(*token);
    return endpoint;
}

Result<std::unique_ptr<HistorySource>> open_source(const SourceChoice& choice) {
    if (!choice.db.empty() && !choice.daemon.empty()) {
        return fail(Code::invalid_argument, "--db and --daemon are both given: expected one of them");
    }
    const std::string db = choice.db.empty() && choice.daemon.empty() ? environment("REPLAYD_DB") : choice.db;
    if (!db.empty()) {
        auto reader = storage::Reader::open(db);
        if (!reader) return tl::unexpected(reader.error());
        auto scenarios = ScenarioSource::create(choice.catalogs);
        if (!scenarios) return tl::unexpected(scenarios.error());
        return std::make_unique<FileSource>(std::move(*reader), std::move(*scenarios));
    }
    if (!choice.catalogs.empty()) {
        return fail(Code::invalid_argument,
                    "--catalog is given without --db: a daemon has its own ([catalog] of its configuration)");
    }
    auto endpoint = find_daemon(choice.daemon, choice.token_file);
    if (!endpoint) return tl::unexpected(endpoint.error());
    return std::make_unique<DaemonSource>(std::move(*endpoint));
}

}  // namespace replayd::ctl
