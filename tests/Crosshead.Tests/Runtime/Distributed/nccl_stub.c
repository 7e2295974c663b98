// Stands for libnccl: the prototypes of nccl.h of 2.28, and a log of the calls.
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct { char internal[128]; } ncclUniqueId;
typedef struct
{
    size_t size;
    unsigned int magic, version;
    int blocking, cgaClusterSize, minCTAs, maxCTAs;
    const char* netName;
    int splitShare, trafficClass;
    const char* commName;
    int collnetEnable, CTAPolicy, shrinkShare, nvlsCTAs;
} ncclConfig_t;

static char calls[1 << 14];
static size_t length;
static int depth;

static int say(const char* format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(calls + length, sizeof calls - length, format, arguments);
    va_end(arguments);
    return 0;
}

const char* stub_calls(void) { return calls; }
const char* ncclGetErrorString(int code) { return code == 4 ? "invalid argument" : "success"; }
const char* ncclGetLastError(void* comm) { return comm ? "comm is known.\n" : "too many ranks:\n99.\n"; }
int ncclGetVersion(int* version) { *version = 22809; return 0; }

int ncclGetUniqueId(ncclUniqueId* id)
{
    for (int i = 0; i < 128; i++) id->internal[i] = (char)(7 * i + 1);
    return 0;
}

int ncclCommInitRankConfig(void** comm, int ranks, ncclUniqueId id, int rank, ncclConfig_t* c)
{
    int same = 0;
    for (int i = 0; i < 128; i++) same += id.internal[i] == (char)(7 * i + 1);
    if (ranks == 99) return 4;
    const int unset = c->blocking == INT_MIN && c->cgaClusterSize == INT_MIN && c->minCTAs == INT_MIN
        && c->maxCTAs == INT_MIN && !c->netName && c->splitShare == INT_MIN && c->trafficClass == INT_MIN
        && c->collnetEnable == INT_MIN && c->CTAPolicy == INT_MIN && c->shrinkShare == INT_MIN
        && c->nvlsCTAs == INT_MIN;
    *comm = calls;
    return say("connect %d of %d, %d bytes of the id, config %zu of %zu bytes, %x, %u, %s, unset %d\n", rank, ranks,
        same, c->size, sizeof(ncclConfig_t), c->magic, c->version, c->commName, unset);
}

int ncclGroupStart(void) { return say("group %d\n", ++depth); }
int ncclGroupEnd(void) { return say("end %d\n", --depth); }

int ncclSend(const void* from, size_t count, int type, int peer, void* comm, void* stream)
{
    return say("send %zu of type %d from %zu to %d, %d, stream %zu\n", count, type, (size_t)from, peer, comm == calls,
        (size_t)stream);
}

int ncclRecv(void* to, size_t count, int type, int peer, void* comm, void* stream)
{
    return say("receive %zu of type %d at %zu from %d, %d, stream %zu\n", count, type, (size_t)to, peer, comm == calls,
        (size_t)stream);
}

int ncclBroadcast(const void* from, void* to, size_t count, int type, int root, void* comm, void* stream)
{
    return say("broadcast %zu of type %d from %zu to %zu by %d, %d, stream %zu\n", count, type, (size_t)from,
        (size_t)to, root, comm == calls, (size_t)stream);
}

int ncclCommGetAsyncError(void* comm, int* error) { *error = length > 2000 ? 4 : 7; return 0; }
int ncclCommDestroy(void* comm) { return say("destroy %d\n", comm == calls); }
int ncclCommAbort(void* comm) { return say("abort %d\n", comm == calls); }
