#pragma once
// Numbers to and from the bytes of a stored law, little-endian.

#include <bit>
#include <cstring>
#include <string>
#include <string_view>

namespace replayd::cost {

static_assert(std::endian::native == std::endian::little, "laws are stored little-endian");

template <class T>
void put_bytes(std::string& out, T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    out.append(bytes, sizeof(T));
}

/// Takes values off the front of a text; fails for good once it is too short.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
    template <class T>
    T take() {
        T value{};
        if (rest_.size() < sizeof(T)) {
            ok_ = false;
            return value;
        }
        std::memcpy(&value, rest_.data(), sizeof(T));
        rest_.remove_prefix(sizeof(T));
        return value;
    }
    [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t left() const { return rest_.size(); }

private:
    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace replayd::cost
