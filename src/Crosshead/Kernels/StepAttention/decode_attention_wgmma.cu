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
// Compile-time: WK, WV (multiples of 16), QUERIES (a row's, padded to 8, 16, 32 or 64), TOKENS (64), STAGES (tiles of
// keys, and of values), FACTORS (rows of factors that a row's queries have; 0 for none), PAGED. Compiled behind
// bfloat16.cuh, tensor_cores.cuh, launches.cuh, clusters.cuh, spans.cuh, tiles.cuh and warpgroups.cuh, before
// join_clusters.cu.

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

extern "C" __global__ void __launch_bounds__(THREADS, 1) decode_attention(DECODE_PARAMETERS)
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
    float* highests = highs + 4 * QUERIES;                   // [QUERIES], in the end
    float* whole_totals = highs + 5 * QUERIES;               // [QUERIES]
    const bf16* factor_ring = (const bf16*)(highs + 8 * QUERIES); // [STAGES, FACTORS, TOKENS]
    // counters of the ring's slots
    const u32 filled = shared_address(factor_ring) + STAGES * FACTOR_BYTES, emptied = filled + SLOTS * 8;
    const u32 weighed = emptied + SLOTS * 8, added = weighed + 16;                           // and of the weights

    const int row = blockIdx.y, sequence = blockIdx.z;
    const int role = threadIdx.x / GROUP, warp = threadIdx.x % GROUP / 32, lane = threadIdx.x % 32;
    if (threadIdx.x == 0)
    {
        for (int i = 0; i < SLOTS; i++) { start_barrier(filled + i * 8, GROUP); start_barrier(emptied + i * 8, 4); }
        for (int i = 0; i < 2; i++) { start_barrier(weighed + i * 8, GROUP); start_barrier(added + i * 8, 4); }
    }
    follow();
    const Span span = take_span(begins, begin_step, ends, end_step, capacity, sequence);
    const int begin = span.begin, end = span.end, first = span.first, count = span.count;
    const Parts parts = parts_of(span, sums, largest, totals);
    if (span.clusters == 1) let_follow(); // not a join: one that waits from here on costs more than it saves (measured)
    if (span.clusters > 1 && span.nothing) { leave_nothing(span, parts); return; }
    __syncthreads();
#if FACTORS
    // queries of a row of factors; the first that this row has
    const int sharing = rows * queries / factor_rows, first_factor = row * queries / sharing;
