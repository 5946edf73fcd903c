#pragma once
// A history whose write lock a test holds.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

namespace replayd::test {

/// Another program that holds the write lock of a history: what the writer begins does not come to an end.
class HeldHistory {
public:
    explicit HeldHistory(const std::string& path) {
        EXPECT_EQ(sqlite3_open(path.c_str(), &database_), SQLITE_OK);
        // The daemon writes after its start too: whoever holds the lock then is waited for.
        EXPECT_EQ(sqlite3_busy_timeout(database_, 60'000), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    }
    ~HeldHistory() { sqlite3_close(database_); }
    HeldHistory(const HeldHistory&) = delete;
    HeldHistory& operator=(const HeldHistory&) = delete;
    void let_go() { EXPECT_EQ(sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK); }

private:
    sqlite3* database_ = nullptr;
};

}  // namespace replayd::test
