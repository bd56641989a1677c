/* Where a frame goes: every size at every position of small rings, against a model that marks bytes one by one. */
#include "check.h"
#include "model.h"
#include "ring.h"

static const uint64_t PAYLOADS[] = {64, 128, 192, 256, 320};
#define EACH_PAYLOAD(size)                                                                                             \
    for (uint64_t n_ = 0, size = PAYLOADS[0]; n_ < sizeof PAYLOADS / sizeof *PAYLOADS;                                 \
         n_++, size = n_ < sizeof PAYLOADS / sizeof *PAYLOADS ? PAYLOADS[n_] : 0)

static zb_status status_of(model_answer answer) {
    switch (answer) {
    case MODEL_EMPTY_FRAME: return ZB_INVALID_FRAME_SIZE;
    case MODEL_TOO_LARGE: return ZB_FRAME_TOO_LARGE;
    case MODEL_UNWRITABLE: return ZB_FRAME_UNWRITABLE;
    default: return ZB_OK;
    }
}

static void every_frame_goes_where_the_model_puts_it(void) {
    uint64_t compared = 0;
    EACH_PAYLOAD(payload) {
        for (uint64_t pos = 0; pos < payload; pos++) {
            for (uint64_t size = 0; size <= payload + 2; size++) {
                check_note("payload %llu, position %llu, size %llu", (unsigned long long)payload,
                           (unsigned long long)pos, (unsigned long long)size);
                zb_plan plan;
                model_place place;
                const model_answer answer = model_plan(payload, pos, size, &place);
                CHECK_EQ(zb_plan_frame(payload, pos, size, &plan), status_of(answer));
                compared++;
                if (answer != MODEL_WRITTEN) continue;
                CHECK_EQ(plan.write_pos, pos);
                CHECK_EQ(plan.at, place.at);
                CHECK_EQ(plan.total, size + 16);
                CHECK_EQ(plan.tail, place.waste);
                CHECK_EQ(plan.marker, place.marker);
                CHECK_EQ(zb_plan_need(&plan), place.waste + size + 16);
            }
        }
    }
    CHECK_EQ(compared, 64 * 67 + 128 * 131 + 192 * 195 + 256 * 259 + 320 * 323);
}

static void a_stub_is_left_only_when_wrapping_is_impossible(void) {
    EACH_PAYLOAD(payload) {
        for (uint64_t pos = 0; pos < payload; pos++) {
            for (uint64_t size = 1; size + 16 <= payload; size++) {
                zb_plan plan;
                if (zb_plan_frame(payload, pos, size, &plan) != ZB_OK || plan.tail != 0) continue;
                const uint64_t rest = payload - pos - plan.total;
                if (rest >= 1 && rest <= 15) CHECK(size + 16 > pos);
            }
        }
    }
}

static void the_sizes_named_in_errors_are_exact(void) {
    zb_plan plan;
    EACH_PAYLOAD(payload) {
        const uint64_t always = zb_ring_always_fits(payload);
        uint64_t least = UINT64_MAX;
        for (uint64_t pos = 0; pos < payload; pos++) {
            const uint64_t most = zb_ring_fits_at(payload, pos);
            check_note("payload %llu, position %llu", (unsigned long long)payload, (unsigned long long)pos);
            CHECK_EQ(zb_plan_frame(payload, pos, most, &plan), ZB_OK);
            CHECK_EQ(zb_plan_frame(payload, pos, most + 1, &plan),
                     most + 1 + 16 > payload ? ZB_FRAME_TOO_LARGE : ZB_FRAME_UNWRITABLE);
            if (most < least) least = most;
        }
        CHECK_EQ(always, least);
    }
}

static void huge_numbers_do_not_overflow(void) {
    zb_plan plan;
    const uint64_t payload = (uint64_t)1 << 62;
    CHECK_EQ(zb_plan_frame(payload, 0, payload - 16, &plan), ZB_OK);
    CHECK_EQ(zb_plan_frame(payload, 0, payload - 15, &plan), ZB_FRAME_TOO_LARGE);
    for (uint64_t back = 0; back < 40; back++) {
        CHECK_EQ(zb_plan_frame(payload, 0, UINT64_MAX - back, &plan), ZB_FRAME_TOO_LARGE);
        CHECK_EQ(zb_plan_frame(64, 48, UINT64_MAX - back, &plan), ZB_FRAME_TOO_LARGE);
    }
    CHECK_EQ(zb_plan_frame(payload, payload - 64, payload / 2, &plan), ZB_OK);
    CHECK_EQ(plan.at, 0);
    CHECK_EQ(zb_plan_need(&plan), 64 + payload / 2 + 16);
    /* The example of the protocol: 6160 of 10240, a frame of 7168 bytes. */
    CHECK_EQ(zb_plan_frame(10240, 6160, 7168, &plan), ZB_FRAME_UNWRITABLE);
    CHECK_EQ(zb_ring_fits_at(10240, 6160), 6160 - 16);
    CHECK_EQ(zb_ring_always_fits(10240), 5104);
}

CHECK_MAIN(TEST(every_frame_goes_where_the_model_puts_it), TEST(a_stub_is_left_only_when_wrapping_is_impossible),
           TEST(the_sizes_named_in_errors_are_exact), TEST(huge_numbers_do_not_overflow))
