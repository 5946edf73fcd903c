// Secrets come from files that nobody else reads; every refusal says what is wrong and how to mend it, and never what
// the secret is.

#include "daemon/access/secret.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "tests/daemon/access/secret_folder.hpp"

namespace replayd::access {
namespace {

using testing::SecretFolder;

const std::string k_good(64, 'a');

TEST(Secret, a_file_of_its_owner_alone_is_read_without_the_blanks_around) {
    const SecretFolder folder;
    for (const mode_t mode : {0600, 0400, 0700}) {
        const auto secret = read_secret_file(folder.write("good", " " + k_good + "\r\n\n", mode), "the token");
        ASSERT_TRUE(secret) << secret.error().message;
        EXPECT_EQ(*secret, k_good);
    }
}

// Through a link the file behind it counts, as with secrets that orchestrators mount.
TEST(Secret, a_link_is_as_good_as_the_file_behind_it) {
    const SecretFolder folder;
    const std::string link = folder.path() + "/link";
    std::filesystem::create_symlink(folder.write("open", k_good, 0644), link);
    EXPECT_FALSE(read_secret_file(link, "the token"));
    std::filesystem::remove(link);
    std::filesystem::create_symlink(folder.write("closed", k_good), link);
    EXPECT_TRUE(read_secret_file(link, "the token"));
}

TEST(Secret, wrong_files_are_refused_and_the_message_never_holds_their_text) {
    const SecretFolder folder;
    struct Case {
        std::string path;
        std::string after_path;  ///< of the message
    };
    const std::string modes = " may be read by other users (mode ";
    const std::string mend = "): expected 0600 or 0400; mend it with chmod 600";
    const std::string length = " characters: expected one line of 32 to 512, e.g. of openssl rand -hex 32";
    const std::string text =
        " holds other characters than A-Z a-z 0-9 - . _ ~ + / =: expected one line of these, e.g. of openssl rand "
        "-hex 32";
    const std::vector<Case> cases = {
        {folder.write("group", k_good, 0640), modes + "0640" + mend},
        {folder.write("group-write", k_good, 0620), modes + "0620" + mend},
        {folder.write("world", k_good, 0604), modes + "0604" + mend},
        {folder.write("all", k_good, 0777), modes + "0777" + mend},
        {folder.write("empty", ""), " holds 0" + length},
        {folder.write("blank", " \n\n"), " holds 0" + length},
        {folder.write("short", std::string(31, 'a')), " holds 31" + length},
        {folder.write("long", std::string(513, 'a')), " holds 513" + length},
        {folder.write("huge", std::string(100'000, 'a')), " holds 4097" + length},
        {folder.write("two-lines", k_good + "\n" + k_good), text},
        {folder.write("quotes", "\"" + k_good + "\""), text},
        {folder.write("zero", std::string(40, '\0')), text},
        {folder.write("utf-8", k_good + "ä"), text},
        {folder.path(), " is no regular file: expected a file with one line of text"},
    };
    for (const Case& wrong : cases) {
        const auto secret = read_secret_file(wrong.path, "the token");
        ASSERT_FALSE(secret) << wrong.path;
        EXPECT_EQ(secret.error().message, "the token " + wrong.path + wrong.after_path);
        EXPECT_EQ(secret.error().code, Code::invalid_argument);
        EXPECT_EQ(secret.error().message.find(std::string(31, 'a')), std::string::npos);
    }
    const auto missing = read_secret_file("/nonexistent/token", "the token");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message, "cannot read the token /nonexistent/token: No such file or directory");
    EXPECT_EQ(missing.error().code, Code::not_found);
}

TEST(Secret, a_credential_lies_in_the_folder_that_systemd_names) {
    const SecretFolder folder;
    const config::SecretSource source{"", "operator"};
    unsetenv("CREDENTIALS_DIRECTORY");
    const auto unset = read_secret(source, "the token of \"operator\"");
    ASSERT_FALSE(unset);
    EXPECT_EQ(
        unset.error().message,
        "the token of \"operator\" is the credential \"operator\" and CREDENTIALS_DIRECTORY is not set: expected a "
        "start by systemd with LoadCredential=operator:PATH, or a file");
    setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
    EXPECT_FALSE(read_secret(source, "the token"));
    // An access list for the service's user shows as group bits.
    folder.write("operator", k_good, 0440);
    EXPECT_TRUE(read_secret(source, "the token"));
    folder.write("operator", k_good, 0444);
    EXPECT_FALSE(read_secret(source, "the token"));
    unsetenv("CREDENTIALS_DIRECTORY");
}

}  // namespace
}  // namespace replayd::access
