// Compares our protocol files with the table of the v1 protocol, tests/conformance/mesos-v1.tsv,
// row by row and both ways: what the table lacks must not be in ours either, since strict clients
// refuse fields and enum values that they don't know.
#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "mesos/v1/agent/agent.pb.h"
#include "mesos/v1/allocator/allocator.pb.h"
#include "mesos/v1/executor/executor.pb.h"
#include "mesos/v1/maintenance/maintenance.pb.h"
#include "mesos/v1/master/master.pb.h"
#include "mesos/v1/mesos.pb.h"
#include "mesos/v1/quota/quota.pb.h"
#include "mesos/v1/scheduler/scheduler.pb.h"

namespace souk::wire {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

constexpr std::size_t kRowsAtLeast = 1600;

std::string table_path() {
  const char* root = std::getenv("SOUK_SOURCE_DIR");
  return std::string(root == nullptr ? "." : root) + "/tests/conformance/mesos-v1.tsv";
}

std::set<std::string> rows_of_table() {
  std::ifstream file(table_path());
  std::set<std::string> rows;
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "kind\ttype\tname\tnumber\tlabel\tvalue type\tdefault\tnotes") << table_path();
  while (std::getline(file, line)) EXPECT_TRUE(rows.insert(line).second) << "twice: " << line;
  return rows;
}

std::string label(const FieldDescriptor* field) {
  if (field->is_repeated()) return "repeated";
  return field->is_required() ? "required" : "optional";
}

std::string value_type(const FieldDescriptor* field) {
  if (field->message_type() != nullptr) return field->message_type()->full_name();
  if (field->enum_type() != nullptr) return field->enum_type()->full_name();
  return field->type_name();
}

std::string explicit_default(const FieldDescriptor* field) {
  if (!field->has_default_value()) return "";
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return fmt::format("{}", field->default_value_double());
    case FieldDescriptor::CPPTYPE_BOOL:
      return field->default_value_bool() ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return fmt::format("{}", field->default_value_int32());
    case FieldDescriptor::CPPTYPE_UINT32:
      return fmt::format("{}", field->default_value_uint32());
    case FieldDescriptor::CPPTYPE_STRING:
      return field->default_value_string();
    case FieldDescriptor::CPPTYPE_ENUM:
      return field->default_value_enum()->name();
    default:
      return "a default of a type that the table does not use";
  }
}

std::string notes(const FieldDescriptor* field) {
  if (field->is_map()) return "map";
  if (field->containing_type()->options().map_entry()) return "entry of a map";
  if (field->containing_oneof() != nullptr) return "oneof=" + field->containing_oneof()->name();
  return field->options().deprecated() ? "deprecated" : "";
}

class Ours {
 public:
  void add(const FileDescriptor* file) {
    for (int i = 0; i < file->enum_type_count(); ++i) add(file->enum_type(i));
    for (int i = 0; i < file->message_type_count(); ++i) add(file->message_type(i));
  }

  const std::set<std::string>& rows() const { return rows_; }

 private:
  void add(const EnumDescriptor* type) {
    for (int i = 0; i < type->value_count(); ++i) {
      const auto* value = type->value(i);
      rows_.insert(fmt::format("enum\t{}\t{}\t{}\t\t\t\t{}", type->full_name(), value->name(),
                               value->number(), value->options().deprecated() ? "deprecated" : ""));
    }
  }

  void add(const Descriptor* type) {
    for (int i = 0; i < type->enum_type_count(); ++i) add(type->enum_type(i));
    for (int i = 0; i < type->nested_type_count(); ++i) add(type->nested_type(i));
    if (type->field_count() == 0)
      rows_.insert(fmt::format("message\t{}\t\t\t\t\t\t", type->full_name()));
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      rows_.insert(fmt::format("field\t{}\t{}\t{}\t{}\t{}\t{}\t{}", type->full_name(),
                               field->name(), field->number(), label(field), value_type(field),
                               explicit_default(field), notes(field)));
    }
  }

  std::set<std::string> rows_;
};

std::set<std::string> rows_of_ours() {
  Ours ours;
  for (const FileDescriptor* file : {
           mesos::v1::FrameworkID::descriptor()->file(),
           mesos::v1::scheduler::Call::descriptor()->file(),
           mesos::v1::executor::Call::descriptor()->file(),
           mesos::v1::allocator::InverseOfferStatus::descriptor()->file(),
           mesos::v1::maintenance::Schedule::descriptor()->file(),
           mesos::v1::quota::QuotaConfig::descriptor()->file(),
           mesos::v1::master::Call::descriptor()->file(),
           mesos::v1::agent::Call::descriptor()->file(),
       }) {
    ours.add(file);
  }
  return ours.rows();
}

TEST(Descriptors, HoldEveryRowOfTheTable) {
  const std::set<std::string> table = rows_of_table();
  const std::set<std::string> ours = rows_of_ours();
  EXPECT_GE(table.size(), kRowsAtLeast);
  for (const std::string& row : table)
    EXPECT_TRUE(ours.contains(row)) << "lacking or different: " << row;
}

TEST(Descriptors, HoldNothingElse) {
  const std::set<std::string> table = rows_of_table();
  for (const std::string& row : rows_of_ours())
    EXPECT_TRUE(table.contains(row)) << "extra or different: " << row;
}

}  // namespace
}  // namespace souk::wire
