#include "replay/sim/no_sink.hpp"

namespace replayd {
namespace {

class NoSink final : public RecordSink {
public:
    void on_request(RequestRecord&&) override {}
    void on_window(WindowRecord&&) override {}
};

}  // namespace

RecordSink& no_sink() {
    static NoSink nowhere;
    return nowhere;
}

}  // namespace replayd
