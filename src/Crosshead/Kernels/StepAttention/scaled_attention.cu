// One step of decoding as in decode_attention.cu over a cache of 8 bits a number, for short rows with few queries:
// warps that share nothing. A warp takes tiles of its own, which travel through a ring of its own (cp.async). Its
// scores, weights and sums stay in its registers, with an online softmax between both products. Nobody waits at a
// barrier but in the end. Products are mma.m16n8k16, half precision in, float32 out:
//
//     Sᵀ = K Qᵀ [tokens, queries]        Oᵀ = Vᵀ Pᵀ [columns, queries]
//
// Numbers become half precision on their way to the products, which holds them exactly. The scale of a key multiplies
// its score, the scale of a value its weight. Queries are divided by a power of two, weights multiplied by 2^12 and
// divided by the largest scale of values so far, so that half precision holds them.
//
// A product has 8 columns, two for each of 4 queries: of scores the second one is not used, of sums the first one has
// the first 8 of 16 tokens and the second one the others. So a lane has one query, lane % 4, in all that it computes.
// Which number is which element of a product is free as long as both sides agree: of four bytes that a lane gets
// together, the first and the third make a pair, and the second and the fourth.
//
// Compile-time: WK, WV (64 or 128), QUERIES (a row's, padded to a multiple of 4), TOKENS (a tile: 32 or 64), STAGES (of
// a ring), WARPS, PAGED, SCALED (1: whole numbers, 2: e4m3; scaled_rows.cu), FACTORS and PIECES (0). For compute
// capability 8.0 and later. Compiled behind bfloat16.cuh, tensor_cores.cuh, launches.cuh, clusters.cuh,
// scores.cuh, spans.cuh, tiles.cuh and pieces.cuh, before join_clusters.cu.

#define THREADS (WARPS * 32)
#define GROUPS (QUERIES / 4)
#define STEPS (TOKENS / 16)
#define KEY_ROW (WK + 16)                               // bytes: eight rows lie in different banks
#define VALUE_ROW (WV + 16)
#define KEY_BYTES (TOKENS * KEY_ROW)
#define ROW_BYTES (KEY_BYTES + TOKENS * VALUE_ROW)
#define SLOT (ROW_BYTES + 4 * TOKENS)                   // keys, values, scales of keys, scales of values
#define RING_BYTES (STAGES * SLOT)
#define SUM_STRIDE (WV + 8)                             // of floats
#define SUM_BYTES (QUERIES * SUM_STRIDE * 4)            // a warp's sums take the rings' place in the end
#define LARGEST_WEIGHT 4096.0f

// Two floats to two numbers of half precision, the first in the low half.
__device__ __forceinline__ u32 pack_halves(float low, float high)
{
    u32 r;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;\n" : "=r"(r) : "f"(high), "f"(low));
    return r;
}

// The first and the third of four numbers, then the others.
__device__ __forceinline__ void widen_bytes(u32 bytes, u32& first, u32& second)
{
#if SCALED == 1 // with the bits of 1024 they are half precision, 1152 too large: 128 comes from turning the sign
    const u32 even = (bytes & 0x00ff00ff) ^ 0x64806480, odd = (bytes >> 8 & 0x00ff00ff) ^ 0x64806480;
    asm("add.rn.f16x2 %0, %1, %2;\n" : "=r"(first) : "r"(even), "r"(0xe480e480));
    asm("add.rn.f16x2 %0, %1, %2;\n" : "=r"(second) : "r"(odd), "r"(0xe480e480));
#elif __CUDA_ARCH__ >= 890
    asm("{\n.reg .b16 low, high;\nmov.b32 {low, high}, %2;\ncvt.rn.f16x2.e4m3x2 %0, low;\n"
        "cvt.rn.f16x2.e4m3x2 %1, high;\n}\n" : "=r"(first), "=r"(second) : "r"(__byte_perm(bytes, 0, 0x3120)));
#else           // half precision's own, but for 2^8
    const u32 odd = bytes >> 8;
    asm("mul.rn.f16x2 %0, %1, %2;\n" : "=r"(first)
        : "r"((bytes & 0x00800080) << 8 | (bytes & 0x007f007f) << 7), "r"(0x5c005c00));
    asm("mul.rn.f16x2 %0, %1, %2;\n" : "=r"(second)
        : "r"((odd & 0x00800080) << 8 | (odd & 0x007f007f) << 7), "r"(0x5c005c00));
#endif
}

__device__ __forceinline__ void multiply_add_halves(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1)
{
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]),
                     "r"(b0), "r"(b1));
}

