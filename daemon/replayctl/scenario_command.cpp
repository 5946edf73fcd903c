// `replayctl scenario check`, `list` and `show`.

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/api/json_objects.hpp"
#include "daemon/protocol/codes.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/json_fields.hpp"
#include "daemon/replayctl/plan_command.hpp"
#include "daemon/replayctl/scenario_source.hpp"
#include "daemon/replayctl/text_table.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

std::string list_table(const json::array& items) {
    TextTable table({{"name"}, {"model"}, {"gpu"}, {"GPUs", Align::right}, {"pools"}, {"description"}});
    for (const json::value& value : items) {
        const json::object& item = value.as_object();
        table.add_row({text(item, "name"), text(item, "model"), text(item, "gpu"),
                       count_text(integer(item, "gpus")),
                       item.at("disaggregated").as_bool() ? "prefill + decode" : "mixed", text(item, "description")});
    }
    return table.render();
}

}  // namespace

Result<ExitStatus> check_scenarios(const ScenarioOptions& options) {
    auto source = ScenarioSource::create(options.catalogs);
    if (!source) return tl::unexpected(source.error());
    ExitStatus status = ExitStatus::ok;
    std::string out;
    json::array items;
    for (const std::string& name : options.scenarios) {
        const auto scenario = source->load(name);
        if (scenario) {
            out += name + ": ok: scenario " + scenario->name() + '\n';
            json::object item = api::scenario_json(*scenario, false);
            item["file"] = name;
            item["ok"] = true;
            items.push_back(std::move(item));
            continue;
        }
        status = ExitStatus::bad_input;
        const Error& error = scenario.error();
        print_error(error, options.mode == OutputMode::json);
        items.push_back(json::object{{"file", name},
                                     {"ok", false},
                                     {"code", protocol::facts(error.code).name},
                                     {"message", error.message}});
    }
    if (options.mode == OutputMode::json) out = json::serialize(api::items_json(std::move(items))) + '\n';
    return print(out).map([status] { return status; });
}

Result<ExitStatus> list_scenarios(const ScenarioOptions& options) {
    auto source = ScenarioSource::create(options.catalogs);
    if (!source) return tl::unexpected(source.error());
    const auto scenarios = source->built_in();
    if (!scenarios) return tl::unexpected(scenarios.error());
    json::array items;
    for (const stream::LibraryScenario& scenario : *scenarios) items.push_back(api::scenario_json(scenario, false));
    const std::string out = options.mode == OutputMode::json
                                ? json::serialize(api::items_json(std::move(items))) + '\n'
                                : list_table(items);
    return print(out).map([] { return ExitStatus::ok; });
}

Result<ExitStatus> show_scenarios(const ScenarioOptions& options) {
    auto source = ScenarioSource::create(options.catalogs);
    if (!source) return tl::unexpected(source.error());
    const auto scenarios = source->load_all(options.scenarios);
    if (!scenarios) return tl::unexpected(scenarios.error());
    std::string out;
    json::array items;
    for (const stream::LibraryScenario& scenario : *scenarios) {
        out += (out.empty() ? "" : "\n") + scenario.toml;
        items.push_back(api::scenario_json(scenario, true));
    }
    if (options.mode == OutputMode::json) out = json::serialize(api::items_json(std::move(items))) + '\n';
    return print(out).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
