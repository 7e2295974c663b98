// One step of decoding as in decode_attention.cu, for compute capability 9.0: warpgroups with a part each, and products
// that read shared memory themselves (wgmma).
//
//     copies    tiles of 64 tokens, keys and values in turn, into a ring in shared memory (cp.async)
//     scores    Sᵀ = K Qᵀ [64 tokens, queries];  P, fade = online softmax of S
//     sums      Oᵀ = fade · Oᵀ + Vᵀ Pᵀ [columns, queries]
//
// They wait for each other at counters in shared memory alone, and for copies nobody waits but who needs them. P goes
// to the sums in two parts of bfloat16, what rounding left of the first being the second, so that it is not P that
// decides the error.
//
// Instead of a span of one sequence a block may have a share of all: items (pieces.cuh) of a token each, one after the
// other, while the ring stays filled (SHARES). There are as many blocks as multiprocessors then, and the host gives all
// of them the same work (ShareList.cs).
//
// Compile-time: WK, WV (multiples of 16), QUERIES (a row's, padded to 8, 16, 32 or 64), TOKENS (64), STAGES (tiles of
// keys, and of values), FACTORS (rows of factors that a row's queries have; 0 for none), PAGED, SHARES. Compiled behind
// bfloat16.cuh, tensor_cores.cuh, launches.cuh, clusters.cuh, scores.cuh, spans.cuh, tiles.cuh, pieces.cuh and
// warpgroups.cuh, before join_clusters.cu.

#ifndef SHARES
#define SHARES 0
#endif

#define PARTS 2                                         // of a weight
#define GROUP 128                                       // threads of a warpgroup
#define THREADS (3 * GROUP)
#define SLOTS (2 * STAGES)                              // of the ring, in turn of keys and of values
#define BLOCK (TOKENS * 128)                            // bytes of 64 columns of a tile
#define KEY_TILE ((WK + 63) / 64 * BLOCK)
#define VALUE_BLOCKS ((WV + 63) / 64)
#define VALUE_TILE (VALUE_BLOCKS * BLOCK)
// parts of weights in a product, as registers allow
#define SIDE_BY_SIDE (QUERIES <= 32 && QUERIES * VALUE_BLOCKS <= 128 ? PARTS : 1)
#define RING_BYTES (STAGES * (KEY_TILE + VALUE_TILE))
#define QUERY_BLOCK (QUERIES * 128)
#define QUERY_BYTES ((WK + 63) / 64 * QUERY_BLOCK)
#define WEIGHT_BYTES (QUERIES * 128)                    // [QUERIES, TOKENS], of which there are two parts, twice
#define SUM_STRIDE (WV + 4)                             // of floats: four rows lie in different banks
#define SUM_BYTES (QUERIES * SUM_STRIDE * 4)            // sums take the ring's place in the end
#define FACTOR_BYTES (FACTORS * TOKENS * 2)             // of a tile
#define COLUMNS (QUERIES / 8)                           // pairs of queries that a thread has scores of

// What a block reads of a sequence, one share after the other or one alone.
struct Share
{
    int sequence, begin, end;                           // the row of the pass, and the tokens that it sees
    int first, count;                                   // tiles
};
#if SHARES
#define SHARE_PARAMETERS , const int *__restrict__ starts
#define EACH_SHARE for (int at = starts[blockIdx.x]; at < starts[blockIdx.x + 1]; at++)
#define TAKE_SHARE const Share share = share_of(items, at, begins, begin_step, ends, end_step, capacity)

__device__ __forceinline__ Share share_of(const int* items, int at, const int* begins, int begin_step,
    const int* ends, int end_step, int capacity)
{
    const Item item = ((const Item*)items)[at];
    Share s;
    s.sequence = item.row;
    s.begin = begins ? max(begins[item.row * begin_step], 0) : 0;
    s.end = min(ends[item.row * end_step], capacity);
    s.first = max(item.span * TILES_OF_SPAN, s.begin / TOKENS);
    s.count = max(min((item.span + item.spans) * TILES_OF_SPAN, (s.end + TOKENS - 1) / TOKENS) - s.first, 0);
    return s;
}

