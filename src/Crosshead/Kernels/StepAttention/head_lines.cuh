// A head that four lanes of a warp share, in registers: its norm and its rotation. Behind bfloat16.cuh.
//
// Compile-time: WIDTH (of a head), NORMED (1: heads are normed).

#define PARTS (WIDTH / 32) // of a head: 32 numbers, 8 a lane

// A lane's numbers of a head: 8 of each part.
typedef uint4 Lines[PARTS];

__device__ __forceinline__ void read(Lines& lines, const bf16* head, bool there)
{
#pragma unroll
    for (int part = 0; part < PARTS; part++)
        lines[part] = there ? *(const uint4*)(head + 32 * part) : make_uint4(0, 0, 0, 0);
}

__device__ __forceinline__ float number(uint4 line, int i)
{
    const u32 words[4] = { line.x, line.y, line.z, line.w };
    return widen((bf16)(words[i / 2] >> i % 2 * 16));
}

// The angles of a lane's numbers of the first half.
typedef float Angles[PARTS / 2][8];

__device__ __forceinline__ void read(Angles& angles, const float* source)
{
#pragma unroll
    for (int part = 0; part < PARTS / 2; part++)
#pragma unroll
        for (int i = 0; i < 8; i += 4)
        {
            const float4 x = *(const float4*)(source + 32 * part + i);
            angles[part][i] = x.x; angles[part][i + 1] = x.y; angles[part][i + 2] = x.z; angles[part][i + 3] = x.w;
        }
}

// Norms a head, if NORMED, and turns it.
__device__ __forceinline__ void turn(Lines& head, const Lines& gains, float epsilon, const Angles& cosine,
    const Angles& sine)
{
    float x[PARTS][8], squares = 0;
#pragma unroll
    for (int part = 0; part < PARTS; part++)
#pragma unroll
        for (int i = 0; i < 8; i++)
        {
            x[part][i] = number(head[part], i);
            squares += x[part][i] * x[part][i];
        }
    if (NORMED)
    {
        squares += __shfl_xor_sync(~0u, squares, 1);
        squares += __shfl_xor_sync(~0u, squares, 2);
        const float factor = rsqrtf(squares / WIDTH + epsilon);
#pragma unroll
        for (int part = 0; part < PARTS; part++)
#pragma unroll
            for (int i = 0; i < 8; i++) x[part][i] *= factor * number(gains[part], i);
    }
#pragma unroll
    for (int part = 0; part < PARTS / 2; part++)
#pragma unroll
        for (int i = 0; i < 8; i++)
        {
            const float a = x[part][i], b = x[part + PARTS / 2][i];
            x[part][i] = a * cosine[part][i] - b * sine[part][i];
            x[part + PARTS / 2][i] = b * cosine[part][i] + a * sine[part][i];
        }
#pragma unroll
    for (int part = 0; part < PARTS; part++)
        head[part] = make_uint4(pack(x[part][0], x[part][1]), pack(x[part][2], x[part][3]),
            pack(x[part][4], x[part][5]), pack(x[part][6], x[part][7]));
}
