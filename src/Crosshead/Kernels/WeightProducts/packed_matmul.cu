// Products with weights that lie one below the other (packed_product.cuh): one, or two of different formats in one
// launch. The blocks behind the first weight's take the second.
//
// Compile-time: as for packed_product.cuh, and SECOND, the format of the second weight, if there is one. Behind
// packed_product.cuh in namespace first, and in namespace second for the second format.

// The second weight has second_outputs rows. Its outputs follow the first one's.
extern "C" __global__ void __launch_bounds__(32 * WARPS) packed_matmul(const bf16* __restrict__ x,
    const u8* __restrict__ w, const bf16* __restrict__ bias, bf16* __restrict__ y, int tokens, int outputs, int inputs,
    int stride, const bf16* __restrict__ residual, const bf16* __restrict__ norm, float epsilon, float limit,
    const int* __restrict__ chosen, const int* __restrict__ starts, const int* __restrict__ places, int shared
#ifdef SECOND
    , const u8* __restrict__ second_w, int second_outputs
#endif
    )
{
#ifdef SECOND
    const int blocks = (outputs + OUTPUTS_OF_BLOCK - 1) / OUTPUTS_OF_BLOCK;
    if (blockIdx.x >= blocks)
    {
        second::multiply(blockIdx.x - blocks, x, second_w, bias ? bias + outputs : bias, y + outputs, tokens,
            second_outputs, inputs, stride, residual ? residual + outputs : residual, norm, epsilon, limit, chosen,
            starts, places, shared);
        return;
    }
#endif
    first::multiply(blockIdx.x, x, w, bias, y, tokens, outputs, inputs, stride, residual, norm, epsilon, limit, chosen,
        starts, places, shared);
}