// What the scores found of a share, of the queries whose sums a thread has: totals of weights and largest scores.
struct Found
{
    float totals[COLUMNS][2], highest[COLUMNS][2];
    __device__ __forceinline__ void read(const float* of_warps, const float* highests)
    {
#pragma unroll
        for (int c = 0; c < COLUMNS; c++)
#pragma unroll
            for (int e = 0; e < 2; e++)
            {
                const int m = c * 8 + threadIdx.x % 4 * 2 + e;
                totals[c][e] = of_warps[m] + of_warps[QUERIES + m] + of_warps[2 * QUERIES + m]
                    + of_warps[3 * QUERIES + m];
                highest[c][e] = highests[m];
            }
    }
};

// What the sums found of a share, from registers to the output or, of a token with several items, to the parts. The
// last of these to be done joins them.
__device__ __forceinline__ void leave_share(Item item, const float (&sum)[VALUE_BLOCKS][SIDE_BY_SIDE * COLUMNS * 4],
    const Found& found, Parts parts, bf16* output, int rows, int queries, const bf16* sinks, int* counters,
    int* is_last)
{
    const int thread = threadIdx.x % GROUP, warp = thread / 32, lane = thread % 32, odd = lane / 4 % 2;
    const int first = item.first * gridDim.y + blockIdx.y;
    const long long place = (long long)(first + item.rank * gridDim.y) * QUERIES;
    output += ((long long)item.row * rows + blockIdx.y) * queries * WV;
    sinks += blockIdx.y * queries;
#pragma unroll
    for (int c = 0; c < COLUMNS; c++)
    {
        const int m = c * 8 + lane % 4 * 2 + odd;
        const float whole = odd ? found.totals[c][1] : found.totals[c][0],
            highest = odd ? found.highest[c][1] : found.highest[c][0],
            factor = factor_of_sums(highest, whole, sinks, min(m, queries - 1));
#pragma unroll
        for (int b = 0; b < VALUE_BLOCKS; b++)
#pragma unroll
            for (int h = 0; h < 2; h++)
            {
                // A thread has a column of two queries, its neighbour the next column. They swap: one query each.
                float own[2];
#pragma unroll
                for (int e = 0; e < 2; e++)
                    own[e] = sum[b][c * 4 + h * 2 + e]
                        + (SIDE_BY_SIDE > 1 ? sum[b][(SIDE_BY_SIDE - 1) * COLUMNS * 4 + c * 4 + h * 2 + e] : 0);
                const float got = __shfl_xor_sync(~0u, odd ? own[0] : own[1], 4);
                const float2 pair = odd ? make_float2(got, own[1]) : make_float2(own[0], got);
                const int column = b * 64 + warp * 16 + h * 8 + lane / 8 * 2;
                if (column >= WV || m >= queries) continue;
                if (item.parts == 1) *(u32*)(output + m * WV + column) = pack(pair.x * factor, pair.y * factor);
                else *(float2*)(parts.sums + (place + m) * WV + column) = pair;
            }
        if (item.parts > 1 && warp == 0 && lane / 8 == 0 && m < queries)
        {
            parts.largest[place + m] = highest;
            parts.totals[place + m] = whole;
        }
    }
    if (item.parts == 1) return;
    __threadfence();
    asm volatile("bar.sync 2, 128;\n" ::: "memory");
    if (thread == 0) *is_last = atomicAdd(counters + first, 1) == item.parts - 1;
    asm volatile("bar.sync 2, 128;\n" ::: "memory");
    if (!*is_last) return;
    __threadfence();
    if (thread == 0) counters[first] = 0;                    // for the next launch
    join_parts<8, GROUP>(parts, (long long)first * QUERIES, gridDim.y * QUERIES, item.parts, queries, thread,
        [&](int m, int column, float4 x, float most, float whole)
        {
            const float factor = factor_of_sums(most, whole, sinks, m);
            *(uint2*)(output + m * WV + column) = make_uint2(pack(x.x * factor, x.y * factor),
                pack(x.z * factor, x.w * factor));
        });
}
#else
#define SHARE_PARAMETERS
#define EACH_SHARE
#define TAKE_SHARE
#endif

