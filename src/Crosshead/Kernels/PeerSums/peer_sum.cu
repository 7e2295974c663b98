// What several GPUs have, added up or put side by side on each of them, by one launch on each. Compiled behind
// bfloat16.cuh and launches.cuh.
//
// Every GPU writes its numbers into the memory of all others, in lines of 16 bytes: 4, the round, 4, the round. Eight
// bytes arrive at once, so whoever finds the round finds the numbers, and no other message is needed (as NCCL's
// protocol LL has it). All add in the order of the ranks, so all have the same bits.
//
// Two places take turns. A GPU writes to a place again two rounds later. By then it has read the numbers of the round
// between from all others, and these had begun that round only when they had done with the one before.
//
// Compile-time: RANKS, BF16 (1 for bfloat16, 0 for float32), LINES (of a place); of peer_sum JOIN (1 to put side by
// side); of peer_sum_norm WIDTH (of a row, whole lines), THREADS and BF16_WEIGHT (1 for bfloat16, 0 for float32).

#if BF16
typedef bf16 element;
#else
typedef float element;
#endif

#define OF_LINE ((int)(8 / sizeof(element)))
#define LOOKS 4096 // between looks at whether to give up

union line_numbers
{
    uint2 words;
    element numbers[OF_LINE];
};

__device__ __forceinline__ void send(uint4* to, uint2 words, u32 round)
{
    asm volatile("st.volatile.global.v4.u32 [%0], {%1, %2, %3, %4};\n"
        :: "l"(to), "r"(words.x), "r"(round), "r"(words.y), "r"(round) : "memory");
}

__device__ __forceinline__ uint2 receive(const uint4* from, u32 round, const volatile int* gives_up)
{
    uint4 line;
    for (int look = 1; ; look++)
    {
        asm volatile("ld.volatile.global.v4.u32 {%0, %1, %2, %3}, [%4];\n"
            : "=r"(line.x), "=r"(line.y), "=r"(line.z), "=r"(line.w) : "l"(from) : "memory");
        if (line.y == round && line.w == round) break;
        if (look % LOOKS == 0 && *gives_up) break;
    }
    return make_uint2(line.x, line.z);
}

__device__ __forceinline__ line_numbers own(const element* part, long long at, long long count)
{
    line_numbers line;
    if (at + OF_LINE <= count && (unsigned long long)(part + at) % 8 == 0) line.words = *(const uint2*)(part + at);
    else
        for (int i = 0; i < OF_LINE; i++) line.numbers[i] = at + i < count ? part[at + i] : (element)0;
    return line;
}

__device__ __forceinline__ float wide(float x) { return x; }
__device__ __forceinline__ float wide(bf16 x) { return widen(x); }
__device__ __forceinline__ void round_to(float* to, float x) { *to = x; }
__device__ __forceinline__ void round_to(bf16* to, float x) { *to = narrow(x); }

// When all blocks have done with a round, the next one may begin.
__device__ __forceinline__ void end(u32* state, u32 round)
{
    __syncthreads();
    if (threadIdx.x > 0 || gridDim.x > 1 && atomicAdd(&state[1], 1) + 1 < gridDim.x) return;
    state[1] = 0;
    state[0] = round;
}

#ifndef WIDTH

extern "C" __global__ void __launch_bounds__(256)
// part: [count], of which this launch takes those from `first` on, at most LINES lines; whole: [count], or to join
// [count / width, RANKS, width]
peer_sum(const element* __restrict__ part, element* __restrict__ whole, long long first, long long count, int width,
         int rank,
         // the last round, and how many blocks have done with this one
         u32* state, const volatile int* gives_up,
         // the memory of each rank: [2, RANKS, LINES] lines
         uint4* p0, uint4* p1, uint4* p2, uint4* p3, uint4* p4, uint4* p5, uint4* p6, uint4* p7)
{
    follow();
    uint4* const places[8] = { p0, p1, p2, p3, p4, p5, p6, p7 };
    const u32 round = *(volatile u32*)state + 1;
    const long long place = (long long)(round % 2) * RANKS * LINES;
    const long long rest = (count - first + OF_LINE - 1) / OF_LINE;
    const int lines = rest < LINES ? (int)rest : LINES, step = gridDim.x * blockDim.x;
    const int start = blockIdx.x * blockDim.x + threadIdx.x;
    for (int line = start; line < lines; line += step)
    {
        const line_numbers mine = own(part, first + (long long)line * OF_LINE, count);
#pragma unroll
        for (int to = 0; to < RANKS; to++)
            if (to != rank) send(places[to] + place + (long long)rank * LINES + line, mine.words, round);
    }
    let_follow();
    for (int line = start; line < lines; line += step)
    {
        const long long at = first + (long long)line * OF_LINE;
        float total[OF_LINE];
#pragma unroll
        for (int from = 0; from < RANKS; from++)
        {
            line_numbers some;
            if (from == rank) some = own(part, at, count);
            else some.words = receive(places[rank] + place + (long long)from * LINES + line, round, gives_up);
#pragma unroll
            for (int i = 0; i < OF_LINE; i++)
            {
#if JOIN
                if (at + i < count)
                    whole[((at + i) / width * RANKS + from) * width + (at + i) % width] = some.numbers[i];
#else
                total[i] = from == 0 ? wide(some.numbers[i]) : total[i] + wide(some.numbers[i]);
#endif
            }
        }
#if !JOIN
        line_numbers sum;
#pragma unroll
        for (int i = 0; i < OF_LINE; i++) round_to(&sum.numbers[i], total[i]);
        if (at + OF_LINE <= count) *(uint2*)(whole + at) = sum.words;
        else
            for (int i = 0; i < count - at; i++) whole[at + i] = sum.numbers[i];
#endif
    }
    end(state, round);
}

