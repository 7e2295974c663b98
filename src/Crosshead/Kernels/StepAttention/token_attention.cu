// From the joint product of a decoding step to the heads that attention gives, for one token a sequence and a cache of
// whole heads: query and key heads are normed where there are norms and turned by their positions (RoPE), the token's
// key and value are written to the cache, and softmax(q Kᵀ · scale) V is taken over all tokens up to this one.
//
// The cluster's warps share the tokens of a row out, 16 at a time, and each keeps all that it has in registers. Keys
// and values lie there in the order in which they are read: where a number stands among those of a product is free as
// long as both sides agree. So a lane takes 8 numbers of a key, and of values 8 columns of 4 tokens, which are 8
// products. The past is read before the product ahead is done, as nothing of this step writes it.
//
// Compile-time: WIDTH (of a head: 64 or 128), QUERIES (of a row, at most 8), PAGED, NORMED (1: there are norms). For
// compute capability 8.0 and later. Compiled behind bfloat16.cuh, tensor_cores.cuh, launches.cuh, clusters.cuh,
// scores.cuh and head_lines.cuh.

#define WARPS 8
#define TOKENS 16                                           // of a tile
#define STRETCHES (WIDTH / 64)                              // of a head: 64 numbers, 8 a group of four lanes
#define OUTPUTS (QUERIES * WIDTH)
#define MOST_CLUSTER 8
#define NEVER (-1e30f)                                      // below every score

// Element i of a line of 8 of two tokens, side by side.
__device__ __forceinline__ u32 beside(uint4 first, uint4 second, int i)
{
    const u32 a[4] = { first.x, first.y, first.z, first.w }, b[4] = { second.x, second.y, second.z, second.w };
    return __byte_perm(a[i / 2], b[i / 2], i % 2 ? 0x7632 : 0x5410);
}

// What a warp has of a row: of each query its sum, its largest score and the total of its weights.
struct __align__(16) Share
{
    float sums[OUTPUTS], largest[QUERIES], totals[QUERIES];
};

// What the blocks of a cluster send to one of them: the same of some columns.
struct __align__(16) Received
{
    float sums[OUTPUTS], largest[MOST_CLUSTER][QUERIES], totals[MOST_CLUSTER][QUERIES];
};

