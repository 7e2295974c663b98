using System.IO.Hashing;
using System.Runtime.InteropServices;
using Crosshead.Decoding.Cpu;
using Crosshead.Kernels.CausalAttention;
using Crosshead.Kernels.Gating;
using Crosshead.Kernels.Norms;
using Crosshead.Kernels.Optimizer;
using Crosshead.Kernels.Rotary;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels;

/// <summary>
/// Results of the CPU kernels are the same bits whatever the width of the vectors: the hashes were taken with 512 bits,
/// and hold with 256 (DOTNET_EnableAVX512=0). Inputs come from integers, so that nothing else can differ.
/// </summary>
public sealed unsafe class KernelBitsTests
{
    public KernelBitsTests() => CpuKernels.Require();

    [Theory]
    [InlineData(ScalarType.Float32, "5bd8441ad8a1160a")]
    [InlineData(ScalarType.BFloat16, "baf691e45ca9496f")]
    public void Of_a_norm_and_its_gradients(ScalarType type, string hash)
    {
        using var scope = NewDisposeScope();
        var (input, weight) = (Values(type, 1, 37, 83).requires_grad_(),
            Values(ScalarType.Float32, 2, 83).requires_grad_());
        var output = FusedRmsNorm.Apply(input, weight, 1e-5);
        output.backward([Values(type, 3, 37, 83)]);
        Assert.Equal(hash, Hash(output, input.grad!, weight.grad!));
    }

    [Theory]
    [InlineData(ScalarType.Float32, "8f8c0b952927713b")]
    [InlineData(ScalarType.BFloat16, "2759fd406060589b")]
    public void Of_a_gated_activation_and_its_gradient(ScalarType type, string hash)
    {
        using var scope = NewDisposeScope();
        var input = (Values(type, 4, 19, 2 * 45) * 8).requires_grad_();
        var output = FusedSwiGlu.Apply(input);
        output.backward([Values(type, 5, 19, 45)]);
        Assert.Equal(hash, Hash(output, input.grad!));
    }

    [Theory]
    [InlineData(ScalarType.Float32, "cb31d5cda02f7929")]
    [InlineData(ScalarType.BFloat16, "fb556187ca4d5f6e")]
    public void Of_rotated_heads_and_their_gradient(ScalarType type, string hash)
    {
        using var scope = NewDisposeScope();
        var projected = Values(type, 6, 2, 9, 4 * 22).requires_grad_();
        var (query, key, value) = FusedRotary.Split(projected, Values(ScalarType.Float32, 7, 9, 11),
            Values(ScalarType.Float32, 8, 9, 11), 2, 1, 1);
        (query.sum() + key.sum() + value.sum()).backward();
        Assert.Equal(hash, Hash(query, key, value, projected.grad!));
    }

    [Theory]
    [InlineData(ScalarType.Float32, "030c58ee3008c6df")]
    [InlineData(ScalarType.BFloat16, "70961e570142ed9a")]
    public void Of_attention(ScalarType type, string hash)
    {
        using var scope = NewDisposeScope();
        var output = FusedCausalAttention.Apply(Values(type, 9, 2, 53, 4, 20) * 6, Values(type, 10, 2, 53, 2, 20) * 6,
            Values(type, 11, 2, 53, 2, 36));
        Assert.Equal(hash, Hash(output));
    }

    [Fact]
    public void Of_steps_of_the_optimizer()
    {
        using var scope = NewDisposeScope();
        Tensor[] values = [Values(ScalarType.Float32, 12, 7, 133)], first = [zeros(7, 133)], second = [zeros(7, 133)];
        for (var step = 1; step <= 3; step++)
            FusedAdamW.Step(values, [Values(ScalarType.Float32, 12 + step, 7, 133)], first, second,
                new AdamWStep(step, 0.01, 0.9, 0.95, 1e-8, 0.1, 0.3));
        var norm = tensor(GradientNorm.Squared(values), ScalarType.Float64);
        Assert.Equal("dfab2744b91fe83f", Hash(values[0], first[0], second[0], norm));
    }

    [Fact]
    public void Of_panels_of_float32() => Assert.Equal("7b1a7e9dc0217ffd", HashOfPanels<PanelFloat32>());

    [Fact]
    public void Of_panels_of_bfloat16() => Assert.Equal("6e010c47104aebaa", HashOfPanels<PanelBFloat16>());

    [Fact]
    public void Of_panels_of_bfloat16_and_rounded_vectors() =>
        Assert.Equal("36e24c855810c09c", HashOfPanels<PanelBFloat16Products>());

    [Fact]
    public void Of_panels_of_int8() => Assert.Equal("52a0a349850c3d8e", HashOfPanels<PanelInt8>());

    [Fact]
    public void Of_panels_of_fp8() => Assert.Equal("9aead36849728b10", HashOfPanels<PanelFp8>());

