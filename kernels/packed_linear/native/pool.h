// Threads that run one function together. One team a process, shared by all callers, who take turns.
#ifndef OFFBOOK_POOL_H
#define OFFBOOK_POOL_H

#include <stdint.h>

enum { POOL_MAX_THREADS = 256, RUNS_AHEAD = 2 };

struct team; // the threads of one call

typedef void (*team_function)(struct team *team, int thread, void *argument);

// Runs `function` on `threads` threads, the caller being thread 0. Returns how many ran (fewer where none could be
// started).
int pool_run(int threads, team_function function, void *argument);

int team_size(const struct team *team);

// What a thread reads next: runs of memory of equal length, which it fetches while it waits for the others.
struct ahead {
    const uint8_t *runs[RUNS_AHEAD];
    int64_t bytes; // of each
};

// Waits until every thread of the team has come here, and ends what `take_turn` hands out. `ahead` may be NULL.
void team_barrier(struct team *team, const struct ahead *ahead);

// Items that the threads of a team share. The first turn of each is settled beforehand and takes half of all together;
// the others are shorter and shorter, for whoever comes.
struct turns {
    struct team *team;
    int64_t turn, count, smallest;
};

// A barrier must lie between two uses. `smallest`: turns are a multiple of it.
struct turns turns_of(struct team *team, int thread, int64_t count, int64_t smallest);

// Where the first turn begins.
int64_t first_item(const struct turns *turns);

// [*begin, *end) of the items; 0 when none are left.
int take_turn(struct turns *turns, int64_t *begin, int64_t *end);

#endif
