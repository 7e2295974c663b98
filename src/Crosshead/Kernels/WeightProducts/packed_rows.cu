// Rows of a packed weight as bfloat16, rounded once from the numbers that its format defines.
// Compiled behind bfloat16.cuh, packed_formats.cuh, packed_layout.cuh and packed_records.cuh.

// Two numbers of a row.
__device__ __forceinline__ u32 rounded(u32 numbers, float factor, float offset)
{
    float low = __fmul_rn(factor, widen((bf16)(numbers & 0xffff)) - Format::BASE),
        high = __fmul_rn(factor, widen((bf16)(numbers >> 16)) - Format::BASE);
    if (Format::OFFSET)
    {
        low = __fadd_rn(low, offset);
        high = __fadd_rn(high, offset);
    }
    return pack(low, high);
}

// Row i of output [count, columns] is row tokens[i] of the weight or, without tokens, row first + i. A thread for 8
// columns.
extern "C" __global__ void packed_rows(const u8* __restrict__ packed, bf16* __restrict__ output,
    const long long* __restrict__ tokens, int first, int count, int columns)
{
    const int units = (columns + UNIT - 1) / UNIT;
    const long long thread = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const int quad = thread % 4, run = thread / 4 % RUNS, unit = thread / (4 * RUNS) % units;
    const long long i = thread / (4 * RUNS) / units;
    if (i >= count || unit * UNIT + run * RUN >= columns) return;
    const int row = tokens ? (int)tokens[i] : first + (int)i, pair = row % 8, upper = row / 8 % 2;
    const u8* record = packed + ((long long)(row / TILE_ROWS) * units + unit) * RECORD_BYTES;

    auto words = [&](int k) { return *(const u32*)(record + lane_word(4 * pair + quad, k)); };
    const u32 word = Format::PLANES > 0 ? *(const u32*)(record + plane_word(0, pair, run)) : 0,
        second = Format::PLANES > 1 ? *(const u32*)(record + plane_word(1, pair, run)) : 0,
        tail = Format::TAIL ? *(const u32*)(record + tail_word(pair, upper, tail_of(run))) : 0;
    const float offset = Format::offset(word, second, tail, upper);
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        const float factor = Format::factor(word, second, tail, upper, Format::SUBS == 2 ? half : 0);
        u32 pairs[2];
#pragma unroll
        for (int s = 0; s < 2; s++) pairs[s] = rounded(Format::pair(words, run, upper, half, s), factor, offset);
        const Place at = { run, upper, half, 0, 0 };
        *(uint2*)(output + i * columns + unit * UNIT + column_of(at, quad)) = make_uint2(pairs[0], pairs[1]);
    }
}

// Rows first + i, of which the first begins a tile: a warp for a record.
extern "C" __global__ void packed_tile_rows(const u8* __restrict__ packed, bf16* __restrict__ output, int first,
    int count, int columns)
{
    const int units = (columns + UNIT - 1) / UNIT, lane = threadIdx.x % 32, quad = lane % 4;
    const long long warp = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 32;
    const int unit = warp % units;
    const long long tile = warp / units;
    if (tile * TILE_ROWS >= count) return;
    Weights weights;
    fetch(weights, packed + ((first / TILE_ROWS + tile) * units + unit) * RECORD_BYTES, lane);
    auto words = [&](int k) { return weights.words[k]; };
    output += tile * TILE_ROWS * columns + unit * UNIT;
    const int rows = min((long long)TILE_ROWS, count - tile * TILE_ROWS), wide = min(UNIT, columns - unit * UNIT);
#pragma unroll
    for (int run = 0; run < RUNS; run++)
#pragma unroll
        for (int upper = 0; upper < 2; upper++)
        {
            const int row = lane / 4 + 8 * upper;
            if (row >= rows || run * RUN >= wide) continue;
            const u32 word = weights.factors[0][run], second = weights.factors[SOME_PLANES - 1][run],
                tail = weights.tails[upper][tail_of(run)];
            const float offset = Format::offset(word, second, tail, upper);
            u32 pairs[2][2];
#pragma unroll
            for (int half = 0; half < 2; half++)
#pragma unroll
                for (int s = 0; s < 2; s++)
                    pairs[half][s] = rounded(Format::pair(words, run, upper, half, s),
                        Format::factor(word, second, tail, upper, Format::SUBS == 2 ? half : 0), offset);
            bf16* target = output + (long long)row * columns + RUN * run;
            if (Format::SUBS == 1)
                *(uint4*)(target + first_column(quad, 0)) = make_uint4(pairs[0][0], pairs[0][1], pairs[1][0],
                    pairs[1][1]);
            else
#pragma unroll
                for (int half = 0; half < 2; half++)
                    *(uint2*)(target + first_column(quad, half)) = make_uint2(pairs[half][0], pairs[half][1]);
        }
}