    [Fact]
    public void Panels_give_a_vector_the_same_products_whatever_is_multiplied_beside_it()
    {
        AssertAlone<PanelFloat32>();
        AssertAlone<PanelBFloat16>();
        AssertAlone<PanelBFloat16Products>();
        AssertAlone<PanelInt8>();
        AssertAlone<PanelFp8>();

        static void AssertAlone<T>() where T : unmanaged, IPanelElement<T>
        {
            const int count = 3, width = count * Panel.Lanes, most = 19;
            var depth = DepthOf<T>();
            using var panels = Panels<T>(count);
            using var x = Vectors<T>(most);
            using var y = new NativeBuffer<float>(2 * most * width);
            var alone = y.Pointer + (most * width);
            for (var row = 0; row < most; row++)
                Panel.Multiply(panels.Pointer, depth * Panel.Lanes, count, depth, x.Pointer + (row * depth), depth, 1,
                    alone + (row * width), width);
            for (var rows = 2; rows <= most; rows++)
            {
                Panel.Multiply(panels.Pointer, depth * Panel.Lanes, count, depth, x.Pointer, depth, rows, y.Pointer,
                    width);
                for (var i = 0; i < rows * width; i++) Assert.Equal(alone[i], y.Pointer[i]);
            }
        }
    }

    [Fact]
    public void Of_rows()
    {
        using var rows = new NativeBuffer<float>(4 * 64);
        for (var i = 0; i < rows.Length; i++) rows.Pointer[i] = Value(20, i) * 5;
        RowMath.RmsNorm(rows.Pointer, rows.Pointer + 64, 59, 1e-6, rows.Pointer + 128);
        RowMath.MultiplyComplex(rows.Pointer, rows.Pointer + 64, rows.Pointer + 96, 29, 0.7f, rows.Pointer);
        RowMath.SwiGlu(rows.Pointer + 64, rows.Pointer, 64);
        rows.Pointer[192] = RowMath.Exp(rows.Pointer, RowMath.Max(rows.Pointer, 64), 0.5f, rows.Pointer, 64);
        rows.Pointer[193] = RowMath.SumOfExp(rows.Pointer + 128, 3, 64);
        rows.Pointer[194] = (float)RowMath.SumOfSquares(rows.Pointer + 64, 61);
        Assert.Equal("f3ff174556f0c445", Hash(new ReadOnlySpan<byte>(rows.Pointer, 4 * (int)rows.Length)));
    }

    // Every number of vectors up to 19 with one, two and three panels: all tiles, and depths past a block.
    private static string HashOfPanels<T>() where T : unmanaged, IPanelElement<T>
    {
        const int most = 19;
        var depth = DepthOf<T>();
        using var panels = Panels<T>(3);
        using var x = Vectors<T>(most);
        using var y = new NativeBuffer<float>(3 * most * most * 3 * Panel.Lanes);
        var result = y.Pointer;
        for (var count = 1; count <= 3; count++)
            for (var rows = 1; rows <= most; rows++, result += most * 3 * Panel.Lanes)
                Panel.Multiply(panels.Pointer, depth * Panel.Lanes, count, depth, x.Pointer, depth, rows, result,
                    3 * Panel.Lanes);
        return Hash(new ReadOnlySpan<byte>(y.Pointer, 4 * (int)y.Length));
    }

    // Past a block of the tiles; a multiple of 16 where vectors are encoded.
    private static int DepthOf<T>() where T : unmanaged, IPanelElement<T> =>
        T.HasScales || T.RoundsVectors ? 304 : 300;

    private static NativeBuffer<T> Panels<T>(int count) where T : unmanaged, IPanelElement<T>
    {
        var panels = new NativeBuffer<T>(count * DepthOf<T>() * Panel.Lanes);
        var largest = T.HasScales ? T.Largest : 1;
        for (var i = 0; i < panels.Length; i++) panels.Pointer[i] = T.From(Value(21, i) * largest);
        return panels;
    }

    private static NativeBuffer<float> Vectors<T>(int count) where T : unmanaged, IPanelElement<T>
    {
        var depth = DepthOf<T>();
        var x = new NativeBuffer<float>(count * depth);
        using var plain = new NativeBuffer<float>(depth);
        for (var v = 0; v < count; v++)
        {
            for (var i = 0; i < depth; i++) plain.Pointer[i] = Value(22, ((long)v * depth) + i);
            T.Encode(plain.Pointer, depth, x.Pointer + (v * depth));
        }
        return x;
    }

    // Multiples of 2⁻²³ in [−1, 1) that look random.
    private static float Value(int seed, long index)
    {
        var bits = ((ulong)index + ((ulong)seed << 32) + 1) * 0x9e3779b97f4a7c15;
        bits = (bits ^ (bits >> 29)) * 0xbf58476d1ce4e5b9;
        return ((long)(bits >> 40) - (1 << 23)) / (float)(1 << 23);
    }

    private static Tensor Values(ScalarType type, int seed, params long[] shape)
    {
        var count = shape.Aggregate(1L, (a, b) => a * b);
        return tensor(Enumerable.Range(0, (int)count).Select(i => Value(seed, i)).ToArray(), shape).to_type(type);
    }

    private static string Hash(params Tensor[] tensors)
    {
        var bytes = new List<byte>();
        foreach (var t in tensors) bytes.AddRange(t.detach().contiguous().bytes.ToArray());
        return Hash(CollectionsMarshal.AsSpan(bytes));
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => XxHash64.HashToUInt64(bytes).ToString("x16");
}
