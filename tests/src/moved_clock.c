// Moves the wall clock of a process by the seconds in the file that MOVED_CLOCK names. If there is a file of that name
// with the ending .failure, the clock fails once, after it was read as often as the file says.
// tests/src/moved_clock.rs builds it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// Counts a read. Returns whether it fails.
static int fails(void) {
    char *path = NULL;
    long reads = 0;
    int is_last = 0;
    if (asprintf(&path, "%s.failure", getenv("MOVED_CLOCK")) < 0) {
        return 0;
    }
    FILE *file = fopen(path, "r+");
    if (file) {
        is_last = fscanf(file, "%ld", &reads) == 1 && reads == 0;
        rewind(file);
        fprintf(file, "%ld ", reads - 1);
        fclose(file);
    }
    if (is_last) {
        remove(path);
    }
    free(path);
    return is_last;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int (*system_clock)(clockid_t, struct timespec *);
    *(void **)&system_clock = dlsym(RTLD_NEXT, "clock_gettime");
    if (clock == CLOCK_REALTIME && fails()) {
        errno = EINVAL;
        return -1;
    }
    int result = system_clock(clock, time);
    FILE *file = result == 0 && clock == CLOCK_REALTIME ? fopen(getenv("MOVED_CLOCK"), "r") : NULL;
    long seconds;
    if (file) {
        if (fscanf(file, "%ld", &seconds) == 1) {
            time->tv_sec += seconds;
        }
        fclose(file);
    }
    return result;
}