// joint [B, …], sequences `step` apart: rows·QUERIES query heads, rows key heads, rows values, WIDTH each; cosine and
// sine [table_rows, WIDTH / 2], table_rows 1 or B; norms [WIDTH]; positions [B] (position_step 1) or [1] (step 0), at
// least two kernels old, and so is the table of pages [B, table_step] (PAGED). The cache's keys and values [B or pages,
// rows, tokens, WIDTH] with strides in elements; output [B, rows·QUERIES, WIDTH]. The scale has log2(e) in it; for
// the cap, and the sinks [rows·QUERIES], see scores.cuh. A row of a sequence a cluster.
extern "C" __global__ void __launch_bounds__(32 * WARPS) token_attention(
    const bf16* __restrict__ joint, long long step,
    const float* __restrict__ cosine, const float* __restrict__ sine, int table_rows,
    const bf16* __restrict__ query_norm, const bf16* __restrict__ key_norm, float epsilon,
    const long long* __restrict__ positions, int position_step,
    const int* __restrict__ table, int table_step, int page_tokens,
    bf16* keys, long long key_batch, long long key_row, bf16* values, long long value_batch, long long value_row,
    bf16* __restrict__ output, float scale, float cap, const bf16* __restrict__ sinks)
{
    __shared__ Share shares[WARPS];
    __shared__ Received received;
    cluster_arrive();
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, quad = lane % 4;
    const int row = blockIdx.y, rows = gridDim.y, sequence = blockIdx.z, blocks = cluster_size();
    const int position = (int)positions[sequence * position_step];
    const int tiles = position / TOKENS + 1, first = cluster_rank() + blocks * warp, stride = blocks * WARPS;
    keys += row * key_row;
    values += row * value_row;
    const uint4 none = make_uint4(0, 0, 0, 0);

    // Where a token lies: its page, or the sequence, and its place there.
    auto page_of = [&](int token) -> long long {
        return PAGED ? table[sequence * table_step + token / page_tokens] : sequence;
    };
    auto place_of = [&](int token) { return PAGED ? token % page_tokens : token; };

    uint4 key[2][PARTS], value[4][STRETCHES];
    auto bring = [&](int tile) { // the past of a tile; zeros for the rest
        const long long page = page_of(min(tile * TOKENS, position)); // a tile never straddles two
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            const int token = tile * TOKENS + 8 * half + group;
            const bf16* source = keys + page * key_batch + (long long)place_of(token) * WIDTH + 8 * quad;
#pragma unroll
            for (int part = 0; part < PARTS; part++)
                key[half][part] = token < position ? *(const uint4*)(source + 32 * part) : none;
        }
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            const int token = tile * TOKENS + 2 * quad + i % 2 + 8 * (i / 2);
            const bf16* source = values + page * value_batch + (long long)place_of(token) * WIDTH + 8 * group;
#pragma unroll
            for (int stretch = 0; stretch < STRETCHES; stretch++)
                value[i][stretch] = token < position ? *(const uint4*)(source + 64 * stretch) : none;
        }
    };
    if (first < tiles) bring(first);
    Lines query, own_key, query_gains = {}, key_gains = {};
    if (NORMED)
    {
        read(query_gains, query_norm + 8 * quad, true);
        read(key_gains, key_norm + 8 * quad, true);
    }
    follow();
    let_follow();

    joint += sequence * step;
    uint4 own_value[STRETCHES];
    if (first < tiles)
    {
        Angles cosines, sines;
        read(cosines, cosine + sequence % table_rows * (WIDTH / 2) + 8 * quad);
        read(sines, sine + sequence % table_rows * (WIDTH / 2) + 8 * quad);
        read(query, joint + (row * QUERIES + group) * WIDTH + 8 * quad, group < QUERIES);
        const bool newest = (tiles - 1) % stride == first; // whether this step's token is the warp's
        read(own_key, joint + (rows * QUERIES + row) * WIDTH + 8 * quad, newest);
#pragma unroll
        for (int stretch = 0; stretch < STRETCHES; stretch++)
            own_value[stretch] = newest
                ? *(const uint4*)(joint + (rows * (QUERIES + 1) + row) * WIDTH + 64 * stretch + 8 * group) : none;
        turn(query, query_gains, epsilon, cosines, sines);
        if (newest)
        {
            turn(own_key, key_gains, epsilon, cosines, sines);
            const long long page = page_of(position), place = (long long)place_of(position) * WIDTH;
#pragma unroll
            for (int part = 0; part < PARTS; part++)
                if (group == 0) *(uint4*)(keys + page * key_batch + place + 32 * part + 8 * quad) = own_key[part];
#pragma unroll
            for (int stretch = 0; stretch < STRETCHES; stretch++)
                if (quad == 0) *(uint4*)(values + page * value_batch + place + 64 * stretch + 8 * group) =
                    own_value[stretch];
        }
    }

    float largest = NEVER, total = 0, sums[STRETCHES][8][4] = {};
    for (int tile = first; tile < tiles; tile += stride)
    {
        if (tile > first) bring(tile);
        if (tile == tiles - 1) // this step's token
        {
#pragma unroll
            for (int half = 0; half < 2; half++)
                if (tile * TOKENS + 8 * half + group == position)
#pragma unroll
                    for (int part = 0; part < PARTS; part++) key[half][part] = own_key[part];
#pragma unroll
            for (int i = 0; i < 4; i++)
                if (tile * TOKENS + 2 * quad + i % 2 + 8 * (i / 2) == position)
#pragma unroll
                    for (int stretch = 0; stretch < STRETCHES; stretch++) value[i][stretch] = own_value[stretch];
        }

        // Scores of a query (a group of lanes) by 2 × 2 tokens a lane.
        float scores[2][4] = {};
#pragma unroll
        for (int part = 0; part < PARTS; part++)
#pragma unroll
            for (int half = 0; half < 2; half++)
            {
                const uint4 k = key[half][part], q = query[part];
                multiply_add(scores[half], { q.x, 0, q.y, 0 }, k.x, k.y);
                multiply_add(scores[half], { q.z, 0, q.w, 0 }, k.z, k.w);
            }
        float most = NEVER;
#pragma unroll
        for (int half = 0; half < 2; half++)
#pragma unroll
            for (int e = 0; e < 2; e++)
            {
                const bool seen = tile * TOKENS + 8 * half + 2 * quad + e <= position;
                scores[half][e] = seen ? capped(scores[half][e] * scale, cap) : 2 * NEVER;
                most = fmaxf(most, scores[half][e]);
            }
        most = fmaxf(most, __shfl_xor_sync(~0u, most, 1));
        most = fmaxf(most, __shfl_xor_sync(~0u, most, 2));
        most = fmaxf(most, largest);
        const float fade = exp2_fast(largest - most);
        largest = most;
        total *= fade;
        u32 weights[2];
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            const float low = exp2_fast(scores[half][0] - most), high = exp2_fast(scores[half][1] - most);
            total += low + high;
            weights[half] = pack(low, high);
        }
