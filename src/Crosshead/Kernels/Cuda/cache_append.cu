// Writes one token's key and value rows where the device alone knows: at token `position` of caches [batch, rows, capacity, width].
// An element is 16 bits; LANES of them move at once: 8, where rows and strides lie on 16 bytes, or 1.

#if LANES == 8
typedef uint4 lane;
#else
typedef unsigned short lane;
#endif

struct rows
{
    const lane* source;
    lane* cache;
    long long sourceBatch, sourceRow, cacheBatch, cacheRow; // strides in lanes
    int count, width;                                        // rows a sequence; lanes a row
};

__device__ inline void copy(const rows& part, long long i, long long position)
{
    const int column = i % part.width, row = i / part.width % part.count;
    const long long batch = i / part.width / part.count;
    part.cache[batch * part.cacheBatch + row * part.cacheRow + position * part.width + column] = part.source[batch * part.sourceBatch + row * part.sourceRow + column];
}

extern "C" __global__ void cache_append(const long long* __restrict__ position, int batch,
    const lane* __restrict__ key, lane* __restrict__ keys, long long keyBatch, long long keyRow, long long keysBatch, long long keysRow, int keyRows, int keyWidth,
    const lane* __restrict__ value, lane* __restrict__ values, long long valueBatch, long long valueRow, long long valuesBatch, long long valuesRow, int valueRows, int valueWidth)
{
    const rows k = { key, keys, keyBatch, keyRow, keysBatch, keysRow, keyRows, keyWidth };
    const rows v = { value, values, valueBatch, valueRow, valuesBatch, valuesRow, valueRows, valueWidth };
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const long long ofKeys = (long long)batch * keyRows * keyWidth, ofValues = (long long)batch * valueRows * valueWidth;
    if (i < ofKeys) copy(k, i, *position);
    else if (i < ofKeys + ofValues) copy(v, i - ofKeys, *position);
}
