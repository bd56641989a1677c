#include "point.h"

#include <signal.h>
#include <string.h>

int zb_point_armed = ZB_POINT_NONE;
static unsigned long remaining;
static int armed_signal;

static const char *const names[] = {
    NULL,
#define ZB_POINT_NAME(id, name) name,
    ZB_POINT_LIST(ZB_POINT_NAME)
#undef ZB_POINT_NAME
};

const char *zb_point_name(int id) {
    const int count = (int)(sizeof names / sizeof names[0]);
    return id > 0 && id < count ? names[id] : NULL;
}

int zb_point_arm(const char *name, unsigned long count, int signal_number) {
    for (int id = 1; zb_point_name(id) != NULL; id++) {
        if (strcmp(zb_point_name(id), name) == 0) {
            zb_point_armed = id;
            remaining = count;
            armed_signal = signal_number;
            return 0;
        }
    }
    return -1;
}

void zb_point_hit(int id) {
    if (remaining > 1) {
        remaining--;
        return;
    }
    if (zb_point_armed == id) {
        zb_point_armed = ZB_POINT_NONE;
        raise(armed_signal);
    }
}
