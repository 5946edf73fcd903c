# Writes OUTPUT, a .cpp that defines embedded_laws() over FILES (file names in BASE, separated by ';'). The
# bytes are taken in by the assembler, which reads megabytes at no cost.
# Run by a build rule: cmake -DBASE=… -DFILES=… -DOUTPUT=… -P embed_laws.cmake
set(blocks "")
set(symbols "")
set(entries "")
set(index 0)
foreach(file IN LISTS FILES)
  string(REGEX REPLACE "[.]law$" "" name "${file}")
  string(APPEND blocks
    "__asm__(\".section .rodata\\n\"\n"
    "        \".global replayd_law_${index}_begin, replayd_law_${index}_end\\n\"\n"
    "        \"replayd_law_${index}_begin: .incbin \\\"${BASE}/${file}\\\"\\n\"\n"
    "        \"replayd_law_${index}_end: .byte 0\\n\"\n"
    "        \".previous\\n\");\n")
  string(APPEND symbols
    "extern const char replayd_law_${index}_begin[];\nextern const char replayd_law_${index}_end[];\n")
  string(APPEND entries
    "        {\"${name}\", bytes(replayd_law_${index}_begin, replayd_law_${index}_end)},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE "${OUTPUT}" "// Made by embed_laws.cmake from the files of replay/cost/laws/data.
#include \"replay/cost/laws/embedded_laws.hpp\"

#include <array>
#include <cstddef>

${blocks}
extern \"C\" {
${symbols}}

namespace replayd::cost {
namespace {

std::string_view bytes(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

std::span<const EmbeddedLaw> embedded_laws() {
    static const std::array<EmbeddedLaw, ${index}> laws = {{
${entries}    }};
    return laws;
}

}  // namespace replayd::cost
")
