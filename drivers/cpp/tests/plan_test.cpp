#include "case.hpp"
#include "plan.hpp"

namespace {

using namespace zerobuffer::detail;

Plan planned(std::uint64_t write_pos, std::uint64_t size) {
    const Planned result = plan_frame(1024, write_pos, size);
    CHECK(result.fit == Fit::yes);
    return result.plan;
}

} // namespace

TEST(plan, a_frame_goes_where_the_writer_stands) {
    CHECK((planned(100, 50) == Plan{.write_pos = 100, .at = 100, .size = 50, .total = 66, .tail = 0, .marker = false}));
}

TEST(plan, a_frame_that_does_not_fit_wraps_behind_a_marker) {
    const Plan plan = planned(900, 200);
    CHECK((plan == Plan{.write_pos = 900, .at = 0, .size = 200, .total = 216, .tail = 124, .marker = true}));
    CHECK_EQUAL(plan.need(), 340U);
    CHECK_EQUAL(plan.counted(), 2U);
}

TEST(plan, a_tail_without_room_for_a_marker_gets_none) {
    CHECK_EQUAL(planned(1014, 200).tail, 10U);
    CHECK(!planned(1014, 200).marker);
    CHECK(planned(1008, 200).marker);
}

TEST(plan, a_short_tail_is_avoided_where_a_wrap_is_possible) {
    for (std::uint64_t rest = 1; rest < 16; rest++) {
        CHECK_EQUAL(planned(600, 1024 - 600 - 16 - rest).at, 0U);
        CHECK_EQUAL(planned(300, 1024 - 300 - 16 - rest).at, 300U);
    }
    for (const std::uint64_t rest : {0U, 16U, 17U}) CHECK_EQUAL(planned(600, 1024 - 600 - 16 - rest).at, 600U);
}

TEST(plan, what_can_never_be_written_is_told_from_what_can) {
    CHECK(plan_frame(1024, 0, 0).fit == Fit::empty);
    CHECK(plan_frame(1024, 0, 1009).fit == Fit::too_large);
    CHECK(plan_frame(64, 0, ~std::uint64_t{0}).fit == Fit::too_large);
    CHECK(plan_frame(10240, 6160, 7168).fit == Fit::unwritable);
    CHECK_EQUAL(fits_at(10240, 6160), 6144U);
    CHECK_EQUAL(always_fits(10240), 5104U);
}

TEST(plan, every_plan_stays_inside_the_ring) {
    for (const std::uint64_t ring : {64U, 128U, 192U}) {
        for (std::uint64_t write_pos = 0; write_pos < ring; write_pos++) {
            for (std::uint64_t size = 1; size <= ring; size++) {
                const auto [fit, plan] = plan_frame(ring, write_pos, size);
                if (fit == Fit::yes) {
                    CHECK(plan.at + plan.total <= ring && plan.need() <= ring);
                    CHECK(plan.tail == 0 || plan.at + plan.total <= write_pos);
                    CHECK(!plan.marker || write_pos + 16 <= ring);
                } else if (fit == Fit::unwritable) {
                    CHECK(size > fits_at(ring, write_pos) && size > always_fits(ring));
                    CHECK(plan_frame(ring, write_pos, fits_at(ring, write_pos)).fit == Fit::yes);
                    CHECK(plan_frame(ring, write_pos, always_fits(ring)).fit == Fit::yes);
                } else {
                    CHECK(size > ring - 16);
                }
            }
        }
    }
}
