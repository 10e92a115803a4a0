/*
 * Shows a build the names of a directory in an order that does not depend on the file system: SHEAF_FILE_ORDER is "sorted"
 * or "reversed". A directory is read whole when its first entry is asked for. Only where a long has 64 bits: there an
 * entry is the same for readdir and readdir64. What the C library reads for itself (glob, scandir) it sorts anyway.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#ifdef __LP64__
struct listing {
  DIR *directory;
  struct dirent **entries;
  size_t count, next;
  struct listing *following;
};

static struct listing *listings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* 1 and -1; 0 for as it comes. */
static int wanted(void)
{
  const char *order = getenv("SHEAF_FILE_ORDER");
  if (order == NULL) return 0;
  return strcmp(order, "reversed") == 0 ? -1 : 1;
}

static int compare(const void *left, const void *right, void *direction)
{
  const struct dirent *one = *(struct dirent *const *)left, *other = *(struct dirent *const *)right;
  return *(int *)direction * strcmp(one->d_name, other->d_name);
}

static struct dirent *copy(const struct dirent *entry)
{
  size_t size = entry->d_reclen > sizeof *entry ? entry->d_reclen : sizeof *entry;
  struct dirent *copied = calloc(1, size);
  if (copied == NULL) abort();
  return memcpy(copied, entry, entry->d_reclen);
}

static struct listing **find(DIR *directory)
{
  struct listing **place = &listings;
  while (*place != NULL && (*place)->directory != directory) place = &(*place)->following;
  return place;
}

static struct listing *list(DIR *directory, int direction)
{
  struct dirent *(*next)(DIR *) = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir64");
  struct listing *listing = calloc(1, sizeof *listing);
  size_t room = 0;
  struct dirent *entry;
  if (listing == NULL) abort();
  listing->directory = directory;
  while ((entry = next(directory)) != NULL) {
    if (listing->count == room) {
      room = room == 0 ? 64 : 2 * room;
      listing->entries = reallocarray(listing->entries, room, sizeof *listing->entries);
      if (listing->entries == NULL) abort();
    }
    listing->entries[listing->count++] = copy(entry);
  }
  if (listing->count > 0) qsort_r(listing->entries, listing->count, sizeof *listing->entries, compare, &direction);
  listing->following = listings;
  return listings = listing;
}

static void forget(DIR *directory)
{
  pthread_mutex_lock(&lock);
  struct listing **place = find(directory), *listing = *place;
  if (listing != NULL) {
    *place = listing->following;
    while (listing->count > 0) free(listing->entries[--listing->count]);
    free(listing->entries);
    free(listing);
  }
  pthread_mutex_unlock(&lock);
}

struct dirent *readdir(DIR *directory)
{
  int direction = wanted();
  if (direction == 0) return ((struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir64"))(directory);
  pthread_mutex_lock(&lock);
  struct listing *listing = *find(directory);
  if (listing == NULL) listing = list(directory, direction);
  struct dirent *entry = listing->next < listing->count ? listing->entries[listing->next++] : NULL;
  pthread_mutex_unlock(&lock);
  return entry;
}

struct dirent64 *readdir64(DIR *directory)
{
  return (struct dirent64 *)readdir(directory);
}

void rewinddir(DIR *directory)
{
  forget(directory);
  ((void (*)(DIR *))dlsym(RTLD_NEXT, "rewinddir"))(directory);
}

int closedir(DIR *directory)
{
  forget(directory);
  return ((int (*)(DIR *))dlsym(RTLD_NEXT, "closedir"))(directory);
}

long telldir(DIR *directory)
{
  if (wanted() == 0) return ((long (*)(DIR *))dlsym(RTLD_NEXT, "telldir"))(directory);
  pthread_mutex_lock(&lock);
  struct listing *listing = *find(directory);
  long place = listing == NULL ? 0 : (long)listing->next;
  pthread_mutex_unlock(&lock);
  return place;
}

void seekdir(DIR *directory, long place)
{
  if (wanted() == 0) {
    ((void (*)(DIR *, long))dlsym(RTLD_NEXT, "seekdir"))(directory, place);
    return;
  }
  pthread_mutex_lock(&lock);
  struct listing *listing = *find(directory);
  if (listing != NULL && place >= 0 && (size_t)place <= listing->count) listing->next = (size_t)place;
  pthread_mutex_unlock(&lock);
}
#endif
