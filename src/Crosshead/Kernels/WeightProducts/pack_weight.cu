// Blocks of a file to records (packed_weights.cuh), a thread for each lane of a record.
// Compiled behind bfloat16.cuh, packed_formats.cuh and packed_layout.cuh.

// source: rows of `stride` bytes; packed: the records of ⌈rows/16⌉ tiles of ⌈columns/256⌉ units.
extern "C" __global__ void pack_weight(const u8* __restrict__ source, u8* __restrict__ packed, int rows, int columns,
    long long stride)
{
    const int units = (columns + UNIT - 1) / UNIT, tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    const long long thread = (long long)blockIdx.x * blockDim.x + threadIdx.x, record = thread / 32;
    if (record >= (long long)tiles * units) return;
    const int lane = thread % 32, pair = lane / 4, quad = lane % 4, unit = record % units,
        first = (int)(record / units) * TILE_ROWS;
    u8* target = packed + record * RECORD_BYTES;

    // The block of a run, and the run's place in it; null where there is none.
    auto block_of = [&](int upper, int run) -> const u8* {
        const int row = first + pair + 8 * upper, column = unit * UNIT + run * RUN;
        return row < rows && column < columns ? source + row * stride + (long long)(column / Format::BLOCK)
            * Format::BYTES : nullptr;
    };
    auto place_in_block = [](int run) { return Format::BLOCK == UNIT ? run : 0; };

    u32 words[4 * Format::VECTORS] = {};
    for (int run = 0; run < RUNS; run++)
        for (int upper = 0; upper < 2; upper++)
        {
            const u8* block = block_of(upper, run);
            for (int i = 0; block && i < 8; i++)
            {
                const Place at = { run, upper, i / 4, i / 2 % 2, i % 2 };
                const Place within = { place_in_block(run), upper, i / 4, i / 2 % 2, i % 2 };
                Format::place(words, at, Format::number(block, column_of(within, quad)));
            }
        }
    for (int i = 0; i < 4 * Format::VECTORS; i++) *(u32*)(target + lane_word(lane, i)) = words[i];

    for (int run = 2 * quad; run < 2 * quad + 2; run++)
        for (int plane = 0; plane < Format::PLANES; plane++)
        {
            u32 word = 0;
            for (int upper = 0; upper < 2; upper++)
                if (const u8* block = block_of(upper, run))
                    word |= Format::item(block, plane, place_in_block(run)) << 16 * upper;
            *(u32*)(target + plane_word(plane, pair, run)) = word;
        }
    if (quad < 2 * Format::TAIL)
    {
        const int upper = quad % 2, of = quad / 2;
        const u8* block = block_of(upper, RUNS / 2 * of);
        *(u32*)(target + tail_word(pair, upper, of)) = block ? Format::tail(block) : 0;
    }
}
