// Spans of a sequence's tokens, one a block: which tokens they are, and what the blocks of a cluster found joined.
// Behind bfloat16.cuh, tensor_cores.cuh, clusters.cuh and scores.cuh. Compile-time: TOKENS (a tile's), QUERIES, WV.

#define NEVER (-1e30f)                                  // below every score
#define NEVER_EVER (-3e38f)                             // of tokens that must not be seen: 2^(this − NEVER) is 0
#define MOST_CLUSTER 8

// What the kernels are given. Query [B, rows, queries, WK]; the cache's keys and values with their strides in elements,
// of a page where there are pages; factors of the scores [B, G, T] or [pages, G, page_tokens] (FACTORS only); the first
// token that a sequence sees and one past the last, [B] (step 1) or [1] (step 0), null for 0 and for capacity; numbers
// of pages [B, table_pages] (PAGED only). They write output [B, rows, queries, WV] or, of several clusters, sums
// [B, rows, clusters, QUERIES, WV], and each query's largest score and total of weights [B, rows, clusters, QUERIES]. A
// token has `rows` rows of keys, each with `queries` queries, of which `value_sharing` read the same row of values, and
// the cache has room for `capacity` tokens. The scores' scale has log2(e) in it; for the cap, and the sinks
// [rows, queries], see scores.cuh.
// With PIECES a row of query, output, bounds and table is a token of the pass instead of a sequence; the items
// (pieces.cuh), and counters that are 0 before and after.
#if PIECES
#define PIECE_PARAMETERS , const int *__restrict__ items, int *__restrict__ counters
#else
#define PIECE_PARAMETERS
#endif
#define DECODE_PARAMETERS                                                                                              \
    const bf16 *__restrict__ query, const bf16 *__restrict__ keys, const bf16 *__restrict__ values,                    \
    const bf16 *__restrict__ factors,                                                                                  \
    const int *__restrict__ begins, int begin_step, const int *__restrict__ ends, int end_step,                        \
    const int *__restrict__ table, int table_pages, int page_tokens,                                                   \
    bf16 *__restrict__ output, float *__restrict__ sums, float *__restrict__ largest, float *__restrict__ totals,      \
    int rows, int queries, int value_sharing, int capacity,                                                            \
    long long key_batch, long long key_row, long long key_token, long long value_batch, long long value_row,           \
    long long value_token,                                                                                             \
    int factor_rows, long long factor_batch, long long factor_row, float scale, float cap,                             \
    const bf16 *__restrict__ sinks

struct Span
{
    int begin, end;                                     // the tokens that the sequence sees
    int first, count;                                   // the block's tiles
    int cluster, rank, clusters;  // blocks of a cluster, the block's place among them, clusters of the sequence
    bool nothing;                                       // for the whole cluster
};

// Tiles lie on a fixed raster. The launch knows the capacity alone; here the tiles that there are get shared out.
__device__ __forceinline__ Span take_span(const int* begins, int begin_step, const int* ends, int end_step,
    int capacity, int sequence)
{
    Span s;
    s.begin = begins ? max(begins[sequence * begin_step], 0) : 0;
    s.end = ends ? min(ends[sequence * end_step], capacity) : capacity;
    s.cluster = cluster_size();
    s.rank = cluster_rank();
    s.clusters = gridDim.x / s.cluster;
    const int all = (s.end + TOKENS - 1) / TOKENS,
        tiles = max((all - s.begin / TOKENS + (int)gridDim.x - 1) / (int)gridDim.x, 1);
    s.first = s.begin / TOKENS + blockIdx.x * tiles;
    s.count = s.begin < s.end ? min(all, s.first + tiles) - s.first : 0;
    s.nothing = s.begin >= s.end || s.first - s.rank * tiles >= all;
    return s;
}

// What several clusters leave for the join: the sums [B, rows, clusters, QUERIES, WV] of each query's values, its
// largest score and its total of weights [B, rows, clusters, QUERIES].
struct Parts
{
    float *sums, *largest, *totals;
};

// A cluster's place in them.
__device__ __forceinline__ Parts parts_of(Span s, float* sums, float* largest, float* totals)
{
    const long long place =
        ((long long)(blockIdx.z * gridDim.y + blockIdx.y) * s.clusters + blockIdx.x / s.cluster) * QUERIES;
    return { sums + place * WV, largest + place, totals + place };
}

// The join must see a cluster that has nothing.
__device__ __forceinline__ void leave_nothing(Span s, Parts parts)
{
    for (int m = threadIdx.x; s.rank == 0 && m < QUERIES; m += blockDim.x) {
        parts.largest[m] = NEVER;
        parts.totals[m] = 0;
    }
}

// Σ 2^(max_s − max) O_s over the cluster's spans s, four columns of a query a thread. Each block's own O_s
// [QUERIES, STRIDE], max_s and total of weights [QUERIES] lie in shared memory, at the same place in all. They go to
// the row's output [queries, WV] or, of several clusters, to the parts. The sinks are the row's.
template <int STRIDE, int THREADS>
__device__ __forceinline__ void join_spans(Span s, const float* sums, const float* highests, const float* totals,
    Parts parts, bf16* output, int queries, const bf16* sinks)
{
    cluster_barrier();
    for (int part = s.rank * THREADS + threadIdx.x; part < queries * (WV / 4); part += s.cluster * THREADS)
    {
        const int m = part / (WV / 4), column = part % (WV / 4) * 4;
        const u32 own_highest = shared_address(highests + m), own_total = shared_address(totals + m),
            own_sum = shared_address(sums + m * STRIDE + column);
        float high[MOST_CLUSTER], most = NEVER, whole = 0;
        float4 joined = make_float4(0, 0, 0, 0);
#pragma unroll
        for (int r = 0; r < MOST_CLUSTER; r++)
        {
            high[r] = r < s.cluster ? read_peer(address_of_peer(own_highest, r)) : NEVER;
            most = fmaxf(most, high[r]);
        }
#pragma unroll
        for (int r = 0; r < MOST_CLUSTER; r++)
        {
            if (r >= s.cluster) break;
            const float share = exp2_fast(high[r] - most);
            const float4 x = read_peer4(address_of_peer(own_sum, r));
            whole += share * read_peer(address_of_peer(own_total, r));
            joined.x += share * x.x; joined.y += share * x.y; joined.z += share * x.z; joined.w += share * x.w;
        }
        if (s.clusters == 1)
        {
            const float factor = factor_of_sums(most, whole, sinks, m);
            *(uint2*)(output + (long long)m * WV + column) = make_uint2(pack(joined.x * factor, joined.y * factor),
                pack(joined.z * factor, joined.w * factor));
            continue;
        }
        *(float4*)(parts.sums + (long long)m * WV + column) = joined;
        if (column == 0) { parts.largest[m] = most; parts.totals[m] = whole; }
    }
    cluster_barrier();                                       // a block's memory stays until its peers have read it
}
