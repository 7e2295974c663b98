using Crosshead.Kernels.Experts;
using Crosshead.Kernels.Products;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Layers;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.WeightProducts;

/// <summary>Quantised weights on a CUDA device against the numbers that their formats define.</summary>
public sealed class PackedMatrixTests
{
    private static readonly bool s_cuda = cuda_is_available();
    private static readonly Device s_device = new("cuda:0");

    public static TheoryData<string> Formats => [.. WeightFormat.All.Where(f => PackedFormat.Of(f) is not null)
        .Select(f => f.Name)];

    // Each plan of a product is a kernel, and takes a second to compile: all formats by two, and one format by all.
    [Theory, MemberData(nameof(Formats))]
    public void Products_and_rows_are_those_of_the_format(string name)
    {
        var format = WeightFormat.All.Single(f => f.Name == name);
        Check(format, [(70, 5 * format.BlockSize)], [1, 5, 20]);
    }

    [Fact]
    public void All_plans_have_the_same_products() =>
        Check(WeightFormat.Q5One, [(37, 11 * 256), (2048, 8192), (8192, 768)], [1, 2, 3, 8, 9, 33, 150]);

    // All codes, and those alone that are subnormal numbers.
    [Theory, InlineData(0xff), InlineData(0x87)]
    public void Factors_of_many_columns_are_kept_once(int codes) =>
        Check(WeightFormat.F8, [(70, 3 * 128), (2048, 2048), (8192, 512)], [1, 2, 3, 8, 20], stored =>
        {
            const int block = 36, factor = 4;
            for (var row = 0L; row < stored.Rows; row++)
            {
                var bytes = stored.BytesOf(row);
                for (var i = 0; i < bytes.Length; i++)
                    bytes[i] = i % block < factor ? bytes[(i / (4 * block) * 4 * block) + (i % block)]
                        : (byte)(bytes[i] & codes);
            }
            Assert.InRange(PackedFormat.Of([stored]).BytesOf(16, 256), 4096,
                PackedFormat.Of(WeightFormat.F8)!.BytesOf(16, 256) - 384);
        });

    private static void Check(WeightFormat format, (int, int)[] shapes, int[] counts,
        Action<WeightMatrix>? change = null)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        var name = format.Name;
        foreach (var (rows, columns) in shapes)
        {
            using var scope = NewDisposeScope();
            using var scratch = new DenseScratch();
            using var stored = Random(format, rows, columns, seed: rows);
            change?.Invoke(stored);
            using var packed = PackedMatrix.Of([stored], s_device, scratch);
            var numbers = stored.ToTensor(ScalarType.Float32, [rows, columns]);
            Assert.True(packed.ToTensor(ScalarType.BFloat16).cpu().eq(numbers.to(ScalarType.BFloat16)).all()
                .item<bool>(), $"{name} [{rows}, {columns}]: other numbers");
            var tokens = tensor(new long[] { rows - 1, 0, 17, rows / 2 }, [2, 2]);
            Assert.True(packed.RowsOf(tokens.to(s_device)).cpu()
                .eq(numbers.to(ScalarType.BFloat16).index_select(0, tokens.flatten()).view(2, 2, columns)).all()
                .item<bool>(),
                $"{name} [{rows}, {columns}]: other rows");
            foreach (var count in counts)
            {
                var (x, bias) = (Vectors(count, columns), count % 2 == 0 ? Vectors(rows) : null);
                Close(packed.Apply(x, bias), Product(x, numbers, bias), $"{name} [{rows}, {columns}] × {count}");
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(30)]
    [InlineData(70)]
    public void Matrices_of_different_formats_are_one_weight(int count)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var scratch = new DenseScratch();
        // The first two are one part, the last two are not: their tiles would straddle.
        WeightMatrix[] stored = [Random(WeightFormat.Q4K, 64, 512, 1), Random(WeightFormat.Q4K, 20, 512, 2),
            Random(WeightFormat.Q4K, 16, 512, 3), Random(WeightFormat.Q6K, 48, 512, 4)];
        using var packed = PackedMatrix.Of(stored, s_device, scratch);
        var parts = stored.Select(s => s.ToTensor(ScalarType.Float32, [s.Rows, 512])).ToArray();
        var (x, bias) = (Vectors(count, 512), Vectors(148));
        Close(packed.Apply(x, bias), Product(x, cat(parts), bias), "joint");
        Close(packed.ApplyGated(x, bias), Gated(Product(x, cat(parts), bias)), "joint, gated");
        foreach (var (part, numbers) in packed.Sources.Zip(parts))
        {
            Close(part.Apply(x, null), Product(x, numbers, null), "a part");
            Assert.True(part.ToTensor(ScalarType.BFloat16).cpu().eq(numbers.to(ScalarType.BFloat16)).all()
                .item<bool>());
        }
        foreach (var s in stored) s.Dispose();
    }

