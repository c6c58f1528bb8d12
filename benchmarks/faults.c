/* Fails the n-th call of a kind, in the process that armed it or in those that it forked. For LD_PRELOAD; see faults.py.

   Only calls that concern files below a root are counted: by an absolute path below it, by a path relative to an open
   directory, or by a descriptor of a file below it. Anonymous memory, forks and sockets have no path and always count. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN, READ, WRITE, RENAME, FSYNC, STAT, UNLINK, MKDIR, MMAP, FORK, UTIME, LINK, LIST, TRUNCATE, LOCK, SOCKET, KINDS };

struct shared { int hits; int counts[2][KINDS]; }; /* In the process, in its children. */

static struct shared *shared;
static char root[4096];
static pid_t parent;
static int kind = -1, first, error, in_children, times, seen;

/* A negative error stands for a short write. Arming without a kind only counts. */
void faults_arm(const char *below, int the_kind, int nth, int the_error, int children, int repetitions) {
    strncpy(root, below, sizeof root - 1);
    kind = the_kind, first = nth, error = the_error, in_children = children, times = repetitions, seen = 0;
    parent = getpid();
}

int *faults_counts(void) {
    if (!shared)
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return (int *)shared;
}

static int concerns(const char *path, int fd) {
    if (path && path[0] == '/')
        return strncmp(path, root, strlen(root)) == 0;
    if (path && fd != AT_FDCWD && fd >= 0)
        path = NULL;
    if (path)
        return 0;
    char name[64], target[4096];
    int saved = errno;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    /* In a sandbox the name is not readable, but a worker has few descriptors besides those of its files. */
    ssize_t size = syscall(SYS_readlinkat, AT_FDCWD, name, target, sizeof target - 1);
    errno = saved;
    if (size < 0)
        return fd > 2;
    target[size] = 0;
    return strncmp(target, root, strlen(root)) == 0;
}

/* Return the error of a call, 0 if it may proceed, or a negative number for a short write. */
static int fault(int the_kind, int counts) {
    if (!parent || !counts)
        return 0;
    int child = getpid() != parent;
    if (shared)
        __atomic_add_fetch(&shared->counts[child][the_kind], 1, __ATOMIC_RELAXED);
    if (the_kind != kind || child != in_children)
        return 0;
    seen++;
    if (seen < first || seen >= first + times)
        return 0;
    if (shared)
        __atomic_add_fetch(&shared->hits, 1, __ATOMIC_RELAXED);
    return error;
}

#define NEXT(name) __typeof__(name) *next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define FAIL(what, counts, failed) \
    do { int e = fault(what, counts); if (e > 0) { errno = e; return failed; } } while (0)

#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
        FAIL(OPEN, concerns(path, AT_FDCWD), -1); NEXT(name); return next(path, flags, mode); }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name) \
    int name(int fd, const char *path, int flags, ...) { \
        va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
        FAIL(OPEN, concerns(path, fd), -1); NEXT(name); return next(fd, path, flags, mode); }
OPENS_AT(openat)
OPENS_AT(openat64)

/* For openat2 and for calls that the C library lacks. */
long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    long a[6];
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == 437)
        FAIL(OPEN, concerns((const char *)a[1], (int)a[0]), -1);
    static long (*next)(long, ...);
    if (!next)
        next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t write(int fd, const void *data, size_t size) {
    int e = fault(WRITE, concerns(NULL, fd));
    NEXT(write);
    if (e > 0) { errno = e; return -1; }
    return next(fd, data, e < 0 && size > 1 ? size / 2 : size);
}

#define WRITES_AT(name) \
    ssize_t name(int fd, const void *data, size_t size, off_t place) { \
        int e = fault(WRITE, concerns(NULL, fd)); NEXT(name); \
        if (e > 0) { errno = e; return -1; } \
        return next(fd, data, e < 0 && size > 1 ? size / 2 : size, place); }
WRITES_AT(pwrite)
WRITES_AT(pwrite64)

ssize_t read(int fd, void *data, size_t size) {
    FAIL(READ, concerns(NULL, fd), -1); NEXT(read); return next(fd, data, size); }
ssize_t pread64(int fd, void *data, size_t size, off_t place) {
    FAIL(READ, concerns(NULL, fd), -1); NEXT(pread64); return next(fd, data, size, place); }