#endif

    if (role == 0)                                           // copies
    {
        keys += row * key_row;
        values += row / value_sharing * value_row;
        const Tiles tiles = { table + sequence * table_pages, page_tokens, sequence, first, count };
        // Queries come first, zeros for those that pad: whatever is asked for after the first tiles waits for them.
        if (count > 0)
            copy_rows<WK, QUERIES, GROUP>(q, query + (long long)(sequence * rows + row) * queries * WK, WK, queries);
        int page = tiles.page(0);
        for (int j = 0; j < 2 * count; j++)
        {
            const int i = j / 2, slot = j % SLOTS, there = end - (first + i) * TOKENS;
            const u32 target = ring + slot / 2 * (KEY_TILE + VALUE_TILE);
            wait(emptied + slot * 8, j / SLOTS % 2 ^ 1);
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
    else if (role == 1)                                      // scores
    {
        float highest[COLUMNS][2], total[COLUMNS][2];
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) { highest[c][0] = highest[c][1] = NEVER; total[c][0] = total[c][1] = 0; }
#if FACTORS
        int factor_of[COLUMNS][2];                           // where a query's factors begin
#pragma unroll
        for (int c = 0; c < COLUMNS; c++)
#pragma unroll
            for (int e = 0; e < 2; e++)
                factor_of[c][e] = ((row * queries + min(c * 8 + lane % 4 * 2 + e, queries - 1)) / sharing
                    - first_factor) * TOKENS + warp * 16 + lane / 4;
#endif
        for (int i = 0; i < count; i++)
        {
            const int slot = 2 * i % SLOTS;
            const int token = (first + i) * TOKENS + warp * 16 + lane / 4;
            wait(filled + slot * 8, 2 * i / SLOTS % 2);
            show_tensor_cores();
            float s[COLUMNS * 4];
            const u32 key = ring + slot / 2 * (KEY_TILE + VALUE_TILE);
            begin_products();
#pragma unroll
            for (int d = 0; d < WK / 16; d++)
                multiply<0>(s, describe(key + d / 4 * BLOCK + d % 4 * 32),
                    describe(q + d / 4 * QUERY_BLOCK + d % 4 * 32), d > 0);
            end_products();

            const bool whole = (first + i) * TOKENS >= begin && (first + i + 1) * TOKENS <= end;
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
                        if (!whole && (token + h * 8 < begin || token + h * 8 >= end)) x = NEVER_EVER;
                    }
                    most[c][e] = fmaxf(s[c * 4 + e], s[c * 4 + 2 + e]);
                }
            __syncwarp();                                    // its lanes have read what there was
            if (lane == 0) arrive(emptied + slot * 8);
#pragma unroll
            for (int offset = 4; offset < 32; offset *= 2)
#pragma unroll
                for (int c = 0; c < COLUMNS; c++)
#pragma unroll
                    for (int e = 0; e < 2; e++)
                        most[c][e] = fmaxf(most[c][e], __shfl_xor_sync(~0u, most[c][e], offset));
            float* high = highs + i % 2 * 4 * QUERIES;
            if (lane < 4)
#pragma unroll
                for (int c = 0; c < COLUMNS; c++)
                    *(float2*)(high + warp * QUERIES + c * 8 + lane * 2) = make_float2(most[c][0], most[c][1]);
            asm volatile("bar.sync 1, 128;\n" ::: "memory");
            wait(added + i % 2 * 8, i / 2 % 2 ^ 1);
            const u32 weight = weights + i % 2 * PARTS * WEIGHT_BYTES;
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
                    *(float2*)(fading + i % 2 * QUERIES + c * 8 + lane * 2) = make_float2(fade[0], fade[1]);
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
                    asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};\n"
                                 ::"r"(weight + p * WEIGHT_BYTES + (c * 8 + lane % 8) * 128 + ((warp * 2 + lane / 8 % 2)
                                     ^ lane % 8) * 16), "r"(rounded[p][c][0]), "r"(rounded[p][c][1]) : "memory");
            show_tensor_cores();
            arrive(weighed + i % 2 * 8);
        }
#pragma unroll
        for (int offset = 4; offset < 32; offset *= 2)
#pragma unroll
            for (int c = 0; c < COLUMNS; c++)
#pragma unroll
                for (int e = 0; e < 2; e++) total[c][e] += __shfl_xor_sync(~0u, total[c][e], offset);
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
    }
    else                                                     // sums
    {
        float sum[VALUE_BLOCKS][SIDE_BY_SIDE * COLUMNS * 4];
#pragma unroll
        for (int b = 0; b < VALUE_BLOCKS; b++)
#pragma unroll
            for (int c = 0; c < SIDE_BY_SIDE * COLUMNS * 4; c++) sum[b][c] = 0;
        for (int i = 0; i < count; i++)
        {
            const int slot = (2 * i + 1) % SLOTS;
            wait(weighed + i % 2 * 8, i / 2 % 2);
#pragma unroll
            for (int c = 0; c < SIDE_BY_SIDE * COLUMNS; c++)
            {
                const float2 fade = *(const float2*)(fading + i % 2 * QUERIES + c % COLUMNS * 8 + lane % 4 * 2);
#pragma unroll
                for (int b = 0; b < VALUE_BLOCKS; b++)
#pragma unroll
                    for (int h = 0; h < 2; h++) {
                        sum[b][c * 4 + h * 2] *= fade.x;
                        sum[b][c * 4 + h * 2 + 1] *= fade.y;
                    }
            }
            wait(filled + slot * 8, (2 * i + 1) / SLOTS % 2);
            show_tensor_cores();
            const u32 value = ring + slot / 2 * (KEY_TILE + VALUE_TILE) + KEY_TILE,
                weight = weights + i % 2 * PARTS * WEIGHT_BYTES;
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
            if (lane == 0) { arrive(emptied + slot * 8); arrive(added + i % 2 * 8); }
        }
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
    }
    join_spans<SUM_STRIDE, THREADS>(span, joining, highests, whole_totals, parts,
        output + (long long)(sequence * rows + row) * queries * WV, queries);
}
