#include "daemon/protocol/wire.hpp"

#include <cstdint>
#include <map>

#include <google/protobuf/descriptor.h>

#include "daemon/net/quoted.hpp"
#include "proto/replayd.pb.h"

namespace replayd::protocol::impl {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr unsigned k_varint = 0;
constexpr unsigned k_fixed64 = 1;
constexpr unsigned k_length_delimited = 2;
constexpr unsigned k_fixed32 = 5;
constexpr std::size_t k_varint_bytes_max = 10;

std::string wire_type_name(unsigned wire_type) {
    switch (wire_type) {
        case k_varint: return "0 (varint)";
        case k_fixed64: return "1 (64-bit)";
        case k_length_delimited: return "2 (length-delimited)";
        case 3: return "3 (group start)";
        case 4: return "4 (group end)";
        case k_fixed32: return "5 (32-bit)";
        default: return std::to_string(wire_type) + " (undefined)";
    }
}

/// Reads the primitive pieces of the encoding; each read is empty when the bytes end or overflow.
class Cursor {
public:
    explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
    [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }

    std::optional<std::uint64_t> varint() {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < k_varint_bytes_max && !at_end(); ++i) {
            const auto byte = static_cast<unsigned char>(bytes_[at_++]);
            value |= static_cast<std::uint64_t>(byte & 0x7fu) << (7 * i);
            if ((byte & 0x80u) == 0) return value;
        }
        return std::nullopt;
    }

    std::optional<std::string_view> take(std::uint64_t count) {
        if (count > left()) return std::nullopt;
        const std::string_view taken = bytes_.substr(at_, static_cast<std::size_t>(count));
        at_ += taken.size();
        return taken;
    }

private:
    std::string_view bytes_;
    std::size_t at_ = 0;
};

struct Field {
    std::uint64_t number = 0;
    unsigned wire_type = 0;
    std::string_view payload;  ///< of a length-delimited field
};

/// Steps over one field; empty when malformed.
std::optional<Field> next_field(Cursor& cursor) {
    const auto tag = cursor.varint();
    if (!tag) return std::nullopt;
    Field field{*tag >> 3, static_cast<unsigned>(*tag & 7u), {}};
    if (field.wire_type == k_varint) return cursor.varint() ? std::optional(field) : std::nullopt;
    if (field.wire_type == k_fixed64) return cursor.take(8) ? std::optional(field) : std::nullopt;
    if (field.wire_type == k_fixed32) return cursor.take(4) ? std::optional(field) : std::nullopt;
    if (field.wire_type != k_length_delimited) return std::nullopt;
    const auto length = cursor.varint();
    const auto payload = length ? cursor.take(*length) : std::nullopt;
    if (!payload) return std::nullopt;
    field.payload = *payload;
    return field;
}

unsigned wire_type_of(const FieldDescriptor& field) {
    switch (field.type()) {
        case FieldDescriptor::TYPE_STRING:
        case FieldDescriptor::TYPE_BYTES:
        case FieldDescriptor::TYPE_MESSAGE: return k_length_delimited;
        case FieldDescriptor::TYPE_DOUBLE:
        case FieldDescriptor::TYPE_FIXED64:
        case FieldDescriptor::TYPE_SFIXED64: return k_fixed64;
        case FieldDescriptor::TYPE_FLOAT:
        case FieldDescriptor::TYPE_FIXED32:
        case FieldDescriptor::TYPE_SFIXED32: return k_fixed32;
        default: return k_varint;
    }
}

/// Walks one message with its descriptor until something is wrong.
class Walker {
public:
    Walker(std::string_view bytes, const Descriptor& type, const std::string& path)
        : cursor_(bytes), type_(type), path_(path) {}