// Row i of pairs becomes pair i of rows.
__device__ __forceinline__ u32 turn(u32 pair)
{
    u32 r;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;\n" : "=r"(r) : "r"(pair));
    return r;
}

// A tile of WIDTH bytes a token by one warp; zeros from token `there` on. The stride counts as bfloat16.
template <int WIDTH, int ROW> __device__ __forceinline__ void copy_bytes(u32 target, const bf16* source,
    long long stride, int there)
{
    constexpr int parts = WIDTH / 16, step = 32 / parts;
    const int token = threadIdx.x % 32 / parts, part = threadIdx.x % 32 % parts;
    source += token * stride + part * 8;
    target += token * ROW + part * 16;
#pragma unroll
    for (int i = 0; i < TOKENS; i += step)
        copy_async(target + i * ROW, token + i < there ? source + i * stride : source - token * stride,
            token + i < there);
}

__device__ __forceinline__ float largest_of_rows(float x)
{
#pragma unroll
    for (int lanes = 4; lanes < 32; lanes *= 2) x = fmaxf(x, __shfl_xor_sync(~0u, x, lanes));
    return x;
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) decode_attention(DECODE_PARAMETERS,
    const bf16* __restrict__ key_scales, long long key_scale_batch, long long key_scale_row,
    const bf16* __restrict__ value_scales, long long value_scale_batch, long long value_scale_row)
{
    extern __shared__ __align__(128) unsigned char memory[];
    constexpr int joined_bytes = RING_BYTES > SUM_BYTES ? WARPS * RING_BYTES : WARPS * SUM_BYTES;
    float* highs = (float*)(memory + joined_bytes);          // [WARPS, QUERIES], in the end
    float* wholes = highs + WARPS * QUERIES;                 // [WARPS, QUERIES]
    float* highests = wholes + WARPS * QUERIES;              // [QUERIES], of all warps
    float* whole_totals = highests + QUERIES;                // [QUERIES]

    const int row = blockIdx.y, sequence = blockIdx.z;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, place = lane / 4, quad = lane % 4;
    follow();
    const Span span = take_span(begins, begin_step, ends, end_step, capacity, sequence);
    const Parts parts = parts_of(span, sums, largest, totals);
    if (span.clusters == 1) let_follow(); // not a join: one that waits from here on costs more than it saves (measured)
    if (span.clusters > 1 && span.nothing) { leave_nothing(span, parts); return; }

    keys += row * key_row;
    values += row / value_sharing * value_row;
    key_scales += row * key_scale_row;
    value_scales += row / value_sharing * value_scale_row;
    const Tiles tiles = { table + sequence * table_pages, page_tokens, sequence, span.first, span.count };
    const int own = max(span.count - warp + WARPS - 1, 0) / WARPS; // the warp's tiles: every WARPS-th
    const u32 ring = shared_address(memory) + warp * RING_BYTES;
    int page = tiles.page(warp); // of the next tile: known before it is needed
    auto bring = [&](int i)
    {
        if (i < own)
        {
            const u32 slot = ring + i % STAGES * SLOT;
            const int tile = warp + i * WARPS, there = span.end - (span.first + tile) * TOKENS;
            const long long token = tiles.token(tile);
            copy_bytes<WK, KEY_ROW>(slot, keys + page * key_batch + token * key_token, key_token, there);
            copy_bytes<WV, VALUE_ROW>(slot + KEY_BYTES, values + page * value_batch + token * value_token, value_token,
                there);
            if (lane < TOKENS / 4) // 8 scales a lane; there is room for those of whole tiles
            {
                const int of_values = lane / (TOKENS / 8), at = lane % (TOKENS / 8) * 8;
                const bf16* scales = of_values ? value_scales + page * value_scale_batch
                    : key_scales + page * key_scale_batch;
                copy_async(slot + ROW_BYTES + (of_values * TOKENS + at) * 2, scales + token + at, true);
            }
            page = tiles.page(warp + (i + 1) * WARPS);
        }
        asm volatile("cp.async.commit_group;\n" ::: "memory");
    };
#pragma unroll
    for (int i = 0; i < STAGES - 1; i++) bring(i);

    // Queries, each at most 2 in magnitude, and what their scores are to be multiplied by.
    u32 q[GROUPS][WK / 16][2];
    float factors_of[GROUPS];
#pragma unroll
    for (int g = 0; g < GROUPS; g++)
    {
        const int m = 4 * g + place / 2;
        const bool there = place % 2 == 0 && m < queries;
        const bf16* source = query + ((long long)(sequence * rows + row) * queries + (there ? m : 0)) * WK + 4 * quad;
        uint2 columns[WK / 16];
        float most = 0;
#pragma unroll
        for (int d = 0; d < WK / 16; d++)
        {
            columns[d] = there ? *(const uint2*)(source + 16 * d) : make_uint2(0, 0);
#pragma unroll
            for (int e = 0; e < 4; e++)
                most = fmaxf(most, fabsf(widen((bf16)((e < 2 ? columns[d].x : columns[d].y) >> e % 2 * 16))));
        }
        most = fmaxf(most, __shfl_xor_sync(~0u, most, 1));
        most = fmaxf(most, __shfl_xor_sync(~0u, most, 2));
        const u32 exponent = min(max(__float_as_uint(most) >> 23, 2u), 252u);
        const float inverse = __uint_as_float((254 - exponent) << 23);
        factors_of[g] = __shfl_sync(~0u, __uint_as_float(exponent << 23), 8 * quad) * scale;
#pragma unroll
        for (int d = 0; d < WK / 16; d++)
        {
            const u32 x = columns[d].x, y = columns[d].y;
            q[g][d][0] = pack_halves(widen((bf16)x) * inverse, widen((bf16)y) * inverse);
            q[g][d][1] = pack_halves(widen((bf16)(x >> 16)) * inverse, widen((bf16)(y >> 16)) * inverse);
        }
    }

    float sum[GROUPS][WV / 16][4] = {}, highest[GROUPS], total[GROUPS] = {};
#pragma unroll
    for (int g = 0; g < GROUPS; g++) highest[g] = NEVER;
    float largest_scale = 1e-30f, weight_factor = 0; // of values so far; what weights are multiplied by

    for (int i = 0; i < own; i++)
    {
        asm volatile("cp.async.wait_group %0;\n" ::"n"(STAGES - 2) : "memory");
        __syncwarp();                                        // tile i is there, and nobody reads the one before
        bring(i + STAGES - 1);
        const u32 slot = ring + i % STAGES * SLOT, key = slot + lane % 16 * KEY_ROW + lane / 16 * 16,
            value = slot + KEY_BYTES + lane % 16 * VALUE_ROW + lane / 16 * 16;
        const bf16* scales = (const bf16*)(memory + (slot - shared_address(memory)) + ROW_BYTES) + place;

        float s[GROUPS][STEPS][4] = {};
#pragma unroll
        for (int d = 0; d < WK / 16; d += 2)
#pragma unroll
            for (int t = 0; t < STEPS; t++)
            {
                u32 bytes[4]; // of 16 columns tokens 0 to 7 and 8 to 15, of the next 16 likewise
                load4(bytes, key + t * 16 * KEY_ROW + d * 16);
#pragma unroll
                for (int e = 0; e < 2; e++)
                {
                    u32 a[4];
                    widen_bytes(bytes[2 * e], a[0], a[2]);
                    widen_bytes(bytes[2 * e + 1], a[1], a[3]);
#pragma unroll
                    for (int g = 0; g < GROUPS; g++) multiply_add_halves(s[g][t], a, q[g][d + e][0], q[g][d + e][1]);
                }
            }

        // Scores in place of products, of tokens `place` and `place` + 8 of each step.
        const int first = (span.first + warp + i * WARPS) * TOKENS;
        const bool whole = first >= span.begin && first + TOKENS <= span.end;
        float of_values[STEPS][2], most_scale = 0, most[GROUPS];
#pragma unroll
        for (int g = 0; g < GROUPS; g++) most[g] = NEVER;
#pragma unroll
        for (int t = 0; t < STEPS; t++)
#pragma unroll
            for (int h = 0; h < 2; h++)
            {
                const int at = t * 16 + h * 8, token = first + at + place;
                const bool seen = whole || token >= span.begin && token < span.end;
                const float of_key = widen(scales[at]);
                of_values[t][h] = seen ? widen(scales[TOKENS + at]) : 0;
                most_scale = fmaxf(most_scale, of_values[t][h]);
#pragma unroll
                for (int g = 0; g < GROUPS; g++)
                {
                    float& x = s[g][t][2 * h];
                    x = seen ? capped(x * (factors_of[g] * of_key), cap) : NEVER_EVER;
                    most[g] = fmaxf(most[g], x);
                }
            }
        bool more = most_scale > largest_scale;
#pragma unroll
        for (int g = 0; g < GROUPS; g++) more |= most[g] > highest[g];
        if (__any_sync(~0u, more)) // larger scores or scales than before, ever more seldom
        {
            most_scale = largest_of_rows(most_scale);
            const float larger = most_scale > largest_scale ? 2 * most_scale : largest_scale,
                fade_of_scales = largest_scale / larger;
            largest_scale = larger;
            weight_factor = LARGEST_WEIGHT / larger;
#pragma unroll
            for (int g = 0; g < GROUPS; g++)
            {
                const float now = fmaxf(highest[g], largest_of_rows(most[g])), fade = exp2_fast(highest[g] - now);
                highest[g] = now;
                total[g] *= fade;
#pragma unroll
                for (int c = 0; c < WV / 16; c++)
#pragma unroll
                    for (int j = 0; j < 4; j++) sum[g][c][j] *= fade * fade_of_scales;
            }
        }

#pragma unroll
        for (int t = 0; t < STEPS; t++)
        {
            u32 p[GROUPS][2];
#pragma unroll
            for (int g = 0; g < GROUPS; g++)
            {
                const float low = exp2_fast(s[g][t][0] - highest[g]), high = exp2_fast(s[g][t][2] - highest[g]);
                total[g] += low + high;                      // lane by lane; joined at the end
                const u32 turned = turn(pack_halves(low * (of_values[t][0] * weight_factor),
                    high * (of_values[t][1] * weight_factor)));
                p[g][0] = place % 2 == 0 ? turned : 0;       // tokens 0 to 7
                p[g][1] = place % 2 == 0 ? 0 : turned;       // 8 to 15
            }
#pragma unroll
            for (int c = 0; c < WV / 16; c += 2)
            {
                u32 bytes[4]; // of 16 columns tokens 0 to 7 and 8 to 15, of the next 16 likewise
                load4_transposed(bytes, value + t * 16 * VALUE_ROW + c * 16);
#pragma unroll
                for (int e = 0; e < 2; e++)
                {
                    u32 a[4];
                    widen_bytes(bytes[2 * e], a[0], a[1]);
                    widen_bytes(bytes[2 * e + 1], a[2], a[3]);
#pragma unroll
                    for (int g = 0; g < GROUPS; g++) multiply_add_halves(sum[g][c + e], a, p[g][0], p[g][1]);
                }
            }
        }
    }
    asm volatile("cp.async.wait_group 0;\n" ::: "memory");
    __syncthreads();                                         // the rings are read and written no more

    // What the warps found, joined for the block's cluster to read.
    float* joining = (float*)memory;                         // [WARPS, QUERIES, SUM_STRIDE]
    const float factor = largest_scale / LARGEST_WEIGHT;
#pragma unroll
    for (int g = 0; g < GROUPS; g++)
    {
        const int m = 4 * g + quad;
        float* target = joining + (warp * QUERIES + m) * SUM_STRIDE + 2 * place;
#pragma unroll
        for (int c = 0; c < WV / 16; c++)
            *(float2*)(target + 16 * c) = make_float2((sum[g][c][0] + sum[g][c][1]) * factor,
                (sum[g][c][2] + sum[g][c][3]) * factor);
#pragma unroll
        for (int lanes = 4; lanes < 32; lanes *= 2) total[g] += __shfl_xor_sync(~0u, total[g], lanes);
        if (place == 0) { highs[warp * QUERIES + m] = highest[g]; wholes[warp * QUERIES + m] = total[g]; }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < QUERIES * (WV / 4); i += THREADS)
    {
        const int m = i / (WV / 4), column = i % (WV / 4) * 4;
        float most = NEVER, all = 0;
        float4 joined = make_float4(0, 0, 0, 0);
#pragma unroll
        for (int w = 0; w < WARPS; w++) most = fmaxf(most, highs[w * QUERIES + m]);
#pragma unroll
        for (int w = 0; w < WARPS; w++)
        {
            const float share = exp2_fast(highs[w * QUERIES + m] - most);
            const float4 x = *(const float4*)(joining + (w * QUERIES + m) * SUM_STRIDE + column);
            all += share * wholes[w * QUERIES + m];
            joined.x += share * x.x; joined.y += share * x.y; joined.z += share * x.z; joined.w += share * x.w;
        }
        *(float4*)(joining + m * SUM_STRIDE + column) = joined; // of the first warp, whose own nobody else reads here
        if (column == 0) { highests[m] = most; whole_totals[m] = all; }
    }
    join_spans<SUM_STRIDE, THREADS>(span, joining, highests, whole_totals, parts,
        output + (long long)(sequence * rows + row) * queries * WV, queries, sinks + row * queries);
}
