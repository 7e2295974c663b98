// Attention of pieces of sequences over pages, softmax(q Kᵀ · scale) V, for rows of up to 128 elements: what
// decode_attention.cu computes with PIECES, with less on the way. A warp has 16 queries and all tokens of a tile, so
// scores and weights stay in its registers; warps share tiles of keys and values alone, which travel through a ring in
// shared memory (cp.async). Products are mma.m16n8k16, bfloat16 in, float32 out, with an online softmax between them.
//
// A block takes an item (pieces.cuh) and a row of the cache. Queries of a piece lie side by side: those of its first
// token, then those of the next one. A warp all of whose queries pad only copies.
//
// The cache may keep numbers of 8 bits (SCALED). Then the ring has their bytes and scales, and the tile that is next
// becomes bfloat16 beside it: a number times its scale, rounded, as read_rows does (scaled_rows.cu).
//
// Compile-time: WK, WV (multiples of 16, at most 128), QUERIES (a piece's, padded to a multiple of 16), TOKENS (a tile:
// 64), STAGES, PIECES, PAGED = 1, and SCALED (0 or none: bfloat16). For compute capability 8.0 and later. Compiled
// behind bfloat16.cuh, tensor_cores.cuh, launches.cuh, clusters.cuh, scores.cuh, spans.cuh, tiles.cuh, pieces.cuh and
// scaled_numbers.cuh.

#define THREADS (QUERIES * 2)                            // a warp for 16 queries
#define KEY_STRIDE (WK + 8)                              // odd multiples of 16 bytes: eight rows lie in different banks
#define VALUE_STRIDE (WV + 8)
#define KEY_TILE (TOKENS * KEY_STRIDE)
#define VALUE_TILE (TOKENS * VALUE_STRIDE)
#define SUM_STRIDE (WV + 8)                              // of floats: four rows lie in different banks
#define TILES (SCALED ? 1 : STAGES)                      // of bfloat16

#if SCALED
// Rows of WIDTH bytes of a tile, multiplied by their scales, to rows STRIDE elements apart.
template <int WIDTH, int STRIDE> __device__ __forceinline__ void widen_tile(bf16* target, const unsigned char* source,
    const bf16* scales)
{
    constexpr int parts = WIDTH / 16;                        // of 16 numbers, one a thread at a time
    for (int i = threadIdx.x; i < TOKENS * parts; i += THREADS)
    {
        const int token = i / parts, part = i % parts;
        const u32 both = scales[token] * 0x10001u;           // for two numbers at once
        const uint4 bytes = *(const uint4*)(source + i * 16);
        const u32 words[4] = { bytes.x, bytes.y, bytes.z, bytes.w };
        u32 wide[8];
#pragma unroll
        for (int w = 0; w < 4; w++)
        {
            const u32 even = multiply_add2(widen_bytes(words[w]), both, 0x80008000),
                odd = multiply_add2(widen_bytes(words[w] >> 8), both, 0x80008000);
            wide[2 * w] = __byte_perm(even, odd, 0x5410);
            wide[2 * w + 1] = __byte_perm(even, odd, 0x7632);
        }
        uint4* place = (uint4*)(target + token * STRIDE + part * 16);
        place[0] = make_uint4(wide[0], wide[1], wide[2], wide[3]);
        place[1] = make_uint4(wide[4], wide[5], wide[6], wide[7]);
    }
}
#endif

