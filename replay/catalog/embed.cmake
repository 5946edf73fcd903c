# Writes OUTPUT, a .cpp that defines embedded_files() over FILES (paths relative to BASE, separated by ';').
# Run by a build rule: cmake -DBASE=… -DFILES=… -DOUTPUT=… -P embed.cmake
set(entries "")
foreach(file IN LISTS FILES)
  file(READ "${BASE}/${file}" text)
  string(APPEND entries "    {\"${file}\", R\"~toml~(${text})~toml~\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Made by embed.cmake from the TOML files of replay/catalog.
#include \"replay/catalog/embedded_files.hpp\"

namespace replayd {
namespace {

constexpr EmbeddedFile k_files[] = {
${entries}};

}  // namespace

std::span<const EmbeddedFile> embedded_files() { return k_files; }

}  // namespace replayd
")
