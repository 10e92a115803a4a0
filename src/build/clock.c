/*
 * Shows a build another time: what asks for the time of day gets it SHEAF_CLOCK seconds away, so that it passes and is
 * the same for all processes. The times of files follow in file-times.c.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* In seconds, by a variable of the environment; 0 without it. */
static long seconds_of(const char *name)
{
  const char *text = getenv(name);
  return text == NULL ? 0 : atol(text);
}

static long distance(void)
{
  return seconds_of("SHEAF_CLOCK");
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
  int result = syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += distance();
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
  struct timespec exact;
  (void)zone;
  if (now == NULL) return 0;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec *now, int base)
{
  if (base != TIME_UTC) return 0;
  clock_gettime(CLOCK_REALTIME, now);
  return base;
}
