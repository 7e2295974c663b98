// One step of decoding: softmax(q Kᵀ · scale) V for one token a sequence, over a cache whose rows serve several
// queries.
//
// A row is a head or, where a model caches components, all components of a token side by side; queries that carry the
// mix (q̃ = Σ_j a_ij q_i) then read a component row as if it were a head, whatever the grain. Row widths WK of keys and
// WV of values are independent.
//
// A block takes one row of one sequence, all its queries, and a span of tokens. Where the tokens end may be known to
// the device alone: the launch depends on the cache's capacity, so that a captured one serves while sequences grow.
// Tiles of TOKENS tokens travel through two rings in shared memory, one of keys and one of values (cp.async). Scores
// and sums are tensor-core products (mma.m16n8k16, bfloat16 in, float32 out) with an online softmax between them:
//
//     S(i+1) = Q K(i+1)ᵀ  and  O = fade · O + P(i) V(i)   in one phase, independent of each other;
//     P(i+1), fade = softmax of S(i+1)                    in the next.
//
// A warp takes 8 tokens, whose keys leave shared memory once, and all queries or a part of them, which stay in
// registers.
//
// Instead of one token of a sequence a block may take a piece of it, up to PIECES tokens that follow each other: their
// queries side by side read the cache once, and each sees its own part of it (pieces.cuh).
//
// Blocks of a cluster (compute capability 9.0 and later) take spans that follow each other and join them through shared
// memory; where a sequence has several clusters, a second kernel joins what they leave (spans.cuh).
//
// The cache may keep numbers of 8 bits (SCALED): 1 for whole numbers, 2 for e4m3 (scaled_rows.cu), a scale a row of a
// token. They become bfloat16 on their way to the products, which holds them exactly. The scale of a key multiplies its
// score, the scale of a value its weight. Where an element of a product stands among 16 is free as long as both sides
// agree, so a lane takes 16 bytes of a key, and of values two columns of four tokens.
//
// Compile-time: WK, WV (multiples of 16, SCALED of 64), QUERIES (a row's, padded to a multiple of 16), TOKENS (a tile:
// 32 or 64), STAGES (of each ring), WARPS, FACTORS, PAGED, PIECES (0: a token a sequence), SCALED (0 or none:
// bfloat16). For compute capability 8.0 and later.
// Compiled behind bfloat16.cuh, tensor_cores.cuh, launches.cuh, clusters.cuh, scores.cuh, spans.cuh, tiles.cuh,
// pieces.cuh and scaled_numbers.cuh, before join_clusters.cu.

#if SCALED
// Rows of a tile in bytes, so that what lanes read at once lies in different banks.
#define KEY_ROW (WK % 128 == 64 ? WK : WK + 64)
#define VALUE_ROW (WV + 16)
#define KEY_COPY WK / 2, KEY_ROW / 2                    // as bfloat16 counts
#define VALUE_COPY WV / 2, VALUE_ROW / 2
#define KEY_TILE (TOKENS * KEY_ROW / 2)
#define VALUE_TILE (TOKENS * VALUE_ROW / 2)
#define BOUNDS WARPS * 32, (WK + WV <= 128 && !PIECES ? 3 : 1) // three blocks a multiprocessor, if rows are short
#else
#define KEY_COPY WK, KEY_STRIDE
#define VALUE_COPY WV, VALUE_STRIDE
#define KEY_TILE (TOKENS * KEY_STRIDE)
#define VALUE_TILE (TOKENS * VALUE_STRIDE)
#define BOUNDS WARPS * 32
#endif
#define TOKEN_GROUPS (TOKENS / 8)
#define MOST_GROUPS ((WARPS / TOKEN_GROUPS) < (QUERIES / 16) ? (WARPS / TOKEN_GROUPS) : (QUERIES / 16))
#define QUERY_GROUPS (QUERIES / 16 % MOST_GROUPS == 0 ? MOST_GROUPS : 1)
#define QUERY_TILES (QUERIES / 16 / QUERY_GROUPS)       // of 16 queries, a warp's share of the scores
#define QUERIES_IN_REGISTERS (QUERY_TILES * WK / 4 + ROW_TILES * COLUMN_PAIRS * 8 <= 160) // with the sums
#define SCORE_STRIDE (TOKENS + 8)
#define ROW_TILES (QUERIES / 16)                        // of 16 queries
#define COLUMN_PAIRS ((WV / 16 + WARPS - 1) / WARPS)    // of 2 × 8 columns, a warp's share of the sums
#define KEY_STRIDE (WK + 8)                             // odd multiples of 16 bytes: eight rows lie in different banks
#define VALUE_STRIDE (WV + 8)
#define WEIGHT_STRIDE (TOKENS + 8)
#define LANES_A_QUERY (TOKENS / 2)                      // in the softmax, two tokens a lane
#define QUERIES_A_PASS (WARPS * 32 / LANES_A_QUERY)
#define PASSES ((QUERIES + QUERIES_A_PASS - 1) / QUERIES_A_PASS)
// Queries on their way to registers lie where the last tile of values will; else they have a place of their own.
#define QUERIES_LIE_IN_RING (!SCALED && QUERIES_IN_REGISTERS && QUERIES * KEY_STRIDE <= VALUE_TILE)
#define SUM_STRIDE (WV + 8)                             // of floats: four rows lie in different banks
#define RING_BYTES (STAGES * (KEY_TILE + VALUE_TILE + (SCALED ? 2 * TOKENS : 0)) * 2)
#define SUM_BYTES (QUERIES * SUM_STRIDE * 4)             // sums take the rings' place in the end