// Sums over the lanes that have the same queries.
__device__ __forceinline__ void add_lanes(float (&x)[COLUMNS][2])
{
#pragma unroll
    for (int offset = 4; offset < 32; offset *= 2)
#pragma unroll
        for (int c = 0; c < COLUMNS; c++)
#pragma unroll
            for (int e = 0; e < 2; e++) x[c][e] += __shfl_xor_sync(~0u, x[c][e], offset);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) decode_attention(
    DECODE_PARAMETERS PIECE_PARAMETERS SHARE_PARAMETERS)
{
    extern __shared__ __align__(1024) unsigned char memory[];
    float* joining = (float*)memory;                         // [QUERIES, SUM_STRIDE], in the end
    const u32 ring = shared_address(memory);
    // [2, PARTS]
    const u32 q = ring + (RING_BYTES > SUM_BYTES ? RING_BYTES : (SUM_BYTES + 1023) / 1024 * 1024),
        weights = q + QUERY_BYTES;
    // [2, QUERIES]: what earlier sums are multiplied by
    float* fading = (float*)(memory + (weights - ring) + 2 * PARTS * WEIGHT_BYTES);
    float* highs = fading + 2 * QUERIES;                     // [2, 4, QUERIES], of the tokens of a warp
#if SHARES
    float* totals_found = highs + 8 * QUERIES;               // [2, 4, QUERIES], of a share's last tile
    float* highests = totals_found + 8 * QUERIES;            // [2, QUERIES]
    int* is_last = (int*)(highests + 2 * QUERIES);
    const bf16* factor_ring = (const bf16*)(is_last + 2);    // [STAGES, FACTORS, TOKENS]
#else
    float* highests = highs + 4 * QUERIES;                   // [QUERIES], in the end
    float* whole_totals = highs + 5 * QUERIES;               // [QUERIES]
    const bf16* factor_ring = (const bf16*)(highs + 8 * QUERIES); // [STAGES, FACTORS, TOKENS]
#endif
    // counters of the ring's slots
    const u32 filled = shared_address(factor_ring) + STAGES * FACTOR_BYTES, emptied = filled + SLOTS * 8;
    const u32 weighed = emptied + SLOTS * 8, added = weighed + 16;                           // and of the weights
    const u32 asked = added + 16, answered = asked + 8;      // and of the queries: there, and read

    const int row = blockIdx.y;
    const int role = threadIdx.x / GROUP, warp = threadIdx.x % GROUP / 32, lane = threadIdx.x % 32;
    if (threadIdx.x == 0)
    {
        for (int i = 0; i < SLOTS; i++) { start_barrier(filled + i * 8, GROUP); start_barrier(emptied + i * 8, 4); }
        for (int i = 0; i < 2; i++) { start_barrier(weighed + i * 8, GROUP); start_barrier(added + i * 8, 4); }
#if SHARES
        start_barrier(asked, GROUP);
        start_barrier(answered, 4);
#endif
    }
    follow();
#if SHARES
    let_follow();
#else
    const int sequence = blockIdx.z;
    const Span span = take_span(begins, begin_step, ends, end_step, capacity, sequence);
    const Share share = { sequence, span.begin, span.end, span.first, span.count };
    const Parts parts = parts_of(span, sums, largest, totals);
    if (span.clusters == 1) let_follow(); // not a join: one that waits from here on costs more than it saves (measured)
    if (span.clusters > 1 && span.nothing) { leave_nothing(span, parts); return; }
#endif
    __syncthreads();
#if FACTORS
    // queries of a row of factors; the first that this row has
    const int sharing = rows * queries / factor_rows, first_factor = row * queries / sharing;
#endif

    if (role == 0)                                           // copies
    {
        keys += row * key_row;
        values += row / value_sharing * value_row;
        int n = 0, taken = 0;                                // copies and shares so far
        EACH_SHARE
        {
            TAKE_SHARE;
            const int count = share.count, first = share.first;
            const Tiles tiles = { table + share.sequence * table_pages, page_tokens, share.sequence, first, count };
            // A block's first queries come first: whatever is asked for after the first tiles waits for them. Later
            // ones take the place of those before, and tiles are under way meanwhile. Zeros for those that pad.
            const int queries_at = taken == 0 ? 0 : min(2 * count - 1, SLOTS - 2);
            int page = tiles.page(0);
            for (int j = 0; j < 2 * count; j++, n++)
            {
                if (j == queries_at)
                {
#if SHARES
                    wait(answered, taken % 2 ^ 1);
#endif
                    copy_rows<WK, QUERIES, GROUP>(
                        q, query + (long long)(share.sequence * rows + row) * queries * WK, WK, queries);
#if SHARES
                    arrive_with_copies(asked);
#endif
                    taken++;
                }
                const int i = j / 2, slot = n % SLOTS, there = share.end - (first + i) * TOKENS;
                const u32 target = ring + slot / 2 * (KEY_TILE + VALUE_TILE);
                wait(emptied + slot * 8, n / SLOTS % 2 ^ 1);
                if (j % 2 == 0)
                {
                    copy_rows<WK, TOKENS, GROUP>(target, keys + page * key_batch + tiles.token(i) * key_token,
                        key_token, there);
#if FACTORS
                    for (int k = threadIdx.x % GROUP; k < FACTORS * (TOKENS / 2); k += GROUP)
                    {
                        const int f = k / (TOKENS / 2), token = k % (TOKENS / 2) * 2;
                        const bool is = token < there && first_factor + f < factor_rows;
                        copy_word_async(shared_address(factor_ring) + slot / 2 * FACTOR_BYTES + k * 4, factors + page
                            * factor_batch + (is ? (first_factor + f) * factor_row + tiles.token(i) + token : 0), is);
                    }
#endif
                }
                else
                {
                    copy_rows<WV, TOKENS, GROUP>(target + KEY_TILE,
                        values + page * value_batch + tiles.token(i) * value_token, value_token, there);
                    page = tiles.page(i + 1);
                }
                arrive_with_copies(filled + slot * 8);
            }
        }
    }
    else if (role == 1)                                      // scores
    {
        float highest[COLUMNS][2], total[COLUMNS][2];
#if FACTORS
        int factor_of[COLUMNS][2];                           // where a query's factors begin
#pragma unroll
        for (int c = 0; c < COLUMNS; c++)
#pragma unroll
            for (int e = 0; e < 2; e++)
                factor_of[c][e] = ((row * queries + min(c * 8 + lane % 4 * 2 + e, queries - 1)) / sharing
                    - first_factor) * TOKENS + warp * 16 + lane / 4;
#endif
        int n = 0, taken = 0;                                // tiles and shares so far
        EACH_SHARE
        {
            TAKE_SHARE;
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) { highest[c][0] = highest[c][1] = NEVER; total[c][0] = total[c][1] = 0; }
#if SHARES
            if (share.count > 0) wait(asked, taken++ % 2);
#endif
            for (int i = 0; i < share.count; i++, n++)
            {
                const int slot = 2 * n % SLOTS;
                const int token = (share.first + i) * TOKENS + warp * 16 + lane / 4;
                wait(filled + slot * 8, 2 * n / SLOTS % 2);
                show_tensor_cores();
                float s[COLUMNS * 4];
                const u32 key = ring + slot / 2 * (KEY_TILE + VALUE_TILE);
                begin_products();
#pragma unroll
                for (int d = 0; d < WK / 16; d++)
                    multiply<0>(s, describe(key + d / 4 * BLOCK + d % 4 * 32),
                        describe(q + d / 4 * QUERY_BLOCK + d % 4 * 32), d > 0);
                end_products();

                const bool whole = (share.first + i) * TOKENS >= share.begin
                    && (share.first + i + 1) * TOKENS <= share.end;
                float most[COLUMNS][2];
#pragma unroll
                for (int c = 0; c < COLUMNS; c++)
#pragma unroll
                    for (int e = 0; e < 2; e++)
                    {
#pragma unroll
                        for (int h = 0; h < 2; h++)
                        {
                            float& x = s[c * 4 + h * 2 + e];
                            x *= scale;
#if FACTORS
                            x *= widen(factor_ring[slot / 2 * FACTORS * TOKENS + factor_of[c][e] + h * 8]);
#endif
                            x = capped(x, cap);
                            if (!whole && (token + h * 8 < share.begin || token + h * 8 >= share.end)) x = NEVER_EVER;
                        }
                        most[c][e] = fmaxf(s[c * 4 + e], s[c * 4 + 2 + e]);
                    }
                __syncwarp();                                    // its lanes have read what there was
                if (lane == 0) arrive(emptied + slot * 8);
#if SHARES
                if (lane == 0 && i == share.count - 1) arrive(answered);
#endif
#pragma unroll
                for (int offset = 4; offset < 32; offset *= 2)
#pragma unroll
                    for (int c = 0; c < COLUMNS; c++)
#pragma unroll
                        for (int e = 0; e < 2; e++)
                            most[c][e] = fmaxf(most[c][e], __shfl_xor_sync(~0u, most[c][e], offset));
                float* high = highs + n % 2 * 4 * QUERIES;
                if (lane < 4)
#pragma unroll
                    for (int c = 0; c < COLUMNS; c++)
                        *(float2*)(high + warp * QUERIES + c * 8 + lane * 2) = make_float2(most[c][0], most[c][1]);
                asm volatile("bar.sync 1, 128;\n" ::: "memory");
                wait(added + n % 2 * 8, n / 2 % 2 ^ 1);
                const u32 weight = weights + n % 2 * PARTS * WEIGHT_BYTES;
                u32 rounded[PARTS][COLUMNS][2];
#pragma unroll
                for (int c = 0; c < COLUMNS; c++)
                {
                    float fade[2];
#pragma unroll
                    for (int w = 0; w < 4; w++)
                    {
                        const float2 x = *(const float2*)(high + w * QUERIES + c * 8 + lane % 4 * 2);
                        most[c][0] = fmaxf(w == 0 ? highest[c][0] : most[c][0], x.x);
                        most[c][1] = fmaxf(w == 0 ? highest[c][1] : most[c][1], x.y);
                    }
#pragma unroll
                    for (int e = 0; e < 2; e++)
                    {
                        fade[e] = exp2_fast(highest[c][e] - most[c][e]);
                        highest[c][e] = most[c][e];
                        float& low = s[c * 4 + e];
                        float& high = s[c * 4 + 2 + e];
                        low = exp2_fast(low - most[c][e]);
                        high = exp2_fast(high - most[c][e]);
                        total[c][e] = total[c][e] * fade[e] + low + high; // thread by thread; joined at the end
                    }
                    if (warp == 0 && lane < 4)
                        *(float2*)(fading + n % 2 * QUERIES + c * 8 + lane * 2) = make_float2(fade[0], fade[1]);
#pragma unroll
                    for (int h = 0; h < 2; h++)
                    {
                        rounded[0][c][h] = pack(s[c * 4 + h * 2], s[c * 4 + h * 2 + 1]);
                        rounded[1][c][h] = pack(s[c * 4 + h * 2] - __uint_as_float(rounded[0][c][h] << 16),
                            s[c * 4 + h * 2 + 1] - __uint_as_float(rounded[0][c][h] & 0xffff0000u));
                    }
                }
                // Pᵀ's fragments turned on their way: a row of memory is a query.
#pragma unroll
                for (int p = 0; p < PARTS; p++)
#pragma unroll
                    for (int c = 0; c < COLUMNS; c++)
                    {
                        const u32 place = weight + p * WEIGHT_BYTES + (c * 8 + lane % 8) * 128
                            + ((warp * 2 + lane / 8 % 2) ^ lane % 8) * 16;
                        asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};\n"
                                     ::"r"(place), "r"(rounded[p][c][0]), "r"(rounded[p][c][1]) : "memory");
                    }
#if SHARES
                if (i == share.count - 1)                        // what the sums need in the end
                {
                    add_lanes(total);
                    if (lane < 4)
#pragma unroll
                        for (int c = 0; c < COLUMNS; c++)
                        {
                            *(float2*)(totals_found + (n % 2 * 4 + warp) * QUERIES + c * 8 + lane * 2)
                                = make_float2(total[c][0], total[c][1]);
                            if (warp == 0) *(float2*)(highests + n % 2 * QUERIES + c * 8 + lane * 2)
                                = make_float2(highest[c][0], highest[c][1]);
                        }
                }
#endif
                show_tensor_cores();
                arrive(weighed + n % 2 * 8);
            }
        }
