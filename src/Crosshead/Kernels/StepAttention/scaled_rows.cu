// Rows of tokens in a cache of 8 bits a number: written from bfloat16, and read as bfloat16. Up to `group` neighbouring
// numbers of a row share a scale, their largest magnitude divided by the largest number of 8 bits, as bfloat16 rounded
// up, so that no number is too large.
//
// Numbers lie in [B, rows, capacity, width] and scales in [B, rows · groups, capacity], or in pages instead of B: token
// t of sequence b is token t mod page_tokens of page table[b, t div page_tokens].
//
// Compile-time: KIND (1: whole numbers, 2: e4m3, a sign, four bits of exponent and three of mantissa). Compiled behind
// bfloat16.cuh and launches.cuh.

#define LARGEST (KIND == 1 ? 127.0f : 448.0f)

typedef unsigned char u8;

__device__ __forceinline__ u8 narrow_number(float x)
{
    if (KIND == 1) return x == x ? (u8)(int)rintf(fminf(fmaxf(x, -LARGEST), LARGEST)) : 0;
    const u32 bits = __float_as_uint(x), sign = bits >> 24 & 0x80, size = bits & 0x7fffffff;
    if (fabsf(x) < 1 / 64.0f) return (u8)(sign | (u32)rintf(fabsf(x) * 512)); // subnormal, or the least that is not
    const u32 rounded = (size + 0x7ffff + (size >> 20 & 1)) >> 20;             // ties to even
    return (u8)(sign | min(rounded - (120 << 3), 0x7eu));
}

__device__ __forceinline__ float widen_number(u8 x)
{
    return KIND == 1 ? (float)(signed char)x
        : __uint_as_float((x & 0x7fu) << 20 | (x & 0x80u) << 24) * __uint_as_float(247u << 23); // 2^120
}

// The larger number; what is no number wins, so that a row that has one is not taken for a good one.
__device__ __forceinline__ float larger(float x, float y) { return y > x || y != y ? y : x; }

// Where a token of a sequence lies: what takes the place of B, and the token there.
struct Spot
{
    long long batch, token;
};

__device__ __forceinline__ Spot spot_of(int sequence, long long token, const int* table, int table_step,
    int page_tokens)
{
    if (!table) return { sequence, token };
    return { table[(long long)sequence * table_step + token / page_tokens], token % page_tokens };
}

// The new rows [B, rows, count, width] with strides in elements, and where they go.
#define NEW_ROWS(of)                                                                                                   \
    const bf16 *__restrict__ of##_source, long long of##_source_batch, long long of##_source_row,                      \
    long long of##_source_token, u8 *__restrict__ of##_numbers, long long of##_batch, long long of##_row,              \
    bf16 *__restrict__ of##_scales, long long of##_scale_batch, long long of##_scale_row, int of##_rows, int of##_width

// A warp a group of numbers that share a scale: those of keys, then those of values of a token. Positions [B] (step 1)
// or [1] (step 0), null for start + n.
extern "C" __global__ void append_rows(NEW_ROWS(key), NEW_ROWS(value), int group, int count, int batch,
    const long long* __restrict__ positions, int position_step, long long start, const int* __restrict__ table,
    int table_step, int page_tokens)
{
    follow();
    let_follow();
    const int key_groups = (key_width + group - 1) / group, value_groups = (value_width + group - 1) / group,
        of_keys = key_rows * key_groups, of_token = of_keys + value_rows * value_groups;
    const long long item = (long long)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    if (item >= (long long)batch * count * of_token) return;
    const int within = item % of_token, n = item / of_token % count, sequence = item / of_token / count,
        lane = threadIdx.x % 32;
    const Spot spot = spot_of(sequence, positions ? positions[sequence * position_step] : start + n, table, table_step,
        page_tokens);
    auto write = [&](const bf16* source, long long source_batch, long long source_row, long long source_token,
        u8* numbers, long long batch_step, long long row_step, bf16* scales, long long scale_batch, long long scale_row,
        int width, int groups, int i)
    {
        const int row = i / groups, first = i % groups * group, length = min(group, width - first);
        source += sequence * source_batch + row * source_row + n * source_token + first;
        numbers += spot.batch * batch_step + row * row_step + spot.token * width + first;
        float largest = 0;
        for (int c = lane; c < length; c += 32) largest = larger(largest, fabsf(widen(source[c])));
        for (int lanes = 16; lanes > 0; lanes /= 2)
            largest = larger(largest, __shfl_xor_sync(0xffffffff, largest, lanes));
        const float least = largest / LARGEST;
        const u32 above = (__float_as_uint(least) + (isfinite(least) ? 0xffff : 0)) >> 16;
        const float inverse = 1 / widen((bf16)above), factor = isinf(inverse) ? 0 : inverse;
        for (int c = lane; c < length; c += 32) numbers[c] = narrow_number(widen(source[c]) * factor);
        if (lane == 0) scales[spot.batch * scale_batch + i * scale_row + spot.token] = (bf16)above;
    };
    if (within < of_keys)
        write(key_source, key_source_batch, key_source_row, key_source_token, key_numbers, key_batch, key_row,
            key_scales, key_scale_batch, key_scale_row, key_width, key_groups, within);
    else
        write(value_source, value_source_batch, value_source_row, value_source_token, value_numbers, value_batch,
            value_row, value_scales, value_scale_batch, value_scale_row, value_width, value_groups, within - of_keys);
}

// The first tokens of sequences to output [B, rows, seen, width], a thread a number; `all` numbers.
extern "C" __global__ void read_rows(const u8* __restrict__ numbers, long long batch_step, long long row_step,
    const bf16* __restrict__ scales, long long scale_batch, long long scale_row, bf16* __restrict__ output, int rows,
    int seen, int width, int group, const int* __restrict__ table, int table_step, int page_tokens, long long all)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= all) return;
    const int column = i % width, token = i / width % seen, row = i / width / seen % rows,
        sequence = i / width / seen / rows, groups = (width + group - 1) / group;
    const Spot spot = spot_of(sequence, token, table, table_step, page_tokens);
    const float scale = widen(scales[spot.batch * scale_batch + (row * groups + column / group) * scale_row
        + spot.token]);
    output[i] = narrow(scale * widen_number(numbers[spot.batch * batch_step + row * row_step + spot.token * width
        + column]));
}
