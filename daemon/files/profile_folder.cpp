#include "daemon/files/profile_folder.hpp"

#include <filesystem>
#include <set>
#include <utility>

#include "daemon/files/compressed_text.hpp"

namespace replayd::files {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> unreadable(const fs::path& folder, const std::error_code& trouble) {
    return fail(Code::not_found, "cannot read the folder " + folder.string() + ": " + trouble.message());
}

/// "tp2" → the folder of that degree; the folder itself where it has none.
Result<fs::path> degree_folder(const fs::path& folder, std::int64_t tensor) {
    std::set<std::string> degrees;
    std::error_code trouble;
    for (fs::directory_iterator entry(folder, trouble), end; !trouble && entry != end; entry.increment(trouble)) {
        const std::string name = entry->path().filename().string();
        if (entry->is_directory() && name.starts_with("tp")) degrees.insert(name);
    }
    if (trouble) return unreadable(folder, trouble);
    const std::string wanted = "tp" + std::to_string(tensor);
    if (degrees.empty()) return folder;
    if (degrees.contains(wanted)) return folder / wanted;
    std::string list;
    for (const std::string& degree : degrees) list += (list.empty() ? "" : ", ") + degree;
    return fail(Code::not_found, folder.string() + " has no " + wanted + ", the pool's tensor parallelism: it has " + list);
}

/// The name without ".gz" or ".zst" of a CSV file; empty for others.
std::string csv_name(std::string name) {
    for (const char* packed : {".gz", ".zst"}) {
        if (name.ends_with(packed)) name.resize(name.rfind('.'));
    }
    return name.ends_with(".csv") ? name : std::string();
}

Result<cost::ProfileFiles> read_folder(const fs::path& folder) {
    cost::ProfileFiles files{folder.string(), {}};
    std::error_code trouble;
    for (fs::directory_iterator entry(folder, trouble), end; !trouble && entry != end; entry.increment(trouble)) {
        const std::string name = csv_name(entry->path().filename().string());
        if (name.empty() || !entry->is_regular_file()) continue;
        auto text = read_compressed_text(entry->path().string());
        if (!text) return tl::unexpected(text.error());
        files.text[name] = std::move(*text);
    }
    if (trouble) return unreadable(folder, trouble);
    return files;
}

}  // namespace

Result<std::shared_ptr<const cost::StepProfile>> read_profile_folder(const std::string& path, const ModelSpec& model,
                                                                     const PoolSpec& pool) {
    const auto folder = degree_folder(path, pool.parallel.tensor);
    if (!folder) return tl::unexpected(folder.error());
    auto files = read_folder(*folder);
    if (!files) return tl::unexpected(files.error());
    const fs::path experts = fs::path(path) / "tp1" / "moe.csv";
    std::error_code ignored;
    if (model.moe && *folder != path && !files->text.contains("moe.csv") && fs::is_regular_file(experts, ignored)) {
        auto text = read_compressed_text(experts.string());
        if (!text) return tl::unexpected(text.error());
        files->text["moe.csv"] = std::move(*text);
    }
    auto profile = cost::read_profile(*files, model, pool);
    if (!profile) return tl::unexpected(profile.error());
    return std::make_shared<const cost::StepProfile>(std::move(*profile));
}

}  // namespace replayd::files
