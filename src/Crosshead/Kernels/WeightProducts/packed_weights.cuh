// Quantised weights as a device keeps them: exactly the numbers of their blocks, in the order in which tensor cores
// read them. Behind bfloat16.cuh.
//
// A tile is 16 rows, a unit 256 columns in 8 runs of 32, and a record holds a tile's unit. The records of a tile follow
// each other. Lane l of a warp has rows l/4 and l/4 + 8 of the tile and, of each run, columns 8(l%4) … + 7: half 0 of
// them for one product, half 1 for another. Where the halves of a run have factors of their own, it has columns
// 4(l%4) … + 3 of each. A record holds
//   - FORMAT::VECTORS times 16 bytes for each lane: the lane's 4·VECTORS words, four words of all lanes at a time;
//   - FORMAT::PLANES times a word for each pair of rows (p, p + 8) and run: 16 bits for row p, then for p + 8;
//   - FORMAT::TAIL words for each row of each pair of rows, each for as many runs.
// Rows and columns that are not there are zeros, factors included.
//
// A format says how many of these there are, what a block of the file puts there, and what weights they are:
// factor · (number − BASE) + offset, with a number for each element and a factor and an offset for each run.
//
// `pair` makes two numbers. `bits` makes them with fewer operations, but 2^EXPONENT too small: bfloat16's subnormal
// numbers are whole numbers of up to 8 bits as they are, and tensor cores multiply them exactly. Then BITS_BASE is what
// BASE is, and the second pair of a half is 2^STEP times too large.

typedef unsigned char u8;
typedef unsigned long long u64;

#define RUNS 8
#define RUN 32
#define UNIT (RUNS * RUN)
#define TILE_ROWS 16

// A column of a lane in a half of a run: of two pairs, s = 0 and 1, of columns e = 0 and 1.
struct Place
{
    int run, upper, half, s, e; // upper: 1 for row p + 8
};

__device__ __forceinline__ u32 half_at(const u8* p) { return p[0] | p[1] << 8; }

__device__ __forceinline__ u32 upper_or_lower(u32 word, int upper) { return upper ? word >> 16 : word & 0xffff; }

// Byte i of a word as a number. 2^23 + a byte is the byte in the last bits of the float.
__device__ __forceinline__ float byte_of(u32 word, int i)
{
    return __uint_as_float(0x4b000000 | (word >> 8 * i & 255)) - 8388608.0f;
}

// What `bits` is where it is `pair`.
template <class Own> struct PairsAsBits
{
    static constexpr int EXPONENT = 0, STEP = 0;
    template <class Words> static __device__ __forceinline__ u32 bits(Words words, int run, int upper, int half, int s)
    {
        return Own::pair(words, run, upper, half, s);
    }
};

// Numbers of 4 to 6 bits, from which ZERO is taken. With the bits of 128 they are bfloat16, 128 too large: the last bit
// of its mantissa is 1. A half of a word has numbers e = 0, the other those e = 1 beside them, so that one shift and
// one operation on the bits make two numbers. Of a run a lane has 8 such pairs.
#define BITS_OF_128 0x43004300

__device__ __forceinline__ int pair_of(int upper, int half, int s) { return 2 * half + s + 4 * upper; }

// A word a row, 4 bits a pair.
template <int ZERO> struct FourBits
{
    static constexpr int VECTORS = 4, BASE = 128 + ZERO;
    static constexpr int EXPONENT = 133, STEP = 4, BITS_BASE = ZERO;
    template <class Words> static __device__ __forceinline__ u32 bits(Words words, int run, int upper, int half, int s)
    {
        return words(2 * run + upper) >> 8 * half & (s ? 0x00f000f0 : 0x000f000f);
    }

    static __device__ __forceinline__ void place(u32* words, Place at, int number)
    {
        words[2 * at.run + at.upper] |= (u32)number << 4 * pair_of(0, at.half, at.s) + 16 * at.e;
    }

    // Numbers e = 0 (low half) and 1.
    template <class Words> static __device__ __forceinline__ u32 pair(Words words, int run, int upper, int half, int s)
    {
        return (words(2 * run + upper) >> 4 * pair_of(0, half, s) & 0x000f000f) | BITS_OF_128;
    }
};

// Five words for two runs: three pairs of 5 bits in each, and the last bits of all five for the sixteenth.
template <int ZERO> struct FiveBits : PairsAsBits<FiveBits<ZERO>>
{
    static constexpr int VECTORS = 5, BASE = 128 + ZERO, BITS_BASE = BASE;

    static __device__ __forceinline__ void place(u32* words, Place at, int number)
    {
        const int pair = 8 * (at.run % 2) + pair_of(at.upper, at.half, at.s);
        u32* own = words + 5 * (at.run / 2);
        if (pair < 15) own[pair % 5] |= (u32)number << 5 * (pair / 5) + 16 * at.e;
        else for (int bit = 0; bit < 5; bit++) own[bit] |= (u32)(number >> bit & 1) << 15 + 16 * at.e;
    }

    template <class Words> static __device__ __forceinline__ u32 pair(Words words, int run, int upper, int half, int s)
    {
        const int pair = 8 * (run % 2) + pair_of(upper, half, s), own = 5 * (run / 2);
        if (pair < 15) return (words(own + pair % 5) >> 5 * (pair / 5) & 0x001f001f) | BITS_OF_128;
        u32 bits = BITS_OF_128;
#pragma unroll
        for (int bit = 0; bit < 5; bit++) bits |= words(own + bit) >> 15 - bit & 0x00010001 << bit;
        return bits;
    }
};

// Three words a run: two pairs of 6 bits in each. The last 4 bits of the first two words are those of two more pairs,
// whose upper 2 the third word has.
template <int ZERO> struct SixBits : PairsAsBits<SixBits<ZERO>>
{
    static constexpr int VECTORS = 6, BASE = 128 + ZERO, BITS_BASE = BASE;

    static __device__ __forceinline__ void place(u32* words, Place at, int number)
    {
        const int pair = pair_of(at.upper, at.half, at.s);
        u32* own = words + 3 * at.run;
        if (pair < 6) own[pair % 3] |= (u32)number << 6 * (pair / 3) + 16 * at.e;
        else
        {
            own[pair - 6] |= (u32)(number & 15) << 12 + 16 * at.e;
            own[2] |= (u32)(number >> 4) << 2 * pair + 16 * at.e;
        }
    }

    template <class Words> static __device__ __forceinline__ u32 pair(Words words, int run, int upper, int half, int s)
    {
        const int pair = pair_of(upper, half, s), own = 3 * run;
        if (pair < 6) return (words(own + pair % 3) >> 6 * (pair / 3) & 0x003f003f) | BITS_OF_128;
        return (words(own + pair - 6) >> 12 & 0x000f000f) | BITS_OF_128
            | (words(own + 2) >> 2 * pair - 4 & 0x00300030);
    }
};
