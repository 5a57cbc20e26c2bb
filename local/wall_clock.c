/* Gives a program a wall clock that is wrong by as many seconds as a file says, at each moment.

   Preloaded (LD_PRELOAD). The file is what WALL_CLOCK names: one int64, which `local/hazards.py`
   writes. The monotonic clock stays as it is, as it does where a machine's clock is set. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t none, *wrong = &none;
static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("WALL_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    real_timedwait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    if (!real_timedwait) real_timedwait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    if (file < 0) return;
    void *page = mmap(NULL, sizeof *wrong, PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) wrong = page;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!real_gettime) begin();
    int failed = real_gettime(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *wrong;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

/* A moment of the wall clock that a thread waits for; one of the monotonic clock is far smaller. */
int pthread_cond_timedwait(pthread_cond_t *restrict on, pthread_mutex_t *restrict lock,
                           const struct timespec *restrict until) {
    struct timespec moment = *until;
    if (!real_timedwait) begin();
    if (moment.tv_sec > 1000000000) moment.tv_sec -= *wrong;
    return real_timedwait(on, lock, &moment);
}
