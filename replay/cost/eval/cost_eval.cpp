#include "replay/cost/eval/cost_eval.hpp"

#include <charconv>

#include "replay/cost/eval/kernel_rows.hpp"
#include "replay/cost/laws/law_choice.hpp"

namespace replayd::cost {
namespace {

void append_cells(std::string& out, const std::vector<std::string_view>& cells) {
    for (const std::string_view cell : cells) {
        out += cell;
        out += ',';
    }
}

void append_us(std::string& out, double us) {
    char buffer[64];
    out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, us, std::chars_format::fixed, 4).ptr);
}

Result<const KernelTable*> table_of(std::string_view name) {
    if (const KernelTable* table = find_kernel_table(name)) return table;
    std::string known;
    for (const KernelTable& table : kernel_tables()) known += (known.empty() ? "" : ", ") + std::string(table.name);
    return fail(Code::invalid_argument, "op: '" + std::string(name) + "' is not an operator; write one of " + known);
}

}  // namespace

Result<std::string> cost_eval(const CostEvalRequest& request) {
    const auto table = table_of(request.table);
    if (!table) return tl::unexpected(table.error());
    auto choice = LawChoice::of(**table, request.gpu, request.backend);
    if (!choice) return tl::unexpected(choice.error());
    const auto csv = parse_csv(request.name, request.csv);
    if (!csv) return tl::unexpected(csv.error());
    for (const std::string_view added : {"predicted_us", "provenance"}) {
        if (csv->column(added)) {
            return fail(Code::invalid_argument, std::string(request.name) + ": the column '" + std::string(added) +
                                                    "' is already there; take it out, it is what this command writes");
        }
    }
    const auto rows = kernel_rows(request.name, **table, *csv);
    if (!rows) return tl::unexpected(rows.error());
    std::string out;
    append_cells(out, csv->header);
    out += "predicted_us,provenance\n";
    for (std::size_t i = 0; i < rows->size(); ++i) {
        const auto law = choice->law_for((*rows)[i]);
        if (!law) return tl::unexpected(law.error());
        const KernelPrice price = (*law)->price((*rows)[i]);
        append_cells(out, csv->rows[i]);
        append_us(out, price.us);
        out += ',' + (*law)->provenance(price) + '\n';
    }
    return out;
}

}  // namespace replayd::cost