#pragma unroll
        for (int stretch = 0; stretch < STRETCHES; stretch++)
#pragma unroll
            for (int i = 0; i < 8; i++)
            {
                sums[stretch][i][0] *= fade;
                sums[stretch][i][1] *= fade;
                multiply_add(sums[stretch][i], { weights[0], 0, weights[1], 0 },
                    beside(value[0][stretch], value[1][stretch], i), beside(value[2][stretch], value[3][stretch], i));
            }
    }

    // The warps of the block, then the blocks of the cluster.
    total += __shfl_xor_sync(~0u, total, 1);
    total += __shfl_xor_sync(~0u, total, 2);
    if (first < tiles && group < QUERIES)
    {
        Share& own = shares[warp];
        if (quad == 0) { own.largest[group] = largest; own.totals[group] = total; }
#pragma unroll
        for (int stretch = 0; stretch < STRETCHES; stretch++)
#pragma unroll
            for (int e = 0; e < 2; e++)
#pragma unroll
                for (int i = 0; i < 8; i += 4)
                    *(float4*)(own.sums + group * WIDTH + 64 * stretch + 8 * (2 * quad + e) + i) = make_float4(
                        sums[stretch][i][e], sums[stretch][i + 1][e], sums[stretch][i + 2][e], sums[stretch][i + 3][e]);
    }
    __syncthreads();
    cluster_wait(); // all blocks are there
    const int columns = WIDTH / blocks, self = cluster_rank(); // of a query, those that a block joins
    for (int at = 4 * threadIdx.x; at < OUTPUTS; at += 4 * 32 * WARPS)
    {
        const int m = at / WIDTH, column = at % WIDTH, to = column / columns;
        float most = NEVER, all = 0;
        float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll
        for (int w = 0; w < WARPS; w++) most = self + blocks * w < tiles ? fmaxf(most, shares[w].largest[m]) : most;
#pragma unroll
        for (int w = 0; w < WARPS; w++)
        {
            if (self + blocks * w >= tiles) break; // it had no tile
            const float part = exp2_fast(shares[w].largest[m] - most);
            const float4 x = *(const float4*)(shares[w].sums + at);
            sum.x += part * x.x; sum.y += part * x.y; sum.z += part * x.z; sum.w += part * x.w;
            all += part * shares[w].totals[m];
        }
        write_peer4(address_of_peer(shared_address(received.sums + (self * QUERIES + m) * columns + column % columns),
            to), sum);
        if (column % columns > 0) continue;
        write_peer(address_of_peer(shared_address(received.largest[self] + m), to), most);
        write_peer(address_of_peer(shared_address(received.totals[self] + m), to), all);
    }
    cluster_barrier();
    for (int at = threadIdx.x; at < QUERIES * columns; at += 32 * WARPS)
    {
        const int m = at / columns;
        float most = NEVER, sum = 0, all = 0;
#pragma unroll
        for (int r = 0; r < MOST_CLUSTER; r++) most = r < blocks ? fmaxf(most, received.largest[r][m]) : most;
#pragma unroll
        for (int r = 0; r < MOST_CLUSTER; r++)
        {
            if (r >= blocks) break;
            const float part = exp2_fast(received.largest[r][m] - most);
            sum += part * received.sums[r * QUERIES * columns + at];
            all += part * received.totals[r][m];
        }
        output[(long long)(sequence * rows + row) * OUTPUTS + m * WIDTH + self * columns + at % columns]
            = narrow(sum * factor_of_sums(most, all, sinks, row * QUERIES + m));
    }
}
