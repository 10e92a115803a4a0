/*
 * Shows a build another machine: SHEAF_PROCESSORS is how many processors it counts, SHEAF_KERNEL the release that uname
 * tells. What runs is not bound to fewer, nor does anything run on another kernel.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

/* 0 for as many as there are. */
static int processors(void)
{
  const char *text = getenv("SHEAF_PROCESSORS");
  return text == NULL ? 0 : atoi(text);
}

long sysconf(int name)
{
  int shown = name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF ? processors() : 0;
  return shown > 0 ? shown : ((long (*)(int))dlsym(RTLD_NEXT, "sysconf"))(name);
}

int get_nprocs(void)
{
  return sysconf(_SC_NPROCESSORS_ONLN);
}

int get_nprocs_conf(void)
{
  return sysconf(_SC_NPROCESSORS_CONF);
}

int sched_getaffinity(pid_t process, size_t size, cpu_set_t *set)
{
  int result = ((int (*)(pid_t, size_t, cpu_set_t *))dlsym(RTLD_NEXT, "sched_getaffinity"))(process, size, set);
  int shown = processors();
  if (result == 0 && shown > 0) {
    CPU_ZERO_S(size, set);
    for (int each = 0; each < shown; each++) CPU_SET_S(each, size, set);
  }
  return result;
}

int uname(struct utsname *names)
{
  int result = ((int (*)(struct utsname *))dlsym(RTLD_NEXT, "uname"))(names);
  const char *release = getenv("SHEAF_KERNEL");
  if (result == 0 && release != NULL) {
    memset(names->release, 0, sizeof names->release);
    strncpy(names->release, release, sizeof names->release - 1);
  }
  return result;
}
