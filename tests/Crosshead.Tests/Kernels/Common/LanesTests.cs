using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;

namespace Crosshead.Tests.Kernels.Common;

public sealed class LanesTests
{
    [Fact]
    public void Exp_is_within_two_units_in_the_last_place()
    {
        var worst = 0.0;
        for (var x = -87.2f; x < 88.2f; x += 0.00371f)
        {
            var exact = Math.Exp(x);
            var actual = Lanes.Exp(Vector512.Create(x))[3];
            worst = Math.Max(worst, Math.Abs(actual - exact) / (MathF.BitIncrement((float)exact) - (float)exact));
        }
        Assert.InRange(worst, 0.1, 2);
    }

    [Fact]
    public void Exp_at_the_ends()
    {
        Assert.Equal(0, Lanes.Exp(Vector512.Create(float.NegativeInfinity))[0]);
        Assert.Equal(0, Lanes.Exp(Vector512.Create(-1e9f))[0]);
        Assert.True(float.IsFinite(Lanes.Exp(Vector512.Create(1e9f))[0]));
        Assert.True(float.IsNaN(Lanes.Exp(Vector512.Create(float.NaN))[0]));
        Assert.Equal(1, Lanes.Exp(Vector512<float>.Zero)[0]);
    }
}
