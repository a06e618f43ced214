// A waiting thread spins for a short, bounded time and then sleeps: where something else wants its core, it gives way
// instead of keeping away the thread it waits for. While it spins it fetches what it reads next, so that memory is read
// though one thread of a phase is done before the others. Half of the work is handed out by a counter, so a thread that
// was held up takes less of it.
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

static const int64_t SPIN_NS = 60000; // between the phases of a step, which take as long
static const unsigned JOB_STEP = 2 * POOL_MAX_THREADS;
enum { LINE = 64 }; // of the cache, in bytes
static const int SPINS_BETWEEN_LOOKS_AT_THE_CLOCK = 32;

struct team {
    int threads;
    team_function function;
    void *argument;
    atomic_int arrived;
    atomic_uint phase;     // grows with every barrier
    atomic_llong next;     // of take_turn: turns taken behind the first of each thread
    atomic_int sleepers;   // threads that wait on `woken`
    pthread_mutex_t mutex; // of `woken` alone
    pthread_cond_t woken;
};

static pthread_mutex_t one_caller = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct team the_team;
// What workers wait for: the number of the job, and in its low bits how many threads take part in it. A worker reads
// both at once, so one that wakes late takes part in a job once or not at all.
static atomic_uint job;
static int workers; // started so far; worker i is thread i + 1

static inline void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Returns when `*value` is no longer `old`.
static void wait_for_change(struct team *team, atomic_uint *value, unsigned old, const struct ahead *ahead) {
    const int64_t start = now_ns();
    int64_t fetched = 0;
    do {
        for (int i = 0; i < SPINS_BETWEEN_LOOKS_AT_THE_CLOCK; i++) {
            if (atomic_load_explicit(value, memory_order_acquire) != old) return;
            if (ahead != NULL && fetched < ahead->bytes) {
                for (int run = 0; run < RUNS_AHEAD; run++)
                    if (ahead->runs[run] != NULL) __builtin_prefetch(ahead->runs[run] + fetched, 0, 2);
                fetched += LINE;
            } else {
                pause_briefly();
            }
        }
    } while (now_ns() - start < SPIN_NS);
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add(&team->sleepers, 1);
    while (atomic_load(value) == old) pthread_cond_wait(&team->woken, &team->mutex);
    atomic_fetch_sub(&team->sleepers, 1);
    pthread_mutex_unlock(&team->mutex);
}

// Changes `*value` and wakes who sleeps. A sleeper counts itself before it looks at the value again, so none is missed.
static void change(struct team *team, atomic_uint *value, unsigned changed) {
    atomic_store(value, changed);
    if (atomic_load(&team->sleepers) > 0) {
        pthread_mutex_lock(&team->mutex);
        pthread_cond_broadcast(&team->woken);
        pthread_mutex_unlock(&team->mutex);
    }
}

int team_size(const struct team *team) { return team->threads; }

void team_barrier(struct team *team, const struct ahead *ahead) {
    const unsigned phase = atomic_load(&team->phase);
    if (atomic_fetch_add(&team->arrived, 1) + 1 == team->threads) {
        atomic_store(&team->arrived, 0);
        atomic_store(&team->next, 0);
        change(team, &team->phase, phase + 1);
    } else {
        wait_for_change(team, &team->phase, phase, ahead);
    }
}

struct turns turns_of(struct team *team, int thread, int64_t count, int64_t smallest) {
    return (struct turns){team, thread, count, smallest};
}

// As many turns as there are threads take half of what is left, then again as many half of what is left then.
static int64_t size_of_turn(const struct turns *turns, int64_t left) {
    const int64_t smallest = turns->smallest, some = left / (2 * turns->team->threads);
    return some < smallest ? smallest : (some + smallest - 1) / smallest * smallest;
}

int64_t first_item(const struct turns *turns) { return turns->turn * size_of_turn(turns, turns->count); }

int take_turn(struct turns *turns, int64_t *begin, int64_t *end) {
    const int64_t threads = turns->team->threads;
    int64_t from = 0, turn = turns->turn, size = size_of_turn(turns, turns->count);
    for (; turn >= threads && from < turns->count; turn -= threads) {
        from += threads * size;
        size = size_of_turn(turns, turns->count - from);
    }
    from += turn * size;
    if (from >= turns->count) return 0;
    *begin = from;
    *end = from + size < turns->count ? from + size : turns->count;
    turns->turn = threads + atomic_fetch_add_explicit(&turns->team->next, 1, memory_order_relaxed);
    return 1;
}

static void *work(void *place) {
    const int thread = (int)(intptr_t)place;
    unsigned seen = 0; // also of a worker that starts late: no earlier job had as many threads
    for (;;) {
        wait_for_change(&the_team, &job, seen, NULL);
        seen = atomic_load(&job);
        if (thread < (int)(seen % JOB_STEP)) {
            the_team.function(&the_team, thread, the_team.argument);
            team_barrier(&the_team, NULL); // the caller returns when all have finished
        }
    }
    return NULL;
}

static void before_fork(void) { pthread_mutex_lock(&one_caller); }

static void after_fork_in_parent(void) { pthread_mutex_unlock(&one_caller); }

// The child has the caller's thread alone.
static void after_fork_in_child(void) {
    workers = 0;
    pthread_mutex_init(&one_caller, NULL);
    pthread_mutex_init(&the_team.mutex, NULL);
    pthread_cond_init(&the_team.woken, NULL);
    atomic_store(&the_team.sleepers, 0);
    atomic_store(&job, 0);
}

static void set_up(void) {
    pthread_mutex_init(&the_team.mutex, NULL);
    pthread_cond_init(&the_team.woken, NULL);
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int pool_run(int threads, team_function function, void *argument) {
    pthread_once(&once, set_up);
    pthread_mutex_lock(&one_caller);
    if (threads > POOL_MAX_THREADS) threads = POOL_MAX_THREADS;
    if (threads < 1) threads = 1;
    while (workers < threads - 1) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, (void *)(intptr_t)(workers + 1)) != 0) break;
        pthread_detach(thread);
        workers++;
    }
    if (threads > workers + 1) threads = workers + 1;
    the_team.function = function;
    the_team.argument = argument;
    atomic_store(&the_team.next, 0);
    atomic_store(&the_team.arrived, 0);
    the_team.threads = threads;
    if (threads > 1) {
        const unsigned number = atomic_load(&job) / JOB_STEP + 1;
        change(&the_team, &job, number * JOB_STEP + (unsigned)threads);
    }
    function(&the_team, 0, argument);
    if (threads > 1) team_barrier(&the_team, NULL);
    pthread_mutex_unlock(&one_caller);
    return threads;
}
