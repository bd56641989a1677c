#include "spin.h"

#define SHIFT_MOST 16
#define BRIEF_LOOKS 64
#define HEADWAY_LOOKS 16
#define HEADWAY_WAITS 8
#define HEADWAY_LEAST_FRAMES 4
#define HEADWAY_NS 4000

void zb_spin_init(zb_spin *spin, int64_t limit_ns) { *spin = (zb_spin){.limit_ns = limit_ns}; }

static int64_t limit_for(const zb_spin *spin, uint64_t frame_size) {
    const int64_t copy = (int64_t)(frame_size / ZB_SPIN_BYTES_PER_NS);
    return spin->limit_ns + (copy < ZB_SPIN_LARGE_MOST_NS ? copy : ZB_SPIN_LARGE_MOST_NS);
}

bool zb_spin_until(zb_spin *spin, uint64_t frame_size, zb_condition condition, void *context) {
    if (spin->limit_ns <= 0) return false;
    const int64_t limit = limit_for(spin, frame_size);
    const bool probe = ++spin->waits % ZB_SPIN_PROBE == 0;
    int64_t now = zb_now();
    int64_t end = now + (probe ? limit : limit >> spin->shift);
    const int64_t last = now + ZB_SPIN_MOST_NS;
    do {
        for (int i = 0; i < 8; i++) {
            const zb_look look = condition(context);
            if (look == ZB_READY) {
                spin->shift = 0;
                return true;
            }
            if (look == ZB_PROGRESS) end = last;
            zb_pause();
        }
        now = zb_now();
        if (end == last) end = now + limit;
    } while (now < end && now < last);
    if (!probe && spin->shift < SHIFT_MOST) spin->shift++;
    return false;
}

int zb_spin_briefly(const zb_spin *spin, zb_condition condition, void *context) {
    if (spin->limit_ns <= 0 || spin->shift > 0) return 0;
    for (int looks = 1; looks <= BRIEF_LOOKS; looks++) {
        if (condition(context) == ZB_READY) return looks;
        zb_pause();
    }
    return 0;
}

void zb_headway_give(zb_headway *headway, uint64_t frames) {
    if (headway->given && frames - headway->frames_before < HEADWAY_LEAST_FRAMES) headway->brief_waits = 0;
    headway->given = headway->brief_waits >= HEADWAY_WAITS;
    headway->frames_before = frames;
    if (!headway->given) return;
    for (const int64_t end = zb_now() + HEADWAY_NS; zb_now() < end;) {
        for (int i = 0; i < 16; i++) zb_pause();
    }
}

void zb_headway_learn(zb_headway *headway, int looks) {
    if (looks == 0 || (!headway->given && looks > HEADWAY_LOOKS)) {
        headway->brief_waits = 0;
    } else if (headway->brief_waits < HEADWAY_WAITS) {
        headway->brief_waits++;
    }
}

bool zb_courtesy_due(zb_courtesy *courtesy) {
    if (courtesy->skip == 0) return true;
    courtesy->skip--;
    return false;
}

void zb_courtesy_learn(zb_courtesy *courtesy, uint64_t frames, uint64_t frame_size, uint64_t ticks) {
    const uint64_t each = ZB_COURTESY_FRAME_TICKS + frame_size / ZB_COURTESY_BYTES_PER_TICK;
    if (frames > 0 && ticks < ZB_COURTESY_QUICK_TICKS + frames * each) {
        if (courtesy->failures > 0) courtesy->failures--;
        return;
    }
    if (ticks >= ZB_COURTESY_LONG_TICKS) {
        courtesy->failures = ZB_COURTESY_LONG_FAILURES;
    } else if (courtesy->failures < ZB_COURTESY_MOST_FAILURES) {
        courtesy->failures++;
    }
    courtesy->skip = 1u << courtesy->failures;
}