#else

#define ITEMS ((WIDTH / OF_LINE + THREADS - 1) / THREADS)

#if BF16_WEIGHT
typedef bf16 weight_element;
#else
typedef float weight_element;
#endif

// sum = residual + Σ parts, normed = sum / rms(sum) · weight, a block a row; rounded as by an addition, another and a
// norm.
extern "C" __global__ void __launch_bounds__(THREADS)
// [rows, WIDTH]
peer_sum_norm(const element* __restrict__ part, const element* __restrict__ residual,
              const weight_element* __restrict__ weight, element* __restrict__ sum, element* __restrict__ normed,
              float epsilon, int rank, u32* state, const volatile int* gives_up,
              uint4* p0, uint4* p1, uint4* p2, uint4* p3, uint4* p4, uint4* p5, uint4* p6, uint4* p7)
{
    warm(weight, WIDTH * sizeof(weight_element));
    follow();
    uint4* const places[8] = { p0, p1, p2, p3, p4, p5, p6, p7 };
    const u32 round = *(volatile u32*)state + 1;
    const long long place = (long long)(round % 2) * RANKS * LINES, row = (long long)blockIdx.x * WIDTH;
    const long long first = row / OF_LINE;
    line_numbers mine[ITEMS];
#pragma unroll
    for (int i = 0; i < ITEMS; i++)
    {
        const int line = i * THREADS + threadIdx.x;
        if (line >= WIDTH / OF_LINE) continue;
        mine[i].words = *(const uint2*)(part + row + line * OF_LINE);
#pragma unroll
        for (int to = 0; to < RANKS; to++)
            if (to != rank) send(places[to] + place + (long long)rank * LINES + first + line, mine[i].words, round);
    }
    let_follow(); // the next product reads its weights meanwhile
    float x[ITEMS][OF_LINE], squares = 0;
#pragma unroll
    for (int i = 0; i < ITEMS; i++)
    {
        const int line = i * THREADS + threadIdx.x;
        if (line >= WIDTH / OF_LINE) continue;
        line_numbers own_sum, all;
        own_sum.words = *(const uint2*)(residual + row + line * OF_LINE);
#pragma unroll
        for (int from = 0; from < RANKS; from++)
        {
            line_numbers some = mine[i];
            if (from != rank)
                some.words = receive(places[rank] + place + (long long)from * LINES + first + line, round, gives_up);
#pragma unroll
            for (int j = 0; j < OF_LINE; j++)
                x[i][j] = from == 0 ? wide(some.numbers[j]) : x[i][j] + wide(some.numbers[j]);
        }
#pragma unroll
        for (int j = 0; j < OF_LINE; j++)
        {
            round_to(&all.numbers[j], x[i][j]);
            round_to(&all.numbers[j], wide(own_sum.numbers[j]) + wide(all.numbers[j]));
            x[i][j] = wide(all.numbers[j]);
            squares += x[i][j] * x[i][j];
        }
        *(uint2*)(sum + row + line * OF_LINE) = all.words;
    }
    __shared__ float parts[32];
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) squares += __shfl_xor_sync(~0u, squares, offset);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = squares;
    __syncthreads();
    squares = 0;
#pragma unroll
    for (int i = 0; i < THREADS / 32; i++) squares += parts[i];
    const float factor = rsqrtf(squares / WIDTH + epsilon);
#pragma unroll
    for (int i = 0; i < ITEMS; i++)
    {
        const int line = i * THREADS + threadIdx.x;
        if (line >= WIDTH / OF_LINE) continue;
        line_numbers made;
#pragma unroll
        for (int j = 0; j < OF_LINE; j++)
            round_to(&made.numbers[j], x[i][j] * (factor * wide(weight[line * OF_LINE + j])));
        *(uint2*)(normed + row + line * OF_LINE) = made.words;
    }
    end(state, round);
}

#endif