#if SCALED
// Where a column of keys stands in products: of 64, each lane's 16 make four steps of four.
__device__ __forceinline__ int place_of_column(int column)
{
    return column / 64 * 64 + column % 16 / 4 * 16 + column % 64 / 16 * 2 + column % 4 / 2 + column % 2 * 8;
}

// Where a token of values stands: of 16, a lane has every fourth.
__device__ __forceinline__ int place_of_token(int token)
{
    return token / 16 * 16 + token % 4 * 2 + token / 4 % 2 + token / 8 % 2 * 8;
}
#endif

extern "C" __global__ void __launch_bounds__(BOUNDS) decode_attention(
    DECODE_PARAMETERS PIECE_PARAMETERS SCALE_PARAMETERS)
{
    extern __shared__ __align__(128) unsigned char memory[];
    bf16* key_ring = (bf16*)memory;                          // [STAGES, TOKENS, KEY_STRIDE]
    bf16* value_ring = key_ring + STAGES * KEY_TILE;         // [STAGES, TOKENS, VALUE_STRIDE]
#if SCALED
    bf16* scale_ring = value_ring + STAGES * VALUE_TILE;     // [STAGES, of keys and of values, TOKENS]
#endif
    float* joining = (float*)memory;                         // [QUERIES, SUM_STRIDE], in the end
    float* scores = (float*)(memory + (RING_BYTES > SUM_BYTES ? RING_BYTES : SUM_BYTES)); // [QUERIES, SCORE_STRIDE]
    bf16* weights = (bf16*)(scores + QUERIES * SCORE_STRIDE);   // [QUERIES, WEIGHT_STRIDE]
    float* fading = (float*)(weights + QUERIES * WEIGHT_STRIDE);// [QUERIES]: what earlier sums are multiplied by
#if QUERIES_LIE_IN_RING
    bf16* q = value_ring + (STAGES - 1) * VALUE_TILE;
#else
    bf16* q = (bf16*)(fading + QUERIES);                     // [QUERIES, KEY_STRIDE]
#endif

    const int row = blockIdx.y;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    follow();
#if PIECES
    let_follow();
    const Piece piece = take_piece(items);
    if (piece.tokens <= 0) return;
    __shared__ int2 limits[QUERIES];
    take_limits(limits, piece, begins, begin_step, ends, end_step, capacity, queries);
    __syncthreads();
    const int sequence = piece.row, real = piece.tokens * queries; // of the queries, those that do not pad
    const int begin = limits[0].x, end = limits[real - 1].y, all_begin = limits[real - 1].x, all_end = limits[0].y;
    const int first = max(piece.tile, begin / TOKENS),
        count = min(piece.tile + piece.tiles, (end + TOKENS - 1) / TOKENS) - first;
    auto query_row = [&](int m) { return ((sequence + m / queries) * rows + row) * queries + m % queries; };
#else
    const int sequence = blockIdx.z, real = queries;
    const Span span = take_span(begins, begin_step, ends, end_step, capacity, sequence);
    const int begin = span.begin, end = span.end, all_begin = begin, all_end = end;
    const int first = span.first, count = span.count;
    const Parts parts = parts_of(span, sums, largest, totals);
    if (span.clusters == 1) let_follow(); // not a join: one that waits from here on costs more than it saves (measured)
    if (span.clusters > 1 && span.nothing) { leave_nothing(span, parts); return; }
    auto query_row = [&](int m) { return (sequence * rows + row) * queries + m; };
#endif

    const u32 key_address0 = shared_address(key_ring), value_address0 = shared_address(value_ring);
    keys += row * key_row;
    values += row / value_sharing * value_row;
#if SCALED
    key_scales += row * key_scale_row;
    value_scales += row / value_sharing * value_scale_row;
#endif
    const Tiles tiles = { table + sequence * table_pages, page_tokens, sequence, first, count };
    int page = tiles.page(0), earlier = 0;  // of the next tile of keys and of values: known before they are needed
    // Keys of tile i and values of the tile before it are one group of copies.
    auto bring = [&](int i)
    {
        if (i < count)
            copy_tile<KEY_COPY, WARPS * 32>(key_address0 + i % STAGES * KEY_TILE * 2,
                keys + page * key_batch + tiles.token(i) * key_token, key_token, end - (first + i) * TOKENS);
        if (i > 0 && i - 1 < count)
            copy_tile<VALUE_COPY, WARPS * 32>(value_address0 + (i - 1) % STAGES * VALUE_TILE * 2, values + earlier
                * value_batch + tiles.token(i - 1) * value_token, value_token, end - (first + i - 1) * TOKENS);
#if SCALED
        if (i < count && threadIdx.x < TOKENS / 4) // 8 scales a thread
        {
            const int of_values = threadIdx.x / (TOKENS / 8), at = threadIdx.x % (TOKENS / 8) * 8;
            copy_async(shared_address(scale_ring + (i % STAGES * 2 + of_values) * TOKENS + at),
                (of_values ? value_scales + page * value_scale_batch : key_scales + page * key_scale_batch)
                    + tiles.token(i) + at, true);
        }
#endif
        asm volatile("cp.async.commit_group;\n" ::: "memory");
        earlier = page;
        page = tiles.page(i + 1);
    };

    // Queries come first, zeros for those that pad: whatever is asked for after the first tiles waits for them.
    for (int i = threadIdx.x; i < QUERIES * (WK / 8); i += WARPS * 32)
    {
        const int m = i / (WK / 8), part = i % (WK / 8);
#if SCALED
        const uint4 columns = m < real ? *(const uint4*)(query + (long long)query_row(m) * WK + part * 8)
            : make_uint4(0, 0, 0, 0);
        const u32 pairs[4] = { columns.x, columns.y, columns.z, columns.w };
#pragma unroll
        for (int e = 0; e < 8; e++)
            q[m * KEY_STRIDE + place_of_column(part * 8 + e)] = (bf16)(pairs[e / 2] >> e % 2 * 16);
        continue;
#endif
        copy_async(shared_address(q + m * KEY_STRIDE + part * 8),
            query + (m < real ? (long long)query_row(m) * WK + part * 8 : 0), m < real);
    }
    for (int i = 0; i < STAGES; i++) bring(i);

    const int token_group = warp % TOKEN_GROUPS, query_group = warp / TOKEN_GROUPS;
    auto query_address = [&](int t, int d) { return shared_address(
        q + ((query_group * QUERY_TILES + t) * 16 + lane % 16) * KEY_STRIDE + lane / 16 * 8 + d * 16); };
#if QUERIES_IN_REGISTERS
    u32 fragments[QUERY_TILES][WK / 16][4];
#endif

    float sum[ROW_TILES][COLUMN_PAIRS][2][4];
#pragma unroll
    for (int a = 0; a < ROW_TILES; a++)
#pragma unroll
        for (int b = 0; b < COLUMN_PAIRS; b++)
#pragma unroll
            for (int c = 0; c < 8; c++) sum[a][b][c / 4][c % 4] = 0;
    float highest[PASSES], total[PASSES];
#pragma unroll
    for (int i = 0; i < PASSES; i++) { highest[i] = NEVER; total[i] = 0; }

    // S [queries of the warp, 8 tokens] = Q Kᵀ
    auto score = [&](int i)
    {
        if (query_group >= QUERY_GROUPS) return;
        float s[2][QUERY_TILES][4];  // of even and odd depths, so that products wait less for each other
#pragma unroll
        for (int t = 0; t < QUERY_TILES; t++)
#pragma unroll
            for (int c = 0; c < 4; c++) s[0][t][c] = s[1][t][c] = 0;
#if SCALED
        const unsigned char* own = (const unsigned char*)(key_ring + i % STAGES * KEY_TILE)
            + (token_group * 8 + lane / 4) * KEY_ROW + lane % 4 * 16;
#pragma unroll
        for (int g = 0; g < WK / 64; g++)
        {
            const uint4 bytes = *(const uint4*)(own + g * 64);
            const u32 words[4] = { bytes.x, bytes.y, bytes.z, bytes.w };
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                const u32 even = widen_bytes(words[j]), odd = widen_bytes(words[j] >> 8);
#pragma unroll
                for (int t = 0; t < QUERY_TILES; t++)
                {
#if QUERIES_IN_REGISTERS
                    multiply_add(s[j % 2][t], fragments[t][4 * g + j], even, odd);
#else
                    u32 a[4];
                    load4(a, query_address(t, 4 * g + j));
                    multiply_add(s[j % 2][t], a, even, odd);
#endif
                }
            }
        }
#else
        const u32 key_address = key_address0
            + (i % STAGES * KEY_TILE + (token_group * 8 + lane % 8) * KEY_STRIDE + lane / 8 * 8) * 2;
#pragma unroll
        for (int d = 0; d < WK / 16; d += 2)
        {
            u32 b[4];
            load4(b, key_address + d * 32);  // of two depths; past an odd last one something that nobody uses
#pragma unroll
            for (int e = 0; e < 2; e++)
            {
                if (d + e >= WK / 16) break;
#pragma unroll
                for (int t = 0; t < QUERY_TILES; t++)
                {
#if QUERIES_IN_REGISTERS
                    multiply_add(s[e][t], fragments[t][d + e], b[e * 2], b[e * 2 + 1]);
#else
                    u32 a[4];
                    load4(a, query_address(t, d + e));
                    multiply_add(s[e][t], a, b[e * 2], b[e * 2 + 1]);
#endif
                }
            }
        }
#endif
#pragma unroll
        for (int t = 0; t < QUERY_TILES; t++)
#pragma unroll
            for (int c = 0; c < 4; c += 2)
                *(float2*)(scores + ((query_group * QUERY_TILES + t) * 16 + lane / 4 + c * 4) * SCORE_STRIDE
                    + token_group * 8 + lane % 4 * 2)
                    = make_float2(s[0][t][c] + s[1][t][c], s[0][t][c + 1] + s[1][t][c + 1]);
    };

    // Weights of a tile against the largest score so far; a lane has the same queries in every tile.
    auto weigh = [&](int i)
    {
        const int token = (first + i) * TOKENS + lane % LANES_A_QUERY * 2;
        const bool whole = (first + i) * TOKENS >= all_begin && (first + i + 1) * TOKENS <= all_end; // for all queries
#if SCALED
        const bf16* scales = scale_ring + i % STAGES * 2 * TOKENS + lane % LANES_A_QUERY * 2;
        const u32 of_keys = *(const u32*)scales, of_values = *(const u32*)(scales + TOKENS);
#endif
        float2 x[PASSES];
        float most[PASSES];
#pragma unroll
        for (int w = 0; w < PASSES; w++)
        {
            const int m = w * QUERIES_A_PASS + threadIdx.x / LANES_A_QUERY;
            x[w] = m < QUERIES ? *(const float2*)(scores + m * SCORE_STRIDE + lane % LANES_A_QUERY * 2)
                : make_float2(0, 0);
            x[w].x *= scale;
            x[w].y *= scale;
#if SCALED
            x[w].x *= widen((bf16)of_keys);
            x[w].y *= widen((bf16)(of_keys >> 16));
#endif
#if FACTORS
            if (m < real)
            {
                const int g = (row * queries + m % queries) / (rows * queries / factor_rows);
#if PAGED
                const bf16* factor = factors + tiles.table[token / page_tokens] * factor_batch + g * factor_row
                    + token % page_tokens;
#else
                const bf16* factor = factors + sequence * factor_batch + g * factor_row + token;
#endif
                if (token < end) x[w].x *= widen(factor[0]);
                if (token + 1 < end) x[w].y *= widen(factor[1]);
            }
#endif
            x[w].x = capped(x[w].x, cap);
            x[w].y = capped(x[w].y, cap);
            if (!whole)
            {
#if PIECES
                const int from = m < QUERIES ? limits[m].x : 0, to = m < QUERIES ? limits[m].y : 0;
#else
                const int from = begin, to = end;
#endif
                if (token < from || token >= to) x[w].x = NEVER_EVER;
                if (token + 1 < from || token + 1 >= to) x[w].y = NEVER_EVER;
            }
            most[w] = fmaxf(highest[w], fmaxf(x[w].x, x[w].y));
        }
#pragma unroll
        for (int offset = LANES_A_QUERY / 2; offset > 0; offset /= 2)
#pragma unroll
            for (int w = 0; w < PASSES; w++) most[w] = fmaxf(most[w], __shfl_xor_sync(~0u, most[w], offset));
#pragma unroll
        for (int w = 0; w < PASSES; w++)
        {
            const int m = w * QUERIES_A_PASS + threadIdx.x / LANES_A_QUERY;
            const float fade = exp2_fast(highest[w] - most[w]);
            const float low = exp2_fast(x[w].x - most[w]), high = exp2_fast(x[w].y - most[w]);
            total[w] = total[w] * fade + low + high;         // lane by lane; joined at the end
            highest[w] = most[w];
            if (m >= QUERIES) continue;
#if SCALED
            const u32 both = pack(low * widen((bf16)of_values), high * widen((bf16)(of_values >> 16)));
            bf16* place = weights + m * WEIGHT_STRIDE + place_of_token(lane % LANES_A_QUERY * 2);
            place[0] = (bf16)both;
            place[2] = (bf16)(both >> 16); // the next token's
#else
            *(u32*)(weights + m * WEIGHT_STRIDE + lane % LANES_A_QUERY * 2) = pack(low, high);
#endif
            if (lane % LANES_A_QUERY == 0) fading[m] = fade;
        }
    };

    // O [queries, columns of the warp] = fade · O + P V
    auto add = [&](int i)
    {
#pragma unroll
        for (int a = 0; a < ROW_TILES; a++)
        {
            const float upper = fading[a * 16 + lane / 4], lower = fading[a * 16 + lane / 4 + 8];
#pragma unroll
            for (int b = 0; b < COLUMN_PAIRS; b++)
#pragma unroll
                for (int c = 0; c < 8; c++) sum[a][b][c / 4][c % 4] *= c % 4 < 2 ? upper : lower;
        }
        const u32 weight_address = shared_address(weights + lane % 16 * WEIGHT_STRIDE + lane / 16 * 8);
        const u32 value_address = value_address0
            + (i % STAGES * VALUE_TILE + lane % 16 * VALUE_STRIDE + warp * 16 + lane / 16 * 8) * 2;
#pragma unroll
        for (int d = 0; d < TOKENS / 16; d++)
        {
            u32 p[ROW_TILES][4];
#pragma unroll
            for (int a = 0; a < ROW_TILES; a++) load4(p[a], weight_address + (a * 16 * WEIGHT_STRIDE + d * 16) * 2);
#pragma unroll
            for (int b = 0; b < COLUMN_PAIRS; b++)
            {
                if (warp + b * WARPS >= WV / 16) break;
#if SCALED
                const unsigned char* own = (const unsigned char*)(value_ring + i % STAGES * VALUE_TILE)
                    + (d * 16 + lane % 4) * VALUE_ROW + (warp + b * WARPS) * 16 + lane / 4 * 2;
                u32 pairs[4]; // two columns of a token
#pragma unroll
                for (int t = 0; t < 4; t++) pairs[t] = *(const unsigned short*)(own + t * 4 * VALUE_ROW);
#pragma unroll
                for (int side = 0; side < 2; side++)
                {
                    const int of = side ? 0x2521 : 0x2420; // bytes of two tokens, with zeros between them
                    const u32 first = widen_bytes(__byte_perm(pairs[0], pairs[1], of)),
                        second = widen_bytes(__byte_perm(pairs[2], pairs[3], of));
#pragma unroll
                    for (int a = 0; a < ROW_TILES; a++) multiply_add(sum[a][b][side], p[a], first, second);
                }
                continue;
#endif
                u32 columns[4];
                load4_transposed(columns, value_address + (d * 16 * VALUE_STRIDE + b * WARPS * 16) * 2);
#pragma unroll
                for (int a = 0; a < ROW_TILES; a++)
                {
                    multiply_add(sum[a][b][0], p[a], columns[0], columns[1]);
                    multiply_add(sum[a][b][1], p[a], columns[2], columns[3]);
                }
            }
        }
    };

    if (count > 0)
    {
        asm volatile("cp.async.wait_group %0;\n" ::"n"(STAGES - 1) : "memory");
        __syncthreads();
#if QUERIES_IN_REGISTERS
        if (query_group < QUERY_GROUPS)
#pragma unroll
            for (int t = 0; t < QUERY_TILES; t++)
#pragma unroll
                for (int d = 0; d < WK / 16; d++) load4(fragments[t][d], query_address(t, d));
#endif
        score(0);
        __syncthreads();
        weigh(0);
        for (int i = 0; i < count; i++)
        {
            asm volatile("cp.async.wait_group %0;\n" ::"n"(STAGES - 2) : "memory");
            __syncthreads();  // keys i + 1 and values i are there; nobody reads keys i or values i − 1
            bring(i + STAGES);
            if (i + 1 < count) score(i + 1);
            add(i);
            __syncthreads();
            if (i + 1 < count) weigh(i + 1);
        }
    }
    asm volatile("cp.async.wait_group 0;\n" ::: "memory");
    __syncthreads();

    // What the block found, for its cluster to read.
    float* highests = scores;                                // [QUERIES]
    float* whole_totals = scores + QUERIES;                  // [QUERIES]
