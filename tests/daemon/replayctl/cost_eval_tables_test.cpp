// `cost eval` on every public table for every GPU and framework, those without a table of their own included.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "daemon/files/compressed_text.hpp"
#include "replay/cost/eval/csv_table.hpp"
#include "replay/cost/eval/kernel_rows.hpp"
#include "replay/cost/laws/law_choice.hpp"
#include "tests/source_paths.hpp"

namespace replayd::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_spread_rows = 20;

struct PublicTable {
    fs::path file;
    const cost::KernelTable* table = nullptr;
    std::vector<cost::KernelRow> rows;
};

/// The first row of every combination of kernel and data types, and some more spread over the file.
std::vector<cost::KernelRow> sample(const cost::KernelTable& table, const std::vector<cost::KernelRow>& rows) {
    std::vector<cost::KernelRow> sampled;
    std::set<std::string> seen;
    const std::size_t stride = 1 + rows.size() / k_spread_rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::string key = rows[i].kernel;
        std::size_t number = 0;
        for (const cost::Column& column : table.columns) {
            if (column.kind == cost::ColumnKind::type) key += '/' + std::to_string(rows[i].number[number]);
            number += column.kind == cost::ColumnKind::name ? 0 : 1;
        }
        if (seen.insert(key).second || i % stride == 0) sampled.push_back(rows[i]);
    }
    return sampled;
}

std::vector<PublicTable> public_tables(const fs::path& folder) {
    std::vector<PublicTable> tables;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        const auto* table = cost::find_kernel_table(name.substr(0, name.find('.')));
        if (!entry.is_regular_file() || table == nullptr) continue;
        const auto text = files::read_compressed_text(entry.path().string());
        EXPECT_TRUE(text) << entry.path();
        const auto csv = cost::parse_csv(name, *text);
        EXPECT_TRUE(csv) << csv.error().message;
        const auto rows = cost::kernel_rows(name, *table, *csv);
        EXPECT_TRUE(rows) << entry.path() << ": " << rows.error().message;
        tables.push_back({entry.path(), table, sample(*table, *rows)});
    }
    return tables;
}

/// Prices every sampled row for one GPU and framework; says which row was not priced as it must be.
void expect_priced(const PublicTable& table, std::string_view gpu, std::string_view backend) {
    auto choice = cost::LawChoice::of(*table.table, gpu, backend);
    ASSERT_TRUE(choice) << choice.error().message;
    for (const cost::KernelRow& named : table.rows) {
        cost::KernelRow unnamed = named;
        unnamed.kernel =
            unnamed.kernel.substr(0, unnamed.kernel.find('/') == std::string::npos ? 0 : unnamed.kernel.find('/'));
        for (const cost::KernelRow& row : {named, unnamed}) {
            const auto law = choice->law_for(row);
            ASSERT_TRUE(law) << law.error().message;
            const cost::KernelPrice price = (*law)->price(row);
            // A kernel call takes from half a microsecond to a minute.
            ASSERT_TRUE(std::isfinite(price.us) && price.us > 0.5 && price.us < 6e7)
                << table.file << " for " << gpu << "/" << backend << ", kernel '" << row.kernel << "': " << price.us;
            ASSERT_NE((*law)->provenance(price).find("law "), std::string::npos);
        }
    }
}

// No pair of GPU and framework is refused, whatever data types and kernels its rows name.
TEST(CostEvalTables, every_public_row_is_priced_for_every_gpu_and_framework) {
    const fs::path folder = REPLAYD_SOURCE_DIR "/../shared/data/kernel_times";
    if (!fs::exists(folder)) GTEST_SKIP() << "no public kernel tables beside this checkout";
    const std::vector<PublicTable> tables = public_tables(folder);
    ASSERT_GE(tables.size(), 50U);
    for (const PublicTable& table : tables) {
        for (const cost::Hardware& gpu : cost::known_hardware()) {
            for (const char* backend : {"sglang", "vllm", "trtllm", "nccl", "replayd"}) {
                expect_priced(table, gpu.name, backend);
                if (HasFatalFailure()) return;
            }
        }
    }
}

}  // namespace
}  // namespace replayd::ctl