    // As queries and keys beside values in the files of llama.cpp.
    [Theory]
    [InlineData("Q4_K", "Q6_K", 1)]
    [InlineData("Q6_K", "Q4_0", 2)]
    [InlineData("F8", "Q8_0", 7)]
    public void Two_formats_are_multiplied_together(string upper, string lower, int count)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var scratch = new DenseScratch();
        using var first = Random(WeightFormat.All.Single(f => f.Name == upper), 150, 1024, 8);
        using var second = Random(WeightFormat.All.Single(f => f.Name == lower), 70, 1024, 9);
        using var packed = PackedMatrix.Of([first, second], s_device, scratch);
        var numbers = cat([first.ToTensor(ScalarType.Float32, [150, 1024]),
            second.ToTensor(ScalarType.Float32, [70, 1024])]);
        var (x, residual, bias) = (Vectors(count, 1024) * 3, Vectors(count, 220), Vectors(220));
        var (weight, wide) = (Vectors(1024), x.cpu().to(ScalarType.Float64));
        var normed = wide / (wide.square().mean([-1], keepdim: true) + 0.5).sqrt()
            * weight.cpu().to(ScalarType.Float64);
        Close(packed.Apply(x, null), Product(wide, numbers, null), $"{upper} and {lower}");
        Close(packed.Apply(x, bias, new InputNorm(weight, 0.5), residual),
            Product(normed, numbers, bias) + residual.cpu().to(ScalarType.Float64), $"{upper} and {lower}, normed");
    }

    [Theory]
    [InlineData("Q4_0", 1)]
    [InlineData("Q4_K", 1)]
    [InlineData("Q6_K", 3)]
    [InlineData("Q8_0", 9)]
    [InlineData("Q4_K", 130)]
    public void A_gated_product_is_the_product_of_its_halves(string name, int count)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var scratch = new DenseScratch();
        var format = WeightFormat.All.Single(f => f.Name == name);
        using var gate = Random(format, 176, 2048, 1);
        using var up = Random(format, 176, 2048, 2);
        using var packed = PackedMatrix.Of([gate, up], s_device, scratch);
        var (x, bias) = (Vectors(count, 2048), Vectors(352));
        var numbers = cat([.. new[] { gate, up }.Select(m => m.ToTensor(ScalarType.Float32, [176, 2048]))]);
        Close(packed.ApplyGated(x, bias), Gated(Product(x, numbers, bias)), name);
    }

    [Theory]
    [InlineData("Q8_0", 1)]
    [InlineData("Q4_K", 1)]
    [InlineData("Q4_0", 2)]
    [InlineData("Q6_K", 3)]
    [InlineData("Q5_1", 8)]
    [InlineData("Q8_0", 40)]
    public void A_product_norms_its_tokens_and_is_added(string name, int count)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var scratch = new DenseScratch();
        var format = WeightFormat.All.Single(f => f.Name == name);
        using var stored = Random(format, 352, 1024, 6);
        using var packed = PackedMatrix.Of([stored], s_device, scratch);
        var (x, residual, bias) = (Vectors(count, 1024) * 3, Vectors(count, 352), Vectors(352));
        var (weight, numbers) = (Vectors(1024), stored.ToTensor(ScalarType.Float32, [352, 1024]));
        InputNorm? norm = packed.CanNorm(x) ? new InputNorm(weight, 0.5) : null;
        Assert.Equal(count <= 8, norm is not null);
        var wide = x.cpu().to(ScalarType.Float64);
        if (norm is not null)
            wide = wide / (wide.square().mean([-1], keepdim: true) + 0.5).sqrt()
                * weight.cpu().to(ScalarType.Float64);
        var expected = Product(wide, numbers, bias);
        Close(packed.Apply(x, bias, norm, residual), expected + residual.cpu().to(ScalarType.Float64), name);
        if (norm is not null)
            KernelCheck.Close(Gated(expected), packed.ApplyGated(x, bias, norm), 1.0 / 64, $"{name}, gated");
    }

    [Theory]
    [InlineData("MXFP4", 1, true, 4)]
    [InlineData("MXFP4", 7, true, 4)]
    [InlineData("MXFP4", 64, true, 4)]
    [InlineData("Q4_K", 2, false, 1)]
    [InlineData("Q6_K", 20, false, 3)]
    [InlineData("Q8_0", 1, false, 8)]
    public void Experts_multiply_the_tokens_that_they_serve(string name, int tokens, bool clamped, int perToken)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        const int experts = 9, inner = 48, width = 1280;
        using var scope = NewDisposeScope();
        using var scratch = new DenseScratch();
        random.manual_seed(5);
        var format = WeightFormat.All.Single(f => f.Name == name);
        WeightMatrix[] stored = [.. Enumerable.Range(0, 2 * experts).Select(i => Random(format, inner, width, i))];
        Assert.True(PackedMatrix.AreAlike(stored));
        using var packed = PackedMatrix.Of(stored, s_device, scratch);
        var numbers = cat([.. stored.Select(m => m.ToTensor(ScalarType.Float32, [inner, width]))])
            .view(experts, 2 * inner, width);
        var routes = ExpertRoutes.Of(new ExpertChoice(randn([tokens, experts], ScalarType.Float32, s_device),
            new RoutingRule(perToken)));
        var of = ExpertsOf(routes);
        var (x, places) = (Vectors(tokens, width), Vectors(tokens * perToken, width));
        var bias = clamped ? Vectors(2 * experts * inner) : null;
        var gate = clamped ? ProductGate.Clamped(1.2) : ProductGate.Silu;
        Tensor Expected(Func<int, Tensor> row) => cat([.. of.Select((e, place) => Product(row(place), numbers[e],
            bias?.view(experts, -1)[e]))]);
        var shared = Expected(place => x.narrow(0, place / perToken, 1));
        var halves = shared.chunk(2, -1);
        Close(packed.ApplyExperts(x, bias, experts, routes, perToken, gate),
            clamped ? ClampedSwiGlu.Apply(halves[0], halves[1], 1.2) : Gated(shared), $"{name} × {tokens}, gated");
        Close(packed.ApplyExperts(places, bias, experts, routes, 1, ProductGate.None),
            Expected(place => places.narrow(0, place, 1)), $"{name} × {tokens}");
        for (var e = 0; e < experts; e += 4)
            Close(packed.Some(e * 2 * inner, 2 * inner).Apply(x, null), Product(x, numbers[e], null), "one expert");
        foreach (var matrix in stored) matrix.Dispose();
    }

    // The expert of each place.
    internal static int[] ExpertsOf(ExpertRoutes routes)
    {
        int[] Read(Tensor numbers) => numbers.cpu().data<int>().ToArray();
        var (chosen, starts, order) = (Read(routes.Chosen), Read(routes.Starts), Read(routes.Order));
        var experts = new int[routes.Places];
        for (var slot = 0; slot < chosen.Length && chosen[slot] >= 0; slot++)
            for (var i = starts[slot]; i < starts[slot + 1]; i++) experts[order[i]] = chosen[slot];
        return experts;
    }

    [Fact]
    public void A_weight_larger_than_the_scratch_becomes_a_tensor_piece_by_piece()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var scratch = new DenseScratch();
        using var stored = Random(WeightFormat.Q4Zero, 20_000, 1024, 5);
        using var packed = PackedMatrix.Of([stored], s_device, scratch);
        Assert.InRange(scratch.RowsOf(1024), 1, 19_999);
        var x = Vectors(100, 1024);
        var (numbers, bias) = (stored.ToTensor(ScalarType.Float32, [20_000, 1024]), Vectors(20_000));
        Close(packed.ApplyDense(x, null), Product(x, numbers, null), "pieces");
        Close(packed.ApplyDense(x, bias), Product(x, numbers, bias), "pieces, with a bias");
    }

    // Random blocks whose factors of half precision are small.
    private static unsafe WeightMatrix Random(WeightFormat format, int rows, int columns, int seed)
    {
        var random = new Random(seed);
        var matrix = WeightMatrix.OfZeros(format, rows, columns);
        var bytes = new Span<byte>(matrix.Data, (int)matrix.Bytes);
        random.NextBytes(bytes);
        for (var block = 0; block < bytes.Length; block += format.BlockBytes)
        {
            foreach (var at in format.Halves)
                BitConverter.TryWriteBytes(bytes[(block + at)..], (Half)((random.NextDouble() - 0.5) / 64));
            if (format == WeightFormat.Mxfp4) bytes[block] = (byte)random.Next(115, 125);
            if (format == WeightFormat.Q4Point) bytes[block + 2] = (byte)random.Next(0, 17);
            if (format == WeightFormat.F8)
                BitConverter.TryWriteBytes(bytes[block..], (random.NextSingle() - 0.5f) / 999);
        }
        return matrix;
    }

    private static Tensor Vectors(params long[] shape) => randn(shape, ScalarType.BFloat16, s_device);

    private static Tensor Product(Tensor x, Tensor numbers, Tensor? bias) => nn.functional.linear(
        x.cpu().to(ScalarType.Float64), numbers.to(ScalarType.Float64), bias?.cpu().to(ScalarType.Float64));

    private static Tensor Gated(Tensor both)
    {
        var halves = both.chunk(2, -1);
        return nn.functional.silu(halves[0]) * halves[1];
    }

    private static void Close(Tensor actual, Tensor expected, string what) =>
        KernelCheck.Close(expected, actual, KernelCheck.Tolerance(ScalarType.BFloat16), what);
}