extern "C" __global__ void __launch_bounds__(THREADS) decode_attention(
    DECODE_PARAMETERS PIECE_PARAMETERS SCALE_PARAMETERS)
{
    extern __shared__ __align__(128) unsigned char memory[];
    bf16* key_tiles = (bf16*)memory;                         // [TILES, TOKENS, KEY_STRIDE]
    bf16* value_tiles = key_tiles + TILES * KEY_TILE;        // [TILES, TOKENS, VALUE_STRIDE]
#if SCALED
    unsigned char* key_bytes = (unsigned char*)(value_tiles + TILES * VALUE_TILE); // [STAGES, TOKENS, WK]
    unsigned char* value_bytes = key_bytes + STAGES * TOKENS * WK;  // [STAGES, TOKENS, WV]
    bf16* scale_ring = (bf16*)(value_bytes + STAGES * TOKENS * WV); // [STAGES, of keys and of values, TOKENS]
#endif
    float* joining = (float*)memory;                         // [QUERIES, SUM_STRIDE], in the end
    __shared__ int2 limits[QUERIES];
    __shared__ float highests[QUERIES], whole_totals[QUERIES];

    const int row = blockIdx.y;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    follow();
    let_follow();
    const Piece piece = take_piece(items);
    if (piece.tokens <= 0) return;
    take_limits(limits, piece, begins, begin_step, ends, end_step, capacity, queries);
    __syncthreads();
    const int real = piece.tokens * queries;                 // of the queries, those that do not pad
    const int begin = limits[0].x, end = limits[real - 1].y, all_begin = limits[real - 1].x, all_end = limits[0].y;
    const int first = max(piece.tile, begin / TOKENS),
        count = min(piece.tile + piece.tiles, (end + TOKENS - 1) / TOKENS) - first;

    const u32 key_address = shared_address(key_tiles), value_address = shared_address(value_tiles);
    keys += row * key_row;
    values += row / value_sharing * value_row;
#if SCALED
    key_scales += row * key_scale_row;
    value_scales += row / value_sharing * value_scale_row;
#endif
    const Tiles tiles = { table + piece.row * table_pages, page_tokens, piece.row, first, count };
    int page = tiles.page(0);                                // of the next tile: known before it is needed
    auto bring = [&](int i)
    {
        if (i < count)
        {
            const int there = end - (first + i) * TOKENS;
#if SCALED // strides and widths count as bfloat16
            copy_tile<WK / 2, WK / 2, THREADS>(shared_address(key_bytes + i % STAGES * TOKENS * WK),
                keys + page * key_batch + tiles.token(i) * key_token, key_token, there);
            copy_tile<WV / 2, WV / 2, THREADS>(shared_address(value_bytes + i % STAGES * TOKENS * WV),
                values + page * value_batch + tiles.token(i) * value_token, value_token, there);
            if (threadIdx.x < TOKENS / 4) // 8 scales a thread
            {
                const int of_values = threadIdx.x / (TOKENS / 8), at = threadIdx.x % (TOKENS / 8) * 8;
                copy_async(shared_address(scale_ring + (i % STAGES * 2 + of_values) * TOKENS + at),
                    (of_values ? value_scales + page * value_scale_batch : key_scales + page * key_scale_batch)
                        + tiles.token(i) + at, true);
            }
#else
            copy_tile<WK, KEY_STRIDE, THREADS>(key_address + i % STAGES * KEY_TILE * 2,
                keys + page * key_batch + tiles.token(i) * key_token, key_token, there);
            copy_tile<WV, VALUE_STRIDE, THREADS>(value_address + i % STAGES * VALUE_TILE * 2,
                values + page * value_batch + tiles.token(i) * value_token, value_token, there);
#endif
        }
        asm volatile("cp.async.commit_group;\n" ::: "memory");
        page = tiles.page(i + 1);
    };
    for (int i = 0; i < STAGES - 1; i++) bring(i);

    // A lane has the queries m and m + 8, two neighbouring elements at a time; zeros for those that pad.
    const int m = warp * 16 + lane / 4;
    const bool works = warp * 16 < real;
    u32 q[WK / 16][4];
    {
        auto source = [&](int n) { return query + (((long long)(piece.row + n / queries) * rows + row) * queries
            + n % queries) * WK + lane % 4 * 2; };
#pragma unroll
        for (int d = 0; d < WK / 16; d++)
#pragma unroll
            for (int c = 0; c < 4; c++)
            {
                const int n = m + c % 2 * 8;
                q[d][c] = n < real ? *(const u32*)(source(n) + d * 16 + c / 2 * 8) : 0;
            }
    }
    const int2 upper = limits[m], lower = limits[m + 8];     // what they see

    float sum[WV / 8][4];
#pragma unroll
    for (int n = 0; n < WV / 8; n++)
#pragma unroll
        for (int c = 0; c < 4; c++) sum[n][c] = 0;
    float highest[2] = { NEVER, NEVER }, total[2] = { 0, 0 };

    for (int i = 0; i < count; i++)
    {
        asm volatile("cp.async.wait_group %0;\n" ::"n"(STAGES - 2) : "memory");
        __syncthreads();                                     // tile i is there; nobody reads tile i − 1
        bring(i + STAGES - 1);
#if SCALED
        const bf16* scales = scale_ring + i % STAGES * 2 * TOKENS;
        widen_tile<WK, KEY_STRIDE>(key_tiles, key_bytes + i % STAGES * TOKENS * WK, scales);
        widen_tile<WV, VALUE_STRIDE>(value_tiles, value_bytes + i % STAGES * TOKENS * WV, scales + TOKENS);
        __syncthreads();
#endif
        if (!works) continue;

        // S [16, TOKENS] = Q Kᵀ
        float s[TOKENS / 8][4];
        const u32 own_keys = key_address + (i % TILES * KEY_TILE + lane % 8 * KEY_STRIDE + lane / 8 * 8) * 2;
#pragma unroll
        for (int n = 0; n < TOKENS / 8; n++)
        {
#pragma unroll
            for (int c = 0; c < 4; c++) s[n][c] = 0;
#pragma unroll
            for (int d = 0; d < WK / 16; d += 2)
            {
                u32 b[4];
                load4(b, own_keys + (n * 8 * KEY_STRIDE + d * 16) * 2);  // of two depths
                multiply_add(s[n], q[d], b[0], b[1]);
                if (d + 1 < WK / 16) multiply_add(s[n], q[d + 1], b[2], b[3]);
            }
        }

        // P, against the largest score so far
        const int token = (first + i) * TOKENS + lane % 4 * 2;
        const float scale_of_scores = CAPPED ? 1 : scale; // what s lacks of scores
        if (CAPPED)
#pragma unroll
            for (int n = 0; n < TOKENS / 8; n++)
#pragma unroll
                for (int c = 0; c < 4; c++) s[n][c] = capped(s[n][c] * scale, cap);
        if ((first + i) * TOKENS < all_begin || (first + i + 1) * TOKENS > all_end)
#pragma unroll
            for (int n = 0; n < TOKENS / 8; n++)
#pragma unroll
                for (int c = 0; c < 4; c++)
                {
                    const int t = token + n * 8 + c % 2;
                    const int2 seen = c < 2 ? upper : lower;
                    if (t < seen.x || t >= seen.y) s[n][c] = NEVER_EVER;
                }
        float fade[2];
#pragma unroll
        for (int side = 0; side < 2; side++)
        {
            float most = NEVER_EVER;
#pragma unroll
            for (int n = 0; n < TOKENS / 8; n++) most = fmaxf(most, fmaxf(s[n][side * 2], s[n][side * 2 + 1]));
            most = fmaxf(most, __shfl_xor_sync(~0u, most, 1));
            most = fmaxf(most, __shfl_xor_sync(~0u, most, 2));
            most = fmaxf(highest[side], most * scale_of_scores);
            fade[side] = exp2_fast(highest[side] - most);
            highest[side] = most;
            float own = 0;
#pragma unroll
            for (int n = 0; n < TOKENS / 8; n++)
#pragma unroll
                for (int c = side * 2; c < side * 2 + 2; c++)
                {
                    s[n][c] = exp2_fast(fmaf(s[n][c], scale_of_scores, -most));
                    own += s[n][c];
                }
            total[side] = total[side] * fade[side] + own;    // lane by lane; joined at the end
        }
#pragma unroll
        for (int n = 0; n < WV / 8; n++)
#pragma unroll
            for (int c = 0; c < 4; c++) sum[n][c] *= fade[c / 2];

        // O [16, WV] += P V
        const u32 own_values = value_address
            + (i % TILES * VALUE_TILE + lane % 16 * VALUE_STRIDE + lane / 16 * 8) * 2;
#pragma unroll
        for (int k = 0; k < TOKENS / 16; k++)
        {
            const u32 p[4] = { pack(s[2 * k][0], s[2 * k][1]), pack(s[2 * k][2], s[2 * k][3]),
                pack(s[2 * k + 1][0], s[2 * k + 1][1]), pack(s[2 * k + 1][2], s[2 * k + 1][3]) };
#pragma unroll
            for (int n = 0; n < WV / 16; n++)
            {
                u32 columns[4];
                load4_transposed(columns, own_values + (k * 16 * VALUE_STRIDE + n * 16) * 2);
                multiply_add(sum[2 * n], p, columns[0], columns[1]);
                multiply_add(sum[2 * n + 1], p, columns[2], columns[3]);
            }
        }
    }
    asm volatile("cp.async.wait_group 0;\n" ::: "memory");
    __syncthreads();

    // What the block found, for others to read.
#pragma unroll
    for (int side = 0; side < 2; side++)
    {
        const int own = m + side * 8;
        float joined = total[side];
        joined += __shfl_xor_sync(~0u, joined, 1);
        joined += __shfl_xor_sync(~0u, joined, 2);
        if (lane % 4 == 0) { highests[own] = highest[side]; whole_totals[own] = joined; }
#pragma unroll
        for (int n = 0; n < WV / 8; n++)
            *(float2*)(joining + own * SUM_STRIDE + n * 8 + lane % 4 * 2)
                = make_float2(sum[n][side * 2], sum[n][side * 2 + 1]);
    }
    __syncthreads();
    leave_piece<SUM_STRIDE, THREADS>(piece, joining, highests, whole_totals, { sums, largest, totals }, counters,
        output, rows, queries, sinks);
}
