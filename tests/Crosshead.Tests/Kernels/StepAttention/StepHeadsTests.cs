using Crosshead.Kernels.StepAttention;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.StepAttention;

/// <summary>
/// From a step's joint product to queries and caches, against norm, rotation, mix and copies in float64.
/// </summary>
public sealed class StepHeadsTests
{
    private const int Batch = 3, Capacity = 9, At = 5;
    private const double Epsilon = 1e-6;

    [Theory]
    [InlineData(128, 8, 2, 2, 2, 128, 0, 0, false, false, 1)]    // heads
    [InlineData(128, 8, 2, 2, 2, 128, 0, 0, true, true, Batch)]  // normed, sequences at unequal positions
    // two components in one row, of four heads; dense values, composed keys
    [InlineData(128, 8, 2, 1, 1, 200, 4, 4, true, false, Batch)]
    [InlineData(80, 5, 3, 1, 3, 40, 3, 0, true, true, 1)]
    [InlineData(512, 2, 1, 1, 1, 8, 0, 2, false, true, 1)]
    public void Norms_turns_mixes_and_keeps(
        int width, int queryHeads, int keyHeads, int keyRows, int valueRows, int valueWidth, int composed, int mixed,
        bool queryNormed, bool keyNormed, int positions)
    {
        Assert.SkipUnless(cuda_is_available(), "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(2);
        Tensor Random(params long[] shape) => randn(shape, device: CUDA).to(ScalarType.BFloat16);
        var values = valueRows * valueWidth;
        var joint = Random(Batch, 1, ((queryHeads + keyHeads + composed) * width) + values);
        var (cos, sin) = (randn([positions, 1, width / 2], device: CUDA),
            randn([positions, 1, width / 2], device: CUDA));
        if (positions == 1) (cos, sin) = (cos.squeeze(0), sin.squeeze(0));
        var (queryNorm, keyNorm) = (queryNormed ? Random(width) : null, keyNormed ? Random(width) : null);
        var (keyCache, valueCache, factorCache) = (Random(Batch, keyRows, Capacity, keyHeads * width / keyRows),
            Random(Batch, valueRows, Capacity, valueWidth), composed == 0 ? null : Random(Batch, composed, Capacity));
        var mix = mixed == 0 ? null : Random(mixed, keyHeads, 2, width / 2);
        var (keysBefore, valuesBefore, factorsBefore) = (keyCache.clone(), valueCache.clone(), factorCache?.clone());

        Assert.True(StepHeads.Supports(joint, cos, keyCache, valueCache));
        var query = StepHeads.Apply(joint, cos, sin, queryNorm, keyNorm, Epsilon, mix,
            tensor(new[] { (long)At }, device: CUDA), keyCache, valueCache, factorCache);

        var exact = joint.to(ScalarType.Float64);
        Tensor Inverse(Tensor heads) => (heads.square().mean([-1L], keepdim: true) + Epsilon).rsqrt();
        Tensor Turned(long start, int heads, Tensor? norm)
        {
            var x = exact.narrow(2, start, heads * width).view(Batch, 1, heads, width);
            if (norm is not null) x = x * Inverse(x) * norm.to(ScalarType.Float64);
            var (a, b, c, s) = (x.narrow(3, 0, width / 2), x.narrow(3, width / 2, width / 2),
                cos.to(ScalarType.Float64).unsqueeze(-2), sin.to(ScalarType.Float64).unsqueeze(-2));
            return cat([(a * c) - (b * s), (b * c) + (a * s)], -1);
        }
        var turned = Turned(0, queryHeads, queryNorm);
        AssertNear(mix is null ? turned : Mixed(turned, mix.to(ScalarType.Float64)), query);
        var afterKeys = (queryHeads + keyHeads) * width;
        AssertKept(keyCache, keysBefore, Turned(queryHeads * width, keyHeads, keyNorm).view(Batch, keyRows, 1, -1));
        AssertKept(valueCache, valuesBefore, exact.narrow(2, afterKeys, values).view(Batch, valueRows, 1, -1));
        if (factorCache is null) return;
        AssertKept(factorCache, factorsBefore!,
            Inverse(exact.narrow(2, afterKeys + values, composed * width).view(Batch, composed, 1, width)).squeeze(3));
    }

    // Heads [B,1,h,d] times the conjugate mix [g,c,2,d/2] of their group, a head for each component: [B,1,h,c·d].
    private static Tensor Mixed(Tensor heads, Tensor mix)
    {
        var (h, p) = (heads.shape[2], heads.shape[3] / 2);
        Tensor Complex(Tensor real, Tensor imaginary) => complex(real.contiguous(), imaginary.contiguous());
        var z = Complex(heads.narrow(3, 0, p), heads.narrow(3, p, p)).unsqueeze(3);  // [B,1,h,1,p]
        var m = Complex(mix.select(2, 0), mix.select(2, 1)).repeat_interleave(h / mix.shape[0], 0);  // [h,c,p]
        var product = z * m.conj();
        return cat([product.real, product.imag], -1).flatten(3);
    }

    // The token's rows are the expected ones, all others what they were.
    private static void AssertKept(Tensor cache, Tensor before, Tensor expected)
    {
        AssertNear(expected, cache.narrow(2, At, 1));
        before.narrow(2, At, 1).copy_(cache.narrow(2, At, 1));
        Assert.True(cache.equal(before).all().item<bool>());
    }

    private static void AssertNear(Tensor expected, Tensor actual)
    {
        var error = ((actual.to(ScalarType.Float64) - expected).abs() / (expected.abs() + 0.05)).max().item<double>();
        Assert.True(error < 4.5e-3, $"relative error {error:e2}"); // half a unit of bfloat16's last place is 3.9e-3
    }
}