int rename(const char *from, const char *to) {
    FAIL(RENAME, concerns(to, AT_FDCWD), -1); NEXT(rename); return next(from, to); }
int renameat(int one, const char *from, int two, const char *to) {
    FAIL(RENAME, concerns(to, two), -1); NEXT(renameat); return next(one, from, two, to); }
int fsync(int fd) { FAIL(FSYNC, concerns(NULL, fd), -1); NEXT(fsync); return next(fd); }
int fdatasync(int fd) { FAIL(FSYNC, concerns(NULL, fd), -1); NEXT(fdatasync); return next(fd); }

#define STATS(name, type) \
    int name(const char *path, struct type *found) { \
        FAIL(STAT, concerns(path, AT_FDCWD), -1); NEXT(name); return next(path, found); }
STATS(stat, stat)
STATS(lstat, stat)
STATS(stat64, stat64)
STATS(lstat64, stat64)
#define STATS_FD(name, type) \
    int name(int fd, struct type *found) { FAIL(STAT, concerns(NULL, fd), -1); NEXT(name); return next(fd, found); }
STATS_FD(fstat, stat)
STATS_FD(fstat64, stat64)
#define STATS_AT(name, type) \
    int name(int fd, const char *path, struct type *found, int flags) { \
        FAIL(STAT, concerns(path, fd), -1); NEXT(name); return next(fd, path, found, flags); }
STATS_AT(fstatat, stat)
STATS_AT(fstatat64, stat64)

int unlink(const char *path) { FAIL(UNLINK, concerns(path, AT_FDCWD), -1); NEXT(unlink); return next(path); }
int unlinkat(int fd, const char *path, int flags) {
    FAIL(UNLINK, concerns(path, fd), -1); NEXT(unlinkat); return next(fd, path, flags); }
int rmdir(const char *path) { FAIL(UNLINK, concerns(path, AT_FDCWD), -1); NEXT(rmdir); return next(path); }
int mkdir(const char *path, mode_t mode) {
    FAIL(MKDIR, concerns(path, AT_FDCWD), -1); NEXT(mkdir); return next(path, mode); }
int mkdirat(int fd, const char *path, mode_t mode) {
    FAIL(MKDIR, concerns(path, fd), -1); NEXT(mkdirat); return next(fd, path, mode); }

#define MAPS(name) \
    void *name(void *at, size_t size, int protection, int flags, int fd, off_t place) { \
        FAIL(MMAP, fd < 0 || concerns(NULL, fd), MAP_FAILED); \
        NEXT(name); return next(at, size, protection, flags, fd, place); }
MAPS(mmap)
MAPS(mmap64)

pid_t fork(void) { FAIL(FORK, 1, -1); NEXT(fork); return next(); }
int utimensat(int fd, const char *path, const struct timespec times_[2], int flags) {
    FAIL(UTIME, concerns(path, fd), -1); NEXT(utimensat); return next(fd, path, times_, flags); }
int futimens(int fd, const struct timespec times_[2]) {
    FAIL(UTIME, concerns(NULL, fd), -1); NEXT(futimens); return next(fd, times_); }
int linkat(int one, const char *from, int two, const char *to, int flags) {
    FAIL(LINK, concerns(to, two), -1); NEXT(linkat); return next(one, from, two, to, flags); }
int link(const char *from, const char *to) {
    FAIL(LINK, concerns(to, AT_FDCWD), -1); NEXT(link); return next(from, to); }
DIR *opendir(const char *path) { FAIL(LIST, concerns(path, AT_FDCWD), NULL); NEXT(opendir); return next(path); }
DIR *fdopendir(int fd) { FAIL(LIST, concerns(NULL, fd), NULL); NEXT(fdopendir); return next(fd); }

#define TRUNCATES(name) \
    int name(int fd, off_t size) { FAIL(TRUNCATE, concerns(NULL, fd), -1); NEXT(name); return next(fd, size); }
TRUNCATES(ftruncate)
TRUNCATES(ftruncate64)
int flock(int fd, int how) { FAIL(LOCK, concerns(NULL, fd), -1); NEXT(flock); return next(fd, how); }
int socketpair(int domain, int type, int protocol, int ends[2]) {
    FAIL(SOCKET, 1, -1); NEXT(socketpair); return next(domain, type, protocol, ends); }
