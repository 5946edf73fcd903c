// What people and programs send to the HTTP API by mistake or in malice, each with the exact answer; the daemon lives
// on.

#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "tests/system/bad_input_fixture.hpp"

namespace replayd::testing {
namespace {

struct Case {
    std::string method;
    std::string target;
    std::string body;
    unsigned status;
    std::string code;
    std::string detail;
};

void expect_answers(const RunningDaemon& daemon, const std::vector<Case>& cases,
                    const std::string& content_type = "application/json") {
    for (const Case& c : cases) {
        const net::HttpResponse answer = daemon.ask(c.method, c.target, c.body, content_type);
        const std::string what = c.method + " " + c.target + " " + c.body.substr(0, 200);
        EXPECT_EQ(answer.status, c.status) << what;
        EXPECT_EQ(answer.content_type, "application/problem+json") << what;
        EXPECT_EQ(problem_member(answer.body, "code"), c.code) << what;
        EXPECT_EQ(problem_member(answer.body, "detail"), c.detail) << what;
    }
}

// Paths out of the page's folder, by dots, escapes and links; control characters; what is no path at all.
TEST_F(BadInputTest, paths_lead_nowhere_but_into_the_page) {
    expect_answers(*daemon_, {
        {"GET", "/../secret", "", 404, "not_found", "no file \"/../secret\" in the page"},
        {"GET", "/%2e%2e/secret", "", 404, "not_found", "no file \"/../secret\" in the page"},
        {"GET", "/..%2fsecret", "", 404, "not_found", "no file \"/../secret\" in the page"},
        {"GET", "/..%5csecret", "", 404, "not_found", "no file \"/..\\\\secret\" in the page"},
        {"GET", "//etc/passwd", "", 404, "not_found", "no file \"//etc/passwd\" in the page"},
        {"GET", "/leak", "", 404, "not_found", "no file \"/leak\" in the page"},
        {"GET", "/%00", "", 400, "invalid_argument",
         "the path \"/%00\" of the request holds a control character: expected printable text"},
        {"GET", "/%zz", "", 400, "invalid_argument",
         "the path \"/%zz\" of the request has a '%' without two hexadecimal digits: write '%' itself as %25"},
        {"GET", "/%ff%fe", "", 400, "invalid_argument",
         "the path \"/%ff%fe\" of the request is not UTF-8 once decoded: expected UTF-8"},
        {"GET", "/api/v1/streams/..%2f..%2fetc", "", 404, "not_found",
         "no such path: \"/api/v1/streams/../../etc\"; daemon/api.md lists those under /api/v1"},
        {"DELETE", "/api/v1/runs", "", 405, "method_not_allowed", "DELETE /api/v1/runs: expected GET"},
        {"POST", "/metrics", "", 405, "method_not_allowed", "POST /metrics: expected GET"},
    });
    EXPECT_EQ(daemon_->ask("GET", "/").body, "the page");
}

// Numbers and names in paths and queries.
TEST_F(BadInputTest, wrong_parameters_are_named) {
    const std::string id = ": expected an integer of 0 or more";
    const std::string limit = ": expected an integer from 1 to 1000";
    expect_answers(*daemon_, {
        {"GET", "/api/v1/runs/abc", "", 400, "invalid_argument", "the run's id is \"abc\"" + id},
        {"GET", "/api/v1/runs/-1", "", 400, "invalid_argument", "the run's id is \"-1\"" + id},
        {"GET", "/api/v1/runs/99999999999999999999", "", 400, "invalid_argument",
         "the run's id is \"99999999999999999999\"" + id},
        {"GET", "/api/v1/runs/7", "", 404, "not_found", "no run 7 in the history"},
        {"GET", "/api/v1/runs/7/windows", "", 404, "not_found", "no run 7 in the history"},
        {"GET", "/api/v1/runs?limit=0", "", 400, "invalid_argument", "limit is \"0\"" + limit},
        {"GET", "/api/v1/runs?limit=1e9", "", 400, "invalid_argument", "limit is \"1e9\"" + limit},
        {"GET", "/api/v1/runs?stream=x'%20OR%201=1--", "", 404, "not_found",
         "no stream \"x' OR 1=1--\"; GET /api/v1/streams lists them"},
        {"GET", "/api/v1/scenarios/llama-3.1-8b-h100-px", "", 404, "not_found",
         "no scenario \"llama-3.1-8b-h100-px\"; did you mean \"llama-3.1-8b-h100-pd\"?"},
    });
    // The quote belongs to the id that is looked for.
    EXPECT_EQ(daemon_->ask("GET", "/api/v1/requests/x'%20OR%20'1'='1").body, "{\"items\":[]}");
}

// Bodies of POST /api/v1/streams.
TEST_F(BadInputTest, wrong_stream_bodies_are_named) {
    const std::string speed = ": expected 0 (as fast as possible) or a positive factor of real time";
    const auto post = [](const std::string& body, const std::string& detail, unsigned status = 400,
                         const std::string& code = "invalid_argument") {
        return Case{"POST", "/api/v1/streams", body, status, code, detail};
    };
    const auto with = [](const std::string& rest) {
        return R"({"name":"a","scenarios":["llama-3.1-8b-h100-pd")" + rest;
    };
    expect_answers(*daemon_, {
        post("", "the body is not JSON: incomplete JSON"),
        post("\xff\xfe", "the body is not JSON: syntax error"),
        post("[]", "the body is not a JSON object: expected {…}"),
        post(std::string(10'000, '['), "the body is not JSON: too deep"),
        post(R"({"name":"a","scenario":["x"]})",
             "\"scenario\": unknown key: expected name, scenarios, speed, request_rows; did you mean \"scenarios\"?"),
        post(R"({"name":7,"scenarios":["x"]})", "name is missing or no string: expected the stream's name"),
        post(R"({"name":"../x","scenarios":["llama-3.1-8b-h100-pd"]})",
             "name is \"../x\": expected 1 to 128 characters of A-Z a-z 0-9 . _ -"),
        post(R"({"name":"a","scenarios":"x"})",
             "scenarios is missing or no list: expected an array of scenario names"),
        post(with(R"(,"llama-3.1-8b-h100-pd"]})"),
             "scenarios names \"llama-3.1-8b-h100-pd\" twice: expected each scenario once"),
        post(with(R"(],"speed":"fast"})"), "speed is not a number" + speed),
        post(with(R"(],"speed":-1})"), "speed is -1.000000" + speed),
        post(with(R"(],"speed":1e999})"), "speed is inf" + speed),
        post(R"({"name":"a","scenarios":["llama-3.1-8b-h100-px"]})",
             "no scenario \"llama-3.1-8b-h100-px\"; did you mean \"llama-3.1-8b-h100-pd\"?", 404, "not_found"),
        {"POST", "/api/v1/streams/nobody/end", "{}", 404, "not_found",
         "no stream \"nobody\"; GET /api/v1/streams lists them"},
    });
}

// Free SQL can only read, one statement, in bounded time.
TEST_F(BadInputTest, hostile_sql_is_refused) {
    const std::string only = "only SELECT is answered here: ";
    const auto ask = [](const std::string& sql, const std::string& detail, unsigned status = 400,
                        const std::string& code = "invalid_argument") {
        return Case{"POST", "/api/v1/query", boost::json::serialize(boost::json::object{{"sql", sql}}),
                    status, code, detail};
    };
    const std::string copy = directory_ / "copy.sqlite";
    expect_answers(*daemon_, {
        ask("DROP TABLE request", only + "a change of the schema or an unlisted table function is refused"),
        ask("ATTACH DATABASE '/etc/passwd' AS x", only + "ATTACH is refused"),
        ask("SELECT 1; DELETE FROM request",
            "more than one statement: found text after ';' at character 10, expected one SELECT"),
        ask("DELETE FROM request", only + "DELETE from request is refused"),
        ask("INSERT INTO stream DEFAULT VALUES", only + "INSERT into stream is refused"),
        ask("UPDATE stream SET name = 'x'", only + "UPDATE of stream is refused"),
        ask("PRAGMA writable_schema = 1", only + "PRAGMA writable_schema is refused"),
        ask("VACUUM INTO '" + copy + "'", only + "a statement that writes is refused"),
        ask("SELECT load_extension('/tmp/evil.so')", only + "the function load_extension is refused"),
        ask("SELECT readfile('/etc/passwd')", "SQL error at character 8: no such function: readfile"),
        ask("SELECT ttft FROM request_latncy",
            "SQL error: no such table: request_latncy; did you mean request_latency?"),
        ask(std::string("SELECT 1") + '\0' + "; DROP TABLE request", "sql contains a NUL character: expected text"),
        ask("", "sql is empty: expected one SELECT statement"),
        ask("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
            "the query ran out of its 5000 ms: narrow it with WHERE, or merge window histograms instead of reading "
            "request rows", 413, "too_large"),
        ask("SELECT hex(zeroblob(100000000))", "SQL error: string or blob too big", 413, "too_large"),
        ask("SELECT " + std::string(100'000, '1'), "sql has 100007 bytes: expected at most 100000", 413, "too_large"),
        {"POST", "/api/v1/query", R"({"sql":7})", 400, "invalid_argument",
         "sql is missing or no string: expected one SELECT statement"},
    });
    EXPECT_FALSE(std::filesystem::exists(copy));
}

// Scenarios that people post, with line and nearest name.
TEST_F(BadInputTest, wrong_scenarios_are_refused_with_their_line) {
    const std::string head = "name = \"x\"\nmodel = \"Llama-3.1-8B\"\ngpu = \"H100-SXM\"\n";
    const std::string pool = "[[pool]]\nname = \"p\"\nreplicas = 1\nrole = ";
    const auto post = [](const std::string& toml, const std::string& detail) {
        return Case{"POST", "/api/v1/scenarios", toml, 400, "invalid_argument", detail};
    };
    expect_answers(
        *daemon_,
        {
            post("\n", "body:1: name is missing: expected a string"),
            post("not toml", "body:1: not valid TOML: Error while parsing key-value pair: expected '=', saw 't'"),
            post("name = \"\xff\"", "body:1: not valid TOML: Encountered invalid utf-8 sequence"),
            post(head + pool + "\"mixd\"\n",
                 "body:7: pool.role = \"mixd\": expected mixed, prefill or decode; did you mean \"mixed\"?"),
            post(head + pool + "\"prefill\"\n",
                 "body:4: pool = 0 mixed, 1 prefill, 0 decode: expected one mixed pool, or one prefill and one decode "
                 "pool"),
            post("name = \"../../x\"\n" + head.substr(head.find('\n') + 1) + pool + "\"mixed\"\n",
                 "body:1: name = \"../../x\": expected 1 to 100 letters, digits, '.', '_' or '-'"),
        },
        "application/toml");
    expect_answers(*daemon_,
                   {{"POST", "/api/v1/scenarios", "{}", 400, "invalid_argument",
                     "content-type is application/json: expected application/toml with a scenario as the body"}});
}

}  // namespace
}  // namespace replayd::testing
