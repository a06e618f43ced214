// Threads that run one function together. One team a process, shared by all callers, who take turns.
#ifndef OFFBOOK_POOL_H
#define OFFBOOK_POOL_H

#include <stdint.h>

enum { POOL_MAX_THREADS = 256 };

struct team; // the threads of one call

typedef void (*team_function)(struct team *team, int thread, void *argument);

// Runs `function` on `threads` threads, the caller being thread 0. Returns how many ran (fewer where none could be
// started).
int pool_run(int threads, team_function function, void *argument);

int team_size(const struct team *team);

// Waits until every thread of the team has come here. Also sets the shared counter of `team_next` to 0.
void team_barrier(struct team *team);

// Hands out [*begin, *end) of `count` items, `chunk` at a time; 0 when none are left. A barrier must lie between two
// uses.
int team_next(struct team *team, int64_t count, int64_t chunk, int64_t *begin, int64_t *end);

#endif
