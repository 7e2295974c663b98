// y = x wᵀ + bias for a few tokens and a packed weight (packed_weights.cuh): bound by reading the weight. Its
// numbers are whole and small, so bfloat16 holds them exactly. Tensor cores multiply them by the tokens
// (mma.m16n8k16, float32 out), and only the sums of runs are multiplied by the factors. What a number is too large
// by, and the offset of a run, are multiplied by the sum of the run's tokens, which is a product with ones. Numbers
// that are too small by a power of two multiply tokens that are larger by another, so that no product is too small
// for float32.
//
// A product has 8 columns. With fewer tokens the columns are tokens times runs: column n is token n % TOKENS and run
// n / TOKENS of a group of 8 / TOKENS runs, whose products add up in one result, each in its own columns. A warp takes
// TILES tiles and one of SPLIT parts of the inputs; the block's WARPS warps are WARPS / SPLIT such groups of tiles.
//
// With a norm, a token's columns are multiplied by the norm's weights on their way to the tensor cores, and a token's
// results by 1/rms, whose squares the warps of a group of tiles add up beside.
//
// Compile-time: FORMAT, TILES, WARPS, SPLIT, DEPTH (units read at once), TOKENS (most tokens: 1, 2, 4 or 8), GLU
// (1 or 2: the first half of a warp's tiles are of a gate, the others the same of up, `outputs` rows further on, and
// y is what gates.cuh says), NORM (1: x is normed), EXPERTS (1: a weight an expert, see below). For compute capability
// 8.0 and later. Compiled behind bfloat16.cuh, tensor_cores.cuh, launches.cuh, gates.cuh, packed_formats.cuh,
// packed_layout.cuh and packed_columns.cuh.

#define OWN_TILES (GLU ? TILES / 2 : TILES)        // a warp's tiles of outputs
#define ACROSS (WARPS / SPLIT)                     // a block's groups of them
#define OUTPUTS_OF_BLOCK (OWN_TILES * ACROSS * TILE_ROWS)
#define TOGETHER (8 / TOKENS)                      // runs of a product
#define PRODUCTS TOKENS                            // of a unit
#define SHIFTED (Format::BITS_BASE != 0 || Format::OFFSET != 0)
#define FACTOR_WORDS (TOKENS == 1 ? 2 : PRODUCTS)  // of a plane: a lane's runs of all products
#define TAIL_WORDS (TOKENS == 1 ? 1 : SOME_TAIL)   // of a row: those of a lane's runs
#define MADE_EARLY (TILES == 1 && DEPTH == 1 && TOKENS <= 2) // numbers are made before the tokens are there
#define ITEMS ((OUTPUTS_OF_BLOCK * TOKENS + 32 * WARPS - 1) / (32 * WARPS)) // of a thread, in the end

// What a lane has of a unit.
struct Weights
{
    u32 words[4 * Format::VECTORS], factors[SOME_PLANES][FACTOR_WORDS], tails[2][TAIL_WORDS];
};

__device__ __forceinline__ void fetch(Weights& w, const u8* record, int lane)
{
#pragma unroll
    for (int i = 0; i < Format::VECTORS; i++)
    {
        const uint4 v = stream(record + lane_word(lane, 4 * i));
        w.words[4 * i] = v.x; w.words[4 * i + 1] = v.y; w.words[4 * i + 2] = v.z; w.words[4 * i + 3] = v.w;
    }
    const int pair = lane / 4, quad = lane % 4;
#pragma unroll
    for (int plane = 0; plane < Format::PLANES; plane++)
#pragma unroll
        for (int i = 0; i < FACTOR_WORDS; i++)
            w.factors[plane][i] = *(const u32*)(record
                + plane_word(plane, pair, TOKENS == 1 ? 2 * quad + i : i * TOGETHER + 2 * quad / TOKENS));
#pragma unroll
    for (int upper = 0; upper < 2; upper++)
#pragma unroll
        for (int of = 0; of < (Format::TAIL ? TAIL_WORDS : 0); of++)
            w.tails[upper][of] = *(const u32*)(record + tail_word(pair, upper, TOKENS == 1 ? tail_of(2 * quad) : of));
}

