// Moves the wall clock of a process by the seconds in the file that MOVED_CLOCK names. tests/src/moved_clock.rs builds it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int (*system_clock)(clockid_t, struct timespec *);
    *(void **)&system_clock = dlsym(RTLD_NEXT, "clock_gettime");
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
