// `replayctl cost eval` and `replayctl cost validate`.

#include <algorithm>
#include <filesystem>
#include <map>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/api/json_objects.hpp"
#include "daemon/files/compressed_text.hpp"
#include "daemon/files/output_file.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/cost_command.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/scatter_plot.hpp"
#include "daemon/replayctl/text_table.hpp"
#include "replay/cost/eval/cost_eval.hpp"
#include "replay/cost/eval/kernel_rows.hpp"
#include "replay/cost/laws/law_choice.hpp"

namespace replayd::ctl {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// One measured table and how its law does on it.
struct TableErrors {
    std::string gpu;
    std::string backend;
    std::string op;
    ScatterSeries rows;
    ErrorQuantiles errors;
    std::string provenance;
};

Result<TableErrors> errors_of(const fs::path& file, const cost::KernelTable& table) {
    TableErrors errors{file.parent_path().parent_path().filename().string(), file.parent_path().filename().string(),
                       std::string(table.name), {}, {}, ""};
    auto choice = cost::LawChoice::of(table, errors.gpu, errors.backend);
    if (!choice) return fail(choice.error().code, file.string() + ": " + choice.error().message);
    const auto text = files::read_compressed_text(file.string());
    if (!text) return tl::unexpected(text.error());
    const auto csv = cost::parse_csv(file.string(), *text);
    if (!csv) return tl::unexpected(csv.error());
    const auto rows = cost::kernel_rows(file.string(), table, *csv);
    if (!rows) return tl::unexpected(rows.error());
    const auto times = cost::measured_us(file.string(), table, *csv);
    if (!times) return tl::unexpected(times.error());
    for (std::size_t i = 0; i < rows->size(); ++i) {
        if ((*times)[i] <= 0) continue;
        const auto law = choice->law_for((*rows)[i]);
        if (!law) return tl::unexpected(law.error());
        const cost::KernelPrice price = (*law)->price((*rows)[i]);
        errors.rows.points.push_back({(*times)[i], price.us});
        if (errors.provenance.empty()) errors.provenance = (*law)->provenance(price);
    }
    errors.rows.name = errors.gpu + "/" + errors.backend;
    errors.errors = error_quantiles({errors.rows});
    return errors;
}

/// The kernel tables of a folder in the order of their paths.
Result<std::vector<std::pair<fs::path, const cost::KernelTable*>>> tables_of(const std::string& folder) {
    std::error_code trouble;
    std::vector<std::pair<fs::path, const cost::KernelTable*>> tables;
    for (auto entry = fs::recursive_directory_iterator(folder, trouble); !trouble && entry != fs::end(entry);
         entry.increment(trouble)) {
        const std::string name = entry->path().filename().string();
        if (!name.ends_with(".csv") && !name.ends_with(".csv.gz")) continue;
        const auto* table = cost::find_kernel_table(name.substr(0, name.find('.')));
        if (table != nullptr) tables.emplace_back(entry->path(), table);
    }
    if (trouble) return fail(Code::not_found, "cannot read the folder " + folder + ": " + trouble.message());
    std::sort(tables.begin(), tables.end());
    if (tables.empty()) {
        return fail(Code::not_found, folder + " holds no kernel tables: expected <system>/<backend>/<table>.csv, e.g. "
                                              "h100_sxm/vllm/gemm.csv");
    }
    return tables;
}

std::string render(const std::vector<TableErrors>& all) {
    TextTable table({{"system"}, {"backend"}, {"table"}, {"rows", Align::right}, {"median", Align::right},
                     {"p90", Align::right}, {"first row priced by"}});
    for (const TableErrors& errors : all) {
        table.add_row({errors.gpu, errors.backend, errors.op,
                       count_text(static_cast<std::int64_t>(errors.rows.points.size())),
                       percent_text(errors.errors.median), percent_text(errors.errors.p90), errors.provenance});
    }
    return table.render();
}

/// One picture per operator, the tables of each as its series: DIR/<operator>.svg.
Result<void> write_plots(const std::string& folder, const std::vector<TableErrors>& all) {
    std::error_code trouble;
    fs::create_directories(folder, trouble);
    if (trouble) return fail(Code::io, "--plots: cannot create the folder " + folder + ": " + trouble.message());
    std::map<std::string, std::vector<ScatterSeries>> by_operator;
    for (const TableErrors& table : all) by_operator[table.op].push_back(table.rows);
    for (const auto& [op, series] : by_operator) {
        auto out = files::OutputFile::open((fs::path(folder) / (op + ".svg")).string());
        if (!out) return tl::unexpected(out.error());
        if (auto written = out->write(scatter_svg(op, series)); !written) return written;
        if (auto closed = out->close(); !closed) return closed;
    }
    return {};
}

}  // namespace

Result<ExitStatus> cost_eval(const CostEvalOptions& options) {
    const auto text = files::read_compressed_text(options.in);
    if (!text) return tl::unexpected(text.error());
    const auto priced = cost::cost_eval(
        {options.gpu, options.backend, options.op, options.in == "-" ? "standard input" : options.in, *text});
    if (!priced) return tl::unexpected(priced.error());
    auto out = files::OutputFile::open(options.out);
    if (!out) return tl::unexpected(out.error());
    if (auto written = out->write(*priced); !written) return tl::unexpected(written.error());
    return out->close().map([] { return ExitStatus::ok; });
}

Result<ExitStatus> cost_validate(const CostValidateOptions& options) {
    const auto tables = tables_of(options.folder);
    if (!tables) return tl::unexpected(tables.error());
    std::vector<TableErrors> all;
    json::array items;
    for (const auto& [file, table] : *tables) {
        auto errors = errors_of(file, *table);
        if (!errors) return tl::unexpected(errors.error());
        items.push_back(json::object{{"system", errors->gpu},
                                     {"backend", errors->backend},
                                     {"table", errors->op},
                                     {"rows", errors->rows.points.size()},
                                     {"error_median", errors->errors.median},
                                     {"error_p90", errors->errors.p90},
                                     {"provenance", errors->provenance}});
        all.push_back(std::move(*errors));
    }
    if (!options.plots.empty()) {
        if (auto written = write_plots(options.plots, all); !written) return tl::unexpected(written.error());
    }
    const std::string out = options.mode == OutputMode::json
                                ? json::serialize(api::items_json(std::move(items))) + '\n'
                                : render(all);
    return print(out).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
