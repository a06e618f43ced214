// Which instruction sets this machine has.
#include "instruction_set.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

extern const struct instruction_set instruction_set_portable;

#if defined(__x86_64__)
extern const struct instruction_set instruction_set_avx2, instruction_set_avx512;

static int has_f16c(void) { // no name for it in every compiler's __builtin_cpu_supports
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1);
}

// __builtin_cpu_supports also asks whether the system saves the wide registers.
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c(); }

static int has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT; // asking the processor is slow where a hypervisor answers for it
static const struct instruction_set *sets[3];
static int count;

static void find_sets(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (has_avx512()) sets[count++] = &instruction_set_avx512;
    if (has_avx2()) sets[count++] = &instruction_set_avx2;
#endif
    sets[count++] = &instruction_set_portable;
}

const struct instruction_set *instruction_set(const char *name) {
    pthread_once(&once, find_sets);
    for (int i = 0; i < count; i++)
        if (name == NULL || strcmp(name, sets[i]->name) == 0) return sets[i];
    return NULL;
}
