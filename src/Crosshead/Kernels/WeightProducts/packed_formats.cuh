// The formats of quantised weights. Behind packed_weights.cuh, which says what a format is.

// The formats of blocks of 32 with a half d at the beginning.
struct SmallBlock
{
    static constexpr int BLOCK = 32, PLANES = 1, TAIL = 0, SUBS = 1, OFFSET = 0;
    static __device__ __forceinline__ u32 item(const u8* block, int plane, int run)
    {
        return half_at(block + 2 * plane);
    }
    static __device__ __forceinline__ u32 tail(const u8* block) { return 0; }
    static __device__ __forceinline__ float factor(u32 word, u32 second, u32 tail, int upper, int sub)
    {
        return widen_half(upper_or_lower(word, upper));
    }
    static __device__ __forceinline__ float offset(u32 word, u32 second, u32 tail, int upper) { return 0; }
    static __device__ __forceinline__ int nibble(const u8* q, int i) { return i < 16 ? q[i] & 15 : q[i - 16] >> 4; }
    static __device__ __forceinline__ int fifth(const u8* bits, int i) { return (bits[i / 8] >> i % 8 & 1) << 4; }
};

// With a minimum m behind d.
struct SmallBlockWithMinimum : SmallBlock
{
    static constexpr int PLANES = 2, OFFSET = 1;
    static __device__ __forceinline__ float offset(u32 word, u32 second, u32 tail, int upper)
    {
        return widen_half(upper_or_lower(second, upper));
    }
};

struct Q4_0 : SmallBlock, FourBits<8>
{
    static constexpr int BYTES = 18;
    static __device__ __forceinline__ int number(const u8* block, int i) { return nibble(block + 2, i); }
};

struct Q4_1 : SmallBlockWithMinimum, FourBits<0>
{
    static constexpr int BYTES = 20;
    static __device__ __forceinline__ int number(const u8* block, int i) { return nibble(block + 4, i); }
};

struct Q5_0 : SmallBlock, FiveBits<16>
{
    static constexpr int BYTES = 22;
    static __device__ __forceinline__ int number(const u8* block, int i)
    {
        return nibble(block + 6, i) | fifth(block + 2, i);
    }
};

struct Q5_1 : SmallBlockWithMinimum, FiveBits<0>
{
    static constexpr int BYTES = 24;
    static __device__ __forceinline__ int number(const u8* block, int i)
    {
        return nibble(block + 8, i) | fifth(block + 4, i);
    }
};

// With a zero point z behind d: d·(q − z).
struct Q4_POINT : SmallBlock, FourBits<0>
{
    static constexpr int BYTES = 19, PLANES = 2, OFFSET = 1;
    static __device__ __forceinline__ int number(const u8* block, int i) { return nibble(block + 3, i); }
    static __device__ __forceinline__ u32 item(const u8* block, int plane, int run)
    {
        return plane == 0 ? half_at(block) : block[2];
    }
    static __device__ __forceinline__ float offset(u32 word, u32 second, u32 tail, int upper)
    {
        return -widen_half(upper_or_lower(word, upper)) * byte_of(second, 2 * upper);
    }
};

// Numbers of 8 bits.
struct Bytes
{
    static constexpr int VECTORS = 8, BASE = 0;
    static __device__ __forceinline__ void place(u32* words, Place at, int number)
    {
        words[4 * at.run + 2 * at.upper + at.half] |= (u32)number << (8 * at.s + 16 * at.e);
    }
    // The bytes of a pair: the low one of each half of a word.
    template <class Words> static __device__ __forceinline__ u32 bytes(Words words, int run, int upper, int half, int s)
    {
        return words(4 * run + 2 * upper + half) >> 8 * s;
    }
};

// Signed numbers of 8 bits, kept 128 too large: the low 7 as above, less 128, or less 256 where they are negative.
struct Q8_0 : SmallBlock, Bytes
{
    static constexpr int BYTES = 34;
    static __device__ __forceinline__ int number(const u8* block, int i) { return block[2 + i] ^ 128; }
    template <class Words> static __device__ __forceinline__ u32 pair(Words words, int run, int upper, int half, int s)
    {
        const u32 two = bytes(words, run, upper, half, s);
        return multiply_add2((~two & 0x00800080) | 0x43004300, 0xbf80bf80, (two & 0x007f007f) | 0x43004300);
    }
    static constexpr int EXPONENT = 133, STEP = 0, BITS_BASE = 128;
    template <class Words> static __device__ __forceinline__ u32 bits(Words words, int run, int upper, int half, int s)
    {
        return bytes(words, run, upper, half, s) & 0x00ff00ff;
    }
};

// Floating-point numbers of a sign, four bits of exponent and three of mantissa: bfloat16's own, but for 2^120. The
// factor is in single precision, its lower half first.
struct F8 : SmallBlock, Bytes
{
    static constexpr int BYTES = 36, PLANES = 2, EXPONENT = 120, STEP = 0, BITS_BASE = 0;
    static __device__ __forceinline__ int number(const u8* block, int i) { return block[4 + i]; }
    static __device__ __forceinline__ float factor(u32 word, u32 second, u32 tail, int upper, int sub)
    {
        return __uint_as_float(upper_or_lower(word, upper) | upper_or_lower(second, upper) << 16);
    }
    // One number of two in a half of a word lies as bfloat16 has it, the other in the rest.
    static __device__ __forceinline__ void place(u32* words, Place at, int number)
    {
        const u32 n = number;
        words[4 * at.run + 2 * at.upper + at.half] |= (at.s ? (n & 0x70) << 8 | (n & 0x80) << 4 | (n & 15)
            : (n & 0x80) << 8 | (n & 0x7f) << 4) << 16 * at.e;
    }
    template <class Words> static __device__ __forceinline__ u32 bits(Words words, int run, int upper, int half, int s)
    {
        const u32 two = words(4 * run + 2 * upper + half);
        return s ? (two << 4 & 0x80f080f0) | (two >> 4 & 0x07000700) : two & 0x87f087f0;
    }
    template <class Words> static __device__ __forceinline__ u32 pair(Words words, int run, int upper, int half, int s)
    {
        return multiply_add2(bits(words, run, upper, half, s), 0x7b807b80, 0x80008000);
    }
};

