// What lies between the projections of a gated layer. Compile-time: GLU (2: that of gpt-oss, which is
// (up + 1)·gate·σ(1.702·gate) of numbers that are cut off at a limit; otherwise silu(gate)·up).
__device__ __forceinline__ float gated(float gate, float up, float limit)
{
    if (GLU != 2) return gate / (1 + __expf(-gate)) * up;
    gate = fminf(gate, limit);
    return (fminf(fmaxf(up, -limit), limit) + 1) * gate / (1 + __expf(-1.702f * gate));
}