// x [tokens, inputs], w the records of [outputs, inputs] (GLU: [2·outputs, inputs]), y rows of `stride` elements, as
// are those of the residual, which is added; null for none. norm [inputs]. With experts, w is one such weight an
// expert, of whole tiles, and bias one such vector; block row e serves expert chosen[e], −1 for none, whose tokens are
// places[starts[e]] … places[starts[e+1] − 1]: y's rows are these places, x's the places divided by `shared`.
__device__ __forceinline__ void multiply(int block, const bf16* __restrict__ x, const u8* __restrict__ w,
    const bf16* __restrict__ bias, bf16* __restrict__ y, int tokens, int outputs, int inputs, int stride,
    const bf16* __restrict__ residual, const bf16* __restrict__ norm, float epsilon, float limit,
    const int* __restrict__ chosen, const int* __restrict__ starts, const int* __restrict__ places, int shared)
{
    __shared__ float sums[WARPS][TILES * TILE_ROWS][TOKENS + 1], squares_of[WARPS][TOKENS];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = lane / 4, quad = lane % 4;
    const int units = (inputs + UNIT - 1) / UNIT, tiles = (outputs + TILE_ROWS - 1) / TILE_ROWS;
    const int own = (units + SPLIT - 1) / SPLIT, from = warp % SPLIT * own, to = min(from + own, units);

#if EXPERTS
    follow(); // which experts there are is known only when the router is done
    let_follow();
    const int expert = chosen[blockIdx.y];
    if (expert < 0) return;
    w += (long long)expert * tiles * (GLU ? 2 : 1) * units * RECORD_BYTES;
    if (bias) bias += (long long)expert * outputs * (GLU ? 2 : 1);
    const int begin = starts[blockIdx.y];
    tokens = starts[blockIdx.y + 1] - begin;
    auto place_of = [&](int token) -> long long { return places[begin + token]; };
#else
    auto place_of = [&](int token) -> long long { return token; };
#endif
    auto row_of = [&](int token) -> long long { return EXPERTS ? place_of(token) / shared : token; };

    const u8* records[TILES];
#pragma unroll
    for (int t = 0; t < TILES; t++)
    {
        const int tile = min((block * ACROSS + warp / SPLIT) * OWN_TILES + t % OWN_TILES, tiles - 1)
            + t / OWN_TILES * tiles;
        records[t] = w + (long long)tile * units * RECORD_BYTES;
    }
    Weights weights[DEPTH][TILES];
    auto fetch_from = [&](int start) {
#pragma unroll
        for (int d = 0; d < DEPTH; d++)
            if (start + d < to)
#pragma unroll
                for (int t = 0; t < TILES; t++) fetch(weights[d][t], records[t] + (start + d) * RECORD_BYTES, lane);
    };
    fetch_from(from); // the weight is there before the tokens are
    u32 made[MADE_EARLY ? RUNS : 1][2][4];
    auto make = [&]() {
        auto words = [&](int k) { return weights[0][0].words[k]; };
#pragma unroll
        for (int run = 0; run < (MADE_EARLY ? RUNS : 0); run++)
#pragma unroll
            for (int half = 0; half < 2; half++)
#pragma unroll
                for (int k = 0; k < 4; k++)
                {
                    made[run][half][k] = Format::bits(words, run, k % 2, half, k / 2);
                    asm volatile("" : "+r"(made[run][half][k])); // here, and not where it is used
                }
    };
    if (NORM) warm(norm, inputs * (int)sizeof(bf16));
#if !EXPERTS
    let_follow();     // and so may be the next product's
#endif
    make();
#if !EXPERTS
    follow();
#endif

    // What is added in the end is asked for now.
    bf16 added[ITEMS];
#pragma unroll
    for (int i = 0; i < ITEMS; i++)
    {
        const int at = threadIdx.x + i * 32 * WARPS, output = block * OUTPUTS_OF_BLOCK + at % OUTPUTS_OF_BLOCK,
            column = at / OUTPUTS_OF_BLOCK;
        added[i] = !EXPERTS && residual && column < tokens && column < TOKENS && output < outputs
            ? residual[(long long)column * stride + output] : 0;
    }

    for (int base = 0; base == 0 || EXPERTS && base < tokens; base += TOKENS)
    {
        // A lane's columns of the tokens: those of its token and its run of a product.
        const bool is_token = base + row % TOKENS < tokens;
        const bf16* columns_of = x + (is_token ? row_of(base + row % TOKENS) * inputs : 0) + row / TOKENS * RUN;

        float totals[TILES][4] = {}, squares = 0;
        for (int start = from; start < to; start += DEPTH)
        {
            if (start > from || base > 0)
            {
                fetch_from(start);
                make();
            }
#pragma unroll
            for (int d = 0; d < DEPTH; d++)
            {
                if (start + d >= to) break;
#pragma unroll
                for (int product = 0; product < PRODUCTS; product++)
                {
                    const int at = (start + d) * UNIT + product * TOGETHER * RUN;
                    const bool there = at + row / TOKENS * RUN < inputs;
                    uint2 columns[2];
                    read_columns(columns, columns_of + at, quad, is_token && there);
                    if (NORM)
                    {
                        uint2 gains[2];
                        read_columns(gains, norm + at + row / TOKENS * RUN, quad, there);
                        norm_columns(columns, gains, squares);
                    }
                    if (Format::EXPONENT) enlarge(columns);
                    float products[TILES][2][4] = {}, plain[Format::SUBS][4] = {}; // the halves' products
                    const u32 one = TWICE(Format::EXPONENT ? 1 : TWO_TO(0)), // as `bits` has it
                        ones[4] = { one, one, one << Format::STEP, one << Format::STEP };
                    if (SHIFTED)
#pragma unroll
                        for (int half = 0; half < 2; half++)
                            multiply_add(plain[Format::SUBS == 2 ? half : 0], ones, columns[half].x, columns[half].y);
#pragma unroll
                    for (int i = 0; i < TOGETHER; i++)
                    {
                        const bool own_run = row / TOKENS == i;
                        uint2 b[2];
#pragma unroll
                        for (int half = 0; half < 2; half++)
                            b[half] = own_run ? columns[half] : make_uint2(0, 0);
#pragma unroll
                        for (int t = 0; t < TILES; t++)
                        {
                            auto words = [&](int k) { return weights[d][t].words[k]; };
                            const int run = product * TOGETHER + i;
#pragma unroll
                            for (int half = 0; half < 2; half++)
                            {
                                u32 a[4];
#pragma unroll
                                for (int k = 0; k < 4; k++)
                                    a[k] = MADE_EARLY ? made[MADE_EARLY ? run : 0][half][k]
                                        : Format::bits(words, run, k % 2, half, k / 2);
                                multiply_add(products[t][half], a, b[half].x, b[half].y);
                            }
                        }
                    }
#pragma unroll
                    for (int t = 0; t < TILES; t++)
#pragma unroll
                        for (int j = 0; j < 4; j++)
                        {
                            const Weights& of = weights[d][t];
                            const int upper = j / 2, word = TOKENS == 1 ? j % 2 : product;
                            const u32 tail = of.tails[upper][TOKENS == 1 ? 0 : tail_of(product * TOGETHER)];
#pragma unroll
                            for (int sub = 0; sub < Format::SUBS; sub++)
                            {
                                const u32 first = of.factors[0][word], second = of.factors[SOME_PLANES - 1][word];
                                const float factor = Format::factor(first, second, tail, upper, sub),
                                    offset = Format::offset(first, second, tail, upper) - Format::BITS_BASE * factor;
                                totals[t][j] += factor
                                    * (Format::SUBS == 2 ? products[t][sub][j] : products[t][0][j] + products[t][1][j]);
                                if (SHIFTED) totals[t][j] += offset * plain[sub][j];
                            }
                        }
                }
            }
        }

        // A token's columns of a product add up: those of a lane, then those of the lanes with the same tokens.
#pragma unroll
        for (int t = 0; t < TILES; t++)
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                float total = totals[t][j];
                if (TOKENS == 1) total += totals[t][j ^ 1];
                if (TOKENS <= 2) total += __shfl_xor_sync(0xffffffff, total, 1);
                if (TOKENS <= 4) total += __shfl_xor_sync(0xffffffff, total, 2);
                const int column = 2 * quad + j % 2;
                if (Format::EXPONENT) total *= widen(TWO_TO(Format::EXPONENT - TOKEN_EXPONENT));
                if (column < TOKENS) sums[warp][TILE_ROWS * t + row + 8 * (j / 2)][column] = total;
            }
        if (NORM)
        {
            squares += __shfl_xor_sync(0xffffffff, squares, 1);
            squares += __shfl_xor_sync(0xffffffff, squares, 2);
#pragma unroll
            for (int lanes = 4 * TOKENS; lanes < 32; lanes *= 2) squares += __shfl_xor_sync(0xffffffff, squares, lanes);
            if (quad == 0 && row < TOKENS) squares_of[warp][row] = squares;
        }
        __syncthreads();
#pragma unroll
        for (int i = 0; i < ITEMS; i++)
        {
            const int item = threadIdx.x + i * 32 * WARPS, local = item % OUTPUTS_OF_BLOCK,
                column = item / OUTPUTS_OF_BLOCK, output = block * OUTPUTS_OF_BLOCK + local;
            if (base + column >= tokens || column >= TOKENS || output >= outputs) continue;
            const int at = local % (OWN_TILES * TILE_ROWS), first = local / (OWN_TILES * TILE_ROWS) * SPLIT;
            float total = 0, up = 0;
#pragma unroll
            for (int part = 0; part < SPLIT; part++)
            {
                total += sums[first + part][at][column];
                if (GLU) up += sums[first + part][at + (GLU ? OWN_TILES * TILE_ROWS : 0)][column];
            }
            if (NORM)
            {
                float sum = 0;
#pragma unroll
                for (int part = 0; part < SPLIT; part++) sum += squares_of[first + part][column];
                const float factor = rsqrtf(sum / inputs + epsilon);
                total *= factor;
                up *= factor;
            }
            if (bias)
            {
                total += widen(bias[output]);
                if (GLU) up += widen(bias[outputs + output]);
            }
            if (GLU) total = gated(total, up, limit);
            y[place_of(base + column) * stride + output] = narrow(total + widen(added[i]));
        }
        if (EXPERTS) __syncthreads(); // the sums are read
    }
}
