/*
 * Shows a build whose clock is set the times of files by that clock: what it writes is as new as it thinks, and nothing is
 * newer. Times before its beginning, by that clock, stay what they are, for those of the source are part of what is
 * built; what the environment has of later is shown as of that beginning. SHEAF_STARTED is the beginning by the machine's
 * clock. What a build sets it finds again. Only where a long has 64 bits: there stat and stat64 are the same. Each asks
 * the next of its name, which may be fakeroot's.
 */
#define __NO_INLINE__ 1
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

#ifdef __LP64__
static long started(void)
{
  return seconds_of("SHEAF_STARTED");
}

static long shown(long time)
{
  long start = started(), away = distance();
  if (start == 0) return time;
  if (time >= start) return time + away;
  return time > start + away ? start + away : time;
}

static long kept(long time)
{
  long start = started(), away = distance();
  return start == 0 || time <= start + away ? time : time - away;
}

static int show(int result, struct stat *file)
{
  if (result != 0) return result;
  file->st_atim.tv_sec = shown(file->st_atim.tv_sec);
  file->st_mtim.tv_sec = shown(file->st_mtim.tv_sec);
  file->st_ctim.tv_sec = shown(file->st_ctim.tv_sec);
  return 0;
}

#define PLAIN(...) __VA_ARGS__

#define STAT(name, values, ...)                              \
  int name(__VA_ARGS__)                                      \
  {                                                          \
    int (*next)(__VA_ARGS__) = dlsym(RTLD_NEXT, #name);      \
    return show(next(PLAIN values), (struct stat *)file);    \
  }

/* As programs ask that were linked with glibc before 2.33; later ones have these names for such programs alone. */
#define OLD_STAT(name, now, values, ...)                                                             \
  int name(int version, __VA_ARGS__)                                                                 \
  {                                                                                                  \
    int (*old)(int, __VA_ARGS__) = dlsym(RTLD_NEXT, #name);                                          \
    int (*next)(__VA_ARGS__) = dlsym(RTLD_NEXT, #now);                                               \
    return show(old == NULL ? next values : old(version, PLAIN values), (struct stat *)file);        \
  }

#define BOTH(name, old, values, ...)                         \
  STAT(name, values, __VA_ARGS__, struct stat *file)         \
  STAT(name##64, values, __VA_ARGS__, struct stat64 *file)   \
  OLD_STAT(old, name, values, __VA_ARGS__, struct stat *file) \
  OLD_STAT(old##64, name##64, values, __VA_ARGS__, struct stat64 *file)

BOTH(stat, __xstat, (path, file), const char *path)
BOTH(lstat, __lxstat, (path, file), const char *path)
BOTH(fstat, __fxstat, (number, file), int number)

#define AT int directory, const char *path
STAT(fstatat, (directory, path, file, flags), AT, struct stat *file, int flags)
STAT(fstatat64, (directory, path, file, flags), AT, struct stat64 *file, int flags)
OLD_STAT(__fxstatat, fstatat, (directory, path, file, flags), AT, struct stat *file, int flags)
OLD_STAT(__fxstatat64, fstatat64, (directory, path, file, flags), AT, struct stat64 *file, int flags)

int statx(int directory, const char *path, int flags, unsigned int mask, struct statx *file)
{
  int (*next)(int, const char *, int, unsigned int, struct statx *) = dlsym(RTLD_NEXT, "statx");
  int result = next(directory, path, flags, mask, file);
  if (result != 0) return result;
  file->stx_atime.tv_sec = shown(file->stx_atime.tv_sec);
  file->stx_btime.tv_sec = shown(file->stx_btime.tv_sec);
  file->stx_ctime.tv_sec = shown(file->stx_ctime.tv_sec);
  file->stx_mtime.tv_sec = shown(file->stx_mtime.tv_sec);
  return 0;
}

/* Seconds beside UTIME_NOW and UTIME_OMIT say nothing. */
#define SET(name, pair, values, ...)                                            \
  int name(__VA_ARGS__)                                                         \
  {                                                                             \
    int (*next)(__VA_ARGS__) = dlsym(RTLD_NEXT, #name);                         \
    struct pair own[2];                                                         \
    if (times != NULL) {                                                        \
      for (int each = 0; each < 2; each++) {                                    \
        own[each] = times[each];                                                \
        own[each].tv_sec = kept(own[each].tv_sec);                              \
      }                                                                         \
      times = own;                                                              \
    }                                                                           \
    return next values;                                                         \
  }

SET(utimensat, timespec, (directory, path, times, flags), AT, const struct timespec *times, int flags)
SET(futimens, timespec, (number, times), int number, const struct timespec *times)
SET(utimes, timeval, (path, times), const char *path, const struct timeval *times)
SET(lutimes, timeval, (path, times), const char *path, const struct timeval *times)
SET(futimes, timeval, (number, times), int number, const struct timeval *times)
SET(futimesat, timeval, (directory, path, times), AT, const struct timeval *times)

int utime(const char *path, const struct utimbuf *times)
{
  int (*next)(const char *, const struct utimbuf *) = dlsym(RTLD_NEXT, "utime");
  struct utimbuf own;
  if (times == NULL) return next(path, NULL);
  own.actime = kept(times->actime);
  own.modtime = kept(times->modtime);
  return next(path, &own);
}
#endif