#if !SHARES
        add_lanes(total);
        asm volatile("bar.sync 1, 128;\n" ::: "memory");     // the last tile's largest scores have been read
        if (lane < 4)
#pragma unroll
            for (int c = 0; c < COLUMNS; c++)
            {
                *(float2*)(highs + warp * QUERIES + c * 8 + lane * 2) = make_float2(total[c][0], total[c][1]);
                if (warp == 0) *(float2*)(highests + c * 8 + lane * 2) = make_float2(highest[c][0], highest[c][1]);
            }
        asm volatile("bar.sync 1, 128;\n" ::: "memory");
        for (int m = threadIdx.x % GROUP; m < QUERIES; m += GROUP)
            whole_totals[m] = highs[m] + highs[QUERIES + m] + highs[2 * QUERIES + m] + highs[3 * QUERIES + m];
#endif
    }
    else                                                     // sums
    {
        float sum[VALUE_BLOCKS][SIDE_BY_SIDE * COLUMNS * 4];
        int n = 0;                                           // tiles so far
        EACH_SHARE
        {
            TAKE_SHARE;
#pragma unroll
            for (int b = 0; b < VALUE_BLOCKS; b++)
#pragma unroll
                for (int c = 0; c < SIDE_BY_SIDE * COLUMNS * 4; c++) sum[b][c] = 0;
            for (int i = 0; i < share.count; i++, n++)
            {
                const int slot = (2 * n + 1) % SLOTS;
                wait(weighed + n % 2 * 8, n / 2 % 2);
#pragma unroll
                for (int c = 0; c < SIDE_BY_SIDE * COLUMNS; c++)
                {
                    const float2 fade = *(const float2*)(fading + n % 2 * QUERIES + c % COLUMNS * 8 + lane % 4 * 2);
#pragma unroll
                    for (int b = 0; b < VALUE_BLOCKS; b++)
#pragma unroll
                        for (int h = 0; h < 2; h++) {
                            sum[b][c * 4 + h * 2] *= fade.x;
                            sum[b][c * 4 + h * 2 + 1] *= fade.y;
                        }
                }
                wait(filled + slot * 8, (2 * n + 1) / SLOTS % 2);
                show_tensor_cores();
                const u32 value = ring + slot / 2 * (KEY_TILE + VALUE_TILE) + KEY_TILE,
                    weight = weights + n % 2 * PARTS * WEIGHT_BYTES;
                begin_products();
#pragma unroll
                for (int p = 0; p < PARTS; p += SIDE_BY_SIDE)
#pragma unroll
                    for (int d = 0; d < TOKENS / 16; d++)
#pragma unroll
                        for (int b = 0; b < VALUE_BLOCKS; b++)
                            multiply<1>(sum[b], describe(value + b * BLOCK + d * 2048),
                                describe(weight + p * WEIGHT_BYTES + d * 32), 1);
                end_products();
                if (lane == 0) arrive(emptied + slot * 8);
                if (lane == 0 && !(SHARES && i == share.count - 1)) arrive(added + n % 2 * 8);
            }
#if SHARES
            Found found = {};
            if (share.count > 0)
            {
                const int last = (n - 1) % 2;
                found.read(totals_found + last * 4 * QUERIES, highests + last * QUERIES);
                __syncwarp();
                if (lane == 0) arrive(added + last * 8);
            }
            leave_share(((const Item*)items)[at], sum, found, { sums, largest, totals }, output, rows, queries,
                sinks, counters, is_last);
#endif
        }
#if !SHARES
        // The ring is read and written no more.
        asm volatile("bar.sync 2, 128;\n" ::: "memory");
#pragma unroll
        for (int b = 0; b < VALUE_BLOCKS; b++)
#pragma unroll
            for (int c = 0; c < COLUMNS; c++)
#pragma unroll
                for (int r = 0; r < 4; r++)
                {
                    const int column = b * 64 + warp * 16 + lane / 4 + r / 2 * 8, m = c * 8 + lane % 4 * 2 + r % 2;
                    if (column < WV)
                        joining[m * SUM_STRIDE + column] = sum[b][c * 4 + r]
                            + (SIDE_BY_SIDE > 1 ? sum[b][(SIDE_BY_SIDE - 1) * COLUMNS * 4 + c * 4 + r] : 0);
                }
#endif
    }
#if !SHARES
    join_spans<SUM_STRIDE, THREADS>(span, joining, highests, whole_totals, parts,
        output + (long long)(sequence * rows + row) * queries * WV, queries, sinks + row * queries);
#endif
}