    std::optional<std::string> walk() {
        while (!cursor_.at_end()) {
            if (auto found = field()) return found;
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] std::string subject() const { return path_.empty() ? "the frame" : path_; }

    /// Path of the next value of `field`: repeated fields count.
    std::string path_of(const FieldDescriptor& field) {
        std::string path = path_.empty() ? field.name() : path_ + "." + field.name();
        if (field.is_repeated()) path += "[" + std::to_string(seen_[field.number()]++) + "]";
        return path;
    }

    std::optional<std::string> field() {
        const std::size_t left = cursor_.left();
        const auto tag = cursor_.varint();
        if (!tag) {
            return subject() + " ends in the middle of a field's tag (" + std::to_string(left) + " bytes left)";
        }
        const std::uint64_t number = *tag >> 3;
        const auto wire_type = static_cast<unsigned>(*tag & 7u);
        const FieldDescriptor* known =
            number <= FieldDescriptor::kMaxNumber ? type_.FindFieldByNumber(static_cast<int>(number)) : nullptr;
        if (known == nullptr) {
            return subject() + " has the unknown field " + std::to_string(number) + ": expected the fields of " +
                   type_.full_name() + " in proto/replayd.proto";
        }
        const std::string path = path_of(*known);
        const unsigned expected = wire_type_of(*known);
        const bool packed = wire_type == k_length_delimited && known->is_packable();
        if (wire_type != expected && !packed) {
            return path + " has wire type " + wire_type_name(wire_type) + ": expected " + wire_type_name(expected);
        }
        if (wire_type == k_length_delimited) return delimited(*known, path);
        return scalar(wire_type, path);
    }

    std::optional<std::string> scalar(unsigned wire_type, const std::string& path) {
        const std::size_t left = cursor_.left();
        if (wire_type == k_varint) {
            if (cursor_.varint()) return std::nullopt;
            if (left >= k_varint_bytes_max) return path + " is a varint of more than 10 bytes: expected at most 10";
            return path + " is cut off in the middle of its varint";
        }
        const std::size_t size = wire_type == k_fixed64 ? 8 : 4;
        if (cursor_.take(size)) return std::nullopt;
        return path + " is cut off: expected " + std::to_string(size) + " bytes, " + std::to_string(left) + " left";
    }

    std::optional<std::string> delimited(const FieldDescriptor& field, const std::string& path) {
        const auto length = cursor_.varint();
        if (!length) return path + " is cut off in the middle of its length";
        const auto payload = cursor_.take(*length);
        if (!payload) {
            return path + " is cut off: " + std::to_string(*length) + " bytes announced, " +
                   std::to_string(cursor_.left()) + " left";
        }
        if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
            return Walker(*payload, *field.message_type(), path).walk();
        }
        if (field.type() == FieldDescriptor::TYPE_STRING) {
            if (net::is_utf8(*payload)) return std::nullopt;
            return path + " is " + net::quoted(*payload) + ": expected UTF-8";
        }
        for (Cursor packed(*payload); !packed.at_end();) {
            if (!packed.varint()) return path + " holds a broken varint: expected packed varints";
        }
        return std::nullopt;
    }

    Cursor cursor_;
    const Descriptor& type_;
    std::string path_;
    std::map<int, std::size_t> seen_;  ///< values so far of each repeated field
};

}  // namespace

std::size_t arrivals_in_batch(std::string_view batch) {
    std::size_t count = 0;
    Cursor cursor(batch);
    while (!cursor.at_end()) {
        const auto field = next_field(cursor);
        if (!field) break;
        if (field->number == v1::ArrivalBatch::kArrivalsFieldNumber) ++count;
    }
    return count;
}

FrameShape shape_of_client_frame(std::string_view frame) {
    FrameShape shape;
    Cursor cursor(frame);
    while (!cursor.at_end()) {
        const auto field = next_field(cursor);
        if (!field) break;
        ++shape.messages;
        if (field->number == v1::ClientMessage::kBatchFieldNumber) shape.arrivals += arrivals_in_batch(field->payload);
    }
    return shape;
}

std::optional<std::string> wire_violation(std::string_view bytes, const Descriptor& type, const std::string& path) {
    return Walker(bytes, type, path).walk();
}

}  // namespace replayd::protocol::impl