#pragma unroll
    for (int a = 0; a < ROW_TILES; a++)
#pragma unroll
        for (int b = 0; b < COLUMN_PAIRS; b++)
        {
            const int pair = warp + b * WARPS;
#if SCALED // a side has every other column
            if (pair < WV / 16)
#pragma unroll
                for (int side = 0; side < 2; side++)
                    *(float4*)(joining + (a * 16 + lane / 4 + side * 8) * SUM_STRIDE + pair * 16 + lane % 4 * 4)
                        = make_float4(sum[a][b][0][side * 2], sum[a][b][1][side * 2], sum[a][b][0][side * 2 + 1],
                            sum[a][b][1][side * 2 + 1]);
            continue;
#endif
            if (pair < WV / 16)
#pragma unroll
                for (int half = 0; half < 2; half++)
#pragma unroll
                    for (int side = 0; side < 2; side++)
                        *(float2*)(joining + (a * 16 + lane / 4 + side * 8) * SUM_STRIDE + pair * 16
                            + half * 8 + lane % 4 * 2)
                            = make_float2(sum[a][b][half][side * 2], sum[a][b][half][side * 2 + 1]);
        }
#pragma unroll
    for (int w = 0; w < PASSES; w++)
    {
        const int m = w * QUERIES_A_PASS + threadIdx.x / LANES_A_QUERY;
        float joined = total[w];
#pragma unroll
        for (int offset = LANES_A_QUERY / 2; offset > 0; offset /= 2) joined += __shfl_xor_sync(~0u, joined, offset);
        if (lane % LANES_A_QUERY == 0 && m < QUERIES) { highests[m] = highest[w]; whole_totals[m] = joined; }
    }
#if PIECES
    __syncthreads();
    leave_piece<SUM_STRIDE, WARPS * 32>(piece, joining, highests, whole_totals, { sums, largest, totals }, counters,
        output, rows, queries, sinks);
#else
    join_spans<SUM_STRIDE, WARPS * 32>(span, joining, highests, whole_totals, parts,
        output + (long long)query_row(0) * WV, queries, sinks + row * queries);
#endif
}
