/* Named points inside an operation, where a fault test stops or kills this process: only in a build with ZB_POINTS. */
#ifndef ZB_POINT_H
#define ZB_POINT_H

#ifdef ZB_POINTS

#define ZB_POINT_LIST(X)                                                                                               \
    X(WRITER_OPENED, "writer.opened")                                                                                  \
    X(WRITER_ANNOUNCED, "writer.announced")                                                                            \
    X(WRITER_PLANNED, "writer.planned")                                                                                \
    X(WRITER_DATA, "writer.data")                                                                                      \
    X(WRITER_HEADER, "writer.header")                                                                                  \
    X(WRITER_INTENT, "writer.intent")                                                                                  \
    X(WRITER_POSITION, "writer.position")                                                                              \
    X(WRITER_FREE, "writer.free")                                                                                      \
    X(WRITER_COUNT, "writer.count")                                                                                    \
    X(WRITER_COMMIT, "writer.commit")                                                                                  \
    X(WRITER_POST, "writer.post")                                                                                      \
    X(WRITER_DONE, "writer.done")                                                                                      \
    X(WRITER_METADATA, "writer.metadata")                                                                              \
    X(READER_FORMATTED, "reader.formatted")                                                                            \
    X(READER_TOKEN, "reader.token")                                                                                    \
    X(READER_WRAP, "reader.wrap")                                                                                      \
    X(READER_POSITION, "reader.position")                                                                              \
    X(READER_COUNT, "reader.count")                                                                                    \
    X(READER_FREE, "reader.free")                                                                                      \
    X(READER_SPACE, "reader.space")                                                                                    \
    X(READER_DEATH, "reader.death")

typedef enum zb_point_id {
    ZB_POINT_NONE = 0,
#define ZB_POINT_ENUM(id, name) ZB_POINT_##id,
    ZB_POINT_LIST(ZB_POINT_ENUM)
#undef ZB_POINT_ENUM
} zb_point_id;

extern int zb_point_armed;

/* Arms NAME so that the process gets SIGNAL at its COUNTth passage; returns 0, or -1 for an unknown name. */
int zb_point_arm(const char *name, unsigned long count, int signal_number);
void zb_point_hit(int id);
/* The name of point ID (from 1), or NULL past the last. */
const char *zb_point_name(int id);

#define ZB_POINT(id)                                                                                                   \
    do {                                                                                                               \
        if (__builtin_expect(zb_point_armed == ZB_POINT_##id, 0)) zb_point_hit(ZB_POINT_##id);                         \
    } while (0)

#else
#define ZB_POINT(id) ((void)0)
#endif

#endif