// With a factor for each four runs of a row.
struct F8_WIDE : F8
{
    static constexpr int PLANES = 0, TAIL = 2;
    static __device__ __forceinline__ u32 tail(const u8* block) { return half_at(block) | half_at(block + 2) << 16; }
    static __device__ __forceinline__ float factor(u32 word, u32 second, u32 tail, int upper, int sub)
    {
        return __uint_as_float(tail);
    }
};

// Floating-point numbers of a sign, two bits of exponent and one of mantissa: bfloat16's own, but for 2^126. The factor
// is a power of two, kept as bfloat16.
struct MXFP4 : SmallBlock
{
    static constexpr int BYTES = 17, VECTORS = 4, BASE = 0, EXPONENT = 126, STEP = 0, BITS_BASE = 0;
    static __device__ __forceinline__ int number(const u8* block, int i) { return nibble(block + 1, i); }
    static __device__ __forceinline__ u32 item(const u8* block, int plane, int run)
    {
        return block[0] == 0 ? 0x40 : block[0] << 7;
    }
    static __device__ __forceinline__ float factor(u32 word, u32 second, u32 tail, int upper, int sub)
    {
        return __uint_as_float(upper_or_lower(word, upper) << 16);
    }
    static __device__ __forceinline__ void place(u32* words, Place at, int number)
    {
        FourBits<0>::place(words, at, number);
    }
    template <class Words> static __device__ __forceinline__ u32 pair(Words words, int run, int upper, int half, int s)
    {
        return multiply_add2(bits(words, run, upper, half, s), 0x7e807e80, 0x80008000);
    }
    template <class Words> static __device__ __forceinline__ u32 bits(Words words, int run, int upper, int half, int s)
    {
        const u32 two = words(2 * run + upper) >> 4 * (2 * half + s);
        return (two & 0x00080008) << 12 | (two & 0x00070007) << 6;
    }
};

// The formats of blocks of 256 with d and dmin, and a scale and a minimum of 6 bits for each run.
struct LargeBlock
{
    static constexpr int BLOCK = 256, PLANES = 1, TAIL = 1, SUBS = 1, OFFSET = 1;
    static __device__ __forceinline__ u32 item(const u8* block, int plane, int run) // the scale, then the minimum
    {
        const u8* s = block + 4;
        return run < 4 ? (s[run] & 63) | (s[run + 4] & 63) << 8
            : (s[run + 4] & 15 | s[run - 4] >> 6 << 4) | (s[run + 4] >> 4 | s[run] >> 6 << 4) << 8;
    }
    static __device__ __forceinline__ u32 tail(const u8* block) { return half_at(block) | half_at(block + 2) << 16; }
    static __device__ __forceinline__ float factor(u32 word, u32 second, u32 tail, int upper, int sub)
    {
        return __fmul_rn(widen_half(tail & 0xffff), byte_of(word, 2 * upper));
    }
    static __device__ __forceinline__ float offset(u32 word, u32 second, u32 tail, int upper)
    {
        return -__fmul_rn(widen_half(tail >> 16), byte_of(word, 2 * upper + 1));
    }
    static __device__ __forceinline__ int nibble(const u8* q, int i)
    {
        return q[i / 64 * 32 + i % 32] >> 4 * (i / 32 % 2) & 15;
    }
};

struct Q4_K : LargeBlock, FourBits<0>
{
    static constexpr int BYTES = 144;
    static __device__ __forceinline__ int number(const u8* block, int i) { return nibble(block + 16, i); }
};

struct Q5_K : LargeBlock, FiveBits<0>
{
    static constexpr int BYTES = 176;
    static __device__ __forceinline__ int number(const u8* block, int i)
    {
        return nibble(block + 48, i) | (block[16 + i % 32] >> i / 32 & 1) << 4;
    }
};

// Blocks of 256 with d at the end, and a signed scale of 8 bits for each half of a run.
struct Q6_K : SixBits<32>
{
    static constexpr int BLOCK = 256, BYTES = 210, PLANES = 1, TAIL = 1, SUBS = 2, OFFSET = 0;
    static __device__ __forceinline__ int number(const u8* block, int i)
    {
        const int part = i / 128, run = i % 128 / 32, l = i % 32;
        return block[64 * part + run % 2 * 32 + l] >> run / 2 * 4 & 15
            | (block[128 + 32 * part + l] >> 2 * run & 3) << 4;
    }
    static __device__ __forceinline__ u32 item(const u8* block, int plane, int run) // 128 more than the scales
    {
        return block[192 + 2 * run] ^ 128 | (block[193 + 2 * run] ^ 128) << 8;
    }
    static __device__ __forceinline__ u32 tail(const u8* block) { return half_at(block + 208); }
    static __device__ __forceinline__ float factor(u32 word, u32 second, u32 tail, int upper, int sub)
    {
        return __fmul_rn(widen_half(tail), byte_of(word, 2 * upper + sub) - 128.0f);
    }
    static __device__ __forceinline__ float offset(u32 word, u32 second, u32 tail, int upper) { return 0; }
};
