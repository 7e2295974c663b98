// Rows of a packed weight as bfloat16, rounded once from the numbers that its format defines. A thread for 8 columns.
// Compile-time: TOGETHER (rows that follow each other and are read together: 16, or 1 where each may be any).
// Compiled behind bfloat16.cuh and packed_weights.cuh.

// Row i of output [count, columns] is row tokens[i] of the weight or, without tokens, row first + i.
extern "C" __global__ void packed_rows(const u8* __restrict__ packed, bf16* __restrict__ output,
    const long long* __restrict__ tokens, int first, int count, int columns)
{
    const int units = (columns + UNIT - 1) / UNIT;
    const long long thread = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const int quad = thread % 4, run = thread / 4 % RUNS;
    const long long group = thread / (4 * RUNS);
    const long long i = group / TOGETHER / units * TOGETHER + group % TOGETHER;
    const int unit = group / TOGETHER % units;
    if (i >= count || unit * UNIT + run * RUN >= columns) return;
    const int row = tokens ? (int)tokens[i] : first + (int)i, pair = row % 8, upper = row / 8 % 2;
    const u8* record = packed + ((long long)(row / TILE_ROWS) * units + unit) * RECORD_BYTES;

    auto words = [&](int k) { return *(const u32*)(record + lane_word(4 * pair + quad, k)); };
    const u32 word = *(const u32*)(record + plane_word(0, pair, run)),
        second = Format::PLANES > 1 ? *(const u32*)(record + plane_word(1, pair, run)) : 0,
        tail = Format::TAIL ? *(const u32*)(record + tail_word(pair, upper)) : 0;
    const float offset = Format::offset(word, second, tail, upper);
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        const float factor = Format::factor(word, second, tail, upper, Format::SUBS == 2 ? half : 0);
        u32 pairs[2];
#pragma unroll
        for (int s = 0; s < 2; s++)
        {
            const u32 numbers = Format::pair(words, run, upper, half, s);
            float low = __fmul_rn(factor, widen((bf16)(numbers & 0xffff)) - Format::BASE),
                high = __fmul_rn(factor, widen((bf16)(numbers >> 16)) - Format::BASE);
            if (Format::OFFSET)
            {
                low = __fadd_rn(low, offset);
                high = __fadd_rn(high, offset);
            }
            pairs[s] = pack(low, high);
        }
        const Place at = { run, upper, half, 0, 0 };
        *(uint2*)(output + i * columns + unit * UNIT + column_of(at, quad)) = make_uint2(pairs[0], pairs[1]);
    }
}
