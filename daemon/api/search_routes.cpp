// /api/v1/searches: what `replayctl search --db` stored, read from its files.

#include <boost/json.hpp>

#include "daemon/api/answer.hpp"
#include "daemon/api/routes.hpp"
#include "daemon/api/search_json.hpp"
#include "replay/catalog/scenario_override.hpp"
#include "replay/catalog/toml_text.hpp"
#include "storage/search_file.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;
using storage::SearchFile;

constexpr std::int64_t k_results = 2'000;
constexpr std::int64_t k_results_max = 20'000;

Result<std::unique_ptr<SearchFile>> file_named(const Call& call, const std::string& name) {
    return call.searches.path_of(name).and_then([](const std::string& path) { return SearchFile::open(path); });
}

/// The search of a path `searches/FILE/ID…`.
struct Named {
    std::unique_ptr<SearchFile> file;
    storage::SearchFacts facts;
    search::SearchSpec spec;
};

Result<Named> search_of_path(const Call& call) {
    auto file = file_named(call, call.path[1]);
    if (!file) return tl::unexpected(file.error());
    auto facts = (*file)->facts(call.path[2]);
    if (!facts) return tl::unexpected(facts.error());
    auto spec = search::parse_search(facts->spec, "search " + facts->identity);
    if (!spec) return tl::unexpected(spec.error());
    return Named{std::move(*file), std::move(*facts), std::move(*spec)};
}

Result<void> append_items(const Call& call, const std::string& name, json::array& items) {
    auto file = file_named(call, name);
    if (!file) return tl::unexpected(file.error());
    const auto stored = (*file)->searches();
    if (!stored) return tl::unexpected(stored.error());
    for (const storage::StoredSearch& each : *stored) {
        const auto spec = search::parse_search(each.facts.spec, "search " + each.facts.identity);
        if (!spec) return tl::unexpected(spec.error());
        items.push_back(search_item_json(name, each, *spec));
    }
    return {};
}

/// The base scenario with what the candidate sets, under a name of its own.
Result<json::object> candidate_json(const Named& named, std::int64_t candidate) {
    auto document = parse_toml(named.facts.base, "base scenario " + named.spec.base);
    if (!document) return tl::unexpected(document.error());
    const search::Settings settings = search::Space(named.spec.axes).settings(candidate);
    for (const std::string& setting : settings) {
        if (auto set = apply_override(*document, setting); !set) return tl::unexpected(set.error());
    }
    const TomlNode* base = document->find("name");
    const std::string name = (base == nullptr ? named.spec.base : base->text) + "-c" + std::to_string(candidate);
    if (auto set = apply_override(*document, "name=\"" + name + '"'); !set) return tl::unexpected(set.error());
    return json::object{{"candidate", candidate},
                        {"settings", json::value_from(settings)},
                        {"scenario", name},
                        {"toml", toml_text(*document)}};
}

}  // namespace

Answer list_searches(const Call& call) {
    SearchFolders::Listing files = call.searches.list();
    json::array items;
    for (const std::string& name : files.names) {
        if (auto read = append_items(call, name, items); !read) {
            files.troubles.push_back(name + " cannot be read: " + read.error().message);
        }
    }
    return json_answer({{"items", std::move(items)},
                        {"folders", json::value_from(call.searches.folders())},
                        {"troubles", json::value_from(files.troubles)}});
}

Answer show_search(const Call& call) {
    const auto limit = query_integer(call.request, "limit", 1, k_results_max, k_results);
    if (!limit) return tl::unexpected(limit.error());
    auto named = search_of_path(call);
    if (!named) return tl::unexpected(named.error());
    const auto outcomes = named->file->outcomes(named->facts.identity);
    if (!outcomes) return tl::unexpected(outcomes.error());
    return json_answer(
        search_json(call.path[1], named->facts, named->spec, *outcomes, static_cast<std::size_t>(*limit)));
}

Answer show_candidate(const Call& call) {
    auto named = search_of_path(call);
    if (!named) return tl::unexpected(named.error());
    const auto candidate = path_integer(call.path[4], "the candidate's number");
    if (!candidate) return tl::unexpected(candidate.error());
    const std::int64_t size = search::Space(named->spec.axes).size();
    if (*candidate < 0 || *candidate >= size) {
        return fail(Code::not_found,
                    "no candidate " + std::to_string(*candidate) + ": the search has 0 to " + std::to_string(size - 1));
    }
    const auto object = candidate_json(*named, *candidate);
    if (!object) return tl::unexpected(object.error());
    return json_answer(*object);
}

Result<storage::Table> query_of_search(const Call& call, const std::string& name, std::string_view sql) {
    auto file = file_named(call, name);
    if (!file) return tl::unexpected(file.error());
    return (*file)->query(sql);
}

}  // namespace replayd::api
