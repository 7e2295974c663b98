namespace Crosshead.Runtime.MachineCode;

// The vector instructions, with names of what they compute; the processor's own name stands beside each.
internal sealed partial class Assembler
{
    private const int Bits512 = 2, Bits256 = 1;
    private static readonly VectorRegister s_none = new(0);

    /// <summary>to = 64 bytes (vmovups)</summary>
    public void Load(VectorRegister to, VectorOperand from) => Vector(1, 0, 0x10, to, s_none, from);

    /// <summary>64 bytes = from (vmovups)</summary>
    public void Store(Address to, VectorRegister from) => Vector(1, 0, 0x11, from, s_none, to);

    /// <summary>32 bytes = the lower half of from (vmovups)</summary>
    public void Store32(Address to, VectorRegister from) =>
        Vector(1, 0, 0x11, from, s_none, to, Bits256, 32);

    /// <summary>All lanes = the 32 bits at an address (vpbroadcastd)</summary>
    public void Broadcast(VectorRegister to, Address from) => Vector(2, 1, 0x58, to, s_none, from, unit: 4);

    /// <summary>to = 0 (vpxord)</summary>
    public void Clear(VectorRegister to) => Xor(to, to, to);

    /// <summary>to = a xor b (vpxord)</summary>
    public void Xor(VectorRegister to, VectorRegister a, VectorOperand b) => Vector(1, 1, 0xef, to, a, b);

    /// <summary>
    /// Each lane of 32 bits += the sum of four products of a's bytes without signs by b's with signs (vpdpbusd,
    /// AVX512_VNNI).
    /// </summary>
    public void AddByteProducts(VectorRegister to, VectorRegister a, VectorOperand b) =>
        Vector(2, 1, 0x50, to, a, b);

    /// <summary>
    /// Each lane of 32 bits += the sum of two products of a's and b's integers of 16 bits (vpdpwssd, AVX512_VNNI).
    /// </summary>
    public void AddInt16Products(VectorRegister to, VectorRegister a, VectorOperand b) =>
        Vector(2, 1, 0x52, to, a, b);

    /// <summary>
    /// Each float32 += the sum of two products of a's and b's bfloat16 (vdpbf16ps, AVX512_BF16). Numbers that are not
    /// normal count as 0.
    /// </summary>
    public void AddBFloat16Products(VectorRegister to, VectorRegister a, VectorOperand b) =>
        Vector(2, 2, 0x52, to, a, b);

    /// <summary>to = integers of 32 bits as float32 (vcvtdq2ps)</summary>
    public void ToFloat32(VectorRegister to, VectorOperand from) => Vector(1, 0, 0x5b, to, s_none, from);

    /// <summary>to = a + b, float32 (vaddps)</summary>
    public void Add(VectorRegister to, VectorRegister a, VectorOperand b) => Vector(1, 0, 0x58, to, a, b);

    /// <summary>to = a · b, float32 (vmulps)</summary>
    public void Multiply(VectorRegister to, VectorRegister a, VectorOperand b) => Vector(1, 0, 0x59, to, a, b);

    /// <summary>to += a · b, float32, rounded once (vfmadd231ps)</summary>
    public void AddProduct(VectorRegister to, VectorRegister a, VectorOperand b) =>
        Vector(2, 1, 0xb8, to, a, b);

    /// <summary>to = thirty-two integers of 8 bits with signs as 16 bits (vpmovsxbw)</summary>
    public void WidenBytes(VectorRegister to, VectorOperand from) =>
        Vector(2, 1, 0x20, to, s_none, from, unit: 32);

    /// <summary>
    /// The quarters of to = two of a's, then two of b's; two bits of the choice for each (vshuff32x4).
    /// </summary>
    public void ShuffleQuarters(VectorRegister to, VectorRegister a, VectorOperand b, int choice)
    {
        Vector(3, 1, 0x23, to, a, b);
        _code.Add((byte)choice);
    }

    /// <summary>
    /// In each quarter, to = two lanes of a's, then two of b's; two bits of the choice for each (vshufps).
    /// </summary>
    public void Shuffle(VectorRegister to, VectorRegister a, VectorOperand b, int choice)
    {
        Vector(1, 0, 0xc6, to, a, b);
        _code.Add((byte)choice);
    }

    // Forgets the upper halves of registers, so that older instructions do not wait for them (vzeroupper).
    private void ZeroUpper() => _code.AddRange([0xc5, 0xf8, 0x77]);

    // An instruction with an EVEX prefix: its map (1: 0F, 2: 0F38, 3: 0F3A), its old prefix (0: none, 1: 66, 2: F3,
    // 3: F2) and the code; then its three operands. The bit W is 0. A displacement counts in units of what is read.
    private void Vector(int map, int prefix, byte code, VectorRegister first, VectorRegister second,
        VectorOperand last, int length = Bits512, int unit = 64)
    {
        var (other, index) = last.Memory is { } place
            ? ((int)place.Base, (int)(place.Index ?? 0) >> 3)
            : (last.Register.Number, last.Register.Number >> 4);
        _code.Add(0x62);
        // The upper bits of registers are stored as their opposites: bits 3 and 4 of the first, 4 (or an index's 3)
        // and 3 of the last, then all of the second.
        _code.Add((byte)((((first.Number << 4 & 0x80) | (index << 6) | (other << 2 & 0x20) | (first.Number & 0x10))
            ^ 0xf0) | map));
        _code.Add((byte)((~second.Number << 3 & 0x78) | 4 | prefix));
        _code.Add((byte)((length << 5) | (last.IsOne ? 0x10 : 0) | (~second.Number >> 1 & 8)));
        _code.Add(code);
        if (last.Memory is { } address) Memory(first.Number, address, last.IsOne ? 4 : unit);
        else _code.Add((byte)(0xc0 | ((first.Number & 7) << 3) | (last.Register.Number & 7)));
    }
}
