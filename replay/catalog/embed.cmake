# Writes OUTPUT, a .cpp that defines FUNCTION(), which HEADER declares, over FILES (paths relative to BASE, separated by
# ';'). Run by a build rule: cmake -DBASE=… -DFILES=… -DFUNCTION=… -DHEADER=… -DOUTPUT=… -P embed.cmake
set(entries "")
foreach(file IN LISTS FILES)
  file(READ "${BASE}/${file}" text)
  string(APPEND entries "    {\"${file}\", R\"~text~(${text})~text~\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Made by embed.cmake.
#include \"${HEADER}\"

namespace replayd {
namespace {

constexpr EmbeddedFile k_files[] = {
${entries}};

}  // namespace

std::span<const EmbeddedFile> ${FUNCTION}() { return k_files; }

}  // namespace replayd
")
