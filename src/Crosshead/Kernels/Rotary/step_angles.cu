// What a decoding step asks of its positions: the rows of the rotary tables, and how many tokens each sequence sees.
// Compiled behind launches.cuh.
//
// cosine and sine [rows, half]; positions [B], those from `rows` on take the last row; cosines and sines [B, half],
// lengths [B]. A block a sequence.
extern "C" __global__ void step_angles(const float* __restrict__ cosine, const float* __restrict__ sine,
    const long long* __restrict__ positions, long long rows, int half, float* __restrict__ cosines,
    float* __restrict__ sines, int* __restrict__ lengths)
{
    follow();
    let_follow();
    const int sequence = blockIdx.x;
    const long long position = positions[sequence], row = position < rows ? position : rows - 1;
    for (int i = threadIdx.x; i < half; i += blockDim.x)
    {
        cosines[sequence * half + i] = cosine[row * half + i];
        sines[sequence * half + i] = sine[row * half + i];
    }
    if (threadIdx.x == 0) lengths[sequence] = (int)position + 1;
}
