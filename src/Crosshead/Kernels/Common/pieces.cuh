// Pieces of sequences: the tokens that a pass computes, up to PIECES of a sequence in a block, of which each sees what
// is before it and itself. The host shares the work out (PieceList.cs): an item is a piece and a span of the tiles that
// it sees. What several items find of a piece is joined by the last of them to be done. Behind spans.cuh.
// Compile-time: TOKENS (a tile's), QUERIES, WV, PIECES.

#define TILES_OF_SPAN (64 / TOKENS)                       // the host counts in spans of 64 tokens

// An item of the list. A row is a token of the pass.
struct Item
{
    int row, tokens;                                    // the piece: its first row, and its tokens
    int span, spans;
    int first, rank, parts;                             // the piece's first part, the item's place among them, all
    int blocks;                                         // a part's most, side by side, each with tokens of its own
};

// A block's share of an item.
struct Piece
{
    int row, tokens;                                    // at most PIECES tokens
    int tile, tiles;
    int rank, parts;
    int place, step;                                    // of the first part, and from it to the next one
};

__device__ __forceinline__ Piece take_piece(const int* items)
{
    const Item item = ((const Item*)items)[blockIdx.x];
    const int skipped = blockIdx.z * PIECES;
    return { item.row + skipped, min(item.tokens - skipped, PIECES), item.span * TILES_OF_SPAN,
        item.spans * TILES_OF_SPAN, item.rank, item.parts,
        (int)((item.first + blockIdx.z) * gridDim.y + blockIdx.y), item.blocks * (int)gridDim.y };
}

// The tokens [x, y) that each query of a piece sees; padding queries see none.
__device__ __forceinline__ void take_limits(int2* limits, Piece piece, const int* begins, int begin_step,
    const int* ends, int end_step, int capacity, int queries)
{
    for (int m = threadIdx.x; m < QUERIES; m += blockDim.x)
    {
        const int token = piece.row + m / queries;
        limits[m] = m >= piece.tokens * queries ? make_int2(0, 0)
            : make_int2(begins ? max(begins[token * begin_step], 0) : 0, min(ends[token * end_step], capacity));
    }
}

// All parts of a piece's queries: Σ 2^(max_r − max) O_r, and the same of the totals of weights. A thread takes four
// columns of a query, MANY times side by side, so that it waits once for what it loads of a part.
template <int MANY, int THREADS, class Write>
__device__ __forceinline__ void join_parts(Parts parts, long long first, long long step, int count, int queries,
    int thread, Write write)
{
    const int work = queries * (WV / 4);
    for (int from = thread; from < work; from += MANY * THREADS)
    {
        float4 joined[MANY];
        float most[MANY], whole[MANY];
#pragma unroll
        for (int k = 0; k < MANY; k++) { joined[k] = make_float4(0, 0, 0, 0); most[k] = NEVER; whole[k] = 0; }
#pragma unroll 2
        for (int r = 0; r < count; r++)
        {
            float4 x[MANY];
            float high[MANY], total[MANY];
#pragma unroll
            for (int k = 0; k < MANY; k++)
            {
                const int i = min(from + k * THREADS, work - 1);
                const long long place = first + r * step + i / (WV / 4);
                high[k] = __ldcg(parts.largest + place);
                total[k] = __ldcg(parts.totals + place);
                x[k] = __ldcg((const float4*)(parts.sums + place * WV + i % (WV / 4) * 4));
            }
#pragma unroll
            for (int k = 0; k < MANY; k++)
            {
                const float now = fmaxf(most[k], high[k]);
                const float fade = exp2_fast(most[k] - now), share = exp2_fast(high[k] - now);
                most[k] = now;
                whole[k] = whole[k] * fade + share * total[k];
                joined[k] = make_float4(joined[k].x * fade + share * x[k].x, joined[k].y * fade + share * x[k].y,
                    joined[k].z * fade + share * x[k].z, joined[k].w * fade + share * x[k].w);
            }
        }
#pragma unroll
        for (int k = 0; k < MANY; k++)
        {
            const int i = from + k * THREADS;
            if (i < work) write(i / (WV / 4), i % (WV / 4) * 4, joined[k], most[k], whole[k]);
        }
    }
}

// What a block has found, from shared memory to the output [rows of the pass, rows, queries, WV] or, of several items,
// to the parts: sums [part, QUERIES, WV], and each query's largest score and total of weights.
template <int STRIDE, int THREADS>
__device__ __forceinline__ void leave_piece(Piece piece, const float* found, const float* highests,
    const float* found_totals, Parts parts, int* counters, bf16* output, int rows, int queries, const bf16* sinks)
{
    __shared__ int is_last;
    auto write = [&](int m, int column, float4 x, float most, float whole)
    {
        const float factor = factor_of_sums(most, whole, sinks, blockIdx.y * queries + m % queries);
        *(uint2*)(output + (((long long)(piece.row + m / queries) * rows + blockIdx.y) * queries + m % queries) * WV
            + column) = make_uint2(pack(x.x * factor, x.y * factor), pack(x.z * factor, x.w * factor));
    };
    const int work = piece.tokens * queries * (WV / 4);
    for (int i = threadIdx.x; i < work; i += THREADS)
    {
        const int m = i / (WV / 4), column = i % (WV / 4) * 4;
        const float4 x = *(const float4*)(found + m * STRIDE + column);
        if (piece.parts == 1) { write(m, column, x, highests[m], found_totals[m]); continue; }
        const long long place = (long long)(piece.place + piece.rank * piece.step) * QUERIES + m;
        *(float4*)(parts.sums + place * WV + column) = x;
        if (column == 0) { parts.largest[place] = highests[m]; parts.totals[place] = found_totals[m]; }
    }
    if (piece.parts == 1) return;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) is_last = atomicAdd(counters + piece.place, 1) == piece.parts - 1;
    __syncthreads();
    if (!is_last) return;
    __threadfence();
    if (threadIdx.x == 0) counters[piece.place] = 0;        // for the next launch
    join_parts<4, THREADS>(parts, (long long)piece.place * QUERIES, (long long)piece.step * QUERIES, piece.parts,
        piece.tokens * queries, threadIdx.x, write);
}
